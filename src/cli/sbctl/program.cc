#include "cli/sbctl/program.h"

#include "cli/ctl/connections.h"
#include "cli/sbctl/commands.h"
#include "net/directories.h"

namespace weft::cli::sbctl {

std::span<const CtlCommand> connection_commands() {
    return ConnectionCommands<sb::SBGlobal, sb::Connection, sb::SSL>::kCommands;
}

namespace {

void need(CtlSession& session) {
    session.replica->monitor(sb::SBGlobal::table_info(), {});
}

void before_run(CtlSession& session) {
    bool found = false;
    session.transaction->for_each<sb::SBGlobal>([&](const sb::SBGlobal&) { found = true; });
    if (!found) session.transaction->insert<sb::SBGlobal>();
}

CtlProgram program() {
    CtlProgram out{};
    out.name = "ovn-sbctl";
    out.summary = "OVN southbound database management utility";
    out.description =
        "Looks at the OVN southbound database: chassis, port bindings, logical flows; and changes it for "
        "tests and repair.";
    out.database = &sb::database();
    out.default_remotes = "unix:" + net::ovn_rundir() + "/ovnsb_db.sock";
    out.database_variable = "OVN_SB_DB";
    out.leader_only_option = true;
    out.daemon_variable = "OVN_SB_DAEMON";
    out.options_variable = "OVN_SBCTL_OPTIONS";
    out.commands = {chassis_commands(), flow_commands(), connection_commands()};
    out.record_names = {
        {"Chassis", "Chassis", "name", ""},
        {"Chassis_Private", "Chassis_Private", "name", ""},
        {"Datapath_Binding", "Datapath_Binding", "external_ids:name", ""},
        {"Datapath_Binding", "Datapath_Binding", "external_ids:name2", ""},
        {"Datapath_Binding", "Datapath_Binding", "external_ids:logical-switch", ""},
        {"Datapath_Binding", "Datapath_Binding", "external_ids:logical-router", ""},
        {"Port_Binding", "Port_Binding", "logical_port", ""},
        {"Port_Binding", "Port_Binding", "external_ids:name", ""},
        {"MAC_Binding", "MAC_Binding", "logical_port", ""},
        {"Address_Set", "Address_Set", "name", ""},
        {"Port_Group", "Port_Group", "name", ""},
        {"HA_Chassis_Group", "HA_Chassis_Group", "name", ""},
        {"Chassis_Template_Var", "Chassis_Template_Var", "chassis", ""},
        {"Load_Balancer", "Load_Balancer", "name", ""},
        {"Meter", "Meter", "name", ""},
        {"Mirror", "Mirror", "name", ""},
        {"Connection", "Connection", "target", ""},
        {"SB_Global", "SB_Global", "", ""},
        {"SSL", "SB_Global", "", "ssl"},
    };
    out.show = {
        {"Chassis", "name", {"hostname", "encaps"}, "Port_Binding", "chassis", "logical_port"},
        {"Encap", "type", {"ip", "options"}},
    };
    out.need = need;
    out.before_run = before_run;
    return out;
}

}  // namespace

int run(int argc, char** argv) {
    return run_ctl(program(), argc, argv);
}

}  // namespace weft::cli::sbctl
