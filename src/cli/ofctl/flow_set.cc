#include "cli/ofctl/flow_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace weft::cli::ofctl {

using namespace openflow;  // NOLINT: the commands speak OpenFlow throughout

namespace {

constexpr Version kKeyVersion = Version::k10;  // NXM has a name for everything that can be matched

ActionList decoded(ByteView wire, Version version) {
    ActionList actions;
    (void)decode_instructions(wire, version, {}, actions);  // they were decoded before
    return actions;
}

void place(std::string_view key, FlowMod& mod) {
    ByteReader in(as_bytes(key));
    mod.table = in.u8();
    mod.priority = in.u16();
    (void)decode_nxm(in.rest(), {}, mod.match);
}

size_t hash(std::string_view key) {
    return absl::Hash<std::string_view>()(key);
}

}  // namespace

std::string_view FlowSet::encode_key(const Match& match, uint16_t priority, uint8_t table) {
    key_.clear();
    key_.u8(table);
    key_.u16(priority);
    encode_nxm(match, kKeyVersion, key_);
    return {reinterpret_cast<const char*>(key_.view().data()), key_.size()};
}

ByteView FlowSet::encode_actions(const ActionList& actions) {
    actions_.clear();
    if (version_)
        encode_instructions(actions, *version_, actions_);
    else
        actions_.bytes(as_bytes(openflow::to_string(actions)));
    return actions_.view();
}

FlowSet::Flow& FlowSet::add(const Match& match, uint16_t priority, uint8_t table, const ActionList& list) {
    std::string_view key = encode_key(match, priority, table);
    ByteView actions = encode_actions(list);
    void* memory = memory_.allocate(sizeof(Flow) + key.size() + actions.size(), alignof(Flow));
    Flow* flow = new (memory) Flow;
    flow->key_size = static_cast<uint32_t>(key.size());
    flow->actions_size = static_cast<uint32_t>(actions.size());
    auto* bytes = reinterpret_cast<uint8_t*>(flow + 1);
    std::ranges::copy(as_bytes(key), bytes);
    std::ranges::copy(actions, bytes + key.size());
    Flow*& first = by_hash_[hash(key)];
    for (Flow* other = first; other; other = other->next) other->replaced |= other->key() == key;
    flow->next = std::exchange(first, flow);
    flows_.push_back(flow);
    return *flow;
}

FlowSet::Flow* FlowSet::find(std::string_view key) {
    auto it = by_hash_.find(hash(key));
    if (it == by_hash_.end()) return nullptr;
    Flow* flow = it->second;  // a later line comes before those that it replaces
    while (flow && flow->key() != key) flow = flow->next;
    return flow;
}

std::string_view FlowSet::key_of(const FlowStats& flow) {
    return encode_key(flow.match, flow.priority, flow.table);
}

// One action may have two encodings.
bool FlowSet::same_actions(ByteView a, ByteView b) const {
    return std::ranges::equal(a, b) || (version_ && openflow::to_string(decoded(a, *version_)) ==
                                                        openflow::to_string(decoded(b, *version_)));
}

bool FlowSet::same(const Flow& flow, const FlowStats& other) {
    return flow.cookie == other.cookie && flow.idle == other.idle_timeout &&
           flow.hard == other.hard_timeout && flow.importance == other.importance &&
           same_actions(flow.actions(), encode_actions(other.actions));
}

bool FlowSet::same(const Flow& flow, const Flow& other) const {
    return flow.cookie == other.cookie && flow.idle == other.idle && flow.hard == other.hard &&
           flow.importance == other.importance && same_actions(flow.actions(), other.actions());
}

Result<void> FlowSet::read_file(const std::string& file, const Names* names) {
    return for_each_line(file, [&](std::string_view line) -> Result<void> {
        auto mod = parse_flow_mod(line, FlowMod::Command::kAdd, names);
        if (!mod.ok()) return mod.error();
        Flow& flow =
            add(mod->match, mod->priority, mod->table == kTableAll ? uint8_t{0} : mod->table, mod->actions);
        flow.cookie = mod->new_cookie;
        flow.idle = mod->idle_timeout;
        flow.hard = mod->hard_timeout;
        flow.flags = mod->flags;
        flow.importance = mod->importance;
        return {};
    });
}

Result<void> FlowSet::read_switch(SwitchConnection& connection) {
    FlowStatsRequest request;
    request.nicira = connection.version() == Version::k10;
    auto take = [&](FlowStats& stats) {
        Flow& flow = add(stats.match, stats.priority, stats.table, stats.actions);
        flow.cookie = stats.cookie;
        flow.idle = stats.idle_timeout;
        flow.hard = stats.hard_timeout;
        flow.flags = stats.flags;
        flow.importance = stats.importance;
    };
    return connection.request(std::move(request), take, [](const Message&) {});
}

FlowMod FlowSet::to_add(const Flow& flow) const {
    FlowMod mod;
    place(flow.key(), mod);
    mod.new_cookie = flow.cookie;
    mod.idle_timeout = flow.idle;
    mod.hard_timeout = flow.hard;
    mod.importance = flow.importance;
    mod.flags = flow.flags;
    mod.actions = decoded(flow.actions(), *version_);
    return mod;
}

FlowMod FlowSet::to_delete(std::string_view key) {
    FlowMod mod;
    place(key, mod);
    mod.command = FlowMod::Command::kDeleteStrict;
    return mod;
}

std::string FlowSet::text_of_key(std::string_view key) {
    FlowMod mod;
    place(key, mod);
    std::string text = mod.table ? fmt::format("table={} ", mod.table) : std::string();
    format_match(mod.match, {nullptr, mod.priority}, text);
    return text;
}

std::string FlowSet::text_of(const Flow& flow) const {
    std::string out = text_of_key(flow.key());
    if (!out.empty()) out += ' ';
    if (flow.cookie) out += fmt::format("cookie=0x{:x} ", flow.cookie);
    if (flow.idle) out += fmt::format("idle_timeout={} ", flow.idle);
    if (flow.hard) out += fmt::format("hard_timeout={} ", flow.hard);
    if (flow.importance) out += fmt::format("importance={} ", flow.importance);
    out += "actions=";
    out += version_ ? openflow::to_string(decoded(flow.actions(), *version_))
                    : std::string(flow.actions().begin(), flow.actions().end());
    return out + "\n";
}

}  // namespace weft::cli::ofctl
