// ovs-dpctl: datapaths of the running ovs-vswitchd (ovs-dpctl(8)).
//
// Datapaths live in ovs-vswitchd, so each command is its control command dpctl/COMMAND.

#include <fmt/format.h>

#include <charconv>
#include <cstdio>

#include "base/log_control.h"
#include "base/options.h"
#include "net/control_client.h"

namespace weft::apps {

namespace {

constexpr const char* kProgram = "ovs-dpctl";
constexpr std::string_view kDaemon = "ovs-vswitchd";

struct Request {
    std::string target{kDaemon};
    int64_t timeout_ms = 0;
    std::vector<std::string> flags;  // handed on in front of the arguments
    bool read_only = false;
    Questions questions;
};

void add_options(OptionTable& options, Request& request) {
    using Done = Result<void>;
    options.section("Options");
    auto pass = [&](const char* name, char brief, const char* flag, const char* text) {
        options.add(name, brief, "", text, [&request, flag](std::string_view) {
            request.flags.emplace_back(flag);
            return Done();
        });
    };
    pass("statistics", 's', "-s", "Print statistics, too.");
    pass("more", 'm', "-m", "Print more; twice: more yet.");
    pass("names", 0, "--names", "Print names of ports, not numbers.");
    pass("no-names", 0, "--no-names", "Print numbers of ports.");
    options.add_flag("read-only", 0, "Refuse the commands that change something.", request.read_only);
    options.add("timeout", 't', "SECS", "Give up after that many seconds.", [&](std::string_view text) {
        int64_t seconds = 0;
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
        if (error != std::errc() || end != text.data() + text.size() || seconds <= 0) {
            return Done(Error{fmt::format("value {} on -t or --timeout is invalid", text)});
        }
        request.timeout_ms = seconds * 1000;
        return Done();
    });
    options.add_text("target", 0, "TARGET", "Program name or control socket of the switch.", request.target);
    request.questions.add_to(options);
    options.add("verbose", 'v', "[SPEC]", "Set logging levels.",
                [](std::string_view spec) { return log::set(spec); });
}

ProgramText text() {
    return {
        kProgram,
        "inspect the datapaths of a running ovs-vswitchd",
        "[OPTIONS] COMMAND [ARG...]",
        "Datapaths live in ovs-vswitchd: COMMAND is sent to it as `ovs-appctl dpctl/COMMAND`, and what that "
        "answers is printed.  A datapath [dp] is named TYPE@NAME, as dump-dps prints it; it need not be "
        "named where "
        "there is one alone.",
        {{"dump-dps", "List the datapaths."},
         {"show [dp...]", "Ports and statistics of datapaths."},
         {"dump-flows [dp]", "Print the flows of a datapath."},
         {"del-flows [dp]", "Delete all flows of a datapath."},
         {"dump-conntrack [dp] [zone=ZONE]", "Print the tracked connections."},
         {"flush-conntrack [dp] [zone=ZONE] [ORIGINAL [REPLY]]",
          "Forget connections: all, or those of a zone or tuple."},
         {"ct-stats-show [dp] [zone=ZONE]", "Count connections by protocol."},
         {"ct-bkts [dp] [gt=N]", "Count connections by bucket."},
         {"ct-get-nconns [dp]", "Print the number of connections."},
         {"ct-get-maxconns [dp]", "Print how many connections there may be."},
         {"ct-set-maxconns [dp] MAX", "Set how many connections there may be."},
         {"ct-get-limits [dp] [zone=ZONE[,ZONE]...]", "Print limits of zones."},
         {"ct-set-limits [dp] [default=LIMIT] [zone=ZONE,limit=LIMIT]...", "Set limits of zones."},
         {"ct-del-limits [dp] zone=ZONE[,ZONE]...", "Remove limits of zones."},
         {"ct-get-tcp-seq-chk [dp]", "Tell whether TCP sequence numbers are checked."},
         {"ct-enable-tcp-seq-chk [dp]", "Check TCP sequence numbers."},
         {"ct-disable-tcp-seq-chk [dp]", "Do not check TCP sequence numbers."},
         {"ipf-get-status [dp]", "Settings and counters of IP reassembly."},
         {"ipf-set-enabled [dp] v4|v6", "Reassemble IP fragments for connection tracking."},
         {"ipf-set-disabled [dp] v4|v6", "Do not reassemble IP fragments."},
         {"ipf-set-min-frag [dp] v4|v6 SIZE", "Set the least size of fragments."},
         {"ipf-set-max-nfrags [dp] MAX", "Set how many fragments may be held."}}};
}

// Commands that change something.
bool changes(std::string_view command) {
    for (std::string_view part : {"del-", "flush-", "-set-", "-enable-", "-disable-"}) {
        if (command.find(part) != command.npos) return true;
    }
    return false;
}

// The daemon's errors name the daemon.
std::string own_words(std::string error) {
    std::string prefix = fmt::format("{}: ", kDaemon);
    if (error.starts_with(prefix)) error.erase(0, prefix.size());
    while (error.ends_with('\n')) error.pop_back();
    return error;
}

}  // namespace

int ovs_dpctl(int argc, char** argv) {
    log::set_program(kProgram);
    log::set_level(log::Destination::kConsole, log::Level::kWarn);
    Request request;
    OptionTable options;
    add_options(options, request);
    auto fail = [&](const std::string& message) {
        std::fprintf(stderr, "%s: %s\n", kProgram, message.c_str());
        return 1;
    };
    auto words = options.parse({argv + 1, argv + argc});
    if (!words) return fail(words.message());
    if (auto answer = request.questions.answer(text(), options))
        return std::fputs(answer->c_str(), stdout), 0;
    if (words->empty()) return fail("missing command name; use --help for help");

    if (request.read_only && changes(words->front()))
        return fail(fmt::format("'{}' command does not work in read only mode", words->front()));
    auto socket = net::find_control_socket(request.target);
    if (!socket) return fail(socket.message());
    std::vector<std::string> arguments = request.flags;
    arguments.insert(arguments.end(), words->begin() + 1, words->end());
    auto answer = net::run_control_command(*socket, "dpctl/" + words->front(), arguments, request.timeout_ms);
    if (!answer) return fail(fmt::format("cannot connect to \"{}\" ({})", *socket, answer.message()));
    if (!answer->ok) return fail(own_words(answer->text));
    std::fputs(answer->text.c_str(), stdout);
    return 0;
}

}  // namespace weft::apps
