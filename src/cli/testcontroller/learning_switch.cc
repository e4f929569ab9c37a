#include "cli/testcontroller/learning_switch.h"

#include <cstring>

#include "packet/address.h"
#include "packet/extract.h"

namespace weft::cli::testcontroller {

using namespace openflow;  // NOLINT: this file speaks OpenFlow throughout

namespace {

constexpr uint16_t kMissSendLen = 128;
constexpr int64_t kForgetMs = 300'000;
constexpr size_t kMostStations = 65536;

uint64_t station_key(const packet::EthAddr& address) {
    uint64_t key = 0;
    for (uint8_t byte : address) key = key << 8 | byte;
    return key;
}

// IEEE 802.1D, table 7-10: 01:80:c2:00:00:0x never leaves a link.
bool is_link_local(const packet::EthAddr& address) {
    return std::memcmp(address.data(), "\x01\x80\xc2\x00\x00", 5) == 0 && address[5] < 0x10;
}

// The packets that are like this one but for what `wildcards` leaves out.
Match match_of(const packet::Flow& flow, uint32_t in_port, uint32_t wildcards) {
    constexpr uint16_t kNoVlan = 0xffff;
    uint16_t tci = flow.vlans[0].tci;
    bool tagged = tci & packet::kVlanCfi;
    ByteWriter bytes;
    bytes.u32(wildcards & 0x3fffff);
    bytes.u16(port_to_of10(in_port));
    bytes.bytes(flow.dl_src);
    bytes.bytes(flow.dl_dst);
    bytes.u16(tagged ? tci & packet::kVlanVidMask : kNoVlan);
    bytes.u8(tagged ? static_cast<uint8_t>(tci >> 13) : 0);
    bytes.u8(0);
    bytes.u16(flow.dl_type);
    bytes.u8(flow.nw_tos & 0xfc);
    bytes.u8(flow.nw_proto);
    bytes.u16(0);
    bytes.u32(flow.nw_src);
    bytes.u32(flow.nw_dst);
    bytes.u16(flow.tp_src);
    bytes.u16(flow.tp_dst);
    Bytes whole = bytes.take();
    ByteReader reader(whole);
    Match match;
    (void)decode_ofp10_match(reader, match);  // what was just written is well-formed
    return match;
}

}  // namespace

void LearningSwitch::send(Body body, Bytes& out) {
    Bytes bytes = encode(version_, ++xid_, std::move(body));
    out.insert(out.end(), bytes.begin(), bytes.end());
}

void LearningSwitch::send_flow(const FlowMod& flow, Bytes& out) {
    Bytes bytes =
        encode_flow_mod(flow, {version_, false, version_ == Version::k10 && flow.table != 0}, ++xid_);
    out.insert(out.end(), bytes.begin(), bytes.end());
}

void LearningSwitch::greet(Bytes& out) {
    send(FeaturesRequest{}, out);
    SetConfig config;
    config.miss_send_len = kMissSendLen;
    send(config, out);
    // From OpenFlow 1.3 on, a packet that matches nothing is dropped unless a flow says otherwise, and the
    // features do not name the ports.
    if (version_ >= Version::k13) {
        FlowMod miss;
        miss.table = 0;
        miss.priority = 0;
        miss.actions = {Output{kPortController, kMissSendLen}};
        send_flow(miss, out);
        if (!policy_.port_queues.empty()) send(PortDescRequest{}, out);
    }
    bool other_tables = false;
    for (const FlowMod& flow : policy_.flows) other_tables |= flow.table != 0 && flow.table != kTableAll;
    if (version_ == Version::k10 && other_tables) send(FlowModTableId{true}, out);
    for (const FlowMod& flow : policy_.flows) send_flow(flow, out);
}

void LearningSwitch::add_ports(const std::vector<Port>& ports) {
    for (const Port& port : ports) {
        auto found = policy_.port_queues.find(port.name);
        if (found != policy_.port_queues.end()) queues_[port.number] = found->second;
    }
}

void LearningSwitch::change_port(const PortStatus& status) {
    queues_.erase(status.port.number);
    if (status.reason != PortStatus::Reason::kDelete) add_ports({status.port});
}

void LearningSwitch::handle(const Message& message, int64_t now_ms, Bytes& out) {
    if (auto* features = message.get_if<FeaturesReply>()) {
        datapath_id_ = features->datapath_id;
        add_ports(features->ports);
    } else if (auto* ports = message.get_if<PortDescReply>()) {
        add_ports(ports->ports);
    } else if (auto* status = message.get_if<PortStatus>()) {
        change_port(*status);
    } else if (auto* in = message.get_if<PacketIn>();
               in && datapath_id_ && in->reason != PacketInReason::kAction) {
        handle_packet(*in, now_ms, out);
    }
}

void LearningSwitch::learn(const packet::Flow& flow, uint32_t port, int64_t now_ms) {
    if (packet::is_multicast(flow.dl_src)) return;
    if (stations_.size() >= kMostStations)
        absl::erase_if(stations_, [&](const auto& one) { return now_ms - one.second.seen_ms >= kForgetMs; });
    uint64_t key = station_key(flow.dl_src);
    if (stations_.size() < kMostStations || stations_.contains(key)) stations_[key] = {port, now_ms};
}

// A port, kPortFlood, kPortNormal, or kPortNone: nowhere.
uint32_t LearningSwitch::destination(const packet::Flow& flow, uint32_t in_port, int64_t now_ms) const {
    if (is_link_local(flow.dl_dst)) return kPortNone;
    if (policy_.hub) return kPortFlood;
    auto found = stations_.find(station_key(flow.dl_dst));
    if (found == stations_.end() || now_ms - found->second.seen_ms >= kForgetMs) return kPortFlood;
    if (found->second.port == in_port) return kPortNone;
    return policy_.normal ? kPortNormal : found->second.port;
}

ActionList LearningSwitch::actions_towards(uint32_t port, uint32_t in_port) const {
    if (port == kPortNone) return {};
    std::optional<uint32_t> queue = policy_.queue;
    if (auto own = queues_.find(in_port); own != queues_.end()) queue = own->second;
    // Queues are those of one port.
    if (!queue || port >= kPortMax) return {Output{port}};
    if (version_ == Version::k10) return {Enqueue{port, *queue}};
    return {SetQueue{*queue}, Output{port}, PopQueue{}};
}

void LearningSwitch::handle_packet(const PacketIn& in, int64_t now_ms, Bytes& out) {
    packet::Flow flow = packet::zero_flow();
    packet::extract(in.packet, flow);
    learn(flow, in.in_port(), now_ms);
    uint32_t port = destination(flow, in.in_port(), now_ms);
    ActionList actions = actions_towards(port, in.in_port());
    bool buffered = in.buffer_id != kNoBuffer;

    // What is flooded until its receiver is heard of gets no flow: then it would be flooded for ever.
    if (policy_.set_up_flows && (policy_.hub || port != kPortFlood)) {
        FlowMod mod;
        mod.match = match_of(flow, in.in_port(), policy_.wildcards);
        mod.priority = 1;
        mod.table = 0;
        mod.idle_timeout = policy_.idle_timeout_s;
        mod.buffer_id = in.buffer_id;
        mod.actions = actions;
        send_flow(mod, out);
        if (buffered) return;  // the switch sends the packet through the flow
    }
    if (!buffered && actions.empty()) return;
    PacketOut packet;
    packet.buffer_id = in.buffer_id;
    packet.metadata.set_in_port(in.in_port());
    packet.actions = std::move(actions);
    if (!buffered) packet.packet = in.packet;
    send(std::move(packet), out);
}

}  // namespace weft::cli::testcontroller
