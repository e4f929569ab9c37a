// ovs-appctl and ovn-appctl: run a command in a daemon (ovs-appctl(8)).

#include <fmt/format.h>

#include <charconv>
#include <cstdio>

#include "base/log_control.h"
#include "base/options.h"
#include "net/control_client.h"

namespace weft::apps {

namespace {

struct Request {
    std::string target;
    bool execute = false;
    int64_t timeout_ms = 0;
    Questions questions;
};

void add_options(OptionTable& options, Request& request) {
    using Done = Result<void>;
    options.section("Options");
    options.add_text("target", 't', "TARGET", "Program name or control socket to contact.", request.target);
    options.add("timeout", 'T', "SECS", "Give up after that many seconds.", [&](std::string_view text) {
        int64_t seconds = 0;
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
        if (error != std::errc() || end != text.data() + text.size() || seconds <= 0) {
            return Done(Error{fmt::format("value {} on -T or --timeout is invalid", text)});
        }
        request.timeout_ms = seconds * 1000;
        return Done();
    });
    options.add_flag("execute", 'e', "Nothing: older scripts name the command behind it.", request.execute);
    request.questions.add_to(options);
    options.add("verbose", 'v', "[SPEC]", "Set logging levels.",
                [](std::string_view spec) { return log::set(spec); });
}

ProgramText text_of(const std::string& program, const std::string& target) {
    return {program,
            "control a running daemon",
            "[TARGET] COMMAND [ARG...]",
            "Sends a command to a running daemon over its control socket and prints the answer.\n\nThe "
            "daemon is named by "
            "--target: the name of a program, whose process is found by its pid file, or the path of a "
            "control socket.  The default is " +
                target + ".",
            {{"list-commands", "List the commands that the daemon has."},
             {"version", "Print the daemon's version."},
             {"vlog/list", "List the logging levels."},
             {"vlog/set [SPEC]", "Set a logging level."},
             {"vlog/reopen", "Open the log file again, after a rotation."}}};
}

int run_appctl(const std::string& program, const std::string& default_target, int argc, char** argv) {
    log::set_program(program);
    log::set_level(log::Destination::kConsole, log::Level::kWarn);
    Request request;
    request.target = default_target;
    OptionTable options;
    add_options(options, request);
    auto fail = [&](const std::string& message) {
        std::fprintf(stderr, "%s: %s\n", program.c_str(), message.c_str());
        return 1;
    };
    auto words = options.parse({argv + 1, argv + argc}, true);
    if (!words) return fail(words.message());
    if (auto answer = request.questions.answer(text_of(program, default_target), options))
        return std::fputs(answer->c_str(), stdout), 0;
    if (words->empty()) return fail("at least one non-option argument is required (use --help for help)");

    auto socket = net::find_control_socket(request.target);
    if (!socket) return fail(socket.message());
    auto answer = net::run_control_command(*socket, words->front(), {words->begin() + 1, words->end()},
                                           request.timeout_ms);
    if (!answer) return fail(fmt::format("cannot connect to \"{}\" ({})", *socket, answer.message()));
    std::fputs(answer->text.c_str(), answer->ok ? stdout : stderr);
    if (answer->ok) return 0;
    std::fprintf(stderr, "%s: %s: server returned an error\n", program.c_str(), request.target.c_str());
    return 2;
}

}  // namespace

int ovs_appctl(int argc, char** argv) {
    return run_appctl("ovs-appctl", "ovs-vswitchd", argc, argv);
}
int ovn_appctl(int argc, char** argv) {
    return run_appctl("ovn-appctl", "ovn-controller", argc, argv);
}

}  // namespace weft::apps
