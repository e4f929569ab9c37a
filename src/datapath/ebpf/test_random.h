// Random packets, flows and lists of actions: everything that the programs carry out, and some of what only
// the daemon does.

#pragma once

#include <cstdlib>
#include <random>
#include <set>

#include "datapath/api/test_flow.h"
#include "datapath/api/test_packets.h"

namespace weft::datapath {

// WEFT_SEED, or one that nobody has chosen; it is printed either way.
inline uint32_t random_seed() {
    const char* given = std::getenv("WEFT_SEED");
    uint32_t seed = given ? static_cast<uint32_t>(std::atoi(given)) : std::random_device{}();
    std::printf("WEFT_SEED=%u\n", seed);
    return seed;
}
// WEFT_PACKETS, or as many as a check has time for.
inline int random_packets(int otherwise) {
    const char* wanted = std::getenv("WEFT_PACKETS");
    return wanted ? std::atoi(wanted) : otherwise;
}

class Random {
  public:
    explicit Random(uint32_t seed) : bits_(seed) { new_masks(); }
    uint32_t any() { return static_cast<uint32_t>(bits_()); }
    uint32_t below(uint32_t n) { return any() % n; }
    bool one_in(uint32_t n) { return below(n) == 0; }
    template <typename T>
    const T& one_of(std::initializer_list<T> list) {
        return *(list.begin() + below(static_cast<uint32_t>(list.size())));
    }

    // What lists of actions may have.
    bool connections = false;
    std::string tunnel;       // the flags of set(tunnel(...)); empty: no tunnels
    std::string tunnel_more;  // what its kind has beside

    std::string mac() { return fmt::format("02:00:00:00:{:02x}:{:02x}", any() & 255, any() & 255); }
    std::string ipv6() { return fmt::format("fe80::{:x}", any() & 0xffff); }

    Flow flow() {
        Flow f = packet::zero_flow();
        f.dl_src = {0, 1, 2, 3, 4, static_cast<uint8_t>(below(32))};
        f.dl_dst = {0, 9, 8, 7, 6, static_cast<uint8_t>(below(4))};
        if (one_in(5)) {
            f.vlans[0].tpid = one_in(4) ? 0x88a8 : 0x8100;
            f.vlans[0].tci = static_cast<uint16_t>(packet::kVlanCfi | below(4) | below(8) << 13);
            if (one_in(3)) {
                f.vlans[1].tpid = 0x8100;
                f.vlans[1].tci = static_cast<uint16_t>(packet::kVlanCfi | below(4));
            }
        }
        uint32_t kind = below(16);
        if (kind == 0) {
            f.dl_type = 0x0806;
            f.nw_proto = static_cast<uint8_t>(1 + below(2));
            f.arp_sha = f.dl_src;
            f.arp_tha = f.dl_dst;
            f.nw_src = 0x0a000001 + below(2);
            f.nw_dst = 0x0a000003;
            return f;
        }
        if (kind == 1) {
            f.dl_type = one_in(2) ? 0x88cc : 0x8847;
            if (f.dl_type == 0x8847) f.mpls_lse[0] = 0x00005140;
            return f;
        }
        bool v6 = kind < 8;
        f.dl_type = v6 ? 0x86dd : 0x0800;
        static constexpr uint8_t kProtocols[] = {6, 17, 6, 17, 132, 1, 99, 2};
        f.nw_proto = kProtocols[below(8)];
        if (v6 && f.nw_proto == 1) f.nw_proto = 58;
        if (v6 && f.nw_proto == 2) f.nw_proto = 6;
        if (v6) {
            f.ipv6_src = {0xfe, 0x80, 1, 0, 0, static_cast<uint8_t>(below(3))};
            f.ipv6_dst = {0xfe, 0x80, 1, 0, 7, static_cast<uint8_t>(below(3))};
            f.ipv6_label = any() & 0xfffff;
        } else {
            f.nw_src = 0x0a000001 + below(3);
            f.nw_dst = 0x0a000101 + below(3);
        }
        bool back = one_in(3);  // an answer, perhaps, to what others have said
        if (back && v6) std::swap(f.ipv6_src, f.ipv6_dst);
        if (back && !v6) std::swap(f.nw_src, f.nw_dst);
        f.nw_tos = static_cast<uint8_t>(any());
        f.nw_ttl = static_cast<uint8_t>(62 + below(3));
        if (one_in(8)) f.nw_frag = one_in(2) ? packet::kFragAny : packet::kFragAny | packet::kFragLater;
        if (f.nw_proto == 58) {
            f.tp_src = one_in(3) ? 135 : 128 + back;
            if (f.tp_src == 135) f.nd_target = f.ipv6_src;
        } else if (f.nw_proto == 1) {
            f.tp_src = back ? 0 : 8;
        } else {
            f.tp_src = static_cast<uint16_t>(1000 + below(4));
            f.tp_dst = static_cast<uint16_t>(80 + below(3));
            if (back) std::swap(f.tp_src, f.tp_dst);
        }
        if (f.nw_proto == 6) f.tcp_flags = static_cast<uint16_t>(one_in(2) ? 0x10 : any() & 0x1f);
        return f;
    }

