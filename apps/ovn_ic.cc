// ovn-ic(8).

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "cli/tls_options.h"
#include "ic/interconnection_controller.h"
#include "net/control_server.h"
#include "net/daemon.h"
#include "net/directories.h"
#include "net/loop.h"

namespace weft::apps {

namespace {

// One of the four databases: its option, and where it is unless that is given.
struct Database {
    const char* option;
    const char* variable;
    const char* socket;
    const char* what;
    std::string remotes;
};

void add_options(OptionTable& table, std::vector<Database>& databases) {
    table.section("Options");
    for (Database& each : databases) {
        const char* value = std::getenv(each.variable);
        each.remotes = value && *value ? value : "unix:" + net::ovn_rundir() + "/" + each.socket;
        table.add(each.option, 0, "DATABASE",
                  std::string("Connect to this ") + each.what + " database (default: $" + each.variable +
                      ", or unix:RUNDIR/" + each.socket + ").",
                  [&each](std::string_view v) {
                      each.remotes = v;
                      return Result<void>();
                  });
    }
}

void add_commands(net::ControlServer& control, ic::InterconnectionController& controller, net::Loop& loop) {
    using Words = net::ControlServer::Arguments;
    auto text = [](std::string t) { return Result<std::string>(std::move(t)); };
    control.add("exit", "", 0, 0, [&, text](const Words&) {
        loop.stop();
        return text("");
    });
    control.add("pause", "", 0, 0, [&, text](const Words&) {
        controller.pause();
        return text("");
    });
    control.add("resume", "", 0, 0, [&, text](const Words&) {
        controller.resume();
        return text("");
    });
    control.add("is-paused", "", 0, 0,
                [&, text](const Words&) { return text(controller.is_paused() ? "true\n" : "false\n"); });
    control.add("status", "", 0, 0,
                [&, text](const Words&) { return text("Status: " + controller.status() + "\n"); });
    control.add("inc-engine/show-stats", "", 0, 2, [&, text](const Words& words) {
        return text(controller.statistics(words.empty() ? "" : words[0], words.size() < 2 ? "" : words[1]));
    });
    control.add("inc-engine/clear-stats", "", 0, 0, [&, text](const Words&) {
        controller.clear_statistics();
        return text("");
    });
    control.add("inc-engine/recompute", "", 0, 0, [&, text](const Words&) {
        controller.recompute();
        return text("");
    });
}

Result<void> serve(int argc, char** argv) {
    std::vector<Database> databases = {
        {"ovnnb-db", "OVN_NB_DB", "ovnnb_db.sock", "northbound", ""},
        {"ovnsb-db", "OVN_SB_DB", "ovnsb_db.sock", "southbound", ""},
        {"ic-nb-db", "OVN_IC_NB_DB", "ovn_ic_nb_db.sock", "interconnection northbound", ""},
        {"ic-sb-db", "OVN_IC_SB_DB", "ovn_ic_sb_db.sock", "interconnection southbound", ""},
    };
    OptionTable table;
    net::DaemonOptions daemon("ovn-ic");
    add_options(table, databases);
    daemon.add_to(table, 'u');
    cli::add_tls_options(table);
    Questions questions;
    questions.add_to(table);
    WEFT_ASSIGN(auto words, table.parse(std::vector<std::string>(argv + 1, argv + argc)));
    ProgramText text{"ovn-ic",
                     "OVN interconnection controller",
                     "[OPTIONS]",
                     "Joins this OVN deployment, an availability zone, with others: tells them its gateways, "
                     "ports of transit switches and routes through databases that all zones share, and "
                     "brings theirs into the zone's own databases.",
                     {}};
    if (auto answer = questions.answer(text, table)) {
        std::fputs(answer->c_str(), stdout);
        return {};
    }
    if (!words.empty()) return Error{"non-option argument \"" + words[0] + "\" given (use --help for help)"};
    WEFT_TRY(daemon.start());
    net::Loop loop;
    WEFT_ASSIGN(auto control, net::ControlServer::create(loop, daemon.unixctl(), "ovn-ic"));
    WEFT_ASSIGN(auto metrics_server, daemon.serve_metrics(loop));
    using ovsdb::client::split_remotes;
    ic::InterconnectionController controller(
        loop, {split_remotes(databases[0].remotes), split_remotes(databases[1].remotes),
               split_remotes(databases[2].remotes), split_remotes(databases[3].remotes)});
    add_commands(*control, controller, loop);
    auto terminate = loop.on_signal(SIGTERM, [&] { loop.stop(); });
    auto interrupt = loop.on_signal(SIGINT, [&] { loop.stop(); });
    daemon.ready();
    loop.run();
    return {};
}

}  // namespace

int ovn_ic(int argc, char** argv) {
    return net::exit_status("ovn-ic", serve(argc, argv));
}

}  // namespace weft::apps
