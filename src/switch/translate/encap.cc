// encap, decap and dec_nsh_ttl (ovs-actions(7)): packets of other types than Ethernet.
//
// A service header that is put on can be written by the actions that follow, so it goes into the datapath's
// actions only at the next commit(), with what its fields are then.  What lies below a header that is taken
// off is not known yet: the packet goes round.

#include <fmt/core.h>

#include <cstring>

#include "packet/ethernet.h"
#include "packet/mpls.h"
#include "packet/nsh.h"
#include "switch/translate/walk.h"

namespace weft::vswitch {

namespace of = openflow;

namespace {

constexpr uint8_t kNshTtl = 63, kNshIndex = 255;
constexpr uint32_t kMplsTtl = 64;
constexpr uint16_t kBridgedEthernet = 0x6558;  // RFC 1701

constexpr uint32_t type_of(uint16_t ethertype) {
    return 1u << 16 | ethertype;
}

// Everything from VLAN tags on belongs to what is below now.
void hide_layers(packet::Flow& flow) {
    constexpr size_t start = offsetof(packet::Flow, vlans);
    std::memset(reinterpret_cast<uint8_t*>(&flow) + start, 0, sizeof flow - start);
}

std::optional<uint8_t> nsh_next_protocol(uint32_t packet_type) {
    switch (packet_type) {
        case 0:
            return packet::nsh::kEthernet;
        case type_of(packet::ethernet::kIpv4):
            return packet::nsh::kIpv4;
        case type_of(packet::ethernet::kIpv6):
            return packet::nsh::kIpv6;
        case type_of(packet::ethernet::kNsh):
            return packet::nsh::kNsh;
        default:
            return std::nullopt;
    }
}

// Metadata type 2 (RFC 8300 section 2.5.1): each TLV padded to words.
Bytes nsh_metadata(const of::Encap& action, uint8_t& type) {
    Bytes out;
    type = 1;
    for (const of::EncapProperty& property : action.properties) {
        if (property.type == 1) type = property.md_type;
        if (property.type != 2) continue;
        size_t at = out.size(), padded = (property.data.size() + 3) / 4 * 4;
        if (at + 4 + padded > packet::nsh::kMaxMetadata) break;
        out.resize(at + 4 + padded);
        store_be16(out.data() + at, property.tlv_class);
        out[at + 2] = property.tlv_type;
        out[at + 3] = static_cast<uint8_t>(property.data.size());
        if (!property.data.empty())
            std::memcpy(out.data() + at + 4, property.data.data(), property.data.size());
    }
    if (type == 1) out.clear();
    return out;
}

}  // namespace

void Walk::unsupported_packet_type(std::string what) {
    report(TraceNode::Kind::kError, std::move(what));
    out_.drop = explain::DropReason::kWrongPacketType;
    fail(TranslateError::kUnsupportedPacketType);
}

void Walk::encap(const of::Encap& action) {
    mask_.packet_type = ~0u;
    mask_.dl_type = 0xffff;
    switch (action.packet_type) {
        case 0:
            if (flow_.packet_type >> 16 == 0)  // also if decap() did not say
                return unsupported_packet_type(
                    "Dropping packet as encap(ethernet) is not supported for packet type ethernet.");
            commit();
            flow_.packet_type = 0;
            flow_.dl_src = flow_.dl_dst = {};
            return;
        case type_of(packet::ethernet::kNsh): {
            auto next = nsh_next_protocol(flow_.packet_type);
            if (!next)
                return unsupported_packet_type(
                    fmt::format("Dropping packet as encap(nsh) is not supported for packet type ({},0x{:x})",
                                flow_.packet_type >> 16, flow_.packet_type & 0xffff));
            commit();
            pending_nsh_ = std::make_unique<Bytes>(nsh_metadata(action, flow_.nsh.mdtype));
            uint8_t mdtype = flow_.nsh.mdtype;
            hide_layers(flow_);
            flow_.packet_type = action.packet_type;
            flow_.dl_src = flow_.dl_dst = {};
            flow_.dl_type = packet::ethernet::kNsh;
            flow_.nsh.ttl = kNshTtl;
            flow_.nsh.mdtype = mdtype;
            flow_.nsh.np = *next;
            flow_.nsh.path_hdr = kNshIndex;
            return;
        }
        case type_of(packet::ethernet::kMpls):
        case type_of(packet::ethernet::kMplsMulticast):
            return encap_mpls(static_cast<uint16_t>(action.packet_type));
        default:
            return unsupported_packet_type(
                fmt::format("Dropping packet as encap of packet type ({},0x{:x}) is not supported",
                            action.packet_type >> 16, action.packet_type & 0xffff));
    }
}

void Walk::encap_mpls(uint16_t ethertype) {
    bool labelled = packet::ethernet::is_mpls(flow_.dl_type);
    if (labelled && too_many_labels("an encap MPLS")) return;
    commit();
    labelled = labelled && flow_.packet_type != 0;
    auto below = flow_.mpls_lse;
    uint32_t lse = kMplsTtl | packet::mpls::kBottom;
    if (flow_.dl_type == packet::ethernet::kIpv6)
        lse |= packet::mpls::kIpv6ExplicitNull << packet::mpls::kLabelShift;
    if (labelled) {
        mask_.mpls_lse[0] = ~0u;
        lse = below[0] & ~packet::mpls::kBottom;
    }
    hide_layers(flow_);
    flow_.packet_type = type_of(ethertype);
    flow_.dl_src = flow_.dl_dst = {};
    flow_.dl_type = ethertype;
    flow_.mpls_lse[0] = lse;
    for (size_t i = 1; labelled && i < packet::kMaxMplsLabels; i++) flow_.mpls_lse[i] = below[i - 1];
    pending_mpls_ = true;
}

// What encap() left to be done.
void Walk::commit_encap() {
    if (pending_mpls_) {
        append(datapath::AddMpls{flow_.mpls_lse[0], flow_.dl_type});
        pending_mpls_ = false;
        hide_layers(base_);
        base_.packet_type = flow_.packet_type;
        base_.dl_type = flow_.dl_type;
        base_.dl_src = base_.dl_dst = {};
        base_.mpls_lse = flow_.mpls_lse;
    }
    if (!pending_nsh_) return;
    datapath::PushNsh push;
    push.flags = flow_.nsh.flags;
    push.ttl = flow_.nsh.ttl;
    push.mdtype = flow_.nsh.mdtype;
    push.np = flow_.nsh.np;
    push.path_hdr = flow_.nsh.path_hdr;
    push.metadata = std::move(*pending_nsh_);
    if (push.mdtype == 1) {
        push.metadata.resize(16);
        for (size_t i = 0; i < 4; i++) store_be32(push.metadata.data() + 4 * i, flow_.nsh.context[i]);
    }
    append(std::move(push));
    pending_nsh_.reset();
    hide_layers(base_);
    base_.packet_type = type_of(packet::ethernet::kNsh);
    base_.dl_type = packet::ethernet::kNsh;
    base_.dl_src = base_.dl_dst = {};
    base_.nsh = flow_.nsh;
}

void Walk::decap(const of::Decap& action) {
    mask_.packet_type = ~0u;
    mask_.dl_type = 0xffff;
    if (flow_.packet_type == 0) {
        mask_.vlans[0].tci |= packet::kVlanCfi;
        commit();
        if (flow_.vlans[0].tci)
            return unsupported_packet_type("Dropping packet, cannot decap Ethernet if VLAN is present.");
        flow_.packet_type = type_of(flow_.dl_type);
        flow_.dl_src = flow_.dl_dst = {};
        return;
    }
    if (flow_.packet_type >> 16 == 1 && packet::ethernet::is_mpls(flow_.dl_type)) return decap_mpls(action);
    if (flow_.packet_type != type_of(packet::ethernet::kNsh))
        return unsupported_packet_type(
            fmt::format("Dropping packet as the decap() does not support packet type ({},0x{:x})",
                        flow_.packet_type >> 16, flow_.packet_type & 0xffff));
    mask_.nsh.np = 0xff;
    uint32_t below;
    switch (flow_.nsh.np) {
        case packet::nsh::kEthernet:
            below = 0;
            break;
        case packet::nsh::kIpv4:
            below = type_of(packet::ethernet::kIpv4);
            break;
        case packet::nsh::kIpv6:
            below = type_of(packet::ethernet::kIpv6);
            break;
        case packet::nsh::kNsh:
            below = type_of(packet::ethernet::kNsh);
            break;
        default:
            return unsupported_packet_type(
                fmt::format("Dropping packet as NSH next protocol {} is not supported", flow_.nsh.np));
    }
    commit();
    append(datapath::PopNsh{});
    enter_below(below);
}

// The action says what is below: a label does not.  Below the last one lies something that is not known yet;
// of several all go unless a label follows.
void Walk::decap_mpls(const of::Decap& action) {
    size_t labels = count_labels();
    uint16_t below = action.packet_type ? static_cast<uint16_t>(action.packet_type) : kBridgedEthernet;
    commit();
    if (labels > 1 && packet::ethernet::is_mpls(below)) {
        std::copy(flow_.mpls_lse.begin() + 1, flow_.mpls_lse.end(), flow_.mpls_lse.begin());
        flow_.mpls_lse.back() = 0;
    } else {
        hide_layers(flow_);
    }
    flow_.dl_type = below;
    flow_.packet_type = base_.packet_type = action.packet_type;
    base_.dl_src = flow_.dl_src;
    base_.dl_dst = flow_.dl_dst;
    if (labels > 1) return;
    if (packet::ethernet::is_mpls(below)) {  // which labels is not known: none is there to be written
        append(datapath::PopMpls{below});
        base_.mpls_lse = flow_.mpls_lse;
        base_.dl_type = below;
    }
    start_freezing();
}

// The packet begins with what was below; an Ethernet header there has its own addresses.
void Walk::enter_below(uint32_t packet_type) {
    flow_.packet_type = base_.packet_type = packet_type;
    base_.dl_src = flow_.dl_src;
    base_.dl_dst = flow_.dl_dst;
    start_freezing();
}

bool Walk::dec_nsh_ttl() {
    if (flow_.packet_type != type_of(packet::ethernet::kNsh) && flow_.dl_type != packet::ethernet::kNsh)
        return false;
    mask_.nsh.ttl = 0xff;
    if (flow_.nsh.ttl > 1) {
        --flow_.nsh.ttl;
        return false;
    }
    warning("NSH decrement TTL exception");
    of::Controller to;
    to.reason = of::PacketInReason::kInvalidTtl;
    controller(to);
    return true;
}

}  // namespace weft::vswitch
