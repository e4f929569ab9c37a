// ovn-northd(8).

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "cli/tls_options.h"
#include "net/control_server.h"
#include "net/daemon.h"
#include "net/directories.h"
#include "net/json_rpc.h"
#include "net/loop.h"
#include "northd/northd.h"

namespace weft::apps {

namespace {

log::Module lg("ovn_northd");

struct Arguments {
    std::string northbound, southbound;
    int64_t threads = 1;
    bool dry_run = false;
};

std::string from_environment(const char* variable, const std::string& fallback) {
    const char* value = std::getenv(variable);
    return value && *value ? value : fallback;
}

void add_options(OptionTable& table, Arguments& arguments) {
    arguments.northbound = from_environment("OVN_NB_DB", "unix:" + net::ovn_rundir() + "/ovnnb_db.sock");
    arguments.southbound = from_environment("OVN_SB_DB", "unix:" + net::ovn_rundir() + "/ovnsb_db.sock");
    table.section("Options");
    table.add("ovnnb-db", 'D', "DATABASE",
              "Connect to this northbound database (default: $OVN_NB_DB, or unix:RUNDIR/ovnnb_db.sock).",
              [&](std::string_view v) {
                  arguments.northbound = v;
                  return Result<void>();
              });
    table.add("ovnsb-db", 'd', "DATABASE",
              "Connect to this southbound database (default: $OVN_SB_DB, or unix:RUNDIR/ovnsb_db.sock).",
              [&](std::string_view v) {
                  arguments.southbound = v;
                  return Result<void>();
              });
    table.add("dry-run", 0, "", "Start paused: watch the databases, change nothing.", [&](std::string_view) {
        arguments.dry_run = true;
        return Result<void>();
    });
    table.add(
        "n-threads", 0, "N",
        "With more than one, long messages of the databases are read in a thread beside the computation "
        "(default: 1).",
        [&](std::string_view v) {
            arguments.threads = std::strtoll(std::string(v).c_str(), nullptr, 10);
            return Result<void>();
        });
}

void add_engine_commands(net::ControlServer& control, northd::Northd& northd) {
    using Words = net::ControlServer::Arguments;
    auto text = [](std::string t) { return Result<std::string>(std::move(t)); };
    control.add("inc-engine/show-stats", "", 0, 2, [&, text](const Words& words) {
        return text(northd.statistics(words.empty() ? "" : words[0], words.size() < 2 ? "" : words[1]));
    });
    control.add("inc-engine/clear-stats", "", 0, 0, [&, text](const Words&) {
        northd.clear_statistics();
        return text("");
    });
    control.add("inc-engine/recompute", "", 0, 0, [&, text](const Words&) {
        northd.recompute();
        return text("");
    });
    control.add("inc-engine/compute-log-timeout", "", 1, 1, [&](const Words& words) -> Result<std::string> {
        char* end = nullptr;
        long long ms = std::strtoll(words[0].c_str(), &end, 10);
        if (words[0].empty() || *end || ms < 0) {
            return Error{"unsupported type of argument: " + words[0] + " (milliseconds are expected)\n"};
        }
        northd.set_compute_log_timeout(ms);
        return std::string();
    });
    control.add("debug/chassis-features-list", "", 0, 0,
                [&, text](const Words&) { return text(northd.chassis_features()); });
    control.add("sb-cluster-state-reset", "", 0, 0, [&, text](const Words&) {
        northd.reset_southbound();
        return text("");
    });
    control.add("nb-cluster-state-reset", "", 0, 0, [&, text](const Words&) {
        northd.reset_northbound();
        return text("");
    });
}

void add_commands(net::ControlServer& control, northd::Northd& northd, net::Loop& loop,
                  Arguments& arguments) {
    using Words = net::ControlServer::Arguments;
    auto text = [](std::string t) { return Result<std::string>(std::move(t)); };
    control.add("exit", "", 0, 0, [&, text](const Words&) {
        loop.stop();
        return text("");
    });
    control.add("pause", "", 0, 0, [&, text](const Words&) {
        northd.pause();
        return text("");
    });
    control.add("resume", "", 0, 0, [&, text](const Words&) {
        northd.resume();
        return text("");
    });
    control.add("is-paused", "", 0, 0,
                [&, text](const Words&) { return text(northd.is_paused() ? "true\n" : "false\n"); });
    control.add("status", "", 0, 0,
                [&, text](const Words&) { return text("Status: " + northd.status() + "\n"); });
    control.add("nb-connection-status", "", 0, 0,
                [&, text](const Words&) { return text(northd.northbound_status() + "\n"); });
    control.add("sb-connection-status", "", 0, 0,
                [&, text](const Words&) { return text(northd.southbound_status() + "\n"); });
    control.add("parallel-build/get-n-threads", "", 0, 0,
                [&, text](const Words&) { return text(std::to_string(arguments.threads) + "\n"); });
    control.add("parallel-build/set-n-threads", "N_THREADS", 1, 1,
                [&](const Words& words) -> Result<std::string> {
                    char* end = nullptr;
                    long long threads = std::strtoll(words[0].c_str(), &end, 10);
                    if (*end || threads < 1 || threads > 256) {
                        return Error{"invalid n_threads: " + words[0] + " (1 to 256 is valid)\n"};
                    }
                    arguments.threads = threads;
                    net::set_parsing_aside(threads > 1);
                    return std::string();
                });
    add_engine_commands(control, northd);
}

Result<void> serve(int argc, char** argv) {
    Arguments arguments;
    OptionTable table;
    net::DaemonOptions daemon("ovn-northd");
    add_options(table, arguments);
    daemon.add_to(table, 'u');
    cli::add_tls_options(table);
    Questions questions;
    questions.add_to(table);
    WEFT_ASSIGN(auto words, table.parse(std::vector<std::string>(argv + 1, argv + argc)));
    ProgramText text{"ovn-northd",
                     "OVN northbound management daemon",
                     "[OPTIONS]",
                     "Translates the northbound database, the logical network as it is configured, into the "
                     "southbound one: logical flows and bindings for the chassis.",
                     {}};
    if (auto answer = questions.answer(text, table)) {
        std::fputs(answer->c_str(), stdout);
        return {};
    }
    if (!words.empty()) return Error{"non-option argument \"" + words[0] + "\" given (use --help for help)"};
    if (arguments.threads < 1 || arguments.threads > 256) {
        int64_t sane = arguments.threads < 1 ? 1 : 256;
        lg.warn("Setting n_threads to {} as --n-threads option was set to : [{}]", sane, arguments.threads);
        arguments.threads = sane;
    }
    net::set_parsing_aside(arguments.threads > 1);
    WEFT_TRY(daemon.start());
    net::Loop loop;
    WEFT_ASSIGN(auto control, net::ControlServer::create(loop, daemon.unixctl(), "ovn-northd"));
    WEFT_ASSIGN(auto metrics_server, daemon.serve_metrics(loop));
    northd::Northd northd(loop, {ovsdb::client::split_remotes(arguments.northbound),
                                 ovsdb::client::split_remotes(arguments.southbound), arguments.dry_run});
    add_commands(*control, northd, loop, arguments);
    auto terminate = loop.on_signal(SIGTERM, [&] { loop.stop(); });
    auto interrupt = loop.on_signal(SIGINT, [&] { loop.stop(); });
    daemon.ready();
    loop.run();
    return {};
}

}  // namespace

int ovn_northd(int argc, char** argv) {
    return net::exit_status("ovn-northd", serve(argc, argv));
}

}  // namespace weft::apps
