#include "net/neighbor_tables.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <cerrno>
#include <cstring>

#include "base/big_endian.h"
#include "net/netlink_events.h"
#include "net/rtnetlink.h"
#include "packet/address.h"

namespace weft::net {

namespace {

using packet::EthAddr;
using packet::Ipv6Addr;

// The attributes of one entry of either table.
struct Read {
    EthAddr mac{};
    Ipv6Addr address{};
    uint16_t port = 0;
    uint32_t vni = 0;
    bool has_master = false;
};

int read_attribute(const nlattr* attribute, void* data) {
    auto& read = *static_cast<Read*>(data);
    const size_t length = mnl_attr_get_payload_len(attribute);
    switch (mnl_attr_get_type(attribute)) {
        case NDA_LLADDR:
            if (length == read.mac.size())
                std::memcpy(read.mac.data(), mnl_attr_get_payload(attribute), length);
            break;
        case NDA_DST:
            if (length == 4)
                read.address = packet::map_ipv4(Be32::from_raw(mnl_attr_get_u32(attribute)));
            else if (length == read.address.size())
                std::memcpy(read.address.data(), mnl_attr_get_payload(attribute), length);
            break;
        case NDA_PORT:
            if (length == 2) read.port = Be16::from_raw(mnl_attr_get_u16(attribute));
            break;
        case NDA_VNI:
            if (length == 4) read.vni = mnl_attr_get_u32(attribute);
            break;
        case NDA_MASTER:
            read.has_master = true;
            break;
        default:
            break;
    }
    return MNL_CB_OK;
}

void put_address(nlmsghdr* message, const Ipv6Addr& address) {
    if (auto v4 = packet::mapped_ipv4(address)) {
        mnl_attr_put_u32(message, NDA_DST, Be32(*v4).raw());
    } else {
        mnl_attr_put(message, NDA_DST, address.size(), address.data());
    }
}

Result<unsigned> index_of(const std::string& device) {
    unsigned index = if_nametoindex(device.c_str());
    if (!index) return Error{fmt::format("device {}: {}", device, std::strerror(errno))};
    return index;
}

Error about(const std::string& device, const Result<void>& failed) {
    return Error{fmt::format("device {}: {}", device, failed.message())};
}

class KernelNeighborTables final : public NeighborTables {
  public:
    // What has been lost is a change, too.
    Result<void> start(Loop& loop, std::function<void()> on_change) {
        WEFT_ASSIGN(events_,
                    NetlinkEvents::create(loop, RTMGRP_NEIGH | RTMGRP_LINK, nullptr,
                                          [on_change = std::move(on_change)](bool) { on_change(); }));
        return {};
    }

    Result<std::vector<ForwardingEntry>> forwarding(const std::string& device) override {
        WEFT_ASSIGN(unsigned index, index_of(device));
        std::vector<ForwardingEntry> out;
        auto ask = [&](nlmsghdr* message) {
            auto* told = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
            told->ifi_family = AF_BRIDGE;
            told->ifi_index = static_cast<int>(index);
        };
        auto each = [&](const ndmsg& told, const Read& read) {
            if (told.ndm_family != AF_BRIDGE || told.ndm_ifindex != static_cast<int>(index)) return;
            ForwardingEntry entry;
            entry.mac = read.mac;
            entry.destination = read.address;
            entry.port = read.port;
            entry.vni = read.vni;
            entry.of_bridge = read.has_master;
            entry.is_fixed = told.ndm_state & NUD_NOARP;
            entry.learnt_elsewhere = told.ndm_flags & NTF_EXT_LEARNED;
            out.push_back(entry);
        };
        if (Result<void> done = dump(ask, each); !done) return about(device, done);
        return out;
    }

