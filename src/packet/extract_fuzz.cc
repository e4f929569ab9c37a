// Fuzzes what a tenant's bytes reach first: extract(), then every rewrite on what it found, then
// segmentation.

#include "packet/extract.h"

#include "packet/rewrite.h"
#include "packet/segment.h"

using namespace weft;
using namespace weft::packet;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 6 || size > Packet::kMaxSize) return 0;
    set_vlan_limit(data[0] & 3);
    Packet packet{ByteView(data + 6, size - 6)};
    packet.offload.checksum_partial = data[1] & 1;
    packet.offload.gso_type = static_cast<GsoType>(data[1] >> 1 & 3);
    packet.offload.gso_size = static_cast<uint16_t>(100 + data[2]);
    packet.offload.csum_start = data[3];
    packet.offload.csum_offset = data[4] & 31;
    Flow flow = zero_flow();
    if (data[5] & 1) flow.packet_type = 1u << 16 | (data[5] & 2 ? 0x0800 : 0x86dd);
    Layout layout = extract(packet, flow);
    set_ipv4(packet, layout, 1, 2, 3, 4);
    set_ipv6(packet, layout, {1}, {2}, 3, 4, 5);
    set_ports(packet, layout, flow.nw_proto, 1, 2);
    set_icmp(packet, layout, flow.dl_type == 0x86dd, 1, 2);
    set_arp(packet, layout, 1, {1}, 2, {3}, 4);
    set_nd(packet, layout, {1}, {2}, {3});
    set_nd_extensions(packet, layout, 1, 2);
    push_mpls(packet, layout, 0x8847, 0x100);
    pop_mpls(packet, layout, flow.dl_type);
    if (flow.packet_type == 0) {
        push_vlan(packet, layout, 0x8100, 1);
        pop_vlan(packet, layout);
    }
    segment(std::move(packet));
    return 0;
}
