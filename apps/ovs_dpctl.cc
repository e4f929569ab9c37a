// ovs-dpctl: datapaths of the running ovs-vswitchd (ovs-dpctl(8)).
//
// Datapaths live in ovs-vswitchd, so each command is its control command dpctl/COMMAND.

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>

#include "base/log_control.h"
#include "base/options.h"
#include "datapath/api/flow_line.h"
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
    pass("clear", 0, "--clear", "With mod-flow: begin its statistics anew.");
    pass("may-create", 0, "--may-create", "With mod-flow: add the flow if there is none.");
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
        {{"help", "Print this help."},
         {"dump-dps", "List the datapaths."},
         {"show [dp...]", "Ports and statistics of datapaths."},
         {"dump-flows [dp] [filter=FILTER] [type=TYPE[,TYPE]...]",
          "Print the flows of a datapath: all, those that share packets with an OpenFlow match, or those "
          "that are "
          "forwarded so."},
         {"add-flow [dp] FLOW ACTIONS", "Add a flow."},
         {"mod-flow [dp] FLOW ACTIONS", "Change a flow's actions."},
         {"get-flow [dp] ufid:UFID", "Print one flow."},
         {"del-flow [dp] FLOW", "Delete a flow: that with this match, or ufid:UFID."},
         {"add-flows [dp] FILE",
          "Add, modify and delete flows as the lines of a file (-: standard input) say."},
         {"mod-flows [dp] FILE", "The same; lines without a keyword modify."},
         {"del-flows [dp] [FILE]",
          "Delete all flows of a datapath; of a file: lines without a keyword delete."},
         {"add-dp DP [NETDEV[,OPTION]...]...", "Make a datapath."},
         {"del-dp DP", "Delete a datapath that add-dp made."},
         {"add-if DP NETDEV[,OPTION]...", "Add ports to such a datapath."},
         {"del-if DP NETDEV...", "Delete its ports."},
         {"set-if DP NETDEV[,OPTION]...", "Check type and number of its ports."},
         {"cache-get-size [dp]", "Print the sizes of caches that can be chosen: none."},
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
    for (std::string_view part :
         {"add-", "mod-", "del-", "set-", "flush-", "-set-", "-enable-", "-disable-"}) {
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

int fail(std::string_view message) {
    std::fprintf(stderr, "%s: %s\n", kProgram, std::string(message).c_str());
    return 1;
}

// The daemon.
class Session {
  public:
    Session(std::string socket, int64_t timeout_ms) : socket_(std::move(socket)), timeout_ms_(timeout_ms) {}

    // Runs dpctl/COMMAND, and prints what it says.
    int run(const std::string& command, const std::vector<std::string>& arguments) {
        auto answer = ask(command, arguments);
        if (!answer) return fail(answer.message());
        std::fputs(answer->c_str(), stdout);
        return 0;
    }
    Result<std::string> ask(const std::string& command, const std::vector<std::string>& arguments) {
        auto answer = net::run_control_command(socket_, "dpctl/" + command, arguments, timeout_ms_);
        if (!answer) return Error{fmt::format("cannot connect to \"{}\" ({})", socket_, answer.message())};
        if (!answer->ok) return Error{own_words(answer->text)};
        return std::move(answer->text);
    }

  private:
    std::string socket_;
    int64_t timeout_ms_;
};

Result<std::string> read_file(const std::string& path) {
    std::string text;
    if (path == "-") return text.assign(std::istreambuf_iterator<char>(std::cin), {}), text;
    std::ifstream file(path);
    text.assign(std::istreambuf_iterator<char>(file), {});
    if (!file.is_open() || file.bad())
        return Error{fmt::format("Opening file \"{}\" failed ({})", path, std::strerror(errno))};
    return text;
}

// add-flows, mod-flows and del-flows of a file, which is ours, not the daemon's: line by line.
int run_file(Session& session, const Request& request, datapath::FlowLine::Verb verb,
             const std::vector<std::string>& words) {
    using Verb = datapath::FlowLine::Verb;
    auto text = read_file(words.back());
    if (!text) return fail(text.message());
    int status = 0;
    for (const datapath::FlowLine& line : datapath::parse_flow_lines(*text, verb)) {
        if (line.bad) {
            status = fail(fmt::format("Failed parsing line number {}, skipped!", line.number));
            continue;
        }
        std::vector<std::string> arguments;
        if (line.verb != Verb::kAdd) arguments = request.flags;
        if (words.size() == 3) arguments.push_back(words[1]);
        arguments.push_back(line.flow);
        if (line.verb != Verb::kDelete) arguments.push_back(line.actions);
        const char* command = line.verb == Verb::kAdd      ? "add-flow"
                              : line.verb == Verb::kModify ? "mod-flow"
                                                           : "del-flow";
        if (session.run(command, arguments)) status = 1;
    }
    return status;
}

// Whether these words are such a command, and its verb.
std::optional<datapath::FlowLine::Verb> file_verb(Session& session, const std::vector<std::string>& words) {
    using Verb = datapath::FlowLine::Verb;
    if (words.size() < 2 || words.size() > 3) return std::nullopt;
    if (words[0] == "add-flows") return Verb::kAdd;
    if (words[0] == "mod-flows") return Verb::kModify;
    if (words[0] != "del-flows") return std::nullopt;
    // A datapath's name, or a file's?
    if (words.size() == 2 && session.ask("show", {words[1]})) return std::nullopt;
    return Verb::kDelete;
}

}  // namespace

int ovs_dpctl(int argc, char** argv) {
    log::set_program(kProgram);
    log::set_level(log::Destination::kConsole, log::Level::kWarn);
    Request request;
    OptionTable options;
    add_options(options, request);
    auto words = options.parse({argv + 1, argv + argc});
    if (!words) return fail(words.message());
    if (!words->empty() && words->front() == "help") request.questions.ask_help();
    if (auto answer = request.questions.answer(text(), options))
        return std::fputs(answer->c_str(), stdout), 0;
    if (words->empty()) return fail("missing command name; use --help for help");

    if (request.read_only && changes(words->front()))
        return fail(fmt::format("'{}' command does not work in read only mode", words->front()));
    auto socket = net::find_control_socket(request.target);
    if (!socket) return fail(socket.message());
    Session session(*socket, request.timeout_ms);
    if (auto verb = file_verb(session, *words)) return run_file(session, request, *verb, *words);
    std::vector<std::string> arguments = request.flags;
    arguments.insert(arguments.end(), words->begin() + 1, words->end());
    return session.run(words->front(), arguments);
}

}  // namespace weft::apps
