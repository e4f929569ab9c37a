// The commands about flows and groups and meters: what changes or dumps a switch's tables.

#include <fmt/format.h>

#include <algorithm>
#include <map>

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
    Bytes bytes = encode_flow_mod(mod, s.format, s.connection->next_xid());
    return send_mods(options, s, {bytes});
}

Result<void> change_flows(const Options& options, const Words& words, FlowMod::Command command) {
    WEFT_ASSIGN(FlowSession s, open_for_flows(options, words[0]));
    std::vector<Bytes> messages;
    WEFT_TRY(for_each_line(words[1], [&](std::string_view line) -> Result<void> {
        Result<FlowMod> mod = command == FlowMod::Command::kAdd ? parse_flow_mod_any(line, &s.names)
                                                                : parse_flow_mod(line, command, &s.names);
        if (!mod.ok()) return mod.error();
        messages.push_back(encode_flow_mod(*mod, s.format, s.connection->next_xid()));
        return {};
    }));
    return send_mods(options, s, messages);
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

// The flows of a switch, all parts together.
Result<std::vector<FlowStats>> fetch(SwitchConnection& connection, FlowStatsRequest request, uint32_t* xid,
                                     const char** name) {
    request.nicira = connection.version() == Version::k10;
    WEFT_ASSIGN(auto replies, connection.request(std::move(request)));
    std::vector<FlowStats> flows;
    for (Message& message : replies) {
        if (xid) *xid = message.xid;
        if (name) *name = message_name(message);
        if (auto* reply = std::get_if<FlowStatsReply>(&message.body)) {
            std::move(reply->flows.begin(), reply->flows.end(), std::back_inserter(flows));
        }
    }
    return flows;
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

Result<void> dump_flows(const Options& options, const Words& words) {
    WEFT_ASSIGN(FlowSession s, open_for_flows(options, words[0]));
    WEFT_ASSIGN(FlowStatsRequest request, parse_flow_stats_request(word(words, 1), false, &s.names));
    uint32_t xid = 0;
    const char* name = "OFPST_FLOW reply";
    WEFT_ASSIGN(auto flows, fetch(*s.connection, std::move(request), &xid, &name));
    std::string out;
    // Sorted or with names the lines stand alone.
    bool plain = !options.sort && !prints_names(options);
    if (options.stats && plain) {
        out += name;
        if (s.format.version != Version::k10)
            out += fmt::format(" (OF1.{})", static_cast<int>(s.format.version) - 1);
        out += fmt::format(" (xid=0x{:x}):\n", xid);
    }
    if (options.sort) sort_flows(options, flows);
    FlowTextOptions text;
    text.names = prints_names(options) ? &s.names : nullptr;
    text.stats = options.stats;
    for (FlowStats& flow : flows) {
        if (!plain) flow.idle_age = flow.hard_age = -1;  // only the plain form shows ages
        out += ' ';
        text.cookie = options.stats || flow.cookie;
        format_flow_stats(flow, text, out);
        out += '\n';
    }
    write_out(out);
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

// replace-flows and diff-flows: two sets of flows by table, priority and match.
using FlowKey = std::string;
FlowKey key_of(const Match& match, uint16_t priority, uint8_t table) {
    std::string key = table ? fmt::format("table={} ", table) : std::string();
    format_match(match, {nullptr, priority}, key);
    return key;
}
struct Entry {
    Match match;
    uint16_t priority, idle, hard, flags, importance;
    uint8_t table;
    uint64_t cookie;
    ActionList actions;
};
using FlowSet = std::map<FlowKey, Entry>;

bool same(const Entry& a, const Entry& b) {
    return a.cookie == b.cookie && a.idle == b.idle && a.hard == b.hard && a.importance == b.importance &&
           openflow::to_string(a.actions) == openflow::to_string(b.actions);
}

Result<FlowSet> from_switch(SwitchConnection& connection) {
    WEFT_ASSIGN(auto flows, fetch(connection, {}, nullptr, nullptr));
    FlowSet out;
    for (FlowStats& f : flows) {
        FlowKey key = key_of(f.match, f.priority, f.table);
        out[key] = {f.match,      f.priority, f.idle_timeout, f.hard_timeout, f.flags,
                    f.importance, f.table,    f.cookie,       f.actions};
    }
    return out;
}

Result<FlowSet> from_file(const std::string& file, const Names* names, Version version) {
    FlowSet out;
    WEFT_TRY(for_each_line(file, [&](std::string_view line) -> Result<void> {
        auto mod = parse_flow_mod(line, FlowMod::Command::kAdd, names);
        if (!mod.ok()) return mod.error();
        uint8_t table = mod->table == kTableAll ? 0 : mod->table;
        // What the switch would answer: the version's spelling of the actions.
        ByteWriter wire;
        encode_instructions(mod->actions, version, wire);
        ActionList actions;
        decode_instructions(wire.view(), version, {}, actions);
        out[key_of(mod->match, mod->priority, table)] = {mod->match,
                                                         mod->priority,
                                                         mod->idle_timeout,
                                                         mod->hard_timeout,
                                                         mod->flags,
                                                         mod->importance,
                                                         table,
                                                         mod->new_cookie,
                                                         actions};
        return {};
    }));
    return out;
}

Result<void> replace_flows(const Options& options, const Words& words) {
    WEFT_ASSIGN(FlowSession s, open_for_flows(options, words[0]));
    WEFT_ASSIGN(FlowSet wanted, from_file(words[1], &s.names, s.format.version));
    WEFT_ASSIGN(FlowSet present, from_switch(*s.connection));
    std::vector<Bytes> messages;
    auto add = [&](const Entry& e, FlowMod::Command command) {
        FlowMod mod;
        mod.command = command;
        mod.match = e.match;
        mod.priority = e.priority;
        mod.table = e.table;
        if (command == FlowMod::Command::kAdd) {
            mod.new_cookie = e.cookie;
            mod.idle_timeout = e.idle;
            mod.hard_timeout = e.hard;
            mod.importance = e.importance;
            mod.flags = e.flags;
            mod.actions = e.actions;
        }
        messages.push_back(encode_flow_mod(mod, s.format, s.connection->next_xid()));
    };
    for (const auto& [key, entry] : present) {
        if (!wanted.count(key)) add(entry, FlowMod::Command::kDeleteStrict);
    }
    for (const auto& [key, entry] : wanted) {
        auto it = present.find(key);
        if (options.readd || it == present.end() || !same(it->second, entry))
            add(entry, FlowMod::Command::kAdd);
    }
    return send_mods(options, s, messages);
}

void print_entry(char sign, const FlowKey& key, const Entry& e, std::string& out) {
    out += sign;
    if (!key.empty()) out += key + " ";
    if (e.cookie) out += fmt::format("cookie=0x{:x} ", e.cookie);
    if (e.idle) out += fmt::format("idle_timeout={} ", e.idle);
    if (e.hard) out += fmt::format("hard_timeout={} ", e.hard);
    if (e.importance) out += fmt::format("importance={} ", e.importance);
    out += "actions=" + openflow::to_string(e.actions) + "\n";
}

Result<FlowSet> from_source(const Options& options, const std::string& source) {
    if (source.find('/') != source.npos && source.find(':') == source.npos) {
        return from_file(source, nullptr, Version::k15);
    }
    auto s = open_for_flows(options, source);
    if (!s.ok()) return from_file(source, nullptr, Version::k15);
    return from_switch(*s->connection);
}

Result<void> diff_flows(const Options& options, const Words& words) {
    WEFT_ASSIGN(FlowSet a, from_source(options, words[0]));
    WEFT_ASSIGN(FlowSet b, from_source(options, words[1]));
    std::string out;
    for (const auto& [key, entry] : a) {
        auto it = b.find(key);
        if (it == b.end() || !same(entry, it->second)) print_entry('-', key, entry, out);
        if (it != b.end() && !same(entry, it->second)) print_entry('+', key, it->second, out);
    }
    for (const auto& [key, entry] : b) {
        if (!a.count(key)) print_entry('+', key, entry, out);
    }
    write_out(out);
    if (!out.empty()) std::exit(2);
    return {};
}

Result<void> packet_out(const Options& options, const Words& words) {
    WEFT_ASSIGN(FlowSession s, open_for_flows(options, words[0]));
    WEFT_ASSIGN(PacketOut packet, parse_packet_out(words[1], &s.names));
    return s.connection->transact({encode(s.format.version, s.connection->next_xid(), std::move(packet))});
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

Result<void> change_group(const Options& options, const Words& words, GroupMod::Command command) {
    WEFT_ASSIGN(FlowSession s, open_for_flows(at_least(options, Version::k15), words[0]));
    std::vector<Bytes> messages;
    auto one = [&](std::string_view text) -> Result<void> {
        auto mod = parse_group_mod(text, command, &s.names);
        if (!mod.ok()) return mod.error();
        messages.push_back(encode(s.format.version, s.connection->next_xid(), std::move(*mod)));
        if (messages.back().empty()) return Error{"the group needs OpenFlow 1.5"};
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
    WEFT_ASSIGN(Switch connection, open_switch(at_least(options, Version::k13), words[0]));
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
    return dump(at_least(o, Version::k13), w[0], MeterConfigRequest{meter});
}
Result<void> meter_stats(const Options& o, const Words& w) {
    WEFT_ASSIGN(uint32_t meter, id(w, kMeterAll));
    return dump(at_least(o, Version::k13), w[0], MeterStatsRequest{meter});
}
Result<void> meter_features(const Options& o, const Words& w) {
    return dump(at_least(o, Version::k13), w[0], MeterFeaturesRequest{});
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
        {"replace-flows", "switch file", 2, 2, replace_flows, true},
        {"diff-flows", "source1 source2", 2, 2, diff_flows},
        {"packet-out", "switch \"in_port=<port> packet=<hex data> actions=...\"", 2, 2, packet_out, true},
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
        {"dump-meters", "switch", 1, 1, dump_meters},
        {"meter-stats", "switch [meter]", 1, 2, meter_stats},
        {"meter-features", "switch", 1, 1, meter_features},
    };
    return kCommands;
}

}  // namespace weft::cli::ofctl
