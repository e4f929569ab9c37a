#include "cli/ic_sbctl/program.h"

#include "cli/ctl/connections.h"
#include "cli/ic_sbctl/commands.h"
#include "net/directories.h"

namespace weft::cli::ic_sbctl {

std::span<const CtlCommand> connection_commands() {
    return ConnectionCommands<icsb::ICSBGlobal, icsb::Connection, icsb::SSL>::kCommands;
}

namespace {

void need(CtlSession& session) {
    session.replica->monitor(icsb::ICSBGlobal::table_info(), {});
}

void before_run(CtlSession& session) {
    bool found = false;
    session.transaction->for_each<icsb::ICSBGlobal>([&](const icsb::ICSBGlobal&) { found = true; });
    if (!found) session.transaction->insert<icsb::ICSBGlobal>();
}

CtlProgram program() {
    CtlProgram out{};
    out.name = "ovn-ic-sbctl";
    out.summary = "OVN interconnection southbound database management utility";
    out.description =
        "Looks at what OVN deployments tell each other through the OVN interconnection southbound database: "
        "availability zones, gateways, ports of transit switches, routes; and changes it for tests and "
        "repair.";
    out.database = &icsb::database();
    out.default_remotes = "unix:" + net::ovn_rundir() + "/ovn_ic_sb_db.sock";
    out.database_variable = "OVN_IC_SB_DB";
    out.leader_only_option = true;
    out.commands = {overview_commands(), connection_commands()};
    out.record_names = {
        {"Availability_Zone", "Availability_Zone", "name", ""},
        {"Gateway", "Gateway", "name", ""},
        {"Datapath_Binding", "Datapath_Binding", "transit_switch", ""},
        {"Port_Binding", "Port_Binding", "logical_port", ""},
        {"IC_SB_Global", "IC_SB_Global", "", ""},
        {"SSL", "IC_SB_Global", "", "ssl"},
    };
    out.need = need;
    out.before_run = before_run;
    return out;
}

}  // namespace

int run(int argc, char** argv) {
    return run_ctl(program(), argc, argv);
}

}  // namespace weft::cli::ic_sbctl
