// Packets that lie about themselves: what is read of them lies within them, and what contradicts itself is
// not believed. Each test is named by the fault that switches have had.

#include <gtest/gtest.h>

#include "packet/ethernet.h"
#include "packet/extract.h"
#include "packet/mpls.h"
#include "packet/rewrite.h"

namespace weft::packet {
namespace {

Bytes ethernet(uint16_t type, const Bytes& payload) {
    Bytes out = {
        2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, static_cast<uint8_t>(type >> 8), static_cast<uint8_t>(type)};
    out.insert(out.end(), payload.begin(), payload.end());
    return out;
}

Bytes ipv4(uint16_t total, size_t present, uint8_t proto = 6, uint8_t words = 5) {
    Bytes out(present);
    Bytes header = {static_cast<uint8_t>(0x40 | words),
                    0,
                    static_cast<uint8_t>(total >> 8),
                    static_cast<uint8_t>(total),
                    0,
                    1,
                    0,
                    0,
                    64,
                    proto,
                    0,
                    0,
                    10,
                    0,
                    0,
                    1,
                    10,
                    0,
                    0,
                    2,
                    0,
                    80,
                    0,
                    81,
                    0,
                    0,
                    0,
                    1,
                    0,
                    0,
                    0,
                    0,
                    0x50,
                    2,
                    1,
                    0,
                    0,
                    0,
                    0,
                    0};
    std::copy_n(header.begin(), std::min(header.size(), present), out.begin());
    return ethernet(ethernet::kIpv4, out);
}

Flow key_of(const Bytes& bytes, Layout* layout = nullptr) {
    // On the heap and exactly as long as the packet, so that a sanitizer sees a byte too many.
    auto exact = std::make_unique<uint8_t[]>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), exact.get());
    Flow flow = zero_flow();
    Layout found = extract(ByteView(exact.get(), bytes.size()), flow);
    if (layout) *layout = found;
    return flow;
}

// A stack of labels that is longer than what is kept of it, or has no end: reading stops at the packet's
// (the class of CVE-2016-2074).
TEST(HostilePackets, MplsLabelStacksOfAnyLength) {
    for (size_t labels = 0; labels < 400; labels++) {
        for (bool ends : {false, true}) {
            Bytes stack;
            for (size_t i = 0; i < labels; i++) {
                uint32_t lse =
                    static_cast<uint32_t>(i + 16) << 12 | (ends && i + 1 == labels ? mpls::kBottom : 0) | 64;
                for (int shift : {24, 16, 8, 0}) stack.push_back(static_cast<uint8_t>(lse >> shift));
            }
            for (size_t cut = 0; cut < std::min<size_t>(4, stack.size() + 1); cut++) {
                Bytes shorter(stack.begin(), stack.end() - static_cast<ptrdiff_t>(cut));
                Layout layout;
                Bytes bytes = ethernet(ethernet::kMpls, shorter);
                Flow flow = key_of(bytes, &layout);
                EXPECT_EQ(flow.dl_type, ethernet::kMpls);
                EXPECT_LE(layout.l3, bytes.size());
                size_t whole = shorter.size() / 4;
                for (size_t i = 0; i < kMaxMplsLabels; i++)
                    EXPECT_EQ(flow.mpls_lse[i] != 0, i < whole) << labels;
                // Popping and pushing on such a packet stays within it, too.
                Packet packet(bytes);
                for (int i = 0; i < 3; i++) pop_mpls(packet, layout, ethernet::kMpls);
                push_mpls(packet, layout, ethernet::kMpls, 5);
            }
        }
    }
}

// A total length that is shorter than the header or longer than the packet: nothing of the header is
// believed (the class of CVE-2016-10377).
TEST(HostilePackets, IpTotalLengthOutOfBounds) {
    EXPECT_EQ(key_of(ipv4(40, 40)).tp_dst, 81);
    for (uint16_t total :
         {uint16_t{0}, uint16_t{1}, uint16_t{19}, uint16_t{41}, uint16_t{1500}, uint16_t{0xffff}}) {
        Layout layout;
        Flow flow = key_of(ipv4(total, 40), &layout);
        EXPECT_EQ(flow.dl_type, ethernet::kIpv4) << total;
        EXPECT_EQ(flow.nw_src, 0u) << total;
        EXPECT_EQ(flow.nw_proto, 0) << total;
        EXPECT_EQ(flow.tp_dst, 0) << total;
        EXPECT_EQ(layout.l4, 0) << total;
    }
    for (uint8_t words : {uint8_t{0}, uint8_t{4}, uint8_t{11}, uint8_t{15}})
        EXPECT_EQ(key_of(ipv4(40, 40, 6, words)).nw_src, 0u) << int{words};
    for (size_t present = 0; present < 40; present++)
        EXPECT_EQ(key_of(ipv4(40, present)).tp_dst, 0) << present;
    // What the length leaves outside is no part of the transport header.
    for (uint16_t total = 20; total < 40; total++) EXPECT_EQ(key_of(ipv4(total, 60)).tp_dst, 0) << total;
}

// Padding behind the IP packet, however much of it, changes nothing of what a packet is (the class of
// CVE-2020-35498).
TEST(HostilePackets, EthernetPaddingOfAnyLength) {
    Flow plain = key_of(ipv4(40, 40));
    for (size_t padding : {1, 6, 254, 255, 256, 257, 1000, 20000})
        EXPECT_TRUE(key_of(ipv4(40, 40 + padding)) == plain) << padding;
    Bytes six(40 + 20);
    six[0] = 0x60, six[5] = 20, six[6] = 6, six[7] = 64, six[23] = 1, six[39] = 2, six[41] = 80, six[43] = 81;
    six[52] = 0x50;
    plain = key_of(ethernet(ethernet::kIpv6, six));
    EXPECT_EQ(plain.tp_dst, 81);
    for (size_t padding : {1, 255, 256, 1000}) {
        Bytes longer = six;
        longer.resize(six.size() + padding);
        EXPECT_TRUE(key_of(ethernet(ethernet::kIpv6, longer)) == plain) << padding;
    }
}

Bytes advertisement(const Bytes& options, uint8_t type = 136, uint8_t code = 0) {
    Bytes out(40 + 24);
    out[0] = 0x60, out[5] = static_cast<uint8_t>(24 + options.size()), out[6] = 58, out[7] = 255;
    out[23] = 1, out[39] = 2, out[40] = type, out[41] = code, out[63] = 9;
    out.insert(out.end(), options.begin(), options.end());
    return ethernet(ethernet::kIpv6, out);
}

// The target of neighbour discovery is read from neighbour discovery alone, and only if all of it is there
// (the class of CVE-2023-5366).
TEST(HostilePackets, NeighbourDiscoveryTarget) {
    Bytes good = {2, 1, 2, 0, 0, 0, 0, 7};
    EXPECT_EQ(key_of(advertisement(good)).nd_target[15], 9);
    EXPECT_EQ(key_of(advertisement(good)).arp_tha[5], 7);
    for (uint8_t type : {uint8_t{128}, uint8_t{134}, uint8_t{137}, uint8_t{0}, uint8_t{255}})
        EXPECT_EQ(key_of(advertisement(good, type)).nd_target[15], 0) << int{type};
    EXPECT_EQ(key_of(advertisement(good, 136, 1)).nd_target[15], 0);
    Bytes whole = advertisement(good);
    for (size_t size = 0; size < whole.size(); size++) {
        Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
        EXPECT_EQ(key_of(cut).nd_target[15], 0) << size;
    }
}

}  // namespace
}  // namespace weft::packet
