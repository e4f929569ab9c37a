#include "cli/ic_nbctl/program.h"

#include "cli/ctl/connections.h"
#include "cli/ic_nbctl/commands.h"
#include "net/directories.h"

namespace weft::cli::ic_nbctl {

std::span<const CtlCommand> connection_commands() {
    return ConnectionCommands<icnb::ICNBGlobal, icnb::Connection, icnb::SSL>::kCommands;
}

namespace {

using Wait = CtlSettings::Wait;

void add_options(OptionTable& options, CtlSettings& settings) {
    options.add("wait", 0, "WHAT",
                "Wait until the change is carried out by the ovn-ic of every availability zone (sb).",
                [&settings](std::string_view what) -> Result<void> {
                    if (what != "none" && what != "sb")
                        return Error{"argument to --wait must be \"none\" or \"sb\""};
                    settings.wait = what == "sb" ? Wait::kSouthbound : Wait::kNone;
                    return {};
                });
    options.add("no-wait", 0, "", "The same as --wait=none.", [&settings](std::string_view) {
        settings.wait = Wait::kNone;
        return Result<void>();
    });
}

void need(CtlSession& session) {
    session.replica->monitor(icnb::ICNBGlobal::table_info(), {});
    if (session.settings->wait == Wait::kNone) return;
    session.replica->monitor<icnb::ICNBGlobal>(icnb::ICNBGlobal::kNbIcCfg, icnb::ICNBGlobal::kSbIcCfg);
}

Uuid root(db::Transaction& txn) {
    Uuid found;
    txn.for_each<icnb::ICNBGlobal>([&](const icnb::ICNBGlobal& row) { found = row.uuid; });
    return found.is_zero() ? txn.insert<icnb::ICNBGlobal>() : found;
}

void before_run(CtlSession& session) {
    root(*session.transaction);
}

void after_run(CtlSession& session, bool) {
    db::Transaction& txn = *session.transaction;
    if (session.settings->wait == Wait::kNone || (txn.empty() && !session.forced_wait)) return;
    txn.increment(root(txn), icnb::ICNBGlobal::kNbIcCfg);
}

bool carried_out(CtlSession& session) {
    if (session.settings->wait == Wait::kNone || session.outcome.status == db::CommitStatus::kUnchanged)
        return true;
    for (const icnb::ICNBGlobal& row : session.replica->table<icnb::ICNBGlobal>()) {
        if (row.sb_ic_cfg < session.outcome.incremented) return false;
    }
    return true;
}

CtlProgram program() {
    CtlProgram out{};
    out.name = "ovn-ic-nbctl";
    out.summary = "OVN interconnection northbound database management utility";
    out.description =
        "Changes what the OVN interconnection northbound database describes: the transit switches and "
        "routers "
        "that join the logical routers of several OVN deployments.";
    out.database = &icnb::database();
    out.default_remotes = "unix:" + net::ovn_rundir() + "/ovn_ic_nb_db.sock";
    out.database_variable = "OVN_IC_NB_DB";
    out.leader_only_option = true;
    out.commands = {switch_commands(), router_commands(), connection_commands()};
    out.record_names = {
        {"Transit_Switch", "Transit_Switch", "name", ""},
        {"Transit_Router", "Transit_Router", "name", ""},
        {"Transit_Router_Port", "Transit_Router_Port", "name", ""},
        {"IC_NB_Global", "IC_NB_Global", "", ""},
        {"SSL", "IC_NB_Global", "", "ssl"},
    };
    out.show = {{"Transit_Switch", "name", {}}};
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

}  // namespace weft::cli::ic_nbctl
