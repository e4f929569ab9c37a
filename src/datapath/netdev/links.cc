#include "datapath/netdev/links.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/hash_map.h"
#include "net/rtnetlink.h"

namespace weft::datapath {

using net::rtnetlink;

namespace {

struct Attributes {
    const nlattr* at[IFLA_MAX + 1] = {};
};

int collect(const nlattr* attribute, void* data) {
    auto& attributes = *static_cast<Attributes*>(data);
    uint16_t type = mnl_attr_get_type(attribute);
    if (type <= IFLA_MAX) attributes.at[type] = attribute;
    return MNL_CB_OK;
}

struct KindText {
    std::string kind;
};
int collect_kind(const nlattr* attribute, void* data) {
    if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND) {
        static_cast<KindText*>(data)->kind = mnl_attr_get_str(attribute);
    }
    return MNL_CB_OK;
}

Link read_link(const nlmsghdr* message) {
    auto* info = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
    Attributes attributes;
    mnl_attr_parse(message, sizeof *info, collect, &attributes);
    auto number = [&](int type) {
        return attributes.at[type] ? static_cast<int>(mnl_attr_get_u32(attributes.at[type])) : 0;
    };
    Link link;
    link.ifindex = info->ifi_index;
    link.admin_up = info->ifi_flags & IFF_UP;
    link.carrier = info->ifi_flags & IFF_RUNNING;
    link.loopback = info->ifi_flags & IFF_LOOPBACK;
    link.promiscuous = info->ifi_flags & IFF_PROMISC;
    link.ethernet = info->ifi_type == ARPHRD_ETHER;
    if (attributes.at[IFLA_IFNAME]) link.name = mnl_attr_get_str(attributes.at[IFLA_IFNAME]);
    const nlattr* address = attributes.at[IFLA_ADDRESS];
    if (address && mnl_attr_get_payload_len(address) == 6) {
        std::memcpy(link.mac.data(), mnl_attr_get_payload(address), 6);
    }
    link.mtu = number(IFLA_MTU);
    link.min_mtu = number(IFLA_MIN_MTU);
    link.max_mtu = number(IFLA_MAX_MTU);
    link.peer_ifindex = number(IFLA_LINK);
    link.carrier_changes = static_cast<uint64_t>(number(IFLA_CARRIER_CHANGES));
    link.promiscuity = number(IFLA_PROMISCUITY);
    if (attributes.at[IFLA_LINKINFO]) {
        KindText kind;
        mnl_attr_parse_nested(attributes.at[IFLA_LINKINFO], collect_kind, &kind);
        link.kind = kind.kind;
    }
    return link;
}

class NetlinkLinks final : public Links {
  public:
    ~NetlinkLinks() override {
        watch_.reset();
        turn_.reset();
        if (socket_) mnl_socket_close(socket_);
    }

    Result<void> start(net::Loop* loop) {
        socket_ = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (!socket_ || mnl_socket_bind(socket_, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0) {
            return Error{fmt::format("netlink: {}", std::strerror(errno))};
        }
        int size = 4 << 20;
        int fd = mnl_socket_get_fd(socket_);
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0) {
            setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        }
        WEFT_TRY(dump());
        if (loop) {
            watch_ = loop->watch(fd, net::Loop::kRead, [this](unsigned) { refresh(); });
            turn_ = loop->each_turn([this] { tell(); });
            loop_ = loop;
        }
        return {};
    }

    const Link* find(std::string_view name) const override {
        auto it = by_name_.find(std::string(name));
        return it == by_name_.end() ? nullptr : find(it->second);
    }
    const Link* find(int ifindex) const override {
        auto it = links_.find(ifindex);
        return it == links_.end() ? nullptr : &it->second;
    }
    const std::map<int, Link>& all() const override { return links_; }
    uint64_t generation() const override { return generation_; }
    void on_change(std::function<void(const std::string&)> callback) override {
        callbacks_.push_back(std::move(callback));
    }

    void refresh() override {
        std::vector<char> buffer(64 * 1024);
        for (;;) {
            ssize_t size = mnl_socket_recvfrom(socket_, buffer.data(), buffer.size());
            if (size < 0 && errno == ENOBUFS) {  // messages were lost: look at everything again
                (void)dump().ok();
                continue;
            }
            if (size <= 0) return;
            mnl_cb_run(buffer.data(), static_cast<size_t>(size), 0, 0, on_message, this);
        }
    }

    Result<LinkStats> stats(std::string_view name) const override {
        const Link* link = find(name);
        if (!link) return missing(name);
        LinkStats out;
        bool found = false;
        WEFT_TRY(rtnetlink(
            RTM_GETLINK, 0, [&](nlmsghdr* message) { put_header(message, link->ifindex); },
            [&](const nlmsghdr* message) { found |= read_stats(message, out); }));
        if (!found) return Error{fmt::format("{}: the kernel told no statistics", name)};
        return out;
    }
    Result<void> set_up(std::string_view name, bool up) override {
        return change(name, up ? "bringing it up" : "bringing it down",
                      [&](nlmsghdr* message, ifinfomsg* info) {
                          info->ifi_change = IFF_UP;
                          info->ifi_flags = up ? IFF_UP : 0;
                          (void)message;
                      });
    }
    Result<void> set_promiscuous(std::string_view name, bool on) override {
        return change(name, on ? "setting promiscuous mode" : "ending promiscuous mode",
                      [&](nlmsghdr* message, ifinfomsg* info) {
                          info->ifi_change = IFF_PROMISC;
                          info->ifi_flags = on ? IFF_PROMISC : 0;
                          (void)message;
                      });
    }
    Result<void> set_mtu(std::string_view name, int mtu) override {
        return change(name, fmt::format("setting the MTU to {}", mtu), [&](nlmsghdr* message, ifinfomsg*) {
            mnl_attr_put_u32(message, IFLA_MTU, static_cast<uint32_t>(mtu));
        });
    }
    Result<void> set_mac(std::string_view name, const packet::EthAddr& mac) override {
        return change(name, "setting the Ethernet address", [&](nlmsghdr* message, ifinfomsg*) {
            mnl_attr_put(message, IFLA_ADDRESS, mac.size(), mac.data());
        });
    }
    Result<void> remove(std::string_view name) override {
        const Link* link = find(name);
        if (!link) return missing(name);
        int ifindex = link->ifindex;
        auto done = rtnetlink(RTM_DELLINK, 0, [&](nlmsghdr* message) { put_header(message, ifindex); });
        refresh();
        if (!done) return Error{fmt::format("{}: removing it: {}", name, done.message())};
        return {};
    }

