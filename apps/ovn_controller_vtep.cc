// ovn-controller-vtep(8).

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/version.h"
#include "cli/tls_options.h"
#include "net/control_server.h"
#include "net/daemon.h"
#include "net/directories.h"
#include "net/loop.h"
#include "vtep/gateway_controller.h"

namespace weft::apps {

namespace {

constexpr const char* kProgram = "ovn-controller-vtep";

struct Settings {
    std::string hardware, southbound;
    bool help = false, version = false;
};

void add_options(OptionTable& table, Settings& settings) {
    settings.hardware = settings.southbound = "unix:" + net::ovs_rundir() + "/db.sock";
    auto database = [&](const char* name, const char* what, std::string& target) {
        table.add(name, 0, "DATABASE",
                  std::string("Connect to this ") + what + " database (default: unix:RUNDIR/db.sock).",
                  [&target](std::string_view value) {
                      target = value;
                      return Result<void>();
                  });
    };
    auto question = [&](const char* name, char letter, const char* text, bool& target) {
        table.add(name, letter, "", text, [&target](std::string_view) {
            target = true;
            return Result<void>();
        });
    };
    table.section("Options");
    database("vtep-db", "hardware_vtep", settings.hardware);
    database("ovnsb-db", "southbound", settings.southbound);
    question("help", 'h', "Show this text.", settings.help);
    question("version", 'V', "Show the version.", settings.version);
}

Result<void> serve(int argc, char** argv) {
    Settings settings;
    OptionTable table;
    net::DaemonOptions daemon(kProgram);
    add_options(table, settings);
    daemon.add_to(table);
    cli::add_tls_options(table);
    WEFT_ASSIGN(auto words, table.parse(std::vector<std::string>(argv + 1, argv + argc)));
    if (settings.help) {
        ProgramText text{kProgram,
                         "local controller of hardware switches that end VXLAN tunnels",
                         "[OPTIONS]",
                         "Registers the switches of a hardware_vtep database as chassis, binds ports of type "
                         "vtep to them, and tells them behind which tunnels the addresses of the logical "
                         "network are.",
                         {}};
        std::fputs(help_page(text, table).c_str(), stdout);
        return {};
    }
    if (settings.version) {
        std::fputs(version_text(kProgram).c_str(), stdout);
        return {};
    }
    if (!words.empty()) return Error{"non-option argument \"" + words[0] + "\" given (use --help for help)"};
    WEFT_TRY(daemon.start());
    net::Loop loop;
    WEFT_ASSIGN(auto control, net::ControlServer::create(loop, daemon.unixctl(), kProgram));
    WEFT_ASSIGN(auto metrics_server, daemon.serve_metrics(loop));
    using ovsdb::client::split_remotes;
    vtep::GatewayController controller(
        loop, {split_remotes(settings.hardware), split_remotes(settings.southbound)});
    // What was written for the hardware goes with the program (ovn-architecture(7)).
    control->add_deferred(
        "exit", "", 0, 0,
        [&](const net::ControlServer::Arguments&, std::shared_ptr<net::ControlReply> reply) {
            controller.leave([&loop, reply] {
                reply->success("");
                loop.stop();
            });
        });
    auto terminate = loop.on_signal(SIGTERM, [&] { loop.stop(); });
    auto interrupt = loop.on_signal(SIGINT, [&] { loop.stop(); });
    daemon.ready();
    loop.run();
    return {};
}

}  // namespace

int ovn_controller_vtep(int argc, char** argv) {
    Result<void> result = serve(argc, argv);
    if (result.ok()) return 0;
    std::fprintf(stderr, "%s: %s\n", kProgram, result.error().message.c_str());
    return 1;
}

}  // namespace weft::apps
