// Commands of ovn-nbctl and ovs-vsctl, run by a program as an operator would type them: the same checks, the
// same words for what is wrong, one transaction for all commands that "--" joins.
//
// Each has a connection of its own and five seconds, so it sees what others wrote before it began.  Commands
// of one host are to be run one after the other, since ovs-vsctl's state is the process's.

#pragma once

#include <functional>
#include <list>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/ctl/command.h"
#include "net/loop.h"

namespace weft::docker {

class Commands {
  public:
    using Words = std::vector<std::string>;
    using Done = std::function<void(Result<std::string> output)>;

    explicit Commands(net::Loop& loop);
    ~Commands();

    // `remotes` as of --db.
    void northbound(const std::string& remotes, const Words& words, Done done);
    void host(const Words& words, Done done);

  private:
    struct Running;
    void run(const cli::CtlProgram& program, const std::string& remotes, const Words& words, Done done);

    net::Loop& loop_;
    cli::CtlProgram nbctl_, vsctl_;
    std::list<Running> running_;
};

}  // namespace weft::docker
