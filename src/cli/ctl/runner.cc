#include "cli/ctl/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "cli/ctl/records.h"
#include "ovsdb/data/datum_text.h"

namespace weft::cli {
db::Replica::Options replica_options(const CtlProgram& program, const CtlSettings& settings) {
    db::Replica::Options options;
    options.remotes =
        db::split_remotes(settings.remotes.empty() ? program.default_remotes : settings.remotes);
    if (program.leader_only_option && settings.shuffle_remotes)
        std::shuffle(options.remotes.begin(), options.remotes.end(), std::random_device());
    options.leader_only = settings.leader_only;
    options.track_changes = false;
    options.optimistic = true;
    options.retry = settings.retry;
    options.probe_interval_ms = 0;
    return options;
}

namespace {

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

CtlRunner::CtlRunner(const CtlProgram& program, CtlSettings settings, std::vector<CtlInvocation> invocations,
                     net::Loop& loop, db::Replica& replica, Fetch fetch, Write write, Done done)
    : program_(program),
      settings_(std::move(settings)),
      invocations_(std::move(invocations)),
      loop_(loop),
      replica_(replica),
      write_(std::move(write)),
      done_(std::move(done)) {
    session_.program = &program_;
    session_.settings = &settings_;
    session_.replica = &replica_;
    if (fetch == Fetch::kWhatIsAsked) questions_.emplace(replica_);
}

CtlRunner::~CtlRunner() {
    *alive_ = false;
}

void CtlRunner::start() {
    if (Result<void> prepared = prepare(); !prepared) return fail(prepared.message());
    if (settings_.timeout_s > 0) {
        timeout_ = loop_.timer([this] { finish({kTimedOut, 1, true}); });
        timeout_->arm_in(int64_t{settings_.timeout_s} * 1000);
    }
    each_turn_ = loop_.each_turn([this] { turn(); });
    loop_.wake();
}

Result<void> CtlRunner::prepare() {
    if (program_.need) program_.need(session_);
    if (questions_) {
        for (const db::TableInfo* table : replica_.database().tables) {
            if (replica_.monitors(*table)) questions_->whole(*table);
        }
    }
    for (const CtlInvocation& invocation : invocations_) {
        CtlContext context(session_, *invocation.command);
        context.arguments = invocation.arguments;
        context.options = invocation.options;
        if (invocation.command->need) WEFT_TRY(invocation.command->need(context));
    }
    if (!questions_) return {};
    // A try on nothing at all tells what to ask for first.
    questions_->begin();
    begin_try();
    (void)run_commands();
    questions_->fetch();
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
        if (!program_.carried_out(session_)) return;
        write_(session_.report);
        return finish({"", session_.exit_code, false});
    }
    if (questions_ && !questions_->answered()) return;
    if (tried_ && replica_.sequence() == tried_sequence_) return;
    try_once();
}

void CtlRunner::begin_try() {
    session_.transaction.emplace(replica_.store(), questions_ ? &*questions_ : nullptr);
    session_.symbols = {};
    session_.comment.clear();
    session_.new_names.clear();
    session_.warnings.clear();
    session_.wait_for_change = false;
    session_.exit_code = 0;
}

void CtlRunner::try_once() {
    tried_ = true;
    tried_sequence_ = replica_.sequence();
    begin_try();
    Result<void> done = run_commands();
    if (session_.transaction->has_questions()) return questions_->fetch();
    for (const std::string& warning : session_.warnings) ctl_log().warn("{}", warning);
    if (!done) return fail(done.message());
    if (session_.wait_for_change) return;  // another try when the database has changed
    if (Result<void> checked = check_symbols(); !checked) return fail(checked.message());
    session_.transaction->comment(fmt::format("{}: {}", program_.name, settings_.words));
    if (!session_.comment.empty()) session_.transaction->comment(session_.comment);
    if (settings_.dry_run) return committed({});
    state_ = State::kCommitting;
    replica_.commit(std::move(*session_.transaction),
                    [this, alive = alive_](const db::CommitOutcome& outcome) {
                        if (*alive) committed(outcome);
                    });
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
        Result<void> run = invocation.command->run(*context);
        // What goes wrong for want of an answer does not keep the other commands from asking.
        if (session_.transaction->has_questions()) continue;
        WEFT_TRY(std::move(run));
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
    if (program_.carried_out && !settings_.dry_run && !program_.carried_out(session_)) {
        state_ = State::kCarrying;
        return;
    }
    write_(session_.report);
    finish({"", session_.exit_code, false});
}

void CtlRunner::print() {
    bool first = true;
    for (auto& context : contexts_) {
        if (context->table) {
            using Format = TableStyle::Format;
            bool separated =
                settings_.style.format == Format::kTable || settings_.style.format == Format::kList;
            if (!first && separated) write_("\n");
            first = false;
            write_(context->table->to_text(settings_.style));
        } else {
            write_(settings_.one_line ? one_line(context->output) : context->output);
        }
    }
}

void CtlRunner::fail(std::string message) {
    finish({std::move(message), 1, false});
}

void CtlRunner::finish(Outcome outcome) {
    if (state_ == State::kDone) return;
    state_ = State::kDone;
    done_(outcome);
}

}  // namespace weft::cli
