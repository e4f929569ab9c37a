#include <fmt/format.h>

#include "base/clock.h"
#include "datapath/api/text.h"
#include "datapath/api/text_fields.h"
#include "packet/address.h"
#include "packet/ethernet.h"
#include "packet/icmpv6.h"
#include "packet/ipv4.h"
#include "packet/mpls.h"
#include "packet/tcp.h"

namespace weft::datapath {

namespace {

using namespace text;
using packet::Flow;

std::string hex(uint64_t value) {
    return value ? fmt::format("{:#x}", value) : "0";
}

std::string label_text(const packet::Be128& label) {
    std::string out;
    for (uint8_t byte : label) {
        if (out.empty() && !byte) continue;
        out += out.empty() ? fmt::format("0x{:x}", byte) : fmt::format("{:02x}", byte);
    }
    return out.empty() ? "0" : out;
}

template <typename T>
bool all_zero(const T& bytes) {
    for (auto byte : bytes) {
        if (byte) return false;
    }
    return true;
}

struct Bit {
    uint32_t bit;
    std::string_view name;
};
constexpr Bit kCtStates[] = {{packet::kCtNew, "new"},     {packet::kCtEstablished, "est"},
                             {packet::kCtRelated, "rel"}, {packet::kCtReply, "rpl"},
                             {packet::kCtInvalid, "inv"}, {packet::kCtTracked, "trk"},
                             {packet::kCtSnat, "snat"},   {packet::kCtDnat, "dnat"}};
constexpr Bit kTcpFlags[] = {
    {packet::tcp::kFin, "fin"}, {packet::tcp::kSyn, "syn"}, {packet::tcp::kRst, "rst"},
    {packet::tcp::kPsh, "psh"}, {packet::tcp::kAck, "ack"}, {packet::tcp::kUrg, "urg"},
    {packet::tcp::kEce, "ece"}, {packet::tcp::kCwr, "cwr"}, {packet::tcp::kNs, "ns"}};

// "+new-est" for a mask of some bits, "new|est" when all count.
template <size_t N>
std::string flag_text(const Bit (&bits)[N], uint32_t value, uint32_t mask, bool exact) {
    std::string out;
    for (const Bit& b : bits) {
        if (exact) {
            if (value & b.bit) out += (out.empty() ? "" : "|") + std::string(b.name);
        } else if (mask & b.bit) {
            out += (value & b.bit ? "+" : "-") + std::string(b.name);
        }
    }
    uint32_t named = 0;
    for (const Bit& b : bits) named |= b.bit;
    for (uint32_t rest = exact ? value & ~named : 0; rest; rest &= rest - 1) {
        out += fmt::format("{}[{:x}]", out.empty() ? "" : "|", rest & -rest);
    }
    return exact && out.empty() ? "0" : out;
}

std::string ports_text(const PortNames* names, PortNo port) {
    if (names) {
        if (auto name = names->name_of(port)) return *name;
    }
    return std::to_string(port);
}

class MatchWriter {
  public:
    MatchWriter(const Flow& key, const Flow& mask, const PortNames* names, bool verbose)
        : c_{key, mask, verbose}, names_(names) {}

    std::string run() {
        metadata();
        layer2();
        return std::move(out_);
    }

  private:
    void next() {
        if (!out_.empty() && out_.back() != '(') out_ += ',';
    }
    void add(std::string text) {
        next();
        out_ += text;
    }
    void number(std::string_view name, uint32_t value, uint32_t mask, uint32_t full = UINT32_MAX) {
        if (!mask && !c_.verbose) return;
        add(mask == full ? fmt::format("{}({})", name, hex(value))
                         : fmt::format("{}({}/{})", name, hex(value), hex(mask)));
    }

