// Flows as text: ovs-ofctl(8) "Flow Syntax" and the lines of dump-flows.

#include "openflow/action_check.h"
#include "openflow/flag_text.h"
#include "openflow/flow_colours.h"
#include "openflow/messages/flow.h"
#include "openflow/messages/packet.h"
#include "openflow/names.h"
#include "openflow/text.h"

namespace weft::openflow {
namespace {

// What the terms of a flow have set that its command decides about.
struct Parser {
    FlowMod mod;
    const Names* names;
    bool has_actions = false;
    bool cookie_given = false;

    Result<void> term(const text::Term& term);
    Result<bool> keyword(std::string_view key, std::string_view value);
};

Result<uint16_t> parse_u16(std::string_view text, std::string_view name) {
    auto value = text::parse_u64_max(text, 65535);
    if (!value) return Error{fmt::format("invalid {} \"{}\"", name, text)};
    return static_cast<uint16_t>(*value);
}

Result<uint64_t> parse_u64(std::string_view text) {
    auto value = text::parse_u64(text);
    if (!value && text == "-1") return ~0ull;
    if (!value) return Error{fmt::format("invalid numeric format {}", text)};
    return *value;
}

uint16_t flag_by_name(std::string_view key) {
    if (key == "send_flow_rem") return kFlowSendRemoved;
    if (key == "check_overlap") return kFlowCheckOverlap;
    if (key == "reset_counts") return kFlowResetCounts;
    if (key == "no_packet_counts") return kFlowNoPacketCounts;
    if (key == "no_byte_counts") return kFlowNoByteCounts;
    return 0;
}

// True if the term is one of the flow's own, not its match's.
Result<bool> Parser::keyword(std::string_view key, std::string_view value) {
    if (key == "table") {
        auto table = parse_table(value, names);
        if (!table) return Error{fmt::format("unknown table \"{}\"", value)};
        mod.table = *table;
    } else if (key == "priority") {
        WEFT_ASSIGN(mod.priority, parse_u16(value, key));
    } else if (key == "idle_timeout") {
        WEFT_ASSIGN(mod.idle_timeout, parse_u16(value, key));
    } else if (key == "hard_timeout") {
        WEFT_ASSIGN(mod.hard_timeout, parse_u16(value, key));
    } else if (key == "importance") {
        WEFT_ASSIGN(mod.importance, parse_u16(value, key));
    } else if (key == "cookie") {
        size_t slash = value.find('/');
        if (slash != value.npos) {
            if (mod.command == FlowMod::Command::kAdd)
                return Error{"cannot specify cookie mask when adding flow"};
            WEFT_ASSIGN(mod.cookie_mask, parse_u64(value.substr(slash + 1)));
            WEFT_ASSIGN(mod.cookie, parse_u64(value.substr(0, slash)));
            mod.cookie &= mod.cookie_mask;
        } else {
            WEFT_ASSIGN(mod.new_cookie, parse_u64(value));
            mod.modify_cookie = true;
        }
        cookie_given = true;
    } else if (key == "out_port") {
        auto port = parse_port(value, names);
        if (!port) return Error{fmt::format("{} is not a valid OpenFlow port", value)};
        mod.out_port = *port;
    } else if (key == "out_group") {
        auto group = text::parse_u64_max(value, 0xffffffff);
        if (!group) return Error{fmt::format("invalid numeric format {}", value)};
        mod.out_group = static_cast<uint32_t>(*group);
    } else if (key == "duration" || key == "n_packets" || key == "n_bytes" || key == "idle_age" ||
               key == "hard_age") {
        // What a dump prints may be read back.
    } else {
        return false;
    }
    return true;
}

Result<void> Parser::term(const text::Term& term) {
    if (uint16_t flag = flag_by_name(term.key)) {
        mod.flags |= flag;
        return {};
    }
    WEFT_ASSIGN(bool known,
                parse_match_term(term.key, term.value, term.delimiter == '=' || term.delimiter == ':', names,
                                 mod.match));
    if (known) return {};
    if (term.delimiter == 0) return Error{fmt::format("field {} missing value", term.key)};
    WEFT_ASSIGN(known, keyword(term.key, term.value));
    if (!known) return Error{fmt::format("unknown keyword {}", term.key)};
    return {};
}

// The flow's text and, after "actions=" or "action=", its actions'.
std::optional<std::string_view> split_actions(std::string_view& text) {
    for (size_t at = text.find("action"); at != text.npos; at = text.find("action", at + 1)) {
        size_t end = at + 6;
        if (end < text.size() && text[end] == 's') end++;
        bool starts = at == 0 || text[at - 1] == ',' || text[at - 1] == ' ' || text[at - 1] == '\t';
        if (!starts || end >= text.size() || (text[end] != '=' && text[end] != ' ')) continue;
        std::string_view actions = text.substr(end + 1);
        text = text.substr(0, at);
        return actions;
    }
    return std::nullopt;
}

}  // namespace

Result<FlowMod> parse_flow_mod(std::string_view text, FlowMod::Command command, const Names* names) {
    Parser parser;
    parser.names = names;
    parser.mod.command = command;
    bool wants_actions = command < FlowMod::Command::kDelete;
    std::optional<std::string_view> actions;
    if (wants_actions) {
        actions = split_actions(text);
        if (!actions) return Error{"must specify an action"};
    }
    text::Term term;
    while (text::next_term(text, term)) WEFT_TRY(parser.term(term));
    FlowMod& mod = parser.mod;
    if (command != FlowMod::Command::kAdd && command < FlowMod::Command::kDelete && !mod.cookie_mask &&
        !parser.cookie_given) {
        mod.new_cookie = ~0ull;
    }
    if (mod.is_delete() && mod.modify_cookie) {
        // A deletion's cookie says which flows.
        mod.cookie = mod.new_cookie;
        mod.cookie_mask = ~0ull;
        mod.new_cookie = 0;
        mod.modify_cookie = false;
    }
    if (mod.is_delete()) {
        // A deletion's "cookie=V" without a mask needs all bits.
        mod.new_cookie = 0;
    }
    mod.match.normalize();
    if (mod.match.mask.tunnel.ttl || mod.match.mask.tunnel.tos || mod.match.mask.skb_priority) {
        return Error{
            "tun_ttl, tun_tos and skb_priority are no fields of OpenFlow: a flow cannot match on them"};
    }
    if (actions) {
        ActionParseOptions options;
        options.names = names;
        WEFT_ASSIGN(mod.actions, parse_actions(*actions, options));
        ActionCheck check;
        check.match = &mod.match;
        check.table = mod.table;
        check.may_be_inconsistent = true;  // in OpenFlow 1.0 it may: usable_formats()
        if (OfError error = check_actions(mod.actions, check); error != OfError::kNone) {
            return Error{fmt::format("actions are invalid with specified match ({})", error_name(error))};
        }
        note_vlan_state(mod.actions, mod.match);
    }
    return mod;
}

Result<FlowMod> parse_flow_mod_any(std::string_view text, const Names* names) {
    struct Command {
        const char* name;
        FlowMod::Command command;
    };
    static constexpr Command kCommands[] = {
        {"add", FlowMod::Command::kAdd},
        {"modify", FlowMod::Command::kModify},
        {"modify_strict", FlowMod::Command::kModifyStrict},
        {"delete", FlowMod::Command::kDelete},
        {"delete_strict", FlowMod::Command::kDeleteStrict},
    };
    text = text::trim(text);
    size_t space = text.find_first_of(" \t");
    std::string_view word = text.substr(0, space);
    for (const Command& c : kCommands) {
        if (word == c.name) {
            return parse_flow_mod(space == text.npos ? std::string_view() : text.substr(space), c.command,
                                  names);
        }
    }
    return parse_flow_mod(text, FlowMod::Command::kAdd, names);
}

Result<FlowStatsRequest> parse_flow_stats_request(std::string_view text, bool aggregate, const Names* names) {
    WEFT_ASSIGN(FlowMod mod, parse_flow_mod(text, FlowMod::Command::kDelete, names));
    FlowStatsRequest out;
    out.aggregate = aggregate;
    out.match = std::move(mod.match);
    out.table = mod.table;
    out.out_port = mod.out_port;
    out.out_group = mod.out_group;
    out.cookie = mod.cookie;
    out.cookie_mask = mod.cookie_mask;
    return out;
}

void format_flow_stats(const FlowStats& flow, const FlowTextOptions& options, std::string& out) {
    FlowPainting painting(out, FlowTextPart::kWhole);
    auto number = [&](const char* name, uint64_t value) {
        out += name;
        text::append_decimal(out, value);
        out += ", ";
    };
    if (options.cookie) {
        out += flow.cookie ? "cookie=" : "cookie=0x";
        text::append_hex(out, flow.cookie);
        out += ", ";
    }
    if (options.stats) {
        out += "duration=";
        text::append_decimal(out, flow.duration_sec);
        if (flow.duration_nsec) {
            unsigned ms = flow.duration_nsec / 1000000;
            for (char digit : {'.', static_cast<char>('0' + ms / 100), static_cast<char>('0' + ms / 10 % 10),
                               static_cast<char>('0' + ms % 10)}) {
                out += digit;
            }
            while (out.back() == '0') out.pop_back();
            if (out.back() == '.') out.pop_back();
        }
        out += "s, ";
    }
    if (options.stats || flow.table) {
        out += "table=";
        format_table(flow.table, options.names, out);
        out += ", ";
    }
    if (options.stats) {
        if (flow.packets != ~0ull) number("n_packets=", flow.packets);
        if (flow.bytes != ~0ull) number("n_bytes=", flow.bytes);
    }
    if (flow.idle_timeout) number("idle_timeout=", flow.idle_timeout);
    if (flow.hard_timeout) number("hard_timeout=", flow.hard_timeout);
    static constexpr FlagName kFlags[] = {{kFlowSendRemoved, "send_flow_rem"},
                                          {kFlowCheckOverlap, "check_overlap"},
                                          {kFlowResetCounts, "reset_counts"},
                                          {kFlowNoPacketCounts, "no_packet_counts"},
                                          {kFlowNoByteCounts, "no_byte_counts"}};
    if (flow.flags) {
        format_flags(kFlags, flow.flags, " ", "", out);
        out += ' ';
    }
    if (flow.importance) number("importance=", flow.importance);
    if (options.stats) {
        if (flow.idle_age >= 0) number("idle_age=", static_cast<uint64_t>(flow.idle_age));
        if (flow.hard_age >= 0 && flow.hard_age != static_cast<int32_t>(flow.duration_sec)) {
            number("hard_age=", static_cast<uint64_t>(flow.hard_age));
        }
    }
    size_t before = out.size();
    format_match(flow.match, {options.names, flow.priority}, out);
    if (out.size() != before) out += ' ';
    out += "actions=";
    format_actions(flow.actions, options.names, out);
}

Result<Bytes> parse_frame(std::string_view hex) {
    constexpr size_t kEthernetHeader = 14;
    Bytes frame;
    int high = -1;
    for (char c : hex) {
        if (std::isspace(static_cast<unsigned char>(c)) && high < 0) continue;
        const int digit = text::hex_digit(c);
        if (digit < 0) return Error{"Trailing garbage in packet data"};
        if (high >= 0) frame.push_back(static_cast<uint8_t>(high << 4 | digit));
        high = high < 0 ? digit : -1;
    }
    if (high >= 0) return Error{"Trailing garbage in packet data"};
    if (frame.size() < kEthernetHeader) return Error{"Packet data too short for Ethernet"};
    return frame;
}

Result<PacketOut> parse_packet_out(std::string_view text, const Names* names) {
    PacketOut out;
    auto actions = split_actions(text);
    text::Term term;
    while (text::next_term(text, term)) {
        if (term.key == "in_port") {
            auto port = parse_port(term.value, names);
            if (!port) return Error{fmt::format("{} is not a valid OpenFlow port", term.value)};
            out.metadata.set_in_port(*port);
        } else if (term.key == "packet") {
            if (term.value.empty()) return Error{"field packet missing value"};
            auto frame = parse_frame(term.value);
            if (!frame) return Error{"packet: " + frame.message()};
            out.packet = std::move(*frame);
        } else {
            WEFT_ASSIGN(bool known,
                        parse_match_term(term.key, term.value, term.delimiter != 0, names, out.metadata));
            if (!known) return Error{fmt::format("unknown keyword {}", term.key)};
        }
    }
    if (out.packet.empty()) return Error{"must specify packet"};
    ActionParseOptions options;
    options.names = names;
    options.instructions = false;
    if (actions) {
        WEFT_ASSIGN(out.actions, parse_actions(*actions, options));
    }
    return out;
}

}  // namespace weft::openflow
