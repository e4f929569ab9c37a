// Tunnels in the differential tests: an underlay for each of the two datapaths.
//
// Each has a veth pair u0, u1 with the same addresses, in namespaces of their own.  The kernel's u0 leaves
// nothing to others (no checksum or segmentation offload), so what is seen at u1 are packets as on a wire.

#pragma once

#include <netinet/in.h>

#include "datapath/ebpf/test_rig.h"
#include "packet/ipv4.h"
#include "packet/udp.h"

namespace weft::datapath {

inline constexpr PortNo kTunnel = 4;
inline constexpr PortNo kUnderlay = 100;

struct Kind {
    PortType type;
    const char* name;
    uint16_t port;
    uint8_t protocol;
};
inline constexpr Kind kKinds[] = {{PortType::kGeneve, "geneve", 6081, IPPROTO_UDP},
                                  {PortType::kVxlan, "vxlan", 4789, IPPROTO_UDP},
                                  {PortType::kGre, "gre", 0, IPPROTO_GRE}};

// Of the IP header at `p` and the UDP datagram in it.
inline uint64_t outer_pseudo_sum(const uint8_t* p, size_t length) {
    auto size = static_cast<uint32_t>(length);
    if (p[0] >> 4 == 4) return packet::pseudo_header_sum(p, IPPROTO_UDP, size);
    packet::Ipv6Addr src, dst;
    std::memcpy(src.data(), p + 8, src.size());
    std::memcpy(dst.data(), p + 24, dst.size());
    return packet::pseudo_header_sum6(src, dst, IPPROTO_UDP, size);
}

// Frames of the underlay: what matters of outer headers, tunnel header and inner frame in hex.
struct Wire : PacketSink {
    void received(PortNo, std::vector<Received>& packets, bool) override {
        for (Received& one : packets) take(one.packet);
    }
    void dropped(explain::DropReason) override {}

    void take(const Packet& packet) {
        const uint8_t* p = packet.data() + 14;
        uint16_t type = load_be16(packet.data() + 12);
        bool v6 = type == 0x86dd;
        if (packet.size() < (v6 ? 62 : 42) || (!v6 && type != 0x0800)) return;
        uint8_t protocol = v6 ? p[6] : p[9];
        if (protocol != IPPROTO_UDP && protocol != IPPROTO_GRE) return;  // the host's own
        size_t header = v6 ? 40 : 20;
        std::string text;
        if (v6) {  // whatever its flow label
            text = fmt::format("class {:x} hops {} {} > {} ", load_be16(p) >> 4 & 255, p[7], hex({p + 8, 16}),
                               hex({p + 24, 16}));
        } else {
            text = fmt::format("tos {:x} fragment {:x} ttl {} {} > {} ", p[1], load_be16(p + 6), p[8],
                               hex({p + 12, 4}), hex({p + 16, 4}));
            if (packet::checksum({p, 20})) text += "bad header checksum ";
        }
        if (packet.offload.any()) text += "offload ";
        if (load_be16(p + (v6 ? 4 : 2)) + (v6 ? size_t{54} : size_t{14}) != packet.size())
            text += "odd length ";
        ByteView rest(p + header, packet.size() - 14 - header);
        if (protocol == IPPROTO_UDP) {
            append(text, "udp {} ", load_be16(rest.data() + 2));
            if (load_be16(rest.data() + 4) != rest.size()) text += "odd udp length ";
            uint16_t check = load_be16(rest.data() + 6);
            summed += check != 0;
            if (check) {
                uint64_t sum = outer_pseudo_sum(p, rest.size());
                if (packet::checksum_fold(packet::checksum_add(sum, rest)) != 0xffff) text += "bad checksum ";
            }
            ports.push_back(load_be16(rest.data()));
            rest = rest.subspan(8);
        } else {
            append(text, "protocol {} ", protocol);
        }
        seen.emplace_back(std::move(text), rest);
    }

    void open(net::Loop& loop, PacketPoller& poller, PortInfo info) {
        auto opened = open_system_port(*this, info);
        ASSERT_TRUE(opened.ok()) << opened.message();
        port = std::move(*opened);
        watch = std::make_unique<QueueWatch>(loop, poller, *port->queues()[0], info.number, *this);
    }

