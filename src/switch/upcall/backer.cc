#include "switch/upcall/backer.h"

#include "base/clock.h"
#include "base/log.h"
#include "packet/address.h"
#include "packet/compose.h"
#include "switch/translate/user_action.h"
#include "switch/underlay/underlay.h"

namespace weft::vswitch {

namespace {

constexpr int64_t kPausedPacketLife = 60000;
constexpr int64_t kTakeOverAtLatest = 30000;
constexpr int kSettledAfter = 4;     // looks, revalidation_ms apart
constexpr int64_t kUnderWay = 1000;  // as long as a packet may take to come back

log::Module lg("ofproto_dpif_upcall");

}  // namespace

Backer::Backer(net::Loop& loop, std::string type, std::unique_ptr<datapath::Datapath> datapath)
    : loop_(loop),
      type_(std::move(type)),
      datapath_(std::move(datapath)),
      masks_(datapath_->features().masks) {
    install_user_action_text();
    datapath_->set_upcall_handler(this);
    turn_ = loop_.each_turn([this] { turn(); });
    take_over_by_ms_ = clock::monotonic_ms() + kTakeOverAtLatest;
    timer_ = loop_.timer([this] {
        revalidate(false);
        take_over_when_settled();
        timer_->arm_in(revalidation_ms);
    });
    timer_->arm_in(revalidation_ms);
}

Backer::~Backer() {
    if (!datapath_->outlives_process()) purge();
    lingering_.clear();
    for (auto& [at, id] : paused_packets_) recirculations_.release(id);
    datapath_->set_upcall_handler(nullptr);
}

// Controllers have come back and said what they had to say, as far as one can see: every bridge has flows,
// and for a while nothing has changed.
void Backer::take_over_when_settled() {
    if (taken_over_ || waiting_) return;
    bool empty = bridges_.empty();
    for (const auto& [name, bridge] : bridges_) empty = empty || !bridge->flow_count();
    uint64_t now = generation();
    settled_ = now == settling_generation_ && !empty ? settled_ + 1 : 0;
    settling_generation_ = now;
    if (settled_ < kSettledAfter && clock::monotonic_ms() < take_over_by_ms_) return;
    taken_over_ = true;
    inherit_flows();
    datapath_->take_over();
}

void Backer::set_waiting(bool waiting) {
    if (waiting == waiting_) return;
    waiting_ = waiting;
    // Whoever restored the tables says when they are whole.
    if (!waiting_) take_over_by_ms_ = clock::monotonic_ms();
}

Bridge& Backer::add_bridge(const std::string& name) {
    auto& slot = bridges_[name];
    slot = std::make_unique<Bridge>(name, type_);
    ++own_generation_;
    return *slot;
}

void Backer::remove_bridge(const std::string& name) {
    auto it = bridges_.find(name);
    if (it == bridges_.end()) return;
    purge();  // effects name the bridge's rules
    for (const auto& [number, port] : it->second->ports()) unmap_port(*port);
    bridges_.erase(it);
    ++own_generation_;
}

Bridge* Backer::bridge(std::string_view name) const {
    auto it = bridges_.find(name);
    return it == bridges_.end() ? nullptr : it->second.get();
}

void Backer::map_port(OfPort& port) {
    unmap_port(port);
    ++own_generation_;
    if (port.is_patch) {
        patches_[port.name] = &port;
    } else if (port.tunnel) {
        tunnels_.add(port);
    } else if (port.dp_port != datapath::kNoPort) {
        by_datapath_port_[port.dp_port] = &port;
    }
}

void Backer::unmap_port(OfPort& port) {
    ++own_generation_;
    absl::erase_if(patches_, [&](const auto& entry) { return entry.second == &port; });
    tunnels_.remove(port);
    absl::erase_if(by_datapath_port_, [&](const auto& entry) { return entry.second == &port; });
}

OfPort* Backer::peer_of(const OfPort& patch) const {
    auto it = patches_.find(patch.peer_name);
    // A patch is a pair: each must name the other.
    return it != patches_.end() && it->second->peer_name == patch.name ? it->second : nullptr;
}

OfPort* Backer::port_by_datapath(datapath::PortNo number) const {
    auto it = by_datapath_port_.find(number);
    return it == by_datapath_port_.end() ? nullptr : it->second;
}

OfPort* Backer::port_of(const packet::Flow& key) const {
    if (OfPort* port = port_by_datapath(key.in_port)) return port;
    return tunnels_.find(key.in_port, key.tunnel, key.packet_type);
}

uint64_t Backer::generation() const {
    uint64_t sum = own_generation_;
    for (const auto& [name, bridge] : bridges_) sum += bridge->generation();
    return underlay_ ? sum + underlay_->generation() : sum;
}

void Backer::solicit(const TranslateOutput& output) {
    for (const Solicitation& wanted : output.solicitations) {
        Bridge* through = bridge(wanted.bridge);
        if (!through || !underlay_ || !underlay_->ask(wanted.bridge, wanted.target)) continue;
        auto target = packet::mapped_ipv4(wanted.target);
        packet::Packet request =
            target ? packet::compose_arp(1, wanted.mac, packet::kEthBroadcast, wanted.mac,
                                         packet::mapped_ipv4(wanted.source).value_or(0), {}, *target)
                   : packet::compose_nd_ns(wanted.mac, wanted.source, wanted.target);
        packet::Flow metadata = packet::zero_flow();
        metadata.in_port = openflow::kPortLocal;
        (void)send(*through, std::move(request), metadata, {openflow::Output{openflow::kPortTable}}, false);
    }
}

// What happens once in every turn, after all input was read.
void Backer::turn() {
    int64_t now = clock::monotonic_ms();
    for (auto& [name, bridge] : bridges_) {
        if (bridge->next_expiry_ms() <= now) {
            pull_statistics();  // or a flow that is in use would look idle
            bridge->expire_flows(now);
        }
    }
    if (generation() != validated_generation_) {
        // Many changes in a row are one revalidation, so that it never takes more than half of the time.
        if (now >= next_validation_ms_)
            revalidate(false);
        else
            timer_->arm_at(next_validation_ms_);
    }
    while (!lingering_.empty() && lingering_.front().first <= now) lingering_.pop_front();
    while (!paused_packets_.empty() && paused_packets_.front().first <= now) {
        recirculations_.release(paused_packets_.front().second);
        paused_packets_.erase(paused_packets_.begin());
    }
}

openflow::OfError Backer::packet_out(Bridge& bridge, packet::Packet packet, const packet::Flow& metadata,
                                     const openflow::ActionList& actions) {
    for (const openflow::Action& action : actions) {
        if (auto* output = openflow::action_cast<openflow::Output>(action)) {
            if (output->port == openflow::kPortNone) return openflow::OfError::OFPBAC_BAD_OUT_PORT;
        }
    }
    return send(bridge, std::move(packet), metadata, actions, false);
}

void Backer::send_bpdu(OfPort& port, packet::Packet packet) {
    packet::Flow metadata = packet::zero_flow();
    metadata.in_port = openflow::kPortNone;
    openflow::Output output;
    output.port = port.number;
    (void)send(*port.bridge, std::move(packet), metadata, {openflow::Action(output)}, true);
}

openflow::OfError Backer::send(Bridge& bridge, packet::Packet packet, const packet::Flow& metadata,
                               const openflow::ActionList& actions, bool protocol) {
    packet::Flow flow = metadata;
    packet::extract(packet, flow);
    EffectCache effects;
    TranslateInput input;
    input.backer = this;
    input.bridge = &bridge;
    input.flow = flow;
    input.packet = &packet;
    input.effects = true;
    input.actions = &actions;
    input.protocol = protocol;
    input.cache = &effects;
    TranslateOutput output = translate(input);
    effects.replay(1, packet.size(), static_cast<uint16_t>(flow.tcp_flags), clock::monotonic_ms());
    deliver(output, packet, flow);
    solicit(output);
    if (output.actions.empty()) return openflow::OfError::kNone;
    datapath::Execute execute;
    execute.key = flow;
    OfPort* port = bridge.port(flow.in_port);
    execute.key.in_port = port && port->dp_port != datapath::kNoPort ? port->dp_port : datapath::kNoPort;
    execute.key.tunnel = to_datapath_tunnel(flow.tunnel, *bridge.tunnel_table);
    execute.key.metadata = 0;
    execute.key.regs = {};
    execute.key.actset_output = 0;
    execute.packet = std::move(packet);
    execute.actions = &output.actions;
    linger(std::move(output.recirculations));
    if (auto result = datapath_->execute(std::move(execute)); !result) {
        static log::RateLimit limit(10, 10);
        if (limit.pass(lg))
            lg.warn("{}: packet-out was not carried out: {}", bridge.name(), result.message());
    }
    return openflow::OfError::kNone;
}

bool Backer::resume(packet::Packet packet, packet::Flow metadata, uint32_t continuation) {
    const FrozenState* found = recirculations_.find(continuation);
    Bridge* bridge = found ? this->bridge(found->bridge) : nullptr;
    if (!bridge) return false;
    // The controller may have changed the pipeline's fields along with the packet.
    FrozenState state = *found;
    state.metadata.regs = metadata.regs;
    state.metadata.metadata = metadata.metadata;
    state.metadata.tunnel = metadata.tunnel;
    packet::Flow flow = metadata;
    flow.in_port = state.metadata.in_port;
    packet::extract(packet, flow);
    EffectCache effects;
    TranslateInput input;
    input.backer = this;
    input.bridge = bridge;
    input.flow = flow;
    input.packet = &packet;
    input.frozen = &state;
    input.effects = true;
    input.cache = &effects;
    TranslateOutput output = translate(input);
    effects.replay(1, packet.size(), static_cast<uint16_t>(flow.tcp_flags), clock::monotonic_ms());
    deliver(output, packet, flow);
    if (output.actions.empty()) return true;
    datapath::Execute execute;
    execute.key = flow;
    OfPort* port = bridge->port(flow.in_port);
    execute.key.in_port = port && port->dp_port != datapath::kNoPort ? port->dp_port : datapath::kNoPort;
    execute.key.tunnel = to_datapath_tunnel(flow.tunnel, *bridge->tunnel_table);
    execute.key.metadata = 0;
    execute.key.regs = {};
    execute.key.actset_output = 0;
    execute.packet = std::move(packet);
    execute.actions = &output.actions;
    linger(std::move(output.recirculations));
    if (auto result = datapath_->execute(std::move(execute)); !result) {
        static log::RateLimit limit(10, 10);
        if (limit.pass(lg))
            lg.warn("{}: a resumed packet was not sent: {}", bridge->name(), result.message());
    }
    return true;
}

void Backer::linger(RecirculationRefs refs) {
    if (!refs.ids().empty()) lingering_.emplace_back(clock::monotonic_ms() + kUnderWay, std::move(refs));
}

void Backer::hold_paused(uint32_t recirc_id) {
    recirculations_.hold(recirc_id);
    paused_packets_.emplace_back(clock::monotonic_ms() + kPausedPacketLife, recirc_id);
}

}  // namespace weft::vswitch
