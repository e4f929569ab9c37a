// ct, nat and ct_clear (ovs-actions(7)).

#include <fmt/core.h>

#include "packet/address.h"
#include "packet/ethernet.h"
#include "switch/translate/walk.h"

namespace weft::vswitch {

namespace of = openflow;

void Walk::clear_ct_fields() {
    flow_.ct_state = 0;
    flow_.ct_zone = 0;
    flow_.ct_mark = 0;
    flow_.ct_label = {};
    flow_.ct_nw_proto = 0;
    flow_.ct_nw_src = flow_.ct_nw_dst = 0;
    flow_.ct_ipv6_src = flow_.ct_ipv6_dst = {};
    flow_.ct_tp_src = flow_.ct_tp_dst = 0;
}

void Walk::ct_clear() {
    if (!conntracked_) return;  // there is nothing to clear
    clear_ct_fields();
    append(datapath::ConntrackClear{});
    conntracked_ = false;
}

static datapath::NatRange nat_range(const of::Nat& nat, bool v6_packet) {
    datapath::NatRange range;
    range.source = nat.flags & of::Nat::kSrc;
    range.destination = nat.flags & of::Nat::kDst;
    range.v6 = nat.family == of::Nat::Family::kIpv6 || (nat.family == of::Nat::Family::kNone && v6_packet);
    range.min_address = nat.min;
    range.max_address = nat.max;
    if (nat.family != of::Nat::Family::kNone && nat.max == packet::Ipv6Addr{}) range.max_address = nat.min;
    range.min_port = nat.port_min;
    range.max_port = nat.port_max ? nat.port_max : nat.port_min;
    range.persistent = nat.flags & of::Nat::kPersistent;
    range.hash = nat.flags & of::Nat::kHash;
    range.random = nat.flags & of::Nat::kRandom;
    return range;
}

namespace {

std::string addresses_text(const packet::Flow& flow) {
    bool v4 = flow.dl_type == packet::ethernet::kIpv4;
    auto text = [&](uint32_t four, const packet::Ipv6Addr& six) {
        return v4 ? packet::ipv4_to_string(four) : fmt::format("[{}]", packet::to_string(six));
    };
    const char* name = v4 ? "nw" : "ipv6";
    return fmt::format("{}_src={},tp_src={},{}_dst={},tp_dst={}", name, text(flow.nw_src, flow.ipv6_src),
                       flow.tp_src.get(), name, text(flow.nw_dst, flow.ipv6_dst), flow.tp_dst.get());
}

// What a trace supposes of NAT: the first address and port that it may choose.
std::string simulate_nat(const datapath::NatRange& range, packet::Flow& flow) {
    std::string before, after;
    if (range.source || range.destination) {
        before = addresses_text(flow);
        if (range.min_address != packet::Ipv6Addr{}) {
            if (flow.dl_type == packet::ethernet::kIpv4)
                (range.source ? flow.nw_src : flow.nw_dst) = load_be32(range.min_address.data());
            else
                (range.source ? flow.ipv6_src : flow.ipv6_dst) = range.min_address;
        }
        if (range.min_port) (range.source ? flow.tp_src : flow.tp_dst) = range.min_port;
        after = addresses_text(flow);
    }
    return fmt::format("Replacing src/dst IP/ports to simulate NAT:\n Initial flow: {}\n Modified flow: {}",
                       before, after);
}

}  // namespace

void Walk::ct(const of::Ct& action, bool) {
    // What was changed so far must be in the packet that is tracked.
    commit();
    datapath::Conntrack track;
    track.commit = action.commit;
    track.force = action.force;
    if (action.zone_src.valid()) {
        track.zone = static_cast<uint16_t>(of::get_subfield_u64(flow_, action.zone_src, tunnel_table()));
        of::add_subfield_to_mask(mask_, action.zone_src, tunnel_table());
    } else {
        track.zone = action.zone_imm;
    }
    if (track.commit) track.timeout_policy = backer_.zone_timeout_policy(track.zone);
    if (action.alg == 21) track.helper = "ftp";
    if (action.alg == 69) track.helper = "tftp";

    // The nested actions write ct_mark and ct_label of the connection: what they wrote is what the mask has
    // afterwards.
    Be32 saved_mark_mask = mask_.ct_mark;
    packet::Be128 saved_label_mask = mask_.ct_label;
    mask_.ct_mark = 0;
    mask_.ct_label = {};
    Be32 saved_mark = flow_.ct_mark;
    packet::Be128 saved_label = flow_.ct_label;
    ct_nat_ = nullptr;
    do_actions(action.actions, false);
    if (mask_.ct_mark) track.mark = {flow_.ct_mark & mask_.ct_mark, static_cast<uint32_t>(mask_.ct_mark)};
    if (mask_.ct_label != packet::Be128{}) {
        packet::Be128 value = flow_.ct_label;
        for (size_t i = 0; i < value.size(); ++i) value[i] &= mask_.ct_label[i];
        track.label = {value, mask_.ct_label};
    }
    packet::Flow tracked = tracing() ? flow_ : packet::Flow();  // as the connection will be
    mask_.ct_mark = saved_mark_mask;
    mask_.ct_label = saved_label_mask;
    flow_.ct_mark = saved_mark;
    flow_.ct_label = saved_label;
    if (ct_nat_) track.nat = nat_range(*ct_nat_, flow_.dl_type == 0x86dd);
    ct_nat_ = nullptr;
    uint16_t zone = track.zone;
    std::string translated;
    bool goes_round = action.recirc_table != of::Ct::kNoRecirculation;
    if (tracing() && track.nat && goes_round) translated = simulate_nat(*track.nat, tracked);
    append(std::move(track));

    if (goes_round) {
        detail(
            fmt::format("A clone of the packet is forked to recirculate. The forked pipeline will be resumed "
                        "at table {}.",
                        action.recirc_table));
        FrozenState state = freeze_state();
        state.table = action.recirc_table;
        state.conntracked = true;
        uint32_t id = freeze(std::move(state));
        append(datapath::Recirculate{id});
        if (tracing()) {
            tracked.ct_zone = zone;
            out_.trace_recirculations.push_back({id, tracked, true, std::move(translated)});
        }
    }
    detail("Sets the packet to an untracked state, and clears all the conntrack fields.");
    clear_ct_fields();
    conntracked_ = false;
}

}  // namespace weft::vswitch