    void metadata() {
        const Flow &k = c_.key, &m = c_.mask;
        number("skb_priority", k.skb_priority, m.skb_priority);
        if (k.tunnel.dst || !packet::is_zero(k.tunnel.ipv6_dst)) {
            next();
            write_tunnel(out_, c_);
        }
        number("skb_mark", k.pkt_mark, m.pkt_mark);
        if (c_.verbose) {
            number("ct_state", k.ct_state, m.ct_state);
        } else if (m.ct_state) {
            add(fmt::format("ct_state({})",
                            flag_text(kCtStates, k.ct_state, m.ct_state, m.ct_state == UINT32_MAX)));
        }
        number("ct_zone", k.ct_zone, m.ct_zone, 0xffff);
        number("ct_mark", k.ct_mark, m.ct_mark);
        if (c_.verbose || !all_zero(m.ct_label)) {
            bool exact = true;
            for (uint8_t byte : m.ct_label) exact &= byte == 0xff;
            add(exact ? fmt::format("ct_label({})", label_text(k.ct_label))
                      : fmt::format("ct_label({}/{})", label_text(k.ct_label), label_text(m.ct_label)));
        }
        tuple();
        add(fmt::format("recirc_id({})", hex(k.recirc_id)));
        number("dp_hash", k.dp_hash, m.dp_hash);
        add(fmt::format("in_port({})", ports_text(names_, k.in_port)));
        packet_type();
    }

    void tuple() {
        const Flow &k = c_.key, &m = c_.mask;
        bool v4 = m.ct_nw_src || m.ct_nw_dst;
        bool v6 = !packet::is_zero(m.ct_ipv6_src) || !packet::is_zero(m.ct_ipv6_dst);
        if (!v4 && !v6 && (m.ct_nw_proto || m.ct_tp_src || m.ct_tp_dst)) {
            v6 = k.dl_type == packet::ethernet::kIpv6;
            v4 = !v6;
        }
        if (!v4 && !v6) return;
        std::string text;
        auto put = [&](std::string_view name, const std::string& value, const std::string& bits, bool any,
                       bool all) {
            if (!any) return;
            if (!text.empty()) text += ',';
            text += all ? fmt::format("{}={}", name, value) : fmt::format("{}={}/{}", name, value, bits);
        };
        if (v4) {
            put("src", packet::ipv4_to_string(k.ct_nw_src), packet::ipv4_to_string(m.ct_nw_src),
                m.ct_nw_src != 0, m.ct_nw_src == UINT32_MAX);
            put("dst", packet::ipv4_to_string(k.ct_nw_dst), packet::ipv4_to_string(m.ct_nw_dst),
                m.ct_nw_dst != 0, m.ct_nw_dst == UINT32_MAX);
        } else {
            for (bool source : {true, false}) {
                const packet::Ipv6Addr& value = source ? k.ct_ipv6_src : k.ct_ipv6_dst;
                const packet::Ipv6Addr& bits = source ? m.ct_ipv6_src : m.ct_ipv6_dst;
                bool all = true;
                for (uint8_t byte : bits) all &= byte == 0xff;
                put(source ? "src" : "dst", packet::to_string(value), packet::to_string(bits),
                    !packet::is_zero(bits), all);
            }
        }
        put("proto", std::to_string(k.ct_nw_proto), hex(m.ct_nw_proto), m.ct_nw_proto, m.ct_nw_proto == 0xff);
        put("tp_src", std::to_string(k.ct_tp_src), hex(m.ct_tp_src), m.ct_tp_src != 0, m.ct_tp_src == 0xffff);
        put("tp_dst", std::to_string(k.ct_tp_dst), hex(m.ct_tp_dst), m.ct_tp_dst != 0, m.ct_tp_dst == 0xffff);
        add(fmt::format("{}({})", v4 ? "ct_tuple4" : "ct_tuple6", text));
    }

    void packet_type() {
        uint32_t type = c_.key.packet_type, mask = c_.mask.packet_type;
        if (mask == UINT32_MAX) {
            std::string id = type & 0xffff ? fmt::format("0x{:x}", type & 0xffff) : "0";
            add(fmt::format("packet_type(ns={},id={})", type >> 16, id));
        } else if (c_.verbose) {
            add("packet_type(ns=0/0,id=0/0)");
        }
    }

