#include "controller/responders/responders.h"

#include <algorithm>

#include "base/clock.h"
#include "controller/flow_tables.h"
#include "controller/responders/datagram.h"
#include "packet/address.h"

namespace weft::controller {

namespace of = openflow;
namespace sb = schema::sb;
using ovsdb::client::Replica;
using ovsdb::client::Transaction;

namespace {

Bytes bytes_of(const packet::Packet& packet) {
    ByteView view = packet.view();
    return Bytes(view.begin(), view.end());
}

ActionBuilder in_datapath(uint32_t datapath_key) {
    ActionBuilder actions;
    actions.load(kFieldDatapath, datapath_key);
    return actions;
}

}  // namespace

Responders::Responders(net::Loop& loop, SouthboundView& view, BridgeConnection& bridge)
    : loop_(loop), view_(view), bridge_(bridge), timer_(loop.timer([this] { loop_.wake(); })) {}

void Responders::note_changes(const Replica& southbound) {
    names_.update(southbound);
    advertisements_.note_changes(southbound);
    prefixes_.note_changes(southbound);
    rows_changed_ |= !southbound.changes<sb::PortBinding>().empty() ||
                     !southbound.changes<sb::DatapathBinding>().empty() ||
                     !southbound.changes<sb::ServiceMonitor>().empty() ||
                     !southbound.changes<sb::IPMulticast>().empty() || !southbound.changes<sb::BFD>().empty();
    if (buffered_.empty()) return;
    for (const auto& change : southbound.changes<sb::MACBinding>()) {
        if (change.deleted()) continue;
        const sb::MACBinding& row = *change.after;
        const sb::PortBinding* port =
            southbound.table<sb::PortBinding>().find_by(sb::PortBinding::kLogicalPort, row.logical_port);
        const sb::DatapathBinding* datapath = southbound.find<sb::DatapathBinding>(row.datapath);
        auto mac = packet::parse_eth(row.mac);
        if (port && datapath && mac) {
            resolved(static_cast<uint32_t>(datapath->tunnel_key), static_cast<uint32_t>(port->tunnel_key),
                     row.ip, *mac);
        }
    }
}

void Responders::take_over_rows(const Replica& southbound, const sb::Chassis& chassis, int64_t now_ms) {
    const bool moved = find_datapaths_.run([this] { local_datapaths_ = view_.local_datapaths.keys(); });
    if (!moved && !rows_changed_) return;
    rows_changed_ = false;
    services_.update(southbound, view_, chassis.uuid, now_ms);
    multicast_.update(southbound, view_, now_ms);
    advertisements_.update(southbound, view_, now_ms);
    prefixes_.update(southbound, view_, chassis.uuid);
    bfd_.update(southbound, view_, chassis.uuid, now_ms);
}

void Responders::run(const Replica& southbound, const sb::Chassis* chassis) {
    if (!chassis || !bridge_.connected()) return;
    int64_t now_ms = clock::monotonic_ms();
    take_over_rows(southbound, *chassis, now_ms);
    auto out = [this](uint32_t datapath, uint32_t port, const packet::Packet& packet) {
        send_out(datapath, port, packet);
    };
    auto in = [this](uint32_t datapath, uint32_t port, const packet::Packet& packet) {
        send_in(datapath, port, packet);
    };
    services_.run(now_ms, out);
    prefixes_.run(now_ms, out);
    bfd_.run(now_ms, in);
    advertisements_.run(now_ms, in);
    multicast_.run(now_ms,
                   [this](uint32_t datapath, const packet::Packet& packet) { flood(datapath, packet); });
    buffered_.forget_old(now_ms);
    arm(now_ms);
}

void Responders::arm(int64_t now_ms) {
    std::optional<int64_t> due;
    for (std::optional<int64_t> each : {services_.due_ms(), advertisements_.due_ms(), multicast_.due_ms(),
                                        prefixes_.due_ms(), bfd_.due_ms()}) {
        if (each && (!due || *each < *due)) due = each;
    }
    if (due) timer_->arm_at(std::max(*due, now_ms + 1));
}

void Responders::write(const Replica& southbound, const sb::Chassis& chassis, Transaction& txn) {
    services_.write(southbound, txn);
    prefixes_.write(southbound, txn);
    bfd_.write(southbound, txn);
    multicast_.write(southbound, view_, chassis, txn);
    events_.write(southbound, chassis.uuid, txn);
}

void Responders::hold(uint32_t datapath_key, uint32_t port_key, const std::string& next_hop,
                      WaitingPacket packet) {
    buffered_.add({datapath_key, port_key, next_hop}, std::move(packet), clock::monotonic_ms());
}

void Responders::resolved(uint32_t datapath_key, uint32_t port_key, const std::string& next_hop,
                          const packet::EthAddr& mac) {
    for (WaitingPacket& packet : buffered_.take({datapath_key, port_key, next_hop}, clock::monotonic_ms())) {
        ActionBuilder changes;
        changes.add(of::SetEthDst{mac});
        go_on(packet.flow, std::move(changes), kTableOutputLargePacketDetect, packet.bytes);
    }
}

void Responders::go_on(const packet::Flow& flow, ActionBuilder changes, uint8_t table, ByteView frame) {
    ActionBuilder actions = in_datapath(static_cast<uint32_t>(flow.metadata.get()));
    for (unsigned n = 0; n < packet::kRegisters; ++n) {
        if (flow.regs[n]) actions.load_reg(n, flow.regs[n]);
    }
    if (flow.pkt_mark) actions.load(of::FieldId::kPktMark, flow.pkt_mark);
    for (of::Action& change : changes.resubmit(table).take()) actions.add(std::move(change));
    bridge_.send_packet(Bytes(frame.begin(), frame.end()), of::kPortController, actions.take());
}

void Responders::service_answered(uint32_t datapath_key, uint32_t port_key, ByteView frame) {
    services_.received(datapath_key, port_key, frame, clock::monotonic_ms(),
                       [this](uint32_t datapath, uint32_t port, const packet::Packet& packet) {
                           send_out(datapath, port, packet);
                       });
    loop_.wake();
}

void Responders::multicast_received(const packet::Flow& flow, ByteView frame) {
    std::optional<MulticastMessage> message = read_multicast_message(frame);
    if (!message) return;
    uint32_t datapath_key = static_cast<uint32_t>(flow.metadata.get());
    if (multicast_.received(datapath_key, flow.regs[kRegInport], *message, clock::monotonic_ms()))
        loop_.wake();
    uint32_t group = group_key(datapath_key, message->query ? "_MC_flood" : "_MC_mrouter_flood");
    if (!group) return;
    ActionBuilder changes;
    changes.load_reg(kRegOutport, group);
    go_on(flow, std::move(changes), kTableOutputLargePacketDetect, frame);
}

void Responders::bfd_received(uint32_t datapath_key, uint32_t port_key, ByteView frame) {
    bfd_.received(datapath_key, port_key, frame, clock::monotonic_ms(),
                  [this](uint32_t datapath, uint32_t port, const packet::Packet& packet) {
                      send_in(datapath, port, packet);
                  });
    loop_.wake();
}

void Responders::prefix_reply(uint32_t datapath_key, uint32_t port_key, ByteView frame) {
    std::optional<Datagram> datagram = find_datagram(frame);
    if (!datagram || !datagram->v6) return;
    prefixes_.received(datapath_key, port_key, datagram->payload, clock::monotonic_ms());
    loop_.wake();
}

void Responders::event(LoadBalancerEvents::Information information) {
    events_.note(std::move(information));
    loop_.wake();
}

void Responders::send_out(uint32_t datapath_key, uint32_t port_key, const packet::Packet& packet) {
    ActionBuilder actions = in_datapath(datapath_key);
    actions.load_reg(kRegOutport, port_key).resubmit(kTableLocalOutput);
    bridge_.send_packet(bytes_of(packet), of::kPortController, actions.take());
}

void Responders::send_in(uint32_t datapath_key, uint32_t port_key, const packet::Packet& packet) {
    ActionBuilder actions = in_datapath(datapath_key);
    actions.load_reg(kRegInport, port_key).load_flag(kFlagLocalOnly, true).resubmit(kTableIngress);
    bridge_.send_packet(bytes_of(packet), of::kPortController, actions.take());
}

uint32_t Responders::group_key(uint32_t datapath_key, const std::string& name) {
    for (const Uuid& uuid : local_datapaths_) {
        const LocalDatapath* datapath = view_.local_datapath(uuid);
        if (!datapath || datapath->key != datapath_key) continue;
        const Uuid* group = view_.multicast_by_name.first({uuid, name});
        const sb::MulticastGroup* row = group ? view_.value(view_.multicast_groups, *group) : nullptr;
        return row ? static_cast<uint32_t>(row->tunnel_key) : 0;
    }
    return 0;
}

void Responders::flood(uint32_t datapath_key, const packet::Packet& packet) {
    if (uint32_t group = group_key(datapath_key, "_MC_flood")) send_out(datapath_key, group, packet);
}

}  // namespace weft::controller
