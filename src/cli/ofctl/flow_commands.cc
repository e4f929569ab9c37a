// The commands about flows and groups and meters: what changes or dumps a switch's tables.

#include <fmt/format.h>

#include <algorithm>

#include "cli/ofctl/flow_formats.h"
#include "cli/ofctl/flow_session.h"
#include "cli/ofctl/ofctl.h"

namespace weft::cli::ofctl {
namespace {

using namespace openflow;  // NOLINT: the commands speak OpenFlow throughout

std::string word(const Words& words, size_t i) {
    return i < words.size() ? words[i] : std::string();
}

Result<void> change_flow(const Options& options, const Words& words, FlowMod::Command command) {
    WEFT_ASSIGN(FlowSession s, open_for_flows(options, words[0]));
    WEFT_ASSIGN(FlowMod mod, parse_flow_mod(word(words, 1), command, &s.names));
    FlowChanges changes(options, s);
    WEFT_TRY(changes.add(mod));
    return changes.send();
}

Result<void> change_flows(const Options& options, const Words& words, FlowMod::Command command) {
    WEFT_ASSIGN(FlowSession s, open_for_flows(options, words[0]));
    FlowChanges changes(options, s);
    WEFT_TRY(for_each_line(words[1], [&](std::string_view line) -> Result<void> {
        Result<FlowMod> mod = command == FlowMod::Command::kAdd ? parse_flow_mod_any(line, &s.names)
                                                                : parse_flow_mod(line, command, &s.names);
        return mod.ok() ? changes.add(*mod) : mod.error();
    }));
    return changes.send();
}

Result<void> add_flow(const Options& o, const Words& w) {
    return w.size() > 1 && w[1] == "-" ? change_flows(o, w, FlowMod::Command::kAdd)
                                       : change_flow(o, w, FlowMod::Command::kAdd);
}
Result<void> add_flows(const Options& o, const Words& w) {
    return change_flows(o, w, FlowMod::Command::kAdd);
}
Result<void> mod_flows(const Options& o, const Words& w) {
    return change_flow(o, w, o.strict ? FlowMod::Command::kModifyStrict : FlowMod::Command::kModify);
}
Result<void> del_flows(const Options& o, const Words& w) {
    return change_flow(o, w, o.strict ? FlowMod::Command::kDeleteStrict : FlowMod::Command::kDelete);
}

void sort_flows(const Options& options, std::vector<FlowStats>& flows) {
    const Field* by = options.sort_field.empty() ? nullptr : field_by_name(options.sort_field);
    std::stable_sort(flows.begin(), flows.end(), [&](const FlowStats& a, const FlowStats& b) {
        const FlowStats &x = options.reverse ? b : a, &y = options.reverse ? a : b;
        if (!by) return x.priority < y.priority;
        // Flows that do not match on the field come last whatever the order.
        bool a_has = a.match.is_set(*by), b_has = b.match.is_set(*by);
        if (!a_has || !b_has) return a_has && !b_has;
        FieldValue xv, xm, yv, ym;
        x.match.get(*by, xv, xm);
        y.match.get(*by, yv, ym);
        return xv.bytes < yv.bytes;
    });
}

std::string dump_header(const Message& message) {
    std::string out = message_name(message);
    if (message.version != Version::k10)
        out += fmt::format(" (OF1.{})", static_cast<int>(message.version) - 1);
    return out + fmt::format(" (xid=0x{:x}):\n", message.xid);
}

Result<void> dump_flows(const Options& options, const Words& words) {
    WEFT_ASSIGN(FlowSession s, open_for_flows(options, words[0]));
    WEFT_ASSIGN(FlowStatsRequest request, parse_flow_stats_request(word(words, 1), false, &s.names));
    request.nicira = s.format.nxm;
    s.format.table_id = false;
    WEFT_TRY(announce_format(s));
    // Sorted or with names the lines stand alone.
    bool plain = !options.sort && !prints_names(options);
    FlowTextOptions text;
    text.names = prints_names(options) ? &s.names : nullptr;
    text.stats = options.stats;
    std::string lines;
    auto print = [&](FlowStats& flow) {
        // Nicira's ages are the plain form's; OpenFlow 1.5's own are shown in all.
        if (!plain && s.format.version != Version::k15) flow.idle_age = flow.hard_age = -1;
        lines += ' ';
        text.cookie = options.stats || flow.cookie;
        format_flow_stats(flow, text, lines);
        lines += '\n';
    };
    std::vector<FlowStats> to_sort;
    auto each_flow = [&](FlowStats& flow) {
        options.sort ? to_sort.push_back(std::move(flow)) : print(flow);
    };
    // The lines of a message are written before the next one is read.
    bool header = options.stats && plain;
    auto each_message = [&](const Message& message) {
        if (header) write_out(dump_header(message));
        header = false;
        write_out(lines);
        lines.clear();
    };
    WEFT_TRY(s.connection->request(std::move(request), each_flow, each_message));
    sort_flows(options, to_sort);
    for (FlowStats& flow : to_sort) print(flow);
    write_out(lines);
    return {};
}

Result<void> dump_aggregate(const Options& options, const Words& words) {
    WEFT_ASSIGN(FlowSession s, open_for_flows(options, words[0]));
    WEFT_ASSIGN(FlowStatsRequest request, parse_flow_stats_request(word(words, 1), true, &s.names));
    request.nicira = s.format.version == Version::k10;
    WEFT_ASSIGN(auto replies, s.connection->request(std::move(request)));
    for (const Message& message : replies) write_out(openflow::to_string(message));
    return {};
}

// As one description, or as it was written before there was one: a port, actions, packets.
Result<void> packet_out(const Options& options, const Words& words) {
    WEFT_ASSIGN(FlowSession s, open_for_flows(options, words[0]));
    std::vector<PacketOut> packets(1);
    if (words.size() == 2) {
        WEFT_ASSIGN(packets[0], parse_packet_out(words[1], &s.names));
    } else {
        auto port = parse_port(words[1], &s.names);
        if (!port) return Error{fmt::format("{}: unknown port `{}'", words[0], words[1])};
        packets[0].metadata.set_in_port(*port);
        ActionParseOptions how;
        how.names = &s.names;
        how.instructions = false;
        WEFT_ASSIGN(packets[0].actions, parse_actions(words[2], how));
        packets.resize(words.size() - 3, packets[0]);
        for (size_t i = 0; i < packets.size(); ++i) {
            WEFT_ASSIGN(packets[i].packet, parse_frame(words[i + 3]));
        }
    }
    std::vector<Bytes> messages;
    for (PacketOut& packet : packets)
        messages.push_back(encode(s.format.version, s.connection->next_xid(), std::move(packet)));
    return s.connection->transact(messages);
}

// Groups and meters need OpenFlow 1.1 and 1.3.
Options at_least(const Options& options, Version version) {
    Options out = options;
    if (!out.versions) {
        for (Version v : kAllVersions) {
            if (v >= version) out.versions |= version_bit(v);
        }
    }
    return out;
}

Error needs_of15(const Options& options, GroupMod::Command command) {
    if (command == GroupMod::Command::kInsertBucket)
        return Error{"insert-bucket needs OpenFlow 1.5 or later ('-O OpenFlow15')"};
    return none_usable(kOpenFlow10 | kOpenFlow10Table | kNxm | kNxmTable | kOxm15,
                       formats_of(options.versions));
}
Result<Options> for_meters(const Options& options) {
    constexpr uint32_t kUsable = kOxm13 | kOxm14 | kOxm15;
    const uint32_t allowed = formats_of(options.versions);
    if (options.versions && !(allowed & kUsable)) return none_usable(kUsable, allowed);
    return at_least(options, Version::k13);
}

Result<void> change_group(const Options& options, const Words& words, GroupMod::Command command) {
    WEFT_ASSIGN(FlowSession s, open_for_flows(at_least(options, Version::k15), words[0]));
    std::vector<Bytes> messages;
    auto one = [&](std::string_view text) -> Result<void> {
        auto mod = parse_group_mod(text, command, &s.names);
        if (!mod.ok()) return mod.error();
        messages.push_back(encode(s.format.version, s.connection->next_xid(), std::move(*mod)));
        if (messages.back().empty()) return needs_of15(options, command);
        return {};
    };
    if (words.size() < 2) {
        WEFT_TRY(one("group_id=all"));
    } else if (words[1] == "-") {
        WEFT_TRY(for_each_line("-", one));
    } else {
        WEFT_TRY(one(words[1]));
    }
    return send_mods(options, s, messages);
}
Result<void> add_group(const Options& o, const Words& w) {
    return change_group(o, w, GroupMod::Command::kAdd);
}
Result<void> mod_group(const Options& o, const Words& w) {
    return change_group(o, w, o.may_create ? GroupMod::Command::kAddOrModify : GroupMod::Command::kModify);
}
Result<void> del_groups(const Options& o, const Words& w) {
    return change_group(o, w, GroupMod::Command::kDelete);
}
Result<void> insert_buckets(const Options& o, const Words& w) {
    return change_group(o, w, GroupMod::Command::kInsertBucket);
}
Result<void> remove_buckets(const Options& o, const Words& w) {
    return change_group(o, w, GroupMod::Command::kRemoveBucket);
}
Result<void> add_groups(const Options& options, const Words& words) {
    WEFT_ASSIGN(FlowSession s, open_for_flows(at_least(options, Version::k15), words[0]));
    std::vector<Bytes> messages;
    WEFT_TRY(for_each_line(words[1], [&](std::string_view line) -> Result<void> {
        auto mod = parse_group_mod(line, GroupMod::Command::kAdd, &s.names);
        if (!mod.ok()) return mod.error();
        messages.push_back(encode(s.format.version, s.connection->next_xid(), std::move(*mod)));
        return {};
    }));
    return send_mods(options, s, messages);
}

Result<void> change_meter(const Options& options, const Words& words, MeterMod::Command command) {
    WEFT_ASSIGN(MeterMod mod, parse_meter_mod(words.size() > 1 ? words[1] : "meter=all", command));
    WEFT_ASSIGN(Options narrowed, for_meters(options));
    WEFT_ASSIGN(Switch connection, open_switch(narrowed, words[0]));
    return connection->transact({encode(connection->version(), connection->next_xid(), std::move(mod))});
}
Result<void> add_meter(const Options& o, const Words& w) {
    return change_meter(o, w, MeterMod::Command::kAdd);
}
Result<void> mod_meter(const Options& o, const Words& w) {
    return change_meter(o, w, MeterMod::Command::kModify);
}
Result<void> del_meters(const Options& o, const Words& w) {
    return change_meter(o, w, MeterMod::Command::kDelete);
}

Result<void> dump(const Options& options, const std::string& target, Body request) {
    WEFT_ASSIGN(Switch connection, open_switch(options, target));
    WEFT_ASSIGN(auto replies, connection->request(std::move(request)));
    for (const Message& message : replies)
        write_out(openflow::to_string(message, nullptr, options.verbosity));
    return {};
}
Result<uint32_t> id(const Words& words, uint32_t all) {
    if (words.size() < 2 || words[1] == "all") return all;
    std::string_view text = words[1];
    size_t equals = text.find('=');
    if (equals != text.npos) text.remove_prefix(equals + 1);
    uint64_t value = 0;
    for (char c : text) {
        if (c < '0' || c > '9') return Error{fmt::format("invalid number \"{}\"", words[1])};
        value = value * 10 + static_cast<uint64_t>(c - '0');
    }
    return static_cast<uint32_t>(value);
}
Result<void> dump_groups(const Options& o, const Words& w) {
    WEFT_ASSIGN(uint32_t group, id(w, kGroupAll));
    return dump(at_least(o, Version::k15), w[0], GroupDescRequest{group});
}
Result<void> dump_group_stats(const Options& o, const Words& w) {
    WEFT_ASSIGN(uint32_t group, id(w, kGroupAll));
    return dump(at_least(o, Version::k11), w[0], GroupStatsRequest{group});
}
Result<void> dump_group_features(const Options& o, const Words& w) {
    return dump(at_least(o, Version::k12), w[0], GroupFeaturesRequest{});
}
Result<void> dump_meters(const Options& o, const Words& w) {
    WEFT_ASSIGN(uint32_t meter, id(w, kMeterAll));
    WEFT_ASSIGN(Options narrowed, for_meters(o));
    return dump(narrowed, w[0], MeterConfigRequest{meter});
}
Result<void> meter_stats(const Options& o, const Words& w) {
    WEFT_ASSIGN(uint32_t meter, id(w, kMeterAll));
    WEFT_ASSIGN(Options narrowed, for_meters(o));
    return dump(narrowed, w[0], MeterStatsRequest{meter});
}
Result<void> meter_features(const Options& o, const Words& w) {
    WEFT_ASSIGN(Options narrowed, for_meters(o));
    return dump(narrowed, w[0], MeterFeaturesRequest{});
}

}  // namespace

const std::vector<Command>& flow_commands() {
    static const std::vector<Command> kCommands = {
        {"dump-flows", "switch", 1, 2, dump_flows},
        {"dump-aggregate", "switch", 1, 2, dump_aggregate},
        {"add-flow", "switch flow", 2, 2, add_flow, true},
        {"add-flows", "switch file", 2, 2, add_flows, true},
        {"mod-flows", "switch flow", 2, 2, mod_flows, true},
        {"del-flows", "switch [flow]", 1, 2, del_flows, true},
        {"packet-out", "switch \"in_port=<port> packet=<hex data> actions=...\"", 2, SIZE_MAX, packet_out,
         true},
        {"add-group", "switch group", 2, 2, add_group, true},
        {"add-groups", "switch file", 2, 2, add_groups, true},
        {"mod-group", "switch group", 2, 2, mod_group, true},
        {"del-groups", "switch [group]", 1, 2, del_groups, true},
        {"insert-buckets", "switch [group]", 2, 2, insert_buckets, true},
        {"remove-buckets", "switch [group]", 2, 2, remove_buckets, true},
        {"dump-groups", "switch [group]", 1, 2, dump_groups},
        {"dump-group-stats", "switch [group]", 1, 2, dump_group_stats},
        {"dump-group-features", "switch", 1, 1, dump_group_features},
        {"add-meter", "switch meter", 2, 2, add_meter, true},
        {"mod-meter", "switch meter", 2, 2, mod_meter, true},
        {"del-meter", "switch meter", 2, 2, del_meters, true},
        {"del-meters", "switch", 1, 1, del_meters, true},
        {"dump-meter", "switch meter", 2, 2, dump_meters},
        {"dump-meters", "switch [meter]", 1, 2, dump_meters},
        {"meter-stats", "switch [meter]", 1, 2, meter_stats},
        {"meter-features", "switch", 1, 1, meter_features},
    };
    return kCommands;
}

}  // namespace weft::cli::ofctl
