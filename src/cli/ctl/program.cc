// run_ctl(): options, --help and the like, then the runner.

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/log_control.h"
#include "base/version.h"
#include "cli/ctl/command_line.h"
#include "cli/ctl/runner.h"
#include "cli/tls_options.h"

namespace weft::cli {
namespace {

struct Asked {  // to print something instead of running commands
    bool help = false, version = false, manual = false, commands = false, options = false, any = false;
};

auto flag(bool& target) {
    return [&target](std::string_view) {
        target = true;
        return Result<void>();
    };
}

auto question(Asked& asked, bool& target) {
    return [&asked, &target](std::string_view) {
        asked.any = target = true;
        return Result<void>();
    };
}

void add_options(const CtlProgram& program, OptionTable& options, CtlSettings& settings, Asked& asked) {
    options.section("Options");
    options.add("db", 0, "DATABASE",
                fmt::format("Connect to DATABASE (default: {}).", program.default_remotes),
                [&settings](std::string_view value) {
                    settings.remotes = value;
                    return Result<void>();
                });
    if (program.add_options) program.add_options(options);
    if (program.leader_only_option) {
        options.add("leader-only", 0, "", "Use only the leader of a cluster (the default).",
                    [&settings](std::string_view) {
                        settings.leader_only = true;
                        return Result<void>();
                    });
        options.add("no-leader-only", 0, "", "Use any member of a cluster.", [&settings](std::string_view) {
            settings.leader_only = false;
            return Result<void>();
        });
    }
    options.add("retry", 0, "", "Keep trying to connect to the database.", flag(settings.retry));
    options.add("timeout", 't', "SECS", "Give up after SECS seconds.", [&settings](std::string_view value) {
        char* end = nullptr;
        std::string text(value);
        settings.timeout_s = static_cast<int>(std::strtol(text.c_str(), &end, 10));
        if (text.empty() || *end || settings.timeout_s < 0) {
            return Result<void>(Error{fmt::format("value {} on -t or --timeout is invalid", value)});
        }
        return Result<void>();
    });
    options.add("dry-run", 0, "", "Do not change the database.", flag(settings.dry_run));
    options.add("oneline", 0, "", "Print each command's output on one line.", flag(settings.one_line));
    settings.style.format = TableStyle::Format::kList;
    settings.style.add_to(options);
    add_tls_options(options);
    options.section("Logging options");
    options.add("verbose", 'v', "[SPEC]", "Set logging levels, as in vlog/set of ovs-appctl(8).",
                [](std::string_view spec) { return log::set(spec); });
    options.add("log-file", 0, "[FILE]", "Log to FILE.", [&program](std::string_view file) {
        return log::open_file(file.empty() ? fmt::format("{}.log", program.name) : std::string(file));
    });
    options.add("syslog-method", 0, "METHOD", "How to reach syslog: libc, null, unix:FILE, udp:IP:PORT.",
                [](std::string_view method) { return log::set_syslog_method(method); });
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

int run_ctl(const CtlProgram& program, int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    log::set_program(program.name);
    log::set_level(log::Destination::kConsole, log::Level::kWarn);
    CtlSettings settings;
    Asked asked;
    OptionTable options;
    read_environment(program, settings);
    add_options(program, options, settings, asked);
    std::vector<std::string> words(argv + 1, argv + argc);
    Result<std::vector<CtlInvocation>> invocations = parse_command_line(program, options, words, asked.any);
    if (!invocations) {
        std::fprintf(stderr, "%s: %s\n", program.name, invocations.message().c_str());
        return 1;
    }
    if (asked.any) {
        print_asked(program, options, asked);
        return 0;
    }
    for (const std::string& word : words) settings.words += (settings.words.empty() ? "" : " ") + word;
    CtlRunner runner(program, settings, *std::move(invocations));
    return runner.run();
}

}  // namespace weft::cli
