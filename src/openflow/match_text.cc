// Matches as text, in the order and the words of `ovs-ofctl dump-flows`.

#include <cstddef>

#include "openflow/flag_text.h"
#include "openflow/flow_colours.h"
#include "openflow/match.h"
#include "openflow/names.h"
#include "openflow/number.h"
#include "openflow/text.h"

namespace weft::openflow {
namespace {

// A printer of one match: each put_… prints nothing if the mask is 0.
class Printer {
  public:
    Printer(const Match& match, const Names* names, std::string& out)
        : match_(match), v_(match.value), m_(match.mask), names_(names), out_(out) {}

    void print(int priority);

  private:
    void key(const char* name) {
        if (out_.size() != start_) out_ += ',';
        out_ += name;
    }
    void word(const char* name) { key(name); }
    void hex(const char* name, uint64_t value, uint64_t mask, uint64_t all) {
        if (!mask) return;
        key(name);
        out_ += '=';
        text::append_hex(out_, value);
        if (mask != all) {
            out_ += '/';
            text::append_hex(out_, mask);
        }
    }
    // Decimal, or hexadecimal with a mask.
    void number(const char* name, uint64_t value, uint64_t mask, uint64_t all) {
        if (mask && mask != all) {
            key(name);
            text::append(out_, "=0x{:x}/0x{:x}", value, mask);
            return;
        }
        decimal(name, value, mask);
    }
    void decimal(const char* name, uint64_t value, uint64_t mask) {
        if (!mask) return;
        key(name);
        out_ += '=';
        text::append_decimal(out_, value);
    }
    void ipv4(const char* name, uint32_t value, uint32_t mask) {
        if (!mask) return;
        key(name);
        out_ += '=';
        text::format_ipv4_masked(value, mask, out_);
    }
    void ipv6(const char* name, const packet::Ipv6Addr& value, const packet::Ipv6Addr& mask) {
        if (mask == packet::Ipv6Addr{}) return;
        key(name);
        out_ += '=';
        text::format_ipv6_masked(value, mask, out_);
    }
    void mac(const char* name, const packet::EthAddr& value, const packet::EthAddr& mask) {
        if (mask == packet::EthAddr{}) return;
        key(name);
        out_ += '=';
        text::format_mac_masked(value, mask, out_);
    }
    void flags(const char* name, std::span<const FlagName> names, uint32_t value, uint32_t mask,
               uint32_t all) {
        if (!(mask & all)) return;
        key(name);
        out_ += '=';
        format_flags_masked(names, value, mask, all, out_);
    }
    void by_field(FieldId id, const char* name = nullptr) {
        const Field& f = field(id);
        if (!match_.is_set(f)) return;
        FieldValue value, mask;
        match_.get(f, value, mask);
        key(name ? name : f.name);
        out_ += '=';
        format_value(f, value, &mask, names_, out_);
    }

    void pipeline();
    void conntrack();
    void protocol();
    void tunnel();
    void tunnel_metadata();
    void vlan(size_t tag, const char* vid, const char* pcp, const char* tci);
    void ethernet();
    void network();
    void nsh();
    void transport();

