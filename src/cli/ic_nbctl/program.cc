#include "cli/ic_nbctl/program.h"

#include "cli/ctl/connections.h"
#include "cli/ic_nbctl/commands.h"
#include "net/directories.h"

namespace weft::cli::ic_nbctl {

std::span<const CtlCommand> connection_commands() {
    return ConnectionCommands<icnb::ICNBGlobal, icnb::Connection, icnb::SSL>::kCommands;
}

namespace {

void need(CtlSession& session) {
    session.replica->monitor(icnb::ICNBGlobal::table_info(), {});
}

void before_run(CtlSession& session) {
    bool found = false;
    session.transaction->for_each<icnb::ICNBGlobal>([&](const icnb::ICNBGlobal&) { found = true; });
    if (!found) session.transaction->insert<icnb::ICNBGlobal>();
}

CtlProgram program() {
    CtlProgram out{};
    out.name = "ovn-ic-nbctl";
    out.summary = "OVN interconnection northbound database management utility";
    out.description =
        "Changes what the OVN interconnection northbound database describes: the transit switches that join "
        "the logical routers of several OVN deployments.";
    out.database = &icnb::database();
    out.default_remotes = "unix:" + net::ovn_rundir() + "/ovn_ic_nb_db.sock";
    out.database_variable = "OVN_IC_NB_DB";
    out.leader_only_option = true;
    out.commands = {switch_commands(), connection_commands()};
    out.record_names = {
        {"Transit_Switch", "Transit_Switch", "name", ""},
        {"IC_NB_Global", "IC_NB_Global", "", ""},
        {"SSL", "IC_NB_Global", "", "ssl"},
    };
    out.show = {{"Transit_Switch", "name", {}}};
    out.need = need;
    out.before_run = before_run;
    return out;
}

}  // namespace

int run(int argc, char** argv) {
    return run_ctl(program(), argc, argv);
}

}  // namespace weft::cli::ic_nbctl
