#include "openflow/actions/output.h"

#include "openflow/actions/codec.h"
#include "openflow/messages/packet.h"

namespace weft::openflow::actions {
namespace {

constexpr uint16_t kNxSetQueue = 4, kNxPopQueue = 5, kNxOutputReg = 15, kNxController = 20,
                   kNxOutputReg2 = 32, kNxController2 = 37, kNxOutputTrunc = 39, kNxGroup = 40;
enum : uint16_t {
    kPropMaxLen = 0,
    kPropId = 1,
    kPropReason = 2,
    kPropUserdata = 3,
    kPropPause = 4,
    kPropMeter = 5
};

struct ReasonName {
    PacketInReason reason;
    const char* name;
};
constexpr ReasonName kReasons[] = {
    {PacketInReason::kNoMatch, "no_match"},
    {PacketInReason::kAction, "action"},
    {PacketInReason::kInvalidTtl, "invalid_ttl"},
    {PacketInReason::kActionSet, "action_set"},
    {PacketInReason::kGroup, "group"},
    {PacketInReason::kPacketOut, "packet_out"},
};

OfError check_port(uint32_t port) {
    bool good = port < kPortMax10 || (port >= kPortInPort && port <= kPortLocal) || port == kPortNone;
    return good ? OfError::kNone : OfError::OFPBAC_BAD_OUT_PORT;
}

}  // namespace

void encode(const Output& a, EncodeContext& c) {
    size_t start = begin(c, 0);
    if (c.version == Version::k10) {
        c.out.u16(port_to_of10(a.port));
        c.out.u16(a.max_len);
    } else {
        c.out.u32(a.port);
        c.out.u16(a.max_len);
        c.out.zeros(6);
    }
    end(c, start);
}

void format(const Output& a, const Names* names, std::string& out) {
    if (a.port < kPortMax) out += "output:";
    format_port(a.port, names, out);
    if (a.port == kPortController) {
        out += ':';
        text::append_decimal(out, a.max_len);
    }
}

void encode(const OutputReg& a, EncodeContext& c) {
    bool wide = field(a.source.field).nxm.oxm_class == 0xffff;
    size_t start = begin_nicira(c, wide ? kNxOutputReg2 : kNxOutputReg);
    c.out.u16(ofs_nbits(a.source));
    if (wide) {
        c.out.u16(a.max_len);
        encode_field_header(c, a.source.field);
    } else {
        encode_field_header(c, a.source.field);
        c.out.u16(a.max_len);
        c.out.zeros(6);
    }
    end(c, start);
}

void format(const OutputReg& a, const Names*, std::string& out) {
    out += "output:";
    format_subfield(a.source, out);
}

void encode(const OutputTrunc& a, EncodeContext& c) {
    size_t start = begin_nicira(c, kNxOutputTrunc);
    c.out.u16(port_to_of10(a.port));
    c.out.u32(a.max_len);
    end(c, start);
}

void format(const OutputTrunc& a, const Names* names, std::string& out) {
    out += "output(port=";
    format_port(a.port, names, out);
    text::append(out, ",max_len={})", a.max_len);
}

void encode(const Boxed<Controller>& boxed, EncodeContext& c) {
    const Controller& a = *boxed;
    if (a.userdata.empty() && !a.pause && a.meter_id == 0xffffffff) {
        size_t start = begin_nicira(c, kNxController);
        c.out.u16(a.max_len);
        c.out.u16(a.controller_id);
        c.out.u8(static_cast<uint8_t>(a.reason));
        c.out.u8(0);
        end(c, start);
        return;
    }
    size_t start = begin_nicira(c, kNxController2);
    c.out.zeros(6);
    auto property = [&](uint16_t type, auto&& body) {
        size_t at = c.out.size();
        c.out.u16(type);
        c.out.u16(0);
        body();
        c.out.patch_u16(at + 2, static_cast<uint16_t>(c.out.size() - at));
        c.out.pad(8, at);
    };
    // Two bytes come with two of padding that belong to the property.
    if (a.max_len != 0xffff) property(kPropMaxLen, [&] { c.out.u32(uint32_t{a.max_len} << 16); });
    if (a.controller_id) property(kPropId, [&] { c.out.u32(uint32_t{a.controller_id} << 16); });
    if (a.reason != PacketInReason::kAction)
        property(kPropReason, [&] { c.out.u8(static_cast<uint8_t>(a.reason)); });
    if (!a.userdata.empty()) property(kPropUserdata, [&] { c.out.bytes(a.userdata); });
    if (a.pause) property(kPropPause, [] {});
    if (a.meter_id != 0xffffffff) property(kPropMeter, [&] { c.out.u32(a.meter_id); });
    end(c, start);
}

void format(const Boxed<Controller>& boxed, const Names*, std::string& out) {
    const Controller& a = *boxed;
    if (a.reason == PacketInReason::kAction && a.userdata.empty() && !a.pause && a.meter_id == 0xffffffff &&
        !a.controller_id) {
        text::append(out, "CONTROLLER:{}", a.max_len);
        return;
    }
    out += "controller(";
    size_t start = out.size();
    if (a.reason != PacketInReason::kAction) {
        text::append(out, "reason={},", packet_in_reason_name(a.reason));
    }
    if (a.max_len != 0xffff) text::append(out, "max_len={},", a.max_len);
    if (a.controller_id) text::append(out, "id={},", a.controller_id);
    if (!a.userdata.empty()) {
        out += "userdata=";
        for (size_t i = 0; i < a.userdata.size(); i++)
            text::append(out, "{}{:02x}", i ? "." : "", a.userdata[i]);
        out += ',';
    }
    if (a.pause) out += "pause,";
    if (a.meter_id != 0xffffffff) text::append(out, "meter_id={},", a.meter_id);
    if (out.size() != start) out.pop_back();
    out += ')';
}

void encode(const Enqueue& a, EncodeContext& c) {
    if (c.version == Version::k10) {
        size_t start = begin(c, 11);
        c.out.u16(port_to_of10(a.port));
        c.out.zeros(6);
        c.out.u32(a.queue);
        end(c, start);
        return;
    }
    encode(SetQueue{a.queue}, c);
    encode(Output{a.port, 0xffff}, c);
    encode(PopQueue{}, c);
}

void format(const Enqueue& a, const Names* names, std::string& out) {
    out += "enqueue:";
    format_port(a.port, names, out);
    text::append(out, ":{}", a.queue);
}

void encode(const Group& a, EncodeContext& c) {
    size_t start = c.version == Version::k10 ? begin_nicira(c, kNxGroup) : begin(c, 22);
    if (c.version == Version::k10) c.out.zeros(2);
    c.out.u32(a.group_id);
    end(c, start);
}

void format(const Group& a, const Names*, std::string& out) {
    text::append(out, "group:{}", a.group_id);
}

void encode(const SetQueue& a, EncodeContext& c) {
    size_t start;
    if (c.version == Version::k10) {
        start = begin_nicira(c, kNxSetQueue);
        c.out.zeros(2);
    } else {
        start = begin(c, 21);
    }
    c.out.u32(a.queue);
    end(c, start);
}

void format(const SetQueue& a, const Names*, std::string& out) {
    text::append(out, "set_queue:{}", a.queue);
}

void encode(const PopQueue&, EncodeContext& c) {
    end(c, begin_nicira(c, kNxPopQueue));
}

void format(const PopQueue&, const Names*, std::string& out) {
    out += "pop_queue";
}

// OpenFlow 1.3 and 1.4 have it as an instruction, written by encode_instructions().
void encode(const Meter& a, EncodeContext& c) {
    if (c.version != Version::k15) return;
    size_t start = begin(c, 29);
    c.out.u32(a.meter_id);
    end(c, start);
}

void format(const Meter& a, const Names*, std::string& out) {
    text::append(out, "meter:{}", a.meter_id);
}

// Decoding.

namespace {

OfError decode_output10(ByteReader& in, DecodeContext& c) {
    uint32_t port = port_from_of10(in.u16());
    uint16_t max_len = in.u16();
    if (!in.ok() || !in.empty()) return OfError::OFPBAC_BAD_LEN;
    c.out.push_back(Output{port, max_len});
    return check_port(port);
}

OfError decode_output11(ByteReader& in, DecodeContext& c) {
    uint32_t port = in.u32();
    uint16_t max_len = in.u16();
    in.skip(6);
    if (!in.ok() || !in.empty()) return OfError::OFPBAC_BAD_LEN;
    c.out.push_back(Output{port, max_len});
    return check_port(port);
}

OfError decode_enqueue(ByteReader& in, DecodeContext& c) {
    uint32_t port = port_from_of10(in.u16());
    in.skip(6);
    uint32_t queue = in.u32();
    if (!in.ok() || !in.empty()) return OfError::OFPBAC_BAD_LEN;
    if (port >= kPortMax && port != kPortInPort && port != kPortLocal) return OfError::OFPBAC_BAD_OUT_PORT;
    c.out.push_back(Enqueue{port, queue});
    return OfError::kNone;
}

OfError decode_group(ByteReader& in, DecodeContext& c) {
    uint32_t group = in.u32();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    c.out.push_back(Group{group});
    return OfError::kNone;
}

OfError decode_nx_group(ByteReader& in, DecodeContext& c) {
    in.skip(2);
    return decode_group(in, c);
}

OfError decode_set_queue(ByteReader& in, DecodeContext& c) {
    uint32_t queue = in.u32();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    c.out.push_back(SetQueue{queue});
    return OfError::kNone;
}

OfError decode_nx_set_queue(ByteReader& in, DecodeContext& c) {
    in.skip(2);
    return decode_set_queue(in, c);
}

OfError decode_pop_queue(ByteReader&, DecodeContext& c) {
    c.out.push_back(PopQueue{});
    return OfError::kNone;
}

OfError decode_meter(ByteReader& in, DecodeContext& c) {
    uint32_t meter = in.u32();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    c.out.push_back(Meter{meter});
    return OfError::kNone;
}

OfError decode_output_reg(ByteReader& in, DecodeContext& c) {
    uint16_t bits = in.u16();
    OutputReg a;
    if (OfError error = decode_subfield(in, c, bits, a.source); error != OfError::kNone) return error;
    a.max_len = in.u16();
    if (!all_zeros(in.bytes(6))) return OfError::OFPBAC_BAD_ARGUMENT;
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    c.out.push_back(a);
    return OfError::kNone;
}

OfError decode_output_reg2(ByteReader& in, DecodeContext& c) {
    uint16_t bits = in.u16();
    OutputReg a;
    a.max_len = in.u16();
    if (OfError error = decode_subfield(in, c, bits, a.source); error != OfError::kNone) return error;
    if (!all_zeros(in.rest())) return OfError::NXBRC_MUST_BE_ZERO;
    c.out.push_back(a);
    return OfError::kNone;
}

OfError decode_output_trunc(ByteReader& in, DecodeContext& c) {
    uint32_t port = port_from_of10(in.u16());
    uint32_t max_len = in.u32();
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    if (max_len < 14) return OfError::OFPBAC_BAD_ARGUMENT;
    c.out.push_back(OutputTrunc{port, max_len});
    return port < kPortMax10 || port == kPortInPort || port == kPortLocal ? OfError::kNone
                                                                          : OfError::OFPBAC_BAD_OUT_PORT;
}

OfError decode_controller(ByteReader& in, DecodeContext& c) {
    Controller a;
    a.max_len = in.u16();
    a.controller_id = in.u16();
    a.reason = static_cast<PacketInReason>(in.u8());
    if (!in.ok()) return OfError::OFPBAC_BAD_LEN;
    c.out.push_back(Boxed<Controller>(std::move(a)));
    return OfError::kNone;
}

OfError decode_controller2(ByteReader& in, DecodeContext& c) {
    Controller a;
    if (!all_zeros(in.bytes(6))) return OfError::NXBRC_MUST_BE_ZERO;
    while (!in.empty()) {
        uint16_t type = in.u16(), length = in.u16();
        size_t padded = (length + 7u) / 8 * 8;
        if (!in.ok() || length < 4 || in.size() + 4 < padded) return OfError::OFPBPC_BAD_LEN;
        ByteReader body(in.bytes(padded - 4).first(length - 4u));
        switch (type) {
            case kPropMaxLen:
                a.max_len = body.u16();
                break;
            case kPropId:
                a.controller_id = body.u16();
                break;
            case kPropReason:
                a.reason = static_cast<PacketInReason>(body.u8());
                break;
            case kPropUserdata:
                a.userdata.assign(body.rest().begin(), body.rest().end());
                break;
            case kPropPause:
                a.pause = true;
                break;
            case kPropMeter:
                a.meter_id = body.u32();
                break;
            default:
                return OfError::OFPBPC_BAD_TYPE;
        }
        if (!body.ok()) return OfError::OFPBPC_BAD_LEN;
    }
    c.out.push_back(Boxed<Controller>(std::move(a)));
    return OfError::kNone;
}

}  // namespace

const NumberedDecoder kOutputDecoders[] = {
    {kNxSetQueue, decode_nx_set_queue},
    {kNxPopQueue, decode_pop_queue},
    {kNxOutputReg, decode_output_reg},
    {kNxController, decode_controller},
    {kNxOutputReg2, decode_output_reg2},
    {kNxController2, decode_controller2},
    {kNxGroup, decode_nx_group},
    {kNxOutputTrunc, decode_output_trunc},
    {0, nullptr},
};

bool decode_standard10(uint16_t type, ByteReader& body, DecodeContext& c, OfError& error) {
    if (type == 0) {
        error = decode_output10(body, c);
    } else if (type == 11) {
        error = decode_enqueue(body, c);
    } else {
        return decode_header10(type, body, c, error);
    }
    return true;
}

bool decode_standard11(uint16_t type, ByteReader& body, DecodeContext& c, OfError& error) {
    switch (type) {
        case 0:
            error = decode_output11(body, c);
            return true;
        case 21:
            error = decode_set_queue(body, c);
            return true;
        case 22:
            error = decode_group(body, c);
            return true;
        case 29:
            if (c.version != Version::k15) return false;
            error = decode_meter(body, c);
            return true;
        default:
            return decode_header11(type, body, c, error);
    }
}

// Text.

namespace {

Result<void> parse_output(std::string_view text, ParseContext& c) {
    if (text.find("port") != text.npos && text.find("max_len") != text.npos) {
        OutputTrunc a;
        text::Term term;
        std::string_view rest = text;
        while (text::next_term(rest, term)) {
            if (term.key == "port") {
                auto port = parse_port(term.value, c.names);
                if (!port) return Error{fmt::format("output to unknown truncate port: {}", term.value)};
                if (*port >= kPortMax && *port != kPortLocal && *port != kPortInPort) {
                    return Error{"output to unsupported truncate port: " + std::string(term.value)};
                }
                a.port = *port;
            } else if (term.key == "max_len") {
                WEFT_ASSIGN(a.max_len, parse_u32(term.value));
            } else {
                return Error{fmt::format("invalid key '{}' in output_trunc argument", term.key)};
            }
        }
        if (a.max_len < 14)
            return Error{fmt::format("max_len {} is less than the minimum value 14", a.max_len)};
        c.out.push_back(a);
        return {};
    }
    if (auto port = parse_port(text, c.names)) {
        c.out.push_back(Output{*port, static_cast<uint16_t>(*port == kPortController ? 0xffff : 0)});
        return {};
    }
    auto source = parse_whole_subfield(text);
    if (!source.ok()) return Error{fmt::format("{}: output to unknown port", text)};
    c.out.push_back(OutputReg{*source, 0xffff});
    return {};
}

std::optional<PacketInReason> reason_by_name(std::string_view name) {
    for (const ReasonName& reason : kReasons) {
        if (text::equals_ignoring_case(name, reason.name)) return reason.reason;
    }
    return std::nullopt;
}

Result<void> parse_hex_bytes(std::string_view text, Bytes& out, const char* what) {
    while (!text.empty()) {
        if (text[0] == '.') {
            text.remove_prefix(1);
            continue;
        }
        int high = text::hex_digit(text[0]), low = text.size() > 1 ? text::hex_digit(text[1]) : -1;
        if (high < 0 || low < 0) return Error{fmt::format("bad hex digit in `{}' argument", what)};
        out.push_back(static_cast<uint8_t>(high << 4 | low));
        text.remove_prefix(2);
    }
    return {};
}

Result<void> parse_controller(std::string_view text, ParseContext& c) {
    Controller a;
    if (text.empty()) {
        c.out.push_back(Output{kPortController, 0xffff});
        return {};
    }
    if (text[0] >= '0' && text[0] <= '9') {
        auto max_len = parse_number(text, 65535, "max_len");
        if (!max_len.ok()) return max_len.error();
        c.out.push_back(Output{kPortController, static_cast<uint16_t>(*max_len)});
        return {};
    }
    text::Term term;
    while (text::next_term(text, term)) {
        if (term.key == "reason") {
            auto reason = reason_by_name(term.value);
            if (!reason) return Error{fmt::format("unknown reason \"{}\"", term.value)};
            a.reason = *reason;
        } else if (term.key == "max_len") {
            WEFT_ASSIGN(uint64_t v, parse_number(term.value, 65535, "max_len"));
            a.max_len = static_cast<uint16_t>(v);
        } else if (term.key == "id") {
            WEFT_ASSIGN(uint64_t v, parse_number(term.value, 65535, "id"));
            a.controller_id = static_cast<uint16_t>(v);
        } else if (term.key == "userdata") {
            WEFT_TRY(parse_hex_bytes(term.value, a.userdata, "userdata"));
        } else if (term.key == "pause") {
            a.pause = true;
        } else if (term.key == "meter_id") {
            WEFT_ASSIGN(a.meter_id, parse_u32(term.value));
        } else {
            return Error{fmt::format("unknown key \"{}\" parsing controller action", term.key)};
        }
    }
    if (a.reason == PacketInReason::kAction && !a.controller_id && a.userdata.empty() && !a.pause &&
        a.meter_id == 0xffffffff) {
        c.out.push_back(Output{kPortController, a.max_len});
    } else {
        c.out.push_back(Boxed<Controller>(std::move(a)));
    }
    return {};
}

Result<void> parse_enqueue(std::string_view text, ParseContext& c) {
    size_t split = text.find_first_of(":,");
    if (split == text.npos) {
        return Error{"\"enqueue\" syntax is \"enqueue:PORT:QUEUE\" or \"enqueue(PORT,QUEUE)\""};
    }
    auto port = parse_port(text.substr(0, split), c.names);
    if (!port) return Error{fmt::format("{}: enqueue to unknown port", text.substr(0, split))};
    WEFT_ASSIGN(uint32_t queue, parse_u32(text.substr(split + 1)));
    c.out.push_back(Enqueue{*port, queue});
    return {};
}

Result<void> parse_group(std::string_view text, ParseContext& c) {
    WEFT_ASSIGN(uint32_t group, parse_u32(text));
    c.out.push_back(Group{group});
    return {};
}

Result<void> parse_set_queue(std::string_view text, ParseContext& c) {
    WEFT_ASSIGN(uint32_t queue, parse_u32(text));
    c.out.push_back(SetQueue{queue});
    return {};
}

Result<void> parse_pop_queue(std::string_view, ParseContext& c) {
    c.out.push_back(PopQueue{});
    return {};
}

Result<void> parse_meter(std::string_view text, ParseContext& c) {
    WEFT_ASSIGN(uint32_t meter, parse_u32(text));
    c.out.push_back(Meter{meter});
    return {};
}

}  // namespace

const NamedParser kOutputParsers[] = {
    {"output", parse_output},       {"controller", parse_controller}, {"CONTROLLER", parse_controller},
    {"enqueue", parse_enqueue},     {"group", parse_group},           {"set_queue", parse_set_queue},
    {"pop_queue", parse_pop_queue}, {"meter", parse_meter},           {nullptr, nullptr},
};

}  // namespace weft::openflow::actions

namespace weft::openflow {

const char* packet_in_reason_name(PacketInReason reason) {
    switch (reason) {
        case PacketInReason::kNoMatch:
        case PacketInReason::kExplicitMiss:
        case PacketInReason::kImplicitMiss:
            return "no_match";
        case PacketInReason::kAction:
            return "action";
        case PacketInReason::kInvalidTtl:
            return "invalid_ttl";
        case PacketInReason::kActionSet:
            return "action_set";
        case PacketInReason::kGroup:
            return "group";
        case PacketInReason::kPacketOut:
            return "packet_out";
    }
    return "unknown";
}

}  // namespace weft::openflow
