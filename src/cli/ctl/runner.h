// Runs the commands of one invocation against the database until they have taken effect.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/ctl/command_line.h"
#include "net/loop.h"

namespace weft::cli {

struct CtlSettings {
    std::string remotes;  // "" : the program's default
    bool dry_run = false;
    bool one_line = false;
    bool retry = false;
    bool leader_only = true;
    int timeout_s = 0;  // 0: none
    std::string words;  // the invocation, for the database's log
    TableStyle style;
};

class CtlRunner {
  public:
    CtlRunner(const CtlProgram& program, const CtlSettings& settings, std::vector<CtlInvocation> invocations);
    ~CtlRunner();

    // The exit code.
    int run();

  private:
    enum class State { kWaiting, kCommitting, kCarrying, kDone };

    void turn();
    Result<void> prepare();
    void try_once();
    Result<void> run_commands();
    Result<void> check_symbols();
    void committed(const db::CommitOutcome& outcome);
    void succeed();
    void print();
    void fail(const std::string& message);

    const CtlProgram& program_;
    CtlSettings settings_;
    std::vector<CtlInvocation> invocations_;
    net::Loop loop_;
    db::Replica replica_;
    CtlSession session_;
    std::vector<std::unique_ptr<CtlContext>> contexts_;  // of this try
    State state_ = State::kWaiting;
    bool tried_ = false;
    uint64_t tried_sequence_ = 0;
};

}  // namespace weft::cli
