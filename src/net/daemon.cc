#include "net/daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/log.h"
#include "base/log_control.h"
#include "net/directories.h"
#include "net/pid_file.h"
#include "net/process_title.h"

namespace weft::net {

namespace {

log::Module lg("daemon_unix");

// Ends this process as the child that it waited for ended.
[[noreturn]] void exit_like(int status) {
    if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
    _exit(1);
}

int wait_for(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

// Signals that mean a bug, after which a monitor starts the program again.
bool is_crash(int status) {
    if (!WIFSIGNALED(status)) return false;
    switch (WTERMSIG(status)) {
        case SIGABRT:
        case SIGALRM:
        case SIGBUS:
        case SIGFPE:
        case SIGILL:
        case SIGPIPE:
        case SIGSEGV:
        case SIGXCPU:
        case SIGXFSZ:
            return true;
        default:
            return false;
    }
}

// True once the other end said that it is ready; false if it closed without.
bool wait_for_ready(int fd) {
    char byte;
    ssize_t n;
    while ((n = read(fd, &byte, 1)) < 0 && errno == EINTR) {
    }
    return n == 1;
}

void close_terminal(bool keep_output) {
    int null = open("/dev/null", O_RDWR);
    if (null < 0) return;
    for (int fd = 0; fd <= 2; ++fd) {
        if (fd != 1 || !keep_output) dup2(null, fd);
    }
    if (null > 2) close(null);
}

}  // namespace

DaemonOptions::DaemonOptions(std::string program) : program_(std::move(program)) {
    log::set_program(program_);
}

void DaemonOptions::add_to(OptionTable& options, char unixctl_letter) {
    using Done = Result<void>;
    options.section("Daemon options");
    options.add("detach", 0, "", "Run in the background, once start-up has succeeded.",
                [this](std::string_view) {
                    detach_ = true;
                    return Done();
                });
    options.add("no-chdir", 0, "", "Do not change to / when detaching.", [this](std::string_view) {
        chdir_ = false;
        return Done();
    });
    options.add(
        "pidfile", 0, "[FILE]",
        fmt::format("Write the process number to FILE (default: {}/{}.pid).", rundir_of(program_), program_),
        [this](std::string_view file) {
            want_pidfile_ = true;
            pidfile_ = file;
            return Done();
        });
    options.add("overwrite-pidfile", 0, "", "Start even if the process that the pid file names is running.",
                [this](std::string_view) {
                    overwrite_pidfile_ = true;
                    return Done();
                });
    options.add("monitor", 0, "", "Start again after a crash.", [this](std::string_view) {
        monitor_ = true;
        return Done();
    });
    options.add("no-self-confinement", 0, "",
                "Accepted; this program does not confine itself to directories.",
                [](std::string_view) { return Done(); });
    options.add("user", 0, "USER[:GROUP]",
                "Become this user, and keep only those of root's powers that the work needs.",
                [this](std::string_view text) -> Done {
                    WEFT_ASSIGN(user_, DaemonUser::parse(text));
                    return {};
                });
    options.add("unixctl", unixctl_letter, "SOCKET", "Control socket, or \"none\".",
                [this](std::string_view path) {
                    unixctl_ = path;
                    return Done();
                });
    options.add("metrics", 0, "REMOTE",
                "Serve metrics for Prometheus, at /metrics: ptcp:[PORT][:HOST] (port 9476), pssl: or punix:.",
                [this](std::string_view remote) {
                    metrics_ = remote;
                    return Done();
                });
    add_logging_to(options);
}

Result<std::unique_ptr<MetricsServer>> DaemonOptions::serve_metrics(Loop& loop) const {
    if (metrics_.empty()) return std::unique_ptr<MetricsServer>();
    return MetricsServer::create(loop, metrics_, program_);
}

void DaemonOptions::add_logging_to(OptionTable& options) {
    using Done = Result<void>;
    options.section("Logging options");
    options.add("verbose", 'v', "[SPEC]",
                "Set logging levels, as in vlog/set of ovs-appctl(8); all to dbg without SPEC.",
                [](std::string_view spec) { return log::set(spec); });
    options.add("log-file", 0, "[FILE]",
                fmt::format("Log to FILE (default: {}/{}.log).", logdir_of(program_), program_),
                [this](std::string_view file) {
                    want_log_file_ = true;
                    log_file_ = file;
                    return Done();
                });
    options.add("syslog-method", 0, "METHOD", "How to log to syslog: libc, null, unix:FILE or udp:IP:PORT.",
                [](std::string_view method) { return log::set_syslog_method(method); });
    options.add(
        "syslog-target", 0, "HOST:PORT", "Send syslog lines to this UDP port.",
        [](std::string_view target) { return log::set_syslog_method(fmt::format("udp:{}", target)); });
}

// The parent waits until the child says that it is ready, and otherwise ends as the child does.
void DaemonOptions::detach() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        std::fprintf(stderr, "%s: pipe failed (%s)\n", program_.c_str(), std::strerror(errno));
        _exit(1);
    }
    pid_t child = fork();
    if (child < 0) {
        std::fprintf(stderr, "%s: could not fork (%s)\n", program_.c_str(), std::strerror(errno));
        _exit(1);
    }
    if (child == 0) {
        close(ends[0]);
        ready_fd_ = ends[1];
        setsid();
        return;
    }
    close(ends[1]);
    if (wait_for_ready(ends[0])) _exit(0);
    exit_like(wait_for(child));
}

