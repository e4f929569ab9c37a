// replace-flows and diff-flows: a switch's flows beside those of a file or of another switch.

#include <algorithm>
#include <cstdlib>

#include "cli/ofctl/flow_set.h"

namespace weft::cli::ofctl {
namespace {

using namespace openflow;  // NOLINT: the commands speak OpenFlow throughout

// The switch's flows are compared as they come and not kept.
Result<void> replace_flows(const Options& options, const Words& words) {
    WEFT_ASSIGN(FlowSession s, open_for_flows(options, words[0]));
    FlowSet wanted(s.format.version);
    WEFT_TRY(wanted.read_file(words[1], &s.names));
    WEFT_TRY(announce_format(s));
    std::vector<Bytes> messages;
    auto encode_to = [&](std::vector<Bytes>& to, const FlowMod& mod) {
        to.push_back(encode_flow_mod(mod, s.format, 0));
    };
    FlowStatsRequest request;
    request.nicira = s.format.version == Version::k10;
    auto compare = [&](FlowStats& flow) {
        std::string_view key = wanted.key_of(flow);
        FlowSet::Flow* want = wanted.find(key);
        if (!want) return encode_to(messages, FlowSet::to_delete(key));
        want->matched = !options.readd && wanted.same(*want, flow);
    };
    WEFT_TRY(s.connection->request(std::move(request), compare, [](const Message&) {}));
    // Deletions come first.
    wanted.each([&](const FlowSet::Flow& flow) {
        if (!flow.matched) encode_to(messages, wanted.to_add(flow));
    });
    for (Bytes& message : messages) {
        if (message.empty()) return Error{"a flow is too long for one message"};
        store_be32(message.data() + 4, s.connection->next_xid());
    }
    return send_mods(options, s, messages);
}

Result<void> read_source(const Options& options, const std::string& source, FlowSet& set) {
    if (source.find('/') != source.npos && source.find(':') == source.npos)
        return set.read_file(source, nullptr);
    auto s = open_for_flows(options, source);
    return s.ok() ? set.read_switch(*s->connection) : set.read_file(source, nullptr);
}

Result<void> diff_flows(const Options& options, const Words& words) {
    FlowSet a, b;
    WEFT_TRY(read_source(options, words[0], a));
    WEFT_TRY(read_source(options, words[1], b));
    struct Line {
        std::string key, text;
    };
    std::vector<Line> lines;
    bool differ = false;
    auto write = [&] {
        std::stable_sort(lines.begin(), lines.end(),
                         [](const Line& x, const Line& y) { return x.key < y.key; });
        for (const Line& line : lines) write_out(line.text);
        differ |= !lines.empty();
        lines.clear();
    };
    auto add = [&](char sign, const FlowSet& set, const FlowSet::Flow& flow) {
        lines.push_back({FlowSet::text_of_key(flow.key()), sign + set.text_of(flow)});
    };
    a.each([&](const FlowSet::Flow& flow) {
        FlowSet::Flow* other = b.find(flow.key());
        if (other) other->matched = true;
        if (other && a.same(flow, *other)) return;
        add('-', a, flow);
        if (other) add('+', b, *other);
    });
    write();
    b.each([&](const FlowSet::Flow& flow) {
        if (!flow.matched) add('+', b, flow);
    });
    write();
    if (differ) std::exit(2);
    return {};
}

}  // namespace

const std::vector<Command>& flow_set_commands() {
    static const std::vector<Command> kCommands = {
        {"replace-flows", "switch file", 2, 2, replace_flows, true},
        {"diff-flows", "source1 source2", 2, 2, diff_flows},
    };
    return kCommands;
}

}  // namespace weft::cli::ofctl
