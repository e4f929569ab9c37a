// Random flows and packets of few values, so that packets meet flows.  For tests.

#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <random>
#include <string>

#include "packet/address.h"
#include "packet/compose.h"

namespace weft::vswitch {

class RandomFlows {
  public:
    explicit RandomFlows(uint32_t seed) : random_(seed) {}

    bool tunnels = false;  // fields of tunnels, and port 5 leads into one
    bool tracked = false;  // ct and what it knows

    uint32_t upto(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
    bool one_in(uint32_t n) { return upto(n) == 0; }
    template <typename... Ts>
    std::string choice(Ts... texts) {
        const std::string all[] = {std::string(texts)...};
        return all[upto(sizeof...(texts))];
    }

    std::string mac() { return fmt::format("02:00:00:00:00:0{}", upto(4)); }
    std::string ip() { return fmt::format("10.0.{}.{}", upto(3), upto(4)); }
    std::string ip6() { return fmt::format("2001:db8::{}:{}", upto(3), upto(4)); }
    std::string ip_mask() { return ip() + choice("", "", "/24", "/16", "/31", "/255.0.0.3"); }
    std::string ip6_mask() { return ip6() + choice("", "", "/112", "/64", "/127"); }
    std::string port16() { return choice("80", "81", "0x50/0xfff0", "0x1000/0xf000", "53"); }
    std::string reg() { return fmt::format("reg{}", upto(3)); }

    std::string match() {
        std::string out;
        auto add = [&](const std::string& text) { out += "," + text; };
        if (one_in(3)) add(fmt::format("in_port={}", 1 + upto(5)));
        if (one_in(4)) add("dl_src=" + mac());
        if (one_in(4))
            add("dl_dst=" + (one_in(4) ? std::string("02:00:00:00:01:01") : mac()) +
                choice("", "/01:00:00:00:00:00", "/ff:ff:ff:ff:ff:fe"));
        if (one_in(4)) {
            add(choice("dl_vlan=5", "dl_vlan=6", "vlan_tci=0", "vlan_tci=0x1000/0x1000", "dl_vlan_pcp=3",
                       "vlan_tci=0x1005/0x1fff"));
        }
        if (one_in(3)) add(fmt::format("{}={}", reg(), choice("0", "1", "0x2/0x3", "5", "0x10/0xf0")));
        if (one_in(8)) add(choice("metadata=0", "metadata=1", "metadata=0x2/0x2"));
        if (tunnels && one_in(4)) {
            add(choice("tun_id=0", "tun_id=5", "tun_id=0x4/0x4", "tun_src=1.1.1.1", "tun_src=1.1.0.0/16",
                       "tun_dst=1.1.1.9", "tun_metadata0=7", "tun_metadata0=0x1/0x1", "tun_metadata1=5",
                       "tun_metadata1=0x2/0x6", "tun_ttl=64", "tun_tos=0", "tun_flags=+csum"));
        }
        if (tracked && one_in(3)) {
            add(choice("ct_state=-trk", "ct_state=+trk", "ct_state=+trk+new", "ct_state=+est",
                       "ct_state=-new", "ct_state=+trk-rpl", "ct_state=+inv", "ct_zone=1", "ct_mark=1",
                       "ct_mark=0x2/0x3", "ct_label=5", "ct_label=0x4/0x4"));
        }
        switch (upto(8)) {
            case 0:
                add(choice("tcp", "udp", "sctp"));
                if (one_in(2)) add("nw_src=" + ip_mask());
                if (one_in(2)) add("nw_dst=" + ip_mask());
                if (one_in(2)) add("tp_dst=" + port16());
                if (one_in(3)) add("tp_src=" + port16());
                break;
            case 1:
                add("tcp," + choice("tcp_flags=+syn", "tcp_flags=+syn-ack", "tcp_flags=+ack"));
                break;
            case 2:
                add(choice("ip", "icmp"));
                if (one_in(2)) add("nw_src=" + ip_mask());
                if (one_in(2)) add("nw_dst=" + ip_mask());
                if (one_in(3)) add(choice("nw_ttl=1", "nw_ttl=64", "nw_tos=0x20", "nw_ecn=1", "nw_frag=no"));
                break;
            case 3:
                add(choice("tcp6", "udp6", "ipv6"));
                if (one_in(2)) add("ipv6_src=" + ip6_mask());
                if (one_in(2)) add("ipv6_dst=" + ip6_mask());
                if (one_in(4)) add("ipv6_label=" + choice("0", "7"));
                break;
            case 4:
                add("arp");
                if (one_in(2)) add("arp_op=" + choice("1", "2"));
                if (one_in(2)) add("arp_tpa=" + ip_mask());
                if (one_in(2)) add("arp_spa=" + ip_mask());
                if (one_in(3)) add("arp_sha=" + mac());
                break;
            case 5:
                add("icmp6");
                if (one_in(2)) add("icmp_type=135");
                if (one_in(2)) add("ipv6_dst=" + ip6_mask());
                break;
            case 6:
                if (one_in(2)) add(choice("dl_type=0x8847,mpls_label=3", "dl_type=0x8847", "dl_type=0x1234"));
                break;
            default:
                break;
        }
        return out;
    }

    std::string output() {
        return choice("1", "2", "3", "4", "IN_PORT", "NORMAL", "FLOOD", "10", "ALL",
                      "output(port=2,max_len=60)", "output:reg1[0..2]", "output:NXM_OF_IN_PORT[]");
    }

    // `table` is where the flow is: resubmits go further down the line, or nowhere.
    std::string action(int table, bool nested) {
        std::string next = std::to_string(std::min(table + 1 + static_cast<int>(upto(3)), 6));
        if (tunnels && one_in(6)) {
            return choice("5", "5", "set_field:5->tun_id", "set_field:1.1.1.3->tun_dst",
                          "set_field:9->tun_metadata0", "set_field:0x3/0x7->tun_metadata1",
                          "move:NXM_NX_TUN_ID[0..7]->NXM_NX_REG1[0..7]",
                          "move:NXM_NX_TUN_METADATA0[0..7]->NXM_NX_REG2[0..7]",
                          "move:NXM_NX_REG0[0..7]->NXM_NX_TUN_METADATA1[0..7]", "delete_field:tun_metadata0",
                          "push:NXM_NX_TUN_ID[0..15]", "pop:NXM_NX_TUN_ID[0..15]");
        }
        if (tracked && one_in(5)) {
            return choice("ct(table=" + next + ")", "ct(table=" + next + ",zone=1)",
                          "ct(table=" + next + ",zone=NXM_NX_REG0[0..1])",
                          "ct(table=" + next + ",zone=1,nat)", "ct(commit,zone=1,exec(set_field:1->ct_mark))",
                          "ct(commit,exec(set_field:0x4/0x5->ct_label),table=" + next + ")",
                          "ct(commit,force,zone=1)", "ct_clear", "move:NXM_NX_CT_MARK[]->NXM_NX_REG1[]",
                          "move:NXM_NX_CT_ZONE[0..3]->NXM_NX_REG0[0..3]");
        }
        switch (upto(nested ? 17 : 26)) {
            case 0:
            case 1:
                return output();
            case 2:
                return fmt::format("load:{}->NXM_NX_REG{}[{}]", upto(8), upto(3), choice("", "0..3", "4..7"));
            case 3:
                return fmt::format("mod_dl_dst:02:00:00:00:01:0{}", upto(2));
            case 4:
                return fmt::format("mod_dl_src:02:00:00:00:02:0{}", upto(2));
            case 5:
                return choice("mod_vlan_vid:5", "mod_vlan_vid:6", "strip_vlan", "mod_vlan_pcp:3",
                              "push_vlan:0x8100");
            case 6:
                return fmt::format("set_field:{}->{}", choice("0x1", "0x3/0x3", "0x5"), reg());
            case 7:
                return choice("move:NXM_OF_ETH_SRC[0..15]->NXM_NX_REG0[0..15]",
                              "move:NXM_NX_REG0[0..3]->NXM_NX_REG1[0..3]",
                              "move:NXM_OF_ETH_SRC[40..47]->NXM_OF_ETH_DST[40..47]",
                              "move:NXM_OF_VLAN_TCI[0..11]->NXM_NX_REG2[0..11]",
                              "move:NXM_OF_IN_PORT[0..2]->NXM_NX_REG1[0..2]");
            case 8:
                return choice("set_queue:3", "pop_queue", "note:00.01", "set_field:7->metadata",
                              "load:0x2->OXM_OF_METADATA[]");
            case 9:
                return choice("push:NXM_NX_REG0[]", "pop:NXM_NX_REG1[]", "push:NXM_OF_ETH_DST[0..15]");
            case 10:
                return choice("multipath(symmetric_l4,0,modulo_n,3,0,NXM_NX_REG1[0..2])",
                              "multipath(eth_src,50,hrw,4,0,NXM_NX_REG1[0..2])",
                              "multipath(symmetric_l3l4,1,hash_threshold,4,0,NXM_NX_REG1[0..2])",
                              "bundle(symmetric_l4,0,hrw,ofport,members:1,2,3)",
                              "bundle(eth_src,0,active_backup,ofport,members:4,1)",
                              "bundle_load(nw_src,0,hrw,ofport,NXM_NX_REG1[0..15],members:1,2,3)");
            case 11:
                return "dec_ttl";
            case 12:
                return "mod_nw_dst:" + ip();
            case 13:
                return choice("mod_nw_tos:32", "mod_tp_dst:81", "mod_tp_src:80", "mod_nw_src:10.0.0.9",
                              "set_field:64->nw_ttl");
            case 14:
                return "mod_tp_dst:53";
            case 15:
            case 16:
                return fmt::format("resubmit({},{})", choice("", "", "1", "2"), next);
            case 17:
                return fmt::format("group:{}", 1 + upto(5));
            case 18:
                return fmt::format("clone({},{})", action(table, true), action(table, true));
            case 19:
                return fmt::format("check_pkt_larger({})->NXM_NX_REG0[{}],resubmit(,{})", 60 + upto(80),
                                   upto(4), next);
            case 20:
                return "write_actions(" +
                       choice("output:1", "output:2,mod_dl_dst:02:00:00:00:01:03", "group:2",
                              "push_vlan:0x8100,output:3", "clear_actions,output:4") +
                       ")";
            case 21:
                // What is learned depends on what the megaflow matches, and on nothing else: a cached flow
                // learns when its statistics come in, after the packet has passed.
                return "learn(table=10,priority=5,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],"
                       "load:0x1->NXM_NX_REG0[0..2]),resubmit(,10)";
            case 22:
                return "resubmit(,10)";
            case 23:
                return choice("push_mpls:0x8847", "pop_mpls:0x0800", "set_field:3->mpls_label",
                              "push_mpls:0x8847,dec_mpls_ttl", "dec_mpls_ttl");
            case 24:
                return choice("exit", "output:11", "set_field:2->ip_ecn", "mod_nw_ecn:1");
            default:
                return fmt::format("conjunction({},{}/2)", 1 + upto(2), 1 + upto(2));
        }
    }

    std::string flow() {
        int table = one_in(2) ? 0 : static_cast<int>(upto(6));
        std::string out = fmt::format("table={},priority={}{}", table, 1 + upto(5), match());
        if (one_in(8)) out += fmt::format(",conj_id={}", 1 + upto(2));
        out += ",actions=";
        if (one_in(8)) return out + fmt::format("conjunction({},{}/2)", 1 + upto(2), 1 + upto(2));
        uint32_t count = upto(5);
        if (!count) return out + "drop";
        for (uint32_t i = 0; i < count; ++i) out += (i ? "," : "") + action(table, false);
        return out;
    }

    packet::Packet packet() {
        packet::Flow flow = packet::zero_flow();
        flow.dl_src = *packet::parse_eth(mac());
        // Never to itself, here and in the actions: whether a station that writes to itself has moved is
        // learned from a cached flow after the packet has passed.
        do {
            flow.dl_dst = *packet::parse_eth(one_in(10) ? "ff:ff:ff:ff:ff:ff" : mac());
        } while (flow.dl_dst == flow.dl_src);
        if (one_in(3)) {
            flow.vlans[0].tpid = 0x8100;
            flow.vlans[0].tci = static_cast<uint16_t>(0x1000 | (4 + upto(4)) | (one_in(3) ? 3 << 13 : 0));
        }
        switch (upto(7)) {
            case 0:
            case 1:
            case 2:
                flow.dl_type = 0x0800;
                break;
            case 3:
            case 4:
                flow.dl_type = 0x86dd;
                break;
            case 5:
                flow.dl_type = 0x0806;
                break;
            default:
                flow.dl_type = one_in(2) ? 0x8847 : 0x1234;
        }
        if (flow.dl_type == 0x8847) {
            flow.mpls_lse[0] = (3 + upto(2)) << 12 | 0x100 | (one_in(2) ? 1 : 64);
        } else if (flow.dl_type == 0x0806) {
            flow.nw_proto = static_cast<uint8_t>(1 + upto(3));
            flow.nw_src = *packet::parse_ipv4(ip());
            flow.nw_dst = *packet::parse_ipv4(ip());
            flow.arp_sha = flow.dl_src;
        } else if (flow.dl_type != 0x1234) {
            bool v6 = flow.dl_type == 0x86dd;
            static constexpr uint8_t kProtocols[] = {6, 17, 132, 1, 58, 99};
            flow.nw_proto = kProtocols[upto(6)];
            if (v6 && flow.nw_proto == 1) flow.nw_proto = 58;
            if (!v6 && flow.nw_proto == 58) flow.nw_proto = 1;
            flow.nw_ttl = static_cast<uint8_t>(one_in(4) ? upto(3) : 64);
            flow.nw_tos = static_cast<uint8_t>(one_in(3) ? upto(256) : 0);
            if (v6) {
                flow.ipv6_src = *packet::parse_ipv6(ip6());
                flow.ipv6_dst = *packet::parse_ipv6(ip6());
                if (one_in(4)) flow.ipv6_label = 7;
            } else {
                flow.nw_src = *packet::parse_ipv4(ip());
                flow.nw_dst = *packet::parse_ipv4(ip());
            }
            if (one_in(10))
                flow.nw_frag = one_in(2) ? packet::kFragAny : packet::kFragAny | packet::kFragLater;
            static constexpr uint16_t kPorts[] = {80, 81, 53, 0x5a, 0x1001, 0xffff};
            flow.tp_src = kPorts[upto(6)];
            flow.tp_dst = kPorts[upto(6)];
            if (flow.nw_proto == 58) flow.tp_src = one_in(2) ? 135 : 128, flow.tp_dst = 0;
            if (flow.nw_proto == 1) flow.tp_src = 8, flow.tp_dst = 0;
            flow.tcp_flags = static_cast<uint16_t>(one_in(2) ? 2 : 1 + upto(0x3f));
        }
        return packet::compose(flow, upto(120));
    }

  private:
    std::mt19937 random_;
};

}  // namespace weft::vswitch
