// What the commands for rows of unique names share: transit switches, transit routers and their ports.

#pragma once

#include <fmt/format.h>

#include <algorithm>

#include "cli/ic_nbctl/commands.h"

namespace weft::cli::ic_nbctl {

// The row of a uuid or a name, or nullptr.
template <typename Row>
const Row* find_named(CtlContext& context, std::string_view id) {
    if (std::optional<Uuid> uuid = Uuid::parse(id)) {
        if (const auto* row = context.row<Row>(*uuid)) return row;
    }
    const Row* found = nullptr;
    context.transaction().for_each_equal(Row::kName, std::string(id), [&](const Row& row) { found = &row; });
    return found;
}

template <typename Row>
Result<const Row*> get_named(CtlContext& context, std::string_view id, const char* noun) {
    const Row* row = find_named<Row>(context, id);
    if (!row) return Error{fmt::format("{}: {} name not found", id, noun)};
    return row;
}

template <typename Row>
bool is_taken(CtlContext& context, const std::string& name) {
    bool taken = false;
    context.transaction().for_each_equal(Row::kName, name, [&](const Row&) { taken = true; });
    return taken;
}

// NAME, with --may-exist; `noun`: "transit switch".
template <typename Row>
Result<void> add_named(CtlContext& context, const char* noun) {
    if (is_taken<Row>(context, context[0])) {
        if (context.has("--may-exist")) return {};
        return Error{fmt::format("{}: a {} with this name already exists", context[0], noun)};
    }
    Uuid uuid = context.transaction().insert<Row>();
    context.transaction().set(uuid, Row::kName, context[0]);
    return {};
}

// NAME, with --if-exists; `noun`: "switch".
template <typename Row>
Result<void> delete_named(CtlContext& context, const char* noun) {
    if (context.has("--if-exists") && !find_named<Row>(context, context[0])) return {};
    WEFT_ASSIGN(const Row* row, get_named<Row>(context, context[0], noun));
    context.transaction().erase<Row>(Uuid(row->uuid));
    return {};
}

// "UUID (name)" lines.
template <typename Row>
void print_named(CtlContext& context, std::vector<const Row*> rows) {
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto* a, const auto* b) { return a->name < b->name; });
    for (const auto* row : rows) context.output += fmt::format("{} ({})\n", row->uuid.to_string(), row->name);
}

}  // namespace weft::cli::ic_nbctl
