// What tenants can send: every kind of packet that a responder reads, mutated, cut and stretched, through all
// responders.  Under the address sanitizer nothing may be read or written outside; what is answered must be
// answerable, and the answer a well-formed packet.

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "controller/pinctrl/packet_in.h"
#include "controller/pinctrl/paused_answers.h"
#include "controller/responders/acl_log.h"
#include "controller/responders/buffered_packets.h"
#include "controller/responders/load_balancer_events.h"
#include "controller/responders/multicast_groups.h"
#include "controller/responders/prefix_delegation.h"
#include "controller/responders/service_answer.h"
#include "packet/bfd.h"
#include "packet/checksum.h"
#include "packet/compose.h"
#include "packet/extract.h"

namespace weft::controller {
namespace {

using Random = std::mt19937;

Bytes bytes_of(const packet::Packet& packet) {
    return Bytes(packet.view().begin(), packet.view().end());
}

packet::IpEndpoints endpoints(bool v6) {
    packet::IpEndpoints ip;
    ip.eth_src = {2, 0, 0, 0, 0, 1};
    ip.eth_dst = {2, 0, 0, 0, 0, 2};
    ip.v6 = v6;
    ip.src = 0x0a00000b;
    ip.dst = 0x0a000001;
    ip.ipv6_src = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    ip.ipv6_dst = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2};
    ip.ttl = 255;
    return ip;
}

Bytes dhcpv4_message() {
    ByteWriter out;
    out.u32(0x01010600);
    out.u32(0x11223344);
    out.zeros(228);
    out.u32(0x63825363);
    out.bytes(Bytes{53, 1, 3, 50, 4, 10, 0, 0, 11, 57, 2, 2, 64, 52, 1, 3, 255});
    return out.take();
}

// From the server 10.9.9.9 to the relay 10.0.0.1.
const Bytes kRelayParameters = {10, 0, 0, 1, 10, 9, 9, 9};
Bytes relayed_answer() {
    ByteWriter out;
    out.u32(0x02010600);
    out.zeros(20);
    out.u32(0x0a000001);
    out.zeros(208);
    out.u32(0x63825363);
    out.bytes(Bytes{53, 1, 2, 54, 4, 10, 9, 9, 9, 255});
    return out.take();
}

const Bytes kDhcpv6Message = {1, 0x11, 0x22, 0x33, 0, 1, 0, 4, 0, 3, 0,  1, 0, 3, 0,  12, 0, 0, 0,
                              7, 0,    0,    0,    0, 0, 0, 0, 0, 0, 15, 0, 0, 0, 39, 0,  1, 0};
const Bytes kDnsMessage = {0xab, 0xcd, 1,   0, 0,   1,   0,   0, 0, 0,   0, 0, 3,
                           'v',  'm',  '1', 3, 'o', 'r', 'g', 0, 0, 255, 0, 1};
// An ADVERTISE or REPLY of this transaction to the client 02:00:00:00:00:01, with a prefix for association 1.
Bytes delegation(uint8_t type, uint32_t transaction) {
    ByteWriter out;
    out.u32(static_cast<uint32_t>(type) << 24 | transaction);
    out.bytes(Bytes{0, 1, 0, 10, 0, 3, 0, 1, 2, 0, 0, 0, 0, 1, 0, 2, 0, 2, 3, 4, 0, 25, 0, 41});
    out.u32(1);
    out.u32(10);
    out.u32(20);
    out.bytes(Bytes{0, 26, 0, 25});
    out.u32(30);
    out.u32(40);
    out.bytes(Bytes{64, 0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0});
    return out.take();
}
uint32_t transaction_of(const Bytes& message) {
    return load_be32(message.data()) & 0xffffff;
}

const Bytes kIgmp3 = {0x22, 0, 0, 0, 0, 0, 0,   2, 4, 0, 0,  0, 239, 1,
                      1,    1, 3, 0, 0, 1, 239, 1, 1, 2, 10, 0, 0,   1};

std::vector<Bytes> samples() {
    std::vector<Bytes> out;
    packet::IpEndpoints v4 = endpoints(false), v6 = endpoints(true);
    out.push_back(bytes_of(packet::compose_udp(v4, 68, 67, dhcpv4_message())));
    out.push_back(bytes_of(packet::compose_udp(v4, 67, 67, relayed_answer())));
    out.push_back(bytes_of(packet::compose_udp(v6, 546, 547, kDhcpv6Message)));
    out.push_back(bytes_of(packet::compose_udp(v6, 547, 546, delegation(7, 0))));
    out.push_back(bytes_of(packet::compose_udp(v4, 5353, 53, kDnsMessage)));
    out.push_back(bytes_of(packet::compose_udp(v6, 5353, 53, kDnsMessage)));
    out.push_back(bytes_of(packet::compose_icmp(v6, 133, 0, 0, Bytes{1, 1, 2, 0, 0, 0, 0, 1})));
    out.push_back(bytes_of(packet::compose_ip(v4, 2, kIgmp3)));
    Bytes mld = {4, 0, 0, 0};
    mld.insert(mld.end(), 16, 0xff);
    out.push_back(bytes_of(packet::compose_icmp(v6, 143, 0, 1, mld)));
    out.push_back(bytes_of(packet::compose_tcp(v4, 5, 80, 100, 7, 2, 1000, {})));
    out.push_back(bytes_of(packet::compose_tcp(v6, 5, 80, 100, 7, 16, 1000, Bytes{1, 2, 3})));
    out.push_back(bytes_of(
        packet::compose_ip(v4, 132, Bytes{0, 5, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 20, 1, 2, 3, 4})));
    out.push_back(bytes_of(packet::compose_icmp(v4, 3, 3, 0, Bytes(28, 0x45))));
    // Answers to probes of services: taken, refused, and unreachable.
    out.push_back(bytes_of(packet::compose_tcp(v4, 80, 5, 100, 7, 0x12, 1000, {})));
    out.push_back(bytes_of(packet::compose_tcp(v6, 80, 5, 100, 7, 4, 1000, {})));
    for (const packet::IpEndpoints& ip : {v4, v6}) {
        Bytes probe = bytes_of(packet::compose_udp(ip, 5, 53, Bytes{1, 2}));
        out.push_back(bytes_of(packet::compose_icmp(ip, ip.v6 ? 1 : 3, 3, 0, ByteView(probe).subspan(14))));
    }
    out.push_back(bytes_of(packet::compose_udp(v4, 49152, 3784, packet::BfdMessage{}.encode())));
    out.push_back(bytes_of(packet::compose_arp(1, v4.eth_src, v4.eth_dst, v4.eth_src, v4.src, {}, v4.dst)));
    out.push_back(bytes_of(packet::compose_nd_ns(v6.eth_src, v6.ipv6_src, v6.ipv6_src)));
    return out;
}

// One to a few changes: a byte, a bit, a length; or the end cut or stretched.
Bytes mutate(Bytes bytes, Random& random) {
    auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
    for (size_t changes = below(4); changes-- > 0 && !bytes.empty();) {
        size_t at = below(bytes.size());
        switch (below(5)) {
            case 0:
                bytes[at] = static_cast<uint8_t>(random());
                break;
            case 1:
                bytes[at] ^= static_cast<uint8_t>(1 << below(8));
                break;
            case 2:
                bytes[at] = below(2) ? 0xff : 0;
                break;
            case 3:
                bytes.resize(at);
                break;
            default:
                bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(at), below(40),
                             static_cast<uint8_t>(random()));
                break;
        }
    }
    return bytes;
}

