// Options, the databases' contents, and standard input from beginning to end.

#include "cli/detrace/program.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/log_control.h"
#include "base/options.h"
#include "cli/detrace/text.h"
#include "cli/tls_options.h"
#include "net/directories.h"
#include "net/loop.h"
#include "schema/nb.h"
#include "schema/sb.h"
#include "schema/vswitch.h"

namespace weft::cli::detrace {

namespace {

using ovsdb::client::Replica;

struct Arguments {
    std::string southbound, northbound, local;
    bool use_local = false, leader_only = true;
    Questions questions;
};

std::string from_environment(const char* variable, std::string fallback) {
    const char* value = std::getenv(variable);
    return value && *value ? value : std::move(fallback);
}

void add_options(OptionTable& options, Arguments& arguments) {
    auto text = [&](const char* name, const char* help, std::string& target) {
        options.add_text(name, 0, "DATABASE", help, target);
    };
    options.section("Options");
    text("ovnsb", "The southbound database (default: $OVN_SB_DB, or unix:RUNDIR/ovnsb_db.sock).",
         arguments.southbound);
    text("ovnnb", "The northbound database (default: $OVN_NB_DB, or unix:RUNDIR/ovnnb_db.sock).",
         arguments.northbound);
    options.add_flag("ovs", 0, "Name the interfaces of OpenFlow ports, too.", arguments.use_local);
    text("ovsdb", "The switch's database, for --ovs (default: unix:RUNDIR/db.sock).", arguments.local);
    options.add_flag("no-leader-only", 0, "Use any member of a cluster.", arguments.leader_only, false);
    add_tls_options(options);
    options.section("Other options");
    options.add("verbose", 'v', "[SPEC]", "Set logging levels, as in vlog/set of ovs-appctl(8).",
                [](std::string_view spec) { return log::set(spec); });
    arguments.questions.add_to(options);
}

Replica::Options replica_options(const std::string& remotes, bool leader_only) {
    Replica::Options options;
    options.remotes = ovsdb::client::split_remotes(remotes);
    options.leader_only = leader_only;
    options.track_changes = false;
    options.retry = false;
    options.probe_interval_ms = 0;
    return options;
}

Result<void> expand_input(const Arguments& arguments) {
    net::Loop loop;
    Replica southbound(loop, schema::sb::database(),
                       replica_options(arguments.southbound, arguments.leader_only));
    Replica northbound(loop, schema::nb::database(),
                       replica_options(arguments.northbound, arguments.leader_only));
    std::unique_ptr<Replica> local;
    monitor_southbound(southbound);
    monitor_northbound(northbound);
    std::vector<std::pair<Replica*, const std::string*>> all{{&southbound, &arguments.southbound},
                                                             {&northbound, &arguments.northbound}};
    if (arguments.use_local) {
        local = std::make_unique<Replica>(loop, schema::vswitch::database(),
                                          replica_options(arguments.local, arguments.leader_only));
        monitor_local(*local);
        all.emplace_back(local.get(), &arguments.local);
    }
    for (auto& [replica, remote] : all) replica->start();
    for (auto& [replica, remote] : all) {
        while (!replica->ready()) {
            if (!replica->failure().empty())
                return Error{fmt::format("{}: database connection failed ({})", *remote, replica->failure())};
            loop.run_once(-1);
        }
    }
    Databases databases{southbound, northbound, local.get()};
    Text text(databases);
    for (std::string line; std::getline(std::cin, line);) {
        std::fputs(text.line(line).c_str(), stdout);
    }
    std::fputs(text.end().c_str(), stdout);
    return {};
}

Result<void> run_program(int argc, char** argv) {
    Arguments arguments;
    arguments.southbound = from_environment("OVN_SB_DB", "unix:" + net::ovn_rundir() + "/ovnsb_db.sock");
    arguments.northbound = from_environment("OVN_NB_DB", "unix:" + net::ovn_rundir() + "/ovnnb_db.sock");
    arguments.local = "unix:" + net::ovs_rundir() + "/db.sock";
    OptionTable options;
    add_options(options, arguments);
    WEFT_ASSIGN(std::vector<std::string> words,
                options.parse(std::vector<std::string>(argv + 1, argv + argc)));
    ProgramText text{"ovn-detrace",
                     "what the cookies in a trace of OpenFlow stand for",
                     "[OPTIONS] < FILE",
                     "Reads the output of `ovs-appctl ofproto/trace` and writes it with, behind each "
                     "flow, the logical flow or other row that it was made from, and the northbound row "
                     "behind that: the ACL, the NAT rule, the load balancer.",
                     {}};
    if (auto answer = arguments.questions.answer(text, options)) {
        std::fputs(answer->c_str(), stdout);
        return {};
    }
    if (!words.empty()) return Error{"non-option argument not supported (use --help for help)"};
    return expand_input(arguments);
}

}  // namespace

int run(int argc, char** argv) {
    log::set_program("ovn-detrace");
    log::set_level(log::Destination::kConsole, log::Level::kWarn);
    Result<void> result = run_program(argc, argv);
    if (result.ok()) return 0;
    std::fprintf(stderr, "ovn-detrace: %s\n", result.error().message.c_str());
    return 1;
}

}  // namespace weft::cli::detrace
