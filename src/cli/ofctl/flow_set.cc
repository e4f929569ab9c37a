#include "cli/ofctl/flow_set.h"

#include <fmt/format.h>

namespace weft::cli::ofctl {

using namespace openflow;  // NOLINT: the commands speak OpenFlow throughout

namespace {

constexpr Version kKeyVersion = Version::k10;  // NXM has a name for everything that can be matched

ActionList decoded(const Bytes& wire, Version version) {
    ActionList actions;
    (void)decode_instructions(wire, version, {}, actions);  // they were decoded before
    return actions;
}

void place(const std::string& key, FlowMod& mod) {
    ByteReader in(as_bytes(key));
    mod.table = in.u8();
    mod.priority = in.u16();
    (void)decode_nxm(in.rest(), {}, mod.match);
}

}  // namespace

std::string FlowSet::key_of(const Match& match, uint16_t priority, uint8_t table) {
    ByteWriter out;
    out.u8(table);
    out.u16(priority);
    encode_nxm(match, kKeyVersion, out);
    ByteView view = out.view();
    return {reinterpret_cast<const char*>(view.data()), view.size()};
}

bool FlowSet::Entry::same(const Entry& other, Version version) const {
    if (cookie != other.cookie || idle != other.idle || hard != other.hard || importance != other.importance)
        return false;
    // One action may have two encodings.
    return actions == other.actions || openflow::to_string(decoded(actions, version)) ==
                                           openflow::to_string(decoded(other.actions, version));
}

FlowSet::Entry* FlowSet::find(const std::string& key) {
    auto it = entries_.find(key);
    return it == entries_.end() ? nullptr : &it->second;
}

FlowSet::Entry FlowSet::entry_of(const FlowStats& flow) const {
    Entry entry{flow.cookie, flow.idle_timeout, flow.hard_timeout, flow.flags, flow.importance, false, {}};
    ByteWriter wire;
    encode_instructions(flow.actions, version_, wire);
    entry.actions = wire.take();
    return entry;
}

Result<void> FlowSet::read_file(const std::string& file, const Names* names) {
    return for_each_line(file, [&](std::string_view line) -> Result<void> {
        auto mod = parse_flow_mod(line, FlowMod::Command::kAdd, names);
        if (!mod.ok()) return mod.error();
        Entry entry{
            mod->new_cookie, mod->idle_timeout, mod->hard_timeout, mod->flags, mod->importance, false, {}};
        ByteWriter wire;
        encode_instructions(mod->actions, version_, wire);
        entry.actions = wire.take();
        uint8_t table = mod->table == kTableAll ? uint8_t{0} : mod->table;
        entries_[key_of(mod->match, mod->priority, table)] = std::move(entry);
        return {};
    });
}

Result<void> FlowSet::read_switch(SwitchConnection& connection) {
    FlowStatsRequest request;
    request.nicira = connection.version() == Version::k10;
    return connection.request(
        std::move(request),
        [&](FlowStats& flow) { entries_[key_of(flow.match, flow.priority, flow.table)] = entry_of(flow); },
        [](const Message&) {});
}

ActionList FlowSet::actions_of(const Entry& entry) const {
    return decoded(entry.actions, version_);
}

FlowMod FlowSet::to_add(const std::string& key, const Entry& entry) const {
    FlowMod mod;
    place(key, mod);
    mod.new_cookie = entry.cookie;
    mod.idle_timeout = entry.idle;
    mod.hard_timeout = entry.hard;
    mod.importance = entry.importance;
    mod.flags = entry.flags;
    mod.actions = actions_of(entry);
    return mod;
}

FlowMod FlowSet::to_delete(const std::string& key) const {
    FlowMod mod;
    place(key, mod);
    mod.command = FlowMod::Command::kDeleteStrict;
    return mod;
}

std::string FlowSet::text_of_key(const std::string& key) {
    FlowMod mod;
    place(key, mod);
    std::string text = mod.table ? fmt::format("table={} ", mod.table) : std::string();
    format_match(mod.match, {nullptr, mod.priority}, text);
    return text;
}

std::string FlowSet::text_of(const std::string& key, const Entry& entry) const {
    std::string out = text_of_key(key);
    if (!out.empty()) out += ' ';
    if (entry.cookie) out += fmt::format("cookie=0x{:x} ", entry.cookie);
    if (entry.idle) out += fmt::format("idle_timeout={} ", entry.idle);
    if (entry.hard) out += fmt::format("hard_timeout={} ", entry.hard);
    if (entry.importance) out += fmt::format("importance={} ", entry.importance);
    return out + "actions=" + openflow::to_string(actions_of(entry)) + "\n";
}

}  // namespace weft::cli::ofctl
