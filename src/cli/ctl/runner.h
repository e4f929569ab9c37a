// Runs the commands of one invocation against the database until they have taken effect.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/ctl/command_line.h"
#include "net/loop.h"
#include "ovsdb/client/questions.h"

namespace weft::cli {

inline constexpr const char* kTimedOut = "timeout expired";

db::Replica::Options replica_options(const CtlProgram& program, const CtlSettings& settings);

// The replica is the caller's: one for the invocation, which is started after start() and then fetches what
// the commands ask for; or one that holds what they may need anyway, and may serve many.
class CtlRunner {
  public:
    enum class Fetch { kWhatIsAsked, kNothing };  // beyond what the replica has anyway
    struct Outcome {
        std::string error;  // "": all went well
        int exit_code = 0;
        bool timed_out = false;
    };
    using Write = std::function<void(std::string_view output)>;
    using Done = std::function<void(const Outcome&)>;

    // `write` is called with the commands' output, before they are waited for; `done` once, and the runner
    // does nothing after that.
    CtlRunner(const CtlProgram& program, CtlSettings settings, std::vector<CtlInvocation> invocations,
              net::Loop& loop, db::Replica& replica, Fetch fetch, Write write, Done done);
    ~CtlRunner();
    CtlRunner(const CtlRunner&) = delete;
    CtlRunner& operator=(const CtlRunner&) = delete;

    // Asks for what the commands will read, and begins.
    void start();

  private:
    enum class State { kWaiting, kCommitting, kCarrying, kDone };

    void turn();
    Result<void> prepare();
    void begin_try();
    void try_once();
    Result<void> run_commands();
    Result<void> check_symbols();
    void committed(const db::CommitOutcome& outcome);
    void succeed();
    void print();
    void fail(std::string message);
    void finish(Outcome outcome);

    const CtlProgram& program_;
    CtlSettings settings_;
    std::vector<CtlInvocation> invocations_;
    net::Loop& loop_;
    db::Replica& replica_;
    Write write_;
    Done done_;
    std::optional<db::Questions> questions_;
    CtlSession session_;
    std::vector<std::unique_ptr<CtlContext>> contexts_;  // of this try
    std::unique_ptr<net::Loop::Turn> each_turn_;
    std::unique_ptr<net::Loop::Timer> timeout_;
    State state_ = State::kWaiting;
    bool tried_ = false;
    uint64_t tried_sequence_ = 0;
    // A commit that is under way when the runner is destroyed must not call back.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace weft::cli
