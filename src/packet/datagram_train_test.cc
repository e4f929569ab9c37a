// What trains are cut into is what they were made of, whatever comes.

#include "packet/datagram_train.h"

#include <gtest/gtest.h>

#include <random>

#include "packet/checksum.h"
#include "packet/compose.h"
#include "packet/ethernet.h"
#include "packet/ipv4.h"
#include "packet/segment.h"
#include "packet/udp.h"

namespace weft::packet {
namespace {

using Random = std::mt19937;

uint32_t seed() {
    static uint32_t value = std::random_device{}();
    return value;
}

Flow flow_of(bool v6, bool tagged, uint16_t src_port) {
    Flow flow = zero_flow();
    flow.dl_dst = {0x02, 0, 0, 0, 0, 1};
    flow.dl_src = {0x02, 0, 0, 0, 0, 2};
    if (tagged) {
        flow.vlans[0].tpid = ethernet::kVlan;
        flow.vlans[0].tci = uint16_t{5} | kVlanCfi;
    }
    flow.dl_type = v6 ? ethernet::kIpv6 : ethernet::kIpv4;
    flow.nw_src = 0x0a000001;
    flow.nw_dst = 0x0a000002;
    flow.ipv6_src[0] = flow.ipv6_dst[0] = 0xfd;
    flow.ipv6_dst[15] = 9;
    flow.nw_ttl = 64;
    flow.nw_proto = protocol::kUdp;
    flow.tp_src = src_port;
    flow.tp_dst = 9000;
    return flow;
}

void set_id(Packet& packet, size_t l3, uint16_t id) {
    uint8_t* ip = packet.data() + l3;
    store_be16(ip + ipv4::kId, id);
    store_be16(ip + ipv4::kChecksum, 0);
    store_be16(ip + ipv4::kChecksum, checksum(ByteView(ip, ipv4::kHeader)));
}

// Of packets that must not be fragmented: their identification means nothing.
Bytes without_id(Bytes bytes) {
    uint8_t* ip = bytes.data() + (bytes[ethernet::kType] == 0x81 ? 18 : 14);
    if (ip[ipv4::kFragment] & 0x40)
        std::memset(ip + ipv4::kId, 0, 2), std::memset(ip + ipv4::kChecksum, 0, 2);
    return bytes;
}

// As a sender leaves it to its device.
void leave_checksum(Packet& packet, const DatagramTrain::Shape& shape) {
    uint8_t* p = packet.data();
    auto length = static_cast<uint32_t>(packet.size() - shape.l4);
    uint64_t sum = shape.v6 ? checksum_add(0, ByteView(p + shape.l3 + 8, 32)) + protocol::kUdp + length
                            : pseudo_header_sum(p + shape.l3, protocol::kUdp, length);
    store_be16(p + shape.l4 + udp::kChecksum, checksum_fold(sum));
    packet.offload.checksum_partial = true;
    packet.offload.csum_start = shape.l4;
    packet.offload.csum_offset = udp::kChecksum;
}

Bytes finished(Packet packet) {
    finish_checksum(packet);
    return Bytes(packet.view().begin(), packet.view().end());
}

// The trains of `packets`, in which each is joined to the last one or begins another, cut again.
std::vector<Bytes> joined_and_cut(const std::vector<Packet>& packets, size_t& trains) {
    std::vector<DatagramTrain> queue;
    for (const Packet& packet : packets) {
        auto shape = DatagramTrain::shape_of(packet);
        bool done = shape && !queue.empty() && queue.back().same_flow(packet, *shape) &&
                    queue.back().append(packet, *shape);
        if (!done) queue.emplace_back(packet, shape);
    }
    trains = queue.size();
    std::vector<Bytes> out;
    for (DatagramTrain& train : queue) {
        train.finish();
        size_t bytes = 0, before = out.size();
        for (const Packet& one : segment(train.packet())) {
            out.emplace_back(one.view().begin(), one.view().end());
            bytes += one.size();
        }
        EXPECT_EQ(train.count(), out.size() - before);
        EXPECT_EQ(train.bytes(), bytes);
    }
    return out;
}

TEST(DatagramTrain, ABurstIsOne) {
    for (int kind = 0; kind < 8; kind++) {
        bool v6 = kind & 1, tagged = kind & 2, partial = kind & 4;
        std::vector<Packet> packets;
        for (uint16_t i = 0; i < DatagramTrain::kMaxDatagrams; i++) {
            Packet packet = compose(flow_of(v6, tagged, 7), i + 1 < DatagramTrain::kMaxDatagrams ? 18 : 7);
            auto shape = DatagramTrain::shape_of(packet);
            ASSERT_TRUE(shape) << kind;
            if (!v6) set_id(packet, shape->l3, static_cast<uint16_t>(65530 + i));
            if (partial) leave_checksum(packet, *shape);
            packets.push_back(std::move(packet));
        }
        size_t trains = 0;
        std::vector<Bytes> out = joined_and_cut(packets, trains);
        EXPECT_EQ(trains, 1u) << kind;
        ASSERT_EQ(out.size(), packets.size());
        for (size_t i = 0; i < out.size(); i++) ASSERT_EQ(out[i], finished(packets[i])) << kind << " " << i;
    }
}

TEST(DatagramTrain, WhateverComesIsCutToWhatItWas) {
    Random random(seed());
    size_t joined = 0;
    for (int round = 0; round < 80; round++) {
        std::vector<Packet> packets;
        bool v6 = random() % 2, tagged = random() % 4 == 0, partial = random() % 2;
        auto id = static_cast<uint16_t>(random());
        bool still = random() % 3 == 0;  // an identification that does, where it means nothing
        size_t size = 1 + random() % 1400;
        for (int i = 0; i < 100; i++) {
            Flow flow = flow_of(v6, tagged, random() % 20 ? 7 : 8);
            if (random() % 40 == 0) flow.nw_tos = 0x10;
            if (random() % 40 == 0) flow.nw_ttl = 9;
            if (random() % 40 == 0) flow.ipv6_label = 5;
            if (random() % 60 == 0) flow.dl_src[5] = 7;
            Packet packet = compose(flow, random() % 10 ? size : random() % 1400);
            auto shape = DatagramTrain::shape_of(packet);
            if (shape && !v6) {
                id = static_cast<uint16_t>(id + (random() % 30 ? !still : 5));
                if (still && random() % 50) packet.data()[shape->l3 + ipv4::kFragment] |= 0x40;
                set_id(packet, shape->l3, id);
            }
            if (shape && partial && random() % 50) leave_checksum(packet, *shape);
            if (shape && random() % 40 == 0) packet.data()[random() % packet.size()] ^= 1;  // damaged
            if (shape && random() % 60 == 0) packet.append_zeros(3);                        // padded
            packets.push_back(std::move(packet));
        }
        size_t trains = 0;
        std::vector<Bytes> out = joined_and_cut(packets, trains);
        joined += packets.size() - trains;
        ASSERT_EQ(out.size(), packets.size());
        for (size_t i = 0; i < out.size(); i++) {
            Bytes expected = finished(packets[i]);
            if (still && !v6)
                expected = without_id(std::move(expected)), out[i] = without_id(std::move(out[i]));
            ASSERT_EQ(out[i], expected) << "seed " << seed() << " round " << round << " " << i;
        }
    }
    EXPECT_GT(joined, 2500u);
}

TEST(DatagramTrain, WhatIsReadBelowSocketsTravelsAlone) {
    for (uint16_t port : {67, 68, 547, 2152, 4789, 6081}) {
        Flow flow = flow_of(false, false, 7);
        EXPECT_TRUE(DatagramTrain::shape_of(compose(flow, 18)));
        flow.tp_dst = port;
        EXPECT_FALSE(DatagramTrain::shape_of(compose(flow, 18))) << port;
    }
    Flow broadcast = flow_of(false, false, 7);
    broadcast.dl_dst = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    EXPECT_FALSE(DatagramTrain::shape_of(compose(broadcast, 18)));
    for (size_t size = 0; size < 60; size++) {  // any bytes at all
        Packet whole = compose(flow_of(true, true, 7), 18), cut(whole.view().first(size));
        EXPECT_FALSE(DatagramTrain::shape_of(cut)) << size;
    }
}

}  // namespace
}  // namespace weft::packet
