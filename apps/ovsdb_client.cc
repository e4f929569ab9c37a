// ovsdb-client(1).

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/log_control.h"
#include "base/options.h"
#include "cli/ovsdb_client/commands.h"
#include "cli/tls_options.h"
#include "net/control_server.h"
#include "net/daemon.h"

namespace weft::apps {

namespace {

Result<void> run(int argc, char** argv) {
    cli::ClientContext context;
    Questions questions;
    OptionTable table;
    net::DaemonOptions daemon("ovsdb-client");
    table.section("Options");
    table.add("timeout", 't', "SECS", "Give up after SECS seconds.", [&](std::string_view v) -> Result<void> {
        char* end = nullptr;
        std::string text(v);
        context.timeout_ms = std::strtoll(text.c_str(), &end, 10) * 1000;
        if (*end || context.timeout_ms <= 0)
            return Error{fmt::format("value {} on -t or --timeout is invalid", v)};
        return {};
    });
    table.add_flag("timestamp", 0, "Print the time before each update of monitor.", context.timestamp);
    table.add_flag("force", 0, "Restore in spite of a schema that differs.", context.force);
    bool ignored = false;
    table.add_flag("no-leader-only", 0, "Accept any server: there are no clusters.", ignored);
    questions.add_to(table);
    context.style.add_to(table);
    cli::add_tls_options(table);
    daemon.add_to(table);
    WEFT_ASSIGN(auto words, table.parse(std::vector<std::string>(argv + 1, argv + argc)));
    const auto& commands = cli::client_commands();
    if (!words.empty() && words[0] == "help") questions.ask_help();
    ProgramText text{
        "ovsdb-client",
        "Open vSwitch database JSON-RPC client",
        "[OPTIONS] COMMAND [ARG...]",
        "Talks to a database server; SERVER is unix:RUNDIR/db.sock, and DATABASE Open_vSwitch, unless "
        "given.",
        {}};
    for (const auto& [name, command] : commands)
        text.commands.emplace_back(name + " " + command.usage, command.help);
    if (auto answer = questions.answer(text, table)) {
        std::fputs(answer->c_str(), stdout);
        return {};
    }
    if (words.empty()) return Error{"missing command name; use --help for help"};
    auto it = commands.find(words[0]);
    if (it == commands.end())
        return Error{fmt::format("unknown command '{}'; use --help for help", words[0])};
    // Of all control utilities; one that is no positive number counts for nothing.
    const char* timeout = std::getenv("OVS_CTL_TIMEOUT");
    if (timeout && !context.timeout_ms)
        context.timeout_ms = std::max<int64_t>(0, std::strtoll(timeout, nullptr, 10)) * 1000;
    daemon.keep_output();
    WEFT_TRY(daemon.start());
    std::unique_ptr<net::ControlServer> control;
    if (daemon.detaches()) {
        context.go_on = [&]() -> Result<net::ControlServer*> {
            cli::Client& client = *context.client;
            WEFT_ASSIGN(control, net::ControlServer::create(client.loop(), daemon.unixctl(), "ovsdb-client"));
            control->add("exit", "", 0, 0, [&client](const net::ControlServer::Arguments&) {
                client.stop();
                return Result<std::string>("");
            });
            daemon.ready();
            return control.get();
        };
    }
    Result<void> done =
        cli::run_client_command(it->second, words[0], context, {words.begin() + 1, words.end()});
    // One that does not go on has nothing to do in the background.
    if (done && !control) daemon.ready();
    control.reset();
    return done;
}

}  // namespace

int ovsdb_client(int argc, char** argv) {
    log::set_program("ovsdb-client");
    log::set_level(log::Destination::kConsole, log::Level::kWarn);
    Result<void> result = run(argc, argv);
    if (result) return 0;
    std::fprintf(stderr, "ovsdb-client: %s\n", result.error().message.c_str());
    return 1;
}

}  // namespace weft::apps
