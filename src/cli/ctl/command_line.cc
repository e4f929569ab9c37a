#include "cli/ctl/command_line.h"

#include <fmt/format.h>

#include <set>

#include "cli/ctl/generic.h"

namespace weft::cli {
namespace {

using Options = std::map<std::string, std::string, std::less<>>;

struct LocalOption {
    std::string name;  // "--if-exists"
    bool takes_value;
    bool may_lack_value;  // of those that take one
};

std::vector<LocalOption> local_options(const CtlCommand& command) {
    std::vector<LocalOption> out;
    std::string_view rest = command.options;
    while (!rest.empty()) {
        std::string_view each = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(each.size() + 1, rest.size()));
        bool optional = each.ends_with('?');
        bool takes_value = optional || each.ends_with('=');
        if (takes_value) each.remove_suffix(1);
        out.push_back({std::string(each), takes_value, optional});
    }
    return out;
}

Result<void> add_once(Options& options, std::string name, std::string value) {
    if (!options.emplace(name, std::move(value)).second) {
        return Error{fmt::format("'{}' option specified multiple times", name)};
    }
    return {};
}

const CtlCommand* find_command(const std::vector<const CtlCommand*>& commands, std::string_view name) {
    for (const CtlCommand* command : commands) {
        if (name == command->name) return command;
    }
    return nullptr;
}

Result<void> check_options(const CtlCommand& command, const Options& options) {
    std::vector<LocalOption> allowed = local_options(command);
    for (const auto& [name, value] : options) {
        auto it = std::find_if(allowed.begin(), allowed.end(),
                               [&](const LocalOption& each) { return each.name == name; });
        if (it == allowed.end())
            return Error{fmt::format("'{}' command has no '{}' option", command.name, name)};
        if (it->takes_value && !it->may_lack_value && value.empty()) {
            return Error{fmt::format("missing argument to '{}' option on '{}' command", name, command.name)};
        }
        if (!it->takes_value && !value.empty()) {
            return Error{fmt::format("'{}' option on '{}' does not accept an argument", name, command.name)};
        }
    }
    return {};
}

Result<CtlInvocation> parse_one(const std::vector<const CtlCommand*>& commands,
                                std::vector<std::string> words, Options options) {
    size_t at = 0;
    for (; at < words.size() && words[at].starts_with("-"); at++) {
        size_t equals = words[at].find('=');
        std::string value = equals == std::string::npos ? "" : words[at].substr(equals + 1);
        WEFT_TRY(add_once(options, words[at].substr(0, equals), std::move(value)));
    }
    if (at == words.size()) return Error{"missing command name (use --help for help)"};
    const CtlCommand* command = find_command(commands, words[at]);
    if (!command) return Error{fmt::format("unknown command '{}'; use --help for help", words[at])};
    WEFT_TRY(check_options(*command, options));
    std::vector<std::string> arguments(words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
    int count = static_cast<int>(arguments.size());
    if (count < command->min_arguments) {
        return Error{fmt::format("'{}' command requires at least {} arguments", command->name,
                                 command->min_arguments)};
    }
    if (command->max_arguments >= 0 && count > command->max_arguments) {
        return Error{
            fmt::format("'{}' command takes at most {} arguments", command->name, command->max_arguments)};
    }
    return CtlInvocation{command, std::move(arguments), std::move(options)};
}

}  // namespace

std::vector<const CtlCommand*> all_commands(const CtlProgram& program) {
    std::vector<const CtlCommand*> out;
    for (std::span<const CtlCommand> part : program.commands) {
        for (const CtlCommand& command : part) out.push_back(&command);
    }
    if (!program.show.empty()) out.push_back(&kGenericShow);
    for (const CtlCommand& command : generic_commands()) out.push_back(&command);
    return out;
}

Result<std::vector<CtlInvocation>> parse_command_line(const CtlProgram& program, OptionTable options,
                                                      const std::vector<std::string>& words, const bool& stop,
                                                      const net::DaemonOptions* daemon) {
    std::vector<const CtlCommand*> commands = all_commands(program);
    Options first;
    std::set<std::string> known;
    for (const Option& option : options.options()) known.insert("--" + option.name);
    for (const CtlCommand* command : commands) {
        for (const LocalOption& local : local_options(*command)) {
            if (!known.insert(local.name).second) continue;
            options.add(local.name.substr(2), 0,
                        local.may_lack_value ? "[VALUE]"
                        : local.takes_value  ? "VALUE"
                                             : "",
                        "", [&first, name = local.name](std::string_view value) {
                            return add_once(first, name, std::string(value));
                        });
        }
    }
    WEFT_ASSIGN(std::vector<std::string> rest, options.parse(words, true));
    std::vector<CtlInvocation> out;
    if (stop) return out;
    if (daemon && daemon->detaches()) {
        if (rest.empty()) return out;
        return Error{"non-option arguments not supported with --detach (use --help for help)"};
    }
    size_t start = 0;
    for (size_t i = 0; i <= rest.size(); i++) {
        if (i < rest.size() && rest[i] != "--") continue;
        if (i > start) {
            std::vector<std::string> part(rest.begin() + static_cast<std::ptrdiff_t>(start),
                                          rest.begin() + static_cast<std::ptrdiff_t>(i));
            WEFT_ASSIGN(CtlInvocation each, parse_one(commands, std::move(part), std::exchange(first, {})));
            out.push_back(std::move(each));
        }
        start = i + 1;
    }
    if (out.empty()) return Error{"missing command name (use --help for help)"};
    return out;
}

}  // namespace weft::cli
