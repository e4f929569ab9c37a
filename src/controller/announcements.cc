#include "controller/announcements.h"

#include <algorithm>
#include <string_view>

#include "controller/configuration.h"
#include "packet/address.h"
#include "packet/compose.h"

namespace weft::controller {

namespace sb = schema::sb;

namespace {

constexpr int64_t kFirstIntervalMs = 2000, kLastIntervalMs = 16000;
constexpr uint16_t kArpRequest = 1;
constexpr uint16_t kRarp = 0x8035, kRarpRequest = 3;  // RFC 903

struct Addresses {
    std::optional<packet::EthAddr> mac;
    std::vector<uint32_t> ips;
    std::string resident;  // the port that must be here; "": no condition
};

// "MAC IP… is_chassis_resident("PORT")", IPv6 and prefix lengths left aside.
Addresses parse_addresses(std::string_view text) {
    constexpr std::string_view kCondition = "is_chassis_resident(";
    Addresses out;
    size_t at = text.find(kCondition);
    if (at != std::string_view::npos) {
        std::string_view name = text.substr(at + kCondition.size());
        size_t first = name.find('"'), last = name.rfind('"');
        if (first != std::string_view::npos && last > first)
            out.resident = name.substr(first + 1, last - first - 1);
        text = text.substr(0, at);
    }
    for (const std::string& word : split_words(text, ' ')) {
        if (!out.mac) {
            out.mac = packet::parse_eth(word);
            if (!out.mac) return {};
        } else if (auto ip = packet::parse_ipv4(word.substr(0, word.find('/')))) {
            out.ips.push_back(*ip);
        }
    }
    return out;
}

class Collector {
  public:
    explicit Collector(SouthboundView& view) : view_(view) {}

    void add_switch(const Uuid& datapath, const LocalDatapath& local) {
        for (const char* type : {"patch", "l3gateway"}) {
            for (const Uuid& uuid : view_.ports_by_type[{datapath, type}])
                add_router_port(*view_.port(uuid), local);
        }
    }
    void add_vif(const sb::PortBinding& port, const LocalDatapath& local) {
        for (const std::string& text : port.mac) {
            Addresses addresses = parse_addresses(text);
            if (addresses.mac) add(port, local, addresses, true);
        }
    }
    std::set<Announcement> take() { return std::move(found_); }

  private:
    void add_router_port(const sb::PortBinding& port, const LocalDatapath& local) {
        if (port.type == "l3gateway" && !view_.is_own_chassis(port.chassis)) return;
        for (const std::string& text : port.nat_addresses) {
            Addresses addresses = parse_addresses(text);
            if (!addresses.mac) continue;
            if (!addresses.resident.empty()) {
                const sb::PortBinding* resident = view_.port_named(addresses.resident);
                if (!resident || !view_.is_own_chassis(resident->chassis)) continue;
            }
            add(port, local, addresses, false);
        }
    }
    void add(const sb::PortBinding& port, const LocalDatapath& local, const Addresses& addresses,
             bool or_rarp) {
        Announcement each{local.key, static_cast<uint32_t>(port.tunnel_key), *addresses.mac, std::nullopt};
        for (uint32_t ip : addresses.ips) {
            each.ip = ip;
            found_.insert(each);
        }
        if (addresses.ips.empty() && or_rarp) found_.insert(each);
    }

    SouthboundView& view_;
    std::set<Announcement> found_;
};

}  // namespace

std::set<Announcement> find_announcements(SouthboundView& view) {
    Collector collector(view);
    const Uuid* own = view.own_chassis.find({});
    std::vector<Uuid> at_networks = view.localnets.keys();
    if (!own || at_networks.empty()) return {};
    for (const Uuid& datapath : at_networks) {
        const LocalDatapath* local = view.local_datapath(datapath);
        const sb::PortBinding* localnet = view.localnet_of(datapath);
        if (local && localnet && view.physical_port(localnet->logical_port))
            collector.add_switch(datapath, *local);
    }
    for (const Uuid& uuid : view.ports_by_chassis[*own]) {
        const sb::PortBinding* port = view.port(uuid);
        if (!port->type.empty() || !view.is_own_chassis(port->chassis)) continue;
        if (ovsdb::get_bool(port->options, "disable_garp_rarp")) continue;
        const sb::PortBinding* localnet = view.localnet_of(port->datapath);
        const LocalDatapath* local = localnet ? view.local_datapath(port->datapath) : nullptr;
        if (local && view.physical_port(localnet->logical_port)) collector.add_vif(*port, *local);
    }
    return collector.take();
}

packet::Packet make_announcement(const Announcement& announcement) {
    const packet::EthAddr& mac = announcement.mac;
    if (announcement.ip) {
        return packet::compose_arp(kArpRequest, mac, packet::kEthBroadcast, mac, *announcement.ip,
                                   packet::EthAddr{}, *announcement.ip);
    }
    // RARP has ARP's layout under a type of its own.
    packet::Packet packet = packet::compose_arp(kRarpRequest, mac, packet::kEthBroadcast, mac, 0, mac, 0);
    store_be16(packet.data() + 12, kRarp);
    return packet;
}

void Announcer::set(const std::set<Announcement>& wanted, int64_t now_ms) {
    std::erase_if(states_, [&](const auto& state) { return !wanted.contains(state.first); });
    for (const Announcement& each : wanted) states_.try_emplace(each, State{now_ms, kFirstIntervalMs, false});
}

void Announcer::restart(int64_t now_ms) {
    for (auto& [each, state] : states_) state = {now_ms, kFirstIntervalMs, false};
}

std::vector<Announcement> Announcer::take_due(int64_t now_ms) {
    std::vector<Announcement> due;
    for (auto& [each, state] : states_) {
        if (state.done || state.due_ms > now_ms) continue;
        due.push_back(each);
        state.due_ms = now_ms + state.interval_ms;
        int64_t next = state.interval_ms * 2;
        if (max_interval_ms_ > 0) {
            state.interval_ms = std::min(next, max_interval_ms_);
            state.due_ms = std::min(state.due_ms, now_ms + max_interval_ms_);
        } else {
            // The one after an interval of 16 s is the last.
            state.done = state.interval_ms > kLastIntervalMs;
            state.interval_ms = next;
        }
    }
    return due;
}

std::optional<int64_t> Announcer::next_ms() const {
    std::optional<int64_t> next;
    for (const auto& [each, state] : states_) {
        if (!state.done && (!next || state.due_ms < *next)) next = state.due_ms;
    }
    return next;
}

}  // namespace weft::controller
