// Access control: acl-add acl-del acl-list, on switches and port groups.

#include "cli/nbctl/common.h"

namespace weft::cli::nbctl {
namespace {

Result<void> need_acls(CtlContext& context) {
    context.need(nb::LogicalSwitch::kName, nb::LogicalSwitch::kAcls);
    context.need(nb::PortGroup::kName, nb::PortGroup::kAcls);
    context.need(nb::ACL::kName, nb::ACL::kPriority, nb::ACL::kDirection, nb::ACL::kMatch, nb::ACL::kAction,
                 nb::ACL::kLog, nb::ACL::kSeverity, nb::ACL::kMeter, nb::ACL::kLabel, nb::ACL::kOptions);
    context.need(nb::ACL::kTier, nb::ACL::kNetworkFunctionGroup, nb::ACL::kSampleNew, nb::ACL::kSampleEst);
    context.need(nb::NetworkFunctionGroup::kName);
    if (context.has("--sample-new") || context.has("--sample-est")) context.need(nb::Sample::kMetadata);
    return {};
}

// What the rules belong to: one of the two.
struct Owner {
    const nb::LogicalSwitch* ls = nullptr;
    const nb::PortGroup* group = nullptr;

    const ovsdb::Set<Uuid>& acls() const { return ls ? ls->acls : group->acls; }
};

Result<Owner> find_owner(CtlContext& context) {
    std::string_view type = context.option("--type"), id = context[0];
    if (context.has("--type") && type != "switch" && type != "port-group") {
        return Error{fmt::format("Invalid value '{}' for option --type", type)};
    }
    Owner out;
    if (type != "switch") {
        WEFT_ASSIGN(out.group, find_row(context, nb::PortGroup::kName, id, "port groups"));
        if (!out.group && type == "port-group")
            return Error{fmt::format("{}: port group name not found", id)};
    }
    if (type != "port-group") {
        WEFT_ASSIGN(out.ls, find_row(context, nb::LogicalSwitch::kName, id, "logical switches"));
        if (!out.ls && type == "switch") return Error{fmt::format("{}: switch name not found", id)};
    }
    if (out.ls && out.group) {
        return Error{fmt::format(
            "Same name '{}' exists in both port-groups and logical switches. Specify --type=port-group "
            "or switch, or use a UUID.",
            id)};
    }
    if (!out.ls && !out.group) return Error{fmt::format("'{}' is not found for port-group or switch.", id)};
    return out;
}

Result<std::string> parse_direction(std::string_view text) {
    if (text.starts_with("t")) return std::string("to-lport");
    if (text.starts_with("f")) return std::string("from-lport");
    return Error{fmt::format("{}: direction must be \"to-lport\" or \"from-lport\"", text)};
}

bool is_after_lb(const nb::ACL& acl) {
    return ovsdb::get_bool(acl.options, "apply-after-lb");
}

// As they are listed: by direction, those after load balancing last, by priority from the highest, by match.
std::vector<const nb::ACL*> sorted_acls(CtlContext& context, const Owner& owner) {
    std::vector<const nb::ACL*> out;
    for (const Uuid& uuid : owner.acls()) {
        if (const nb::ACL* acl = context.row<nb::ACL>(uuid)) out.push_back(acl);
    }
    std::sort(out.begin(), out.end(), [](const nb::ACL* a, const nb::ACL* b) {
        if (a->direction != b->direction) return a->direction < b->direction;
        if (is_after_lb(*a) != is_after_lb(*b)) return is_after_lb(*b);
        return a->priority != b->priority ? a->priority > b->priority : a->match < b->match;
    });
    return out;
}

Result<int64_t> parse_label(CtlContext& context) {
    if (!context.has("--label")) return 0;
    std::string_view text = context.option("--label");
    std::optional<int64_t> label = parse_number(text, 0, UINT32_MAX);
    if (!label) return Error{fmt::format("{}: label must in range 0...4294967295", text)};
    if (context[4] != "allow" && context[4] != "allow-related") {
        return Error{"label can only be set with actions \"allow\" or \"allow-related\""};
    }
    return *label;
}

Result<void> write_log_settings(CtlContext& context, const Uuid& acl) {
    db::Transaction& txn = context.transaction();
    std::string_view severity = context.option("--severity"), name = context.option("--name"),
                     meter = context.option("--meter");
    if (context.has("--log") || !severity.empty() || !name.empty() || !meter.empty())
        txn.set(acl, nb::ACL::kLog, true);
    if (!severity.empty()) {
        constexpr std::string_view kLevels[] = {"alert", "warning", "notice", "info", "debug"};
        if (std::find(std::begin(kLevels), std::end(kLevels), severity) == std::end(kLevels)) {
            return Error{fmt::format("bad severity: {}", severity)};
        }
        txn.set(acl, nb::ACL::kSeverity, std::string(severity));
    }
    if (!name.empty()) txn.set(acl, nb::ACL::kName, std::string(name));
    if (!meter.empty()) txn.set(acl, nb::ACL::kMeter, std::string(meter));
    return {};
}

constexpr int64_t kMaxTier = 3;

Result<int64_t> parse_tier(CtlContext& context) {
    if (!context.has("--tier")) return 0;
    std::string_view text = context.option("--tier");
    std::optional<int64_t> tier = parse_number(text, 0, kMaxTier);
    if (!tier) return Error{fmt::format("{}: tier must be in the range 0...{}", text, kMaxTier)};
    return *tier;
}

// The Sample rows of --sample-new and --sample-est, by uuid or as @NAME of the same invocation.
Result<void> write_samples(CtlContext& context, const Uuid& acl) {
    auto sample = [&](const char* option) -> Result<std::optional<Uuid>> {
        if (!context.has(option)) return std::optional<Uuid>();
        std::string_view text = context.option(option);
        std::optional<Uuid> uuid = Uuid::parse(text);
        if (text.starts_with('@')) {
            ovsdb::Symbol& symbol = context.session().symbols.get(text);
            symbol.strong_ref = true;
            return std::optional<Uuid>(symbol.uuid);
        }
        if (!uuid || !context.row<nb::Sample>(*uuid))
            return Error{fmt::format("{}: no row of table Sample has this uuid", text)};
        return uuid;
    };
    WEFT_ASSIGN(std::optional<Uuid> opening, sample("--sample-new"));
    WEFT_ASSIGN(std::optional<Uuid> established, sample("--sample-est"));
    if (opening) context.transaction().set(acl, nb::ACL::kSampleNew, opening);
    if (established) context.transaction().set(acl, nb::ACL::kSampleEst, established);
    return {};
}

Result<std::optional<Uuid>> function_group(CtlContext& context) {
    if (context.size() < 6) return std::optional<Uuid>();
    if (!context[4].starts_with("allow"))
        return Error{fmt::format("{}: only packets that are allowed can be led through network functions",
                                 context[4])};
    WEFT_ASSIGN(const nb::NetworkFunctionGroup* group,
                get_row(context, nb::NetworkFunctionGroup::kName, context[5], "network function groups",
                        "network function group"));
    return std::optional<Uuid>(group->uuid);
}

Result<void> run_add(CtlContext& context) {
    WEFT_ASSIGN(Owner owner, find_owner(context));
    WEFT_ASSIGN(std::string direction, parse_direction(context[1]));
    WEFT_ASSIGN(int64_t priority, parse_priority(context[2]));
    const std::string& action = context[4];
    constexpr std::string_view kActions[] = {"allow", "allow-related", "allow-stateless",
                                             "drop",  "pass",          "reject"};
    if (std::find(std::begin(kActions), std::end(kActions), action) == std::end(kActions)) {
        return Error{fmt::format(
            "{}: action must be one of \"allow\", \"allow-related\", \"allow-stateless\", \"drop\", "
            "\"pass\", and \"reject\"",
            action)};
    }
    WEFT_ASSIGN(int64_t label, parse_label(context));
    WEFT_ASSIGN(int64_t tier, parse_tier(context));
    WEFT_ASSIGN(std::optional<Uuid> group, function_group(context));
    for (const nb::ACL* acl : sorted_acls(context, owner)) {
        if (acl->direction != direction || acl->priority != priority || acl->match != context[3]) continue;
        if (acl->tier != tier) continue;
        if (context.has("--may-exist")) return {};
        return Error{
            fmt::format("Same ACL already existed on the {} {}.", owner.ls ? "ls" : "pg", context[0])};
    }
    db::Transaction& txn = context.transaction();
    Uuid owner_uuid = owner.ls ? owner.ls->uuid : owner.group->uuid;
    Uuid acl = txn.insert<nb::ACL>();
    txn.set(acl, nb::ACL::kPriority, priority);
    txn.set(acl, nb::ACL::kDirection, direction);
    txn.set(acl, nb::ACL::kMatch, context[3]);
    txn.set(acl, nb::ACL::kAction, action);
    if (label) txn.set(acl, nb::ACL::kLabel, label);
    if (tier) txn.set(acl, nb::ACL::kTier, tier);
    if (group) txn.set(acl, nb::ACL::kNetworkFunctionGroup, group);
    WEFT_TRY(write_samples(context, acl));
    WEFT_TRY(write_log_settings(context, acl));
    if (context.has("--apply-after-lb") && direction == "from-lport") {
        txn.set_key(acl, nb::ACL::kOptions, "apply-after-lb", "true");
    }
    if (owner.ls) {
        txn.add(owner_uuid, nb::LogicalSwitch::kAcls, acl);
    } else {
        txn.add(owner_uuid, nb::PortGroup::kAcls, acl);
    }
    return {};
}

Result<void> run_del(CtlContext& context) {
    WEFT_ASSIGN(Owner owner, find_owner(context));
    Uuid owner_uuid = owner.ls ? owner.ls->uuid : owner.group->uuid;
    if (context.size() == 3) return Error{"cannot specify priority without match"};
    std::string direction;
    int64_t priority = 0;
    if (context.size() > 1) {
        WEFT_ASSIGN(direction, parse_direction(context[1]));
    }
    if (context.size() > 2) {
        WEFT_ASSIGN(priority, parse_priority(context[2]));
    }
    WEFT_ASSIGN(int64_t tier, parse_tier(context));
    std::vector<Uuid> gone;
    for (const nb::ACL* acl : sorted_acls(context, owner)) {
        if (context.has("--tier") && acl->tier != tier) continue;
        if (!direction.empty() && acl->direction != direction) continue;
        if (context.size() > 2 && (acl->priority != priority || acl->match != context[3])) continue;
        gone.push_back(acl->uuid);
    }
    for (const Uuid& uuid : gone) {
        if (owner.ls) {
            context.transaction().remove(owner_uuid, nb::LogicalSwitch::kAcls, uuid);
        } else {
            context.transaction().remove(owner_uuid, nb::PortGroup::kAcls, uuid);
        }
    }
    return {};
}

Result<void> run_list(CtlContext& context) {
    WEFT_ASSIGN(Owner owner, find_owner(context));
    for (const nb::ACL* acl : sorted_acls(context, owner)) {
        context.output +=
            fmt::format("{:>10} {:5} ({}) {}", acl->direction, acl->priority, acl->match, acl->action);
        if (acl->log) {
            std::string settings;
            auto append = [&](std::string text) { settings += (settings.empty() ? "" : ",") + text; };
            if (acl->name) append("name=" + *acl->name);
            if (acl->severity) append("severity=" + *acl->severity);
            if (acl->meter) append(fmt::format("meter=\"{}\"", *acl->meter));
            context.output += fmt::format(" log({})", settings);
        }
        if (acl->label) context.output += fmt::format(" label={}", acl->label);
        if (is_after_lb(*acl)) context.output += " [after-lb]";
        if (acl->tier) context.output += fmt::format(" tier={}", acl->tier);
        if (acl->network_function_group) {
            const auto* group = context.row<nb::NetworkFunctionGroup>(*acl->network_function_group);
            if (group) context.output += fmt::format(" network-function-group={}", group->name);
        }
        context.output += '\n';
    }
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"acl-add", 5, 6, "{SWITCH | PORTGROUP} DIRECTION PRIORITY MATCH ACTION [NETWORK_FUNCTION_GROUP]",
     "--log,--may-exist,--type=,--name=,--severity=,--meter=,--label=,--apply-after-lb,--tier=,--sample-new=,"
     "--sample-est=",
     true, need_acls, run_add, nullptr,
     "Add a filter rule: allow, allow-related, allow-stateless, drop, pass (on to the next tier) or reject."},
    {"acl-del", 1, 4, "{SWITCH | PORTGROUP} [DIRECTION [PRIORITY MATCH]]", "--type=,--tier=", true, need_acls,
     run_del, nullptr, "Delete filter rules."},
    {"acl-list", 1, 1, "{SWITCH | PORTGROUP}", "--type=", false, need_acls, run_list, nullptr,
     "Print filter rules."},
};

}  // namespace

std::span<const CtlCommand> acl_commands() {
    return kCommands;
}

}  // namespace weft::cli::nbctl