// In memory of just its size, so that the sanitizer sees every read behind the end.
struct Exact {
    explicit Exact(const Bytes& bytes) : size(bytes.size()), memory(new uint8_t[size ? size : 1]) {
        std::copy(bytes.begin(), bytes.end(), memory.get());
    }
    ByteView view() const { return {memory.get(), size}; }
    size_t size;
    std::unique_ptr<uint8_t[]> memory;
};

void expect_well_formed(ByteView frame, const char* what) {
    packet::Flow flow = packet::zero_flow();
    packet::Layout layout = packet::extract(frame, flow);
    ASSERT_TRUE(layout.l3) << what;
    EXPECT_EQ(layout.l3_end, frame.size()) << what;
    if (flow.dl_type == 0x0800) {
        EXPECT_EQ(packet::checksum(frame.subspan(layout.l3, (frame[layout.l3] & 0xf) * 4)), 0) << what;
    }
    EXPECT_LE(frame.size(), 2000u) << what;
}

const Bytes kDhcpv4Parameters = {10, 0, 0,  11, 67, 1, 'b', 254, 1,  'a', 253, 4, 10, 0,
                                 0,  9, 51, 4,  0,  0, 14,  16,  54, 4,   10,  0, 0,  1};

Bytes dhcpv6_parameters() {
    Bytes out = {0, 2, 0, 6, 2, 0, 0, 0, 0, 9, 0, 24, 0, 3, 'a', '.', 'b', 0, 39, 0, 1, 'h', 0, 5, 0, 16};
    out.insert(out.end(), 16, 0xfd);
    return out;
}

