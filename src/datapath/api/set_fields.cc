#include "datapath/api/set_fields.h"

#include "packet/address.h"

namespace weft::datapath {

namespace {

using packet::Flow;

// One overload per kind of key: `Side` is value or mask.
void spread(const EthernetKey& from, Flow& to) {
    to.dl_src = from.src;
    to.dl_dst = from.dst;
}
void spread(const Ipv4Key& from, Flow& to) {
    to.nw_src = from.src;
    to.nw_dst = from.dst;
    to.nw_tos = from.tos;
    to.nw_ttl = from.ttl;
}
void spread(const Ipv6Key& from, Flow& to) {
    to.ipv6_src = from.src;
    to.ipv6_dst = from.dst;
    to.ipv6_label = from.label;
    to.nw_tos = from.tclass;
    to.nw_ttl = from.hlimit;
}
void spread(const ArpKey& from, Flow& to) {
    to.nw_src = from.sip;
    to.nw_dst = from.tip;
    to.nw_proto = static_cast<uint8_t>(from.op);
    to.arp_sha = from.sha;
    to.arp_tha = from.tha;
}
void spread(const NdKey& from, Flow& to) {
    to.nd_target = from.target;
    to.arp_sha = from.sll;
    to.arp_tha = from.tll;
}
void spread(const NdExtensionsKey& from, Flow& to) {
    to.nd_reserved = from.reserved;
    to.nd_options_type = from.options_type;
}
void spread(const MplsKey& from, Flow& to) {
    to.mpls_lse[0] = from.lse;
}
void spread(const NshKey& from, Flow& to) {
    to.nsh.flags = from.flags;
    to.nsh.ttl = from.ttl;
    to.nsh.mdtype = from.mdtype;
    to.nsh.np = from.np;
    to.nsh.path_hdr = from.path_hdr;
    for (size_t i = 0; i < from.context.size(); i++) to.nsh.context[i] = from.context[i];
}
void spread(const PriorityKey& from, Flow& to) {
    to.skb_priority = from.value;
}
void spread(const MarkKey& from, Flow& to) {
    to.pkt_mark = from.value;
}
void spread(const PortsKey& from, Flow& to) {
    to.tp_src = from.src;
    to.tp_dst = from.dst;
}
void spread(const IcmpKey& from, Flow& to) {
    to.tp_src = from.type;
    to.tp_dst = from.code;
}

void gather(const Flow& from, EthernetKey& to) {
    to = {from.dl_src, from.dl_dst};
}
void gather(const Flow& from, Ipv4Key& to) {
    to.src = from.nw_src;
    to.dst = from.nw_dst;
    to.tos = from.nw_tos;
    to.ttl = from.nw_ttl;
}
void gather(const Flow& from, Ipv6Key& to) {
    to.src = from.ipv6_src;
    to.dst = from.ipv6_dst;
    to.label = from.ipv6_label;
    to.tclass = from.nw_tos;
    to.hlimit = from.nw_ttl;
}
void gather(const Flow& from, ArpKey& to) {
    to.sip = from.nw_src;
    to.tip = from.nw_dst;
    to.op = from.nw_proto;
    to.sha = from.arp_sha;
    to.tha = from.arp_tha;
}
void gather(const Flow& from, NdKey& to) {
    to = {from.nd_target, from.arp_sha, from.arp_tha};
}
void gather(const Flow& from, NdExtensionsKey& to) {
    to = {from.nd_reserved, from.nd_options_type};
}
void gather(const Flow& from, MplsKey& to) {
    to = {from.mpls_lse[0]};
}
void gather(const Flow& from, NshKey& to) {
    to.flags = from.nsh.flags;
    to.ttl = from.nsh.ttl;
    to.mdtype = from.nsh.mdtype;
    to.np = from.nsh.np;
    to.path_hdr = from.nsh.path_hdr;
    for (size_t i = 0; i < to.context.size(); i++) to.context[i] = from.nsh.context[i];
}
void gather(const Flow& from, PriorityKey& to) {
    to = {from.skb_priority};
}
void gather(const Flow& from, MarkKey& to) {
    to = {from.pkt_mark};
}
void gather(const Flow& from, PortsKey& to) {
    to = {from.tp_src, from.tp_dst};
}
void gather(const Flow& from, IcmpKey& to) {
    to = {static_cast<uint8_t>(from.tp_src.get()), static_cast<uint8_t>(from.tp_dst.get())};
}

template <typename S>
Action gathered(S set, const Flow& value, const Flow& mask) {
    gather(value, set.value);
    gather(mask, set.mask);
    return set;
}

struct GroupName {
    std::string_view operator()(const Set<EthernetKey>&) const { return "eth"; }
    std::string_view operator()(const Set<Ipv4Key>&) const { return "ipv4"; }
    std::string_view operator()(const Set<Ipv6Key>&) const { return "ipv6"; }
    std::string_view operator()(const Set<ArpKey>&) const { return "arp"; }
    std::string_view operator()(const Set<NdKey>&) const { return "nd"; }
    std::string_view operator()(const Set<NdExtensionsKey>&) const { return "nd_ext"; }
    std::string_view operator()(const Set<MplsKey>&) const { return "mpls"; }
    std::string_view operator()(const Set<NshKey>&) const { return "nsh"; }
    std::string_view operator()(const Set<PriorityKey>&) const { return "skb_priority"; }
    std::string_view operator()(const Set<MarkKey>&) const { return "skb_mark"; }
    std::string_view operator()(const SetPorts& set) const {
        switch (set.transport) {
            case Transport::kTcp:
                return "tcp";
            case Transport::kUdp:
                return "udp";
            case Transport::kSctp:
                return "sctp";
        }
        return "";
    }
    std::string_view operator()(const SetIcmp& set) const { return set.v6 ? "icmpv6" : "icmp"; }
    template <typename Other>
    std::string_view operator()(const Other&) const {
        return "";
    }
};

}  // namespace

std::string_view set_group(const Action& action) {
    return action.visit(GroupName{});
}

void set_to_flow(const Action& action, Flow& value, Flow& mask) {
    action.visit([&]<typename S>(const S& set) {
        if constexpr (requires { spread(set.value, value); }) {
            spread(set.value, value);
            spread(set.mask, mask);
        }
    });
}

std::optional<Action> set_from_flow(std::string_view name, const Flow& value, const Flow& mask) {
    auto ports = [&](Transport transport) {
        SetPorts set;
        set.transport = transport;
        return gathered(set, value, mask);
    };
    auto icmp = [&](bool v6) {
        SetIcmp set;
        set.v6 = v6;
        return gathered(set, value, mask);
    };
    if (name == "eth") return gathered(Set<EthernetKey>{}, value, mask);
    if (name == "ipv4") return gathered(Set<Ipv4Key>{}, value, mask);
    if (name == "ipv6") return gathered(Set<Ipv6Key>{}, value, mask);
    if (name == "arp") return gathered(Set<ArpKey>{}, value, mask);
    if (name == "nd") return gathered(Set<NdKey>{}, value, mask);
    if (name == "nd_ext") return gathered(Set<NdExtensionsKey>{}, value, mask);
    if (name == "mpls") return gathered(Set<MplsKey>{}, value, mask);
    if (name == "nsh") return gathered(Set<NshKey>{}, value, mask);
    if (name == "skb_priority") return gathered(Set<PriorityKey>{}, value, mask);
    if (name == "skb_mark") return gathered(Set<MarkKey>{}, value, mask);
    if (name == "tcp") return ports(Transport::kTcp);
    if (name == "udp") return ports(Transport::kUdp);
    if (name == "sctp") return ports(Transport::kSctp);
    if (name == "icmp") return icmp(false);
    if (name == "icmpv6") return icmp(true);
    return std::nullopt;
}

SetTunnel tunnel_from_key(const packet::Tunnel& key) {
    SetTunnel out;
    out.id = key.id;
    out.v6 = !packet::is_zero(key.ipv6_dst);
    out.src = key.src;
    out.dst = key.dst;
    out.ipv6_src = key.ipv6_src;
    out.ipv6_dst = key.ipv6_dst;
    out.tos = key.tos;
    out.ttl = key.ttl;
    out.tp_src = key.tp_src;
    out.tp_dst = key.tp_dst;
    out.flags = key.flags;
    size_t options =
        static_cast<size_t>(std::min<uint64_t>(key.metadata_present, packet::kTunnelMetadataBytes));
    if (options) {
        out.geneve.emplace();
        out.geneve->options.assign(key.metadata.begin(),
                                   key.metadata.begin() + static_cast<ptrdiff_t>(options));
    }
    if (key.gbp_id || key.gbp_flags) out.vxlan_gbp = SetTunnel::VxlanGbp{key.gbp_id, key.gbp_flags};
    if (key.erspan_ver)
        out.erspan = SetTunnel::Erspan{key.erspan_ver, key.erspan_idx, key.erspan_dir, key.erspan_hwid};
    if (key.gtpu_flags || key.gtpu_msgtype) out.gtpu = SetTunnel::Gtpu{key.gtpu_flags, key.gtpu_msgtype};
    return out;
}

void tunnel_to_key(const SetTunnel& tunnel, packet::Tunnel& key) {
    std::memset(static_cast<void*>(&key), 0, sizeof key);
    key.id = tunnel.id;
    key.src = tunnel.src;
    key.dst = tunnel.dst;
    key.ipv6_src = tunnel.ipv6_src;
    key.ipv6_dst = tunnel.ipv6_dst;
    key.tos = tunnel.tos;
    key.ttl = tunnel.ttl;
    key.tp_src = tunnel.tp_src;
    key.tp_dst = tunnel.tp_dst;
    key.flags = tunnel.flags;
    if (tunnel.geneve) {
        size_t size = std::min(tunnel.geneve->options.size(), packet::kTunnelMetadataBytes);
        std::copy_n(tunnel.geneve->options.begin(), size, key.metadata.begin());
        key.metadata_present = size;
    }
    if (tunnel.vxlan_gbp) {
        key.gbp_id = tunnel.vxlan_gbp->id;
        key.gbp_flags = tunnel.vxlan_gbp->flags;
    }
    if (tunnel.erspan) {
        key.erspan_ver = tunnel.erspan->version;
        key.erspan_idx = tunnel.erspan->index;
        key.erspan_dir = tunnel.erspan->direction;
        key.erspan_hwid = tunnel.erspan->hwid;
    }
    if (tunnel.gtpu) {
        key.gtpu_flags = tunnel.gtpu->flags;
        key.gtpu_msgtype = tunnel.gtpu->msgtype;
    }
}

}  // namespace weft::datapath
