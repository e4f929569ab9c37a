// ovn-controller-vtep(8).

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

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
    Questions questions;
};

void add_options(OptionTable& table, Settings& settings) {
    settings.hardware = "unix:" + net::ovs_rundir() + "/db.sock";
    settings.southbound = "unix:" + net::ovn_rundir() + "/ovnsb_db.sock";
    table.section("Options");
    table.add_text("vtep-db", 0, "DATABASE",
                   "Connect to this hardware_vtep database (default: unix:RUNDIR/db.sock of Open vSwitch).",
                   settings.hardware);
    table.add_text("ovnsb-db", 0, "DATABASE",
                   "Connect to this southbound database (default: unix:RUNDIR/ovnsb_db.sock of OVN).",
                   settings.southbound);
    settings.questions.add_to(table);
}

Result<void> serve(int argc, char** argv) {
    Settings settings;
    OptionTable table;
    net::DaemonOptions daemon(kProgram);
    add_options(table, settings);
    daemon.add_to(table);
    cli::add_tls_options(table);
    WEFT_ASSIGN(auto words, table.parse(std::vector<std::string>(argv + 1, argv + argc)));
    ProgramText text{kProgram,
                     "local controller of hardware switches that end VXLAN tunnels",
                     "[OPTIONS]",
                     "Registers the switches of a hardware_vtep database as chassis, binds ports of type "
                     "vtep to them, and tells them behind which tunnels the addresses of the logical "
                     "network are.",
                     {}};
    if (auto answer = settings.questions.answer(text, table)) {
        std::fputs(answer->c_str(), stdout);
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
    return net::exit_status(kProgram, serve(argc, argv));
}

}  // namespace weft::apps
