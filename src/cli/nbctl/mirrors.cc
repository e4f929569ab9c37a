// Mirrors and their rules: mirror-*.

#include "cli/nbctl/common.h"

namespace weft::cli::nbctl {
namespace {

Result<void> need_mirrors(CtlContext& context) {
    context.need(nb::Mirror::kName, nb::Mirror::kType, nb::Mirror::kIndex, nb::Mirror::kFilter,
                 nb::Mirror::kSink);
    return {};
}

Result<void> need_rules(CtlContext& context) {
    context.need(nb::Mirror::kMirrorRules);
    context.need(nb::MirrorRule::kPriority, nb::MirrorRule::kMatch, nb::MirrorRule::kAction);
    return need_mirrors(context);
}

Result<const nb::Mirror*> get_mirror(CtlContext& context) {
    return get_row(context, nb::Mirror::kName, context[0], "mirrors", "mirror");
}

// Of mirrors by a tunnel: the others need no key.
bool has_index(std::string_view type) {
    return type == "gre" || type == "erspan";
}

Result<void> run_add(CtlContext& context) {
    WEFT_ASSIGN(const nb::Mirror* existing, find_row(context, nb::Mirror::kName, context[0], "mirrors"));
    if (existing && !context.has("--may-exist")) {
        return Error{fmt::format("Mirror with {} name already exists.", context[0])};
    }
    const std::string& type = context[1];
    if (!has_index(type) && type != "local" && type != "lport") {
        return Error{fmt::format("{}: type must be \"gre\", \"erspan\", \"local\" or \"lport\"", type)};
    }
    std::optional<int64_t> index = 0;
    size_t next = 2;
    if (context.size() == 5) {
        index = parse_number(context[next++], 0, UINT32_MAX);
        if (!index) return Error{"Invalid Index"};
    } else if (has_index(type)) {
        return Error{fmt::format("a mirror of type \"{}\" needs an index: mirror-add {} {} INDEX {} {}", type,
                                 context[0], type, context[2], context[3])};
    }
    const std::string &direction = context[next], &sink = context[next + 1];
    std::string filter = direction.starts_with("t")   ? "to-lport"
                         : direction.starts_with("b") ? "both"
                                                      : "from-lport";
    if (!std::string_view(filter).starts_with(direction)) {
        return Error{fmt::format("{}: filter must be \"from-lport\", \"to-lport\" or \"both\"", direction)};
    }
    if (has_index(type) && normal_address(sink).empty())
        return Error{fmt::format("{}: not a valid IP address", sink)};
    db::Transaction& txn = context.transaction();
    Uuid uuid = existing ? Uuid(existing->uuid) : txn.insert<nb::Mirror>();
    txn.set(uuid, nb::Mirror::kName, context[0]);
    txn.set(uuid, nb::Mirror::kType, type);
    txn.set(uuid, nb::Mirror::kIndex, *index);
    txn.set(uuid, nb::Mirror::kFilter, filter);
    txn.set(uuid, nb::Mirror::kSink, sink);
    return {};
}

Result<void> run_del(CtlContext& context) {
    for (const nb::Mirror* mirror : context.rows<nb::Mirror>()) {
        if (!context.size() || mirror->name == context[0])
            context.transaction().erase<nb::Mirror>(Uuid(mirror->uuid));
    }
    return {};
}

// By priority from the highest, as they are asked.
std::vector<const nb::MirrorRule*> sorted_rules(CtlContext& context, const nb::Mirror& mirror) {
    std::vector<const nb::MirrorRule*> rules;
    for (const Uuid& uuid : mirror.mirror_rules) {
        if (const nb::MirrorRule* rule = context.row<nb::MirrorRule>(uuid)) rules.push_back(rule);
    }
    std::sort(rules.begin(), rules.end(), [](auto* a, auto* b) {
        return a->priority != b->priority ? a->priority > b->priority : a->match < b->match;
    });
    return rules;
}

Result<void> run_list(CtlContext& context) {
    std::vector<const nb::Mirror*> mirrors = context.rows<nb::Mirror>();
    std::stable_sort(mirrors.begin(), mirrors.end(), [](auto* a, auto* b) { return a->name < b->name; });
    for (const nb::Mirror* mirror : mirrors) {
        context.output += fmt::format("{}:\n  Type     :  {}\n  Sink     :  {}\n  Filter   :  {}\n",
                                      mirror->name, mirror->type, mirror->sink, mirror->filter);
        if (has_index(mirror->type)) context.output += fmt::format("  Index/Key:  {}\n", mirror->index);
        for (const nb::MirrorRule* rule : sorted_rules(context, *mirror)) {
            context.output +=
                fmt::format("  Rule     :  {:5} ({}) {}\n", rule->priority, rule->match, rule->action);
        }
        context.output += '\n';
    }
    return {};
}

Result<void> run_rule_add(CtlContext& context) {
    WEFT_ASSIGN(const nb::Mirror* mirror, get_mirror(context));
    WEFT_ASSIGN(int64_t priority, parse_priority(context[1]));
    const std::string &match = context[2], &action = context[3];
    if (action != "mirror" && action != "skip") {
        return Error{fmt::format("{}: action must be \"mirror\" or \"skip\"", action)};
    }
    if (mirror->type != "lport") {
        return Error{fmt::format("mirror {} is of type {}: only mirrors to logical ports (lport) have rules",
                                 context[0], mirror->type)};
    }
    Uuid owner = mirror->uuid;
    db::Transaction& txn = context.transaction();
    for (const nb::MirrorRule* rule : sorted_rules(context, *mirror)) {
        if (rule->priority != priority || rule->match != match) continue;
        if (!context.has("--may-exist")) {
            return Error{fmt::format("mirror {} already has a rule with priority {} and match \"{}\"",
                                     context[0], priority, match)};
        }
        txn.set(Uuid(rule->uuid), nb::MirrorRule::kAction, action);
        return {};
    }
    Uuid rule = txn.insert<nb::MirrorRule>();
    txn.set(rule, nb::MirrorRule::kPriority, priority);
    txn.set(rule, nb::MirrorRule::kMatch, match);
    txn.set(rule, nb::MirrorRule::kAction, action);
    txn.add(owner, nb::Mirror::kMirrorRules, rule);
    return {};
}

Result<void> run_rule_del(CtlContext& context) {
    WEFT_ASSIGN(const nb::Mirror* mirror, get_mirror(context));
    Uuid owner = mirror->uuid;
    int64_t priority = 0;
    if (context.size() > 1) {
        WEFT_ASSIGN(priority, parse_priority(context[1]));
    }
    std::vector<Uuid> gone;
    for (const nb::MirrorRule* rule : sorted_rules(context, *mirror)) {
        if (context.size() > 1 && rule->priority != priority) continue;
        if (context.size() > 2 && rule->match != context[2]) continue;
        gone.push_back(rule->uuid);
    }
    if (gone.empty() && context.size() > 1 && !context.has("--if-exists")) {
        return Error{fmt::format("mirror {} has no rule with priority {}{}", context[0], priority,
                                 context.size() > 2 ? fmt::format(" and match \"{}\"", context[2]) : "")};
    }
    for (const Uuid& rule : gone) context.transaction().remove(owner, nb::Mirror::kMirrorRules, rule);
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"mirror-add", 4, 5, "NAME TYPE [INDEX] FILTER SINK", "--may-exist", true, need_mirrors, run_add, nullptr,
     "Create a mirror: copies of a port's packets go through a tunnel to an address (gre, erspan: INDEX is "
     "its key), to an interface of the host with that mirror-id (local) or to a logical port (lport)."},
    {"mirror-del", 0, 1, "[NAME]", "", true, need_mirrors, run_del, nullptr,
     "Delete a mirror, or all of them."},
    {"mirror-list", 0, 0, "", "", false, need_rules, run_list, nullptr, "Print all mirrors."},
    {"mirror-rule-add", 4, 4, "MIRROR PRIORITY MATCH ACTION", "--may-exist", true, need_rules, run_rule_add,
     nullptr, "Add a rule that chooses packets of a mirror to a logical port: mirror or skip them."},
    {"mirror-rule-del", 1, 3, "MIRROR [PRIORITY [MATCH]]", "--if-exists", true, need_rules, run_rule_del,
     nullptr, "Delete such rules."},
};

}  // namespace

std::span<const CtlCommand> mirror_commands() {
    return kCommands;
}

}  // namespace weft::cli::nbctl
