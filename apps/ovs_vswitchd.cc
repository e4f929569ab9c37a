// ovs-vswitchd: the switch daemon (ovs-vswitchd(8)).

#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/options.h"
#include "base/version.h"
#include "net/common_commands.h"
#include "net/control_server.h"
#include "net/daemon.h"
#include "net/loop.h"
#include "switch/bridge/switch.h"
#include "switch/control/commands.h"

namespace weft::apps {

namespace {

log::Module lg("vswitchd");

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

Result<int> serve(net::DaemonOptions& daemon, const SwitchOptions& options) {
    WEFT_TRY(daemon.start());
    net::Loop loop;
    WEFT_ASSIGN(auto control, net::ControlServer::create(loop, daemon.unixctl(), "ovs-vswitchd"));
    if (options.dummy != SwitchOptions::Dummy::kNone) net::add_time_commands(*control, loop);
    vswitch::Switch the_switch(loop, options);
    vswitch::add_switch_commands(*control, the_switch);
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

}  // namespace

int ovs_vswitchd(int argc, char** argv) {
    net::DaemonOptions daemon("ovs-vswitchd");
    SwitchOptions options;
    OptionTable table;
    ProgramText text = program_text();
    table.section("Other options");
    auto ignore = [](std::string_view) { return Result<void>(); };
    table.add("enable-dummy", 0, "[MODE]",
              "Enable dummy datapaths and devices, for tests; MODE is system or override.",
              [&](std::string_view value) { return set_dummy(options, value); });
    table.add("disable-system", 0, "", "Do not use the host's own devices.", [&](std::string_view) {
        options.system = false;
        return Result<void>();
    });
    table.add("disable-system-route", 0, "", "Do not follow the host's routes.", ignore);
    table.add("dummy-numa", 0, "LIST", "Accepted for tests; packets are handled on one processor.", ignore);
    table.add("mlockall", 0, "", "Accepted; memory is not locked.", ignore);
    daemon.add_to(table);
    bool help = false, version = false;
    table.add("help", 'h', "", "Show this help.", [&](std::string_view) {
        help = true;
        return Result<void>();
    });
    table.add("version", 'V', "", "Show the version.", [&](std::string_view) {
        version = true;
        return Result<void>();
    });
    auto words = table.parse(std::vector<std::string>(argv + 1, argv + argc));
    if (!words) {
        std::fprintf(stderr, "ovs-vswitchd: %s\n", words.message().c_str());
        return 1;
    }
    if (help) {
        std::fputs(help_page(text, table).c_str(), stdout);
        return 0;
    }
    if (version) {
        std::fputs(version_text("ovs-vswitchd").c_str(), stdout);
        return 0;
    }
    if (words->size() > 1) {
        std::fprintf(stderr,
                     "ovs-vswitchd: at most one non-option argument accepted; use --help for usage\n");
        return 1;
    }
    if (!words->empty()) options.database = (*words)[0];
    std::signal(SIGPIPE, SIG_IGN);
    auto result = serve(daemon, options);
    if (!result) {
        std::fprintf(stderr, "ovs-vswitchd: %s\n", result.message().c_str());
        return 1;
    }
    return *result;
}

}  // namespace weft::apps
