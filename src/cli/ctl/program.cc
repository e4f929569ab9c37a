// run_ctl(): options, --help and the like, then the runner, the daemon, or a daemon's client.

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <sstream>

#include "base/log_control.h"
#include "base/version.h"
#include "cli/ctl/command_line.h"
#include "cli/ctl/daemon.h"
#include "cli/ctl/runner.h"
#include "cli/tls_options.h"

namespace weft::cli {
namespace {

struct Asked {  // to print something instead of running commands
    bool help = false, version = false, manual = false, commands = false, options = false, any = false;
};

auto question(Asked& asked, bool& target) {
    return [&asked, &target](std::string_view) {
        asked.any = target = true;
        return Result<void>();
    };
}

// Options of an invocation, of which `words` remembers what was given.
void add_remembered(const CtlProgram& program, OptionTable& options, CtlSettings& settings,
                    std::vector<std::string>& words) {
    OptionTable run;
    add_run_options(program, run, settings);
    for (const Option& option : run.options()) {
        options.section(option.section);
        options.add(option.name, option.letter, option.argument, option.help,
                    [&words, option](std::string_view value) {
                        bool has_value = !option.argument.empty() && !value.empty();
                        words.push_back("--" + option.name + (has_value ? "=" + std::string(value) : ""));
                        return option.set(value);
                    });
    }
}

void add_database_options(const CtlProgram& program, OptionTable& options, CtlSettings& settings) {
    options.section("Options");
    options.add("db", 0, "DATABASE",
                fmt::format("Connect to DATABASE (default: {}).", program.default_remotes),
                [&settings](std::string_view value) {
                    settings.remotes = value;
                    settings.database_given = true;
                    return Result<void>();
                });
    if (program.leader_only_option) {
        options.add_flag("leader-only", 0, "Use only the leader of a cluster (the default).",
                         settings.leader_only);
        options.add_flag("no-leader-only", 0, "Use any member of a cluster.", settings.leader_only, false);
        options.add_flag("shuffle-remotes", 0,
                         "Try the servers of a cluster in a random order (the default).",
                         settings.shuffle_remotes);
        options.add_flag("no-shuffle-remotes", 0, "Try the servers of a cluster in the order given.",
                         settings.shuffle_remotes, false);
    } else {
        options.add_flag("retry", 0, "Keep trying to connect to the database.", settings.retry);
    }
}

void add_options(const CtlProgram& program, OptionTable& options, CtlSettings& settings, Asked& asked,
                 net::DaemonOptions& daemon, std::vector<std::string>& run_words) {
    add_database_options(program, options, settings);
    add_remembered(program, options, settings, run_words);
    add_tls_options(options);
    if (program.daemon_variable) {
        daemon.add_to(options, 'u');
    } else {
        daemon.add_logging_to(options);
    }
    options.add("no-syslog", 0, "", "Log nothing but warnings to syslog.", [](std::string_view) {
        log::set_level(log::Destination::kSyslog, log::Level::kWarn);
        return Result<void>();
    });
    options.section("Other options");
    options.add("commands", 0, "", "List the commands.", question(asked, asked.commands));
    options.add("options", 0, "", "List the options.", question(asked, asked.options));
    options.add("help", 'h', "", "Print this help.", question(asked, asked.help));
    options.add("help-man", 0, "", "Print the manual page.", question(asked, asked.manual));
    options.add("version", 'V', "", "Print the version.", question(asked, asked.version));
}

ProgramText program_text(const CtlProgram& program) {
    ProgramText text;
    text.name = program.name;
    text.summary = program.summary;
    text.synopsis = "[OPTION]... COMMAND [ARG]... [-- [OPTION]... COMMAND [ARG]...]...";
    text.description = program.description;
    for (const CtlCommand* command : all_commands(program)) {
        std::string usage;
        std::string_view options = command->options;
        while (!options.empty()) {
            std::string_view each = options.substr(0, options.find(','));
            usage += fmt::format("[{}] ", each);
            options.remove_prefix(std::min(each.size() + 1, options.size()));
        }
        usage += command->name;
        if (*command->usage) usage += fmt::format(" {}", command->usage);
        text.commands.emplace_back(std::move(usage), command->help);
    }
    return text;
}

void print_asked(const CtlProgram& program, const OptionTable& options, const Asked& asked) {
    std::string out;
    if (asked.help) out += help_page(program_text(program), options);
    if (asked.manual) out += manual_page(program_text(program), options, 8);
    if (asked.version)
        out += version_text(program.name, fmt::format("DB Schema {}", program.database->version));
    if (asked.commands) {
        for (const CtlCommand* command : all_commands(program)) {
            out += fmt::format("{},{},{}\n", command->options, command->name, command->usage);
        }
    }
    if (asked.options) {
        for (const Option& option : options.options()) {
            out += option.argument.empty() ? fmt::format("--{}\n", option.name)
                                           : fmt::format("--{}={}\n", option.name, option.argument);
        }
    }
    std::fputs(out.c_str(), stdout);
}

// The environment's defaults.
void read_environment(const CtlProgram& program, CtlSettings& settings) {
    if (const char* timeout = std::getenv("OVS_CTL_TIMEOUT"))
        settings.timeout_s = std::max(0, std::atoi(timeout));
    const char* remotes = program.database_variable ? std::getenv(program.database_variable) : nullptr;
    if (remotes && *remotes) settings.remotes = remotes;
}

}  // namespace

log::Module& ctl_log() {
    static log::Module module("db_ctl_base");
    return module;
}

void add_run_options(const CtlProgram& program, OptionTable& options, CtlSettings& settings) {
    options.section("Options");
    if (program.add_options) program.add_options(options, settings);
    options.add("timeout", 't', "SECS", "Give up after SECS seconds.", [&settings](std::string_view value) {
        char* end = nullptr;
        std::string text(value);
        settings.timeout_s = static_cast<int>(std::strtol(text.c_str(), &end, 10));
        if (text.empty() || *end || settings.timeout_s < 0) {
            return Result<void>(Error{fmt::format("value {} on -t or --timeout is invalid", value)});
        }
        return Result<void>();
    });
    options.add_flag("dry-run", 0, "Do not change the database.", settings.dry_run);
    options.add_flag("oneline", 0, "Print each command's output on one line.", settings.one_line);
    settings.style.format = TableStyle::Format::kList;
    settings.style.add_to(options);
}

namespace {

// Words of the command line, after those of the environment.
std::vector<std::string> all_words(const CtlProgram& program, int argc, char** argv) {
    std::vector<std::string> words;
    const char* more = program.options_variable ? std::getenv(program.options_variable) : nullptr;
    std::istringstream text(more ? more : "");
    for (std::string word; text >> word;) words.push_back(word);
    words.insert(words.end(), argv + 1, argv + argc);
    return words;
}

// The daemon that is to run the commands, or "".
std::string daemon_to_use(const CtlProgram& program, const CtlSettings& settings,
                          const net::DaemonOptions& daemon) {
    if (!program.daemon_variable || daemon.detaches()) return "";
    const char* variable = std::getenv(program.daemon_variable);
    std::string socket = !daemon.unixctl().empty() ? daemon.unixctl() : variable ? variable : "";
    if (socket.empty() || !settings.database_given) return socket;
    static log::Module lg("ovn_dbctl");
    lg.warn("not using {} daemon because of db option", program.name);
    return "";
}

Result<int> run_here(const CtlProgram& program, const CtlSettings& settings,
                     std::vector<CtlInvocation> invocations) {
    net::Loop loop;
    db::Replica replica(loop, *program.database, replica_options(program, settings));
    std::optional<CtlRunner::Outcome> outcome;
    auto fetch = program.whole_tables ? CtlRunner::Fetch::kNothing : CtlRunner::Fetch::kWhatIsAsked;
    CtlRunner runner(
        program, settings, std::move(invocations), loop, replica, fetch,
        [](std::string_view output) {
            std::fwrite(output.data(), 1, output.size(), stdout);
            std::fflush(stdout);
        },
        [&](const CtlRunner::Outcome& end) {
            outcome = end;
            loop.stop();
        });
    runner.start();
    replica.start();
    if (!outcome) loop.run();
    if (outcome->timed_out) end_by_alarm();
    if (outcome->error.empty()) return outcome->exit_code;
    log::set_level(log::Destination::kConsole, log::Level::kOff);
    ctl_log().err("{}", outcome->error);
    return Error{outcome->error};
}

Result<int> run_program(const CtlProgram& program, int argc, char** argv) {
    CtlSettings settings;
    Asked asked;
    OptionTable options;
    net::DaemonOptions daemon(program.name);
    std::vector<std::string> run_words;
    read_environment(program, settings);
    add_options(program, options, settings, asked, daemon, run_words);
    std::vector<std::string> words = all_words(program, argc, argv);
    Result<std::vector<CtlInvocation>> invocations =
        parse_command_line(program, options, words, asked.any, program.daemon_variable ? &daemon : nullptr);
    WEFT_TRY(invocations);
    if (asked.any) {
        print_asked(program, options, asked);
        return 0;
    }
    for (const std::string& word : words) settings.words += (settings.words.empty() ? "" : " ") + word;
    WEFT_TRY(daemon.start());
    if (daemon.detaches()) return serve_ctl(program, settings, daemon);
    std::string socket = daemon_to_use(program, settings, daemon);
    if (!socket.empty()) return run_at_daemon(program, socket, run_words, *invocations, settings.timeout_s);
    return run_here(program, settings, *std::move(invocations));
}

}  // namespace

int run_ctl(const CtlProgram& program, int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    log::set_program(program.name);
    log::set_level(log::Destination::kConsole, log::Level::kWarn);
    // What the database refuses is said once, as the program's error.
    (void)log::set("ovsdb_idl:console:off");
    Result<int> result = run_program(program, argc, argv);
    std::fflush(stdout);
    if (result) return *result;
    std::fprintf(stderr, "%s: %s\n", program.name, result.message().c_str());
    return 1;
}

}  // namespace weft::cli