class Hostile : public testing::Test {
  protected:
    void SetUp() override {
        const char* given = std::getenv("WEFT_SEED");
        seed_ = given ? static_cast<uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
        RecordProperty("seed", static_cast<int>(seed_));
        random_.seed(seed_);
        schema::sb::DNS row{};
        row.records.set("vm1.org", "10.0.0.4 aef0::4");
        row.datapaths.insert(datapath_);
        names_.set(Uuid::random(), row);
    }
    uint32_t seed_ = 0;
    Random random_;
    DnsTable names_;
    Uuid datapath_ = Uuid::random();
};

TEST_F(Hostile, PacketsThroughAllResponders) {
    SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed_));
    const std::vector<Bytes> kinds = samples();
    const Bytes v6_parameters = dhcpv6_parameters();
    const Bytes advertisement = {134, 0, 0, 0, 255, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0};
    MulticastGroups groups;
    groups.set_limits(50, 1000);
    size_t answers = 0, services = 0;
    for (int round = 0; round < 30000 && !HasFailure(); ++round) {
        Exact frame(mutate(kinds[random_() % kinds.size()], random_));
        Exact v4(mutate(kDhcpv4Parameters, random_)), v6(mutate(v6_parameters, random_)),
            ra(mutate(advertisement, random_));
        // The network's own parameters are whole; the packet is not.
        auto check = [&](const std::optional<Bytes>& got, const char* what) {
            if (!got) return;
            ++answers;
            expect_well_formed(*got, what);
        };
        check(answer_dhcpv4(frame.view(), kDhcpv4Parameters), "dhcpv4");
        check(answer_dhcpv6(frame.view(), v6_parameters), "dhcpv6");
        check(answer_router_solicitation(frame.view(), advertisement), "ra");
        check(answer_dns(frame.view(), datapath_, names_), "dns");
        check(relay_dhcp_request(frame.view(), kRelayParameters), "dhcpv4 to a server");
        check(relay_dhcp_answer(frame.view(), kRelayParameters), "dhcpv4 from a server");
        // Parameters come from the database: odd ones may make odd answers, but no more.
        (void)answer_dhcpv4(frame.view(), v4.view());
        (void)answer_dhcpv6(frame.view(), v6.view());
        (void)answer_router_solicitation(frame.view(), ra.view());

        services += read_service_answer(frame.view()).has_value();
        if (auto message = read_multicast_message(frame.view()))
            groups.note(*message, random_() % 100, round);
        groups.expire(round);
        EXPECT_LE(groups.members().size(), 51u);

        openflow::PacketIn packet_in;
        packet_in.packet = Bytes(frame.view().begin(), frame.view().end());
        packet_in.continuation = {1};
        packet::Flow flow = packet::zero_flow();
        packet::extract(frame.view(), flow);
        for (auto opcode : {logical::ControllerOpcode::kReject, logical::ControllerOpcode::kPutIcmp4FragMtu,
                            logical::ControllerOpcode::kPutIcmp6FragMtu}) {
            Arrived arrived{opcode, packet_in, flow, frame.view(), v4.view()};
            (void)make_arp_request(arrived);
            (void)make_neighbour_solicitation(arrived);
            (void)make_neighbour_advertisement(arrived, true);
            (void)make_tcp_reset(arrived);
            (void)make_sctp_abort(arrived);
            packet::Packet error = make_icmp_error(arrived), rejection = make_rejection(arrived);
            if (!error.empty()) expect_well_formed(error.view(), "icmp");
            if (!rejection.empty()) expect_well_formed(rejection.view(), "reject");
            auto changed = with_frag_mtu(arrived);
            EXPECT_TRUE(!changed || changed->size() == frame.size);
        }
        auto line = acl_log_line(v4.view(), frame.view(), true);
        EXPECT_TRUE(!line || line->size() <= 2000);
        (void)LoadBalancerEvents::parse(v6.view());
        ByteReader userdata(v6.view());
        (void)read_result_field(userdata);
    }
    EXPECT_GT(answers, 1000u) << "the test answers nothing any more";
    EXPECT_GT(services, 1000u);
}

