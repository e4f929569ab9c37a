#include "openflow/actions/learn.h"

#include "openflow/actions/codec.h"

namespace weft::openflow::actions {
namespace {

constexpr uint16_t kNxLearn = 16, kNxLearn2 = 45;
constexpr uint16_t kSpecImmediate = 0x2000, kSpecDstMask = 0x1800, kSpecBits = 0x07ff;

unsigned immediate_bytes(unsigned bits) {
    return (bits + 15) / 16 * 2;
}

void encode_spec(const LearnSpec& spec, EncodeContext& c) {
    c.out.u16(static_cast<uint16_t>((spec.immediate ? kSpecImmediate : 0) |
                                    static_cast<uint16_t>(spec.destination) << 11 | spec.bits));
    if (spec.immediate) {
        c.out.bytes({spec.value.data(), spec.value.size()});
    } else {
        encode_field_header(c, spec.src.field);
        c.out.u16(spec.src.offset);
    }
    if (spec.destination != LearnSpec::Destination::kOutput) {
        encode_field_header(c, spec.dst.field);
        c.out.u16(spec.dst.offset);
    }
}

FieldValue immediate_value(const LearnSpec& spec, const Field& f) {
    FieldValue out;
    size_t size = std::min<size_t>(spec.value.size(), f.bytes);
    std::copy(spec.value.end() - static_cast<long>(size), spec.value.end(),
              out.bytes.begin() + static_cast<long>(f.bytes - size));
    return out;
}

void format_hex_value(const ValueBytes& value, std::string& out) {
    size_t i = 0;
    while (i < value.size() && !value[i]) i++;
    if (i == value.size()) {
        out += '0';
        return;
    }
    text::append(out, "0x{:x}", value[i++]);
    for (; i < value.size(); i++) text::append(out, "{:02x}", value[i]);
}

void format_spec(const LearnSpec& spec, const Names* names, std::string& out) {
    switch (spec.destination) {
        case LearnSpec::Destination::kMatch:
            if (spec.immediate) {
                const Field& f = field(spec.dst.field);
                if (spec.dst.whole()) {
                    out += f.name;
                    out += '=';
                    FieldValue value = immediate_value(spec, f);
                    format_value(f, value, nullptr, names, out);
                } else {
                    format_subfield(spec.dst, out);
                    out += '=';
                    format_hex_value(spec.value, out);
                }
                return;
            }
            format_subfield(spec.dst, out);
            if (spec.src != spec.dst) {
                out += '=';
                format_subfield(spec.src, out);
            }
            return;
        case LearnSpec::Destination::kLoad:
            out += "load:";
            if (spec.immediate) {
                format_hex_value(spec.value, out);
            } else {
                format_subfield(spec.src, out);
            }
            out += "->";
            format_subfield(spec.dst, out);
            return;
        case LearnSpec::Destination::kOutput:
            out += "output:";
            format_subfield(spec.src, out);
            return;
    }
}

}  // namespace

void encode(const Boxed<Learn>& boxed, EncodeContext& c) {
    const Learn& a = *boxed;
    bool second = a.limit || (a.flags & Learn::kWriteResult);
    size_t start = begin_nicira(c, second ? kNxLearn2 : kNxLearn);
    c.out.u16(a.idle_timeout);
    c.out.u16(a.hard_timeout);
    c.out.u16(a.priority);
    c.out.u64(a.cookie);
    c.out.u16(a.flags);
    c.out.u8(a.table);
    c.out.u8(0);
    c.out.u16(a.fin_idle_timeout);
    c.out.u16(a.fin_hard_timeout);
    if (second) {
        c.out.u32(a.limit);
        c.out.u16(a.flags & Learn::kWriteResult ? a.result_dst.offset : 0);
        c.out.zeros(2);
        if (a.flags & Learn::kWriteResult) encode_field_header(c, a.result_dst.field);
    }
    for (const LearnSpec& spec : a.specs) encode_spec(spec, c);
    end(c, start);
}

void format(const Boxed<Learn>& boxed, const Names* names, std::string& out) {
    const Learn& a = *boxed;
    out += "learn(table=";
    format_table(a.table, names, out);
    if (a.idle_timeout) text::append(out, ",idle_timeout={}", a.idle_timeout);
    if (a.hard_timeout) text::append(out, ",hard_timeout={}", a.hard_timeout);
    if (a.fin_idle_timeout) text::append(out, ",fin_idle_timeout={}", a.fin_idle_timeout);
    if (a.fin_hard_timeout) text::append(out, ",fin_hard_timeout={}", a.fin_hard_timeout);
    if (a.priority != 32768) text::append(out, ",priority={}", a.priority);
    if (a.flags & Learn::kSendFlowRem) out += ",send_flow_rem";
    if (a.flags & Learn::kDeleteLearned) out += ",delete_learned";
    if (a.cookie) text::append(out, ",cookie=0x{:x}", a.cookie);
    if (a.limit) text::append(out, ",limit={}", a.limit);
    if (a.flags & Learn::kWriteResult) {
        out += ",result_dst=";
        format_subfield(a.result_dst, out);
    }
    for (const LearnSpec& spec : a.specs) {
        out += ',';
        format_spec(spec, names, out);
    }
    out += ')';
}

namespace {

OfError decode_part(ByteReader& in, const DecodeContext& c, uint16_t bits, Subfield& s) {
    if (OfError error = decode_field(in, c, s.field); error != OfError::kNone) return error;
    s.offset = in.u16();
    s.bits = bits;
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    return s.offset + bits > field(s.field).bits ? OfError::OFPBAC_BAD_ARGUMENT : OfError::kNone;
}

OfError decode_specs(ByteReader& in, const DecodeContext& c, Learn& a) {
    while (in.size() >= 2) {
        uint16_t header = in.u16();
        if (!header) break;
        LearnSpec spec;
        spec.bits = header & kSpecBits;
        spec.immediate = header & kSpecImmediate;
        unsigned destination = (header & kSpecDstMask) >> 11;
        if (destination == 3 || !spec.bits || header & 0xc000) return OfError::OFPBAC_BAD_ARGUMENT;
        spec.destination = static_cast<LearnSpec::Destination>(destination);
        if (spec.immediate) {
            if (spec.destination == LearnSpec::Destination::kOutput) return OfError::OFPBAC_BAD_ARGUMENT;
            ByteView value = in.bytes(immediate_bytes(spec.bits));
            if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
            spec.value.assign(value.begin(), value.end());
        } else if (OfError error = decode_part(in, c, spec.bits, spec.src); error != OfError::kNone) {
            return error;
        }
        if (spec.destination != LearnSpec::Destination::kOutput) {
            if (OfError error = decode_part(in, c, spec.bits, spec.dst); error != OfError::kNone)
                return error;
            if (spec.destination == LearnSpec::Destination::kLoad && !field(spec.dst.field).writable) {
                return OfError::OFPBAC_BAD_ARGUMENT;
            }
        }
        a.specs.push_back(std::move(spec));
    }
    return all_zeros(in.rest()) ? OfError::kNone : OfError::OFPBAC_BAD_ARGUMENT;
}

OfError decode_any_learn(ByteReader& in, DecodeContext& c, bool second) {
    Learn a;
    a.idle_timeout = in.u16();
    a.hard_timeout = in.u16();
    a.priority = in.u16();
    a.cookie = in.u64();
    a.flags = in.u16();
    a.table = in.u8();
    in.skip(1);
    a.fin_idle_timeout = in.u16();
    a.fin_hard_timeout = in.u16();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    uint16_t known = Learn::kSendFlowRem | Learn::kDeleteLearned | (second ? Learn::kWriteResult : 0);
    if (a.flags & ~known || a.table == 0xff) return OfError::OFPBAC_BAD_ARGUMENT;
    if (second) {
        a.limit = in.u32();
        uint16_t offset = in.u16();
        in.skip(2);
        if (a.flags & Learn::kWriteResult) {
            a.result_dst.offset = offset;
            a.result_dst.bits = 1;
            if (OfError error = decode_field(in, c, a.result_dst.field); error != OfError::kNone)
                return error;
            if (offset >= field(a.result_dst.field).bits) return OfError::OFPBAC_BAD_ARGUMENT;
        }
        if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    }
    if (OfError error = decode_specs(in, c, a); error != OfError::kNone) return error;
    c.out.push_back(Boxed<Learn>(std::move(a)));
    return OfError::kNone;
}
OfError decode_learn(ByteReader& in, DecodeContext& c) {
    return decode_any_learn(in, c, false);
}
OfError decode_learn2(ByteReader& in, DecodeContext& c) {
    return decode_any_learn(in, c, true);
}

}  // namespace

const NumberedDecoder kLearnDecoders[] = {{kNxLearn, decode_learn}, {kNxLearn2, decode_learn2}, {0, nullptr}};

// Text.

namespace {

// The `bits` lowest bits of a big-endian value as the wire has immediates.
ValueBytes make_immediate(const FieldValue& value, const Field& f, unsigned bits) {
    ValueBytes out(immediate_bytes(bits), 0);
    copy_bits(value.bytes.data(), f.bytes, 0, out.data(), out.size(), 0, bits);
    return out;
}

Result<void> parse_load_spec(std::string_view text, Learn& a) {
    WEFT_ASSIGN(auto parts, split_arrow(text));
    LearnSpec spec;
    spec.destination = LearnSpec::Destination::kLoad;
    WEFT_ASSIGN(spec.dst, parse_whole_subfield(parts.second));
    const Field& f = field(spec.dst.field);
    if (!f.writable) return Error{fmt::format("{}: destination field is not writable", text)};
    spec.bits = spec.dst.bits;
    if (auto number = text::parse_u64(parts.first)) {
        if (spec.bits < 64 && *number >> spec.bits) {
            return Error{fmt::format("{}: value {:#x} does not fit into {} bits", text, *number, spec.bits)};
        }
        spec.immediate = true;
        spec.value = make_immediate(FieldValue::from_u64(f, *number), f, spec.bits);
        if (f.bytes < 8 && spec.bits > f.bytes * 8u) spec.value.clear();
    } else {
        WEFT_ASSIGN(spec.src, parse_whole_subfield(parts.first));
        if (spec.src.bits != spec.dst.bits) {
            return Error{fmt::format("{}: source field is {} bits wide but destination is {} bits wide", text,
                                     spec.src.bits, spec.dst.bits)};
        }
    }
    a.specs.push_back(std::move(spec));
    return {};
}

Result<void> parse_match_spec(std::string_view key, std::string_view value, bool has_value,
                              const Names* names, Learn& a, std::string_view whole) {
    LearnSpec spec;
    const Field* f = field_by_name(key);
    if (f && has_value) {
        FieldValue v, mask;
        Result<void> parsed = parse_value(*f, value, names, v, mask);
        if (parsed.ok()) {
            if (!is_all_ones(*f, mask)) {
                return Error{fmt::format("{}={}: bad value", key, value)};
            }
            spec.dst = whole_field(f->id);
            spec.bits = spec.dst.bits;
            spec.immediate = true;
            spec.value = make_immediate(v, *f, spec.bits);
            a.specs.push_back(std::move(spec));
            return {};
        }
    }
    std::string_view rest = key;
    Result<Subfield> dst = parse_subfield(rest);
    if (!dst.ok() || !rest.empty()) return Error{fmt::format("{}: unknown keyword {}", whole, key)};
    spec.dst = *dst;
    spec.bits = dst->bits;
    if (!has_value) {
        spec.src = spec.dst;
    } else if (auto number = text::parse_u64(value)) {
        const Field& g = field(dst->field);
        if (spec.bits < 64 && *number >> spec.bits) {
            return Error{fmt::format("{}={}: value does not fit into {} bits", key, value, spec.bits)};
        }
        spec.immediate = true;
        spec.value = make_immediate(FieldValue::from_u64(g, *number), g, spec.bits);
    } else {
        WEFT_ASSIGN(spec.src, parse_whole_subfield(value));
        if (spec.src.bits != spec.dst.bits) {
            return Error{fmt::format("{}: bit widths of {} ({}) and {} ({}) differ", whole, key,
                                     spec.dst.bits, value, spec.src.bits)};
        }
    }
    a.specs.push_back(std::move(spec));
    return {};
}

Result<void> parse_learn_term(const text::Term& term, std::string_view whole, ParseContext& c, Learn& a) {
    auto u16 = [&](uint16_t& out) -> Result<void> {
        auto value = text::parse_u64_max(term.value, 65535);
        if (!value) return Error{fmt::format("invalid {} \"{}\"", term.key, term.value)};
        out = static_cast<uint16_t>(*value);
        return {};
    };
    if (term.key == "table") {
        auto table = parse_table(term.value, c.names);
        if (!table) return Error{fmt::format("unknown table \"{}\"", term.value)};
        if (*table == 255) return Error{fmt::format("{}: table id 255 not valid for `learn' action", whole)};
        a.table = *table;
        return {};
    }
    if (term.key == "priority") return u16(a.priority);
    if (term.key == "idle_timeout") return u16(a.idle_timeout);
    if (term.key == "hard_timeout") return u16(a.hard_timeout);
    if (term.key == "fin_idle_timeout") return u16(a.fin_idle_timeout);
    if (term.key == "fin_hard_timeout") return u16(a.fin_hard_timeout);
    if (term.key == "cookie") {
        auto cookie = text::parse_u64(term.value);
        if (!cookie) return Error{fmt::format("invalid numeric format {}", term.value)};
        a.cookie = *cookie;
        return {};
    }
    if (term.key == "send_flow_rem") {
        a.flags |= Learn::kSendFlowRem;
        return {};
    }
    if (term.key == "delete_learned") {
        a.flags |= Learn::kDeleteLearned;
        return {};
    }
    if (term.key == "limit") {
        WEFT_ASSIGN(a.limit, parse_u32(term.value));
        return {};
    }
    if (term.key == "result_dst") {
        WEFT_ASSIGN(a.result_dst, parse_whole_subfield(term.value));
        if (a.result_dst.bits != 1) return Error{"result_dst in 'learn' action must be a single bit"};
        a.flags |= Learn::kWriteResult;
        return {};
    }
    if (term.key == "load") return parse_load_spec(term.value, a);
    if (term.key == "output") {
        LearnSpec spec;
        spec.destination = LearnSpec::Destination::kOutput;
        WEFT_ASSIGN(spec.src, parse_whole_subfield(term.value));
        spec.bits = spec.src.bits;
        a.specs.push_back(std::move(spec));
        return {};
    }
    return parse_match_spec(term.key, term.value, term.delimiter != 0, c.names, a, whole);
}

Result<void> parse_learn(std::string_view text, ParseContext& c) {
    Learn a;
    std::string_view rest = text;
    text::Term term;
    while (text::next_term(rest, term)) WEFT_TRY(parse_learn_term(term, text, c, a));
    // Switches read no more than four bytes of a field's identity there.
    auto expressible = [](FieldId id) { return !field(id).nxm.experimenter && !field(id).oxm.experimenter; };
    for (const LearnSpec& spec : a.specs) {
        bool source = spec.immediate || expressible(spec.src.field);
        bool destination = spec.destination == LearnSpec::Destination::kOutput || expressible(spec.dst.field);
        if (source && destination) continue;
        return Error{fmt::format("{}: experimenter OXM field '{}' not supported", text,
                                 field(source ? spec.dst.field : spec.src.field).name)};
    }
    c.out.push_back(Boxed<Learn>(std::move(a)));
    return {};
}

}  // namespace

const NamedParser kLearnParsers[] = {{"learn", parse_learn}, {nullptr, nullptr}};

}  // namespace weft::openflow::actions
