#include "controller/responders/prefix_clients.h"

#include <fmt/format.h>

#include <random>

#include "controller/responders/link_local.h"
#include "packet/address.h"
#include "packet/compose.h"

namespace weft::controller {

namespace sb = schema::sb;

namespace {

constexpr const char* kPrefixList = "ipv6_ra_pd_list";
constexpr uint16_t kClientPort = 546, kServerPort = 547;

void keep(std::set<Uuid>& set, const Uuid& uuid, bool wanted) {
    if (wanted) {
        set.insert(uuid);
    } else {
        set.erase(uuid);
    }
}

// Whether the port, or the chassisredirect port that stands for it, is on this chassis.
bool is_here(const sb::PortBinding& port, SouthboundView& view, const Uuid& chassis) {
    if (port.type == "l3gateway") return port.chassis == chassis;
    const sb::PortBinding* redirect = view.port_named("cr-" + port.logical_port);
    return redirect && redirect->chassis == chassis;
}

std::optional<packet::EthAddr> mac_of(const sb::PortBinding& port) {
    for (const std::string& text : port.mac) {
        if (auto mac = packet::parse_eth(std::string_view(text).substr(0, text.find(' ')))) return mac;
    }
    return std::nullopt;
}

packet::Packet to_servers(const packet::EthAddr& mac, ByteView message) {
    packet::IpEndpoints ip;
    ip.v6 = true;
    ip.eth_src = mac;
    ip.eth_dst = {0x33, 0x33, 0, 1, 0, 2};
    ip.ipv6_src = link_local(mac);
    ip.ipv6_dst = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2};
    ip.ttl = 255;
    return packet::compose_udp(ip, kClientPort, kServerPort, message);
}

uint32_t random_seed() {
    static std::random_device device;
    return device();
}

}  // namespace

void PrefixClients::note_changes(const ovsdb::client::Replica& southbound) {
    for (const auto& change : southbound.changes<sb::PortBinding>()) {
        const sb::PortBinding& row = change.row();
        bool router = !change.deleted() && (row.type == "patch" || row.type == "l3gateway");
        keep(gateways_, row.uuid, router && ovsdb::get_bool(row.options, "ipv6_prefix_delegation"));
        keep(receivers_, row.uuid, router && ovsdb::get_bool(row.options, "ipv6_prefix"));
    }
}

void PrefixClients::update(const ovsdb::client::Replica& southbound, SouthboundView& view,
                           const Uuid& chassis) {
    std::map<Name, Client> kept;
    for (const Uuid& gateway_uuid : gateways_) {
        const sb::PortBinding* gateway = southbound.find<sb::PortBinding>(gateway_uuid);
        const LocalDatapath* datapath = gateway ? view.local_datapath(gateway->datapath) : nullptr;
        auto mac = gateway ? mac_of(*gateway) : std::nullopt;
        if (!datapath || !mac || !is_here(*gateway, view, chassis)) continue;
        for (const Uuid& receiver_uuid : receivers_) {
            const sb::PortBinding* receiver = southbound.find<sb::PortBinding>(receiver_uuid);
            if (!receiver || receiver->datapath != gateway->datapath || receiver == gateway) continue;
            uint32_t identity = static_cast<uint32_t>(receiver->tunnel_key);
            Name name{gateway_uuid, receiver_uuid};
            auto old = clients_.find(name);
            bool same = old != clients_.end() && old->second.mac == *mac && old->second.identity == identity;
            Client client =
                same ? old->second : Client{PrefixDelegation(*mac, identity, random_seed()), *mac, identity};
            client.datapath_key = datapath->key;
            client.port_key = static_cast<uint32_t>(gateway->tunnel_key);
            kept.emplace(name, std::move(client));
        }
    }
    clients_ = std::move(kept);
}

void PrefixClients::run(int64_t now_ms, const Send& send) {
    for (auto& [name, client] : clients_) {
        bool had = client.protocol.prefix().has_value();
        if (auto message = client.protocol.run(now_ms))
            send(client.datapath_key, client.port_key, to_servers(client.mac, *message));
        changed_ |= had != client.protocol.prefix().has_value();
    }
}

std::optional<int64_t> PrefixClients::due_ms() const {
    std::optional<int64_t> due;
    for (const auto& [name, client] : clients_) {
        if (!due || client.protocol.due_ms() < *due) due = client.protocol.due_ms();
    }
    return due;
}

bool PrefixClients::received(uint32_t datapath_key, uint32_t port_key, ByteView message, int64_t now_ms) {
    for (auto& [name, client] : clients_) {
        if (client.datapath_key != datapath_key || client.port_key != port_key) continue;
        changed_ |= client.protocol.received(message, now_ms);
    }
    return changed_;
}

void PrefixClients::write(const ovsdb::client::Replica& southbound, ovsdb::client::Transaction& txn) {
    if (!changed_) return;
    changed_ = false;
    for (const auto& [name, client] : clients_) {
        const sb::PortBinding* receiver = southbound.find<sb::PortBinding>(name.second);
        if (!receiver) continue;
        auto prefix = client.protocol.prefix();
        const std::string* now = receiver->options.find(kPrefixList);
        if (!prefix) {
            if (now) txn.remove_key(receiver->uuid, sb::PortBinding::kOptions, kPrefixList);
            continue;
        }
        std::string text =
            fmt::format("{}:{}/{}", client.identity, packet::to_string(prefix->address), prefix->length);
        if (now && *now == text) continue;
        if (now) txn.remove_key(receiver->uuid, sb::PortBinding::kOptions, kPrefixList);
        txn.set_key(receiver->uuid, sb::PortBinding::kOptions, kPrefixList, text);
    }
}

}  // namespace weft::controller
