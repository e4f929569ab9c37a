// In-band control: controllers and managers that are reached through the very bridge that they govern.
//
// Whatever the flow tables say, hidden flows above all that controllers can make let through what it takes to
// find and talk to these remotes: DHCP of the local port, ARP of the local port, of the next hops and about
// the remotes, and TCP from and to the remotes (Open vSwitch's design document, "In-Band Control", whose
// letters in_band_flows() follows).  Answers of DHCP servers reach the local port by the translation
// (translate/in_band.cc).
//
// Remotes are the bridge's controllers and all managers with `tcp:` or `ssl:` and an IPv4 address whose
// connection_mode is not out-of-band.  Next hops are asked of the kernel once a second, if
// the local port is a device of the host's.  For the first such
// controller with a local_ip, the local port's device gets address and default route.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "datapath/netdev/device_address.h"
#include "net/loop.h"
#include "ovsdb/client/replica.h"
#include "schema/vswitch.h"
#include "switch/ofproto/hidden_flow.h"

namespace weft::vswitch {

class Bridge;

struct InBandRemotes {
    std::set<std::pair<uint32_t, uint16_t>> remotes;  // IPv4 address, TCP port; host order
    std::set<packet::EthAddr> next_hops;
    packet::EthAddr local{};
    std::optional<uint32_t> queue;  // other_config:in-band-queue
    bool operator==(const InBandRemotes&) const = default;
};
// None if there are no remotes.
std::vector<HiddenFlow> in_band_flows(const InBandRemotes& in_band);

class InBand {
  public:
    // `find`: the bridge of that name, nullptr if it is gone.
    InBand(net::Loop& loop, std::function<Bridge*(const std::string&)> find);

    // What the row, its controllers and the managers say; problems are appended to `warnings`.
    void configure(const schema::vswitch::Bridge& row, Bridge& bridge, const ovsdb::client::Replica& replica,
                   std::vector<std::string>& warnings);
    void remove_bridge(const std::string& name) { bridges_.erase(name); }

  private:
    void tick();
    void follow(Bridge& bridge, InBandRemotes& state);

    std::function<Bridge*(const std::string&)> find_;
    std::map<std::string, InBandRemotes> bridges_;  // those with remotes
    std::unique_ptr<net::Loop::Timer> timer_;
};

}  // namespace weft::vswitch