  private:
    static Error missing(std::string_view name) {
        return Error{fmt::format("{}: no such network device", name)};
    }

    static ifinfomsg* put_header(nlmsghdr* message, int ifindex) {
        auto* info = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
        info->ifi_family = AF_UNSPEC;
        info->ifi_index = ifindex;
        return info;
    }

    static bool read_stats(const nlmsghdr* message, LinkStats& out) {
        Attributes attributes;
        mnl_attr_parse(message, sizeof(ifinfomsg), collect, &attributes);
        const nlattr* attribute = attributes.at[IFLA_STATS64];
        if (!attribute) return false;
        rtnl_link_stats64 stats = {};
        std::memcpy(&stats, mnl_attr_get_payload(attribute),
                    std::min<size_t>(sizeof stats, mnl_attr_get_payload_len(attribute)));
        out = {stats.rx_packets,      stats.rx_bytes,       stats.rx_dropped,    stats.rx_errors,
               stats.rx_frame_errors, stats.rx_over_errors, stats.rx_crc_errors, stats.rx_missed_errors,
               stats.multicast,       stats.tx_packets,     stats.tx_bytes,      stats.tx_dropped,
               stats.tx_errors,       stats.collisions};
        return true;
    }

    Result<void> change(std::string_view name, std::string_view what,
                        const std::function<void(nlmsghdr*, ifinfomsg*)>& build) {
        const Link* link = find(name);
        if (!link) return missing(name);
        int ifindex = link->ifindex;
        auto done = rtnetlink(RTM_NEWLINK, 0, [&](nlmsghdr* message) {
            ifinfomsg* info = put_header(message, ifindex);
            build(message, info);
        });
        refresh();
        if (!done) return Error{fmt::format("{}: {}: {}", name, what, done.message())};
        return {};
    }

    static int on_message(const nlmsghdr* message, void* data) {
        auto& self = *static_cast<NetlinkLinks*>(data);
        if (message->nlmsg_type == RTM_NEWLINK) {
            self.update(read_link(message));
        } else if (message->nlmsg_type == RTM_DELLINK) {
            auto* info = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
            // A bridge that loses a port says so with this message too, in its own family.
            if (info->ifi_family == AF_UNSPEC) self.forget(info->ifi_index);
        }
        return MNL_CB_OK;
    }

    Result<void> dump() {
        std::map<int, Link> seen;
        WEFT_TRY(rtnetlink(
            RTM_GETLINK, NLM_F_DUMP, [](nlmsghdr* message) { put_header(message, 0); },
            [&](const nlmsghdr* message) {
                if (message->nlmsg_type != RTM_NEWLINK) return;
                Link link = read_link(message);
                seen[link.ifindex] = link;
            }));
        std::vector<int> gone;
        for (const auto& [ifindex, link] : links_) {
            if (!seen.contains(ifindex)) gone.push_back(ifindex);
        }
        for (int ifindex : gone) forget(ifindex);
        for (auto& [ifindex, link] : seen) update(std::move(link));
        return {};
    }

    void update(Link link) {
        auto [it, added] = links_.try_emplace(link.ifindex);
        if (!added && it->second == link) return;
        // Who listens is asked for, not told: ports listen themselves, and each would be a change of its
        // device.
        if (!added && link.promiscuity != std::exchange(it->second.promiscuity, link.promiscuity))
            ++generation_;
        if (!added && it->second == link) return;
        if (!added && it->second.name != link.name) {
            by_name_.erase(it->second.name);
            changed(it->second.name);
        }
        changed(link.name);
        by_name_[link.name] = link.ifindex;
        it->second = std::move(link);
    }

    void forget(int ifindex) {
        auto it = links_.find(ifindex);
        if (it == links_.end()) return;
        changed(it->second.name);
        by_name_.erase(it->second.name);
        links_.erase(it);
    }

    void changed(const std::string& name) {
        generation_++;
        if (loop_) {
            changed_.insert(name);
            loop_->wake();
        }
    }

    void tell() {
        if (changed_.empty()) return;
        HashSet<std::string> names = std::move(changed_);
        changed_.clear();
        for (const std::string& name : names) {
            for (auto& callback : callbacks_) callback(name);
        }
    }

    mnl_socket* socket_ = nullptr;
    net::Loop* loop_ = nullptr;
    std::unique_ptr<net::Loop::Watch> watch_;
    std::unique_ptr<net::Loop::Turn> turn_;
    std::map<int, Link> links_;
    HashMap<std::string, int> by_name_;
    HashSet<std::string> changed_;
    uint64_t generation_ = 1;
    std::vector<std::function<void(const std::string&)>> callbacks_;
};

}  // namespace

Result<std::unique_ptr<Links>> Links::create(net::Loop* loop) {
    auto links = std::make_unique<NetlinkLinks>();
    WEFT_TRY(links->start(loop));
    return std::unique_ptr<Links>(std::move(links));
}

}  // namespace weft::datapath