    const Match& match_;
    const packet::Flow &v_, &m_;
    const Names* names_;
    std::string& out_;
    size_t start_ = 0;
    uint32_t type_ = 0;  // Ethertype, 0 if it is not matched
    bool type_printed_ = false, proto_printed_ = false;
};

void Printer::pipeline() {
    hex("pkt_mark", v_.pkt_mark, m_.pkt_mark, 0xffffffff);
    hex("recirc_id", v_.recirc_id, m_.recirc_id, 0xffffffff);
    hex("dp_hash", v_.dp_hash, m_.dp_hash, 0xffffffff);
    decimal("conj_id", v_.conj_id, m_.conj_id);
    hex("skb_priority", v_.skb_priority, m_.skb_priority, 0xffffffff);
    if (m_.actset_output) {
        key("actset_output=");
        format_port(v_.actset_output, names_, out_);
    }
}

void Printer::conntrack() {
    flags("ct_state", ct_state_flags(), v_.ct_state, m_.ct_state, 0xff);
    decimal("ct_zone", v_.ct_zone, m_.ct_zone);
    hex("ct_mark", v_.ct_mark, m_.ct_mark, 0xffffffff);
    by_field(FieldId::kCtLabel);
    ipv4("ct_nw_src", v_.ct_nw_src, m_.ct_nw_src);
    ipv6("ct_ipv6_src", v_.ct_ipv6_src, m_.ct_ipv6_src);
    ipv4("ct_nw_dst", v_.ct_nw_dst, m_.ct_nw_dst);
    ipv6("ct_ipv6_dst", v_.ct_ipv6_dst, m_.ct_ipv6_dst);
    decimal("ct_nw_proto", v_.ct_nw_proto, m_.ct_nw_proto);
    number("ct_tp_src", v_.ct_tp_src, m_.ct_tp_src, 0xffff);
    number("ct_tp_dst", v_.ct_tp_dst, m_.ct_tp_dst, 0xffff);
}

const char* ip_protocol_word(bool ip6, uint8_t proto) {
    switch (proto) {
        case 6:
            return ip6 ? "tcp6" : "tcp";
        case 17:
            return ip6 ? "udp6" : "udp";
        case 132:
            return ip6 ? "sctp6" : "sctp";
        case 1:
            return ip6 ? nullptr : "icmp";
        case 58:
            return ip6 ? "icmp6" : nullptr;
        default:
            return nullptr;
    }
}

void Printer::protocol() {
    bool other_packet = m_.packet_type && v_.packet_type != 0;
    if (other_packet) {
        key("packet_type=");
        const uint32_t type = v_.packet_type & 0xffff;  // in hexadecimal where that differs
        text::append(out_, "({},{}{:x})", v_.packet_type >> 16, type > 9 ? "0x" : "", type);
        if (v_.packet_type >> 16 == 1) type_ = v_.packet_type & 0xffff;
    } else if (m_.recirc_id && (m_.packet_type || any_bit(m_, offsetof(packet::Flow, dl_dst),
                                                          offsetof(packet::Flow, mpls_lse)))) {
        word("eth");
    }
    if (m_.dl_type != 0xffff) return;
    type_ = v_.dl_type;
    type_printed_ = true;
    bool ip6 = type_ == 0x86dd;
    if (type_ == 0x0800 || ip6) {
        const char* name = m_.nw_proto ? ip_protocol_word(ip6, v_.nw_proto) : nullptr;
        proto_printed_ = name;
        word(name ? name : ip6 ? "ipv6" : "ip");
    } else if (type_ == 0x0806) {
        word("arp");
    } else if (type_ == 0x8035) {
        word("rarp");
    } else if (type_ == 0x8847) {
        word("mpls");
    } else if (type_ == 0x8848) {
        word("mplsm");
    } else {
        type_printed_ = false;
    }
}

void Printer::tunnel() {
    const packet::Tunnel &v = v_.tunnel, &m = m_.tunnel;
    hex("tun_id", v.id, m.id, ~0ull);
    ipv4("tun_src", v.src, m.src);
    ipv4("tun_dst", v.dst, m.dst);
    ipv6("tun_ipv6_src", v.ipv6_src, m.ipv6_src);
    ipv6("tun_ipv6_dst", v.ipv6_dst, m.ipv6_dst);
    number("tun_gbp_id", v.gbp_id, m.gbp_id, 0xffff);
    hex("tun_gbp_flags", v.gbp_flags, m.gbp_flags, m.gbp_flags);
    decimal("tun_tos", v.tos, m.tos);
    decimal("tun_ttl", v.ttl, m.ttl);
    decimal("tun_erspan_ver", v.erspan_ver, m.erspan_ver);
    if (m.erspan_ver && v.erspan_ver == 1) hex("tun_erspan_idx", v.erspan_idx, m.erspan_idx, m.erspan_idx);
    if (m.erspan_ver && v.erspan_ver == 2) {
        decimal("tun_erspan_dir", v.erspan_dir, m.erspan_dir);
        hex("tun_erspan_hwid", v.erspan_hwid, m.erspan_hwid, m.erspan_hwid);
    }
    hex("gtpu_flags", v.gtpu_flags, m.gtpu_flags, m.gtpu_flags);
    decimal("gtpu_msgtype", v.gtpu_msgtype, m.gtpu_msgtype);
    // Matches look at OAM alone; a packet's key has all of them.
    static constexpr FlagName kFlags[] = {{packet::kTunnelDontFragment, "df"},
                                          {packet::kTunnelCsum, "csum"},
                                          {packet::kTunnelKey, "key"},
                                          {packet::kTunnelOam, "oam"}};
    flags("tun_flags", kFlags, v.flags, m.flags, 0xffff);
    tunnel_metadata();
}

void Printer::tunnel_metadata() {
    uint64_t present = m_.tunnel.metadata_present;
    for (unsigned i = 0; present; i++, present >>= 1) {
        if (!(present & 1)) continue;
        const Field& f = field(tun_metadata_field(i));
        FieldValue value, mask;
        match_.get(f, value, mask);
        key(f.name);
        if (is_all_zeros(f, mask)) continue;
        out_ += '=';
        format_value(f, value, &mask, names_, out_);
    }
}

void Printer::vlan(size_t tag, const char* vid, const char* pcp, const char* tci) {
    uint16_t value = v_.vlans[tag].tci, mask = m_.vlans[tag].tci;
    if (!mask) return;
    uint16_t vid_mask = mask & packet::kVlanVidMask, pcp_mask = mask & packet::kVlanPcpMask;
    if ((mask & packet::kVlanCfi) && (value & packet::kVlanCfi) &&
        (vid_mask == packet::kVlanVidMask || !vid_mask) && (pcp_mask == packet::kVlanPcpMask || !pcp_mask) &&
        (vid_mask || pcp_mask)) {
        decimal(vid, value & packet::kVlanVidMask, vid_mask);
        decimal(pcp, value >> 13, pcp_mask);
        return;
    }
    key(tci);
    text::append(out_, "=0x{:04x}", value);
    if (mask != 0xffff) text::append(out_, "/0x{:04x}", mask);
}

void Printer::ethernet() {
    vlan(0, "dl_vlan", "dl_vlan_pcp", "vlan_tci");
    vlan(1, "dl_vlan1", "dl_vlan_pcp1", "vlan_tci1");
    mac("dl_src", v_.dl_src, m_.dl_src);
    mac("dl_dst", v_.dl_dst, m_.dl_dst);
    if (m_.dl_type && !type_printed_) {
        key("dl_type=");
        text::append(out_, "0x{:04x}", v_.dl_type.get());
    }
}

void Printer::nsh() {
    const packet::Nsh &v = v_.nsh, &m = m_.nsh;
    if (m.flags) {
        key("nsh_flags=");
        if (m.flags == 0xff) {
            text::append_decimal(out_, v.flags);
        } else {
            text::append(out_, "0x{:02x}/0x{:02x}", v.flags, m.flags);
        }
    }
    decimal("nsh_ttl", v.ttl, m.ttl);
    decimal("nsh_mdtype", v.mdtype, m.mdtype);
    decimal("nsh_np", v.np, m.np);
    auto long_hex = [&](const char* name, uint32_t value, uint32_t mask, uint32_t all) {
        if (!mask) return;
        key(name);
        text::append(out_, "=0x{:x}", value);
        if (mask != all) text::append(out_, "/0x{:x}", mask);
    };
    long_hex("nsh_spi", v.path_hdr >> 8, m.path_hdr >> 8, 0xffffff);
    decimal("nsh_si", v.path_hdr & 0xff, m.path_hdr & 0xff);
    static constexpr const char* kNames[] = {"nsh_c1", "nsh_c2", "nsh_c3", "nsh_c4"};
    for (size_t i = 0; i < 4; i++) long_hex(kNames[i], v.context[i], m.context[i], 0xffffffff);
}

void Printer::network() {
    bool arp = type_ == 0x0806 || type_ == 0x8035;
    if (type_ == 0x86dd) {
        ipv6("ipv6_src", v_.ipv6_src, m_.ipv6_src);
        ipv6("ipv6_dst", v_.ipv6_dst, m_.ipv6_dst);
        if (m_.ipv6_label) {
            key("ipv6_label=");
            text::append(out_, "0x{:05x}", v_.ipv6_label.get());
            if (m_.ipv6_label != 0xfffff) text::append(out_, "/0x{:05x}", m_.ipv6_label.get());
        }
    } else if (arp) {
        ipv4("arp_spa", v_.nw_src, m_.nw_src);
        ipv4("arp_tpa", v_.nw_dst, m_.nw_dst);
    } else if (type_ == 0x894f) {
        nsh();
    } else {
        ipv4("nw_src", v_.nw_src, m_.nw_src);
        ipv4("nw_dst", v_.nw_dst, m_.nw_dst);
    }
    if (!proto_printed_) decimal(arp ? "arp_op" : "nw_proto", v_.nw_proto, m_.nw_proto);
    if (arp) {
        mac("arp_sha", v_.arp_sha, m_.arp_sha);
        mac("arp_tha", v_.arp_tha, m_.arp_tha);
    }
    decimal("nw_tos", v_.nw_tos & 0xfc, m_.nw_tos & 0xfc);
    decimal("nw_ecn", v_.nw_tos & 3, m_.nw_tos & 3);
    decimal("nw_ttl", v_.nw_ttl, m_.nw_ttl);
    if (m_.mpls_lse[0]) {
        uint32_t v = v_.mpls_lse[0], m = m_.mpls_lse[0];
        decimal("mpls_label", v >> 12, m >> 12);
        decimal("mpls_tc", v >> 9 & 7, m >> 9 & 7);
        decimal("mpls_ttl", v & 255, m & 255);
        decimal("mpls_bos", v >> 8 & 1, m >> 8 & 1);
        decimal("mpls_lse1", v_.mpls_lse[1], m_.mpls_lse[1]);
        decimal("mpls_lse2", v_.mpls_lse[2], m_.mpls_lse[2]);
    }
    by_field(FieldId::kIpFrag, "nw_frag");
}

void Printer::transport() {
    uint8_t proto = m_.nw_proto == 0xff ? v_.nw_proto : 0;
    bool icmp4 = type_ == 0x0800 && proto == 1, icmp6 = type_ == 0x86dd && proto == 58;
    if (icmp4 || icmp6) {
        number("icmp_type", v_.tp_src, m_.tp_src, 0xffff);
        number("icmp_code", v_.tp_dst, m_.tp_dst, 0xffff);
        if (icmp6) {
            ipv6("nd_target", v_.nd_target, m_.nd_target);
            mac("nd_sll", v_.arp_sha, m_.arp_sha);
            mac("nd_tll", v_.arp_tha, m_.arp_tha);
            decimal("nd_reserved", v_.nd_reserved, m_.nd_reserved);
            decimal("nd_options_type", v_.nd_options_type, m_.nd_options_type);
        }
        return;
    }
    number("tp_src", v_.tp_src, m_.tp_src, 0xffff);
    number("tp_dst", v_.tp_dst, m_.tp_dst, 0xffff);
    if (type_ && proto == 6) flags("tcp_flags", tcp_flags(), v_.tcp_flags, m_.tcp_flags, 0xfff);
}

void Printer::print(int priority) {
    using packet::Flow;
    start_ = out_.size();
    if (priority >= 0 && priority != 32768) decimal("priority", static_cast<uint64_t>(priority), 1);
    if (any_bit(m_, offsetof(Flow, actset_output), offsetof(Flow, dl_dst))) {
        pipeline();
        conntrack();
    }
    protocol();
    static constexpr const char* kRegNames[packet::kRegisters] = {
        "reg0", "reg1", "reg2",  "reg3",  "reg4",  "reg5",  "reg6",  "reg7",
        "reg8", "reg9", "reg10", "reg11", "reg12", "reg13", "reg14", "reg15"};
    if (any_bit(m_, offsetof(Flow, regs), offsetof(Flow, in_port))) {
        for (size_t i = 0; i < packet::kRegisters; i++) hex(kRegNames[i], v_.regs[i], m_.regs[i], 0xffffffff);
    }
    if (any_bit(m_, offsetof(Flow, tunnel), offsetof(Flow, metadata))) tunnel();
    hex("metadata", v_.metadata, m_.metadata, ~0ull);
    if (m_.in_port) {
        key("in_port=");
        format_port(v_.in_port, names_, out_);
    }
    ethernet();
    network();
    transport();
}

struct Shorthand {
    const char* name;
    uint16_t dl_type;
    uint8_t nw_proto;
};
constexpr Shorthand kShorthands[] = {
    {"eth", 0, 0},          {"ip", 0x0800, 0},   {"ipv4", 0x0800, 0},   {"ipv6", 0x86dd, 0},
    {"ip6", 0x86dd, 0},     {"icmp", 0x0800, 1}, {"icmp6", 0x86dd, 58}, {"tcp", 0x0800, 6},
    {"tcp6", 0x86dd, 6},    {"udp", 0x0800, 17}, {"udp6", 0x86dd, 17},  {"sctp", 0x0800, 132},
    {"sctp6", 0x86dd, 132}, {"arp", 0x0806, 0},  {"rarp", 0x8035, 0},   {"mpls", 0x8847, 0},
    {"mplsm", 0x8848, 0},
};

}  // namespace

void format_match(const Match& match, const MatchText& options, std::string& out) {
    FlowPainting painting(out, FlowTextPart::kMatch);
    Printer(match, options.names, out).print(options.priority);
}

std::string to_string(const Match& match, const Names* names) {
    std::string out;
    format_match(match, {names, -1}, out);
    return out;
}

Result<bool> parse_match_term(std::string_view key, std::string_view value, bool has_value,
                              const Names* names, Match& match) {
    for (const Shorthand& shorthand : kShorthands) {
        if (key != shorthand.name) continue;
        if (shorthand.dl_type) {
            match.value.dl_type = shorthand.dl_type;
            match.mask.dl_type = 0xffff;
        } else {
            match.value.packet_type = 0;
            match.mask.packet_type = 0xffffffff;
        }
        if (shorthand.nw_proto) {
            match.value.nw_proto = shorthand.nw_proto;
            match.mask.nw_proto = 0xff;
        }
        return true;
    }
    const Field* f = field_by_name(key);
    if (!f) return false;
    if (!has_value || value.empty()) {
        // A lone tun_metadata field asks for the option's presence; any other is a wildcard.
        if (f->is_tun_metadata()) match.set(*f, FieldValue(), FieldValue(), 4);
        return true;
    }
    FieldValue v, m;
    WEFT_TRY(parse_value(*f, value, names, v, m));
    if ((f->id == FieldId::kIpv6Label || f->id == FieldId::kTunErspanIdx) && !value_fits(*f, v))
        return Error{fmt::format("{}: {} has {} bits", value, f->name, f->bits)};
    uint8_t bytes = 0;
    if (f->is_tun_metadata()) {
        for (unsigned i = 0; i < f->bytes && !bytes; i++) {
            if (v.bytes[i] || (m.bytes[i] && !is_all_ones(*f, m))) bytes = static_cast<uint8_t>(f->bytes - i);
        }
        if (!bytes) bytes = 1;
    }
    if (f->id == FieldId::kDlVlan) m = FieldValue::all_ones(*f);
    // A register given twice, also as part of a longer one, has what was said last.
    if (f->id >= FieldId::kReg0 && f->id <= FieldId::kXXReg3) match.clear(*f);
    match.set(*f, v, m, bytes);
    return true;
}

namespace {

Result<Match> parse_terms(std::string_view text, const Names* names, bool strict) {
    Match match;
    text::Term term;
    while (text::next_term(text, term)) {
        WEFT_ASSIGN(bool known, parse_match_term(term.key, term.value, term.delimiter != 0, names, match));
        if (!known) return Error{fmt::format("unknown {} {}", strict ? "field" : "keyword", term.key)};
        if (strict && !match.prerequisites_met())
            return Error{fmt::format("prerequisites not met for setting {}", term.key)};
    }
    match.normalize();
    return match;
}

}  // namespace

Result<Match> parse_match(std::string_view text, const Names* names) {
    return parse_terms(text, names, false);
}

Result<Match> parse_strict_match(std::string_view text, const Names* names) {
    return parse_terms(text, names, true);
}

}  // namespace weft::openflow
