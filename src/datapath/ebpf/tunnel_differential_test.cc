// Tunnels: the same packets encapsulated, and taken out of tunnels, by the userspace datapath's sockets and
// by the programs in the kernel.

#include <gtest/gtest.h>

#include "datapath/ebpf/test_tunnel_rig.h"

namespace weft::datapath {
namespace {

constexpr std::string_view kTcp =
    "in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x0800),ipv4(src=192.168.0.1,"
    "dst=192.168.0.2,proto=6,tos=0,ttl=64,frag=no),tcp(src=1000,dst=80),tcp_flags(ack)";
constexpr std::string_view kUdp6 =
    "in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x86dd),ipv6(src=fe80::1,dst=fe80::"
    "2,"
    "label=0x7,proto=17,tclass=0,hlimit=64,frag=no),udp(src=1000,dst=80)";
constexpr std::string_view kIcmp =
    "in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x0800),ipv4(src=192.168.0.1,"
    "dst=192.168.0.2,proto=1,tos=0,ttl=64,frag=no),icmp(type=8,code=0)";
constexpr std::string_view kArp =
    "in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x0806),arp(sip=10.0.0.1,tip=10.0."
    "0.2,"
    "op=1,sha=50:54:00:00:00:05,tha=00:00:00:00:00:00)";

constexpr std::string_view kTagged =
    "in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x8100),vlan(vid=10,pcp=2),encap("
    "eth_type(0x0800),ipv4(src=192.168.0.1,dst=192.168.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=1000,dst="
    "80))";

TEST_F(EbpfTunnelTest, Sent) {
    for (const Kind& kind : kKinds) {
        SCOPED_TRACE(kind.name);
        add_tunnel(kind);
        auto way = [&](bool v6, std::string_view more = "flags(df|csum|key)") {
            return set_tunnel(kind, more, v6);
        };
        std::string flags = kind.type == PortType::kGre ? "df" : "df|key";
        for (const std::string& actions :
             {way(false) + ",4", way(true) + ",4", way(false, "flags(key)") + ",4",
              way(true, "flags(key)") + ",4",
              "set(eth(src=00:00:00:00:00:09)),set(ipv4(src=10.0.0.1,ttl=63))," + way(false) + ",2,4",
              "push_vlan(vid=5,pcp=3)," + way(false) + ",4", "push_vlan(vid=5,pcp=3)," + way(true) + ",4",
              std::string("4"), way(false) + ",4,2",
              // Two chassis, a port between them, tags and changes behind: each sees what it was by then.
              "2," + way(false) + ",4,push_vlan(vid=6,pcp=1),3," + way(true, "flags(df|key)") +
                  ",4,pop_vlan,set(ipv4(ttl=3)),set(eth(dst=00:00:00:00:00:08)),2," + way(false) + ",4",
              way(true) + ",trunc(70),4,clone(" + way(false) + ",4),2",
              fmt::format("set(tunnel(tun_id=0x7,dst=10.9.0.3,tos=8,ttl=0,flags({}))),4", flags),
              fmt::format("set(tunnel(tun_id=0x7,ipv6_dst=fd09::3,ipv6_src=fd09::1,tos=8,ttl=0,flags({}))),4",
                          flags)}) {
            SCOPED_TRACE(actions);
            kernel_->flush_flows();
            reference_->flush_flows();
            put("recirc_id(0),in_port(1)", actions);
            for (std::string_view key : {kTcp, kUdp6, kIcmp, kArp, kTagged}) {
                for (size_t size : {0u, 1301u}) {
                    Packet packet = packet_of(key, size);
                    same_sent(packet);
                    leave_checksum(packet);
                    if (packet.offload.any()) same_sent(packet);
                }
                if (key == kIcmp || key == kArp) continue;
                Packet super = packet_of(key, 20011);
                leave_checksum(super, 1200);
                same_sent(super);
            }
            same_statistics();
            if (HasFailure()) return;
        }
        remove_tunnel();
    }
    EXPECT_GT(wire_.summed, 0u);
    for (uint16_t port : wire_.ports) EXPECT_GE(port, 32768);
}

// The daemon has no part in it: nothing can come up to it.
TEST_F(EbpfTunnelTest, SentByTheProgramsAlone) {
    for (const Kind& kind : kKinds) {
        SCOPED_TRACE(kind.name);
        add_tunnel(kind);
        kernel_->flush_flows();
        reference_->flush_flows();
        put("recirc_id(0),in_port(1)", set_tunnel(kind) + ",4,2," +
                                           set_tunnel(kind, "flags(df|csum|key)", true) +
                                           ",4,push_vlan(vid=6,pcp=1),4,3");
        loop_->run_once(0);
        ASSERT_EQ(sh("ip link set weft-upcall down"), 0);
        for (std::string_view key : {kTcp, kUdp6, kIcmp, kArp}) {
            Packet packet = packet_of(key, 400);
            same_sent(packet);
            leave_checksum(packet);
            same_sent(packet);
            if (key == kIcmp || key == kArp) continue;
            Packet super = packet_of(key, 20011);
            leave_checksum(super, 1200);
            same_sent(super);
        }
        ASSERT_EQ(sh("ip link set weft-upcall up"), 0);
        remove_tunnel();
        if (HasFailure()) return;
    }
}

// What is too big for the path: segments are made smaller, other packets become fragments (the daemon's
// work).
TEST_F(EbpfTunnelTest, TooBig) {
    add_tunnel(kKinds[0]);
    put("recirc_id(0),in_port(1)", set_tunnel(kKinds[0]) + ",4");
    Packet super = packet_of(kTcp, 20000);
    leave_checksum(super, 1446);
    auto join = [](const Records& frames) {
        std::string out;
        for (const Record& frame : frames) {
            EXPECT_EQ(frame.what.find("bad"), std::string::npos) << frame.what;
            EXPECT_LE(frame.bytes.size(), 1500u - 28);
            size_t headers = 16 + 14 + 20 + 20;  // tunnel, Ethernet, IP, TCP
            out += frame.bytes.substr(headers);
        }
        return out;
    };
    send(*far_[1].port, super);
    Seen enough;
    enough.wire.resize(14);
    std::string payload = join(kernel_seen(enough).wire);
    EXPECT_EQ(payload.size(), 20000u);
    Packet big = packet_of(kUdp6, 1430);
    send(*far_[1].port, big);
    enough.wire.resize(2);
    EXPECT_EQ(kernel_seen(enough).wire.size(), 2u);
}

TEST_F(EbpfTunnelTest, Arrived) {
    for (const Kind& kind : kKinds) {
        SCOPED_TRACE(kind.name);
        add_tunnel(kind);
        for (std::string_view actions : {"2", "set(ipv4(src=10.0.0.1,ttl=63)),3,2",
                                         "push_vlan(vid=5,pcp=3),2", "pop_vlan,2", "recirc(0x5)", ""}) {
            SCOPED_TRACE(actions);
            for (bool v6 : {false, true}) {
                kernel_->flush_flows();
                reference_->flush_flows();
                if (!actions.empty())
                    put(fmt::format(
                            "recirc_id(0),tunnel(tun_id=0x2a,{},ttl=61,flags(-df-csum+key)),in_port(4)",
                            v6 ? "ipv6_src=fd09::2,ipv6_dst=fd09::1" : "src=10.9.0.2,dst=10.9.0.1"),
                        actions);
                for (std::string_view key : {kTcp, kUdp6, kIcmp, kArp, kTagged}) {
                    for (int variant = 0; variant < 8; variant++) {
                        bool options = variant & 1, checksum = variant & 2;
                        if (options && kind.type != PortType::kGeneve) continue;
                        Packet packet = packet_of(key, variant & 4 ? 1301 : 0);
                        same_arrived(outer(kind, packet, header_of(kind, options), checksum, v6));
                        leave_checksum(packet);
                        if (packet.offload.any())
                            same_arrived(outer(kind, packet, header_of(kind, options), checksum, v6));
                        if (HasFailure()) return;
                    }
                }
                same_statistics();
                if (HasFailure()) return;
            }
        }
        DatapathStats stats = kernel_->stats();
        EXPECT_GT(stats.hits, 0u);
        remove_tunnel();
    }
}

// Without anybody behind the sockets: what arrives over either family is taken by the programs.
TEST_F(EbpfTunnelTest, ArrivedWithoutTheSockets) {
    add_tunnel(kKinds[0]);
    put("recirc_id(0),in_port(4)", "2");
    uint64_t hits = kernel_->stats().hits;
    for (bool v6 : {false, true}) {
        send(*wire_.port, outer(kKinds[0], packet_of(kTcp, 100), header_of(kKinds[0], true), true, v6));
        send(*wire_.port, outer(kKinds[0], packet_of(kUdp6, 100), header_of(kKinds[0], true), false, v6));
        send(*wire_.port, outer(kKinds[0], packet_of(kArp), header_of(kKinds[0], true), true, v6));
    }
    // The loop, and with it the daemon, has not run.
    EXPECT_EQ(kernel_->stats().hits, hits + 6);
}

// What was damaged before it came to the tunnel is carried as it is, with an outer checksum that is right:
// who it is for finds out.  And none of that is the daemon's.
TEST_F(EbpfTunnelTest, DamagedPacketsArrive) {
    constexpr std::string_view kFirst =
        "in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x0800),ipv4(src=192.168.0.1,"
        "dst=192.168.0.2,proto=17,tos=0,ttl=64,frag=first),udp(src=1000,dst=80)";
    for (const Kind& kind : {kKinds[0], kKinds[1]}) {
        SCOPED_TRACE(kind.name);
        add_tunnel(kind);
        for (bool v6 : {false, true}) {
            kernel_->flush_flows();
            reference_->flush_flows();
            put("recirc_id(0),in_port(1)", set_tunnel(kind, "flags(df|csum|key)", v6) + ",4");
            put("recirc_id(0),in_port(4)", "2");
            uint64_t up = handed_up(), arrived = kernel_->port_stats(2)->tx_packets;
            size_t summed = wire_.summed, sent = 0;
            for (std::string_view key : {kTcp, kUdp6, kIcmp, kArp, kTagged, kFirst}) {
                for (size_t size : {0u, 1u, 301u, 1300u}) {
                    Packet packet = packet_of(key, size);
                    packet.data()[packet.size() - 1] ^= 0x10;
                    same_sent(packet);
                    same_arrived(outer(kind, packet, header_of(kind, false), true, v6));
                    sent++;
                }
            }
            EXPECT_EQ(wire_.summed - summed, sent);
            EXPECT_EQ(kernel_->port_stats(2)->tx_packets - arrived, sent);
            EXPECT_EQ(handed_up(), up);
        }
        remove_tunnel();
        if (HasFailure()) return;
    }
}

// Everything at once: packets of ports, and by tunnels those of half of the sources.
TEST_F(EbpfTunnelTest, RandomFlowsAndPackets) {
    Random random(random_seed());
    random.connections = true;
    int packets = random_packets(1500);
    for (const Kind& kind : kKinds) {
        SCOPED_TRACE(kind.name);
        add_tunnel(kind);
        random.tunnel = kind.type == PortType::kGre ? "key" : "csum|key";
        if (kind.type == PortType::kGeneve)
            random.tunnel_more = "geneve({class=0x102,type=0x80,len=4,0x10002}),";
        auto by_tunnel = [](const Flow& key) { return key.dl_src[5] & 16; };
        auto arrive = [&](Flow& key) {
            if (!by_tunnel(key)) return;
            key.in_port = kTunnel;
            key.tunnel.id = 0x2a;
            key.tunnel.tos = 4;
            key.tunnel.dst = random.one_in(2) ? 0x0a090001 : 0;
        };
        random_walk(random, packets / 3, arrive, [&](const Packet& packet) {
            Flow key = packet::zero_flow();
            packet::extract(packet, key);
            if (!by_tunnel(key)) return same_sent(packet);
            bool options = kind.type == PortType::kGeneve && random.one_in(2);
            bool checksum = random.one_in(2), v6 = random.one_in(2);
            std::vector<Packet> packets_on_wire;
            if (packet.offload.gso_size)
                packets_on_wire = packet::segment(packet);
            else
                packets_on_wire.push_back(packet);
            for (const Packet& one : packets_on_wire) {
                await_next_millisecond();
                if (!same_arrived(outer(kind, one, header_of(kind, options), checksum, v6))) return false;
            }
            return true;
        });
        if (HasFailure()) return;
        remove_tunnel();
    }
}

}  // namespace
}  // namespace weft::datapath
