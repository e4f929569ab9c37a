// Options, one trace or the daemon.

#include "cli/trace/program.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>

#include "base/log.h"
#include "base/log_control.h"
#include "cli/ofctl/cookie_flows.h"
#include "cli/tls_options.h"
#include "cli/trace/request.h"
#include "net/control_server.h"
#include "net/daemon.h"
#include "net/directories.h"
#include "net/loop.h"

namespace weft::cli::trace {

namespace {

log::Module lg("ovntrace");

struct Arguments {
    std::string database;
    bool leader_only = true;
    std::optional<std::string> bridge;  // --ovs
};

std::string default_database() {
    const char* variable = std::getenv("OVN_SB_DB");
    return variable && *variable ? variable : "unix:" + net::ovn_rundir() + "/ovnsb_db.sock";
}

void add_options(OptionTable& options, Arguments& arguments) {
    using Done = Result<void>;
    options.section("Options");
    options.add_text(
        "db", 0, "DATABASE",
        "Connect to this southbound database (default: $OVN_SB_DB, or unix:RUNDIR/ovnsb_db.sock).",
        arguments.database);
    options.add_flag("leader-only", 0, "Use only the leader of a cluster (the default).",
                     arguments.leader_only);
    options.add_flag("no-leader-only", 0, "Use any member of a cluster.", arguments.leader_only, false);
    options.add("ovs", 0, "[REMOTE]",
                "Show the OpenFlow flows that were made from each logical flow, as the switch at REMOTE has "
                "them (default: unix:RUNDIR/br-int.mgmt).",
                [&](std::string_view v) {
                    arguments.bridge = v.empty() ? ofctl::CookieFlows::default_remote() : std::string(v);
                    return Done();
                });
    add_tls_options(options);
}

// The parsed contents of the database, made again when they have changed.
class Networks {
  public:
    explicit Networks(const ovsdb::client::Replica& replica) : replica_(replica) {}

    const Network& get(bool friendly_names) {
        if (sequence_ != replica_.sequence()) made_.clear();
        sequence_ = replica_.sequence();
        std::unique_ptr<Network>& network = made_[friendly_names];
        if (!network) network = std::make_unique<Network>(replica_.store(), friendly_names);
        return *network;
    }

  private:
    const ovsdb::client::Replica& replica_;
    uint64_t sequence_ = 0;
    std::map<bool, std::unique_ptr<Network>> made_;
};

std::unique_ptr<ofctl::CookieFlows> open_bridge(const Arguments& arguments) {
    if (!arguments.bridge) return nullptr;
    Result<std::unique_ptr<ofctl::CookieFlows>> bridge = ofctl::CookieFlows::open(*arguments.bridge);
    if (bridge) return *std::move(bridge);
    lg.warn("{}", bridge.message());
    return nullptr;
}

// The daemon's `trace` command; what it does not say holds as the daemon was told when it was started.
Result<std::string> trace_command(const std::vector<std::string>& words, const Arguments& arguments,
                                  const Request& defaults, Networks& networks) {
    Request request = defaults;
    request.detailed = request.summary = request.minimal = false;
    OptionTable options;
    request.add_to(options);
    WEFT_ASSIGN(std::vector<std::string> rest, options.parse(words));
    WEFT_TRY(request.set_words(rest));
    std::unique_ptr<ofctl::CookieFlows> bridge = open_bridge(arguments);
    request.settings.bridge = bridge.get();
    return trace(networks.get(request.friendly_names), request);
}

ProgramText program_text() {
    return {
        "ovn-trace",
        "trace packets through a logical network",
        "[OPTIONS] [DATAPATH] MICROFLOW",
        "Follows a packet through the logical flows of the southbound database and prints what happens to "
        "it.  MICROFLOW describes the packet as a logical expression, such as\n\n    inport == \"lp1\" && "
        "eth.src == f0:00:00:00:00:01 && eth.dst == f0:00:00:00:00:02\n\nDATAPATH is the name or UUID of "
        "a logical switch or router; without it, that of inport is taken.\n\nWith --detach it becomes a "
        "daemon that traces at the request of ovn-appctl.",
        {{"trace [OPTIONS] [DATAPATH] MICROFLOW",
          "To the daemon: trace, with the options for output and tracing."},
         {"exit", "To the daemon: end."}}};
}

Result<void> serve(int argc, char** argv) {
    Arguments arguments;
    arguments.database = default_database();
    Request request;
    OptionTable options;
    net::DaemonOptions daemon("ovn-trace");
    request.add_to(options);
    add_options(options, arguments);
    daemon.add_to(options);
    options.section("Other options");
    Questions questions;
    questions.add_to(options);
    WEFT_ASSIGN(std::vector<std::string> words,
                options.parse(std::vector<std::string>(argv + 1, argv + argc)));
    if (auto answer = questions.answer(program_text(), options,
                                       fmt::format("DB Schema {}", schema::sb::database().version))) {
        std::fputs(answer->c_str(), stdout);
        return {};
    }
    if (!daemon.detaches()) {
        WEFT_TRY(request.set_words(words));
    } else if (!words.empty()) {
        return Error{"non-option arguments not supported with --detach (use --help for help)"};
    }
    WEFT_TRY(daemon.start());

    net::Loop loop;
    ovsdb::client::Replica::Options replica_options;
    replica_options.remotes = ovsdb::client::split_remotes(arguments.database);
    replica_options.leader_only = arguments.leader_only;
    replica_options.track_changes = false;
    replica_options.retry = daemon.detaches();
    ovsdb::client::Replica replica(loop, schema::sb::database(), std::move(replica_options));
    Network::monitor(replica);
    Networks networks(replica);

    std::unique_ptr<net::ControlServer> control;
    std::unique_ptr<net::Loop::Signal> terminate, interrupt;
    if (daemon.detaches()) {
        WEFT_ASSIGN(control, net::ControlServer::create(loop, daemon.unixctl(), "ovn-trace"));
        control->add("exit", "", 0, 0, [&](const std::vector<std::string>&) {
            loop.stop();
            return Result<std::string>("");
        });
        control->add("trace", "[OPTIONS] [DATAPATH] MICROFLOW", 1, -1,
                     [&](const std::vector<std::string>& line) -> Result<std::string> {
                         return trace_command(line, arguments, request, networks);
                     });
        terminate = loop.on_signal(SIGTERM, [&] { loop.stop(); });
        interrupt = loop.on_signal(SIGINT, [&] { loop.stop(); });
    }

    // Served from the first full contents on.
    std::string failure;
    bool announced = false;
    auto turn = loop.each_turn([&] {
        failure = replica.failure();
        if (!failure.empty() || (replica.ready() && !daemon.detaches())) return loop.stop();
        if (!replica.ready() || announced) return;
        announced = true;
        daemon.ready();
    });
    replica.start();
    loop.run();
    if (!failure.empty())
        return Error{fmt::format("{}: database connection failed ({})", arguments.database, failure)};
    if (daemon.detaches()) return {};
    std::unique_ptr<ofctl::CookieFlows> bridge = open_bridge(arguments);
    request.settings.bridge = bridge.get();
    std::fputs(trace(networks.get(request.friendly_names), request).c_str(), stdout);
    return {};
}

}  // namespace

int run(int argc, char** argv) {
    log::set_program("ovn-trace");
    log::set_level(log::Destination::kConsole, log::Level::kWarn);
    Result<void> result = serve(argc, argv);
    if (result.ok()) return 0;
    std::fprintf(stderr, "ovn-trace: %s\n", result.error().message.c_str());
    return 1;
}

}  // namespace weft::cli::trace
