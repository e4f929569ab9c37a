#include "docker/commands.h"

#include <fmt/ranges.h>

#include "cli/ctl/runner.h"
#include "cli/nbctl/program.h"
#include "cli/vsctl/program.h"

namespace weft::docker {

namespace {

constexpr int kTimeoutS = 5;

}  // namespace

struct Commands::Running {
    std::unique_ptr<ovsdb::client::Replica> replica;
    std::unique_ptr<cli::CtlRunner> runner;
    std::string output;
    Done done;
};

Commands::Commands(net::Loop& loop)
    : loop_(loop), nbctl_(cli::nbctl::program()), vsctl_(cli::vsctl::program()) {}

Commands::~Commands() = default;

void Commands::northbound(const std::string& remotes, const Words& words, Done done) {
    run(nbctl_, remotes, words, std::move(done));
}

void Commands::host(const Words& words, Done done) {
    run(vsctl_, "", words, std::move(done));
}

void Commands::run(const cli::CtlProgram& program, const std::string& remotes, const Words& words,
                   Done done) {
    auto invocations = cli::parse_command_line(program, OptionTable(), words, false);
    if (!invocations) return done(Error{invocations.message()});
    cli::CtlSettings settings;
    settings.remotes = remotes;
    settings.timeout_s = kTimeoutS;
    settings.words = fmt::format("{}", fmt::join(words, " "));
    auto at = running_.emplace(running_.end());
    at->done = std::move(done);
    at->replica = std::make_unique<ovsdb::client::Replica>(loop_, *program.database,
                                                           cli::replica_options(program, settings));
    using Runner = cli::CtlRunner;
    at->runner = std::make_unique<Runner>(
        program, settings, *std::move(invocations), loop_, *at->replica,
        program.whole_tables ? Runner::Fetch::kNothing : Runner::Fetch::kWhatIsAsked,
        [at](std::string_view output) { at->output += output; },
        [this, at, words = settings.words](const Runner::Outcome& outcome) {
            // The runner is on the stack.
            loop_.defer([this, at, outcome, words] {
                Done then = std::move(at->done);
                Result<std::string> result = std::move(at->output);
                if (outcome.timed_out)
                    result =
                        Error{fmt::format("\"{}\" was not carried out within {} seconds", words, kTimeoutS)};
                else if (!outcome.error.empty())
                    result = Error{outcome.error};
                running_.erase(at);
                then(std::move(result));
            });
            loop_.wake();
        });
    at->runner->start();
    at->replica->start();
}

}  // namespace weft::docker
