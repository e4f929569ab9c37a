#include "net/daemon.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>

#include "net/pid_file.h"

namespace weft::net {
namespace {

struct Outcome {
    int exit_code = -1;
    std::string output;  // of both streams
    bool ended = false;  // all processes gave up the streams
};

// Runs `program` in a process of its own, as a shell would with its output in a pipe.
Outcome run(const std::function<int()>& program) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    std::fflush(nullptr);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        _exit(program());
    }
    close(ends[1]);
    Outcome outcome;
    char buffer[1024];
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!outcome.ended && std::chrono::steady_clock::now() < deadline) {
        pollfd waiting{ends[0], POLLIN, 0};
        if (poll(&waiting, 1, 100) <= 0) continue;
        ssize_t n = read(ends[0], buffer, sizeof buffer);
        if (n > 0) outcome.output.append(buffer, static_cast<size_t>(n));
        outcome.ended = n == 0;
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
    return outcome;
}

class DaemonTest : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/weft-daemon-XXXXXX";
        directory_ = mkdtemp(name);
        pidfile_ = directory_ + "/pid";
    }
    void TearDown() override {
        if (auto pid = read_pid_file(pidfile_)) kill(*pid, SIGKILL);
        for (const char* file : {"/pid", "/pid.tmp", "/starts"}) unlink((directory_ + file).c_str());
        rmdir(directory_.c_str());
    }
    // What a daemon's main() does; `serve` is its life after the start.
    Outcome start(std::vector<std::string> arguments, const std::function<int(DaemonOptions&)>& serve) {
        arguments.push_back("--pidfile=" + pidfile_);
        return run([&] {
            DaemonOptions daemon("test-daemon");
            OptionTable options;
            daemon.add_to(options);
            auto fail = [](const std::string& message) {
                std::fprintf(stderr, "test-daemon: %s\n", message.c_str());
                return 1;
            };
            if (auto words = options.parse(arguments); !words) return fail(words.message());
            if (auto started = daemon.start(); !started) return fail(started.message());
            return serve(daemon);
        });
    }
    template <typename Done>
    bool wait_for(Done done) {
        for (int i = 0; i < 50 && !done(); ++i) usleep(100 * 1000);
        return done();
    }
    static int sleep_for_ever(DaemonOptions& daemon) {
        daemon.ready();
        while (true) pause();
    }

    std::string directory_, pidfile_;
};

TEST_F(DaemonTest, TheParentEndsWhenTheChildIsReady) {
    Outcome outcome = start({"--detach", "--no-chdir"}, sleep_for_ever);
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_TRUE(outcome.ended) << "the daemon holds on to its parent's streams";
    EXPECT_EQ(outcome.output, "");
    auto pid = read_pid_file(pidfile_);
    ASSERT_TRUE(pid) << pid.message();
    EXPECT_EQ(kill(*pid, 0), 0);

    Outcome second = start({"--detach"}, sleep_for_ever);
    EXPECT_EQ(second.exit_code, 1);
    EXPECT_EQ(second.output, "test-daemon: " + pidfile_ + ": already running as pid " + std::to_string(*pid) +
                                 ", aborting\n");
    // The lock of a process that was killed does not count.
    kill(*pid, SIGKILL);
    ASSERT_TRUE(wait_for([&] { return !read_pid_file(pidfile_); }));
    EXPECT_EQ(start({"--detach"}, sleep_for_ever).exit_code, 0);
}

TEST_F(DaemonTest, TheChildsFailureIsTheParents) {
    for (std::vector<std::string> arguments :
         {std::vector<std::string>{"--detach"}, {"--detach", "--monitor"}, {}}) {
        Outcome outcome = start(arguments, [](DaemonOptions&) {
            std::fprintf(stderr, "test-daemon: no database\n");
            return 7;
        });
        EXPECT_EQ(outcome.exit_code, 7);
        EXPECT_EQ(outcome.output, "test-daemon: no database\n");
    }
    Outcome crash = start({"--detach"}, [](DaemonOptions&) -> int { _exit(raise(SIGKILL)); });
    EXPECT_EQ(crash.exit_code, 1);
}

TEST_F(DaemonTest, TheMonitorStartsACrashedChildAgain) {
    std::string starts = directory_ + "/starts";
    Outcome outcome = start({"--detach", "--monitor", "-vsyslog:off"}, [&](DaemonOptions& daemon) {
        std::ofstream(starts, std::ios::app) << 'x';
        std::ifstream in(starts);
        std::string text;
        in >> text;
        daemon.ready();
        if (text == "x") abort();
        while (true) pause();
        return 0;
    });
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_TRUE(outcome.ended) << "the monitor holds on to its parent's streams";
    EXPECT_TRUE(wait_for([&] {
        std::string text;
        std::ifstream(starts) >> text;
        return text == "xx" && read_pid_file(pidfile_);
    }));
    std::string line;
    pid_t monitor = 0;
    std::ifstream status("/proc/" + std::to_string(*read_pid_file(pidfile_)) + "/status");
    while (std::getline(status, line)) {
        if (line.starts_with("PPid:")) monitor = static_cast<pid_t>(std::atoi(line.c_str() + 5));
    }
    std::string title;
    std::ifstream("/proc/" + std::to_string(monitor) + "/cmdline") >> title;
    EXPECT_EQ(title, "test-daemon:");
}

TEST_F(DaemonTest, UsersThatAreNot) {
    if (geteuid() != 0) GTEST_SKIP() << "only root may become another user";
    for (auto [text, problem] :
         {std::pair{"weft-nobody", "user weft-nobody not found, aborting."},
          {"nobody:weft-group", "group weft-group not found, aborting."},
          {"65534:65534", "user 65534 not found, aborting."},
          {"nobody:root",
           "Invalid --user option nobody:root (user nobody is not in group root), aborting."}}) {
        Outcome outcome = start({std::string("--user=") + text}, sleep_for_ever);
        EXPECT_EQ(outcome.exit_code, 1);
        EXPECT_EQ(outcome.output, std::string("test-daemon: ") + problem + "\n");
    }
}

}  // namespace
}  // namespace weft::net