    Packet packet() {
        Flow f = flow();
        uint32_t size = one_in(10) ? 1460 + below(20000) : below(100);
        if (f.nw_frag) size = below(100);
        if (one_in(12) && f.nw_proto == 17 && f.dl_type == 0x0800) {
            Packet p = packet::compose(f, size % 1000);
            packet::Layout layout = packet::extract(p, f);
            if (layout.payload && !f.nw_frag) store_be16(p.data() + layout.l4 + 6, 0);  // no checksum
            return p;
        }
        Packet p = packet::compose(f, size > 1300 && !(f.nw_proto == 6 || f.nw_proto == 17) ? 1000 : size);
        if (size > 1300)
            leave_checksum(p, static_cast<uint16_t>(600 + below(700)));
        else if (one_in(3))
            leave_checksum(p);
        if (p.size() > 1500 && p.offload.gso_type == packet::GsoType::kNone) p.truncate(1400);
        if (!p.offload.any() && one_in(8)) p.append_zeros(below(20));
        // A tag with less than two bytes behind its own type does not get past the kernel's reception.
        uint32_t least = 16 + (f.vlans[0].tci ? 8 : 0);
        if (p.size() < least) p.append_zeros(least - p.size());
        if (!p.offload.any() && one_in(15) && p.size() > least)
            p.truncate(least + below(static_cast<uint32_t>(p.size() - least)));
        if (!p.offload.any() && one_in(15) && p.size() > least)
            p.data()[least + below(static_cast<uint32_t>(p.size() - least))] ^=
                static_cast<uint8_t>(1 << below(8));
        return p;
    }

    // A set of a group that this kind of packet has, or of any.
    std::string set() {
        switch (below(16)) {
            case 0:
                return fmt::format("set(eth(dst={}))", mac());
            case 1:
                return fmt::format("set(eth(src=02:00:00:00:00:{:02x}/ff:ff:00:00:00:ff,dst={}))",
                                   any() & 255, mac());
            case 2:
                return fmt::format("set(ipv4(src=10.{}.0.1,ttl={}))", any() & 255, 1 + any() % 255);
            case 3:
                return fmt::format("set(ipv4(dst=10.1.{}.0/255.255.255.0,tos=0x4/0xfc))", any() & 255);
            case 4:
                return fmt::format("set(ipv6(src={},hlimit={}))", ipv6(), 1 + any() % 255);
            case 5:
                return fmt::format("set(ipv6(dst={},label=0x{:x},tclass=0x{:x}))", ipv6(), any() & 0xfffff,
                                   any() & 255);
            case 6:
                return fmt::format("set(arp(sip=1.2.3.{},op=2,tha={}))", any() & 255, mac());
            case 7:
                return fmt::format("set(tcp(src={}))", any() & 0xffff);
            case 8:
                return fmt::format("set(udp(src={},dst={}))", any() & 0xffff, any() & 0xffff);
            case 9:
                return one_in(3) ? "set(sctp(dst=7))" : "set(tcp(dst=0x50/0xff))";
            case 10:
                return fmt::format("set(skb_mark(0x{:x}/0xff))", any() & 255);
            case 11:
                return fmt::format("set(skb_priority(0x{:x}))", below(8));
            case 12:
                return one_in(3) ? fmt::format("set(icmpv6(type={}))", one_in(4) ? 135 : 128 + below(2))
                                 : fmt::format("set(icmp(type={},code={}))", below(20), below(3));
            case 13:
                return fmt::format("set(udp(dst={}/0xff00))", any() & 0xff00);
            case 14:
                return fmt::format("set(ipv6(src=fe80::{:x}/ffff::ffff,tclass=0x4/0xfc))", any() & 0xffff);
            default:
                return one_in(2) ? "ct_clear" : "set(ipv4(ttl=0/0x3))";
        }
    }
    std::string push_vlan() {
        return fmt::format("push_vlan({}vid={},pcp={})", one_in(3) ? "tpid=0x88a8," : "", below(4095),
                           below(8));
    }
    std::string output() { return fmt::format("{}", one_in(8) ? 1 : 2 + below(2)); }
    std::string hash() { return fmt::format("hash({}({}))", one_in(2) ? "l4" : "sym_l4", any() & 0xffff); }
    std::string to_userspace() {
        return fmt::format("userspace(pid=0,userdata({:02x}{:02x}))", any() & 255, any() & 255);
    }
    std::string set_tunnel() {
        std::string flags = tunnel;
        if (one_in(2)) flags.insert(0, "df|");
        bool v6 = one_in(2);
        const char* remote = one_in(30) ? (v6 ? "fd77::" : "10.77.0.")  // there is no way there
                             : v6       ? "fd09::"
                                        : "10.9.0.";
        return fmt::format("set(tunnel(tun_id=0x{:x},{}dst={}{},tos={},ttl={},{}flags({})))", any() & 0xffff,
                           v6 ? "ipv6_" : "", remote, 2 + below(2), below(256), 1 + below(255),
                           one_in(2) ? tunnel_more : "", flags);
    }
    std::string track() {
        std::string out = "ct(";
        bool commit = one_in(2);
        if (commit) out += one_in(6) ? "force_commit," : "commit,";
        append(out, "zone={}", below(3));
        if (commit) out += ",timeout=long";
        if (commit && one_in(2)) append(out, ",mark=0x{:x}/0xf", below(3));
        if (commit && one_in(3)) append(out, ",label=0x{:x}/0xff", below(3));
        switch (below(6)) {
            case 0:
                out += ",nat";
                break;
            case 1:
                if (commit) out += one_in(2) ? ",nat(src=10.200.0.9)" : ",nat(dst=10.0.9.9)";
                break;
            case 2:
                if (commit) out += one_in(2) ? ",nat(src=fd09::9)" : ",nat(dst=fd08::9)";
                break;
        }
        return out + ")";
    }