    Result<std::vector<NeighborEntry>> neighbors(const std::string& device) override {
        WEFT_ASSIGN(unsigned index, index_of(device));
        std::vector<NeighborEntry> out;
        for (int family : {AF_INET, AF_INET6}) {
            auto ask = [&](nlmsghdr* message) {
                auto* told = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ndmsg)));
                told->ndm_family = static_cast<uint8_t>(family);
            };
            auto each = [&](const ndmsg& told, const Read& read) {
                constexpr unsigned kUseless = NUD_INCOMPLETE | NUD_FAILED;
                if (told.ndm_family != family || told.ndm_ifindex != static_cast<int>(index)) return;
                if (told.ndm_state & kUseless || packet::is_zero(read.address)) return;
                out.push_back({read.address, read.mac, (told.ndm_state & NUD_NOARP) != 0,
                               (told.ndm_flags & NTF_EXT_LEARNED) != 0});
            };
            if (Result<void> done = dump(ask, each); !done) return about(device, done);
        }
        return out;
    }

    Result<void> add_forwarding(const std::string& device, const EthAddr& mac) override {
        return change_forwarding(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, device, mac);
    }
    Result<void> remove_forwarding(const std::string& device, const EthAddr& mac) override {
        return change_forwarding(RTM_DELNEIGH, 0, device, mac);
    }
    Result<void> add_neighbor(const std::string& device, const Ipv6Addr& ip, const EthAddr& mac) override {
        return change_neighbor(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, device, ip, &mac);
    }
    Result<void> remove_neighbor(const std::string& device, const Ipv6Addr& ip) override {
        return change_neighbor(RTM_DELNEIGH, 0, device, ip, nullptr);
    }

  private:
    static Result<void> dump(const std::function<void(nlmsghdr*)>& ask,
                             const std::function<void(const ndmsg&, const Read&)>& each) {
        return rtnetlink(RTM_GETNEIGH, NLM_F_DUMP, ask, [&](const nlmsghdr* message) {
            if (message->nlmsg_type != RTM_NEWNEIGH) return;
            auto* told = static_cast<const ndmsg*>(mnl_nlmsg_get_payload(message));
            Read read;
            mnl_attr_parse(message, sizeof *told, read_attribute, &read);
            each(*told, read);
        });
    }

    static Result<void> change_forwarding(uint16_t type, uint16_t flags, const std::string& device,
                                          const EthAddr& mac) {
        return change(type, flags, device, AF_BRIDGE, [&](nlmsghdr* message, ndmsg& told) {
            told.ndm_flags = NTF_MASTER;
            mnl_attr_put(message, NDA_LLADDR, mac.size(), mac.data());
        });
    }

    static Result<void> change_neighbor(uint16_t type, uint16_t flags, const std::string& device,
                                        const Ipv6Addr& ip, const EthAddr* mac) {
        uint8_t family = packet::mapped_ipv4(ip) ? AF_INET : AF_INET6;
        return change(type, flags, device, family, [&](nlmsghdr* message, ndmsg&) {
            put_address(message, ip);
            if (mac) mnl_attr_put(message, NDA_LLADDR, mac->size(), mac->data());
        });
    }

    // A fixed entry of the device; `fill` says the rest of it.
    static Result<void> change(uint16_t type, uint16_t flags, const std::string& device, uint8_t family,
                               const std::function<void(nlmsghdr*, ndmsg&)>& fill) {
        WEFT_ASSIGN(unsigned index, index_of(device));
        Result<void> done = rtnetlink(type, flags, [&](nlmsghdr* message) {
            auto* told = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ndmsg)));
            told->ndm_family = family;
            told->ndm_ifindex = static_cast<int>(index);
            told->ndm_state = NUD_NOARP;
            fill(message, *told);
        });
        if (!done) return about(device, done);
        return {};
    }

    std::unique_ptr<NetlinkEvents> events_;
};

}  // namespace

Result<std::unique_ptr<NeighborTables>> kernel_neighbor_tables(Loop& loop, std::function<void()> on_change) {
    auto tables = std::make_unique<KernelNeighborTables>();
    WEFT_TRY(tables->start(loop, std::move(on_change)));
    return std::unique_ptr<NeighborTables>(std::move(tables));
}

}  // namespace weft::net
