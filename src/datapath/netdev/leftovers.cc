#include "datapath/netdev/leftovers.h"

#include <vector>

#include "base/log.h"
#include "datapath/netdev/tc_filter.h"

namespace weft::datapath {

namespace {

log::Module lg("netdev");

constexpr std::string_view kOurs = "weft_";  // every program's name begins with it
constexpr std::string_view kPort = "weft_ebpf";

// A device that tunnels' packets are captured at.
bool shows_tunnel(std::string_view name) {
    return name.starts_with("genev_sys_") || name.starts_with("vxlan_sys_") || name.starts_with("gre_sys");
}

// True: the device was there for us alone.
bool remove_programs(const Link& link, int& removed) {
    bool ours = false;
    int before = removed;
    for (auto hook : {TcFilter::Hook::kIngress, TcFilter::Hook::kEgress}) {
        auto name = TcFilter::find(link.ifindex, hook);
        if (!name || !name->starts_with(kOurs)) continue;
        TcFilter::adopt(link.ifindex, hook).remove();
        removed++;
        // A program that sees what the host sends: an internal port, or a device for copies.
        if (link.kind == "tun") ours = ours || hook == TcFilter::Hook::kEgress || shows_tunnel(link.name);
    }
    if (removed > before) TcFilter::remove_empty_queue(link.ifindex);
    return ours;
}

}  // namespace

int remove_leftovers(Links& links) {
    links.refresh();
    int removed = 0;
    std::vector<std::string> devices;
    std::vector<std::string> promiscuous;
    for (const auto& [ifindex, link] : links.all()) {
        if (link.promiscuous && TcFilter::find(ifindex, TcFilter::Hook::kIngress) == kPort)
            promiscuous.push_back(link.name);
        if (remove_programs(link, removed)) devices.push_back(link.name);
    }
    for (const std::string& device : promiscuous) (void)links.set_promiscuous(device, false).ok();
    for (const std::string& device : devices) {
        auto done = links.remove(device);
        if (done)
            removed++;
        else
            lg.warn("{}", done.message());
    }
    return removed;
}

}  // namespace weft::datapath
