#include "cli/nbctl/program.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "cli/nbctl/common.h"
#include "net/directories.h"

namespace weft::cli::nbctl {
namespace {

using Wait = CtlSettings::Wait;

void add_options(OptionTable& options, CtlSettings& settings) {
    options.add(
        "wait", 0, "WHAT",
        "Wait until the change is in the southbound database (sb) or carried out by all chassis (hv).",
        [&settings](std::string_view what) -> Result<void> {
            if (what == "none") {
                settings.wait = Wait::kNone;
            } else if (what == "sb") {
                settings.wait = Wait::kSouthbound;
            } else if (what == "hv") {
                settings.wait = Wait::kHypervisors;
            } else {
                return Error{"argument to --wait must be \"none\", \"sb\", or \"hv\""};
            }
            return {};
        });
    options.add("no-wait", 0, "", "The same as --wait=none.", [&settings](std::string_view) {
        settings.wait = Wait::kNone;
        return Result<void>();
    });
    options.add("print-wait-time", 0, "", "Print how long the waiting took.", [&settings](std::string_view) {
        settings.print_wait_time = true;
        return Result<void>();
    });
}

void need(CtlSession& session) {
    session.replica->monitor(nb::NBGlobal::table_info(), {});
    if (session.settings->wait == Wait::kNone) return;
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
    if (session.settings->wait == Wait::kNone || (txn.empty() && !session.forced_wait)) return;
    session.start_ms = clock::wall_ms();
    txn.increment(root(txn), nb::NBGlobal::kNbCfg);
}

void report_times(CtlSession& session, const nb::NBGlobal& row) {
    auto line = [&](const char* what, int64_t timestamp) {
        session.report += fmt::format("\t{}{}ms\n", what, timestamp - session.start_ms);
    };
    session.report += fmt::format("Time spent on processing nb_cfg {}:\n", row.nb_cfg);
    line("ovn-northd delay before processing:\t", row.nb_cfg_timestamp);
    line("ovn-northd completion:\t\t\t", row.sb_cfg_timestamp);
    if (session.settings->wait == Wait::kHypervisors)
        line("ovn-controller(s) completion:\t\t", row.hv_cfg_timestamp);
}

bool carried_out(CtlSession& session) {
    if (session.settings->wait == Wait::kNone || session.outcome.status == db::CommitStatus::kUnchanged)
        return true;
    for (const nb::NBGlobal& row : session.replica->table<nb::NBGlobal>()) {
        int64_t reached =
            session.settings->wait == Wait::kSouthbound ? row.sb_cfg : std::min(row.sb_cfg, row.hv_cfg);
        if (reached < session.outcome.incremented) return false;
        if (session.settings->print_wait_time) report_times(session, row);
    }
    return true;
}

}  // namespace

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
    out.daemon_variable = "OVN_NB_DAEMON";
    out.options_variable = "OVN_NBCTL_OPTIONS";
    out.commands = {
        overview_commands(),    switch_commands(), switch_port_commands(), router_commands(),
        router_port_commands(), route_commands(),  policy_commands(),      nat_commands(),
        acl_commands(),         qos_commands(),    meter_commands(),       load_balancer_commands(),
        dhcp_commands(),        group_commands(),  mirror_commands(),      network_function_commands(),
        port_health_commands(), other_commands(),  connection_commands()};
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
        {"Network_Function", "Network_Function", "name", ""},
        {"Network_Function_Group", "Network_Function_Group", "name", ""},
        {"Network_Function_Health_Check", "Network_Function_Health_Check", "name", ""},
        {"DHCP_Relay", "DHCP_Relay", "name", ""},
        {"Sample_Collector", "Sample_Collector", "name", ""},
        {"Sampling_App", "Sampling_App", "type", ""},
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

int run(int argc, char** argv) {
    return run_ctl(program(), argc, argv);
}

}  // namespace weft::cli::nbctl