    void layer2() {
        if (c_.key.packet_type == 0) {
            bool any = !packet::is_zero(c_.mask.dl_src) || !packet::is_zero(c_.mask.dl_dst);
            if (any || c_.verbose || !c_.mask.packet_type) {
                next();
                write_eth(out_, c_);
            }
        }
        size_t tags = 0;
        while (tags < packet::kMaxVlans && c_.key.vlans[tags].tpid) {
            add(fmt::format("eth_type(0x{:04x})", c_.key.vlans[tags].tpid.get()));
            next();
            write_vlan(out_, c_, tags++);
            add("encap(");
        }
        if (!tags && packet::ethernet::is_vlan(c_.key.dl_type)) {  // a tag that was cut off
            add(fmt::format("eth_type(0x{:04x}),vlan(vid=0,pcp=0,cfi=0),encap()", c_.key.dl_type.get()));
        } else {
            layer3();
        }
        for (; tags; tags--) out_ += ')';
    }

    void layer3() {
        uint16_t type = c_.key.dl_type;
        if (type == packet::ethernet::kTypeNone) {
            if (c_.mask.dl_type) add("eth_type(0/0xffff)");
            return;
        }
        add(fmt::format("eth_type(0x{:04x})", type));
        const Flow& m = c_.mask;
        switch (type) {
            case packet::ethernet::kIpv4:
                if (c_.verbose || m.nw_src || m.nw_dst || m.nw_proto || m.nw_tos || m.nw_ttl || m.nw_frag) {
                    next();
                    write_ipv4(out_, c_);
                }
                transport(false);
                break;
            case packet::ethernet::kIpv6:
                if (c_.verbose || !packet::is_zero(m.ipv6_src) || !packet::is_zero(m.ipv6_dst) ||
                    m.ipv6_label || m.nw_proto || m.nw_tos || m.nw_ttl || m.nw_frag) {
                    next();
                    write_ipv6(out_, c_);
                }
                transport(true);
                break;
            case packet::ethernet::kArp:
            case packet::ethernet::kRarp:
                if (c_.verbose || m.nw_src || m.nw_dst || m.nw_proto || !packet::is_zero(m.arp_sha) ||
                    !packet::is_zero(m.arp_tha)) {
                    next();
                    write_arp(out_, c_);
                }
                break;
            case packet::ethernet::kMpls:
            case packet::ethernet::kMplsMulticast:
                labels();
                break;
            case packet::ethernet::kNsh:
                next();
                write_nsh(out_, c_);
                break;
            default:
                break;
        }
    }

    void labels() {
        size_t count = 0;
        while (count < packet::kMaxMplsLabels) {
            count++;
            if (c_.key.mpls_lse[count - 1] & packet::mpls::kBottom) break;
            if (count < packet::kMaxMplsLabels && !c_.key.mpls_lse[count]) break;
        }
        next();
        write_mpls(out_, c_, count);
    }

    void transport(bool v6) {
        const Flow &k = c_.key, &m = c_.mask;
        if (k.nw_frag & packet::kFragLater) return;
        bool ports = c_.verbose || m.tp_src || m.tp_dst;
        switch (k.nw_proto) {
            case packet::protocol::kTcp:
                if (ports) {
                    next();
                    write_ports(out_, c_, "tcp");
                }
                tcp_flags();
                break;
            case packet::protocol::kUdp:
            case packet::protocol::kSctp:
                if (ports) {
                    next();
                    write_ports(out_, c_, k.nw_proto == packet::protocol::kUdp ? "udp" : "sctp");
                }
                break;
            case packet::protocol::kIcmp:
                if (!v6 && ports) {
                    next();
                    write_icmp(out_, c_, false);
                }
                break;
            case packet::protocol::kIcmpv6:
                if (v6 && ports) {
                    next();
                    write_icmp(out_, c_, true);
                }
                if (v6) discovery();
                break;
            default:
                break;
        }
    }

