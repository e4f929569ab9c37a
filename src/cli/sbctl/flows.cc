// Logical flows: lflow-list, dump-flows, count-flows; and ip-multicast-flush, which names datapaths alike.

#include <fmt/format.h>

#include <tuple>

#include "cli/ctl/records.h"
#include "cli/sbctl/commands.h"
#include "cli/sbctl/flow_rows.h"

namespace weft::cli::sbctl {
namespace {

Result<void> need_datapaths(CtlContext& context) {
    context.need(sb::DatapathBinding::kExternalIds);
    return {};
}

Result<void> need_flows(CtlContext& context) {
    using Flow = sb::LogicalFlow;
    context.need(Flow::kLogicalDatapath, Flow::kLogicalDpGroup, Flow::kPipeline, Flow::kTableId,
                 Flow::kPriority, Flow::kMatch, Flow::kActions, Flow::kExternalIds);
    context.need(sb::LogicalDPGroup::kDatapaths);
    FlowRows::need(context);
    return need_datapaths(context);
}

// A flow at one of the datapaths for which it is.
struct Listed {
    const sb::LogicalFlow* flow;
    const sb::DatapathBinding* datapath;
    std::string_view name;  // of the datapath

    auto key() const {
        return std::tuple(name, std::string_view(), datapath->uuid, flow->pipeline != "ingress",
                          flow->table_id, -flow->priority, std::string_view(flow->match),
                          std::string_view(flow->actions));
    }
    bool same_pipeline(const Listed& other) const {
        return datapath == other.datapath && flow->pipeline == other.flow->pipeline;
    }
};

// "name" aka "name2" (uuid)
std::string datapath_text(const sb::DatapathBinding& datapath) {
    std::string out = fmt::format("\"{}\"", ovsdb::get_string(datapath.external_ids, "name"));
    if (const std::string* alias = datapath.external_ids.find("name2"))
        out += fmt::format(" aka \"{}\"", *alias);
    return out + fmt::format(" ({})", datapath.uuid.to_string());
}

std::string_view stage_of(const sb::LogicalFlow& flow) {
    return ovsdb::get_string(flow.external_ids, "stage-name");
}

// What flows were asked for: beginnings of uuids, with or without 0x; any if empty.
Result<std::vector<std::string>> parse_wanted(const CtlContext& context, size_t first) {
    std::vector<std::string> out;
    for (size_t i = first; i < context.size(); i++) {
        std::string_view text = context.arguments[i];
        if (text.starts_with("0x")) text.remove_prefix(2);
        bool is_hex =
            !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF-") == std::string_view::npos;
        if (!is_hex)
            return Error{fmt::format("{} is not a UUID or the beginning of a UUID", context.arguments[i])};
        std::string lower(text);
        for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        out.push_back(std::move(lower));
    }
    return out;
}

bool is_wanted(const Uuid& uuid, const std::vector<std::string>& wanted) {
    if (wanted.empty()) return true;
    std::string text = uuid.to_string();
    return std::any_of(wanted.begin(), wanted.end(),
                       [&](const std::string& each) { return text.starts_with(each); });
}

Result<const sb::DatapathBinding*> find_datapath(CtlContext& context, std::string_view name) {
    WEFT_ASSIGN(std::optional<Uuid> uuid, find_record(context, sb::DatapathBinding::table_info(), name));
    return uuid ? context.row<sb::DatapathBinding>(*uuid) : nullptr;
}

// All flows, at every datapath of theirs, in the order in which they are listed.
Result<std::vector<Listed>> sorted_flows(CtlContext& context, const sb::DatapathBinding* only,
                                         const std::vector<std::string>& wanted) {
    std::vector<Listed> out;
    if (context.transaction().has_questions()) return out;
    auto add = [&](const sb::LogicalFlow& flow, const Uuid& uuid) {
        const sb::DatapathBinding* datapath = context.row<sb::DatapathBinding>(uuid);
        if (!datapath || (only && datapath != only)) return;
        out.push_back({&flow, datapath, ovsdb::get_string(datapath->external_ids, "name")});
    };
    auto add_all = [&](const sb::LogicalFlow& flow) {
        if (!is_wanted(flow.uuid, wanted)) return;
        if (flow.logical_datapath) add(flow, *flow.logical_datapath);
        const sb::LogicalDPGroup* group =
            flow.logical_dp_group ? context.row<sb::LogicalDPGroup>(*flow.logical_dp_group) : nullptr;
        if (!group) return;
        for (const Uuid& uuid : group->datapaths) add(flow, uuid);
    };
    db::Transaction& txn = context.transaction();
    if (only) {
        txn.for_each_equal(sb::LogicalFlow::kLogicalDatapath, only->uuid, add_all);
        txn.for_each_holding(sb::LogicalDPGroup::kDatapaths, only->uuid,
                             [&](const sb::LogicalDPGroup& group) {
                                 txn.for_each_equal(sb::LogicalFlow::kLogicalDpGroup, group.uuid, add_all);
                             });
    } else {
        txn.for_each<sb::LogicalFlow>(add_all);
    }
    std::sort(out.begin(), out.end(), [](const Listed& a, const Listed& b) { return a.key() < b.key(); });
    return out;
}

Result<void> run_list(CtlContext& context) {
    const sb::DatapathBinding* only = nullptr;
    if (context.size()) {
        WEFT_ASSIGN(only, find_datapath(context, context[0]));
    }
    WEFT_ASSIGN(std::vector<std::string> wanted, parse_wanted(context, only ? 1 : 0));
    WEFT_ASSIGN(std::vector<Listed> flows, sorted_flows(context, only, wanted));
    if (context.transaction().has_questions()) return {};
    FlowRows rows(context);
    for (size_t i = 0; i < flows.size(); i++) {
        const sb::LogicalFlow& flow = *flows[i].flow;
        if (i == 0 || !flows[i].same_pipeline(flows[i - 1])) {
            context.output +=
                fmt::format("Datapath: {}  Pipeline: {}\n", datapath_text(*flows[i].datapath), flow.pipeline);
        }
        context.output += "  " + rows.uuid_text(flow.uuid);
        context.output += fmt::format("table={:<2}({:<19}), priority={:<5}, match=({}), action=({})\n",
                                      flow.table_id, stage_of(flow), flow.priority, flow.match, flow.actions);
        context.output += rows.openflow(flow.uuid);
    }
    context.output += rows.other_rows(only);
    return {};
}

Result<void> run_count(CtlContext& context) {
    const sb::DatapathBinding* only = nullptr;
    if (context.size()) {
        WEFT_ASSIGN(only, find_datapath(context, context[0]));
        if (!only) return Error{fmt::format("{} is not a valid datapath", context[0])};
    }
    WEFT_ASSIGN(std::vector<Listed> flows, sorted_flows(context, only, {}));
    size_t start = 0;
    while (start < flows.size()) {
        size_t end = start;
        while (end < flows.size() && flows[end].same_pipeline(flows[start])) end++;
        std::string datapath = datapath_text(*flows[start].datapath);
        const std::string& pipeline = flows[start].flow->pipeline;
        context.output += fmt::format("Datapath: {}  Pipeline: {}\n", datapath, pipeline);
        for (size_t i = start; i < end;) {
            size_t next = i;
            while (next < end && flows[next].flow->table_id == flows[i].flow->table_id) next++;
            context.output += fmt::format("  table={:<2}({:<19}) lflows={}\n", flows[i].flow->table_id,
                                          stage_of(*flows[i].flow), next - i);
            i = next;
        }
        context.output +=
            fmt::format("Total number of logical flows in the datapath {} Pipeline: {} = {}\n\n", datapath,
                        pipeline, end - start);
        start = end;
    }
    context.output += fmt::format("Total number of logical flows = {}\n", flows.size());
    return {};
}

Result<void> need_flush(CtlContext& context) {
    context.need(sb::IPMulticast::kDatapath, sb::IPMulticast::kSeqNo);
    return need_datapaths(context);
}

Result<void> run_flush(CtlContext& context) {
    const sb::DatapathBinding* only = nullptr;
    if (context.size()) {
        WEFT_ASSIGN(only, find_datapath(context, context[0]));
        if (!only) return Error{fmt::format("{} is not a valid datapath", context[0])};
    }
    for (const sb::IPMulticast* row : context.rows<sb::IPMulticast>()) {
        if (only && row->datapath != only->uuid) continue;
        context.transaction().set(Uuid(row->uuid), sb::IPMulticast::kSeqNo, row->seq_no + 1);
    }
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"lflow-list", 0, -1, "[DATAPATH] [LFLOW]...", "--uuid,--ovs?,--stats,--vflows", false, need_flows,
     run_list, nullptr, "Print logical flows, of one datapath or those whose uuids begin as given."},
    {"dump-flows", 0, -1, "[DATAPATH] [LFLOW]...", "--uuid,--ovs?,--stats,--vflows", false, need_flows,
     run_list, nullptr, "The same as lflow-list."},
    {"count-flows", 0, 1, "[DATAPATH]", "", false, need_flows, run_count, nullptr,
     "Print the number of logical flows in each table."},
    {"ip-multicast-flush", 0, 1, "[SWITCH]", "", true, need_flush, run_flush, nullptr,
     "Let chassis forget the multicast groups that they learnt."},
};

}  // namespace

std::span<const CtlCommand> flow_commands() {
    return kCommands;
}

}  // namespace weft::cli::sbctl
