// Conversations of two ends over TCP, UDP and ICMP, for the differential tests with `ct`: sequence numbers
// and windows as two ends would have them, and what does not belong.

#pragma once

#include "datapath/ebpf/test_rig.h"
#include "packet/tcp.h"

namespace weft::datapath {

struct Conversation {
    bool v6 = false;
    uint8_t protocol = 6;
    uint32_t number = 0;      // addresses and ports
    uint32_t next[2] = {};    // TCP: sequence numbers
    uint32_t window[2] = {};  // as announced
    uint32_t age = 0;         // packets
};

struct Translation {
    bool source = false, destination = false;
};

// A packet from the client, or from the server as it knows the client.
inline Packet packet_of(const Conversation& c, bool reply, uint16_t flags, uint32_t sequence, uint32_t ack,
                        size_t payload, Translation nat) {
    Flow f = packet::zero_flow();
    f.in_port = 1;
    f.dl_src = {0x50, 0x54, 0, 0, 0, 5};
    f.dl_dst = {0x50, 0x54, 0, 0, 0, 7};
    f.dl_type = c.v6 ? 0x86dd : 0x0800;
    f.nw_ttl = 64;
    f.nw_proto = c.protocol == 1 && c.v6 ? 58 : c.protocol;
    uint16_t client_port = static_cast<uint16_t>(2000 + c.number), server_port = 80;
    if (nat.destination && reply) server_port = 8080;
    packet::Ipv6Addr client = {0xfd, 0, 0, 0, 0, 0, 0, 0,
                               0,    0, 0, 0, 0, 0, 1, static_cast<uint8_t>(c.number)};
    packet::Ipv6Addr server = {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1};
    uint32_t client4 = 0x0a000100 + c.number, server4 = 0x0a000201;
    if (reply && nat.source) {
        client4 = 0x0ac80009;
        client = {0xfd, 9};
        client[15] = 9;
    }
    if (reply && nat.destination) {
        server4 = 0x0a000909;
        server = {0xfd, 8};
        server[15] = 9;
    }
    f.nw_src = reply ? server4 : client4;
    f.nw_dst = reply ? client4 : server4;
    if (c.v6) {
        f.nw_src = f.nw_dst = 0;
        f.ipv6_src = reply ? server : client;
        f.ipv6_dst = reply ? client : server;
    }
    if (c.protocol == 1) {
        f.tp_src = c.v6 ? (reply ? 129 : 128) : (reply ? 0 : 8);
    } else {
        f.tp_src = reply ? server_port : client_port;
        f.tp_dst = reply ? client_port : server_port;
    }
    f.tcp_flags = c.protocol == 6 ? flags : 0;
    Packet out = packet::compose(f, payload);
    Flow key = packet::zero_flow();
    packet::Layout layout = packet::extract(out, key);
    uint8_t* p = out.data() + layout.l4;
    if (c.protocol == 6) {
        store_be32(p + packet::tcp::kSequence, sequence);
        store_be32(p + packet::tcp::kAcknowledgment, ack);
        store_be16(p + packet::tcp::kWindow, static_cast<uint16_t>(c.window[reply]));
    } else if (c.protocol == 1) {
        store_be16(p + 4, static_cast<uint16_t>(c.number));
    }
    // All sums anew: what is left to others is filled in.
    if (c.protocol == 1) {
        store_be16(p + 2, 0);
        ByteView bytes(p, layout.l3_end - layout.l4);
        uint64_t sum = c.v6 ? packet::pseudo_header_sum6(key.ipv6_src, key.ipv6_dst, 58,
                                                         static_cast<uint32_t>(bytes.size()))
                            : 0;
        store_be16(p + 2, static_cast<uint16_t>(~packet::checksum_fold(packet::checksum_add(sum, bytes))));
    } else {
        leave_checksum(out);
        packet::finish_checksum(out);
        out.offload = {};
    }
    return out;
}

inline Conversation begin_conversation(Random& random, uint32_t number) {
    Conversation out;
    out.v6 = random.one_in(3);
    out.protocol = random.one_in(2) ? 6 : random.one_in(2) ? 17 : 1;
    out.number = number;
    for (int end : {0, 1}) {
        out.next[end] = random.one_in(4) ? 0xfffffe00 : random.any();
        out.window[end] = 1000 + random.below(60000);
    }
    return out;
}

// The conversation's next packet, or one that does not belong; some left to others to sum, or damaged.
inline Packet next_packet(Random& random, Conversation& c, Translation nat) {
    bool reply = random.one_in(2);
    uint16_t flags = 0x10;
    uint32_t sequence = c.next[reply], ack = c.next[!reply];
    size_t payload = random.one_in(2) ? 0 : random.below(1000);
    if (c.protocol == 6) {
        if (c.age < 3) {
            reply = c.age == 1;
            flags = c.age == 0 ? 0x02 : c.age == 1 ? 0x12 : 0x10;
            sequence = c.next[reply];
            ack = c.age == 0 ? 0 : c.next[!reply];
            payload = 0;
        } else if (random.one_in(20)) {
            flags = random.one_in(2) ? 0x11 : random.one_in(2) ? 0x14 : 0x02;
        } else if (random.one_in(12)) {
            sequence += random.any() >> random.below(32);
        } else if (random.one_in(12)) {
            ack -= random.any() >> random.below(32);
        }
    }
    c.age++;
    Packet packet = packet_of(c, reply, flags, sequence, ack, payload, nat);
    if (c.protocol == 6) c.next[reply] = sequence + static_cast<uint32_t>(payload) + (flags & 3 ? 1 : 0);
    if (random.one_in(3))
        leave_checksum(packet, random.one_in(2) ? 100 : 0);
    else if (random.one_in(15))
        packet.data()[packet.size() - 1 - random.below(30)] ^= 4;
    return packet;
}

}  // namespace weft::datapath
