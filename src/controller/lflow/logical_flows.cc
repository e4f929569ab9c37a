#include "controller/lflow/logical_flows.h"

#include <fmt/format.h>

#include "base/log.h"
#include "controller/lflow/flow_lookup.h"
#include "controller/lflow/translation.h"
#include "controller/local_datapaths.h"
#include "controller/template_vars.h"
#include "incremental/definitions.h"

namespace weft::controller {

namespace sb = schema::sb;

namespace {
log::Module lg("lflow");
log::RateLimit limit(5, 5);

// What a match begins with, as northd writes it: `inport == "lrp" && …`.  && and || cannot be mixed without
// parentheses, so no packet matches for which that is not true.
struct Demand {
    const logical::Symbol* field = nullptr;
    std::string_view port;
};
std::optional<Demand> leading_demand(std::string_view match) {
    for (std::string_view field : {"inport", "outport"}) {
        if (!match.starts_with(field)) continue;
        std::string_view rest = match.substr(field.size());
        if (!rest.starts_with(" == \"")) return std::nullopt;
        rest.remove_prefix(5);
        const size_t end = rest.find_first_of("\"\\");
        if (end == std::string_view::npos || rest[end] != '"') return std::nullopt;
        const std::string_view after = rest.substr(end + 1);
        if (!after.empty() && !after.starts_with(" && ")) return std::nullopt;
        return Demand{logical::SymbolTable::standard().find(field), rest.substr(0, end)};
    }
    return std::nullopt;
}

}  // namespace

LogicalFlows::LogicalFlows(SouthboundView& view) : view_(view) {}
LogicalFlows::~LogicalFlows() = default;

std::optional<PortFacts> LogicalFlows::facts_of(const std::string& name) {
    const sb::PortBinding* row = view_.port_named(name);
    if (!row) return std::nullopt;
    PortFacts facts;
    facts.datapath = row->datapath;
    facts.key = static_cast<uint32_t>(row->tunnel_key);
    facts.is_vif = row->type.empty();
    facts.is_closed = is_closed(view_, *row);
    if (facts.is_vif) {
        facts.is_local = view_.is_own_chassis(row->chassis) || view_.local_ports.find(name) ||
                         (row->parent_port && view_.local_ports.find(*row->parent_port));
    }
    return facts;
}

PortPlace LogicalFlows::place_of(const std::string& name) {
    const sb::PortBinding* row = view_.port_named(name);
    if (!row) return {};
    return {row->chassis, view_.is_own_chassis(row->chassis)};
}

uint32_t LogicalFlows::want_group(const logical::GroupRequest& request) {
    DesiredGroup group;
    group.id = group_numbers_.number(request.to_string());
    group.request = request;
    groups_.emit(group);
    return group.id;
}

uint32_t LogicalFlows::want_rate_meter(uint64_t rate_kbps, uint64_t burst_kbits) {
    DesiredMeter meter;
    meter.rate = rate_kbps;
    meter.burst = burst_kbits;
    meter.name =
        fmt::format("__string: kbps{} stats bands=type=drop rate={}", burst_kbits ? " burst" : "", rate_kbps);
    if (burst_kbits) meter.name += fmt::format(" burst_size={}", burst_kbits);
    meter.id = meter_numbers_.number(meter.name);
    meters_.emit(meter);
    return meter.id;
}

std::optional<uint32_t> LogicalFlows::want_named_meter(const std::string& name) {
    const Uuid* uuid = view_.meter_by_name.first(name);
    const sb::Meter* row = uuid ? view_.value(view_.meters, *uuid) : nullptr;
    if (!row) return std::nullopt;
    DesiredMeter meter;
    meter.packets = row->unit == "pktps";
    for (const Uuid& band_uuid : row->bands) {
        const sb::MeterBand* band = view_.value(view_.meter_bands, band_uuid);
        if (!band || band->action != "drop") continue;
        meter.rate = static_cast<uint64_t>(band->rate);
        meter.burst = static_cast<uint64_t>(band->burst_size);
    }
    if (!meter.rate) return std::nullopt;
    meter.name = name;
    meter.id = meter_numbers_.number(name);
    meters_.emit(meter);
    return meter.id;
}

template <typename F>
void LogicalFlows::for_each_datapath(const sb::LogicalFlow& row, F&& function) {
    if (row.logical_datapath) {
        const LocalDatapath* local = view_.local_datapath(*row.logical_datapath);
        if (local && !function(*row.logical_datapath, *local)) return;
    }
    if (!row.logical_dp_group) return;
    for (const auto& [uuid, local] : view_.local_members(*row.logical_dp_group)) {
        if (!function(uuid, local)) return;
    }
}

// A flow of a switch that is tagged with a VIF is about that VIF's own packets, which are where it is.
bool LogicalFlows::concerns_this_chassis(const sb::LogicalFlow& row, const LocalDatapath& datapath) {
    const std::string* tag = datapath.is_switch ? row.tags.find("in_out_port") : nullptr;
    if (!tag) return true;
    const std::optional<PortFacts>& facts = port(*tag);
    return !facts || !facts->is_vif || facts->is_local;
}

void LogicalFlows::translate(const Uuid& uuid) {
    const sb::LogicalFlow* const* found = view_.logical_flows.find(uuid);
    if (!found) return;
    const sb::LogicalFlow* source = *found;
    sb::LogicalFlow expanded;
    if (has_template_vars(source->match) || has_template_vars(source->actions)) {
        expanded = *source;
        expanded.match = expand_template_vars(view_, source->match);
        expanded.actions = expand_template_vars(view_, source->actions);
        source = &expanded;
        // A variable without a value on this chassis: the flow is about other ones.
        if (has_template_vars(expanded.match) || has_template_vars(expanded.actions)) {
            conjunction_ids_.keep(uuid, 0);
            return;
        }
    }
    const sb::LogicalFlow& row = *source;
    const std::optional<Demand> demand = leading_demand(row.match);
    std::optional<Translation> translation;
    for_each_datapath(row, [&](const Uuid& datapath_uuid, const LocalDatapath& datapath) {
        // Most of what does not concern this chassis is known from its first words.
        if (demand &&
            !FlowLookup(*this, datapath_uuid, datapath, pipeline_of(row)).port(*demand->field, demand->port))
            return true;
        if (!translation) {
            if (!concerns_this_chassis(row, datapath)) return false;
            translation.emplace(*this, row, conjunction_ids_);
        }
        Result<void> done = translation->emit(datapath_uuid, datapath);
        if (!done && limit.pass(lg)) lg.warn("{}", done.message());
        return static_cast<bool>(done);
    });
    conjunction_ids_.keep(uuid, translation ? translation->conjunctions() : 0);
}

}  // namespace weft::controller
