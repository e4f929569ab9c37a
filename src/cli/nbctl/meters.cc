// Meters and QoS rules: meter-*, qos-*.

#include "cli/nbctl/common.h"

namespace weft::cli::nbctl {
namespace {

// --- meters

Result<void> need_meters(CtlContext& context) {
    context.need(nb::Meter::kName, nb::Meter::kUnit, nb::Meter::kBands, nb::Meter::kFair);
    context.need(nb::MeterBand::kAction, nb::MeterBand::kRate, nb::MeterBand::kBurstSize);
    return {};
}

Result<void> run_meter_add(CtlContext& context) {
    const std::string &name = context[0], &action = context[1], &unit = context[3];
    if (name.starts_with("__")) return Error{"meter names that begin with \"__\" are reserved"};
    WEFT_ASSIGN(const nb::Meter* existing, find_row(context, nb::Meter::kName, name, "meters"));
    if (existing && !context.has("--may-exist"))
        return Error{fmt::format("meter with name \"{}\" already exists", name)};
    if (action != "drop") return Error{"action must be \"drop\""};
    std::optional<int64_t> rate = parse_number(context[2], 1, UINT32_MAX);
    if (!rate) return Error{"rate must be in the range 1...4294967295"};
    if (unit != "kbps" && unit != "pktps") return Error{"unit must be \"kbps\" or \"pktps\""};
    std::optional<int64_t> burst = 0;
    if (context.size() > 4) burst = parse_number(context[4], 0, UINT32_MAX);
    if (!burst) return Error{"burst must be in the range 0...4294967295"};
    db::Transaction& txn = context.transaction();
    Uuid band = txn.insert<nb::MeterBand>();
    txn.set(band, nb::MeterBand::kAction, action);
    txn.set(band, nb::MeterBand::kRate, *rate);
    txn.set(band, nb::MeterBand::kBurstSize, *burst);
    Uuid meter = existing ? Uuid(existing->uuid) : txn.insert<nb::Meter>();
    txn.set(meter, nb::Meter::kName, name);
    txn.set(meter, nb::Meter::kUnit, unit);
    txn.set(meter, nb::Meter::kBands, ovsdb::Set<Uuid>{band});
    if (context.has("--fair")) txn.set(meter, nb::Meter::kFair, true);
    return {};
}

Result<void> run_meter_del(CtlContext& context) {
    for (const nb::Meter* row : context.rows<nb::Meter>()) {
        if (!context.size() || row->name == context[0])
            context.transaction().erase<nb::Meter>(Uuid(row->uuid));
    }
    return {};
}

Result<void> run_meter_list(CtlContext& context) {
    std::vector<const nb::Meter*> meters = context.rows<nb::Meter>();
    std::stable_sort(meters.begin(), meters.end(), [](auto* a, auto* b) { return a->name < b->name; });
    for (const nb::Meter* meter : meters) {
        bool fair = meter->fair && *meter->fair;
        context.output += fmt::format("{}:{} bands:\n", meter->name, fair ? " (fair)" : "");
        for (const Uuid& uuid : meter->bands) {
            const nb::MeterBand* band = context.row<nb::MeterBand>(uuid);
            if (!band) continue;
            context.output += fmt::format("  {}: {} {}", band->action, band->rate, meter->unit);
            if (band->burst_size) {
                context.output +=
                    fmt::format(", {} {} burst", band->burst_size, meter->unit == "kbps" ? "kb" : "packet");
            }
            context.output += '\n';
        }
    }
    return {};
}

// --- QoS

Result<void> need_qos(CtlContext& context) {
    context.need(nb::LogicalSwitch::kName, nb::LogicalSwitch::kQosRules);
    context.need(nb::QoS::kPriority, nb::QoS::kDirection, nb::QoS::kMatch, nb::QoS::kAction,
                 nb::QoS::kBandwidth);
    return {};
}

// "to", "from" and longer starts of them.
Result<std::string> parse_direction(std::string_view text) {
    for (const char* direction : {"from-lport", "to-lport"}) {
        if (!text.empty() && std::string_view(direction).starts_with(text)) return std::string(direction);
    }
    if (text.starts_with("t")) return std::string("to-lport");
    if (text.starts_with("f")) return std::string("from-lport");
    return Error{fmt::format("{}: direction must be \"to-lport\" or \"from-lport\"", text)};
}

std::vector<const nb::QoS*> sorted_rules(CtlContext& context, const nb::LogicalSwitch& ls) {
    std::vector<const nb::QoS*> rules;
    for (const Uuid& uuid : ls.qos_rules) {
        if (const nb::QoS* rule = context.row<nb::QoS>(uuid)) rules.push_back(rule);
    }
    std::sort(rules.begin(), rules.end(), [](auto* a, auto* b) {
        if (a->direction != b->direction) return a->direction < b->direction;
        return a->priority != b->priority ? a->priority > b->priority : a->match < b->match;
    });
    return rules;
}

struct Limits {
    std::optional<int64_t> dscp, rate, burst;
};

Result<Limits> parse_limits(CtlContext& context) {
    Limits out;
    for (size_t i = 4; i < context.size(); i++) {
        std::string_view word = context[i];
        auto value = [&](std::string_view name, int64_t low, int64_t high,
                         std::optional<int64_t>& target) -> Result<bool> {
            if (!word.starts_with(name)) return false;
            std::string_view text = word.substr(name.size());
            target = parse_number(text, low, high);
            if (target) return true;
            return Error{fmt::format("{}: {} must be in the range {}...{}", text,
                                     name.substr(0, name.size() - 1), low, high)};
        };
        WEFT_ASSIGN(bool dscp, value("dscp=", 0, 63, out.dscp));
        WEFT_ASSIGN(bool rate, value("rate=", 1, UINT32_MAX, out.rate));
        WEFT_ASSIGN(bool burst, value("burst=", 1, UINT32_MAX, out.burst));
        if (!dscp && !rate && !burst) {
            return Error{
                fmt::format("{}: supported arguments are \"dscp=\", \"rate=\", and \"burst=\"", word)};
        }
    }
    if (!out.dscp && !out.rate) return Error{"Either \"rate\" and/or \"dscp\" must be specified"};
    return out;
}

Result<void> run_qos_add(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalSwitch* ls, get_switch(context, context[0]));
    WEFT_ASSIGN(std::string direction, parse_direction(context[1]));
    WEFT_ASSIGN(int64_t priority, parse_priority(context[2]));
    WEFT_ASSIGN(Limits limits, parse_limits(context));
    for (const nb::QoS* rule : sorted_rules(context, *ls)) {
        if (rule->direction != direction || rule->priority != priority || rule->match != context[3]) continue;
        if (context.has("--may-exist")) return {};
        return Error{fmt::format("Same qos already existed on the ls {}.", context[0])};
    }
    db::Transaction& txn = context.transaction();
    Uuid rule = txn.insert<nb::QoS>();
    txn.set(rule, nb::QoS::kPriority, priority);
    txn.set(rule, nb::QoS::kDirection, direction);
    txn.set(rule, nb::QoS::kMatch, context[3]);
    if (limits.dscp) txn.set(rule, nb::QoS::kAction, {{"dscp", *limits.dscp}});
    ovsdb::Map<std::string, int64_t> bandwidth;
    if (limits.rate) bandwidth.set("rate", *limits.rate);
    if (limits.rate && limits.burst) bandwidth.set("burst", *limits.burst);
    if (!bandwidth.empty()) txn.set(rule, nb::QoS::kBandwidth, bandwidth);
    txn.add(Uuid(ls->uuid), nb::LogicalSwitch::kQosRules, rule);
    return {};
}

Result<void> run_qos_del(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalSwitch* ls, get_switch(context, context[0]));
    Uuid owner = ls->uuid;
    std::vector<Uuid> gone;
    if (context.size() == 3) return Error{"cannot specify priority without match"};
    std::optional<Uuid> uuid = context.size() == 2 ? Uuid::parse(context[1]) : std::nullopt;
    std::string direction;
    int64_t priority = 0;
    if (context.size() > 1 && !uuid) {
        WEFT_ASSIGN(direction, parse_direction(context[1]));
    }
    if (context.size() == 4) {
        WEFT_ASSIGN(priority, parse_priority(context[2]));
    }
    for (const nb::QoS* rule : sorted_rules(context, *ls)) {
        if (uuid && rule->uuid != *uuid) continue;
        if (!direction.empty() && rule->direction != direction) continue;
        if (context.size() == 4 && (rule->priority != priority || rule->match != context[3])) continue;
        gone.push_back(rule->uuid);
    }
    if (uuid && gone.empty()) return Error{"uuid is not found"};
    for (const Uuid& each : gone) context.transaction().remove(owner, nb::LogicalSwitch::kQosRules, each);
    return {};
}

