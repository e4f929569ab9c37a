// Connections: the same conversations through the same flows with `ct`, by the userspace datapath and by the
// programs in the kernel, which track what is established.
//
// Conversations are TCP, UDP and ICMP over IPv4 and IPv6, with sequence numbers and windows as two ends would
// have them, and with what does not belong: wrong numbers, wrong checksums, resets, SYNs again.

#include <gtest/gtest.h>

#include "datapath/ebpf/test_rig.h"
#include "packet/tcp.h"

namespace weft::datapath {
namespace {

struct Conversation {
    bool v6 = false;
    uint8_t protocol = 6;
    uint32_t number = 0;      // addresses and ports
    uint32_t next[2] = {};    // TCP: sequence numbers
    uint32_t window[2] = {};  // as announced
    uint32_t age = 0;         // packets
};

class EbpfConntrackTest : public EbpfTest {
  protected:
    struct Translation {
        bool source = false, destination = false;
    };

    // A packet from the client, or from the server as it knows the client.
    static Packet packet(const Conversation& c, bool reply, uint16_t flags, uint32_t sequence, uint32_t ack,
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
            store_be16(p + 2,
                       static_cast<uint16_t>(~packet::checksum_fold(packet::checksum_add(sum, bytes))));
        } else {
            leave_checksum(out);
            packet::finish_checksum(out);
            out.offload = {};
        }
        return out;
    }
    uint64_t handed_up() {
        auto stats = links_->stats("weft-upcall");
        return stats ? stats->tx_packets : 0;
    }
    // What the user sees of connections, but for times.
    static std::vector<std::string> connections(Datapath& datapath) {
        std::vector<std::string> out;
        datapath.connections()->dump(std::nullopt, clock::monotonic_ms(), [&](const Connection& c) {
            auto tuple = [](const ConnectionTuple& t) {
                return fmt::format("{} {} {} {} {}", hex({t.src.data(), 16}), hex({t.dst.data(), 16}),
                                   t.src_port, t.dst_port, t.protocol);
            };
            out.push_back(fmt::format("{} | {} zone {} mark {:x} label {} {} {} {} about {} s",
                                      tuple(c.original), tuple(c.reply), c.zone, c.mark,
                                      hex({c.label.data(), 16}), c.state, c.original_state, c.reply_state,
                                      (c.expires_in_ms + 20000) / 60000));
        });
        std::sort(out.begin(), out.end());
        return out;
    }
};

constexpr std::string_view kHead = "recirc_id(0x1),in_port(1)";

TEST_F(EbpfConntrackTest, EstablishedConnectionsStayInTheKernel) {
    put("recirc_id(0),in_port(1)", "ct(zone=5,nat),recirc(0x1)");
    put(fmt::format("{},ct_state(+new+trk)", kHead), "ct(commit,zone=5,mark=0x5/0xff,nat(src=10.200.0.9)),2");
    put(fmt::format("{},ct_state(-new+est-rpl+trk)", kHead), "2");
    put(fmt::format("{},ct_state(-new+est+rpl+trk)", kHead), "3");
    put(fmt::format("{},ct_state(-new-est+trk)", kHead), "2,3");
    Translation nat{true, false};
    Conversation c;
    c.window[0] = c.window[1] = 2000;
    same(packet(c, false, 0x02, 100, 0, 0, nat));
    same(packet(c, true, 0x12, 500, 101, 0, nat));
    same(packet(c, false, 0x10, 101, 501, 0, nat));
    uint64_t before = handed_up();
    uint32_t sent = 101;
    for (int i = 0; i < 20; i++) {
        Packet data = packet(c, false, 0x18, sent, 501, 900, nat);
        if (i % 3 == 1) leave_checksum(data);
        same(data);
        sent += 900;
        same(packet(c, true, 0x10, 501, sent, 0, nat));
    }
    EXPECT_EQ(handed_up(), before);
    EXPECT_EQ(connections(*kernel_), connections(*reference_));
    // Beyond the window, and damaged: the daemon says what they are.
    same(packet(c, false, 0x18, sent + 100000, 501, 10, nat));
    Packet damaged = packet(c, false, 0x18, sent, 501, 100, nat);
    damaged.data()[80] ^= 1;
    same(damaged);
    EXPECT_EQ(handed_up(), before + 2);
    // Another mark, then the end.
    same(packet(c, true, 0x11, 501, sent, 0, nat));
    same(packet(c, false, 0x11, sent, 502, 0, nat));
    same(packet(c, true, 0x10, 502, sent + 1, 0, nat));
    EXPECT_EQ(handed_up(), before + 5);
    EXPECT_EQ(connections(*kernel_), connections(*reference_));
    same_statistics();
}

TEST_F(EbpfConntrackTest, FlushedConnectionsAreForgotten) {
    put("recirc_id(0),in_port(1)", "ct(zone=5),recirc(0x1)");
    put(fmt::format("{},ct_state(+new+trk)", kHead), "ct(commit,zone=5),2");
    put(fmt::format("{},ct_state(-new+trk)", kHead), "3");
    Conversation c;
    c.protocol = 17;
    for (bool reply : {false, true, false, true}) same(packet(c, reply, 0, 0, 0, 10, {}));
    uint64_t before = handed_up();
    same(packet(c, false, 0, 0, 0, 10, {}));
    EXPECT_EQ(handed_up(), before);
    for (Datapath* dp : {kernel_.get(), reference_.get()}) EXPECT_EQ(dp->connections()->flush(5, {}, {}), 1u);
    same(packet(c, false, 0, 0, 0, 10, {}));
    EXPECT_EQ(handed_up(), before + 1);
    // A shorter time-out holds for those that are there.
    same(packet(c, true, 0, 0, 0, 10, {}));
    for (Datapath* dp : {kernel_.get(), reference_.get()}) {
        dp->connections()->flush(std::nullopt, {}, {});
        ASSERT_TRUE(dp->connections()->set_timeout_policy("short", {{"udp_multiple", 1}}).ok());
    }
    kernel_->flush_flows();
    reference_->flush_flows();
    put("recirc_id(0),in_port(1)", "ct(zone=5,timeout=short),recirc(0x1)");
    put(fmt::format("{},ct_state(+new+trk)", kHead), "ct(commit,zone=5,timeout=short),2");
    put(fmt::format("{},ct_state(-new+trk)", kHead), "3");
    for (bool reply : {false, true, false}) same(packet(c, reply, 0, 0, 0, 10, {}));
    int64_t until = clock::monotonic_ms() + 1300;
    while (clock::monotonic_ms() < until) usleep(10000);
    same(packet(c, false, 0, 0, 0, 10, {}));  // new again
    EXPECT_EQ(connections(*kernel_), connections(*reference_));
}

TEST_F(EbpfConntrackTest, RandomConversations) {
    const char* given = std::getenv("WEFT_SEED");
    uint32_t seed = given ? static_cast<uint32_t>(std::atoi(given)) : std::random_device{}();
    const char* wanted = std::getenv("WEFT_PACKETS");
    int packets = wanted ? std::atoi(wanted) : 1500;
    SCOPED_TRACE(fmt::format("WEFT_SEED={}", seed));
    std::printf("WEFT_SEED=%u\n", seed);
    Random random(seed);
    uint64_t before = handed_up();
    int sent = 0;
    while (sent < packets) {
        kernel_->flush_flows();
        reference_->flush_flows();
        for (Datapath* dp : {kernel_.get(), reference_.get()}) dp->connections()->flush(std::nullopt, {}, {});
        bool check = !random.one_in(4);
        for (Datapath* dp : {kernel_.get(), reference_.get()}) dp->connections()->check_tcp_sequences(check);
        Translation nat{random.one_in(2), random.one_in(3)};
        uint32_t zone = random.below(3);
        std::string translate[2];
        for (int v6 : {0, 1}) {
            if (nat.destination)
                translate[v6] = v6 ? ",nat(dst=[fd08::9]:8080)" : ",nat(dst=10.0.9.9:8080)";
            else if (nat.source)
                translate[v6] = v6 ? ",nat(src=fd09::9)" : ",nat(src=10.200.0.9)";
        }
        if (nat.destination) nat.source = false;
        const char* types[] = {"0x0800", "0x86dd"};
        for (int v6 : {0, 1}) {
            auto head = [&](int recirculation) {
                return fmt::format("recirc_id(0x{:x}),in_port(1),eth_type({})", recirculation, types[v6]);
            };
            put(head(0), fmt::format("ct(zone={}{}),recirc(0x1)", zone, random.one_in(8) ? "" : ",nat"));
            put(head(1) + ",ct_state(+new+trk)",
                fmt::format("ct(commit,zone={},mark=0x{:x}/0xff,label=0x{:x}/0xff00000000000000ff{}),2", zone,
                            random.below(256), random.below(256), translate[v6]));
            std::string established;
            switch (random.below(6)) {
                case 0:
                    established = fmt::format("ct(commit,zone={},mark=0x{:x}/0xf),3", zone, random.below(16));
                    break;
                case 1:
                    established = fmt::format("ct(zone={}),recirc(0x2)", zone + 1);
                    break;
                case 2:
                    established = "set(eth(src=00:00:00:00:00:09)),ct_clear,recirc(0x3)";
                    break;
                case 3:
                    established = fmt::format("set(eth(src=00:00:00:00:00:09)),3,ct(zone={}),2", zone);
                    break;
                case 4:
                    established =
                        fmt::format("ct(commit,zone={},label=0x{:x}/0xff),2", zone, random.below(2));
                    break;
                default:
                    established = "recirc(0x3)";
            }
            put(head(1) + ",ct_state(-new+est-rpl+trk)", established);
            put(head(1) + ",ct_state(-new+est+rpl+trk)", random.one_in(2) ? "3" : "recirc(0x3)");
            put(head(1) + ",ct_state(-new-est+trk)", "2,3");
            put(head(2) + ",ct_state(+new)", fmt::format("ct(commit,zone={}),2", zone + 1));
            put(head(2) + ",ct_state(-new)", "3,2");
            // Without one for 0x3 the miss tells all of the key.
            if (random.one_in(2)) put(head(3), "2");
        }
        std::vector<Conversation> there(6);
        for (uint32_t i = 0; i < there.size(); i++) {
            there[i].v6 = random.one_in(3);
            there[i].protocol = random.one_in(2) ? 6 : random.one_in(2) ? 17 : 1;
            there[i].number = i + 1;
            for (int end : {0, 1}) {
                there[i].next[end] = random.one_in(4) ? 0xfffffe00 : random.any();
                there[i].window[end] = 1000 + random.below(60000);
            }
        }
        for (int i = 0; i < 500 && sent < packets; i++, sent++) {
            Conversation& c = there[random.below(6)];
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
            Packet packet = this->packet(c, reply, flags, sequence, ack, payload, nat);
            if (c.protocol == 6)
                c.next[reply] = sequence + static_cast<uint32_t>(payload) + (flags & 3 ? 1 : 0);
            if (random.one_in(3))
                leave_checksum(packet, random.one_in(2) ? 100 : 0);
            else if (random.one_in(15))
                packet.data()[packet.size() - 1 - random.below(30)] ^= 4;
            if (!same(packet)) return;
        }
        ASSERT_EQ(connections(*kernel_), connections(*reference_));
        same_statistics();
        if (HasFailure()) return;
    }
    std::printf("%d packets, %lu handed up\n", sent, handed_up() - before);
}

}  // namespace
}  // namespace weft::datapath
