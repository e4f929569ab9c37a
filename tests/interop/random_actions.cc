// random_actions SEED COUNT: packets, datapath actions for them, and what Weft makes of them, as lines of
// "PACKET-HEX KEY ACTIONS RESULT-HEX...".  packet_actions_test.py has Debian's switch do the same.

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <random>

#include "datapath/api/text.h"
#include "datapath/dummy/dummy_device.h"
#include "datapath/userspace/userspace_datapath.h"
#include "packet/compose.h"
#include "packet/extract.h"

using namespace weft;
using namespace weft::packet;

namespace {

std::mt19937 random_bits;
uint32_t any() {
    return static_cast<uint32_t>(random_bits());
}

std::string mac() {
    return fmt::format("02:00:00:00:{:02x}:{:02x}", any() & 255, any() & 255);
}
std::string ipv6() {
    return fmt::format("fe80::{:x}", any() & 0xffff);
}

Flow random_flow() {
    Flow flow = zero_flow();
    flow.dl_src = {0, 1, 2, 3, 4, 5};
    flow.dl_dst = {0, 9, 8, 7, 6, 5};
    bool v6 = any() % 2;
    flow.dl_type = v6 ? 0x86dd : 0x0800;
    if (any() % 8 == 0) {
        flow.dl_type = 0x0806;
        flow.nw_proto = 1;
        flow.arp_sha = flow.dl_src;
        return flow;
    }
    static constexpr uint8_t kProtocols[] = {6, 17, 132, 1, 99};
    flow.nw_proto = kProtocols[any() % 5];
    if (v6 && flow.nw_proto == 1) flow.nw_proto = 58;
    flow.nw_src = v6 ? 0 : 0x0a000001;
    flow.nw_dst = v6 ? 0 : any();
    if (v6) flow.ipv6_src = flow.ipv6_dst = {0xfe, 0x80, 1};
    flow.nw_tos = static_cast<uint8_t>(any());
    flow.nw_ttl = 64;
    if (any() % 6 == 0) flow.nw_frag = any() % 2 ? kFragAny : kFragAny | kFragLater;
    flow.tp_src = static_cast<uint16_t>(flow.nw_proto == 58 ? 135 : flow.nw_proto == 1 ? 8 : any());
    flow.tp_dst = static_cast<uint16_t>(flow.nw_proto == 58 || flow.nw_proto == 1 ? 0 : any());
    if (flow.nw_proto == 58) {
        flow.nd_target = flow.ipv6_src;
        flow.arp_sha = flow.dl_src;
    }
    return flow;
}

// Debian's switch takes what lies at the place of the checksum in a later fragment for one, and damages it
// when it changes addresses: those are left out.
std::string network_set(const Flow& flow) {
    switch (flow.nw_frag & kFragLater ? 0 : flow.dl_type.get()) {
        case 0x0800:
            return any() % 2
                       ? fmt::format("set(ipv4(src=10.{}.0.1,ttl={}))", any() & 255, 1 + any() % 255)
                       : fmt::format("set(ipv4(dst=10.1.{}.0/255.255.255.0,tos=0x4/0xfc))", any() & 255);
        case 0x86dd:
            return any() % 2 ? fmt::format("set(ipv6(src={},hlimit={}))", ipv6(), 1 + any() % 255)
                             : fmt::format("set(ipv6(dst={},label=0x{:x},tclass=0x{:x}))", ipv6(),
                                           any() & 0xfffff, any() & 255);
        case 0:
            return "set(skb_mark(0x2))";
        default:
            return fmt::format("set(arp(sip=1.2.3.4,op=2,tha={}))", mac());
    }
}

std::string transport_set(const Flow& flow) {
    if (flow.dl_type == 0x0806 || flow.nw_frag & kFragLater) return "set(skb_mark(0x1))";
    switch (flow.nw_proto) {
        case 6:
            return fmt::format("set(tcp(src={}))", any() & 0xffff);
        case 17:
            return fmt::format("set(udp(src={},dst={}))", any() & 0xffff, any() & 0xffff);
        case 132:
            return fmt::format("set(sctp(dst={}))", any() & 0xffff);
        case 58:
            return fmt::format("set(nd(target={},sll={}))", ipv6(), mac());
        default:
            return "set(skb_priority(0x7))";
    }
}

std::string one_action(const Flow& flow, bool& tagged) {
    switch (any() % 8) {
        case 0:
            return fmt::format("set(eth(dst={}))", mac());
        case 1:
            return fmt::format("set(eth(src=02:00:00:00:00:{:02x}/ff:ff:00:00:00:ff,dst={}))", any() & 255,
                               mac());
        case 2:
        case 3:
            return network_set(flow);
        case 4:
            return transport_set(flow);
        case 5:
            if (tagged) {
                tagged = false;
                return "pop_vlan";
            }
            tagged = true;
            return fmt::format("push_vlan(vid={},pcp={})", any() & 0xfff, any() & 7);
        case 6:
            return fmt::format("clone({},2)", network_set(flow));
        default:
            return fmt::format("check_pkt_len(size={},gt(2),le({}))", 40 + any() % 80,
                               "push_vlan(vid=9,pcp=0),2");
    }
}

std::string hex(ByteView bytes) {
    std::string out;
    for (uint8_t byte : bytes) out += fmt::format("{:02x}", byte);
    return out;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    random_bits.seed(static_cast<uint32_t>(std::atoi(argv[1])));
    net::Loop loop;
    auto made = datapath::create_dummy_datapath(loop, "ovs-dummy");
    if (!made) return 1;
    for (uint32_t number : {1u, 2u}) {
        datapath::PortSpec spec;
        spec.name = fmt::format("p{}", number);
        spec.type = datapath::PortType::kDummy;
        spec.number = number;
        if (!(*made)->add_port(spec)) return 1;
    }
    datapath::DummyDevice* out = datapath::find_dummy_device("p2");
    out->take_sent();
    for (int i = std::atoi(argv[2]); i > 0; i--) {
        Flow flow = random_flow();
        Packet packet = compose(flow, any() % 60);
        if (any() % 6 == 0) packet.append_zeros(any() % 20);
        std::string actions;
        bool tagged = false;
        for (uint32_t count = any() % 5; count; count--) actions += one_action(flow, tagged) + ",";
        actions += "2";
        auto list = datapath::parse_actions(actions);
        if (!list) {
            std::fprintf(stderr, "%s\n", list.message().c_str());
            return 1;
        }
        std::string line = hex(packet.view());
        Flow key = zero_flow();
        key.in_port = 1;
        extract(packet, key);
        datapath::Execute request;
        request.packet = packet;
        request.key = key;
        request.actions = &*list;
        if (!(*made)->execute(std::move(request))) return 1;
        // dpctl/add-flow wants the transport's key with a set of its fields: the whole key is the match.
        line += " " + datapath::format_key(key) + " " + actions;
        for (const Packet& sent : out->take_sent()) line += " " + hex(sent.view());
        std::printf("%s\n", line.c_str());
    }
}
