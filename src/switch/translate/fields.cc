// Actions that write fields: set_field, load, move, the stack, VLAN and MPLS tags, TTLs, OpenFlow 1.0's fixed
// ones.
//
// A field is written only if the packet has it; whether it has it decides, so the prerequisites count as
// looked at.

#include <fmt/core.h>

#include <algorithm>

#include "packet/address.h"
#include "packet/mpls.h"
#include "switch/translate/walk.h"

namespace weft::vswitch {

namespace of = openflow;
using of::FieldId;

void Walk::look_at(const of::Field& field) {
    of::add_to_mask(mask_, field, tunnel_table());
}

void Walk::look_at_with_prerequisites(const of::Field& field) {
    using P = of::Prerequisite;
    switch (field.prerequisite) {
        case P::kNone:
        case P::kEthernet:
        case P::kIpv4:
        case P::kIpv6:
        case P::kIpAny:
        case P::kArp:
        case P::kMpls:
        case P::kNsh:
            break;  // the Ethertype always counts
        case P::kVlanVid:
            mask_.vlans[0].tci |= packet::kVlanCfi;
            break;
        case P::kCtValid:
            mask_.ct_nw_proto = 0xff;
            break;
        case P::kTcp:
        case P::kUdp:
        case P::kSctp:
        case P::kIcmpv4:
        case P::kIcmpv6:
            mask_.nw_proto = 0xff;
            break;
        case P::kNd:
        case P::kNdSolicit:
        case P::kNdAdvert:
            mask_.nw_proto = 0xff;
            mask_.tp_src = 0xffff;
            mask_.tp_dst = 0xffff;
            break;
    }
}

void Walk::set_field(const of::SetField& action) {
    const of::Field& field = of::field(action.field);
    if (!of::field_applies(field, flow_)) {
        look_at_with_prerequisites(field);
        if (tracing()) warning(fmt::format("unmet prerequisites for {}, set_field ignored", field.name));
        return;
    }
    of::FieldValue value, mask;
    action.get(value, mask);
    look_at_with_prerequisites(field);
    bool conntrack = action.field == FieldId::kCtMark || action.field == FieldId::kCtLabel;
    // Registers and metadata are the pipeline's own: writing them tells nothing about the packet.
    bool pipeline =
        field.offset >= offsetof(packet::Flow, metadata) && field.offset < offsetof(packet::Flow, in_port);
    if (conntrack || !pipeline) of::add_to_mask(mask_, field, mask, tunnel_table());
    of::set_field_masked(flow_, field, value, mask, tunnel_table());
}

void Walk::show_subfield(const of::Subfield& subfield) {
    if (!tracing()) return;
    std::string name, value;
    of::format_subfield(subfield, name);
    of::FieldValue bits = of::get_subfield(flow_, subfield, tunnel_table());
    // As a number: of as many bytes as the bits need.
    const of::Field& field = of::field(subfield.field);
    uint64_t low = bits.low_u64(field);
    bool wide = false;
    for (size_t i = 0; i + 8 < field.bytes; ++i) wide |= bits.bytes[i] != 0;
    if (!subfield.offset && subfield.bits == field.bits) {
        of::format_value(field, bits, nullptr, nullptr, value);
    } else if (wide) {
        value = "0x";
        bool started = false;
        for (size_t i = 0; i < field.bytes; ++i) {
            if (!started && !bits.bytes[i]) continue;
            value += started ? fmt::format("{:02x}", bits.bytes[i]) : fmt::format("{:x}", bits.bytes[i]);
            started = true;
        }
    } else {
        value = low ? fmt::format("{:#x}", low) : "0";
    }
    detail(fmt::format("{} is now {}", name, value));
}

void Walk::move(const of::RegMove& action) {
    const of::Field &src = of::field(action.src.field), &dst = of::field(action.dst.field);
    look_at_with_prerequisites(src);
    look_at_with_prerequisites(dst);
    if (of::field_applies(src, flow_) && of::field_applies(dst, flow_)) {
        of::add_subfield_to_mask(mask_, action.src, tunnel_table());
        of::add_subfield_to_mask(mask_, action.dst, tunnel_table());
        of::move_subfield(flow_, action.src, action.dst, tunnel_table());
    }
    show_subfield(action.dst);
}

void Walk::write_subfield(const of::Subfield& dst, uint64_t value) {
    const of::Field& field = of::field(dst.field);
    look_at_with_prerequisites(field);
    if (!of::field_applies(field, flow_)) return;
    of::add_subfield_to_mask(mask_, dst, tunnel_table());
    of::set_subfield_u64(flow_, dst, value, tunnel_table());
}

void Walk::push(const of::StackPush& action) {
    const of::Field& field = of::field(action.subfield.field);
    look_at_with_prerequisites(field);
    of::add_subfield_to_mask(mask_, action.subfield, tunnel_table());
    of::FieldValue value = of::get_subfield(flow_, action.subfield, tunnel_table());
    Bytes item(value.bytes.begin(), value.bytes.begin() + field.bytes);
    stack_bytes_ += item.size();
    if (stack_bytes_ > kMaxStackBytes) {
        report(TraceNode::Kind::kError, "resubmits yielded too much stack");
        return fail(TranslateError::kStackTooDeep);
    }
    stack_.push_back(std::move(item));
}

void Walk::pop(const of::StackPop& action) {
    if (stack_.empty()) return void(report(TraceNode::Kind::kError, "stack underflow"));
    Bytes item = std::move(stack_.back());
    stack_.pop_back();
    stack_bytes_ -= item.size();
    const of::Field& field = of::field(action.subfield.field);
    look_at_with_prerequisites(field);
    if (of::field_applies(field, flow_)) {
        of::add_subfield_to_mask(mask_, action.subfield, tunnel_table());
        // The low bits of the item become the subfield.
        of::FieldValue value = of::get_field(flow_, field, tunnel_table());
        Bytes padded(std::max<size_t>(item.size(), field.bytes));
        std::copy_backward(item.begin(), item.end(), padded.end());
        of::copy_bits(padded.data(), padded.size(), 0, value.bytes.data(), field.bytes,
                      action.subfield.offset, action.subfield.bits);
        of::set_field(flow_, field, value, tunnel_table());
    }
    show_subfield(action.subfield);
}

// --- VLAN and MPLS

void Walk::push_vlan(uint16_t ethertype, uint16_t tci) {
    mask_.vlans[0].tci |= packet::kVlanCfi;
    for (size_t i = packet::kMaxVlans - 1; i > 0; --i) flow_.vlans[i] = flow_.vlans[i - 1];
    flow_.vlans[0].tpid = ethertype;
    flow_.vlans[0].tci = static_cast<uint16_t>(tci | packet::kVlanCfi);
}

void Walk::pop_vlan() {
    mask_.vlans[0].tci |= packet::kVlanCfi;
    if (!flow_.vlans[0].tci) return;
    for (size_t i = 0; i + 1 < packet::kMaxVlans; ++i) flow_.vlans[i] = flow_.vlans[i + 1];
    flow_.vlans[packet::kMaxVlans - 1] = {};
}

// OpenFlow 1.0's set_vlan_* add a tag where there is none.
void Walk::ensure_vlan() {
    mask_.vlans[0].tci |= packet::kVlanCfi;
    if (flow_.vlans[0].tci) return;
    flow_.vlans[0].tpid = 0x8100;
    flow_.vlans[0].tci = packet::kVlanCfi;
}

size_t Walk::count_labels() {
    for (size_t i = 0; i < packet::kMaxMplsLabels; ++i) {
        mask_.mpls_lse[i] |= packet::mpls::kBottom;
        if (flow_.mpls_lse[i] & packet::mpls::kBottom) return i + 1;
    }
    return packet::kMaxMplsLabels;
}

// Whether the packet has as many labels as a flow tells; then it is dropped.
bool Walk::too_many_labels(std::string_view action) {
    if (count_labels() < packet::kMaxMplsLabels) return false;
    report(
        TraceNode::Kind::kError,
        fmt::format("dropping packet on which {} action can't be performed as it would have more MPLS LSEs "
                    "than the {} supported.",
                    action, packet::kMaxMplsLabels));
    out_.drop = explain::DropReason::kWrongPacketType;
    fail(TranslateError::kTooManyLabels);
    return true;
}

void Walk::push_mpls(uint16_t ethertype) {
    bool mpls = flow_.dl_type == 0x8847 || flow_.dl_type == 0x8848;
    bool ip = flow_.dl_type == 0x0800 || flow_.dl_type == 0x86dd;
    if (mpls && too_many_labels("an MPLS push")) return;
    if (!mpls) commit();  // what is set in the layers that the label hides
    uint32_t lse;
    if (mpls) {
        mask_.mpls_lse[0] = ~0u;
        lse = flow_.mpls_lse[0] & ~0x100u;
    } else {
        uint8_t ttl = ip && flow_.nw_ttl ? flow_.nw_ttl : 64;
        if (ip) mask_.nw_ttl = 0xff, mask_.nw_tos |= 0xfc;
        lse = uint32_t{ttl} | 0x100u | (ip ? uint32_t(flow_.nw_tos >> 2 & 7) << 9 : 0u) |
              (flow_.dl_type == 0x86dd ? 2u << 12 : 0u);
    }
    for (size_t i = packet::kMaxMplsLabels - 1; i > 0; --i) flow_.mpls_lse[i] = flow_.mpls_lse[i - 1];
    flow_.mpls_lse[0] = lse;
    flow_.dl_type = ethertype;
    if (!mpls) {
        // The layers above are hidden now.
        constexpr size_t start = offsetof(packet::Flow, nw_src);
        std::memset(reinterpret_cast<uint8_t*>(&flow_) + start, 0, sizeof flow_ - start);
    }
}

void Walk::pop_mpls(uint16_t ethertype) {
    if (flow_.dl_type != 0x8847 && flow_.dl_type != 0x8848) return;
    mask_.mpls_lse[0] |= 0x100;
    for (size_t i = 0; i + 1 < packet::kMaxMplsLabels; ++i) flow_.mpls_lse[i] = flow_.mpls_lse[i + 1];
    flow_.mpls_lse[packet::kMaxMplsLabels - 1] = 0;
    flow_.dl_type = ethertype;
    if (ethertype != 0x8847 && ethertype != 0x8848) was_mpls_ = true;
}

bool Walk::set_mpls(uint32_t bits, unsigned shift, uint32_t value) {
    if (flow_.dl_type != 0x8847 && flow_.dl_type != 0x8848) return false;
    mask_.mpls_lse[0] |= bits;
    flow_.mpls_lse[0] = (flow_.mpls_lse[0] & ~bits) | (value << shift & bits);
    return true;
}

bool Walk::dec_mpls_ttl() {
    if (flow_.dl_type != 0x8847 && flow_.dl_type != 0x8848) return false;
    uint32_t ttl = flow_.mpls_lse[0] & 0xff;
    mask_.mpls_lse[0] |= 0xff;
    if (ttl > 1) {
        flow_.mpls_lse[0] = flow_.mpls_lse[0] - 1;
        return false;
    }
    warning("MPLS decrement TTL exception");
    of::Controller action;
    action.reason = of::PacketInReason::kInvalidTtl;
    controller(action);
    return true;
}

bool Walk::dec_ttl(const of::DecTtl& action) {
    if (flow_.dl_type != 0x0800 && flow_.dl_type != 0x86dd) return false;
    mask_.nw_ttl = 0xff;
    if (flow_.nw_ttl > 1) {
        --flow_.nw_ttl;
        return false;
    }
    warning(fmt::format("{} decrement TTL exception", flow_.dl_type == 0x0800 ? "IPv4" : "IPv6"));
    for (uint16_t id : action.controllers.value_or(std::vector<uint16_t>{0})) {
        of::Controller to;
        to.controller_id = id;
        to.reason = of::PacketInReason::kInvalidTtl;
        controller(to);
    }
    return true;
}

void Walk::delete_field(const of::DeleteField& action) {
    const of::Field& field = of::field(action.field);
    if (tracing()) detail(fmt::format("delete {}", field.name));
    if (!field.is_tun_metadata() || !tunnel_table()) return;
    if (auto* slot = tunnel_table()->slot(field.tun_metadata_index())) {
        std::fill_n(flow_.tunnel.metadata.begin() + slot->offset, slot->size, uint8_t{0});
        flow_.tunnel.metadata_present =
            flow_.tunnel.metadata_present & ~(uint64_t{1} << field.tun_metadata_index());
    }
}

// --- the fixed-field actions of OpenFlow 1.0 and 1.1

void Walk::fixed_field(const of::Action& action) {
    bool ip4 = flow_.dl_type == 0x0800, ip = ip4 || flow_.dl_type == 0x86dd;
    bool ports = ip && !(flow_.nw_frag & packet::kFragLater) &&
                 (flow_.nw_proto == 6 || flow_.nw_proto == 17 || flow_.nw_proto == 132);
    if (auto* a = action_cast<of::SetVlanVid>(action)) {
        mask_.vlans[0].tci |= packet::kVlanVidMask | packet::kVlanCfi;
        if (a->push_if_needed) ensure_vlan();
        if (flow_.vlans[0].tci) flow_.vlans[0].tci = (flow_.vlans[0].tci & ~packet::kVlanVidMask) | a->vid;
    } else if (auto* a = action_cast<of::SetVlanPcp>(action)) {
        mask_.vlans[0].tci |= packet::kVlanPcpMask | packet::kVlanCfi;
        if (a->push_if_needed) ensure_vlan();
        if (flow_.vlans[0].tci) {
            flow_.vlans[0].tci =
                static_cast<uint16_t>((flow_.vlans[0].tci & ~packet::kVlanPcpMask) | a->pcp << 13);
        }
    } else if (action_cast<of::StripVlan>(action)) {
        pop_vlan();
    } else if (auto* a = action_cast<of::PushVlan>(action)) {
        push_vlan(a->ethertype, 0);
    } else if (auto* a = action_cast<of::SetEthSrc>(action)) {
        mask_.dl_src.fill(0xff);
        flow_.dl_src = a->address;
    } else if (auto* a = action_cast<of::SetEthDst>(action)) {
        mask_.dl_dst.fill(0xff);
        flow_.dl_dst = a->address;
    } else if (auto* a = action_cast<of::SetIpSrc>(action)) {
        if (ip4) mask_.nw_src = ~0u, flow_.nw_src = a->address;
    } else if (auto* a = action_cast<of::SetIpDst>(action)) {
        if (ip4) mask_.nw_dst = ~0u, flow_.nw_dst = a->address;
    } else if (auto* a = action_cast<of::SetIpDscp>(action)) {
        if (ip)
            mask_.nw_tos |= 0xfc, flow_.nw_tos = static_cast<uint8_t>((flow_.nw_tos & 3) | (a->tos & 0xfc));
    } else if (auto* a = action_cast<of::SetIpEcn>(action)) {
        if (ip) mask_.nw_tos |= 3, flow_.nw_tos = static_cast<uint8_t>((flow_.nw_tos & 0xfc) | (a->ecn & 3));
    } else if (auto* a = action_cast<of::SetIpTtl>(action)) {
        if (ip) mask_.nw_ttl = 0xff, flow_.nw_ttl = a->ttl;
    } else if (auto* a = action_cast<of::SetL4Src>(action)) {
        mask_.nw_proto = 0xff;
        if (ports) mask_.tp_src = 0xffff, flow_.tp_src = a->port;
    } else if (auto* a = action_cast<of::SetL4Dst>(action)) {
        mask_.nw_proto = 0xff;
        if (ports) mask_.tp_dst = 0xffff, flow_.tp_dst = a->port;
    } else if (auto* a = action_cast<of::SetTunnel>(action)) {
        flow_.tunnel.id = a->tun_id;
    } else if (auto* a = action_cast<of::SetMplsLabel>(action)) {
        set_mpls(0xfffff000, 12, a->label);
    } else if (auto* a = action_cast<of::SetMplsTc>(action)) {
        set_mpls(0xe00, 9, a->tc);
    } else if (auto* a = action_cast<of::SetMplsTtl>(action)) {
        set_mpls(0xff, 0, a->ttl);
    } else if (action_cast<of::DecMplsTtl>(action)) {
        list_ends_ = dec_mpls_ttl();
    } else if (auto* a = action_cast<of::PushMpls>(action)) {
        push_mpls(a->ethertype);
    } else if (auto* a = action_cast<of::PopMpls>(action)) {
        pop_mpls(a->ethertype);
    }
}

}  // namespace weft::vswitch
