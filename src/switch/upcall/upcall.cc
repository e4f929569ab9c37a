// Upcalls: packets that no megaflow covers, and packets that a flow sends up.

#include "base/clock.h"
#include "base/log.h"
#include "datapath/api/text.h"
#include "packet/address.h"
#include "packet/lacp.h"
#include "packet/lldp.h"
#include "switch/translate/user_action.h"
#include "switch/upcall/backer.h"

namespace weft::vswitch {

namespace {

log::Module lg("ofproto_dpif_upcall");
log::Module dpif_lg("dpif");

constexpr uint32_t kCtStates = 0xff;  // the bits that there are

}  // namespace

// Which bridge and port a key belongs to, and what it is in OpenFlow's terms.
bool Backer::look_up(const packet::Flow& key, Lookup& lookup) const {
    if (key.recirc_id) {
        lookup.frozen = recirculations_.find(key.recirc_id);
        if (!lookup.frozen) return false;
        lookup.bridge = bridge(lookup.frozen->bridge);
        if (!lookup.bridge) return false;
        lookup.flow = to_openflow_key(key, *lookup.bridge->tunnel_table, lookup.frozen->metadata.in_port);
        return true;
    }
    lookup.port = port_of(key);
    if (!lookup.port) return false;
    lookup.bridge = lookup.port->bridge;
    lookup.flow = to_openflow_key(key, *lookup.bridge->tunnel_table, lookup.port->number);
    return true;
}

TranslateOutput Backer::translate_key(const packet::Flow& key, const Lookup& lookup,
                                      const packet::Packet* packet, bool effects, EffectCache* cache) {
    TranslateInput input;
    input.backer = this;
    input.bridge = lookup.bridge;
    input.flow = lookup.flow;
    input.packet = packet;
    input.frozen = lookup.frozen;
    input.effects = effects;
    input.tcp_flags = effects ? static_cast<uint16_t>(key.tcp_flags) : uint16_t{0};
    input.cache = cache;
    return translate(input);
}

void Backer::handle(std::vector<datapath::Upcall> upcalls) {
    if (waiting_) return;
    for (datapath::Upcall& upcall : upcalls) {
        if (dpif_lg.enabled(log::Level::kDbg)) {
            dpif_lg.dbg("{}@{}: {} upcall:\n{}", type_, datapath_->name(),
                        upcall.type == datapath::Upcall::Type::kMiss ? "miss" : "action",
                        datapath::format_key(upcall.key));
        }
        if (upcall.type == datapath::Upcall::Type::kMiss)
            miss(upcall);
        else
            user_action(upcall);
    }
    loop_.wake();
}

void Backer::miss(datapath::Upcall& upcall) {
    Lookup lookup;
    if (!look_up(upcall.key, lookup)) {
        static log::RateLimit limit(5, 5);
        if (limit.pass(lg)) {
            lg.info("received packet on unassociated datapath port {}{}",
                    static_cast<uint32_t>(upcall.key.in_port),
                    upcall.key.recirc_id ? " (unknown recirculation id)" : "");
        }
        return;
    }
    effects_.clear();
    TranslateOutput output = translate_key(upcall.key, lookup, &upcall.packet, true, &effects_);
    effects_.replay(1, upcall.packet.size(), static_cast<uint16_t>(upcall.key.tcp_flags),
                    clock::monotonic_ms());
    SlowPath slow = output.slow;
    datapath::Actions actions = output.actions;
    if (slow != SlowPath::kNone) output.actions = slow_path_actions(slow);
    deliver(output, upcall.packet, upcall.key);
    solicit(output);
    install(upcall.key, output, lookup);
    linger(std::move(output.recirculations));  // unless a megaflow has them
    if (slow != SlowPath::kNone && slow != SlowPath::kAction) return take_protocol(upcall, slow);
    execute(upcall, actions);
}

void Backer::execute(datapath::Upcall& upcall, const datapath::Actions& actions) {
    if (actions.empty()) return;
    datapath::Execute execute;
    execute.packet = std::move(upcall.packet);
    execute.key = upcall.key;
    execute.actions = &actions;
    if (auto result = datapath_->execute(std::move(execute)); !result) {
        static log::RateLimit limit(5, 5);
        if (limit.pass(lg)) lg.warn("{}: executing actions failed: {}", datapath_->name(), result.message());
    }
}

// A packet whose megaflow hands it up because the switch has to look at it before it goes on.  Its megaflow
// counts it.
void Backer::act(datapath::Upcall& upcall) {
    Lookup lookup;
    if (!look_up(upcall.key, lookup)) return;
    EffectCache counted;
    TranslateOutput output = translate_key(upcall.key, lookup, &upcall.packet, true, &counted);
    if (output.slow != SlowPath::kNone && output.slow != SlowPath::kAction)
        return take_protocol(upcall, output.slow);
    deliver(output, upcall.packet, upcall.key);
    solicit(output);
    linger(std::move(output.recirculations));
    execute(upcall, output.actions);
}

void Backer::deliver(const TranslateOutput& output, const packet::Packet& packet, const packet::Flow& key) {
    for (const ProtocolDelivery& delivery : output.deliveries) {
        Bridge* bridge = this->bridge(delivery.bridge);
        OfPort* port = bridge ? bridge->port(delivery.port) : nullptr;
        if (port && protocol_) protocol_(*port, SlowPath::kStp, packet, key);
    }
}

datapath::Ufid ufid_of(const packet::Flow& key, const packet::Flow& mask) {
    uint64_t h = hash_seed();
    for (size_t i = 0; i < packet::kFlowWords; ++i) {
        uint64_t bits = packet::words(mask)[i];
        if (bits) h = hash_add(hash_add(hash_add(h, i), bits), packet::words(key)[i] & bits);
    }
    datapath::Ufid ufid;
    uint64_t second = hash_add(h, 0x5bd1e995);
    std::memcpy(ufid.bytes.data(), &h, 8);
    std::memcpy(ufid.bytes.data() + 8, &second, 8);
    return ufid;
}

// Its effects are effects_.
void Backer::install(const packet::Flow& key, TranslateOutput& output, const Lookup& lookup) {
    if (megaflows_.size() >= flow_limit_.now()) {  // each such packet goes up again
        static log::RateLimit limit(1, 5);
        if (flow_limit_.now() && limit.pass(lg))
            lg.warn("upcall: datapath reached the dynamic limit of {} flows.", flow_limit_.now());
        return;
    }
    datapath::FlowPut put;
    put.mask = to_datapath_mask(key, output.mask, *lookup.bridge->tunnel_table);
    if (!wildcarding_) {
        packet::Flow exact = datapath::exact_mask(key);
        exact.ct_state = kCtStates;
        for (size_t i = 0; i < packet::kFlowWords; ++i) packet::words(put.mask)[i] |= packet::words(exact)[i];
    }
    MegaflowMasks::Id mask = masks_.hold(put.mask, key.in_port);
    // Two packets of one megaflow that missed together: the first one's flow serves both.
    datapath::Ufid ufid = ufid_of(key, put.mask);
    auto [it, added] = megaflows_.try_emplace(ufid);
    if (!added) return masks_.release(mask);
    auto flow = std::make_unique<Megaflow>();
    flow->effects = effects_;
    flow->created_ms = clock::monotonic_ms();
    flow->seen.used_ms = 0;
    put.ufid = ufid;
    put.key = key;
    put.actions = std::move(output.actions);
    if (auto result = datapath_->put_flow(std::move(put)); !result) {
        megaflows_.erase(it);
        masks_.release(mask);
        static log::RateLimit limit(5, 5);
        if (limit.pass(lg)) lg.warn("{}: failed to put flow: {}", datapath_->name(), result.message());
        return;
    }
    flow->recirculations = std::move(output.recirculations);
    flow->recirc_id = key.recirc_id;
    flow->mask = mask;
    if (flow->recirc_id) recirculations_.hold(flow->recirc_id);
    it->second = std::move(flow);
    most_flows_ = std::max(most_flows_, megaflows_.size());
}

// Sessions come and go while packets are under way: the port must still want this one.
void Backer::take_protocol(const datapath::Upcall& upcall, SlowPath protocol) {
    OfPort* port = port_of(upcall.key);
    packet::Flow unused = packet::zero_flow();
    if (!port || !protocol_) return;
    bool wanted = protocol == SlowPath::kBfd    ? port->bfd && port->bfd->matches(upcall.key, unused)
                  : protocol == SlowPath::kCfm  ? port->cfm && port->cfm->matches(upcall.key, unused)
                  : protocol == SlowPath::kLldp ? port->lldp && upcall.key.dl_type == packet::kLldp
                  : protocol == SlowPath::kLacp ? port->lacp && upcall.key.dl_type == packet::kSlowProtocols
                  : protocol == SlowPath::kStp  ? port->bridge->spanning_tree
                                                : false;
    if (wanted) protocol_(*port, protocol, upcall.packet, upcall.key);
}

void Backer::user_action(datapath::Upcall& upcall) {
    auto action = UserAction::decode(upcall.userdata);
    if (action && action->type == UserAction::Type::kSlowPath) {
        if (action->slow_reason == SlowPath::kAction) return act(upcall);
        return take_protocol(upcall, action->slow_reason);
    }
    if (!action) {
        lg.dbg("{}: a userspace action with unknown data", datapath_->name());
        return;
    }
    if (action->type != UserAction::Type::kController) {
        Bridge* of = this->bridge(action->bridge);
        if (of && sample_) sample_(*of, *action, upcall, port_of(upcall.key));
        return;
    }
    const FrozenState* state = recirculations_.find(action->recirc_id);
    Bridge* bridge = state ? this->bridge(state->bridge) : nullptr;
    if (!bridge || action->dont_send) return;
    PacketIn in;
    in.bridge = bridge;
    in.metadata = to_openflow_key(upcall.key, *bridge->tunnel_table, state->metadata.in_port);
    in.metadata.tunnel = state->metadata.tunnel;
    in.metadata.metadata = state->metadata.metadata;
    in.metadata.regs = state->metadata.regs;
    in.metadata.actset_output = state->metadata.actset_output;
    in.packet = std::move(upcall.packet);
    in.table = action->table;
    in.cookie = action->rule_cookie;
    in.reason = static_cast<openflow::PacketInReason>(action->reason);
    in.controller_id = action->controller_id;
    in.max_len = action->max_len;
    in.userdata = state->userdata;
    in.paused = action->continuation;
    in.continuation = action->recirc_id;
    if (in.paused) hold_paused(action->recirc_id);
    send_packet_in(std::move(in));
}

}  // namespace weft::vswitch
