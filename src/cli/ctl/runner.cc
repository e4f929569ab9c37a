#include "cli/ctl/runner.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/log.h"
#include "base/log_control.h"
#include "cli/ctl/records.h"
#include "ovsdb/data/datum_text.h"

namespace weft::cli {
namespace {

log::Module signal_lg("fatal_signal");

db::Replica::Options replica_options(const CtlProgram& program, const CtlSettings& settings) {
    db::Replica::Options options;
    options.remotes =
        db::split_remotes(settings.remotes.empty() ? program.default_remotes : settings.remotes);
    options.leader_only = settings.leader_only;
    options.track_changes = false;
    options.optimistic = true;
    options.retry = settings.retry;
    options.probe_interval_ms = 0;
    return options;
}

std::string one_line(std::string_view text) {
    std::string out;
    for (char c : text) {
        if (c == '\n') {
            out += "\\n";
        } else if (c == '\\') {
            out += "\\\\";
        } else {
            out += c;
        }
    }
    if (out.ends_with("\\n")) out.resize(out.size() - 2);
    return out + '\n';
}

}  // namespace

CtlRunner::CtlRunner(const CtlProgram& program, const CtlSettings& settings,
                     std::vector<CtlInvocation> invocations)
    : program_(program),
      settings_(settings),
      invocations_(std::move(invocations)),
      replica_(loop_, *program.database, replica_options(program, settings)) {
    session_.program = &program_;
    session_.replica = &replica_;
}

CtlRunner::~CtlRunner() = default;

int CtlRunner::run() {
    if (Result<void> prepared = prepare(); !prepared) {
        fail(prepared.message());
        return session_.exit_code;
    }
    std::unique_ptr<net::Loop::Timer> timeout = loop_.timer([] {
        signal_lg.warn("terminating with signal {} (Alarm clock)", SIGALRM);
        std::fflush(nullptr);
        std::signal(SIGALRM, SIG_DFL);
        std::raise(SIGALRM);
    });
    if (settings_.timeout_s > 0) timeout->arm_in(int64_t{settings_.timeout_s} * 1000);
    std::unique_ptr<net::Loop::Turn> each_turn = loop_.each_turn([this] { turn(); });
    replica_.start();
    loop_.wake();
    if (state_ != State::kDone) loop_.run();
    std::fflush(stdout);
    return session_.exit_code;
}

Result<void> CtlRunner::prepare() {
    if (program_.need) program_.need(session_);
    for (const CtlInvocation& invocation : invocations_) {
        CtlContext context(session_, *invocation.command);
        context.arguments = invocation.arguments;
        context.options = invocation.options;
        if (invocation.command->need) WEFT_TRY(invocation.command->need(context));
    }
    return {};
}

void CtlRunner::turn() {
    if (state_ == State::kDone || state_ == State::kCommitting) return;
    if (!replica_.failure().empty()) {
        const std::string& remotes = settings_.remotes.empty() ? program_.default_remotes : settings_.remotes;
        return fail(fmt::format("{}: database connection failed ({})", remotes, replica_.failure()));
    }
    if (!replica_.connected()) return;
    if (state_ == State::kCarrying) {
        if (program_.carried_out(session_)) {
            state_ = State::kDone;
            loop_.stop();
        }
        return;
    }
    if (tried_ && replica_.sequence() == tried_sequence_) return;
    try_once();
}

void CtlRunner::try_once() {
    tried_ = true;
    tried_sequence_ = replica_.sequence();
    session_.transaction.emplace(replica_.store());
    session_.symbols = {};
    session_.comment.clear();
    session_.new_names.clear();
    session_.wait_for_change = false;
    session_.exit_code = 0;
    if (Result<void> done = run_commands(); !done) return fail(done.message());
    if (session_.wait_for_change) return;  // another try when the database has changed
    if (Result<void> checked = check_symbols(); !checked) return fail(checked.message());
    session_.transaction->comment(fmt::format("{}: {}", program_.name, settings_.words));
    if (!session_.comment.empty()) session_.transaction->comment(session_.comment);
    if (settings_.dry_run) return committed({});
    state_ = State::kCommitting;
    replica_.commit(std::move(*session_.transaction),
                    [this](const db::CommitOutcome& outcome) { committed(outcome); });
}

Result<void> CtlRunner::run_commands() {
    contexts_.clear();
    bool writes = false;
    if (program_.before_run) program_.before_run(session_);
    for (const CtlInvocation& invocation : invocations_) {
        auto context = std::make_unique<CtlContext>(session_, *invocation.command);
        context->arguments = invocation.arguments;
        context->options = invocation.options;
        writes = writes || invocation.command->writes;
        WEFT_TRY(invocation.command->run(*context));
        contexts_.push_back(std::move(context));
        if (session_.wait_for_change) return {};
    }
    if (program_.after_run) program_.after_run(session_, writes);
    return {};
}

Result<void> CtlRunner::check_symbols() {
    for (const auto& [name, symbol] : session_.symbols) {
        if (!symbol.created) {
            return Error{fmt::format(
                "row id \"{}\" is referenced but never created (e.g. with \"-- --id={} create ...\")", name,
                name)};
        }
        if (symbol.strong_ref) continue;
        ctl_log().warn(
            "row id \"{}\" was created but {} reference to it was inserted, so it will not actually appear "
            "in the database",
            name, symbol.weak_ref ? "only a weak" : "no");
    }
    return {};
}

void CtlRunner::committed(const db::CommitOutcome& outcome) {
    state_ = State::kWaiting;
    session_.outcome = outcome;
    switch (outcome.status) {
        case db::CommitStatus::kUnchanged:
        case db::CommitStatus::kSuccess:
            return succeed();
        case db::CommitStatus::kTryAgain:
        case db::CommitStatus::kNotConnected:
            loop_.wake();
            return;
        case db::CommitStatus::kAborted:
            return fail("transaction aborted");
        case db::CommitStatus::kNotLocked:
            return fail("database not locked");
        case db::CommitStatus::kError:
            return fail(fmt::format("transaction error: {}", outcome.error));
    }
}

void CtlRunner::succeed() {
    session_.transaction.emplace(replica_.store());  // for who looks at rows from now on
    for (auto& context : contexts_) {
        if (!context->command().finish) continue;
        if (Result<void> finished = context->command().finish(*context); !finished)
            return fail(finished.message());
    }
    print();
    state_ = State::kDone;
    if (program_.carried_out && !settings_.dry_run && !program_.carried_out(session_)) {
        state_ = State::kCarrying;
        return;
    }
    loop_.stop();
}

void CtlRunner::print() {
    bool first = true;
    for (auto& context : contexts_) {
        if (context->table) {
            using Format = TableStyle::Format;
            bool separated =
                settings_.style.format == Format::kTable || settings_.style.format == Format::kList;
            if (!first && separated) std::fputs("\n", stdout);
            first = false;
            std::fputs(context->table->to_text(settings_.style).c_str(), stdout);
        } else {
            std::fputs(settings_.one_line ? one_line(context->output).c_str() : context->output.c_str(),
                       stdout);
        }
    }
    std::fflush(stdout);
}

void CtlRunner::fail(const std::string& message) {
    state_ = State::kDone;
    session_.exit_code = 1;
    log::set_level(log::Destination::kConsole, log::Level::kOff);
    ctl_log().err("{}", message);
    std::fflush(stdout);
    std::fprintf(stderr, "%s: %s\n", program_.name, message.c_str());
    loop_.stop();
}

}  // namespace weft::cli