    // A list for a flow whose recirculations have this id; `room` is how deep lists may still be nested.
    std::string actions(uint32_t recirculation, int room = 2) {
        std::string out;
        // A packet must not come by it twice at one moment, which is longer for the daemon.
        if (recirculation == 1 && room == 2 && one_in(15)) out = "meter(9),";
        for (uint32_t count = below(room == 2 ? 5 : 3); count; count--)
            out += step(recirculation, room) + ",";
        std::string last = end(recirculation, room);
        if (last.empty() && out.empty()) return "drop";
        if (last.empty()) out.pop_back();
        return out + last;
    }

    // New classes of flows.
    void new_masks() {
        for (uint32_t& seed : masks_) seed = any();
    }
    // The mask of a packet's class of flows: the class and what else the mask depends on is always asked for,
    // so that flows are disjoint.
    Flow mask_of(const Flow& key) const {
        Flow mask = packet::zero_flow();
        mask.in_port = mask.recirc_id = UINT32_MAX;
        mask.dl_type = 0xffff;
        mask.dl_src = {0, 0, 0, 0, 0, 0xff};
        mask.nw_frag = 0xff;
        std::mt19937 bits(masks_[key.dl_src[5] % masks_.size()]);
        // None, all or any of a field's bits.
        auto some = [&](auto& field, bool here = true) {
            uint32_t what = bits() % 6;
            auto* p = reinterpret_cast<uint8_t*>(&field);
            for (size_t i = 0; i < sizeof field; i++) {
                auto byte = static_cast<uint8_t>(what == 0 ? bits() : what == 1 ? 0xff : 0);
                if (here) p[i] = byte;
            }
        };
        bool v4 = key.dl_type == 0x0800, v6 = key.dl_type == 0x86dd, arp = key.dl_type == 0x0806;
        some(mask.dl_dst);
        some(mask.vlans[0].tci);
        some(mask.vlans[0].tpid);
        some(mask.vlans[1].tci);
        some(mask.nw_src, v4 || arp);
        some(mask.nw_dst, v4 || arp);
        some(mask.ipv6_src, v6);
        some(mask.ipv6_dst, v6);
        some(mask.nw_tos, v4 || v6);
        some(mask.nw_ttl, v4 || v6);
        some(mask.arp_sha, arp);
        some(mask.arp_tha, arp);
        some(mask.ipv6_label, v6);
        mask.ipv6_label &= 0xfffff;
        some(mask.pkt_mark);
        some(mask.skb_priority);
        some(mask.dp_hash);
        mask.dp_hash &= 0xf;
        some(mask.ct_state);
        mask.ct_state &= 0xff;
        some(mask.ct_zone);
        some(mask.ct_mark);
        some(mask.ct_label);
        some(mask.tunnel.id);
        some(mask.tunnel.tos);
        some(mask.tunnel.dst);
        bool transport = bits() % 2;
        uint32_t seed = static_cast<uint32_t>(bits());
        if (!transport || arp) {
            some(mask.tcp_flags);
            mask.tcp_flags &= 0xfff;
            return mask;
        }
        mask.nw_proto = 0xff;
        bits.seed(seed + key.nw_proto);
        bool ports = (v4 || v6) && !(key.nw_frag & packet::kFragLater);
        some(mask.tp_src, ports);
        some(mask.tp_dst, ports);
        if (key.nw_proto == 58 && v6) some(mask.nd_target);
        return mask;
    }

