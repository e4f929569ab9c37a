// Sending a packet out of a port of the bridge: devices, patch ports, tunnels, and OpenFlow's reserved ports.

#include <fmt/core.h>

#include "datapath/api/commit.h"
#include "datapath/api/tunnel_payload.h"
#include "packet/address.h"
#include "switch/translate/isolate.h"

namespace weft::vswitch {

namespace of = openflow;

void Walk::commit() {
    // An Ethernet header that was taken off for a tunnel comes back as it was.
    if (header_lost_ && base_.packet_type && !flow_.packet_type) {
        mask_.dl_src.fill(0xff);
        mask_.dl_dst.fill(0xff);
        for (packet::Vlan& tag : mask_.vlans) tag.tci = tag.tpid = 0xffff;
    }
    commit_encap();
    datapath::compose_difference(base_, flow_, out_.actions, mask_);
}

void Walk::output(uint32_t port, uint16_t max_len, bool last, bool may_packet_in) {
    switch (port) {
        case of::kPortInPort:
            return output_port(flow_.in_port, false);
        case of::kPortTable:
            return table_lookup(flow_.in_port, 0, may_packet_in, true, last);
        case of::kPortNormal:
            return normal();
        case of::kPortFlood:
            return flood(false);
        case of::kPortAll:
            return flood(true);
        case of::kPortController: {
            of::Controller action;
            action.max_len = max_len;
            action.reason = in_action_set_ ? of::PacketInReason::kActionSet
                            : in_group_    ? of::PacketInReason::kGroup
                            : in_.actions  ? of::PacketInReason::kPacketOut
                                           : of::PacketInReason::kAction;
            return controller(action);
        }
        case of::kPortNone:
        case of::kPortUnset:
            return;
        default:
            break;
    }
    if (port == flow_.in_port) return warning("skipping output to input port");
    if (in_group_ && last) last = false;
    last_output_ = last;
    output_port(port, false);
    last_output_ = false;
}

void Walk::output_reg(const of::OutputReg& action, bool last) {
    uint64_t port = of::get_subfield_u64(flow_, action.source, tunnel_table());
    of::add_subfield_to_mask(mask_, action.source, tunnel_table());
    if (port > UINT32_MAX) {
        warning(fmt::format("output port {} is out of range", port));
        return;
    }
    if (tracing()) detail(fmt::format("output port is {}", port));
    uint32_t number = static_cast<uint32_t>(port);
    if (action.source.bits <= 16) number = of::port_from_of10(static_cast<uint16_t>(port));
    output(number, action.max_len, last, false);
}

void Walk::output_trunc(const of::OutputTrunc& action) {
    uint32_t port = action.port == of::kPortInPort ? static_cast<uint32_t>(flow_.in_port) : action.port;
    if (port == of::kPortNormal || port == of::kPortFlood || port == of::kPortAll ||
        port == of::kPortController || port == of::kPortTable || port == of::kPortNone) {
        warning(fmt::format("output_trunc does not support port: {}", port));
        return;
    }
    if (OfPort* to = bridge_->port(port); to && to->is_patch) {
        report(TraceNode::Kind::kError, fmt::format("output_trunc does not support patch port {}", port));
        return;
    }
    if (action.port != of::kPortInPort && port == flow_.in_port)
        return warning("skipping output to input port");
    truncate_ = action.max_len;
    output_port(port, false);
    truncate_ = 0;
}

void Walk::flood(bool all) {
    // The order is that of port numbers.
    for (const auto& [number, port] : bridge_->ports()) {
        if (number == flow_.in_port || (!all && (port->config & kPortConfigNoFlood))) continue;
        output_port(number, false, !all);  // "all" is not bound to the spanning tree
        if (bridge_ == in_.bridge) netflow_output_ = Netflow::kFlood;
    }
}

void Walk::output_port(uint32_t number, bool check_in_port, bool check_tree) {
    OfPort* port = bridge_->port(number);
    if (!port) return warning("Nonexistent output port");
    if (!port->may_forward()) {
        return warning(port->config & kPortConfigDown ? "OFPPC_PORT_DOWN set, skipping output"
                                                      : "OFPPC_NO_FWD set, skipping output");
    }
    if (check_in_port && number == flow_.in_port) return warning("skipping output to input port");
    if (check_tree && !in_.protocol && !forwards(port->tree))
        return warning("STP not in forwarding state, skipping output");
    output_to(*port);
}

void Walk::output_to(OfPort& port) {
    uint8_t tos = flow_.nw_tos;
    mark_queue(port);
    note_netflow_output(port.number);
    send_to(port);
    if (!bridge_->mirrors().empty() && port.bundle && !bridge_->mirrors_to(port.bundle->name))
        mirror_output(*port.bundle);
    flow_.nw_tos = tos;
}

// The queue that was chosen may write its code point into IP packets.
void Walk::mark_queue(const OfPort& port) {
    if (port.queue_dscp.empty() || (flow_.dl_type != 0x0800 && flow_.dl_type != 0x86dd)) return;
    auto it = port.queue_dscp.find(flow_.skb_priority);
    if (it == port.queue_dscp.end() || !flow_.skb_priority) return;
    mask_.nw_tos |= 0xfc;
    flow_.nw_tos = static_cast<uint8_t>((flow_.nw_tos & 3) | it->second << 2);
}

void Walk::send_to(OfPort& port) {
    if (port.is_patch) {
        if (OfPort* peer = backer_.peer_of(port))
            output_patch(port, *peer);
        else
            warning("Nonexistent patch port peer");
        return;
    }
    mask_.packet_type = ~0u;
    if (flow_.packet_type != 0 && (!port.tunnel || port.tunnel->packets == TunnelPackets::kLegacyL2))
        return warning("Trying to send non-Ethernet packet through legacy L2 port. Dropping packet.");
    if (port.tunnel) return output_tunnel(port);
    if (port.dp_port == datapath::kNoPort) return warning("Nonexistent output port");
    if (pop_tunnel(port)) return;
    commit();
    sample_output(port);
    if (truncate_) append(datapath::Truncate{truncate_});
    append(datapath::Output{port.dp_port});
}

void Walk::output_patch(OfPort& port, OfPort& peer) {
    if (!peer.may_receive()) return;
    if (depth_ >= kMaxDepth) {
        too_deep();
        return;
    }
    note(EffectCache::CountPatch{bridge_, peer.bridge, port.number, peer.number});
    enter_bridge(peer, false, [] {});
}

void Walk::output_tunnel(OfPort& port) {
    const TunnelConfig& config = *port.tunnel;
    if (config.packets == TunnelPackets::kLegacyL3 && !flow_.packet_type) {
        packet::Flow frame = flow_;
        flow_.packet_type = 1u << 16 | flow_.dl_type;
        flow_.dl_src = flow_.dl_dst = {};
        flow_.vlans = {};
        output_tunnel(port);
        flow_ = frame;
        header_lost_ = true;
        return;
    }
    packet::Tunnel saved = flow_.tunnel;
    packet::Tunnel tunnel = packet::zero_flow().tunnel;
    if (config.remote_flow) {
        tunnel.dst = saved.dst;
        tunnel.ipv6_dst = saved.ipv6_dst;
    } else if (config.v6) {
        tunnel.ipv6_dst = config.remote6;
    } else {
        tunnel.dst = config.remote;
    }
    if (!tunnel.dst && packet::is_zero(tunnel.ipv6_dst)) {
        out_.drop = explain::DropReason::kTunnelNoKey;
        return warning("Tunneling decided against output");
    }
    bool v6 = !tunnel.dst;
    if (config.local_flow) {
        tunnel.src = v6 ? 0u : static_cast<uint32_t>(saved.src);
        if (v6) tunnel.ipv6_src = saved.ipv6_src;
    } else if (config.v6) {
        tunnel.ipv6_src = config.local6;
    } else {
        tunnel.src = config.local;
    }
    tunnel.id = config.out_key_flow ? static_cast<uint64_t>(saved.id) : config.out_key;
    uint16_t flags = 0;
    if (config.out_key_present || config.out_key_flow) flags |= packet::kTunnelKey;
    if (config.dont_fragment) flags |= packet::kTunnelDontFragment;
    if (config.csum) flags |= packet::kTunnelCsum;
    if (config.gpe) flags |= packet::kTunnelGpe;
    if (config.sequence) flags |= packet::kTunnelSequence;
    if (saved.flags & packet::kTunnelOam) flags |= packet::kTunnelOam;
    tunnel.flags = flags;
    bool ip = flow_.dl_type == 0x0800 || flow_.dl_type == 0x86dd;
    tunnel.ttl = config.ttl_inherit && ip ? flow_.nw_ttl : config.ttl ? config.ttl : 64;
    tunnel.tos = config.tos_inherit && ip ? flow_.nw_tos & 0xfc : config.tos & 0xfc;
    if (config.ttl_inherit && ip) mask_.nw_ttl = 0xff;
    if (config.tos_inherit && ip) mask_.nw_tos |= 0xfc;
    if (ip) {  // RFC 6040: the congestion bits go along
        mask_.nw_tos |= 3;
        uint8_t ecn = flow_.nw_tos & 3;
        tunnel.tos |= ecn == 3 ? 2 : ecn;
    }
    tunnel.tp_dst = config.dst_port;
    if (config.type == datapath::PortType::kErspan) {
        tunnel.erspan_ver = config.erspan_ver_flow ? saved.erspan_ver : config.erspan_ver;
        tunnel.erspan_idx = config.erspan_idx_flow ? saved.erspan_idx.get() : config.erspan_idx;
        tunnel.erspan_dir = config.erspan_dir_flow ? saved.erspan_dir : config.erspan_dir;
        tunnel.erspan_hwid = config.erspan_hwid_flow ? saved.erspan_hwid : config.erspan_hwid;
    }
    if (config.gbp) {
        tunnel.gbp_id = saved.gbp_id;
        tunnel.gbp_flags = saved.gbp_flags;
    }
    tunnel.metadata_present = saved.metadata_present;
    tunnel.metadata = saved.metadata;
    if (came_by_tunnel()) {
        if (config.type == datapath::PortType::kGeneve) look_at_options();
        if (config.gbp) look_at_policy();
        if (config.erspan_ver_flow) mask_.tunnel.erspan_ver = 0xff;
        if (config.erspan_idx_flow) mask_.tunnel.erspan_idx = 0xffffffff;
        if (config.erspan_dir_flow) mask_.tunnel.erspan_dir = 0xff;
        if (config.erspan_hwid_flow) mask_.tunnel.erspan_hwid = 0xff;
    }
    if (!datapath::carries(config.type, flags, flow_.packet_type)) {
        out_.drop = explain::DropReason::kWrongPacketType;
        return warning("native tunnel header build failed");
    }
    if (config.mark) {
        mask_.pkt_mark = ~0u;
        flow_.pkt_mark = *config.mark;
    }
    note(EffectCache::CountTunnel{bridge_, port.number, true});
    commit();
    if (truncate_) append(datapath::Truncate{truncate_});
    packet::Tunnel raw = to_datapath_tunnel(tunnel, *bridge_->tunnel_table);
    if (config.type != datapath::PortType::kGeneve) {
        raw.metadata_present = 0;
        raw.metadata = {};
    }
    datapath::SetTunnel set = datapath::tunnel_action(raw);
    if (output_native(port, set)) {
        flow_.tunnel = saved;
        return;
    }
    append(std::move(set));
    sample_output(port);
    append(datapath::Output{port.dp_port});
    flow_.tunnel = saved;
}

}  // namespace weft::vswitch
