#include "cli/ctl/daemon.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <list>

#include "base/log.h"
#include "cli/ctl/runner.h"
#include "net/control_client.h"
#include "net/control_server.h"

namespace weft::cli {

namespace {

log::Module lg("ovn_dbctl");
log::Module signal_lg("fatal_signal");

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
    return out;
}

// A `run` that is under way.
struct Request {
    std::unique_ptr<CtlRunner> runner;
    std::string output;
    std::shared_ptr<net::ControlReply> reply;
};

class Server {
  public:
    Server(const CtlProgram& program, const CtlSettings& settings) : program_(program), settings_(settings) {
        db::Replica::Options options = replica_options(program, settings);
        options.retry = true;
        options.optimistic = false;
        options.probe_interval_ms = db::Replica::Options().probe_interval_ms;
        replica_ = std::make_unique<db::Replica>(loop_, *program.database, std::move(options));
        replica_->monitor_everything();
    }

    Result<void> serve(net::DaemonOptions& daemon) {
        WEFT_ASSIGN(auto control, net::ControlServer::create(loop_, daemon.unixctl(), program_.name));
        control->add("exit", "", 0, 0, [this](const std::vector<std::string>&) {
            loop_.stop();
            return Result<std::string>("");
        });
        control->add_deferred("run", "", 0, -1,
                              [this](const std::vector<std::string>& words,
                                     std::shared_ptr<net::ControlReply> reply) { run(words, reply); });
        auto terminate = loop_.on_signal(SIGTERM, [this] { loop_.stop(); });
        auto interrupt = loop_.on_signal(SIGINT, [this] { loop_.stop(); });
        replica_->start();
        std::printf("%s\n", control->path().c_str());
        std::fflush(stdout);
        daemon.ready();
        loop_.run();
        requests_.clear();
        return {};
    }

  private:
    void run(const std::vector<std::string>& words, const std::shared_ptr<net::ControlReply>& reply) {
        CtlSettings settings = settings_;
        settings.words = joined(words);
        OptionTable options;
        add_run_options(program_, options, settings);
        bool stop = false;
        Result<std::vector<CtlInvocation>> invocations = parse_command_line(program_, options, words, stop);
        if (!invocations) return reply->failure(invocations.message() + "\n");
        bool writes = std::any_of(invocations->begin(), invocations->end(),
                                  [](const CtlInvocation& each) { return each.command->writes; });
        if (writes) {
            lg.info("Running command run {}", settings.words);
        } else {
            lg.dbg("Running command run {}", settings.words);
        }
        auto at = requests_.emplace(requests_.end());
        at->reply = reply;
        at->runner = std::make_unique<CtlRunner>(
            program_, std::move(settings), *std::move(invocations), loop_, *replica_,
            CtlRunner::Fetch::kNothing, [at](std::string_view output) { at->output += output; },
            [this, at](const CtlRunner::Outcome& outcome) { answer(at, outcome); });
        at->runner->start();
    }

    void answer(std::list<Request>::iterator request, const CtlRunner::Outcome& outcome) {
        if (outcome.error.empty()) {
            request->reply->success(std::move(request->output));
        } else {
            request->reply->failure(outcome.error + "\n");
        }
        // The runner is on the stack.
        loop_.defer([this, request] { requests_.erase(request); });
        loop_.wake();
    }

    const CtlProgram& program_;
    const CtlSettings& settings_;
    net::Loop loop_;
    std::unique_ptr<db::Replica> replica_;
    std::list<Request> requests_;
};

}  // namespace

void end_by_alarm() {
    signal_lg.warn("terminating with signal {} (Alarm clock)", SIGALRM);
    std::fflush(nullptr);
    std::signal(SIGALRM, SIG_DFL);
    std::raise(SIGALRM);
    std::abort();
}

Result<int> serve_ctl(const CtlProgram& program, const CtlSettings& settings, net::DaemonOptions& daemon) {
    Server server(program, settings);
    WEFT_TRY(server.serve(daemon));
    return 0;
}

Result<int> run_at_daemon(const CtlProgram& program, const std::string& socket,
                          const std::vector<std::string>& options,
                          const std::vector<CtlInvocation>& invocations, int timeout_s) {
    std::vector<std::string> words = options;
    for (const CtlInvocation& each : invocations) {
        words.emplace_back("--");
        for (const auto& [name, value] : each.options)
            words.push_back(value.empty() ? name : name + "=" + value);
        words.emplace_back(each.command->name);
        words.insert(words.end(), each.arguments.begin(), each.arguments.end());
    }
    Result<net::ControlAnswer> answer =
        net::run_control_command(socket, "run", words, int64_t{timeout_s} * 1000);
    if (!answer && timeout_s && answer.message().starts_with("no answer within")) end_by_alarm();
    if (!answer) {
        return Error{fmt::format("{}: could not connect to {} daemon ({}); unset {} to avoid using daemon",
                                 socket, program.name, answer.message(), program.daemon_variable)};
    }
    if (answer->ok) {
        std::fputs(answer->text.c_str(), stdout);
        return 0;
    }
    std::string message = std::move(answer->text);
    if (message.ends_with('\n')) message.pop_back();
    if (message == kTimedOut) end_by_alarm();
    return Error{std::move(message)};
}

}  // namespace weft::cli
