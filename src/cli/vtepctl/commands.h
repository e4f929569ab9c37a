// vtep-ctl's commands, a table per file, and what the files share.

#pragma once

#include <span>
#include <string>

#include "cli/ctl/command.h"
#include "schema/vtep.h"

namespace weft::cli::vtepctl {

namespace vt = schema::vtep;

std::span<const CtlCommand> physical_commands();  // physical switches and their ports
std::span<const CtlCommand> logical_commands();   // logical switches and routers, bindings
std::span<const CtlCommand> mac_commands();       // where addresses are
std::span<const CtlCommand> manager_commands();

// The one row of Global, made if there is none.
Uuid root(db::Transaction& transaction);

// The row of that name, or null.
template <typename Row>
const Row* find_named(CtlContext& context, std::string_view name) {
    const Row* found = nullptr;
    context.transaction().for_each<Row>([&](const Row& row) {
        if (row.name == name) found = &row;
    });
    return found;
}
// "no KIND named NAME"
template <typename Row>
Result<const Row*> find_or_fail(CtlContext& context, const char* kind, std::string_view name) {
    const Row* found = find_named<Row>(context, name);
    if (!found) return Error{fmt::format("no {} named {}", kind, name)};
    return found;
}
inline constexpr const char* kPhysicalSwitch = "physical switch";
inline constexpr const char* kLogicalSwitch = "logical switch";
inline constexpr const char* kLogicalRouter = "logical router";
inline constexpr int kNoSuchRow = 2;  // exit code of ps-exists, ls-exists, lr-exists

// The port of that name on the switch.
Result<const vt::PhysicalPort*> find_port(CtlContext& context, const std::string& physical_switch,
                                          const std::string& port);
Result<void> need_physical(CtlContext& context);  // what find_port() reads

// Names of all rows, sorted, a line each.
template <typename Row>
void print_names(CtlContext& context) {
    std::vector<std::string> names;
    for (const Row* row : context.rows<Row>()) names.push_back(row->name);
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) context.output += name + '\n';
}

}  // namespace weft::cli::vtepctl
