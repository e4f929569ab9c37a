#include "openflow/actions/control.h"

#include "openflow/actions/action_set.h"
#include "openflow/actions/codec.h"

namespace weft::openflow {

bool WriteActions::operator==(const WriteActions& other) const {
    return actions == other.actions;
}
bool Clone::operator==(const Clone& other) const {
    return actions == other.actions;
}

}  // namespace weft::openflow

namespace weft::openflow::actions {
namespace {

constexpr uint16_t kNxResubmit = 1, kNxNote = 8, kNxResubmitTable = 14, kNxExit = 17, kNxFinTimeout = 19,
                   kNxWriteMetadata = 22, kNxSample = 29, kNxConjunction = 34, kNxSample2 = 38,
                   kNxSample3 = 41, kNxClone = 42, kNxResubmitTableCt = 44, kNxCheckPktLarger = 49;

void encode_all(const ActionList& list, EncodeContext& c) {
    encode_actions(list, c.version, c.out);
}

}  // namespace

void encode(const Resubmit& a, EncodeContext& c) {
    bool plain = a.table == kTableAll && !a.with_ct_orig;
    size_t start = begin_nicira(c, plain            ? kNxResubmit
                                   : a.with_ct_orig ? kNxResubmitTableCt
                                                    : kNxResubmitTable);
    c.out.u16(port_to_of10(a.in_port));
    c.out.u8(plain ? 0 : a.table);
    end(c, start);
}

void format(const Resubmit& a, const Names* names, std::string& out) {
    if (a.in_port != kPortInPort && a.table == kTableAll && !a.with_ct_orig) {
        out += "resubmit:";
        format_port(a.in_port, names, out);
        return;
    }
    out += "resubmit(";
    if (a.in_port != kPortInPort) format_port(a.in_port, names, out);
    out += ',';
    if (a.table != kTableAll) format_table(a.table, names, out);
    if (a.with_ct_orig) out += ",ct";
    out += ')';
}

// Instructions of 1.1+ are written by encode_instructions(); in 1.0 Nicira's actions do their work.
void encode(const GotoTable& a, EncodeContext& c) {
    if (c.version == Version::k10) encode(Resubmit{kPortInPort, a.table, false}, c);
}
void format(const GotoTable& a, const Names* names, std::string& out) {
    out += "goto_table:";
    format_table(a.table, names, out);
}

void encode(const WriteMetadata& a, EncodeContext& c) {
    if (c.version != Version::k10) return;
    size_t start = begin_nicira(c, kNxWriteMetadata);
    c.out.zeros(6);
    c.out.u64(a.metadata);
    c.out.u64(a.mask);
    end(c, start);
}
void format(const WriteMetadata& a, const Names*, std::string& out) {
    out += "write_metadata:";
    text::append_hex(out, a.metadata);
    if (a.mask != ~0ull) {
        out += '/';
        text::append_hex(out, a.mask);
    }
}

void encode(const ClearActions&, EncodeContext&) {}
void format(const ClearActions&, const Names*, std::string& out) {
    out += "clear_actions";
}

void encode(const WriteActions&, EncodeContext&) {}
void format(const WriteActions& a, const Names* names, std::string& out) {
    out += "write_actions(";
    format_actions(a.actions, names, out);
    out += ')';
}

void encode(const Clone& a, EncodeContext& c) {
    size_t start = begin_nicira(c, kNxClone);
    c.out.zeros(6);
    encode_all(a.actions, c);
    end(c, start);
}
void format(const Clone& a, const Names* names, std::string& out) {
    out += "clone(";
    format_actions(a.actions, names, out);
    out += ')';
}

void encode(const Exit&, EncodeContext& c) {
    end(c, begin_nicira(c, kNxExit));
}
void format(const Exit&, const Names*, std::string& out) {
    out += "exit";
}

void encode(const Note& a, EncodeContext& c) {
    size_t start = begin_nicira(c, kNxNote);
    c.out.bytes(a.data);
    end(c, start);
}
void format(const Note& a, const Names*, std::string& out) {
    out += "note:";
    for (size_t i = 0; i < a.data.size(); i++) text::append(out, "{}{:02x}", i ? "." : "", a.data[i]);
}

void encode(const Conjunction& a, EncodeContext& c) {
    size_t start = begin_nicira(c, kNxConjunction);
    c.out.u8(a.clause);
    c.out.u8(a.clauses);
    c.out.u32(a.id);
    end(c, start);
}
void format(const Conjunction& a, const Names*, std::string& out) {
    text::append(out, "conjunction({},{}/{})", a.id, a.clause + 1, a.clauses);
}

void encode(const FinTimeout& a, EncodeContext& c) {
    size_t start = begin_nicira(c, kNxFinTimeout);
    c.out.u16(a.idle_timeout);
    c.out.u16(a.hard_timeout);
    end(c, start);
}
void format(const FinTimeout& a, const Names*, std::string& out) {
    out += "fin_timeout(";
    if (a.idle_timeout) text::append(out, "idle_timeout={}", a.idle_timeout);
    if (a.idle_timeout && a.hard_timeout) out += ',';
    if (a.hard_timeout) text::append(out, "hard_timeout={}", a.hard_timeout);
    out += ')';
}

void encode(const Sample& a, EncodeContext& c) {
    bool directed = a.direction != Sample::Direction::kDefault;
    bool plain = a.sampling_port == kPortNone && !directed;
    size_t start = begin_nicira(c, plain ? kNxSample : directed ? kNxSample3 : kNxSample2);
    c.out.u16(a.probability);
    c.out.u32(a.collector_set_id);
    c.out.u32(a.obs_domain_id);
    c.out.u32(a.obs_point_id);
    if (!plain) {
        c.out.u16(port_to_of10(a.sampling_port));
        c.out.u8(static_cast<uint8_t>(a.direction));
    }
    end(c, start);
}
void format(const Sample& a, const Names* names, std::string& out) {
    text::append(out, "sample(probability={},collector_set_id={},obs_domain_id={},obs_point_id={}",
                 a.probability, a.collector_set_id, a.obs_domain_id, a.obs_point_id);
    if (a.sampling_port != kPortNone) {
        out += ",sampling_port=";
        format_port(a.sampling_port, names, out);
    }
    if (a.direction == Sample::Direction::kIngress) out += ",ingress";
    if (a.direction == Sample::Direction::kEgress) out += ",egress";
    out += ')';
}

void encode(const CheckPktLarger& a, EncodeContext& c) {
    size_t start = begin_nicira(c, kNxCheckPktLarger);
    c.out.u16(a.length);
    c.out.u16(a.dst.offset);
    encode_field_header(c, a.dst.field);
    end(c, start);
}
void format(const CheckPktLarger& a, const Names*, std::string& out) {
    text::append(out, "check_pkt_larger({})->", a.length);
    format_subfield(a.dst, out);
}

// Decoding.

namespace {

OfError decode_resubmit(ByteReader& in, DecodeContext& c) {
    uint32_t port = port_from_of10(in.u16());
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    c.out.push_back(Resubmit{port, kTableAll, false});
    return OfError::kNone;
}
OfError decode_resubmit_to(ByteReader& in, DecodeContext& c, bool ct) {
    uint32_t port = port_from_of10(in.u16());
    uint8_t table = in.u8();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    if (!all_zeros(in.rest())) return OfError::OFPBAC_BAD_ARGUMENT;
    c.out.push_back(Resubmit{port, table, ct});
    return OfError::kNone;
}
OfError decode_resubmit_table(ByteReader& in, DecodeContext& c) {
    return decode_resubmit_to(in, c, false);
}
OfError decode_resubmit_ct(ByteReader& in, DecodeContext& c) {
    return decode_resubmit_to(in, c, true);
}
OfError decode_note(ByteReader& in, DecodeContext& c) {
    c.out.push_back(Note{Bytes(in.rest().begin(), in.rest().end())});
    return OfError::kNone;
}
OfError decode_exit(ByteReader&, DecodeContext& c) {
    c.out.push_back(Exit{});
    return OfError::kNone;
}
OfError decode_fin_timeout(ByteReader& in, DecodeContext& c) {
    FinTimeout a;
    a.idle_timeout = in.u16();
    a.hard_timeout = in.u16();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    c.out.push_back(a);
    return OfError::kNone;
}
OfError decode_write_metadata(ByteReader& in, DecodeContext& c) {
    if (!all_zeros(in.bytes(6))) return OfError::NXBRC_MUST_BE_ZERO;
    WriteMetadata a;
    a.metadata = in.u64();
    a.mask = in.u64();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    c.out.push_back(a);
    return OfError::kNone;
}
OfError decode_any_sample(ByteReader& in, DecodeContext& c, int form) {
    Sample a;
    a.probability = in.u16();
    a.collector_set_id = in.u32();
    a.obs_domain_id = in.u32();
    a.obs_point_id = in.u32();
    if (form >= 2) a.sampling_port = port_from_of10(in.u16());
    if (form >= 3) {
        uint8_t direction = in.u8();
        if (direction > 2) return OfError::OFPBAC_BAD_ARGUMENT;
        a.direction = static_cast<Sample::Direction>(direction);
    }
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    if (!a.probability) return OfError::OFPBAC_BAD_ARGUMENT;
    c.out.push_back(a);
    return OfError::kNone;
}
OfError decode_sample(ByteReader& in, DecodeContext& c) {
    return decode_any_sample(in, c, 1);
}
OfError decode_sample2(ByteReader& in, DecodeContext& c) {
    return decode_any_sample(in, c, 2);
}
OfError decode_sample3(ByteReader& in, DecodeContext& c) {
    return decode_any_sample(in, c, 3);
}
OfError decode_conjunction(ByteReader& in, DecodeContext& c) {
    Conjunction a;
    a.clause = in.u8();
    a.clauses = in.u8();
    a.id = in.u32();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    if (a.clauses < 2 || a.clauses > 64 || a.clause >= a.clauses) return OfError::NXBAC_BAD_CONJUNCTION;
    c.out.push_back(a);
    return OfError::kNone;
}
OfError decode_clone(ByteReader& in, DecodeContext& c) {
    in.skip(6);
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    Clone a;
    if (OfError error = decode_list(in.rest(), c, a.actions); error != OfError::kNone) return error;
    c.out.push_back(std::move(a));
    return OfError::kNone;
}
OfError decode_check_pkt_larger(ByteReader& in, DecodeContext& c) {
    CheckPktLarger a;
    a.length = in.u16();
    a.dst.offset = in.u16();
    a.dst.bits = 1;
    if (OfError error = decode_field(in, c, a.dst.field); error != OfError::kNone) return error;
    if (a.dst.offset >= field(a.dst.field).bits) return OfError::OFPBAC_BAD_ARGUMENT;
    c.out.push_back(a);
    return OfError::kNone;
}

}  // namespace

const NumberedDecoder kControlDecoders[] = {
    {kNxResubmit, decode_resubmit},
    {kNxNote, decode_note},
    {kNxResubmitTable, decode_resubmit_table},
    {kNxExit, decode_exit},
    {kNxFinTimeout, decode_fin_timeout},
    {kNxWriteMetadata, decode_write_metadata},
    {kNxSample, decode_sample},
    {kNxConjunction, decode_conjunction},
    {kNxSample2, decode_sample2},
    {kNxSample3, decode_sample3},
    {kNxClone, decode_clone},
    {kNxResubmitTableCt, decode_resubmit_ct},
    {kNxCheckPktLarger, decode_check_pkt_larger},
    {0, nullptr},
};

// Text.

namespace {

Result<void> parse_resubmit(std::string_view text, ParseContext& c) {
    Resubmit a;
    size_t comma = text.find(',');
    std::string_view port = text::trim(text.substr(0, comma));
    if (!port.empty()) {
        auto number = parse_port(port, c.names);
        if (!number) return Error{fmt::format("{}: resubmit to unknown port", port)};
        a.in_port = *number;
    }
    bool has_table = false;
    if (comma != text.npos) {
        std::string_view rest = text.substr(comma + 1);
        comma = rest.find(',');
        std::string_view table = text::trim(rest.substr(0, comma));
        if (!table.empty()) {
            auto number = parse_table(table, c.names);
            if (!number) return Error{fmt::format("{}: resubmit to unknown table", table)};
            a.table = *number;
            has_table = *number != kTableAll;
        }
        if (comma != rest.npos) {
            std::string_view ct = text::trim(rest.substr(comma + 1));
            if (ct != "ct") return Error{fmt::format("{}: unknown parameter", ct)};
            a.with_ct_orig = true;
        }
    }
    if (a.in_port == kPortInPort && !has_table) {
        return Error{"at least one \"in_port\" or \"table\" must be specified on resubmit"};
    }
    c.out.push_back(a);
    return {};
}

Result<void> parse_goto_table(std::string_view text, ParseContext& c) {
    auto table = parse_table(text, c.names);
    if (!table) return Error{fmt::format("unknown table \"{}\"", text)};
    c.out.push_back(GotoTable{*table});
    return {};
}

Result<void> parse_write_metadata(std::string_view text, ParseContext& c) {
    size_t slash = text.find('/');
    auto value = text::parse_u64(text.substr(0, slash));
    auto mask = slash == text.npos ? std::optional<uint64_t>(~0ull) : text::parse_u64(text.substr(slash + 1));
    if (!value || !mask) return Error{fmt::format("invalid numeric format {}", text)};
    c.out.push_back(WriteMetadata{*value, *mask});
    return {};
}

Result<void> parse_clear_actions(std::string_view, ParseContext& c) {
    c.out.push_back(ClearActions{});
    return {};
}

Result<void> parse_nested(std::string_view text, ParseContext& c, ActionList& out) {
    if (c.depth >= kMaxDepth) return Error{"actions are nested too deeply"};
    ParseContext inner{c.names, out, c.depth + 1, false};
    return parse_list(text, inner);
}

Result<void> parse_write_actions(std::string_view text, ParseContext& c) {
    WriteActions a;
    WEFT_TRY(parse_nested(text, c, a.actions));
    for (const Action& action : a.actions) {
        if (!fits_action_set(action)) {
            return Error{
                fmt::format("write_actions action doesn't support nested action {}", action_name(action))};
        }
    }
    if (!a.actions.empty()) c.out.push_back(std::move(a));
    return {};
}

Result<void> parse_apply_actions(std::string_view, ParseContext&) {
    return Error{"apply_actions is the default instruction"};
}

Result<void> parse_clone(std::string_view text, ParseContext& c) {
    Clone a;
    WEFT_TRY(parse_nested(text, c, a.actions));
    c.out.push_back(std::move(a));
    return {};
}

Result<void> parse_exit(std::string_view, ParseContext& c) {
    c.out.push_back(Exit{});
    return {};
}

Result<void> parse_note(std::string_view text, ParseContext& c) {
    Note a;
    while (!text.empty()) {
        if (text[0] == '.') text.remove_prefix(1);
        if (text.empty()) break;
        int high = text::hex_digit(text[0]), low = text.size() > 1 ? text::hex_digit(text[1]) : -1;
        if (high < 0 || low < 0) return Error{"bad hex digit in `note' argument"};
        a.data.push_back(static_cast<uint8_t>(high << 4 | low));
        text.remove_prefix(2);
    }
    while (a.data.size() % 8 != 6) a.data.push_back(0);
    c.out.push_back(std::move(a));
    return {};
}

Result<void> parse_conjunction(std::string_view text, ParseContext& c) {
    size_t comma = text.find(','), slash = text.find('/');
    if (comma == text.npos || slash == text.npos || slash < comma) {
        return Error{"\"conjunction\" syntax is \"conjunction(id,i/n)\""};
    }
    auto id = text::parse_u64_max(text::trim(text.substr(0, comma)), 0xffffffff);
    auto clause = text::parse_u64_max(text::trim(text.substr(comma + 1, slash - comma - 1)), 255);
    auto clauses = text::parse_u64_max(text::trim(text.substr(slash + 1)), 255);
    if (!id || !clause || !clauses) return Error{"\"conjunction\" syntax is \"conjunction(id,i/n)\""};
    if (*clauses < 2) return Error{"conjunction must have at least 2 clauses"};
    if (*clauses > 64) return Error{"conjunction must have at most 64 clauses"};
    if (*clause < 1) return Error{"clause index must be positive"};
    if (*clause > *clauses) return Error{"clause index must be less than or equal to number of clauses"};
    c.out.push_back(Conjunction{static_cast<uint32_t>(*id), static_cast<uint8_t>(*clause - 1),
                                static_cast<uint8_t>(*clauses)});
    return {};
}

Result<void> parse_fin_timeout(std::string_view text, ParseContext& c) {
    FinTimeout a;
    text::Term term;
    while (text::next_term(text, term)) {
        bool idle = term.key == "idle_timeout";
        if (!idle && term.key != "hard_timeout") {
            return Error{fmt::format("invalid key '{}' in 'fin_timeout' argument", term.key)};
        }
        WEFT_ASSIGN(uint64_t value, parse_number(term.value, 65535, idle ? "idle_timeout" : "hard_timeout"));
        (idle ? a.idle_timeout : a.hard_timeout) = static_cast<uint16_t>(value);
    }
    c.out.push_back(a);
    return {};
}

Result<void> parse_sample(std::string_view text, ParseContext& c) {
    Sample a;
    text::Term term;
    while (text::next_term(text, term)) {
        if (term.key == "probability") {
            auto value = text::parse_u64_max(term.value, 65535);
            if (!value || !*value) return Error{fmt::format("invalid probability value \"{}\"", term.value)};
            a.probability = static_cast<uint16_t>(*value);
        } else if (term.key == "collector_set_id") {
            WEFT_ASSIGN(a.collector_set_id, parse_u32(term.value));
        } else if (term.key == "obs_domain_id") {
            WEFT_ASSIGN(a.obs_domain_id, parse_u32(term.value));
        } else if (term.key == "obs_point_id") {
            WEFT_ASSIGN(a.obs_point_id, parse_u32(term.value));
        } else if (term.key == "sampling_port") {
            auto port = parse_port(term.value, c.names);
            if (!port) return Error{fmt::format("{}: unknown port", term.value)};
            a.sampling_port = *port;
        } else if (term.key == "ingress") {
            a.direction = Sample::Direction::kIngress;
        } else if (term.key == "egress") {
            a.direction = Sample::Direction::kEgress;
        } else {
            return Error{fmt::format("invalid key \"{}\" in \"sample\" argument", term.key)};
        }
    }
    if (!a.probability) return Error{"non-zero \"probability\" must be specified on sample"};
    c.out.push_back(a);
    return {};
}

Result<void> parse_check_pkt_larger(std::string_view text, ParseContext& c) {
    // "1500)->reg0[0]" loses its parenthesis to the list's parser: see parse_list().
    WEFT_ASSIGN(auto parts, split_arrow(text));
    auto length = text::parse_u64_max(text::trim(parts.first), 65535);
    if (!length) return Error{fmt::format("invalid check_pkt_larger length \"{}\"", parts.first)};
    CheckPktLarger a;
    a.length = static_cast<uint16_t>(*length);
    WEFT_ASSIGN(a.dst, parse_whole_subfield(parts.second));
    if (a.dst.bits != 1) return Error{"Only 1-bit destination field is allowed"};
    c.out.push_back(a);
    return {};
}

}  // namespace

const NamedParser kControlParsers[] = {
    {"resubmit", parse_resubmit},
    {"goto_table", parse_goto_table},
    {"write_metadata", parse_write_metadata},
    {"clear_actions", parse_clear_actions},
    {"write_actions", parse_write_actions},
    {"apply_actions", parse_apply_actions},
    {"clone", parse_clone},
    {"exit", parse_exit},
    {"note", parse_note},
    {"conjunction", parse_conjunction},
    {"fin_timeout", parse_fin_timeout},
    {"sample", parse_sample},
    {"check_pkt_larger", parse_check_pkt_larger},
    {nullptr, nullptr},
};

}  // namespace weft::openflow::actions