Result<void> run_qos_list(CtlContext& context) {
    WEFT_ASSIGN(const nb::LogicalSwitch* ls, get_switch(context, context[0]));
    for (const nb::QoS* rule : sorted_rules(context, *ls)) {
        context.output += fmt::format("{:>10} {:5} ({})", rule->direction, rule->priority, rule->match);
        if (const int64_t* rate = rule->bandwidth.find("rate"))
            context.output += fmt::format(" rate={}", *rate);
        if (const int64_t* burst = rule->bandwidth.find("burst"))
            context.output += fmt::format(" burst={}", *burst);
        if (const int64_t* dscp = rule->action.find("dscp")) context.output += fmt::format(" dscp={}", *dscp);
        context.output += '\n';
    }
    return {};
}

constexpr CtlCommand kMeterCommands[] = {
    {"meter-add", 4, 5, "NAME ACTION RATE UNIT [BURST]", "--fair,--may-exist", true, need_meters,
     run_meter_add, nullptr, "Create a meter: packets beyond RATE, in kbps or pktps, are dropped."},
    {"meter-del", 0, 1, "[NAME]", "", true, need_meters, run_meter_del, nullptr,
     "Delete a meter, or all of them."},
    {"meter-list", 0, 0, "", "", false, need_meters, run_meter_list, nullptr, "Print all meters."},
};

constexpr CtlCommand kQosCommands[] = {
    {"qos-add", 5, 7, "SWITCH DIRECTION PRIORITY MATCH [rate=RATE [burst=BURST]] [dscp=DSCP]", "--may-exist",
     true, need_qos, run_qos_add, nullptr, "Add a rule that limits or marks packets."},
    {"qos-del", 1, 4, "SWITCH [{DIRECTION | UUID} [PRIORITY MATCH]]", "", true, need_qos, run_qos_del,
     nullptr, "Delete such rules."},
    {"qos-list", 1, 1, "SWITCH", "", false, need_qos, run_qos_list, nullptr, "Print such rules."},
};

}  // namespace

std::span<const CtlCommand> meter_commands() {
    return kMeterCommands;
}
std::span<const CtlCommand> qos_commands() {
    return kQosCommands;
}

}  // namespace weft::cli::nbctl
