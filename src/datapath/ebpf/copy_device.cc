#include "datapath/ebpf/copy_device.h"

#include <fmt/format.h>

#include <vector>

#include "base/log.h"
#include "datapath/netdev/tc_filter.h"
#include "datapath/userspace/tap_device.h"

namespace weft::datapath::ebpf {

namespace {

log::Module lg("ebpf");

constexpr int kDevices = 10;

// A TAP device that somebody else has made under such a name has no program of ours.
bool is_ours(const Link& link) {
    return link.name.starts_with(CopyDevice::kPrefix) &&
           TcFilter::find(link.ifindex, TcFilter::Hook::kEgress) == CopyDevice::kFilterName;
}

}  // namespace

Result<std::unique_ptr<CopyDevice>> CopyDevice::create(Links& links, Kernel& kernel) {
    links.refresh();
    for (int i = 0; i < kDevices; i++) {
        std::string name = fmt::format("{}{}", kPrefix, i);
        if (links.find(name)) continue;
        WEFT_ASSIGN(Descriptor tap, open_tap_device(name));
        links.refresh();
        const Link* link = links.find(name);
        if (!link) return Error{name + ": the device was made but is not there"};
        int ifindex = link->ifindex;
        disable_ipv6(name);
        WEFT_TRY(
            TcFilter::install(ifindex, name, TcFilter::Hook::kEgress, kernel.copy_program(), kFilterName));
        keep_tap_device(tap, true);
        __atomic_store_n(&kernel.config().copy_ifindex, static_cast<uint32_t>(ifindex), __ATOMIC_RELEASE);
        return std::unique_ptr<CopyDevice>(new CopyDevice(links, name));
    }
    return Error{fmt::format("{}0 to {}{} exist already", kPrefix, kPrefix, kDevices - 1)};
}

void CopyDevice::take_over() {
    remove_others(links_, name_);
}

void CopyDevice::remove_others(Links& links, const std::string& kept) {
    links.refresh();
    std::vector<std::string> names;
    for (const auto& [ifindex, link] : links.all()) {
        if (link.name != kept && is_ours(link)) names.push_back(link.name);
    }
    for (const std::string& name : names) {
        auto removed = links.remove(name);
        if (!removed) lg.warn("{}", removed.message());
    }
}

}  // namespace weft::datapath::ebpf
