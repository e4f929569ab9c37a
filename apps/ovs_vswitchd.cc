// ovs-vswitchd: the switch daemon (ovs-vswitchd(8)).

#include <fmt/core.h>
#include <sys/mman.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "base/options.h"
#include "base/version.h"
#include "cli/tls_options.h"
#include "datapath/netdev/leftovers.h"
#include "net/common_commands.h"
#include "net/control_server.h"
#include "net/daemon.h"
#include "net/loop.h"
#include "switch/bridge/switch.h"
#include "switch/control/commands.h"
#include "switch/control/metrics.h"

namespace weft::apps {

namespace {

log::Module lg("vswitchd");
log::Module numa_lg("ovs_numa");

using vswitch::SwitchOptions;

Result<void> set_dummy(SwitchOptions& options, std::string_view value) {
    if (value.empty())
        options.dummy = SwitchOptions::Dummy::kEnabled;
    else if (value == "system")
        options.dummy = SwitchOptions::Dummy::kSystem;
    else if (value == "override")
        options.dummy = SwitchOptions::Dummy::kOverride;
    else
        return Error{"--enable-dummy takes no value, \"system\" or \"override\""};
    return {};
}

ProgramText program_text() {
    ProgramText text;
    text.name = "ovs-vswitchd";
    text.summary = "Open vSwitch daemon";
    text.synopsis = "[OPTIONS] [DATABASE]";
    text.description =
        "where DATABASE is a socket on which ovsdb-server is listening\n(default: \"unix:RUNDIR/db.sock\").";
    return text;
}

Result<void> set_numa(std::vector<unsigned>& nodes, std::string_view list) {
    for (size_t at = 0; at <= list.size();) {
        size_t end = std::min(list.find(',', at), list.size());
        unsigned node = 0;
        auto [stop, error] = std::from_chars(list.data() + at, list.data() + end, node);
        if (error != std::errc() || stop != list.data() + end)
            return Error{fmt::format("--dummy-numa takes numbers with commas between, not \"{}\"", list)};
        nodes.push_back(node);
        at = end + 1;
    }
    return {};
}

// Processors matter to packet threads alone, and these to real devices: the layout is told, as it would be of
// a real host, and that is all.
void tell_numa(const std::vector<unsigned>& nodes) {
    std::map<unsigned, unsigned> cores;
    for (unsigned node : nodes) ++cores[node];
    for (const auto& [node, count] : cores)
        numa_lg.info("Discovered {} CPU cores on NUMA node {}", count, node);
    if (!nodes.empty()) numa_lg.info("Discovered {} NUMA nodes and {} CPU cores", cores.size(), nodes.size());
}

Result<int> serve(net::DaemonOptions& daemon, const SwitchOptions& options, bool lock_memory,
                  const std::vector<unsigned>& numa) {
    WEFT_TRY(daemon.start());
    // After the fork: a child does not inherit the lock.
    if (lock_memory && mlockall(MCL_CURRENT | MCL_FUTURE))
        lg.err("mlockall failed: {}", std::strerror(errno));
    tell_numa(numa);
    net::Loop loop;
    WEFT_ASSIGN(auto control, net::ControlServer::create(loop, daemon.unixctl(), "ovs-vswitchd"));
    WEFT_ASSIGN(auto metrics_server, daemon.serve_metrics(loop));
    if (options.dummy != SwitchOptions::Dummy::kNone) net::add_time_commands(*control, loop);
    vswitch::Switch the_switch(loop, options);
    vswitch::add_switch_commands(*control, the_switch);
    metrics::Collector collector(
        [&](metrics::Exposition& out) { vswitch::collect_metrics(the_switch, out); });
    control->add("exit", "[--cleanup]", 0, 1,
                 [&](const net::ControlServer::Arguments& args) -> Result<std::string> {
                     if (!args.empty() && args[0] == "--cleanup") the_switch.clean_up();
                     loop.stop();
                     return std::string();
                 });
    the_switch.set_on_configured([&] { daemon.ready(); });
    WEFT_TRY(the_switch.start());
    auto terminate = loop.on_signal(SIGTERM, [&] { loop.stop(); });
    auto interrupt = loop.on_signal(SIGINT, [&] { loop.stop(); });
    loop.run();
    return 0;
}

Result<void> remove_datapath() {
    WEFT_ASSIGN(auto links, datapath::Links::create(nullptr));
    fmt::print("{} programs and devices removed\n", datapath::remove_leftovers(*links));
    return {};
}

}  // namespace

int ovs_vswitchd(int argc, char** argv) {
    net::DaemonOptions daemon("ovs-vswitchd");
    daemon.works_on_network();
    SwitchOptions options;
    OptionTable table;
    table.section("Other options");
    bool lock_memory = false;
    std::vector<unsigned> numa;  // of each processor, its node
    table.add("enable-dummy", 0, "[MODE]",
              "Enable dummy datapaths and devices, for tests; MODE is system or override.",
              [&](std::string_view value) { return set_dummy(options, value); });
    table.add_flag("disable-system", 0, "Do not use the host's own devices.", options.system, false);
    table.add_flag("disable-system-route", 0, "Refuse tunnels that would follow the host's routes.",
                   options.system_routes, false);
    table.add(
        "dummy-numa", 0, "LIST",
        "Pretend, in tests, that the host has these processors: each one's NUMA node, with commas between.",
        [&](std::string_view value) { return set_numa(numa, value); });
    table.add_flag("mlockall", 0, "Lock the process's memory.", lock_memory);
    bool remove = false;
    table.add_flag(
        "remove-datapath", 0,
        "Remove what an ovs-vswitchd that has ended left in the kernel (programs, their devices), and exit.",
        remove);
    cli::add_tls_options(table, options.tls);
    daemon.add_to(table);
    Questions questions;
    questions.add_to(table);
    auto words = table.parse(std::vector<std::string>(argv + 1, argv + argc));
    if (!words) {
        std::fprintf(stderr, "ovs-vswitchd: %s\n", words.message().c_str());
        return 1;
    }
    if (auto answer = questions.answer(program_text(), table)) return std::fputs(answer->c_str(), stdout), 0;
    if (remove) {
        auto removed = remove_datapath();
        if (!removed) std::fprintf(stderr, "ovs-vswitchd: %s\n", removed.message().c_str());
        return removed.ok() ? 0 : 1;
    }
    if (words->size() > 1) {
        std::fprintf(stderr,
                     "ovs-vswitchd: at most one non-option argument accepted; use --help for usage\n");
        return 1;
    }
    if (!words->empty()) options.database = (*words)[0];
    std::signal(SIGPIPE, SIG_IGN);
    auto result = serve(daemon, options, lock_memory, numa);
    if (!result) {
        std::fprintf(stderr, "ovs-vswitchd: %s\n", result.message().c_str());
        return 1;
    }
    return *result;
}

}  // namespace weft::apps
