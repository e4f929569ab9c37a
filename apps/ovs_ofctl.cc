// ovs-ofctl: look at and change the flow tables of an OpenFlow switch (ovs-ofctl(8)).

#include <fmt/format.h>
#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "base/log_control.h"
#include "base/options.h"
#include "cli/ofctl/flow_formats.h"
#include "cli/ofctl/ofctl.h"
#include "cli/tls_options.h"
#include "net/daemon.h"
#include "openflow/flow_colours.h"

namespace weft::apps {
namespace {

using cli::ofctl::Command;
using cli::ofctl::Options;

struct Request {
    Options options;
    net::DaemonOptions daemon{"ovs-ofctl"};  // of monitor
    Questions questions;
};

Result<void> set_versions(std::string_view text, Options& options) {
    WEFT_ASSIGN(options.versions, openflow::parse_versions(text));
    return {};
}
Result<void> set_formats(std::string_view text, Options& options) {
    WEFT_ASSIGN(options.formats, cli::ofctl::parse_flow_formats(text));
    return {};
}
Result<void> set_sort(std::string_view field, bool reverse, Options& options) {
    if (!field.empty() && field != "priority" && !openflow::field_by_name(field)) {
        return Error{fmt::format("{}: unknown field name", field)};
    }
    options.sort = true;
    options.reverse = reverse;
    options.sort_field = field == "priority" ? "" : std::string(field);
    return {};
}

Result<void> set_packet_in(std::string_view name, Options& options) {
    using openflow::PacketInFormat;
    if (name == "standard" || name == "openflow10") {
        options.packet_in = PacketInFormat::kStandard;
    } else if (name == "nxt_packet_in" || name == "nxm") {
        options.packet_in = PacketInFormat::kNxm;
    } else if (name == "nxt_packet_in2") {
        options.packet_in = PacketInFormat::kNxm2;
    } else {
        return Error{fmt::format("unknown packet-in format `{}'", name)};
    }
    return {};
}

// --color: always, never, or where somebody looks on.
Result<void> set_colours(std::string_view when) {
    std::string word(when);
    for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    bool on = word == "always" || word == "yes" || word == "force";
    bool automatic = word.empty() || word == "auto" || word == "tty" || word == "if-tty";
    if (!on && !automatic && word != "never" && word != "no" && word != "none")
        return Error{fmt::format("incorrect value `{}' for --color; expected always, never or auto", when)};
    if (automatic) {
        const char* terminal = std::getenv("TERM");
        on = isatty(STDOUT_FILENO) && terminal && std::string_view(terminal) != "dumb";
    }
    const char* chosen = std::getenv("OVS_COLORS");
    std::optional<openflow::FlowColours> colours;
    if (on) colours = openflow::FlowColours::parse(chosen ? chosen : "");
    openflow::set_flow_colours(std::move(colours));
    return {};
}

void add_options(OptionTable& table, Request& request) {
    using Done = Result<void>;
    Options& o = request.options;
    table.section("Options");
    table.add("protocols", 'O', "VERSIONS", "OpenFlow versions to use, such as OpenFlow10,OpenFlow13.",
              [&](std::string_view v) { return set_versions(v, o); });
    table.add("flow-format", 'F', "FORMATS", "Ways to write flows, such as NXM,OXM-OpenFlow13.",
              [&](std::string_view v) { return set_formats(v, o); });
    table.add_flag("strict", 0, "Match the priority and the whole match.", o.strict);
    table.add_flag("bundle", 0, "Send all changes as one atomic bundle.", o.bundle);
    table.add_flag("read-only", 0, "Refuse the commands that change something.", o.read_only);
    table.add_flag("may-create", 0, "mod-group: add a group that does not exist.", o.may_create);
    table.add_flag("readd", 0, "replace-flows: add flows again that have not changed.", o.readd);
    table.add("packet-in-format", 'P', "FORMAT",
              "monitor: ask for packet-ins as standard, nxt_packet_in or nxt_packet_in2.",
              [&](std::string_view v) { return set_packet_in(v, o); });
    table.add_flag("no-stats", 0, "Leave out what counts and times.", o.stats, false);
    table.add_flag("stats", 0, "Show what counts and times.", o.stats);
    auto count = [&](const char* name, char letter, const char* help, auto apply) {
        table.add(name, letter, "", help, [apply](std::string_view) {
            apply();
            return Done();
        });
    };
    count("names", 0, "Show names of ports and tables.", [&] { o.names = 1; });
    count("no-names", 0, "Show numbers of ports and tables.", [&] { o.names = 0; });
    count("more", 'm', "Be more verbose printing OpenFlow.", [&] { o.verbosity++; });
    table.add("sort", 0, "[FIELD]", "Sort in ascending order.",
              [&](std::string_view v) { return set_sort(v, false, o); });
    table.add("rsort", 0, "[FIELD]", "Sort in descending order.",
              [&](std::string_view v) { return set_sort(v, true, o); });
    table.add(
        "color", 0, "[WHEN]",
        "Colour matches and actions: always, never, or auto (the default), on terminals.  OVS_COLORS says "
        "how, as in ac=01;31:dr=34:le=31:pm=36:pr=35:sp=33:vl=32.",
        set_colours);
    table.add_flag("timestamp", 0, "Print the time before each message of monitor and snoop.", o.timestamp);
    table.add("timeout", 't', "SECS", "Give up after that many seconds.", [](std::string_view v) -> Done {
        int seconds = std::atoi(std::string(v).c_str());
        if (seconds <= 0) return Error{fmt::format("value {} on -t or --timeout is invalid", v)};
        alarm(static_cast<unsigned>(seconds));
        return Done();
    });
    cli::add_tls_options(table);
    request.options.daemon = &request.daemon;
    request.daemon.add_to(table);
    table.section("Other options");
    request.questions.add_to(table);
}

std::vector<const Command*> all_commands() {
    std::vector<const Command*> out;
    for (auto* list :
         {&cli::ofctl::switch_commands(), &cli::ofctl::flow_commands(), &cli::ofctl::flow_set_commands(),
          &cli::ofctl::bundle_commands(), &cli::ofctl::monitor_commands(), &cli::ofctl::pcap_commands(),
          &cli::ofctl::test_commands()}) {
        for (const Command& command : *list) out.push_back(&command);
    }
    return out;
}

ProgramText text_of() {
    ProgramText text{
        "ovs-ofctl",
        "OpenFlow switch management utility",
        "[OPTIONS] COMMAND [ARG...]",
        "Shows and changes the state of OpenFlow switches: a bridge of this host by its name, any other by "
        "unix:FILE, tcp:HOST[:PORT] or ssl:HOST[:PORT].",
        {}};
    for (const Command* command : all_commands()) {
        text.commands.emplace_back(fmt::format("{} {}", command->name, command->arguments), "");
    }
    return text;
}

}  // namespace

int ovs_ofctl(int argc, char** argv) {
    log::set_program("ovs-ofctl");
    log::set_level(log::Destination::kConsole, log::Level::kWarn);
    Request request;
    OptionTable options;
    add_options(options, request);
    auto fail = [&](std::string_view message) {
        std::fflush(stdout);
        // A switch's error is a message of its own, already whole.
        bool whole = message.starts_with("OFPT_ERROR") || message.starts_with("Error OFP");
        std::fprintf(stderr, "%s%.*s%s", whole ? "" : "ovs-ofctl: ", static_cast<int>(message.size()),
                     message.data(), message.ends_with("\n") ? "" : "\n");
        return 1;
    };
    auto words = options.parse({argv + 1, argv + argc}, false);
    if (!words) return fail(words.message());
    if (!words->empty() && words->front() == "help") request.questions.ask_help();
    if (auto answer = request.questions.answer(text_of(), options))
        return std::fputs(answer->c_str(), stdout), 0;
    if (words->empty()) return fail("missing command name; use --help for help");
    std::string name = words->front();
    std::vector<std::string> arguments(words->begin() + 1, words->end());
    if (name == "list-commands") {
        std::puts("The available commands are:");
        for (const Command* command : all_commands())
            std::printf("  %-23s %s\n", command->name, command->arguments);
        return 0;
    }
    for (const Command* command : all_commands()) {
        if (name != command->name) continue;
        if (arguments.size() < command->min) {
            return fail(fmt::format("'{}' command requires at least {} arguments", name, command->min));
        }
        if (arguments.size() > command->max) {
            return fail(fmt::format("'{}' command takes at most {} arguments", name, command->max));
        }
        if (command->changes && request.options.read_only)
            return fail(fmt::format("'{}' command does not work in read only mode", name));
        Result<void> result = command->run(request.options, arguments);
        if (!result.ok()) return fail(result.message());
        return std::fflush(stdout) ? 1 : 0;
    }
    return fail(fmt::format("unknown command '{}'; use --help for help", name));
}

}  // namespace weft::apps