    // Flows for packets like this one and for what may become of it, that `there` does not have yet.  The
    // lists of some are the daemon's.
    std::vector<FlowPut> flows_for(Flow key, std::set<std::string>& there) {
        std::vector<FlowPut> out;
        for (uint32_t recirculation = 0; recirculation < 3; recirculation++) {
            if (recirculation && one_in(4)) continue;
            key.recirc_id = recirculation;
            bool tracked = recirculation && connections;  // packets of several states may come by
            for (int i = 0; i < (tracked ? 3 : 1); i++) {
                if (tracked) {
                    key.ct_state = one_of<uint32_t>({0, 0x21, 0x21, 0x22, 0x22, 0x2a, 0x30, 0x62, 0xaa});
                    key.ct_zone = key.ct_state ? static_cast<uint16_t>(below(3)) : 0;
                }
                Flow mask = mask_of(key);
                FlowPut flow;
                flow.ufid = Uuid::random();
                flow.key = key;
                for (size_t w = 0; w < packet::kFlowWords; w++)
                    packet::words(flow.key)[w] &= packet::words(mask)[w];
                flow.mask = mask;
                std::string bytes(reinterpret_cast<const char*>(&flow.key), sizeof flow.key);
                if (!there.insert(bytes).second || one_in(20)) continue;
                std::string text = actions(recirculation + 1);
                auto list = parse_actions(text);
                EXPECT_TRUE(list.ok()) << text << ": " << list.message();
                flow.actions = *list;
                out.push_back(std::move(flow));
            }
        }
        return out;
    }

  private:
    // What does not end the list.
    std::string step(uint32_t recirculation, int room) {
        if (connections && one_in(6)) return track();
        if (!tunnel.empty() && one_in(5)) return set_tunnel() + (one_in(6) ? "" : ",4");
        switch (below(room ? 24 : 16)) {
            case 0:
                return push_vlan();
            case 1:
                return "pop_vlan";
            case 2:
            case 3:
                return output();
            case 4:
                return fmt::format("trunc({}),{}", 24 + below(150), one_in(3) ? to_userspace() : output());
            case 5:
                return one_in(3) ? to_userspace() : output();
            case 6:
                return one_in(2) ? "meter(7)" : set();
            case 7:
                return one_in(3) ? hash() : set();
            case 8:
                return one_in(8)   ? "push_mpls(label=5,tc=1,ttl=3,bos=1,eth_type=0x8847)"
                       : one_in(8) ? "8"  // no such port
                                   : push_vlan() + ",pop_vlan";
            case 9:
            case 10:
            case 11:
            case 12:
            case 13:
            case 14:
            case 15:
                return set();
            case 16:
                return one_in(2) ? fmt::format("recirc(0x{:x})", recirculation) : set();
            default:
                return copy(recirculation, room);
        }
    }
    std::string copy(uint32_t recirculation, int room) {
        std::string list = actions(recirculation, room - 1);
        switch (below(4)) {
            case 0:
                return fmt::format("sample(sample={}.0%,actions({}))", one_in(4) ? 0 : 100, list);
            case 1:
                return fmt::format("check_pkt_len(size={},gt({}),le({}))",
                                   one_in(2) ? 40 + below(100) : 40 + below(1500), list,
                                   actions(recirculation, room - 1));
            default:
                return fmt::format("clone({})", list);
        }
    }
    // The end of a list; "" for what ends with a change.
    std::string end(uint32_t recirculation, int room) {
        std::string again = fmt::format("recirc(0x{:x})", recirculation);
        if (connections && one_in(3)) return track() + "," + again;
        if (!tunnel.empty() && one_in(4)) return set_tunnel() + ",4";
        switch (below(12)) {
            case 0:
                return hash() + "," + again;
            case 1:
            case 2:
                return again;
            case 3:
            case 4:
                return room ? copy(recirculation, room) : output();
            case 5:
                return one_in(4) ? "drop" : one_in(3) ? "" : output();
            case 6:
                return to_userspace();
            default:
                return output();
        }
    }

    std::mt19937 bits_;
    std::array<uint32_t, 8> masks_{};
};

}  // namespace weft::datapath
