// set_field, load, move, push and pop, and the fixed-field actions as text.

#include "openflow/actions/codec.h"
#include "openflow/actions/header.h"

namespace weft::openflow::actions {

void format(const SetField& a, const Names* names, std::string& out) {
    const Field& f = field(a.field);
    FieldValue value, mask;
    a.get(value, mask);
    if (!a.load) {
        out += "set_field:";
        format_value(f, value, &mask, names, out);
        bool port = f.format == FieldFormat::kPort16 || f.format == FieldFormat::kPort32;
        if (port && !is_all_ones(f, mask)) text::append(out, "/0x{:x}", mask.low_u64(f));
        out += "->";
        out += f.name;
        return;
    }
    unsigned total = f.bytes * 8u, offset = 0, bits = 0;
    auto bit = [&](unsigned i) { return mask.bytes[f.bytes - 1 - i / 8] >> i % 8 & 1; };
    while (offset < total && !bit(offset)) offset++;
    while (offset + bits < total && bit(offset + bits)) bits++;
    FieldValue number;
    copy_bits(value.bytes.data(), f.bytes, offset, number.bytes.data(), f.bytes, 0, bits);
    out += "load:";
    unsigned i = 0;
    while (i < f.bytes && !number.bytes[i]) i++;
    if (i == f.bytes) {
        out += '0';
    } else {
        text::append(out, "0x{:x}", number.bytes[i++]);
        for (; i < f.bytes; i++) text::append(out, "{:02x}", number.bytes[i]);
    }
    out += "->";
    format_subfield(
        {a.field, static_cast<uint16_t>(offset), static_cast<uint16_t>(std::min<unsigned>(bits, f.bits))},
        out);
}

void format(const RegMove& a, const Names*, std::string& out) {
    out += "move:";
    format_subfield(a.src, out);
    out += "->";
    format_subfield(a.dst, out);
}
void format(const StackPush& a, const Names*, std::string& out) {
    out += "push:";
    format_subfield(a.subfield, out);
}
void format(const StackPop& a, const Names*, std::string& out) {
    out += "pop:";
    format_subfield(a.subfield, out);
}
void format(const SetVlanVid& a, const Names*, std::string& out) {
    text::append(out, "{}:{}", a.push_if_needed ? "mod_vlan_vid" : "set_vlan_vid", a.vid);
}
void format(const SetVlanPcp& a, const Names*, std::string& out) {
    text::append(out, "{}:{}", a.push_if_needed ? "mod_vlan_pcp" : "set_vlan_pcp", a.pcp);
}
void format(const StripVlan& a, const Names*, std::string& out) {
    out += a.strip ? "strip_vlan" : "pop_vlan";
}
void format(const PushVlan& a, const Names*, std::string& out) {
    text::append(out, "push_vlan:0x{:x}", a.ethertype);
}
void format(const SetEthSrc& a, const Names*, std::string& out) {
    out += "mod_dl_src:";
    text::format_mac(a.address, out);
}
void format(const SetEthDst& a, const Names*, std::string& out) {
    out += "mod_dl_dst:";
    text::format_mac(a.address, out);
}
void format(const SetIpSrc& a, const Names*, std::string& out) {
    out += "mod_nw_src:";
    text::format_ipv4(a.address, out);
}
void format(const SetIpDst& a, const Names*, std::string& out) {
    out += "mod_nw_dst:";
    text::format_ipv4(a.address, out);
}
void format(const SetIpDscp& a, const Names*, std::string& out) {
    text::append(out, "mod_nw_tos:{}", a.tos);
}
void format(const SetIpEcn& a, const Names*, std::string& out) {
    text::append(out, "mod_nw_ecn:{}", a.ecn);
}
void format(const SetIpTtl& a, const Names*, std::string& out) {
    text::append(out, "mod_nw_ttl:{}", a.ttl);
}
void format(const SetL4Src& a, const Names*, std::string& out) {
    text::append(out, "mod_tp_src:{}", a.port);
}
void format(const SetL4Dst& a, const Names*, std::string& out) {
    text::append(out, "mod_tp_dst:{}", a.port);
}
void format(const SetTunnel& a, const Names*, std::string& out) {
    out += a.wide || a.tun_id >> 32 ? "set_tunnel64:" : "set_tunnel:";
    text::append_hex(out, a.tun_id);
}
void format(const DecTtl& a, const Names*, std::string& out) {
    out += "dec_ttl";
    if (a.controllers) text::append(out, "({})", fmt::join(*a.controllers, ","));
}
void format(const SetMplsLabel& a, const Names*, std::string& out) {
    text::append(out, "set_mpls_label({})", a.label);
}
void format(const SetMplsTc& a, const Names*, std::string& out) {
    text::append(out, "set_mpls_tc({})", a.tc);
}
void format(const SetMplsTtl& a, const Names*, std::string& out) {
    text::append(out, "set_mpls_ttl({})", a.ttl);
}
void format(const DecMplsTtl&, const Names*, std::string& out) {
    out += "dec_mpls_ttl";
}
void format(const DecNshTtl&, const Names*, std::string& out) {
    out += "dec_nsh_ttl";
}
void format(const PushMpls& a, const Names*, std::string& out) {
    text::append(out, "push_mpls:0x{:04x}", a.ethertype);
}
void format(const PopMpls& a, const Names*, std::string& out) {
    text::append(out, "pop_mpls:0x{:04x}", a.ethertype);
}
void format(const DeleteField& a, const Names*, std::string& out) {
    out += "delete_field:";
    out += field(a.field).name;
}

void format(const Encap& a, const Names*, std::string& out) {
    out += "encap(";
    uint32_t type = a.packet_type;
    out += type == 0 ? "ethernet" : type == 0x1894f ? "nsh" : "mpls";
    if (type == 0x18848) out += "_mc";
    if (!a.properties.empty()) {
        out += '(';
        for (size_t i = 0; i < a.properties.size(); i++) {
            const EncapProperty& p = a.properties[i];
            if (i) out += ',';
            if (p.type == 1) {
                text::append(out, "md_type={}", p.md_type);
                continue;
            }
            text::append(out, "tlv(0x{:04x},{},0x", p.tlv_class, p.tlv_type);
            for (uint8_t byte : p.data) text::append(out, "{:02x}", byte);
            out += ')';
        }
        out += ')';
    }
    out += ')';
}

void format(const Decap& a, const Names*, std::string& out) {
    out += "decap(";
    if (a.packet_type != 0xfffe) {
        text::append(out, "packet_type(ns={},type=", a.packet_type >> 16);
        text::append_hex(out, a.packet_type & 0xffff);
        out += ')';
    }
    out += ')';
}

namespace {

Result<void> parse_set_field(std::string_view text, ParseContext& c) {
    WEFT_ASSIGN(auto parts, split_arrow(text));
    const Field* f = field_by_name(parts.second);
    if (!f) return Error{fmt::format("{} is not a valid OXM field name", parts.second)};
    if (!f->writable) return Error{fmt::format("{} is read-only", parts.second)};
    FieldValue value, mask;
    WEFT_TRY(parse_value(*f, parts.first, c.names, value, mask));
    bool good = f->id == FieldId::kIpTos ? !(value.bytes[0] & 3) : value_fits(*f, value);
    if (f->id == FieldId::kArpOp) good = !value.bytes[0];  // a byte is kept of it
    if (!good) return Error{fmt::format("{} is not a valid value for field {}", parts.first, parts.second)};
    if (is_all_zeros(*f, mask)) return {};  // sets nothing
    c.out.push_back(SetField::make(f->id, value, mask));
    return {};
}

Result<void> parse_load(std::string_view text, ParseContext& c) {
    WEFT_ASSIGN(auto parts, split_arrow(text));
    WEFT_ASSIGN(Subfield dst, parse_whole_subfield(parts.second));
    const Field& f = field(dst.field);
    if (!f.writable) return Error{fmt::format("{}: field {} is not writable", text, f.name)};
    std::string_view number_text = parts.first;
    bool hex = number_text.size() > 18 && number_text.substr(0, 2) == "0x";
    FieldValue number;
    if (hex) {
        std::string_view digits = number_text.substr(2);
        for (size_t i = 0; i < digits.size(); i++) {
            int digit = text::hex_digit(digits[digits.size() - 1 - i]);
            if (digit < 0 || i / 2 >= f.bytes) return Error{fmt::format("{}: bad load value", number_text)};
            number.bytes[f.bytes - 1 - i / 2] |= static_cast<uint8_t>(i % 2 ? digit << 4 : digit);
        }
    } else {
        // "0x1/3" loads what stands before the slash.
        auto value = text::parse_u64(number_text.substr(0, number_text.find('/')));
        if (!value) return Error{fmt::format("{}: missing `->' or bad value", text)};
        if (dst.bits < 64 && *value >> dst.bits) {
            return Error{fmt::format("{}: value {:#x} does not fit into {} bits", text, *value, dst.bits)};
        }
        if (f.bytes < 8 && *value >> 8 * f.bytes) {
            return Error{fmt::format("{}: value {:#x} does not fit into {} bits", text, *value, dst.bits)};
        }
        number = FieldValue::from_u64(f, *value);
    }
    FieldValue ones, value, mask;
    ones.bytes.fill(0xff);
    copy_bits(number.bytes.data(), f.bytes, 0, value.bytes.data(), f.bytes, dst.offset, dst.bits);
    copy_bits(ones.bytes.data(), f.bytes, 0, mask.bytes.data(), f.bytes, dst.offset, dst.bits);
    SetField out = SetField::make(dst.field, value, mask);
    out.load = true;
    c.out.push_back(std::move(out));
    return {};
}

Result<void> parse_move(std::string_view text, ParseContext& c) {
    WEFT_ASSIGN(auto parts, split_arrow(text));
    RegMove a;
    WEFT_ASSIGN(a.src, parse_whole_subfield(parts.first));
    WEFT_ASSIGN(a.dst, parse_whole_subfield(parts.second));
    if (a.src.bits != a.dst.bits) {
        return Error{fmt::format("{}: source field is {} bits wide but destination is {} bits wide", text,
                                 a.src.bits, a.dst.bits)};
    }
    if (!field(a.dst.field).writable)
        return Error{fmt::format("{}: destination field is not writable", text)};
    c.out.push_back(a);
    return {};
}

Result<void> parse_push(std::string_view text, ParseContext& c) {
    WEFT_ASSIGN(Subfield s, parse_whole_subfield(text));
    c.out.push_back(StackPush{s});
    return {};
}
Result<void> parse_pop(std::string_view text, ParseContext& c) {
    WEFT_ASSIGN(Subfield s, parse_whole_subfield(text));
    if (!field(s.field).writable)
        return Error{fmt::format("{}: field {} is not writable", text, field(s.field).name)};
    c.out.push_back(StackPop{s});
    return {};
}

Result<void> parse_vlan_vid(std::string_view text, ParseContext& c, bool push) {
    auto vid = text::parse_u64_max(text, 4095);
    if (!vid) return Error{fmt::format("{}: not a valid VLAN VID", text)};
    c.out.push_back(SetVlanVid{static_cast<uint16_t>(*vid), push, false});
    return {};
}
Result<void> parse_vlan_pcp(std::string_view text, ParseContext& c, bool push) {
    auto pcp = text::parse_u64_max(text, 7);
    if (!pcp) return Error{fmt::format("{}: not a valid VLAN PCP", text)};
    c.out.push_back(SetVlanPcp{static_cast<uint8_t>(*pcp), push, false});
    return {};
}
Result<void> parse_mod_vlan_vid(std::string_view text, ParseContext& c) {
    return parse_vlan_vid(text, c, true);
}
Result<void> parse_set_vlan_vid(std::string_view text, ParseContext& c) {
    return parse_vlan_vid(text, c, false);
}
Result<void> parse_mod_vlan_pcp(std::string_view text, ParseContext& c) {
    return parse_vlan_pcp(text, c, true);
}
Result<void> parse_set_vlan_pcp(std::string_view text, ParseContext& c) {
    return parse_vlan_pcp(text, c, false);
}
Result<void> parse_strip_vlan(std::string_view, ParseContext& c) {
    c.out.push_back(StripVlan{true});
    return {};
}
Result<void> parse_pop_vlan(std::string_view, ParseContext& c) {
    c.out.push_back(StripVlan{false});
    return {};
}
Result<void> parse_push_vlan(std::string_view text, ParseContext& c) {
    WEFT_ASSIGN(uint64_t type, parse_number(text, 0xffff, "ethertype"));
    if (type != 0x8100 && type != 0x88a8) return Error{fmt::format("{}: not a valid VLAN ethertype", text)};
    c.out.push_back(PushVlan{static_cast<uint16_t>(type)});
    return {};
}

template <typename T>
Result<void> parse_mac_action(std::string_view text, ParseContext& c) {
    auto address = text::parse_mac(text);
    if (!address) return Error{fmt::format("invalid mac address {}", text)};
    c.out.push_back(T{*address});
    return {};
}
template <typename T>
Result<void> parse_ip_action(std::string_view text, ParseContext& c) {
    auto address = text::parse_ipv4(text);
    if (!address) return Error{fmt::format("{}: could not convert to IP address", text)};
    c.out.push_back(T{*address});
    return {};
}
Result<void> parse_tos(std::string_view text, ParseContext& c) {
    WEFT_ASSIGN(uint64_t tos, parse_number(text, 255, "TOS"));
    if (tos & 3) return Error{fmt::format("{}: not a valid TOS", text)};
    c.out.push_back(SetIpDscp{static_cast<uint8_t>(tos)});
    return {};
}
Result<void> parse_ecn(std::string_view text, ParseContext& c) {
    WEFT_ASSIGN(uint64_t ecn, parse_number(text, 255, "ECN"));
    if (ecn & ~3ull) return Error{fmt::format("{}: not a valid ECN", text)};
    c.out.push_back(SetIpEcn{static_cast<uint8_t>(ecn)});
    return {};
}
Result<void> parse_ttl(std::string_view text, ParseContext& c) {
    WEFT_ASSIGN(uint64_t ttl, parse_number(text, 255, "TTL"));
    c.out.push_back(SetIpTtl{static_cast<uint8_t>(ttl)});
    return {};
}
Result<void> parse_tp_src(std::string_view text, ParseContext& c) {
    WEFT_ASSIGN(uint64_t port, parse_number(text, 65535, "source port"));
    c.out.push_back(SetL4Src{static_cast<uint16_t>(port), 6});
    return {};
}
Result<void> parse_tp_dst(std::string_view text, ParseContext& c) {
    WEFT_ASSIGN(uint64_t port, parse_number(text, 65535, "destination port"));
    c.out.push_back(SetL4Dst{static_cast<uint16_t>(port), 6});
    return {};
}
Result<void> parse_tunnel(std::string_view text, ParseContext& c, bool wide) {
    auto id = text::parse_u64(text);
    if (!id) return Error{fmt::format("invalid numeric format {}", text)};
    c.out.push_back(SetTunnel{*id, wide || *id >> 32});
    return {};
}
Result<void> parse_set_tunnel(std::string_view text, ParseContext& c) {
    return parse_tunnel(text, c, false);
}
Result<void> parse_set_tunnel64(std::string_view text, ParseContext& c) {
    return parse_tunnel(text, c, true);
}

Result<void> parse_dec_ttl(std::string_view text, ParseContext& c) {
    DecTtl a;
    text::Term term;
    while (text::next_term(text, term)) {
        auto id = text::parse_u64_max(term.key, 65535);
        if (!id) return Error{fmt::format("invalid controller id \"{}\"", term.key)};
        if (!a.controllers) a.controllers.emplace();
        a.controllers->push_back(static_cast<uint16_t>(*id));
    }
    c.out.push_back(std::move(a));
    return {};
}
Result<void> parse_mpls_label(std::string_view text, ParseContext& c) {
    auto label = text::parse_u64_max(text, 0xfffff);
    if (!label) return Error{fmt::format("{}: not a valid MPLS label", text)};
    c.out.push_back(SetMplsLabel{static_cast<uint32_t>(*label)});
    return {};
}
Result<void> parse_mpls_tc(std::string_view text, ParseContext& c) {
    auto tc = text::parse_u64_max(text, 7);
    if (!tc) return Error{fmt::format("{}: not a valid MPLS TC", text)};
    c.out.push_back(SetMplsTc{static_cast<uint8_t>(*tc)});
    return {};
}
Result<void> parse_mpls_ttl(std::string_view text, ParseContext& c) {
    auto ttl = text::parse_u64_max(text, 255);
    if (!ttl) return Error{fmt::format("{}: not a valid MPLS TTL", text)};
    c.out.push_back(SetMplsTtl{static_cast<uint8_t>(*ttl)});
    return {};
}
Result<void> parse_dec_mpls_ttl(std::string_view, ParseContext& c) {
    c.out.push_back(DecMplsTtl{});
    return {};
}
Result<void> parse_dec_nsh_ttl(std::string_view, ParseContext& c) {
    c.out.push_back(DecNshTtl{});
    return {};
}
Result<void> parse_push_mpls(std::string_view text, ParseContext& c) {
    WEFT_ASSIGN(uint64_t type, parse_number(text, 0xffff, "push_mpls"));
    c.out.push_back(PushMpls{static_cast<uint16_t>(type)});
    return {};
}
Result<void> parse_pop_mpls(std::string_view text, ParseContext& c) {
    WEFT_ASSIGN(uint64_t type, parse_number(text, 0xffff, "pop_mpls"));
    c.out.push_back(PopMpls{static_cast<uint16_t>(type)});
    return {};
}
Result<void> parse_delete_field(std::string_view text, ParseContext& c) {
    const Field* f = field_by_name(text);
    if (!f) return Error{fmt::format("{} is not a valid OXM field name", text)};
    if (!f->is_tun_metadata()) return Error{fmt::format("{}: can only delete tunnel metadata fields", text)};
    c.out.push_back(DeleteField{f->id});
    return {};
}

Result<void> parse_encap_property(const text::Term& term, Encap& a) {
    EncapProperty p;
    if (a.packet_type == 0x1894f && term.key == "md_type") {
        auto type = text::parse_u64_max(term.value, 255);
        if (!type || *type < 1 || *type > 2) return Error{fmt::format("invalid md_type")};
        p.type = 1;
        p.md_type = static_cast<uint8_t>(*type);
    } else if (a.packet_type == 0x1894f && term.key == "tlv") {
        std::string_view rest = term.value;
        size_t first = rest.find(','), second = first == rest.npos ? first : rest.find(',', first + 1);
        if (second == rest.npos) return Error{fmt::format("Invalid NSH TLV header: {}", term.value)};
        auto tlv_class = text::parse_u64_max(text::trim(rest.substr(0, first)), 0xffff);
        auto tlv_type = text::parse_u64_max(text::trim(rest.substr(first + 1, second - first - 1)), 0xff);
        std::string_view data = text::trim(rest.substr(second + 1));
        if (!tlv_class || !tlv_type || data.substr(0, 2) != "0x") {
            return Error{fmt::format("Invalid NSH TLV header: {}", term.value)};
        }
        data.remove_prefix(2);
        if (data.size() % 2) return Error{fmt::format("Invalid NSH TLV data: {}", data)};
        for (size_t i = 0; i < data.size(); i += 2) {
            int high = text::hex_digit(data[i]), low = text::hex_digit(data[i + 1]);
            if (high < 0 || low < 0) return Error{fmt::format("Invalid NSH TLV data: {}", data)};
            p.data.push_back(static_cast<uint8_t>(high << 4 | low));
        }
        if (p.data.size() > 124) return Error{"NSH TLV data is longer than 124 bytes"};
        p.type = 2;
        p.tlv_class = static_cast<uint16_t>(*tlv_class);
        p.tlv_type = static_cast<uint8_t>(*tlv_type);
    } else {
        return Error{fmt::format("Invalid property: {}", term.key)};
    }
    a.properties.push_back(std::move(p));
    return {};
}

Result<void> parse_encap(std::string_view text, ParseContext& c) {
    Encap a;
    text::Term term;
    if (!text::next_term(text, term)) return Error{"Missing encap hdr: "};
    if (term.key == "ethernet") {
        a.packet_type = 0;
    } else if (term.key == "nsh") {
        a.packet_type = 0x1894f;
    } else if (term.key == "mpls") {
        a.packet_type = 0x18847;
    } else if (term.key == "mpls_mc") {
        a.packet_type = 0x18848;
    } else {
        return Error{fmt::format("Encap hdr not supported: {}", term.key)};
    }
    std::string_view properties = term.value;
    text::Term property;
    while (text::next_term(properties, property)) WEFT_TRY(parse_encap_property(property, a));
    c.out.push_back(std::move(a));
    return {};
}

// The highest namespace of packet types (OpenFlow 1.5, 7.2.3.11) that Debian's takes.
constexpr uint64_t kLastPacketNamespace = 4;

Result<void> parse_decap(std::string_view text, ParseContext& c) {
    Decap a{0xfffe};
    text::Term term;
    if (text::next_term(text, term)) {
        if (term.key != "packet_type") return Error{fmt::format("Invalid decap argument: {}", term.key)};
        std::optional<uint64_t> ns, type;
        std::string_view rest = term.value;
        text::Term part;
        while (text::next_term(rest, part)) {
            auto number = text::parse_u64_max(part.value, 0xffff);
            if (!number || (part.key != "ns" && part.key != "type")) {
                return Error{fmt::format("Invalid packet_type argument: {}", part.key)};
            }
            (part.key == "ns" ? ns : type) = *number;
        }
        if (!ns || !type) return Error{fmt::format("Missing packet_type attribute {}", ns ? "type" : "ns")};
        if (*ns > kLastPacketNamespace) return Error{fmt::format("Unsupported ns value: {}", *ns)};
        a.packet_type = static_cast<uint32_t>(*ns << 16 | *type);
    }
    c.out.push_back(a);
    return {};
}

}  // namespace

const NamedParser kHeaderParsers[] = {
    {"set_field", parse_set_field},
    {"load", parse_load},
    {"move", parse_move},
    {"push", parse_push},
    {"pop", parse_pop},
    {"mod_vlan_vid", parse_mod_vlan_vid},
    {"set_vlan_vid", parse_set_vlan_vid},
    {"mod_vlan_pcp", parse_mod_vlan_pcp},
    {"set_vlan_pcp", parse_set_vlan_pcp},
    {"strip_vlan", parse_strip_vlan},
    {"pop_vlan", parse_pop_vlan},
    {"push_vlan", parse_push_vlan},
    {"mod_dl_src", parse_mac_action<SetEthSrc>},
    {"mod_dl_dst", parse_mac_action<SetEthDst>},
    {"mod_nw_src", parse_ip_action<SetIpSrc>},
    {"mod_nw_dst", parse_ip_action<SetIpDst>},
    {"mod_nw_tos", parse_tos},
    {"mod_nw_ecn", parse_ecn},
    {"mod_nw_ttl", parse_ttl},
    {"mod_tp_src", parse_tp_src},
    {"mod_tp_dst", parse_tp_dst},
    {"set_tunnel", parse_set_tunnel},
    {"set_tunnel64", parse_set_tunnel64},
    {"dec_ttl", parse_dec_ttl},
    {"set_mpls_label", parse_mpls_label},
    {"set_mpls_tc", parse_mpls_tc},
    {"set_mpls_ttl", parse_mpls_ttl},
    {"dec_mpls_ttl", parse_dec_mpls_ttl},
    {"dec_nsh_ttl", parse_dec_nsh_ttl},
    {"push_mpls", parse_push_mpls},
    {"pop_mpls", parse_pop_mpls},
    {"delete_field", parse_delete_field},
    {"encap", parse_encap},
    {"decap", parse_decap},
    {nullptr, nullptr},
};

}  // namespace weft::openflow::actions