    std::unique_ptr<Port> port;
    std::unique_ptr<QueueWatch> watch;
    Records seen;
    std::vector<uint16_t> ports;
    size_t summed = 0;
};

class EbpfTunnelTest : public EbpfTest {
  protected:
    void SetUp() override {
        EbpfTest::SetUp();
        if (!kernel_) return;
        std::string underlay =
            "ip link add u0 address 02:00:00:00:09:01 mtu 1500 type veth peer name u1 address "
            "02:00:00:00:09:02 "
            "mtu 1500; for d in u0 u1; do sysctl -qw net.ipv6.conf.$d.disable_ipv6=1; ip link set $d up; "
            "done; "
            "ip link set u1 arp off; ip addr add 10.9.0.1/24 dev u0; "
            "sysctl -qw net.ipv6.conf.u0.disable_ipv6=0; ip addr add fd09::1/64 dev u0 nodad; "
            "for i in 2 3; do for to in 10.9.0.$i fd09::$i; do ip neigh add $to lladdr 02:00:00:00:09:02 dev "
            "u0 nud "
            "permanent; done; done; "
            "ethtool -K u0 tx off gso off tso off >/dev/null 2>&1; "
            "for f in tx-udp_tnl-segmentation tx-udp_tnl-csum-segmentation tx-gre-segmentation "
            "tx-gre-csum-segmentation; do ethtool -K u0 $f off >/dev/null 2>&1; done; "
            "for i in $(seq 100); do ip link show u0 | grep -q LOWER_UP && break; sleep 0.05; done";
        ASSERT_EQ(sh(underlay), 0);
        ASSERT_NO_FATAL_FAILURE(wire_.open(*loop_, poller_, PortInfo{kUnderlay, "u1"}));
        enter(elsewhere_);
        EXPECT_EQ(sh("ip link set lo up; " + underlay), 0);
        ASSERT_NO_FATAL_FAILURE(reference_wire_.open(*reference_loop_, poller_, PortInfo{kUnderlay, "u1"}));
        enter(here_);
    }
    void TearDown() override {
        for (Wire* wire : {&wire_, &reference_wire_}) {
            wire->watch.reset();
            wire->port.reset();
        }
        EbpfTest::TearDown();
    }
    static void enter(int where) { ASSERT_EQ(setns(where, CLONE_NEWNET), 0); }

    void add_tunnel(const Kind& kind) {
        PortSpec spec;
        spec.number = kTunnel;
        spec.name = fmt::format("{}_test", kind.name);
        spec.type = kind.type;
        auto added = kernel_->add_port(spec);
        ASSERT_TRUE(added.ok()) << added.message();
        enter(elsewhere_);
        auto other = reference_->add_port(spec);
        enter(here_);
        ASSERT_TRUE(other.ok()) << other.message();
    }
    void remove_tunnel() {
        ASSERT_TRUE(kernel_->delete_port(kTunnel).ok());
        ASSERT_TRUE(reference_->delete_port(kTunnel).ok());
    }

    struct Seen {
        Fate fate;
        Records wire;
        bool operator==(const Seen&) const = default;
        std::string text() const {
            std::string out = fate.text();
            for (const Record& one : wire) append(out, "    wire {}\n", one.text());
            return out;
        }
    };
    uint64_t reference_sent() {
        auto stats = reference_->port_stats(kTunnel);
        return stats ? stats->tx_packets : 0;
    }
    uint64_t reference_received() {
        auto stats = reference_->port_stats(kTunnel);
        return stats ? stats->rx_packets : 0;
    }
    Seen reference_seen(uint64_t sent) {
        int64_t deadline = clock::monotonic_ms() + 2000;
        while (reference_wire_.seen.size() < sent && clock::monotonic_ms() < deadline)
            reference_loop_->run_once(1);
        Seen out;
        out.wire = std::exchange(reference_wire_.seen, {});
        out.fate = reference_fate();
        return out;
    }
    Seen kernel_seen(const Seen& expected) {
        Seen out;
        int64_t deadline = clock::monotonic_ms() + 2000;
        for (size_t quiet = 0; quiet < 2;) {
            size_t before = out.fate.size() + out.wire.size();
            collect(out.fate);
            for (auto& one : wire_.seen) out.wire.push_back(std::move(one));
            wire_.seen.clear();
            size_t now = out.fate.size() + out.wire.size();
            bool done =
                now >= expected.fate.size() + expected.wire.size() || clock::monotonic_ms() > deadline;
            quiet = now == before && done ? quiet + 1 : 0;
        }
        return out;
    }
    static void send(Port& port, const Packet& packet) {
        Work work;
        work.packet = packet;
        port.send(std::move(work), 0);
        port.flush(0);
    }

