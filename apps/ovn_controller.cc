// ovn-controller: the local controller of OVN (ovn-controller(8)).

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>

#include "base/options.h"
#include "cli/tls_options.h"
#include "controller/controller.h"
#include "net/control_server.h"
#include "net/daemon.h"
#include "net/directories.h"
#include "net/loop.h"
#include "net/stream.h"
#include "schema/sb.h"

namespace weft::apps {

namespace {

const ProgramText& text() {
    static const ProgramText page{"ovn-controller",
                                  "local controller of a virtual network",
                                  "[OPTION]... [OVS-DATABASE]",
                                  "Connects the southbound database to the switch of this host: registers "
                                  "the host as a chassis, keeps the tunnels to the others, binds logical "
                                  "ports to interfaces, and turns logical flows into "
                                  "OpenFlow.\n\nOVS-DATABASE is the local Open_vSwitch database (default: "
                                  "unix:RUNDIR/db.sock); what to do is configured there, in external_ids of "
                                  "the Open_vSwitch table: system-id, ovn-remote, ovn-encap-type, "
                                  "ovn-encap-ip, ovn-bridge, ovn-bridge-mappings and others.",
                                  {}};
    return page;
}

struct Settings {
    std::string chassis;
    net::TlsConfig tls;
    Questions questions;
};

void add_options(OptionTable& options, Settings& settings) {
    using Done = Result<void>;
    options.section("Options");
    options.add_text("chassis", 'n', "NAME", "Name of this chassis, instead of the configured system-id.",
                     settings.chassis);
    options.add("enable-dummy-vif-plug", 0, "", "Not supported.", [](std::string_view) {
        return Done(Error{"--enable-dummy-vif-plug is not supported: no VIF plug provider is built in"});
    });
    settings.questions.add_to(options);
    cli::add_tls_options(options, settings.tls);
}

// ovn-controller(8): the command line goes before the file, the file before the database.
std::string chassis_override(const Settings& settings) {
    if (!settings.chassis.empty()) return settings.chassis;
    std::ifstream file(net::ovn_sysconfdir() + "/ovn/system-id-override");
    std::string name;
    std::getline(file, name);
    return name;
}

Result<void> serve(net::DaemonOptions& daemon, const Settings& settings,
                   const std::vector<std::string>& words) {
    WEFT_TRY(daemon.start());
    net::set_tls_config(settings.tls);
    net::Loop loop;
    std::string remote = words.empty() ? "unix:" + net::ovs_rundir() + "/db.sock" : words.front();
    controller::Controller controller(loop, {remote, chassis_override(settings), settings.tls});

    WEFT_ASSIGN(auto control, net::ControlServer::create(loop, daemon.unixctl(), daemon.program()));
    WEFT_ASSIGN(auto metrics_server, daemon.serve_metrics(loop));
    controller.add_commands(*control);
    auto leave = [&](std::shared_ptr<net::ControlReply> reply) {
        controller.leave([&loop, reply] {
            if (reply) reply->success("");
            loop.stop();
        });
    };
    control->add_deferred(
        "exit", "[--restart]", 0, 1,
        [&](const net::ControlServer::Arguments& arguments, std::shared_ptr<net::ControlReply> reply) {
            bool restart = !arguments.empty() && arguments.front() == "--restart";
            if (!arguments.empty() && !restart)
                return reply->failure(
                    fmt::format("exit: unknown argument \"{}\"; --restart is one", arguments.front()));
            if (!restart) return leave(reply);
            reply->success("");  // everything stays as it is for the next one
            loop.stop();
        });
    // ovn-controller(8): a signal ends the program and leaves the network as it is, for the next one.
    auto on_term = loop.on_signal(SIGTERM, [&] { loop.stop(); });
    auto on_int = loop.on_signal(SIGINT, [&] { loop.stop(); });
    daemon.ready();
    loop.run();
    return {};
}

}  // namespace

int ovn_controller(int argc, char** argv) {
    net::DaemonOptions daemon("ovn-controller");
    daemon.works_on_network();
    Settings settings;
    OptionTable options;
    add_options(options, settings);
    daemon.add_to(options);
    auto fail = [](const std::string& message) {
        std::fprintf(stderr, "ovn-controller: %s\n", message.c_str());
        return 1;
    };
    auto words = options.parse({argv + 1, argv + argc});
    if (!words) return fail(words.message());
    std::string more =
        fmt::format("OpenFlow versions 0x6:0x6\nSB DB Schema {}", schema::sb::database().version);
    if (auto answer = settings.questions.answer(text(), options, more))
        return std::fputs(answer->c_str(), stdout), 0;
    if (words->size() > 1)
        return fail("exactly zero or one non-option argument required; use --help for usage");
    auto served = serve(daemon, settings, *words);
    return served ? 0 : fail(served.message());
}

}  // namespace weft::apps
