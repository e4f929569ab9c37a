#include "controller/ecmp_nexthops.h"

#include <algorithm>

#include "incremental/definitions.h"
#include "packet/address.h"

namespace weft::controller {

namespace sb = schema::sb;
using ovsdb::client::Replica;
using ovsdb::client::Transaction;

namespace {

// external_ids of ECMP_Nexthop: northd knows the Ethernet address, from the northbound.
constexpr const char* kMacIsKnown = "mac-is-known";
// Where connections of such routes have what tells their next hop: ct_label.ecmp_reply_eth, bits 32 to 79,
// and ct_mark.ecmp_reply_port.
constexpr size_t kReplyMacInLabel = 16 - 80 / 8;
constexpr uint32_t kReplyPortShift = 16;

// What the router would send to.
std::string known_mac(const Replica& southbound, const sb::PortBinding& port, const std::string& ip) {
    std::string mac;
    auto take = [&](const auto& row) {
        if (row.datapath == port.datapath && row.logical_port == port.logical_port) mac = row.mac;
    };
    southbound.table<sb::MACBinding>().for_each_by(sb::MACBinding::kIp, ip, take);
    southbound.table<sb::StaticMACBinding>().for_each_by(sb::StaticMACBinding::kIp, ip, take);
    return mac;
}

}  // namespace

openflow::CtFlush flush_of(const WatchedNexthop& gone) {
    openflow::CtFlush flush;
    flush.zone = gone.zone;
    flush.mark = openflow::CtMark{uint32_t{gone.port_key} << kReplyPortShift, 0xffff0000};
    openflow::CtLabels& labels = flush.labels.emplace();
    std::copy(gone.mac.begin(), gone.mac.end(), labels.value.begin() + kReplyMacInLabel);
    std::fill_n(labels.mask.begin() + kReplyMacInLabel, gone.mac.size(), 0xff);
    return flush;
}

EcmpNexthops::EcmpNexthops(SouthboundView& view) : view_(view) {}
EcmpNexthops::~EcmpNexthops() = default;

void EcmpNexthops::list(const Uuid& uuid) {
    const sb::ECMPNexthop* row = view_.value(view_.ecmp_nexthops, uuid);
    const sb::PortBinding* port = row ? view_.port(row->port) : nullptr;
    auto mac = row ? packet::parse_eth(row->mac) : std::nullopt;
    if (!port || !mac || !view_.is_here(*port)) return;
    uint16_t zone = view_.zone(row->datapath.to_string() + "_dnat");
    if (zone) watched_.emit({*mac, static_cast<uint16_t>(port->tunnel_key), zone});
}

void EcmpNexthops::write_addresses(const Replica& southbound, Transaction& txn) {
    for (const auto& row : southbound.table<sb::ECMPNexthop>()) {
        const sb::PortBinding* port = view_.port(row.port);
        if (!port || !view_.is_here(*port) || row.external_ids.contains(kMacIsKnown)) continue;
        std::string mac = known_mac(southbound, *port, row.nexthop);
        if (!mac.empty() && mac != row.mac) txn.set(row.uuid, sb::ECMPNexthop::kMac, mac);
    }
}

}  // namespace weft::controller
