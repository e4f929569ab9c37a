// Where tunnels' packets go to and come from, as the programs need it: the devices that the host's addresses
// lie on have the program that takes tunnel headers off, and the remote ends of tunnels are resolved to a
// device and a source address (docs/decisions/0043-tunnels-in-the-kernel.md).
//
// Neighbours are the kernel's business, which resolves, probes and forgets them as for its own packets.  What
// is not resolved here (no route, an address of this host or of the link alone) the programs leave to the
// daemon, whose sockets ask the kernel.
//
// Nothing is attached anywhere while there is no tunnel.  The programs outlive the process.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>

#include "datapath/api/datapath.h"
#include "datapath/ebpf/encode.h"
#include "datapath/ebpf/kernel.h"
#include "datapath/netdev/links.h"
#include "datapath/netdev/routes.h"
#include "datapath/netdev/tc_filter.h"
#include "net/loop.h"

namespace weft::datapath::ebpf {

class Underlay {
  public:
    static constexpr const char* kFilterName = "weft_tunnel";

    // `is_port(device)`: a port of the datapath, whose packets are not the host's.  All must outlive it.
    static Result<std::unique_ptr<Underlay>> create(net::Loop& loop, Links& links, Kernel& kernel,
                                                    std::function<bool(const std::string&)> is_port);
    ~Underlay();

    void add_tunnel(const PortInfo& port);
    void remove_tunnel(PortNo port);
    // Flows send to it.  It is kept resolved from now on.
    void want(const TunnelEnds& ends);
    // Programs of an earlier process are replaced, or removed where nothing is wanted any more.
    void take_over();
    // Devices have changed: to be looked at again soon.
    void changed();
    // Somebody has taken filters off a device; 0: of some device.
    void filters_gone(int ifindex);

    // Takes the programs of an earlier process off all devices, unless this one has a use for them.
    static void remove_programs(const Links& links);

  private:
    Underlay(Links& links, Kernel& kernel, std::function<bool(const std::string&)> is_port);
    void update();
    void update_devices();
    void attach(int ifindex);
    void resolve(const TunnelEnds& ends);

    Links& links_;
    Kernel& kernel_;
    std::function<bool(const std::string&)> is_port_;
    std::unique_ptr<RouteEvents> events_;
    std::unique_ptr<net::Loop::Timer> timer_;
    std::map<PortNo, uint32_t> tunnels_;  // selectors
    std::set<int> attached_;              // ifindexes
    std::set<packet::Ipv6Addr> addresses_;
    std::map<TunnelEnds, Kernel::Way> remotes_;  // ifindex 0: not resolved
    bool taken_over_ = false;
};

}  // namespace weft::datapath::ebpf