    void tcp_flags() {
        uint16_t mask = c_.mask.tcp_flags;
        if (c_.verbose && (mask & 0xfff) != 0xfff) return number("tcp_flags", c_.key.tcp_flags, mask);
        if (!mask) return;
        add(fmt::format("tcp_flags({})",
                        flag_text(kTcpFlags, c_.key.tcp_flags, mask, (mask & 0xfff) == 0xfff)));
    }

    void discovery() {
        const Flow &k = c_.key, &m = c_.mask;
        uint16_t type = k.tp_src;
        if (k.tp_dst != 0) return;
        if (type != packet::icmpv6::kNeighbourSolicitation && type != packet::icmpv6::kNeighbourAdvertisement)
            return;
        if (c_.verbose || !packet::is_zero(m.nd_target) || !packet::is_zero(m.arp_sha) ||
            !packet::is_zero(m.arp_tha)) {
            next();
            write_nd(out_, c_);
        }
        if (m.nd_reserved || m.nd_options_type) {
            next();
            write_nd_extensions(out_, c_);
        }
    }

    Context c_;
    const PortNames* names_;
    std::string out_;
};

}  // namespace

Flow exact_mask(const Flow& key) {
    Flow mask;
    std::memset(static_cast<void*>(&mask), 0xff, sizeof mask);
    if (!key.tunnel.gbp_id && !key.tunnel.gbp_flags) {
        mask.tunnel.gbp_id = 0;
        mask.tunnel.gbp_flags = 0;
    }
    mask.nd_reserved = 0;
    mask.nd_options_type = 0;
    if (key.dl_type == packet::ethernet::kTypeNone) mask.dl_type = 0;
    bool tracked = key.ct_state != 0, v6 = key.dl_type == packet::ethernet::kIpv6;
    if (!tracked || v6) mask.ct_nw_src = mask.ct_nw_dst = 0;
    if (!tracked || !v6) mask.ct_ipv6_src = mask.ct_ipv6_dst = {};
    if (!tracked) {
        mask.ct_nw_proto = 0;
        mask.ct_tp_src = mask.ct_tp_dst = 0;
    }
    return mask;
}

std::string format_match(const Flow& key, const Flow& mask, const PortNames* names, bool verbose) {
    return MatchWriter(key, mask, names, verbose).run();
}

std::string format_key(const Flow& key, const PortNames* names) {
    return MatchWriter(key, exact_mask(key), names, false).run();
}

std::string format_flow(const FlowDump& flow, const PortNames* names, bool verbose) {
    std::string out;
    if (verbose) out = "ufid:" + flow.ufid.to_string() + ", ";
    out += format_match(flow.key, flow.mask, names, verbose);
    out += fmt::format(", packets:{}, bytes:{}, used:", flow.stats.packets, flow.stats.bytes);
    if (flow.stats.used_ms) {
        out += fmt::format("{:.3f}s", static_cast<double>(clock::monotonic_ms() - flow.stats.used_ms) / 1000);
    } else {
        out += "never";
    }
    if (flow.stats.tcp_flags) {
        static constexpr std::pair<uint16_t, char> kLetters[] = {
            {packet::tcp::kFin, 'F'}, {packet::tcp::kSyn, 'S'}, {packet::tcp::kRst, 'R'},
            {packet::tcp::kPsh, 'P'}, {packet::tcp::kAck, '.'}, {packet::tcp::kUrg, 'U'},
            {packet::tcp::kEce, 'E'}, {packet::tcp::kCwr, 'C'}, {packet::tcp::kNs, 'N'}};
        out += ", flags:";
        for (auto [bit, letter] : kLetters) {
            if (flow.stats.tcp_flags & bit) out += letter;
        }
    }
    if (verbose) {
        if (flow.offloaded) out += ", offloaded:yes";
        out += fmt::format(", dp:{}", flow.datapath_layer);
    }
    return out + ", actions:" + format_actions(flow.actions, names);
}

}  // namespace weft::datapath
