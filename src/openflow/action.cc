// The dispatchers of actions/*: frames of the wire, lists of text.

#include "openflow/action.h"

#include <algorithm>
#include <iterator>

#include "base/hash_map.h"
#include "openflow/actions/codec.h"
#include "openflow/flow_colours.h"

namespace weft::openflow::actions {

size_t begin(EncodeContext& c, uint16_t type) {
    size_t start = c.out.size();
    c.out.u16(type);
    c.out.u16(0);
    return start;
}

size_t begin_nicira(EncodeContext& c, uint16_t subtype) {
    size_t start = begin(c, kExperimenter);
    c.out.u32(kVendorNicira);
    c.out.u16(subtype);
    return start;
}

void end(EncodeContext& c, size_t start) {
    c.out.pad(8, start);
    c.out.patch_u16(start + 2, static_cast<uint16_t>(c.out.size() - start));
}

uint16_t ofs_nbits(const Subfield& s) {
    return static_cast<uint16_t>(s.offset << 6 | ((s.bits - 1) & 63));
}

void encode_field_header(EncodeContext& c, FieldId id, bool nxm) {
    const Field& f = field(id);
    encode_oxm_header(nxm ? f.nxm : f.wire(c.version), false, f.bytes, c.out);
}

bool option_is_mapped(const Field& field, const DecodeContext& c) {
    return !field.is_tun_metadata() || !c.tunnel_table || c.tunnel_table->slot(field.tun_metadata_index());
}

bool option_has(const Subfield& s, const DecodeContext& c) {
    const Field& f = field(s.field);
    if (!f.is_tun_metadata() || !c.tunnel_table) return true;
    const TunnelTable::Slot* slot = c.tunnel_table->slot(f.tun_metadata_index());
    return slot && s.offset + s.bits <= slot->size * 8;
}

OfError decode_field(ByteReader& in, const DecodeContext& c, FieldId& id) {
    OxmHeader header;
    if (!decode_oxm_header(in, header)) return OfError::OFPBAC_BAD_LEN;
    if (!header.field) return OfError::OFPBAC_BAD_SET_TYPE;
    bool option = header.field->is_tun_metadata();  // is as long as the switch has it
    if (header.has_mask ||
        (option ? header.length > header.field->bytes : header.length != header.field->bytes)) {
        return OfError::OFPBAC_BAD_ARGUMENT;
    }
    if (!option_is_mapped(*header.field, c)) return OfError::NXFMFC_INVALID_TLV_FIELD;
    id = header.field->id;
    return OfError::kNone;
}

OfError decode_subfield(ByteReader& in, const DecodeContext& c, uint16_t bits, Subfield& out) {
    if (OfError error = decode_field(in, c, out.field); error != OfError::kNone) return error;
    out.offset = bits >> 6;
    out.bits = static_cast<uint16_t>((bits & 63) + 1);
    return out.offset + out.bits > field(out.field).bits ? OfError::OFPBAC_BAD_ARGUMENT : OfError::kNone;
}

bool all_zeros(ByteView bytes) {
    for (uint8_t byte : bytes) {
        if (byte) return false;
    }
    return true;
}

namespace {

const NumberedDecoder* const kDecoderTables[] = {kOutputDecoders,  kHeaderDecoders,    kControlDecoders,
                                                 kHashingDecoders, kConntrackDecoders, kLearnDecoders};
const NamedParser* const kParserTables[] = {kOutputParsers,  kHeaderParsers,    kControlParsers,
                                            kHashingParsers, kConntrackParsers, kLearnParsers};

Decoder nicira_decoder(uint16_t subtype) {
    static constexpr size_t kMax = 64;
    static const auto kBySubtype = [] {
        std::array<Decoder, kMax> out{};
        for (const NumberedDecoder* table : kDecoderTables) {
            for (; table->decode; table++) out[table->subtype] = table->decode;
        }
        return out;
    }();
    return subtype < kMax ? kBySubtype[subtype] : nullptr;
}

Parser parser(std::string_view name) {
    static const auto kByName = [] {
        HashMap<std::string_view, Parser> out;
        for (const NamedParser* table : kParserTables) {
            for (; table->name; table++) out.emplace(table->name, table->parse);
        }
        return out;
    }();
    auto it = kByName.find(name);
    return it == kByName.end() ? nullptr : it->second;
}

OfError decode_one(uint16_t type, ByteReader& body, DecodeContext& c) {
    if (type == kExperimenter) {
        uint32_t vendor = body.u32();
        if (!body.ok()) return OfError::OFPBAC_BAD_LEN;
        if (vendor == kVendorOnf) {
            // OpenFlow 1.3's copy-field extension (ONF EXT-320).
            uint16_t subtype = body.u16();
            if (subtype != 3200) return OfError::OFPBAC_BAD_VENDOR_TYPE;
            body.skip(2);
            DecodeContext as15{Version::k15, c.tunnel_table, c.depth, c.out};
            OfError error = OfError::kNone;
            decode_standard11(28, body, as15, error);
            return error;
        }
        if (vendor != kVendorNicira) return OfError::OFPBAC_BAD_VENDOR;
        Decoder decode = nicira_decoder(body.u16());
        if (!body.ok()) return OfError::OFPBAC_BAD_LEN;
        return decode ? decode(body, c) : OfError::OFPBAC_BAD_VENDOR_TYPE;
    }
    OfError error = OfError::kNone;
    bool known = c.version == Version::k10 ? decode_standard10(type, body, c, error)
                                           : decode_standard11(type, body, c, error);
    return known ? error : OfError::OFPBAC_BAD_TYPE;
}

// Of an action whose length is wrong: what it is comes first.
OfError misfit(uint16_t type, ByteReader in, const DecodeContext& c) {
    if (type == kExperimenter) {
        uint32_t vendor = in.u32();
        bool known = vendor == kVendorNicira || vendor == kVendorOnf;
        return known ? OfError::OFPBAC_BAD_LEN : OfError::OFPBAC_BAD_VENDOR;
    }
    ActionList none;
    DecodeContext probe{c.version, c.tunnel_table, c.depth, none};
    ByteReader empty({});
    bool known = decode_one(type, empty, probe) != OfError::OFPBAC_BAD_TYPE;
    return known ? OfError::OFPBAC_BAD_LEN : OfError::OFPBAC_BAD_TYPE;
}

}  // namespace

OfError decode_list(ByteView bytes, DecodeContext& c, ActionList& out) {
    if (c.depth >= kMaxDepth) return OfError::OFPBAC_TOO_MANY;
    DecodeContext inner{c.version, c.tunnel_table, c.depth + 1, out};
    constexpr size_t kUsualBytes = 16;  // of an action on the wire
    out.reserve(out.size() + std::min<size_t>(bytes.size() / kUsualBytes, 8));
    ByteReader in(bytes);
    while (!in.empty()) {
        if (in.size() < 8) return OfError::OFPBAC_BAD_LEN;
        uint16_t type = in.u16(), length = in.u16();
        if (length < 8 || length % 8 || in.size() + 4 < length) return misfit(type, in, inner);
        ByteReader body = in.sub(length - 4u);
        if (OfError error = decode_one(type, body, inner); error != OfError::kNone) return error;
    }
    return OfError::kNone;
}

Result<uint64_t> parse_number(std::string_view text, uint64_t max, const char* what) {
    auto value = text::parse_u64_max(text, max);
    if (!value) return Error{fmt::format("invalid {} \"{}\"", what, text)};
    return *value;
}

Result<uint32_t> parse_u32(std::string_view text) {
    auto value = text::parse_u64_max(text, 0xffffffff);
    if (!value) return Error{fmt::format("invalid numeric format {}", text)};
    return static_cast<uint32_t>(*value);
}

Result<std::pair<std::string_view, std::string_view>> split_arrow(std::string_view text) {
    size_t arrow = text.rfind("->");
    if (arrow == text.npos) return Error{fmt::format("{}: missing `->'", text)};
    return std::pair(text::trim(text.substr(0, arrow)), text::trim(text.substr(arrow + 2)));
}

namespace {

// "check_pkt_larger(1500)->reg0[0]": what follows the parentheses belongs to the action.
bool take_arrow(std::string_view& rest, std::string& argument, const text::Term& term) {
    if (term.delimiter != '(' || rest.substr(0, 2) != "->") return false;
    size_t end = rest.find_first_of(", \t\n");
    argument = std::string(term.value) + std::string(rest.substr(0, end));
    rest.remove_prefix(std::min(end, rest.size()));
    return true;
}

// Instructions in the order that OpenFlow 1.1+ executes them; actions are apply_actions.
int instruction_rank(const Action& action) {
    if (holds<Meter>(action.variant())) return 0;
    if (holds<ClearActions>(action.variant())) return 2;
    if (holds<WriteActions>(action.variant())) return 3;
    if (holds<WriteMetadata>(action.variant())) return 4;
    if (holds<GotoTable>(action.variant())) return 5;
    return 1;
}
constexpr const char* kInstructionNames[] = {"meter",         "apply_actions",  "clear_actions",
                                             "write_actions", "write_metadata", "goto_table"};

}  // namespace

Result<void> parse_list(std::string_view text, ParseContext& c) {
    text::Term term;
    bool drop = false;
    size_t before = c.out.size();
    size_t count = 0;
    std::string argument;
    while (text::next_term(text, term)) {
        if (term.bad_parentheses) return Error{fmt::format("{}: missing ')'", term.key)};
        count++;
        std::string_view value = term.value;
        if (take_arrow(text, argument, term)) value = argument;
        if (Parser parse = parser(term.key)) {
            WEFT_TRY(parse(value, c));
        } else if (term.key == "drop") {
            drop = true;
        } else if (term.delimiter == 0) {
            auto port = parse_port(term.key, c.names);
            if (!port) return Error{fmt::format("unknown action {}", term.key)};
            c.out.push_back(Output{*port, static_cast<uint16_t>(*port == kPortController ? 0xffff : 0)});
        } else if (auto port = parse_port(term.key, c.names); port && *port == kPortController) {
            WEFT_TRY(parser("controller")(value, c));
        } else {
            return Error{fmt::format("unknown action {}", term.key)};
        }
    }
    if (drop && count > 1)
        return Error{"\"drop\" must not be accompanied by any other action or instruction"};
    int rank = 0;
    for (size_t i = before; i < c.out.size(); i++) {
        int next = instruction_rank(c.out[i]);
        if (c.instructions) {
            if (next < rank) {
                return Error{
                    fmt::format("invalid instruction ordering: {} must appear before {}, for OpenFlow 1.1+ "
                                "compatibility",
                                kInstructionNames[next], kInstructionNames[rank])};
            }
            if (next == rank && next > 1) {
                return Error{
                    fmt::format("duplicate {} instruction not allowed, for OpenFlow 1.1+ compatibility",
                                kInstructionNames[next])};
            }
            rank = next;
        }
    }
    return {};
}

}  // namespace weft::openflow::actions

