// random_packets SEED COUNT: packets, some of them damaged, each with the key that Weft extracts from it, as
// lines of "HEX KEY".  packet_keys_test.py asks Debian's switch for the same keys.

#include <cstdio>
#include <cstdlib>
#include <random>

#include "datapath/api/text.h"
#include "packet/compose.h"
#include "packet/extract.h"

using namespace weft;
using namespace weft::packet;

namespace {

std::mt19937 random_bits;
uint32_t any() {
    return static_cast<uint32_t>(random_bits());
}
template <size_t N>
uint8_t one_of(const uint8_t (&choices)[N]) {
    return choices[any() % N];
}

Ipv6Addr some_address() {
    Ipv6Addr address{0xfe, 0x80};
    address[15] = static_cast<uint8_t>(any());
    return address;
}

void internet(Flow& flow, bool v6) {
    static constexpr uint8_t kProtocols4[] = {1, 2, 6, 17, 132, 99, 47};
    static constexpr uint8_t kProtocols6[] = {58, 58, 6, 17, 132, 99, 0, 43, 60, 51, 44};
    flow.dl_type = v6 ? 0x86dd : 0x0800;
    flow.nw_proto = v6 ? one_of(kProtocols6) : one_of(kProtocols4);
    flow.nw_src = v6 ? 0 : 0x0a000001;
    flow.nw_dst = v6 ? 0 : any() & 0xff;
    if (v6) {
        flow.ipv6_src = some_address();
        flow.ipv6_dst = some_address();
        flow.nd_target = some_address();
        flow.ipv6_label = any() & 0xfffff;
    }
    flow.nw_tos = static_cast<uint8_t>(any());
    flow.nw_ttl = static_cast<uint8_t>(any());
    if (any() % 4 == 0) flow.nw_frag = any() % 2 ? kFragAny : kFragAny | kFragLater;
    flow.tp_src = static_cast<uint16_t>(any());
    flow.tp_dst = static_cast<uint16_t>(any());
    flow.tcp_flags = 1 + any() % 0xfff;
    flow.igmp_group = any();
    if (flow.nw_proto == 58 || flow.nw_proto == 1) {
        flow.tp_src = static_cast<uint16_t>(any() % 2 ? 135 + any() % 2 : any() & 255);
        flow.tp_dst = static_cast<uint16_t>(any() % 4 ? 0 : any() & 255);
        if (any() % 2) flow.arp_sha = flow.arp_tha = flow.dl_src;
    }
}

Flow random_flow() {
    Flow flow = zero_flow();
    flow.dl_src = {0, 1, 2, 3, 4, 5};
    flow.dl_dst = {0, 9, 8, 7, 6, 5};
    if (any() % 3 == 0) {
        flow.vlans[0] = {0x8100, static_cast<uint16_t>(any() | kVlanCfi)};
        if (any() % 3 == 0) flow.vlans[1] = {0x8100, static_cast<uint16_t>(any() | kVlanCfi)};
    }
    uint32_t kind = any() % 10;
    if (kind < 8) {
        internet(flow, kind < 4);
    } else if (kind == 8) {
        flow.dl_type = any() % 2 ? 0x0806 : 0x8035;
        flow.nw_proto = any() % 5;
        flow.nw_src = 1;
        flow.nw_dst = 2;
        flow.arp_sha = flow.dl_src;
    } else {
        static constexpr uint16_t kTypes[] = {0x8847, 0x1234, 0x05ff, 0x8848};
        flow.dl_type = kTypes[any() % 4];
        for (Be32& label : flow.mpls_lse) label = any() | 1;
    }
    return flow;
}

void damage(Packet& packet, bool mpls) {
    if (packet.size() <= 14) return;
    if (any() % 3 == 0 && !mpls) {  // Debian's switch cannot print a stack that is cut short
        packet.truncate(14 + any() % (packet.size() - 13));
    } else if (any() % 3 == 0) {
        for (uint32_t flips = 1 + any() % 2; flips; flips--) {
            packet.data()[14 + any() % (packet.size() - 14)] ^= static_cast<uint8_t>(1u << any() % 8);
        }
    }
    if (any() % 8 == 0) packet.append_zeros(any() % 20);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    random_bits.seed(static_cast<uint32_t>(std::atoi(argv[1])));
    for (int i = std::atoi(argv[2]); i > 0; i--) {
        Flow flow = random_flow();
        Packet packet = compose(flow, any() % 40);
        damage(packet, flow.dl_type == 0x8847 || flow.dl_type == 0x8848);
        Flow key = zero_flow();
        key.in_port = 1;
        extract(packet, key);
        for (uint8_t byte : packet.view()) std::printf("%02x", byte);
        std::printf(" %s\n", datapath::format_key(key).c_str());
    }
}
