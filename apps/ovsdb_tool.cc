// ovsdb-tool(1).

#include <fmt/format.h>

#include <cctype>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "base/log_control.h"
#include "base/options.h"
#include "cli/ovsdb_tool/commands.h"
#include "net/directories.h"

namespace weft::apps {

namespace {

using Words = std::vector<std::string>;

// For shell completion, which reads these two.
std::string option_list(const OptionTable& table) {
    std::string out;
    for (const Option& option : table.options()) {
        const char* after = option.argument.empty() ? "" : option.argument[0] == '[' ? "[ARG]" : "ARG";
        out += fmt::format("--{}{}{}\n", option.name, *after ? "=" : "", after);
        if (option.letter) out += fmt::format("-{} {}\n", option.letter, after);
    }
    return out;
}

std::string command_list(const std::map<std::string, cli::ToolCommand>& commands) {
    std::string out = "The available commands are:\n";
    for (const auto& [name, command] : commands) {
        std::string usage = command.usage;
        for (char& c : usage) c = static_cast<char>(std::tolower(c));
        out += fmt::format("  {:<23} {}\n", name, usage);
    }
    return out;
}

Result<int> run(int argc, char** argv) {
    cli::ToolSettings settings;
    Questions questions;
    bool list_options = false;
    OptionTable table;
    table.section("Options");
    table.add("more", 'm', "", "Say more in show-log (rows; twice: values too).", [&](std::string_view) {
        ++settings.more;
        return Result<void>();
    });
    table.add_text("rbac-role", 0, "ROLE", "Execute query and transact as a client with this role.",
                   settings.role);
    for (const char* name : {"cid", "election-timer"}) {
        table.add(name, 0, "VALUE", "Refused: of clusters.",
                  [](std::string_view) -> Result<void> { return Error{cli::kNoClusters}; });
    }
    table.add("verbose", 'v', "[SPEC]", "Set logging levels.",
              [](std::string_view v) { return log::set(v); });
    table.add("log-file", 0, "[FILE]", "Log to FILE.", [](std::string_view v) {
        return log::open_file(v.empty() ? net::ovs_logdir() + "/ovsdb-tool.log" : std::string(v));
    });
    questions.add_to(table);
    table.add_flag("option", 'o', "List the options, for shell completion.", list_options);
    WEFT_ASSIGN(Words words, table.parse(Words(argv + 1, argv + argc)));
    auto known = cli::tool_commands(settings);
    if (list_options) {
        std::fputs(option_list(table).c_str(), stdout);
        return 0;
    }
    if (!words.empty() && words[0] == "help") questions.ask_help();
    ProgramText text{"ovsdb-tool",
                     "Open vSwitch database management utility",
                     "[OPTIONS] COMMAND [ARG...]",
                     "Works on OVSDB database files without a server.  The default DB is DBDIR/conf.db.",
                     {}};
    for (const auto& [name, command] : known)
        text.commands.emplace_back(name + " " + command.usage, command.help);
    if (auto answer = questions.answer(text, table)) return std::fputs(answer->c_str(), stdout), 0;
    if (words.empty()) return Error{"missing command name; use --help for help"};
    if (words[0] == "list-commands") {
        std::fputs(command_list(known).c_str(), stdout);
        return 0;
    }
    auto it = known.find(words[0]);
    if (it == known.end()) return Error{fmt::format("unknown command '{}'; use --help for help", words[0])};
    Words arguments(words.begin() + 1, words.end());
    const cli::ToolCommand& command = it->second;
    if (arguments.size() < command.min_words) {
        return Error{fmt::format("'{}' command requires at least {} arguments", words[0], command.min_words)};
    }
    if (arguments.size() > command.max_words) {
        return Error{fmt::format("'{}' command takes at most {} arguments", words[0], command.max_words)};
    }
    return command.run(arguments);
}

}  // namespace

int ovsdb_tool(int argc, char** argv) {
    log::set_program("ovsdb-tool");
    Result<int> result = run(argc, argv);
    if (result) return *result;
    std::fprintf(stderr, "ovsdb-tool: %s\n", result.error().message.c_str());
    return 1;
}

}  // namespace weft::apps
