// The BFD sessions of a switch: between Interface rows, ports and the protocol (protocols/bfd.h).
//
// configure() follows a row, received() takes the packets that translation found to be a session's, run()
// sends what is due and carries changes to where they matter: the port (groups, bundles and bonds), the log,
// and, by the callback, the database.  A session dies with its port.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/loop.h"
#include "ovsdb/client/containers.h"
#include "switch/ofproto/port.h"
#include "switch/protocols/bfd.h"
#include "switch/upcall/backer.h"

namespace weft::vswitch {

class PortMonitors {
  public:
    using FindBacker = std::function<Backer*(const OfPort&)>;
    // `changed` is called when a status() differs from what it was.
    PortMonitors(net::Loop& loop, FindBacker find_backer, std::function<void()> changed);

    // The port's session as its row's `bfd` says, none if that does not enable one.
    void configure(OfPort& port, const ovsdb::StringMap& bfd, std::vector<std::string>& warnings);
    void remove(const OfPort& port);
    void received(OfPort& port, const packet::Packet& packet, const packet::Flow& key);
    void run();  // once in every turn

    const Bfd* find(std::string_view interface) const;  // nullptr: no session
    std::vector<std::string> names() const;
    ovsdb::StringMap status(std::string_view interface) const;  // bfd_status; empty: no session
    void override_forwarding(std::string_view interface, std::optional<bool> forwarding);

  private:
    struct Session {
        OfPort* port = nullptr;
        std::unique_ptr<Bfd> bfd;
        std::map<std::string, std::string> reported;
    };

    uint32_t new_discriminator();
    void run(Session& session, int64_t now_ms);
    void send(Session& session, const BfdMessage& message);
    void count();

    net::Loop& loop_;
    FindBacker find_backer_;
    std::function<void()> changed_;
    std::map<std::string, Session, std::less<>> sessions_;  // by interface
    std::unique_ptr<net::Loop::Timer> timer_, count_timer_;
    bool due_ = false;
};

}  // namespace weft::vswitch
