// What every daemon shares: detaching, the monitor process, pid file, log flags, control socket path, its
// user.
//
//     DaemonOptions daemon("ovsdb-server");
//     daemon.add_to(options);                       // --detach --pidfile ... -v ...
//     WEFT_TRY(daemon.start());                     // forks if asked; only the child returns
//     ... open files, sockets, control server, daemon.serve_metrics(loop) ...
//     daemon.ready();                               // the parent now exits 0; before, it exits as the child
//     does, with its message
//
// fork() happens in start(), so nothing that does not survive it (loops, threads) may exist before.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/options.h"
#include "base/result.h"
#include "net/daemon_user.h"
#include "net/loop.h"
#include "net/metrics_server.h"

namespace weft::net {

class DaemonOptions {
  public:
    explicit DaemonOptions(std::string program);
    // `unixctl_letter`: a short form of --unixctl.
    void add_to(OptionTable& options, char unixctl_letter = 0);
    void add_logging_to(OptionTable& options);  // part of the former; of programs that do not detach

    // Options were parsed.  Returns in the process that is to serve; a parent waits and exits.
    Result<void> start();
    // With --metrics, the endpoint, to be kept while the program serves; otherwise nullptr.
    Result<std::unique_ptr<MetricsServer>> serve_metrics(Loop& loop) const;
    // Serving has begun: lets the parent go, and gives up the terminal and the working directory.
    void ready();
    // What it prints goes on to where standard output leads when it detaches, as that of ovsdb-client.
    void keep_output() { keep_output_ = true; }
    // It changes the host's network, which --user leaves it the power to.
    void works_on_network() { works_on_network_ = true; }

    bool detaches() const { return detach_; }
    const std::string& program() const { return program_; }
    const std::string& unixctl() const { return unixctl_; }  // --unixctl as given, or ""

  private:
    void detach();
    void fork_under_monitor();
    void tell_ready();

    std::string program_, unixctl_, pidfile_, log_file_, metrics_;
    bool detach_ = false, chdir_ = true, monitor_ = false, overwrite_pidfile_ = false, want_pidfile_ = false;
    bool want_log_file_ = false, keep_output_ = false, works_on_network_ = false;
    std::optional<DaemonUser> user_;
    int ready_fd_ = -1;  // to the parent that waits
};

// What a daemon's main function returns: 0, or 1 once the error is told on standard error.
int exit_status(const char* program, const Result<void>& served);

}  // namespace weft::net