// The monitor stays between the parent that waits and the program: it passes on that the program is ready,
// and gives up the terminal then, so that nobody waits for the end of its output.
void DaemonOptions::fork_under_monitor() {
    std::string health = "healthy";
    for (int crashes = 0;; ++crashes) {
        int ends[2] = {-1, -1};
        if (detach_ && pipe2(ends, O_CLOEXEC) < 0) {
            lg.emer("pipe failed ({})", std::strerror(errno));
            _exit(1);
        }
        pid_t child = fork();
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            log::set_thread_name("");
            if (ends[0] >= 0) close(ends[0]);
            if (ready_fd_ >= 0) close(ready_fd_);
            ready_fd_ = ends[1];
            return;
        }
        if (child < 0) {
            lg.emer("could not fork ({})", std::strerror(errno));
            _exit(1);
        }
        log::set_thread_name("monitor");
        // So that nobody takes the monitor for the program.
        set_process_title(fmt::format("{}: monitoring pid {} ({})", program_, child, health));
        if (detach_) {
            close(ends[1]);
            if (wait_for_ready(ends[0])) tell_ready();
            close(ends[0]);
        }
        int status = wait_for(child);
        if (!is_crash(status)) exit_like(status);
        health = fmt::format("{} crashes: pid {} died, killed ({})", crashes + 1, child,
                             strsignal(WTERMSIG(status)));
        lg.err("{}, restarting", health);
        rlimit none{0, 0};  // one core dump is enough
        setrlimit(RLIMIT_CORE, &none);
        sleep(crashes > 0 ? 10 : 0);
    }
}

Result<void> DaemonOptions::start() {
    signal(SIGPIPE, SIG_IGN);
    if (const char* method = std::getenv("OVS_SYSLOG_METHOD"); method && *method)
        WEFT_TRY(log::set_syslog_method(method));
    if (want_log_file_) {
        std::string path =
            absolute_path(log_file_.empty() ? program_ + ".log" : log_file_, logdir_of(program_));
        WEFT_TRY(log::open_file(path));
        if (user_) WEFT_TRY(user_->give(path));
    }
    if (user_) WEFT_TRY(user_->become(works_on_network_));
    std::string pidfile = absolute_path(pidfile_.empty() ? program_ + ".pid" : pidfile_, rundir_of(program_));
    if (want_pidfile_ && !overwrite_pidfile_) {
        if (auto owner = read_pid_file(pidfile))
            return Error{fmt::format("{}: already running as pid {}, aborting", pidfile, *owner)};
    }
    if (detach_) detach();
    if (monitor_) fork_under_monitor();
    if (want_pidfile_) WEFT_TRY(create_pid_file(pidfile, overwrite_pidfile_));
    return {};
}

void DaemonOptions::tell_ready() {
    if (ready_fd_ >= 0) {
        (void)!write(ready_fd_, "", 1);
        close(ready_fd_);
        ready_fd_ = -1;
    }
    log::set_level(log::Destination::kConsole, log::Level::kOff);
    close_terminal(keep_output_);
}

void DaemonOptions::ready() {
    if (!detach_) return;
    if (chdir_ && chdir("/") < 0) lg.warn("could not change to /: {}", std::strerror(errno));
    tell_ready();
}

int exit_status(const char* program, const Result<void>& served) {
    if (served.ok()) return 0;
    std::fprintf(stderr, "%s: %s\n", program, served.error().message.c_str());
    return 1;
}

}  // namespace weft::net
