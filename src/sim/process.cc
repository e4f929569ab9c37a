#include "sim/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

namespace weft::sim {

namespace {

constexpr int kSecondsToEnd = 5;

std::string contents(const std::string& file) {
    std::ostringstream out;
    out << std::ifstream(file).rdbuf();
    return out.str();
}

// In the child.
[[noreturn]] void become(const std::string& path, std::vector<std::string> words, int output) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);  // it does not outlive the simulation
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    if (path.empty()) {
        words.insert(words.begin(), "weft");
    } else {
        setenv("PATH", path.c_str(), 1);
    }
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    if (path.empty()) {
        execv("/proc/self/exe", arguments.data());
    } else {
        execvp(arguments[0], arguments.data());
    }
    dprintf(STDERR_FILENO, "%s: %s\n", arguments[0], std::strerror(errno));
    _exit(127);
}

Result<pid_t> spawn(const std::string& path, std::vector<std::string> words, const std::string& output_file) {
    int output = open(output_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (output < 0) return Error{fmt::format("{}: {}", output_file, std::strerror(errno))};
    pid_t pid = fork();
    if (pid == 0) become(path, std::move(words), output);
    close(output);
    if (pid < 0) return Error{fmt::format("cannot start a process: {}", std::strerror(errno))};
    return pid;
}

}  // namespace

Result<std::unique_ptr<Process>> Process::start(const std::string& path, std::vector<std::string> words,
                                                const std::string& output_file) {
    std::string name = words.front();
    WEFT_ASSIGN(pid_t pid, spawn(path, std::move(words), output_file));
    return std::unique_ptr<Process>(new Process(std::move(name), pid));
}

Result<void> Process::run(const std::string& path, std::vector<std::string> words,
                          const std::string& output_file) {
    std::string name = words.front();
    WEFT_ASSIGN(pid_t pid, spawn(path, std::move(words), output_file));
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    return Error{fmt::format("{} failed: {}", name, contents(output_file))};
}

Process::~Process() {
    if (pid_ <= 0) return;
    kill(pid_, SIGTERM);
    for (int tenth = 0; tenth < kSecondsToEnd * 10; ++tenth) {
        if (waitpid(pid_, nullptr, WNOHANG) != 0) return;
        usleep(100'000);
    }
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
}

bool Process::alive() const {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
}

double Process::cpu_ms() const {
    // /proc/PID/task/TID/schedstat: nanoseconds on a processor first (proc(5) counts in hundredths of a
    // second).
    std::string tasks = fmt::format("/proc/{}/task", pid_);
    DIR* folder = opendir(tasks.c_str());
    if (!folder) return 0;
    uint64_t sum = 0;
    while (const dirent* entry = readdir(folder)) {
        if (entry->d_name[0] == '.') continue;
        uint64_t nanoseconds = 0;
        if (std::ifstream(fmt::format("{}/{}/schedstat", tasks, entry->d_name)) >> nanoseconds)
            sum += nanoseconds;
    }
    closedir(folder);
    return static_cast<double>(sum) / 1e6;
}

uint64_t Process::resident_bytes() const {
    uint64_t size = 0, resident = 0;
    std::ifstream(fmt::format("/proc/{}/statm", pid_)) >> size >> resident;
    return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace weft::sim
