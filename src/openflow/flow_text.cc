#include "openflow/flow_text.h"

#include <algorithm>

#include "packet/address.h"

namespace weft::openflow {

namespace {

constexpr uint32_t kBottomOfStack = 0x100;  // RFC 3032, 2.1

}  // namespace

std::string format_flow(const packet::Flow& flow, const FlowText& options) {
    const TunnelTableRef& tunnel_table = options.tunnel_table;
    Match match;
    match.tunnel_table = tunnel_table;
    match.value = flow;
    packet::Flow& mask = match.mask;
    auto if_set = [](auto& m, const auto& value, auto ones) {
        if (value != 0) m = ones;
    };
    bool tunnel = flow.tunnel.dst || !packet::is_zero(flow.tunnel.ipv6_dst);
    if (!tunnel) {
        if_set(mask.tunnel.id, flow.tunnel.id, ~uint64_t{0});
    } else {
        if (flow.tunnel.flags & packet::kTunnelKey) mask.tunnel.id = ~uint64_t{0};
        mask.tunnel.src = mask.tunnel.dst = ~0u;
        mask.tunnel.ipv6_src.fill(0xff);
        mask.tunnel.ipv6_dst.fill(0xff);
        mask.tunnel.gbp_id = mask.tunnel.flags = 0xffff;
        mask.tunnel.gbp_flags = mask.tunnel.tos = mask.tunnel.ttl = mask.tunnel.erspan_ver = 0xff;
        mask.tunnel.gtpu_flags = mask.tunnel.gtpu_msgtype = 0xff;
        if (flow.tunnel.erspan_ver == 1) mask.tunnel.erspan_idx = ~0u;
        if (flow.tunnel.erspan_ver == 2) mask.tunnel.erspan_dir = mask.tunnel.erspan_hwid = 0xff;
        mask.tunnel.metadata_present = flow.tunnel.metadata_present;
        if (tunnel_table) {
            for (unsigned i = 0; i < packet::kTunnelMetadataFields; ++i) {
                const auto* slot = tunnel_table->slot(i);
                if (!(flow.tunnel.metadata_present >> i & 1) || !slot) continue;
                std::fill_n(mask.tunnel.metadata.begin() + slot->offset, slot->size, uint8_t{0xff});
            }
        }
    }
    if_set(mask.metadata, flow.metadata, ~uint64_t{0});
    for (size_t i = 0; i < packet::kRegisters; ++i) if_set(mask.regs[i], flow.regs[i], ~0u);
    if (options.in_port) mask.in_port = ~0u;
    if_set(mask.skb_priority, flow.skb_priority, ~0u);
    if_set(mask.pkt_mark, flow.pkt_mark, ~0u);
    if_set(mask.dp_hash, flow.dp_hash, ~0u);
    if (flow.recirc_id) mask.recirc_id = ~0u, mask.packet_type = ~0u;
    if_set(mask.ct_state, flow.ct_state, ~0u);
    if_set(mask.ct_zone, flow.ct_zone, uint16_t{0xffff});
    if_set(mask.ct_mark, flow.ct_mark, ~0u);
    if (flow.ct_label != packet::Be128{}) mask.ct_label.fill(0xff);
    if (flow.packet_type) mask.packet_type = ~0u;
    if (!flow.packet_type) {
        mask.dl_src.fill(0xff);
        mask.dl_dst.fill(0xff);
        mask.dl_type = 0xffff;
        mask.vlans[0].tci = 0xffff;
        if (flow.vlans[0].tci) mask.vlans[1].tci = 0xffff;
    }
    uint16_t type = flow.dl_type;
    if (type == 0x0800 || type == 0x86dd) {
        if (type == 0x0800) {
            mask.nw_src = mask.nw_dst = ~0u;
        } else {
            mask.ipv6_src.fill(0xff);
            mask.ipv6_dst.fill(0xff);
            mask.ipv6_label = 0xfffff;
        }
        mask.nw_proto = mask.nw_tos = mask.nw_ttl = 0xff;
        mask.nw_frag = packet::kFragAny | packet::kFragLater;
        uint8_t p = flow.nw_proto;
        if (flow.nw_frag & packet::kFragLater) {
            // There is no transport header to show.
        } else if (p == 6 || p == 17 || p == 132 || (type == 0x0800 && (p == 1 || p == 2)) ||
                   (type == 0x86dd && p == 58)) {
            mask.tp_src = mask.tp_dst = 0xffff;
        }
        bool whole = !(flow.nw_frag & packet::kFragLater);
        if (p == 6 && whole) mask.tcp_flags = 0x0fff;
        if (type == 0x86dd && p == 58 && whole && !flow.tp_dst &&
            (flow.tp_src == 135 || flow.tp_src == 136)) {
            mask.nd_target.fill(0xff);
            mask.arp_sha.fill(options.both_nd_addresses || flow.tp_src == 135 ? 0xff : 0);
            mask.arp_tha.fill(options.both_nd_addresses || flow.tp_src == 136 ? 0xff : 0);
        }
    } else if (type == 0x0806 || type == 0x8035) {
        mask.nw_src = mask.nw_dst = ~0u;
        mask.nw_proto = 0xff;
        mask.arp_sha.fill(0xff);
        mask.arp_tha.fill(0xff);
    } else if (type == 0x894f) {
        mask.nsh.flags = mask.nsh.ttl = mask.nsh.mdtype = mask.nsh.np = 0xff;
        mask.nsh.path_hdr = ~0u;
        if (flow.nsh.mdtype == 1) mask.nsh.context.fill(~0u);
        mask.nw_proto = mask.nw_tos = mask.nw_ttl = 0xff;
        mask.nw_frag = packet::kFragAny | packet::kFragLater;
    } else if (type == 0x8847 || type == 0x8848) {
        for (size_t i = 0; i < packet::kMaxMplsLabels; ++i) {
            mask.mpls_lse[i] = ~0u;
            if (flow.mpls_lse[i] & kBottomOfStack) break;
        }
    }
    match.zero_unmasked();
    return to_string(match, options.names);
}

}  // namespace weft::openflow