TEST_F(Hostile, DelegationAnswers) {
    SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed_));
    size_t delegated = 0;
    for (int round = 0; round < 20000; ++round) {
        PrefixDelegation client({2, 0, 0, 0, 0, 1}, 1, random_());
        int64_t now = 0;
        for (uint8_t type : {2, 7, 7, 7}) {
            std::optional<Bytes> request = client.run(now);
            if (!request) break;
            Exact message(mutate(delegation(type, transaction_of(*request)), random_));
            client.received(message.view(), now);
            now = std::max(now, client.due_ms());
        }
        delegated += client.prefix().has_value();
        // A server cannot make the client send without end.
        size_t sent = 0;
        for (int64_t until = now + 3'600'000; now < until; now = std::max(now, client.due_ms()))
            sent += client.run(now).has_value();
        EXPECT_LT(sent, 400u);
    }
    EXPECT_GT(delegated, 100u);
}

// Without a change they say what they say.
TEST_F(Hostile, ServiceAnswers) {
    std::vector<std::optional<ServiceAnswer>> found;
    for (const Bytes& frame : samples()) {
        if (auto answer = read_service_answer(frame)) found.push_back(answer);
    }
    using Kind = ServiceAnswer::Kind;
    std::vector<std::tuple<Kind, bool, uint16_t, uint16_t>> said;
    for (const auto& each : found) said.emplace_back(each->kind, each->v6, each->source_port, each->port);
    EXPECT_EQ(said,
              (std::vector<std::tuple<Kind, bool, uint16_t, uint16_t>>{{Kind::kAccepted, false, 5, 80},
                                                                       {Kind::kReset, true, 5, 80},
                                                                       {Kind::kUnreachable, false, 5, 53},
                                                                       {Kind::kUnreachable, true, 5, 53}}));
    ASSERT_EQ(found.size(), 4u);
    EXPECT_EQ(found[0]->src, 0x0a000001u) << "to whom the answer goes is from whom the probe came";
    EXPECT_EQ(found[0]->acknowledged, 7u);
    EXPECT_EQ(found[2]->src, 0x0a00000bu);
}

TEST_F(Hostile, WaitingPacketsAreFew) {
    BufferedPackets buffered;
    for (int i = 0; i < 5000; ++i) {
        for (int n = 0; n < 5; ++n) buffered.add({1, 1, std::to_string(i)}, {Bytes(100), {}}, i);
        EXPECT_LE(buffered.size(), BufferedPackets::kMostNextHops);
    }
    buffered.add({1, 1, "0"}, {}, 100);
    EXPECT_LE(buffered.take({1, 1, "0"}, 100).size(), BufferedPackets::kDepth);
    buffered.forget_old(1'000'000);
    EXPECT_TRUE(buffered.empty());
    buffered.add({1, 1, "a"}, {}, 0);
    EXPECT_TRUE(buffered.take({1, 1, "a"}, BufferedPackets::kWaitMs).empty()) << "too old";
}

}  // namespace
}  // namespace weft::controller