namespace weft::openflow {

Action::Action() = default;
Action::Action(const Action& other) = default;
Action::Action(Action&& other) noexcept = default;
Action& Action::operator=(const Action& other) = default;
Action& Action::operator=(Action&& other) noexcept = default;
Action::~Action() = default;
bool Action::operator==(const Action& other) const {
    return variant() == other.variant();
}

using namespace actions;  // NOLINT: the families' encode() and format()

bool is_instruction(const Action& action) {
    const ActionVariant& v = action.variant();
    return holds<ClearActions>(v) || holds<WriteActions>(v) || holds<WriteMetadata>(v) || holds<GotoTable>(v);
}

const char* action_name(const Action& action) {
    static constexpr const char* kNames[] = {"output",
                                             "output",
                                             "output_trunc",
                                             "controller",
                                             "enqueue",
                                             "group",
                                             "set_queue",
                                             "pop_queue",
                                             "meter",
                                             "set_field",
                                             "move",
                                             "push",
                                             "pop",
                                             "set_vlan_vid",
                                             "set_vlan_pcp",
                                             "pop_vlan",
                                             "push_vlan",
                                             "mod_dl_src",
                                             "mod_dl_dst",
                                             "mod_nw_src",
                                             "mod_nw_dst",
                                             "mod_nw_tos",
                                             "mod_nw_ecn",
                                             "mod_nw_ttl",
                                             "mod_tp_src",
                                             "mod_tp_dst",
                                             "set_tunnel",
                                             "dec_ttl",
                                             "set_mpls_label",
                                             "set_mpls_tc",
                                             "set_mpls_ttl",
                                             "dec_mpls_ttl",
                                             "dec_nsh_ttl",
                                             "push_mpls",
                                             "pop_mpls",
                                             "delete_field",
                                             "encap",
                                             "decap",
                                             "resubmit",
                                             "goto_table",
                                             "write_metadata",
                                             "clear_actions",
                                             "write_actions",
                                             "clone",
                                             "exit",
                                             "note",
                                             "conjunction",
                                             "fin_timeout",
                                             "sample",
                                             "check_pkt_larger",
                                             "multipath",
                                             "bundle",
                                             "learn",
                                             "ct",
                                             "nat",
                                             "ct_clear"};
    static_assert(std::size(kNames) == std::variant_size_v<ActionVariant>);
    return kNames[action.index()];
}

void format_actions(const ActionList& actions, const Names* names, std::string& out) {
    FlowPainting painting(out, FlowTextPart::kActions);
    if (actions.empty()) {
        out += "drop";
        return;
    }
    bool first = true;
    for (const Action& action : actions) {
        if (!first) out += ',';
        first = false;
        visit([&](const auto& a) { format(a, names, out); }, action);
    }
}

std::string to_string(const ActionList& actions, const Names* names) {
    std::string out;
    format_actions(actions, names, out);
    return out;
}

namespace {

// A mark or label, which only ct() writes.
bool writes_connection(const Action& action) {
    auto kept = [](FieldId id) { return id == FieldId::kCtMark || id == FieldId::kCtLabel; };
    if (auto* set = action_cast<SetField>(action)) return kept(set->field);
    if (auto* move = action_cast<RegMove>(action)) return kept(move->dst.field);
    if (auto* write = action_cast<WriteActions>(action)) {
        return std::any_of(write->actions.begin(), write->actions.end(), writes_connection);
    }
    return false;
}

}  // namespace

Result<ActionList> parse_actions(std::string_view text, const ActionParseOptions& options) {
    ActionList out;
    ParseContext context{options.names, out, 0, options.instructions};
    WEFT_TRY(parse_list(text, context));
    for (const Action& action : out) {
        if (!options.instructions && is_instruction(action)) {
            return Error{fmt::format("{} instruction not allowed here", action_name(action))};
        }
        if (writes_connection(action)) {
            return Error{"cannot set CT fields outside of ct action"};
        }
    }
    return out;
}

void encode_actions(const ActionList& actions, Version version, ByteWriter& out) {
    EncodeContext context{version, out};
    for (const Action& action : actions) {
        visit([&](const auto& a) { encode(a, context); }, action);
    }
}

namespace {
enum : uint16_t {
    kGotoTable = 1,
    kWriteMetadata = 2,
    kWriteActions = 3,
    kApplyActions = 4,
    kClearActions = 5,
    kMeter = 6
};

size_t begin_list(uint16_t type, ByteWriter& out) {
    size_t start = out.size();
    out.u16(type);
    out.u16(0);
    out.u32(0);
    return start;
}
void end_list(size_t start, ByteWriter& out) {
    out.patch_u16(start + 2, static_cast<uint16_t>(out.size() - start));
}
}  // namespace

void encode_instructions(const ActionList& actions, Version version, ByteWriter& out) {
    if (version == Version::k10) return encode_actions(actions, version, out);
    EncodeContext context{version, out};
    size_t apply = SIZE_MAX;
    auto close_apply = [&] {
        if (apply != SIZE_MAX) end_list(apply, out);
        apply = SIZE_MAX;
    };
    for (const Action& action : actions) {
        const ActionVariant& v = action.variant();
        bool meter_instruction = holds<Meter>(v) && version != Version::k15;
        if (!is_instruction(action) && !meter_instruction) {
            if (apply == SIZE_MAX) apply = begin_list(kApplyActions, out);
            visit([&](const auto& a) { encode(a, context); }, action);
            continue;
        }
        close_apply();
        if (auto* meter = std::get_if<Meter>(&v)) {
            out.u16(kMeter);
            out.u16(8);
            out.u32(meter->meter_id);
        } else if (holds<ClearActions>(v)) {
            out.u16(kClearActions);
            out.u16(8);
            out.u32(0);
        } else if (auto* write = std::get_if<WriteActions>(&v)) {
            size_t start = begin_list(kWriteActions, out);
            encode_actions(write->actions, version, out);
            end_list(start, out);
        } else if (auto* metadata = std::get_if<WriteMetadata>(&v)) {
            size_t start = begin_list(kWriteMetadata, out);
            out.u64(metadata->metadata);
            out.u64(metadata->mask);
            end_list(start, out);
        } else if (auto* go = std::get_if<GotoTable>(&v)) {
            out.u16(kGotoTable);
            out.u16(8);
            out.u8(go->table);
            out.zeros(3);
        }
    }
    close_apply();
}

OfError decode_actions(ByteView bytes, Version version, const ActionDecodeOptions& options,
                       ActionList& actions) {
    DecodeContext context{version, options.tunnel_table, 0, actions};
    if (OfError error = decode_list(bytes, context, actions); error != OfError::kNone) return error;
    for (const Action& action : actions) {
        if (holds<Boxed<Nat>>(action.variant())) return OfError::OFPBAC_BAD_SET_ARGUMENT;
        auto* set = std::get_if<SetField>(&action.variant());
        if (set && (set->field == FieldId::kCtMark || set->field == FieldId::kCtLabel)) {
            return OfError::OFPBAC_BAD_SET_ARGUMENT;
        }
    }
    int rank = 0;
    for (const Action& action : actions) {
        int next = instruction_rank(action);
        if (next < rank && next != 0) return OfError::OFPBAC_UNSUPPORTED_ORDER;
        rank = std::max(rank, next);
    }
    return OfError::kNone;
}

OfError decode_instructions(ByteView bytes, Version version, const ActionDecodeOptions& options,
                            ActionList& actions) {
    if (version == Version::k10) return decode_actions(bytes, version, options, actions);
    ByteView found[7] = {};
    bool present[7] = {};
    ByteReader in(bytes);
    while (!in.empty()) {
        if (in.size() < 8) return OfError::OFPBIC_BAD_LEN;
        uint16_t type = in.u16(), length = in.u16();
        if (length < 8 || length % 8 || in.size() + 4 < length) return OfError::OFPBIC_BAD_LEN;
        ByteView body = in.bytes(length - 4u);
        if (type == kExperimenter) return OfError::OFPBIC_BAD_EXPERIMENTER;
        if (type < kGotoTable || type > kMeter ||
            (type == kMeter && (version < Version::k13 || version == Version::k15))) {
            return OfError::OFPBIC_UNKNOWN_INST;
        }
        if (present[type]) return OfError::OFPBIC_DUP_INST;
        bool fixed = type == kGotoTable || type == kMeter || type == kClearActions;
        if ((fixed && body.size() != 4) || (type == kWriteMetadata && body.size() != 20))
            return OfError::OFPBIC_BAD_LEN;
        present[type] = true;
        found[type] = body;
    }
    if (present[kMeter]) actions.push_back(Meter{load_be32(found[kMeter].data())});
    if (present[kApplyActions]) {
        ActionList list;
        OfError error = decode_actions(found[kApplyActions].subspan(4), version, options, list);
        if (error != OfError::kNone) return error;
        if (actions.empty())
            actions = std::move(list);
        else
            std::move(list.begin(), list.end(), std::back_inserter(actions));
    }
    if (present[kClearActions]) actions.push_back(ClearActions{});
    if (present[kWriteActions]) {
        WriteActions write;
        OfError error = decode_actions(found[kWriteActions].subspan(4), version, options, write.actions);
        if (error != OfError::kNone) return error;
        actions.push_back(std::move(write));
    }
    if (present[kWriteMetadata]) {
        const uint8_t* p = found[kWriteMetadata].data();
        actions.push_back(WriteMetadata{load_be64(p + 4), load_be64(p + 12)});
    }
    if (present[kGotoTable]) actions.push_back(GotoTable{found[kGotoTable][0]});
    return OfError::kNone;
}

}  // namespace weft::openflow
