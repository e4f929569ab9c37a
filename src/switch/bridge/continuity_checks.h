// The maintenance points of a switch: between Interface rows, ports and the protocol (protocols/cfm.h).
//
// configure() follows a row, received() takes the packets that translation found to be continuity checks,
// run() sends what is due and carries changes to where they matter: the port (groups, bundles and bonds), the
// log, and, by the callback, the database.  A point dies with its port.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/loop.h"
#include "ovsdb/client/transaction.h"
#include "schema/vswitch.h"
#include "switch/ofproto/port.h"
#include "switch/protocols/cfm.h"
#include "switch/upcall/backer.h"

namespace weft::vswitch {

class ContinuityChecks {
  public:
    using FindBacker = std::function<Backer*(const OfPort&)>;
    // `changed` is called when something that write() writes is not what it was.
    ContinuityChecks(net::Loop& loop, FindBacker find_backer, std::function<void()> changed);

    // The port's point as its row says, none without cfm_mpid.
    void configure(OfPort& port, const schema::vswitch::Interface& row, std::vector<std::string>& warnings);
    void remove(const OfPort& port);
    void received(OfPort& port, const packet::Packet& packet);
    void run();  // once in every turn

    const Cfm* find(std::string_view interface) const;  // nullptr: no point
    std::vector<std::string> names() const;
    void override_fault(std::string_view interface, std::optional<bool> fault);
    // The row's cfm_* columns.
    void write(ovsdb::client::Transaction& txn, const schema::vswitch::Interface& row) const;

  private:
    struct Reported {
        uint8_t faults = 0;
        bool up = true;
        std::optional<int> health;
        std::vector<uint64_t> remotes;
        uint64_t flaps = 0;
        bool operator==(const Reported&) const = default;
    };
    struct Point {
        OfPort* port = nullptr;
        std::unique_ptr<Cfm> cfm;
        Reported reported;
    };

    void run(Point& point, int64_t now_ms);
    void count(Point& point);
    void send(Point& point, const Cfm::Send& message);

    net::Loop& loop_;
    FindBacker find_backer_;
    std::function<void()> changed_;
    std::map<std::string, Point, std::less<>> points_;  // by interface
    std::unique_ptr<net::Loop::Timer> timer_;
    bool due_ = false;
};

}  // namespace weft::vswitch
