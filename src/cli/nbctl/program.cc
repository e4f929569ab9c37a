#include "cli/nbctl/program.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/clock.h"
#include "cli/nbctl/common.h"
#include "net/directories.h"

namespace weft::cli::nbctl {
namespace {

enum class Wait { kNone, kSouthbound, kHypervisors };

// Between the callbacks of one invocation.
Wait wait_for = Wait::kNone;
bool print_wait_time = false;
int64_t start_ms = 0;

void add_options(OptionTable& options) {
    options.add(
        "wait", 0, "WHAT",
        "Wait until the change is in the southbound database (sb) or carried out by all chassis (hv).",
        [](std::string_view what) -> Result<void> {
            if (what == "none") {
                wait_for = Wait::kNone;
            } else if (what == "sb") {
                wait_for = Wait::kSouthbound;
            } else if (what == "hv") {
                wait_for = Wait::kHypervisors;
            } else {
                return Error{"argument to --wait must be \"none\", \"sb\", or \"hv\""};
            }
            return {};
        });
    options.add("no-wait", 0, "", "The same as --wait=none.", [](std::string_view) {
        wait_for = Wait::kNone;
        return Result<void>();
    });
    options.add("print-wait-time", 0, "", "Print how long the waiting took.", [](std::string_view) {
        print_wait_time = true;
        return Result<void>();
    });
}

void need(CtlSession& session) {
    session.replica->monitor(nb::NBGlobal::table_info(), {});
    if (wait_for == Wait::kNone) return;
    session.replica->monitor<nb::NBGlobal>(nb::NBGlobal::kNbCfg, nb::NBGlobal::kSbCfg, nb::NBGlobal::kHvCfg,
                                           nb::NBGlobal::kNbCfgTimestamp, nb::NBGlobal::kSbCfgTimestamp,
                                           nb::NBGlobal::kHvCfgTimestamp);
}

Uuid root(db::Transaction& txn) {
    Uuid found;
    txn.for_each<nb::NBGlobal>([&](const nb::NBGlobal& row) { found = row.uuid; });
    return found.is_zero() ? txn.insert<nb::NBGlobal>() : found;
}

void before_run(CtlSession& session) {
    root(*session.transaction);
}

void after_run(CtlSession& session, bool) {
    db::Transaction& txn = *session.transaction;
    if (wait_for == Wait::kNone || (txn.empty() && !session.forced_wait)) return;
    start_ms = clock::wall_ms();
    txn.increment(root(txn), nb::NBGlobal::kNbCfg);
}

void print_times(const nb::NBGlobal& row) {
    std::printf("Time spent on processing nb_cfg %lld:\n", static_cast<long long>(row.nb_cfg));
    std::printf("\tovn-northd delay before processing:\t%lldms\n",
                static_cast<long long>(row.nb_cfg_timestamp - start_ms));
    std::printf("\tovn-northd completion:\t\t\t%lldms\n",
                static_cast<long long>(row.sb_cfg_timestamp - start_ms));
    if (wait_for == Wait::kHypervisors) {
        std::printf("\tovn-controller(s) completion:\t\t%lldms\n",
                    static_cast<long long>(row.hv_cfg_timestamp - start_ms));
    }
}

bool carried_out(CtlSession& session) {
    if (wait_for == Wait::kNone || session.outcome.status == db::CommitStatus::kUnchanged) return true;
    for (const nb::NBGlobal& row : session.replica->table<nb::NBGlobal>()) {
        int64_t reached = wait_for == Wait::kSouthbound ? row.sb_cfg : std::min(row.sb_cfg, row.hv_cfg);
        if (reached < session.outcome.incremented) return false;
        if (print_wait_time) print_times(row);
    }
    return true;
}

CtlProgram program() {
    CtlProgram out{};
    out.name = "ovn-nbctl";
    out.summary = "OVN northbound database management utility";
    out.description =
        "Changes the logical network that the OVN northbound database describes, and may wait until that has "
        "been carried out.";
    out.database = &nb::database();
    out.default_remotes = "unix:" + net::ovn_rundir() + "/ovnnb_db.sock";
    out.database_variable = "OVN_NB_DB";
    out.leader_only_option = true;
    out.commands = {
        overview_commands(),    switch_commands(), switch_port_commands(), router_commands(),
        router_port_commands(), route_commands(),  policy_commands(),      nat_commands(),
        acl_commands(),         qos_commands(),    meter_commands(),       load_balancer_commands(),
        dhcp_commands(),        group_commands(),  other_commands(),       connection_commands()};
    out.record_names = {
        {"Logical_Switch", "Logical_Switch", "name", ""},
        {"Logical_Switch_Port", "Logical_Switch_Port", "name", ""},
        {"Logical_Router", "Logical_Router", "name", ""},
        {"Logical_Router_Port", "Logical_Router_Port", "name", ""},
        {"Load_Balancer", "Load_Balancer", "name", ""},
        {"Load_Balancer_Group", "Load_Balancer_Group", "name", ""},
        {"Address_Set", "Address_Set", "name", ""},
        {"Port_Group", "Port_Group", "name", ""},
        {"ACL", "ACL", "name", ""},
        {"HA_Chassis", "HA_Chassis", "chassis_name", ""},
        {"HA_Chassis_Group", "HA_Chassis_Group", "name", ""},
        {"Chassis_Template_Var", "Chassis_Template_Var", "chassis", ""},
        {"Gateway_Chassis", "Gateway_Chassis", "name", ""},
        {"Meter", "Meter", "name", ""},
        {"Mirror", "Mirror", "name", ""},
        {"Copp", "Copp", "name", ""},
        {"Connection", "Connection", "target", ""},
        {"NB_Global", "NB_Global", "", ""},
        {"SSL", "NB_Global", "", "ssl"},
    };
    out.add_options = add_options;
    out.need = need;
    out.before_run = before_run;
    out.after_run = after_run;
    out.carried_out = carried_out;
    return out;
}

}  // namespace

int run(int argc, char** argv) {
    return run_ctl(program(), argc, argv);
}

}  // namespace weft::cli::nbctl
