// The packet table: what a datapath makes of packets, whoever carries out the actions.
//
// A row has flows, a packet that comes in by port 1, and what is to become of it, down to the last byte.
// Every datapath runs all rows: the userspace datapath (userspace/datapath_test.cc), the programs in the
// kernel unattached, and at the devices of a network namespace (ebpf/packet_table_test.cc).  A datapath that
// takes offloads gets each row three times: with its checksums, with the transport checksum left to others,
// and as a super-packet.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "datapath/api/test_flow.h"
#include "datapath/api/test_packets.h"

namespace weft::datapath {

namespace packet_table {

using Texts = std::vector<std::pair<std::string_view, std::string_view>>;

// `text` with each of `changes` made.
inline std::string with(std::string_view text, const Texts& changes) {
    std::string out(text);
    for (auto [from, to] : changes) {
        size_t at = out.find(from);
        EXPECT_NE(at, std::string::npos) << from << " in " << text;
        if (at != std::string::npos) out.replace(at, from.size(), to);
    }
    return out;
}
inline std::string tagged(std::string_view key, std::string_view tag, std::string_view type = "0x8100") {
    std::string out(key);
    size_t at = out.find("eth_type(");
    return out.substr(0, at) + fmt::format("eth_type({}),vlan({}),encap({})", type, tag, out.substr(at));
}

constexpr std::string_view kTcp =
    "in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x0800),ipv4(src=192.168.0.1,"
    "dst=192.168.0.2,proto=6,tos=0,ttl=64,frag=no),tcp(src=1000,dst=80),tcp_flags(syn)";
constexpr std::string_view kPing =
    "in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x0800),ipv4(src=192.168.0.1,"
    "dst=192.168.0.2,proto=1,tos=0,ttl=64,frag=no),icmp(type=8,code=0)";
constexpr std::string_view kUdp6 =
    "in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x86dd),ipv6(src=fe80::1,dst=fe80::"
    "2,label=0x7,proto=17,tclass=0,hlimit=64,frag=no),udp(src=1000,dst=80)";
constexpr std::string_view kArp =
    "in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x0806),arp(sip=10.0.0.1,tip=10.0."
    "0.2,op=1,sha=50:54:00:00:00:05,tha=00:00:00:00:00:00)";
constexpr std::string_view kLater =
    "in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x0800),ipv4(src=192.168.0.1,"
    "dst=192.168.0.2,proto=6,tos=0,ttl=64,frag=later)";

struct RowFlow {  // behind a recirculation
    std::string_view match, actions;
    std::string key;  // of the packet that it is to be hit by, which its bytes are counted of
};
struct Out {
    PortNo port;
    std::string key;    // of the packet that comes out
    size_t length = 0;  // cut to; 0: whole
};
struct Up {
    std::string key;       // the packet's and its metadata
    std::string userdata;  // of the action, in hex; "miss": the packet found no flow
    size_t length = 0;
};
struct Row {
    std::string_view name;
    std::string in;
    std::string_view actions;
    std::vector<Out> out;
    std::vector<Up> up = {};
    std::vector<RowFlow> flows = {};
    std::optional<explain::DropReason> drop = {};
    bool super = true;  // the same becomes of a packet of 5000 bytes of payload
};

inline std::vector<Row> rows() {
    using explain::DropReason;
    const std::string tcp(kTcp), ping(kPing), udp6(kUdp6), arp(kArp), later(kLater);
    auto ttl = [&](int value) { return with(tcp, {{"ttl=64", fmt::format("ttl={}", value)}}); };
    const std::string tag5 = tagged(tcp, "vid=5,pcp=3");
    const std::string old_tag = tagged(tcp, "vid=10,pcp=2");
    return {
        {"output", ping, "2", {{2, ping}}},
        {"output to several", tcp, "2,3,1", {{1, tcp}, {2, tcp}, {3, tcp}}},
        {"output to one port again and again",
         tcp,
         "2,2,2,2,2,2,2,2,2,3,3,3,3,3,3,3,3,3",
         {{2, tcp},
          {2, tcp},
          {2, tcp},
          {2, tcp},
          {2, tcp},
          {2, tcp},
          {2, tcp},
          {2, tcp},
          {2, tcp},
          {3, tcp},
          {3, tcp},
          {3, tcp},
          {3, tcp},
          {3, tcp},
          {3, tcp},
          {3, tcp},
          {3, tcp},
          {3, tcp}}},
        {"drop", ping, "drop", {}, {}, {}, DropReason::kNoActions},
        {"drop behind an output", tcp, "2,drop,3", {{2, tcp}}, {}, {}, DropReason::kExplicit},
        {"no such port", ping, "9", {}, {}, {}, DropReason::kNoSuchPort},
        {"no such port before another", tcp, "9,2", {{2, tcp}}, {}, {}, DropReason::kNoSuchPort},

        {"set Ethernet",
         arp,
         "set(eth(src=00:00:00:00:00:09)),2,set(eth(dst=00:00:00:00:00:08)),3",
         {{2, with(arp, {{"src=50:54:00:00:00:05", "src=00:00:00:00:00:09"}})},
          {3, with(arp, {{"src=50:54:00:00:00:05", "src=00:00:00:00:00:09"},
                         {"dst=50:54:00:00:00:07", "dst=00:00:00:00:00:08"}})}}},
        {"set IPv4 and TCP",
         tcp,
         "set(ipv4(src=10.0.0.1,ttl=63)),set(tcp(dst=8080)),2",
         {{2, with(tcp, {{"192.168.0.1", "10.0.0.1"}, {"ttl=64", "ttl=63"}, {"dst=80", "dst=8080"}})}}},
        {"set bits of IPv4",
         tcp,
         "set(ipv4(dst=10.0.0.0/255.255.0.0,tos=0x4/0xfc)),2",
         {{2, with(tcp, {{"192.168.0.2", "10.0.0.2"}, {"tos=0", "tos=0x4"}})}}},
        {"set bits of ports",
         tcp,
         "set(tcp(src=0x100/0xff00)),2",
         {{2, with(tcp, {{"src=1000", "src=488"}})}}},
        {"set IPv6 and UDP",
         udp6,
         "set(ipv6(src=fd00::9,dst=fd00::8,label=0x12345,tclass=0x20,hlimit=3)),set(udp(src=7,dst=8)),2",
         {{2, with(udp6, {{"fe80::1", "fd00::9"},
                          {"fe80::2", "fd00::8"},
                          {"label=0x7", "label=0x12345"},
                          {"tclass=0", "tclass=0x20"},
                          {"hlimit=64", "hlimit=3"},
                          {"src=1000", "src=7"},
                          {"udp(src=7,dst=80)", "udp(src=7,dst=8)"}})}}},
        {"set ICMP",
         ping,
         "set(icmp(type=3,code=1)),2",
         {{2, with(ping, {{"type=8,code=0", "type=3,code=1"}})}}},
        {"set ARP",
         arp,
         "set(arp(sip=1.2.3.4,op=2,tha=00:00:00:00:00:09)),2",
         {{2, with(arp, {{"sip=10.0.0.1", "sip=1.2.3.4"},
                         {"op=1", "op=2"},
                         {"tha=00:00:00:00:00:00", "tha=00:00:00:00:00:09"}})}}},
        {"set of another protocol does nothing",
         ping,
         "set(udp(dst=5)),set(ipv6(hlimit=3)),set(icmpv6(type=1)),set(arp(op=2)),2",
         {{2, ping}}},
        {"set ICMP of UDP does nothing", udp6, "set(icmpv6(type=1)),set(icmp(code=1)),2", {{2, udp6}}},
        {"set IPv4 of a later fragment",
         later,
         "set(ipv4(src=10.0.0.1,ttl=9)),set(tcp(dst=1)),2",
         {{2, with(later, {{"192.168.0.1", "10.0.0.1"}, {"ttl=64", "ttl=9"}})}}},
        {"each output sees what it was by then",
         tcp,
         "set(ipv4(ttl=1)),2,set(ipv4(ttl=2)),3,set(ipv4(ttl=3)),2,set(ipv4(ttl=4)),3,set(ipv4(ttl=5)),2,"
         "push_vlan(vid=8,pcp=0),3,pop_vlan,2,3",
         {{2, ttl(1)},
          {3, ttl(2)},
          {2, ttl(3)},
          {3, ttl(4)},
          {2, ttl(5)},
          {3, tagged(ttl(5), "vid=8,pcp=0")},
          {2, ttl(5)},
          {3, ttl(5)}}},

        {"push a tag", tcp, "push_vlan(vid=5,pcp=3),2", {{2, tag5}}},
        {"push a tag and pop it", tcp, "push_vlan(vid=5,pcp=3),pop_vlan,2", {{2, tcp}}},
        {"push two tags",
         tcp,
         "push_vlan(vid=5,pcp=3),push_vlan(tpid=0x88a8,vid=7,pcp=1),2,pop_vlan,3",
         {{2, tagged(tag5, "vid=7,pcp=1", "0x88a8")}, {3, tag5}}},
        {"pop a tag that was there", old_tag, "pop_vlan,2", {{2, tcp}}},
        {"another tag", old_tag, "pop_vlan,push_vlan(vid=5,pcp=3),2", {{2, tag5}}},
        {"pop what is not there", tcp, "pop_vlan,2", {{2, tcp}}},
        {"set IPv4 behind a tag", old_tag, "set(ipv4(ttl=9)),2", {{2, tagged(ttl(9), "vid=10,pcp=2")}}},

        {"recirculation",
         tcp,
         "set(ipv4(ttl=9)),recirc(0x7)",
         {{2, ttl(9)}},
         {},
         {{"recirc_id(0x7),in_port(1),eth_type(0x0800),ipv4(ttl=9,frag=no)", "2", tcp}}},
        {"recirculation without a flow",
         tcp,
         "set(skb_mark(0x5)),set(ipv4(ttl=9)),recirc(0x7)",
         {},
         {{"recirc_id(0x7),skb_mark(0x5)," + ttl(9), "miss"}}},
        {"recirculation of a copy",
         tcp,
         "recirc(0x7),set(ipv4(ttl=3)),2",
         {{3, tcp}, {2, ttl(3)}},
         {},
         {{"recirc_id(0x7),in_port(1)", "3", tcp}}},
        {"recirculation for ever", tcp, "recirc(0x7)", {}, {}, {}, DropReason::kRecursionTooDeep},
        {"hash",
         tcp,
         "hash(l4(1)),recirc(0x7)",
         {{2, tcp}},
         {},
         {{"recirc_id(0x7),in_port(1),dp_hash(0/0)", "2", tcp}}},

        {"clone leaves the packet", tcp, "clone(push_vlan(vid=5,pcp=3),3),2", {{3, tag5}, {2, tcp}}},
        {"clones of clones",
         tcp,
         "clone(set(ipv4(ttl=7)),clone(set(ipv4(ttl=8)),2),clone(clone(set(ipv4(ttl=9)),3),2),3),2",
         {{2, ttl(8)}, {3, ttl(9)}, {2, ttl(7)}, {3, ttl(7)}, {2, tcp}}},
        {"a clone that is dropped", tcp, "clone(drop),2", {{2, tcp}}, {}, {}, DropReason::kNoActions},
        {"sample always", tcp, "sample(sample=100.0%,actions(set(ipv4(ttl=5)),2))", {{2, ttl(5)}}},
        {"sample always, in the midst",
         tcp,
         "sample(sample=100.0%,actions(set(ipv4(ttl=5)),2)),3",
         {{2, ttl(5)}, {3, tcp}}},
        {"sample never", tcp, "sample(sample=0.0%,actions(3)),2,sample(sample=0.0%,actions(3))", {{2, tcp}}},
        {"check_pkt_len greater", tcp, "check_pkt_len(size=79,gt(2),le(3))", {{2, tcp}}},
        {"check_pkt_len not greater",
         tcp,
         "check_pkt_len(size=80,gt(2),le(3))",
         {{3, tcp}},
         {},
         {},
         {},
         false},
        {"check_pkt_len and what follows",
         tcp,
         "check_pkt_len(size=79,gt(push_vlan(vid=5,pcp=3),2),le(3)),3,push_vlan(vid=5,pcp=3),2",
         {{2, tag5}, {3, tcp}, {2, tag5}}},
        {"truncation is of one output", tcp, "trunc(60),2,3", {{2, tcp, 60}, {3, tcp}}},
        {"truncation of the last output", tcp, "2,trunc(60),3", {{2, tcp}, {3, tcp, 60}}},
        {"truncation to more than there is", ping, "trunc(1200),3,trunc(20),2", {{3, ping}, {2, ping, 20}}},
        {"meter that is not there", tcp, "meter(77),2", {{2, tcp}}},

        {"userspace", ping, "userspace(pid=0,userdata(0102)),2", {{2, ping}}, {{ping, "0102"}}},
        {"userspace, changed and truncated",
         tcp,
         "set(ipv4(ttl=7)),trunc(60),userspace(pid=0,userdata(0102)),2",
         {{2, ttl(7)}},
         {{ttl(7), "0102", 60}}},
        {"userspace in the midst",
         tcp,
         "2,userspace(pid=0,userdata(0102)),push_vlan(vid=5,pcp=3),userspace(pid=0,userdata(0103))",
         {{2, tcp}},
         {{tcp, "0102"}, {tag5, "0103"}}},
        {"sampled to userspace",
         tcp,
         "sample(sample=100.0%,actions(userspace(pid=0,userdata(01)))),2",
         {{2, tcp}},
         {{tcp, "01"}}},

        {"MPLS",
         ping,
         "push_mpls(label=5,tc=1,ttl=3,bos=1,eth_type=0x8847),pop_mpls(eth_type=0x800),set(ipv4(ttl=9)),2",
         {{2, with(ping, {{"ttl=64", "ttl=9"}})}}},
        {"another Ethernet header",
         ping,
         "pop_eth,push_eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02),2",
         {{2, with(ping, {{"src=50:54:00:00:00:05", "src=00:00:00:00:00:01"},
                          {"dst=50:54:00:00:00:07", "dst=00:00:00:00:00:02"}})}}},
        {"metadata", tcp, "ct_clear,set(skb_mark(0x5)),set(skb_priority(0x1)),2", {{2, tcp}}},
    };
}

enum class Form { kWhole, kPartial, kSuper };

// The packet in this form; nullopt: it has none.
inline std::optional<Packet> packet_in(std::string_view key, Form form) {
    constexpr uint16_t kSegment = 1200;
    Packet packet = packet_of(key, form == Form::kSuper ? 5000 : 26);
    if (form == Form::kWhole) return packet;
    leave_checksum(packet, form == Form::kSuper ? kSegment : uint16_t{0});
    bool there = form == Form::kSuper ? packet.offload.gso_size != 0 : packet.offload.checksum_partial;
    return there ? std::optional(packet) : std::nullopt;
}
// As it comes out: cut to `length`, or whole.
inline Packet packet_out(std::string_view key, Form form, size_t length) {
    Packet packet = *packet_in(key, form);
    if (!length || length >= packet.size()) return packet;
    packet::finish_checksum(packet);
    packet.offload = {};
    packet.truncate(length);
    return packet;
}

inline Fate expected_fate(const Row& row, Form form) {
    Fate fate;
    for (const Out& out : row.out) record(fate.out[out.port], packet_out(out.key, form, out.length));
    for (const Up& up : row.up) {
        auto key = parse_key(up.key);
        EXPECT_TRUE(key.ok()) << up.key << ": " << key.message();
        Upcall call;
        call.type = up.userdata == "miss" ? Upcall::Type::kMiss : Upcall::Type::kAction;
        call.key = *key;
        packet::extract(*packet_in(up.key, form), call.key);
        if (call.type == Upcall::Type::kAction) {
            for (size_t i = 0; i < up.userdata.size(); i += 2)
                call.userdata.push_back(
                    static_cast<uint8_t>(std::stoi(up.userdata.substr(i, 2), nullptr, 16)));
        }
        // Of a super-packet each segment goes up, and is cut.
        for (Packet& one : packet::segment(*packet_in(up.key, form))) {
            if (up.length) one.truncate(up.length);
            call.packet = std::move(one);
            record(fate.upcalls, call);
        }
    }
    return fate;
}

}  // namespace packet_table

// Sends a packet in by port 1; what has become of it.
using SendPacket = std::function<Fate(const Packet&, const Fate& expected)>;

// A datapath with ports 1 to 3.
inline void run_packet_table(Datapath& datapath, bool offloads, const SendPacket& send) {
    using packet_table::Form;
    size_t limit = packet::vlan_limit();
    packet::set_vlan_limit(2);
    for (const packet_table::Row& row : packet_table::rows()) {
        SCOPED_TRACE(row.name);
        datapath.flush_flows();
        std::vector<std::pair<FlowPut, std::string>> flows;
        auto put = [&](std::string_view match, std::string_view actions, const std::string& key) {
            auto flow = flow_put(match, actions);
            ASSERT_TRUE(flow.ok()) << flow.message();
            auto done = datapath.put_flow(*flow);
            ASSERT_TRUE(done.ok()) << done.message();
            flows.emplace_back(*flow, key);
        };
        put("recirc_id(0),in_port(1)", row.actions, row.in);
        for (const packet_table::RowFlow& flow : row.flows) put(flow.match, flow.actions, flow.key);
        bool for_ever = row.drop == explain::DropReason::kRecursionTooDeep;
        if (for_ever) put("recirc_id(0x7),in_port(1)", "recirc(0x7)", "");

        uint64_t packets = 0;
        std::vector<uint64_t> bytes(flows.size());
        for (Form form : {Form::kWhole, Form::kPartial, Form::kSuper}) {
            if (form != Form::kWhole && !offloads) break;
            if (form == Form::kSuper && !row.super) break;
            auto packet = packet_table::packet_in(row.in, form);
            if (!packet) continue;
            SCOPED_TRACE(form == Form::kWhole     ? "whole"
                         : form == Form::kPartial ? "partial"
                                                  : "super-packet");
            packets++;
            Fate expected = packet_table::expected_fate(row, form);
            auto drops = datapath.stats().drops;
            std::map<PortNo, PortStats> before;
            for (PortNo port : {1u, 2u, 3u}) before[port] = *datapath.port_stats(port);
            Fate got = send(*packet, expected);
            std::erase_if(got.out, [](const auto& one) { return one.second.empty(); });
            // Of copies of one packet, those that go through the daemon are behind the others.
            expected.sort();
            got.sort();
            EXPECT_TRUE(got == expected) << "  expected\n" << expected.text() << "  got\n" << got.text();

            auto dropped = datapath.stats().drops;
            for (size_t i = 0; i < drops.size(); i++)
                EXPECT_EQ(dropped[i] - drops[i], row.drop && i == static_cast<size_t>(*row.drop)) << i;
            for (PortNo port : {1u, 2u, 3u}) {
                if (form == Form::kSuper) break;  // counted as one by some, as its segments by others
                PortStats now = *datapath.port_stats(port);
                uint64_t out_bytes = 0;
                for (const Record& one : expected.out[port]) out_bytes += one.bytes.size();
                EXPECT_EQ(now.rx_packets - before[port].rx_packets, port == 1);
                EXPECT_EQ(now.rx_bytes - before[port].rx_bytes, port == 1 ? packet->size() : 0);
                EXPECT_EQ(now.tx_packets - before[port].tx_packets, expected.out[port].size()) << port;
                EXPECT_EQ(now.tx_bytes - before[port].tx_bytes, out_bytes) << port;
            }
            for (size_t i = 0; i < flows.size(); i++) {
                if (!flows[i].second.empty())
                    bytes[i] += packet_table::packet_in(flows[i].second, form)->size();
            }
        }
        for (size_t i = 0; i < flows.size() && !for_ever; i++) {
            auto flow = datapath.get_flow(flows[i].first.ufid);
            ASSERT_TRUE(flow.ok()) << flow.message();
            SCOPED_TRACE(format_flow(*flow));
            EXPECT_EQ(flow->stats.packets, packets);
            EXPECT_EQ(flow->stats.bytes, bytes[i]);
            EXPECT_EQ(flow->stats.tcp_flags, parse_key(flows[i].second)->tcp_flags.get());
            EXPECT_NE(flow->stats.used_ms, 0);
        }
        if (::testing::Test::HasFailure()) break;
    }
    packet::set_vlan_limit(limit);
}

}  // namespace weft::datapath