    // From port 1.
    bool same_sent(const Packet& packet) {
        uint64_t before = reference_sent();
        enter(elsewhere_);
        find_dummy_device("p1")->receive(packet);
        Seen expected = reference_seen(reference_sent() - before);
        enter(here_);
        send(*far_[1].port, packet);
        return compare(packet, expected, kernel_seen(expected));
    }
    // By the tunnel.  `packet` is what arrives at the underlay; the reference's is without offloads.
    bool same_arrived(const Packet& packet) {
        uint64_t before = reference_received(), sent = reference_sent();
        enter(elsewhere_);
        Packet finished = packet;
        packet::finish_checksum(finished);
        finished.offload = {};
        send(*reference_wire_.port, finished);
        int64_t deadline = clock::monotonic_ms() + 2000;
        while (reference_received() == before && clock::monotonic_ms() < deadline)
            reference_loop_->run_once(1);
        Seen expected = reference_seen(reference_sent() - sent);
        enter(here_);
        send(*wire_.port, packet);
        return compare(packet, expected, kernel_seen(expected));
    }
    // Of copies of one packet those that go through the daemon are behind the others.
    bool compare(const Packet& packet, Seen expected, Seen got) {
        for (Seen* one : {&expected, &got}) {
            one->fate.sort();
            std::sort(one->wire.begin(), one->wire.end());
        }
        if (got == expected) return true;
        Flow flow = packet::zero_flow();
        packet::extract(packet, flow);
        ADD_FAILURE() << "packet " << format_key(flow) << "\n  " << hex(packet.view()) << "\n  gso "
                      << packet.offload.gso_size << " partial " << packet.offload.checksum_partial
                      << "\n  userspace\n"
                      << expected.text() << "  kernel\n"
                      << got.text();
        return false;
    }

    // `inner` as it arrives from 10.9.0.2.
    static Packet outer(const Kind& kind, Packet inner, ByteView header, bool with_checksum, bool v6) {
        size_t ip = v6 ? 40 : 20, size = ip + (kind.protocol == IPPROTO_UDP ? 8u : 0u) + header.size();
        size_t length = inner.size() + size;
        uint8_t* p = inner.push_front(size + 14);
        const uint8_t ethernet[] = {2, 0, 0, 0, 9, 1, 2, 0, 0, 0, 9, 2};
        std::memcpy(p, ethernet, sizeof ethernet);
        store_be16(p + 12, v6 ? 0x86dd : 0x0800);
        p += 14;
        std::memset(p, 0, ip);
        if (v6) {
            store_be32(p, 0x60412345);
            store_be16(p + 4, static_cast<uint16_t>(length - ip));
            p[6] = kind.protocol;
            p[7] = 61;
            for (size_t end : {8u, 24u}) {
                p[end] = 0xfd;
                p[end + 1] = 9;
                p[end + 15] = end == 8 ? 2 : 1;
            }
        } else {
            p[0] = 0x45;
            p[1] = 4;
            store_be16(p + 2, static_cast<uint16_t>(length));
            p[8] = 61;
            p[9] = kind.protocol;
            store_be32(p + 12, 0x0a090002);
            store_be32(p + 16, 0x0a090001);
            store_be16(p + 10, packet::checksum({p, 20}));
        }
        uint8_t* t = p + ip;
        if (kind.protocol == IPPROTO_UDP) {
            store_be16(t, 51000);
            store_be16(t + 2, kind.port);
            store_be16(t + 4, static_cast<uint16_t>(length - ip));
            store_be16(t + 6, 0);
            t += 8;
        }
        std::copy(header.begin(), header.end(), t);
        if (with_checksum && kind.protocol == IPPROTO_UDP) {
            Packet finished = inner;
            packet::finish_checksum(finished);
            const uint8_t* q = finished.data() + 14;
            uint64_t sum = outer_pseudo_sum(q, length - ip);
            auto check = static_cast<uint16_t>(
                ~packet::checksum_fold(packet::checksum_add(sum, {q + ip, length - ip})));
            store_be16(p + ip + 6, check ? check : 0xffff);
        }
        return inner;
    }
    static Bytes header_of(const Kind& kind, bool with_options) {
        if (kind.type == PortType::kGre) return {0x20, 0, 0x65, 0x58, 0, 0, 0, 0x2a};
        if (kind.type == PortType::kVxlan) return {8, 0, 0, 0, 0, 0, 0x2a, 0};
        if (with_options) return {2, 0, 0x65, 0x58, 0, 0, 0x2a, 0, 0x01, 0x02, 0x80, 1, 0, 5, 0, 6};
        return {0, 0, 0x65, 0x58, 0, 0, 0x2a, 0};
    }

    Wire wire_, reference_wire_;
};

inline std::string set_tunnel(const Kind& kind, std::string_view more = "flags(df|csum|key)",
                              bool v6 = false) {
    std::string geneve =
        kind.type == PortType::kGeneve ? "geneve({class=0x102,type=0x80,len=4,0x10002})," : "";
    std::string port = kind.port ? fmt::format("tp_dst={},", kind.port) : "";
    // GRE's own checksum is the daemon's.
    std::string flags(more);
    size_t csum = flags.find("csum|");
    if (kind.type == PortType::kGre && csum != std::string::npos) flags.erase(csum, 5);
    return fmt::format("set(tunnel(tun_id=0x1234,{},ttl=60,{}{}{}))",
                       v6 ? "ipv6_dst=fd09::2" : "dst=10.9.0.2", port, geneve, flags);
}

}  // namespace weft::datapath
