#include "openflow/actions/conntrack.h"

#include <cstring>

#include "openflow/actions/codec.h"

namespace weft::openflow {

bool Ct::operator==(const Ct& o) const {
    return commit == o.commit && force == o.force && zone_src == o.zone_src && zone_imm == o.zone_imm &&
           recirc_table == o.recirc_table && alg == o.alg && actions == o.actions;
}

}  // namespace weft::openflow

namespace weft::openflow::actions {
namespace {

constexpr uint16_t kNxCt = 35, kNxNat = 36, kNxCtClear = 43;
constexpr uint16_t kCtCommit = 1, kCtForce = 2;
constexpr uint16_t kAlgFtp = 21, kAlgTftp = 69;
enum : uint16_t {
    kRangeIpv4Min = 1,
    kRangeIpv4Max = 2,
    kRangeIpv6Min = 4,
    kRangeIpv6Max = 8,
    kRangeProtoMin = 16,
    kRangeProtoMax = 32
};

bool is_zero(const packet::Ipv6Addr& address) {
    return address == packet::Ipv6Addr{};
}
uint32_t ipv4(const packet::Ipv6Addr& address) {
    return load_be32(address.data());
}

}  // namespace

void encode(const Boxed<Ct>& boxed, EncodeContext& c) {
    const Ct& a = *boxed;
    size_t start = begin_nicira(c, kNxCt);
    c.out.u16(static_cast<uint16_t>((a.commit ? kCtCommit : 0) | (a.force ? kCtForce : 0)));
    if (a.zone_src.valid()) {
        encode_field_header(c, a.zone_src.field);
        c.out.u16(ofs_nbits(a.zone_src));
    } else {
        c.out.u32(0);
        c.out.u16(a.zone_imm);
    }
    c.out.u8(a.recirc_table);
    c.out.zeros(3);
    c.out.u16(a.alg);
    encode_actions(a.actions, c.version, c.out);
    end(c, start);
}

void format(const Boxed<Ct>& boxed, const Names* names, std::string& out) {
    const Ct& a = *boxed;
    out += "ct(";
    size_t start = out.size();
    if (a.commit) out += "commit,";
    if (a.force) out += "force,";
    if (a.recirc_table != Ct::kNoRecirculation) {
        out += "table=";
        format_table(a.recirc_table, names, out);
        out += ',';
    }
    if (a.zone_src.valid()) {
        out += "zone=";
        format_subfield(a.zone_src, out);
        out += ',';
    } else if (a.zone_imm) {
        text::append(out, "zone={},", a.zone_imm);
    }
    ActionList exec;
    for (const Action& action : a.actions) {
        if (auto* nat = std::get_if<Boxed<Nat>>(&action.variant())) {
            format(*nat, names, out);
            out += ',';
        } else {
            exec.push_back(action);
        }
    }
    if (!exec.empty()) {
        out += "exec(";
        format_actions(exec, names, out);
        out += "),";
    }
    if (a.alg == kAlgFtp) {
        out += "alg=ftp,";
    } else if (a.alg == kAlgTftp) {
        out += "alg=tftp,";
    } else if (a.alg) {
        text::append(out, "alg={},", a.alg);
    }
    if (out.size() != start) {
        out.pop_back();
        out += ')';
    } else {
        out.pop_back();  // "ct" alone
    }
}

void encode(const Boxed<Nat>& boxed, EncodeContext& c) {
    const Nat& a = *boxed;
    size_t start = begin_nicira(c, kNxNat);
    c.out.zeros(2);
    c.out.u16(a.flags);
    uint16_t present = 0;
    if (a.family == Nat::Family::kIpv4) present |= kRangeIpv4Min;
    if (a.family == Nat::Family::kIpv4 && !is_zero(a.max)) present |= kRangeIpv4Max;
    if (a.family == Nat::Family::kIpv6) present |= kRangeIpv6Min;
    if (a.family == Nat::Family::kIpv6 && !is_zero(a.max)) present |= kRangeIpv6Max;
    if (a.port_min) present |= kRangeProtoMin;
    if (a.port_max) present |= kRangeProtoMax;
    c.out.u16(present);
    if (present & kRangeIpv4Min) c.out.u32(ipv4(a.min));
    if (present & kRangeIpv4Max) c.out.u32(ipv4(a.max));
    if (present & kRangeIpv6Min) c.out.bytes(a.min);
    if (present & kRangeIpv6Max) c.out.bytes(a.max);
    if (present & kRangeProtoMin) c.out.u16(a.port_min);
    if (present & kRangeProtoMax) c.out.u16(a.port_max);
    end(c, start);
}

void format(const Boxed<Nat>& boxed, const Names*, std::string& out) {
    const Nat& a = *boxed;
    out += "nat";
    if (!(a.flags & (Nat::kSrc | Nat::kDst))) return;
    out += '(';
    out += a.flags & Nat::kSrc ? "src" : "dst";
    if (a.family != Nat::Family::kNone) {
        bool v6 = a.family == Nat::Family::kIpv6, brackets = v6 && a.port_min;
        auto address = [&](const packet::Ipv6Addr& bytes) {
            if (brackets) out += '[';
            if (v6) {
                text::format_ipv6(bytes, out);
            } else {
                text::format_ipv4(ipv4(bytes), out);
            }
            if (brackets) out += ']';
        };
        out += '=';
        address(a.min);
        if (!is_zero(a.max) && a.max != a.min) {
            out += '-';
            address(a.max);
        }
    }
    if (a.port_min) {
        text::append(out, "{}{}", a.family == Nat::Family::kNone ? "=:" : ":", a.port_min);
        if (a.port_max && a.port_max != a.port_min) text::append(out, "-{}", a.port_max);
    }
    // How to choose is told where there is a choice, as by Open vSwitch.
    if (a.family != Nat::Family::kNone || a.port_min) {
        if (a.flags & Nat::kPersistent) out += ",persistent";
        if (a.flags & Nat::kHash) out += ",hash";
        if (a.flags & Nat::kRandom) out += ",random";
    }
    out += ')';
}

void encode(const CtClear&, EncodeContext& c) {
    end(c, begin_nicira(c, kNxCtClear));
}
void format(const CtClear&, const Names*, std::string& out) {
    out += "ct_clear";
}

// Decoding.

namespace {

// What may stand in ct(): nat, and changes of the connection's mark and label.
bool sets_ct_field(FieldId id) {
    return id == FieldId::kCtMark || id == FieldId::kCtLabel;
}
bool fits_ct(const Action& action) {
    if (holds<Boxed<Nat>>(action.variant())) return true;
    if (auto* set = std::get_if<SetField>(&action.variant())) return sets_ct_field(set->field);
    if (auto* move = std::get_if<RegMove>(&action.variant())) return sets_ct_field(move->dst.field);
    return false;
}

// Without commit only a nat without arguments has an effect.
bool commit_is_needed(const Ct& ct) {
    for (const Action& action : ct.actions) {
        auto* nat = action_cast<Nat>(action);
        if (!nat || nat->flags || nat->family != Nat::Family::kNone) return true;
    }
    return false;
}

OfError decode_ct(ByteReader& in, DecodeContext& c) {
    Ct a;
    uint16_t flags = in.u16();
    a.commit = flags & kCtCommit;
    a.force = flags & kCtForce;
    if (a.force && !a.commit) return OfError::OFPBAC_BAD_ARGUMENT;
    if (in.size() >= 4 && load_be32(in.rest().data()) == 0) {
        in.skip(4);
        a.zone_imm = in.u16();
    } else {
        if (OfError error = decode_field(in, c, a.zone_src.field); error != OfError::kNone) return error;
        uint16_t bits = in.u16();
        a.zone_src.offset = bits >> 6;
        a.zone_src.bits = static_cast<uint16_t>((bits & 63) + 1);
        if (a.zone_src.offset + a.zone_src.bits > field(a.zone_src.field).bits || a.zone_src.bits != 16) {
            return OfError::OFPBAC_BAD_SET_LEN;
        }
    }
    a.recirc_table = in.u8();
    in.skip(3);
    a.alg = in.u16();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    if (OfError error = decode_list(in.rest(), c, a.actions); error != OfError::kNone) return error;
    for (const Action& action : a.actions) {
        if (!fits_ct(action)) return OfError::OFPBAC_BAD_ARGUMENT;
    }
    if (!a.commit && commit_is_needed(a)) return OfError::OFPBAC_BAD_ARGUMENT;
    c.out.push_back(Boxed<Ct>(std::move(a)));
    return OfError::kNone;
}

OfError decode_nat(ByteReader& in, DecodeContext& c) {
    if (!all_zeros(in.bytes(2))) return OfError::NXBRC_MUST_BE_ZERO;
    Nat a;
    a.flags = in.u16();
    uint16_t present = in.u16();
    if ((a.flags & Nat::kSrc) && (a.flags & Nat::kDst)) return OfError::OFPBAC_BAD_ARGUMENT;
    if (a.flags & ~31) return OfError::OFPBAC_BAD_ARGUMENT;
    bool v4 = present & (kRangeIpv4Min | kRangeIpv4Max), v6 = present & (kRangeIpv6Min | kRangeIpv6Max);
    if ((v4 && v6) || ((present & kRangeIpv4Max) && !(present & kRangeIpv4Min)) ||
        ((present & kRangeIpv6Max) && !(present & kRangeIpv6Min)) ||
        ((present & kRangeProtoMax) && !(present & kRangeProtoMin))) {
        return OfError::OFPBAC_BAD_ARGUMENT;
    }
    auto take = [&](packet::Ipv6Addr& address, size_t size) {
        ByteView bytes = in.bytes(size);
        std::copy(bytes.begin(), bytes.end(), address.begin());
    };
    if (present & kRangeIpv4Min) take(a.min, 4);
    if (present & kRangeIpv4Max) take(a.max, 4);
    if (present & kRangeIpv6Min) take(a.min, 16);
    if (present & kRangeIpv6Max) take(a.max, 16);
    if (v4) a.family = Nat::Family::kIpv4;
    if (v6) a.family = Nat::Family::kIpv6;
    if (present & kRangeProtoMin) a.port_min = in.u16();
    if (present & kRangeProtoMax) a.port_max = in.u16();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    if (!is_zero(a.max) && std::memcmp(a.min.data(), a.max.data(), 16) > 0)
        return OfError::OFPBAC_BAD_ARGUMENT;
    if (a.port_max && a.port_min > a.port_max) return OfError::OFPBAC_BAD_ARGUMENT;
    if (!(a.flags & (Nat::kSrc | Nat::kDst)) && (present || a.flags)) return OfError::OFPBAC_BAD_ARGUMENT;
    c.out.push_back(Boxed<Nat>(std::move(a)));
    return OfError::kNone;
}

OfError decode_ct_clear(ByteReader&, DecodeContext& c) {
    c.out.push_back(CtClear{});
    return OfError::kNone;
}

}  // namespace

const NumberedDecoder kConntrackDecoders[] = {
    {kNxCt, decode_ct}, {kNxNat, decode_nat}, {kNxCtClear, decode_ct_clear}, {0, nullptr}};

// Text.

namespace {

Result<void> parse_nat_range(std::string_view text, Nat& a) {
    std::string_view original = text;
    auto bad = [&] { return Error{fmt::format("invalid NAT range \"{}\"", original)}; };
    auto address = [&](packet::Ipv6Addr& out) -> bool {
        bool bracket = !text.empty() && text[0] == '[';
        size_t end;
        std::string_view word;
        if (bracket) {
            end = text.find(']');
            if (end == text.npos) return false;
            word = text.substr(1, end - 1);
            text.remove_prefix(end + 1);
        } else {
            bool v6_plain = text.find('.') == text.npos;  // without brackets an IPv6 address has no port
            end = text.find_first_of(v6_plain ? "-" : "-:");
            word = text.substr(0, end);
            text.remove_prefix(word.size());
        }
        if (auto v4 = text::parse_ipv4(word); v4 && !bracket) {
            if (a.family == Nat::Family::kIpv6) return false;
            a.family = Nat::Family::kIpv4;
            store_be32(out.data(), *v4);
            return true;
        }
        auto v6 = text::parse_ipv6(word);
        if (!v6 || a.family == Nat::Family::kIpv4) return false;
        a.family = Nat::Family::kIpv6;
        out = *v6;
        return true;
    };
    if (!text.empty() && (text[0] != ':' || text.substr(0, 2) == "::")) {
        if (!address(a.min)) return bad();
        if (!text.empty() && text[0] == '-') {
            text.remove_prefix(1);
            if (!address(a.max)) return bad();
            if (std::memcmp(a.min.data(), a.max.data(), 16) > 0) return bad();
        }
    }
    if (text.empty()) return {};
    if (text[0] != ':') return bad();
    text.remove_prefix(1);
    size_t dash = text.find('-');
    auto low = text::parse_u64_max(text.substr(0, dash), 65535);
    auto high =
        dash == text.npos ? std::optional<uint64_t>(0) : text::parse_u64_max(text.substr(dash + 1), 65535);
    if (!low || !high || (*high && *low > *high)) return bad();
    a.port_min = static_cast<uint16_t>(*low);
    a.port_max = static_cast<uint16_t>(*high);
    return {};
}

Result<void> parse_nat(std::string_view text, ParseContext& c) {
    Nat a;
    text::Term term;
    while (text::next_term(text, term)) {
        if (term.key == "src" || term.key == "dst") {
            if (a.flags & (Nat::kSrc | Nat::kDst))
                return Error{"May only specify one of \"src\" or \"dst\"."};
            a.flags |= term.key == "src" ? Nat::kSrc : Nat::kDst;
            if (!term.value.empty()) WEFT_TRY(parse_nat_range(term.value, a));
        } else if (term.key == "persistent") {
            a.flags |= Nat::kPersistent;
        } else if (term.key == "hash") {
            a.flags |= Nat::kHash;
        } else if (term.key == "random") {
            a.flags |= Nat::kRandom;
        } else {
            return Error{fmt::format("invalid key \"{}\" in \"nat\" argument", term.key)};
        }
    }
    if ((a.flags & Nat::kHash) && (a.flags & Nat::kRandom)) {
        return Error{"Both \"hash\" and \"random\" are not allowed."};
    }
    if (a.flags && !(a.flags & (Nat::kSrc | Nat::kDst))) {
        return Error{"Flags allowed only with \"src\" or \"dst\"."};
    }
    c.out.push_back(Boxed<Nat>(std::move(a)));
    return {};
}

Result<void> parse_top_level_nat(std::string_view, ParseContext&) {
    return Error{"Cannot have NAT action outside of \"ct\" action"};
}

Result<void> parse_ct_exec(std::string_view text, ParseContext& c) {
    size_t before = c.out.size();
    if (c.depth >= kMaxDepth) return Error{"actions are nested too deeply"};
    ParseContext inner{c.names, c.out, c.depth + 1, false};
    WEFT_TRY(parse_list(text, inner));
    for (size_t i = before; i < c.out.size(); i++) {
        if (!fits_ct(c.out[i])) {
            return Error{fmt::format("ct action doesn't support nested action {}", action_name(c.out[i]))};
        }
    }
    return {};
}

Result<void> parse_ct(std::string_view text, ParseContext& c) {
    Ct a;
    ParseContext inner{c.names, a.actions, c.depth + 1, false};
    text::Term term;
    while (text::next_term(text, term)) {
        if (term.key == "commit") {
            a.commit = true;
        } else if (term.key == "force") {
            a.force = true;
        } else if (term.key == "table") {
            auto table = parse_table(term.value, c.names);
            if (!table) return Error{fmt::format("unknown table {}", term.value)};
            if (*table == Ct::kNoRecirculation) return Error{fmt::format("invalid table {:#x}", *table)};
            a.recirc_table = *table;
        } else if (term.key == "zone") {
            if (auto zone = text::parse_u64_max(term.value, 65535)) {
                a.zone_imm = static_cast<uint16_t>(*zone);
            } else {
                WEFT_ASSIGN(a.zone_src, parse_whole_subfield(term.value));
                if (a.zone_src.bits != 16) {
                    return Error{
                        fmt::format("zone must be 16 bits, but {} is {} bits", term.value, a.zone_src.bits)};
                }
            }
        } else if (term.key == "alg") {
            if (term.value == "ftp") {
                a.alg = kAlgFtp;
            } else if (term.value == "tftp") {
                a.alg = kAlgTftp;
            } else {
                WEFT_ASSIGN(uint64_t alg, parse_number(term.value, 65535, "alg"));
                a.alg = static_cast<uint16_t>(alg);
            }
        } else if (term.key == "nat") {
            WEFT_TRY(parse_nat(term.value, inner));
        } else if (term.key == "exec") {
            WEFT_TRY(parse_ct_exec(term.value, inner));
        } else {
            return Error{fmt::format("invalid argument to \"ct\" action: `{}'", term.key)};
        }
    }
    if (a.force && !a.commit) return Error{"\"force\" flag requires \"commit\" flag."};
    c.out.push_back(Boxed<Ct>(std::move(a)));
    return {};
}

Result<void> parse_ct_clear(std::string_view, ParseContext& c) {
    c.out.push_back(CtClear{});
    return {};
}

}  // namespace

const NamedParser kConntrackParsers[] = {
    {"ct", parse_ct}, {"nat", parse_top_level_nat}, {"ct_clear", parse_ct_clear}, {nullptr, nullptr}};

}  // namespace weft::openflow::actions
