#include "datapath/ebpf/key.h"

#include <cstring>

#include "packet/address.h"
#include "packet/ethernet.h"

namespace weft::datapath::ebpf {

namespace {

using packet::Flow;

static_assert(sizeof(Key) == kKeyWords * 8);

void copy_bytes(void* to, const void* from, size_t size) {
    std::memcpy(to, from, size);
}

// Calls visit(field of Flow, field of Key) for the metadata that both have in the same form.
template <typename F, typename K, typename Visit>
void each_metadata_field(F& flow, K& key, const Visit& visit) {
    visit(flow.in_port, key.in_port);
    visit(flow.recirc_id, key.recirc_id);
    visit(flow.pkt_mark, key.pkt_mark);
    visit(flow.skb_priority, key.skb_priority);
    visit(flow.dp_hash, key.dp_hash);
    visit(flow.ct_state, key.ct_state);
    visit(flow.ct_mark, key.ct_mark);
    visit(flow.ct_zone, key.ct_zone);
    visit(flow.ct_nw_proto, key.ct_nw_proto);
    visit(flow.ct_label, key.ct_label);
    visit(flow.ct_nw_src, key.ct_nw_src);
    visit(flow.ct_nw_dst, key.ct_nw_dst);
    visit(flow.ct_tp_src, key.ct_tp_src);
    visit(flow.ct_tp_dst, key.ct_tp_dst);
    visit(flow.tunnel.id, key.tun_id);
    visit(flow.tunnel.src, key.tun_src);
    visit(flow.tunnel.dst, key.tun_dst);
    visit(flow.tunnel.ipv6_src, key.tun_ipv6_src);
    visit(flow.tunnel.ipv6_dst, key.tun_ipv6_dst);
    visit(flow.tunnel.flags, key.tun_flags);
    visit(flow.tunnel.tos, key.tun_tos);
    visit(flow.tunnel.ttl, key.tun_ttl);
    visit(flow.tunnel.tp_src, key.tun_tp_src);
    visit(flow.tunnel.tp_dst, key.tun_tp_dst);
}

// The same for the packet's fields that every packet may have.
template <typename F, typename K, typename Visit>
void each_packet_field(F& flow, K& key, const Visit& visit) {
    visit(flow.dl_dst, key.dl_dst);
    visit(flow.dl_src, key.dl_src);
    visit(flow.dl_type, key.dl_type);
    visit(flow.vlans[0].tpid, key.vlan[0]);
    visit(flow.vlans[0].tci, key.vlan[1]);
    visit(flow.vlans[1].tpid, key.vlan[2]);
    visit(flow.vlans[1].tci, key.vlan[3]);
    visit(flow.nw_frag, key.nw_frag);
    visit(flow.nw_proto, key.nw_proto);
    visit(flow.nw_tos, key.nw_tos);
    visit(flow.nw_ttl, key.nw_ttl);
    visit(flow.ipv6_label, key.ipv6_label);
    visit(flow.tp_src, key.tp_src);
    visit(flow.tp_dst, key.tp_dst);
    visit(flow.tcp_flags, key.tcp_flags);
}

// Addresses, whose place in the key depends on the packet's type.
template <typename F, typename Visit>
void each_address(uint16_t type, F& flow, Key& key, const Visit& visit) {
    bool arp = type == packet::ethernet::kArp || type == packet::ethernet::kRarp;
    if (type == packet::ethernet::kIpv4 || arp) {
        visit(flow.nw_src, key.nw_src);
        visit(flow.nw_dst, key.nw_dst);
    }
    if (arp) {
        visit(flow.arp_sha, key.nw_src + 4);
        visit(flow.arp_tha, key.nw_dst + 4);
    }
    if (type == packet::ethernet::kIpv6) {
        visit(flow.ipv6_src, key.nw_src);
        visit(flow.ipv6_dst, key.nw_dst);
    }
}

bool selects_addresses(const Flow& mask) {
    return mask.nw_src || mask.nw_dst || mask.ipv6_src != packet::Ipv6Addr{} ||
           mask.ipv6_dst != packet::Ipv6Addr{} || mask.arp_sha != packet::EthAddr{} ||
           mask.arp_tha != packet::EthAddr{};
}

}  // namespace

std::optional<KeyPair> megaflow_key(const Flow& key, const Flow& mask) {
    KeyPair out;
    std::memset(&out, 0, sizeof out);
    Flow left = mask;  // what the programs' key cannot say
    // Field by field: the value is in the key, the mask in the mask.
    auto take = [](auto& from, auto& to) { copy_bytes(&to, &from, sizeof from); };
    auto done = [](auto& field, auto&) { field = {}; };
    each_metadata_field(key, out.key, take);
    each_metadata_field(mask, out.mask, take);
    each_metadata_field(left, out.mask, done);
    each_packet_field(key, out.key, take);
    each_packet_field(mask, out.mask, take);
    each_packet_field(left, out.mask, done);

    if (mask.dl_type == 0xffff) {
        auto put = [](auto& from, uint8_t* to) { copy_bytes(to, &from, sizeof from); };
        auto forget = [](auto& field, uint8_t*) { field = {}; };
        each_address(key.dl_type, key, out.key, put);
        each_address(key.dl_type, mask, out.mask, put);
        each_address(key.dl_type, left, out.mask, forget);
    } else if (selects_addresses(mask)) {
        return std::nullopt;
    }

    // The programs have no room for a connection's IPv6 addresses, which packets may have: who asks for them
    // asks the daemon.
    if (!packet::is_zero(mask.ct_ipv6_src) || !packet::is_zero(mask.ct_ipv6_dst)) return std::nullopt;

    // Geneve options: OVN's one fits.
    size_t options = mask.tunnel.metadata_present ? static_cast<size_t>(key.tunnel.metadata_present) : 0;
    if (options > sizeof out.key.tun_options) return std::nullopt;
    if (mask.tunnel.metadata_present) {
        out.key.tun_options_length = static_cast<uint8_t>(options);
        out.mask.tun_options_length = 0xff;
        left.tunnel.metadata_present = 0;
    }
    std::memcpy(out.key.tun_options, key.tunnel.metadata.data(), sizeof out.key.tun_options);
    std::memcpy(out.mask.tun_options, mask.tunnel.metadata.data(), sizeof out.mask.tun_options);
    std::memset(left.tunnel.metadata.data(), 0, sizeof out.key.tun_options);

    for (size_t i = 0; i < packet::kFlowWords; i++) {
        if (packet::words(left)[i] & packet::words(key)[i]) return std::nullopt;
    }
    auto* k = reinterpret_cast<uint64_t*>(&out.key);
    auto* m = reinterpret_cast<const uint64_t*>(&out.mask);
    for (size_t i = 0; i < kKeyWords; i++) k[i] &= m[i];
    return out;
}

void metadata_to_flow(const Key& key, Flow& flow) {
    each_metadata_field(flow, key, [](auto& to, auto& from) { copy_bytes(&to, &from, sizeof to); });
    flow.tunnel.metadata_present = key.tun_options_length;
    std::memcpy(flow.tunnel.metadata.data(), key.tun_options, sizeof key.tun_options);
}

Flow key_to_flow(const Key& key) {
    Flow flow = packet::zero_flow();
    metadata_to_flow(key, flow);
    each_packet_field(flow, key, [](auto& to, auto& from) { copy_bytes(&to, &from, sizeof to); });
    Key copy = key;
    each_address(flow.dl_type, flow, copy, [](auto& to, uint8_t* from) { copy_bytes(&to, from, sizeof to); });
    return flow;
}

}  // namespace weft::datapath::ebpf
