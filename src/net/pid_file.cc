#include "net/pid_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace weft::net {

namespace {

std::string created_path;
pid_t created_by = 0;

void remove_at_exit() {
    if (!created_path.empty() && created_by == getpid()) unlink(created_path.c_str());
}

struct flock whole_file(short type) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return lock;
}

std::string reason() {
    return std::strerror(errno);
}

}  // namespace

Result<void> create_pid_file(const std::string& path, bool overwrite) {
    if (!overwrite) {
        if (auto owner = read_pid_file(path))
            return Error{fmt::format("{}: already running as pid {}, aborting", path, *owner)};
    }
    std::string temporary = path + ".tmp";
    int fd = open(temporary.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0660);
    if (fd < 0) return Error{fmt::format("{}: create failed ({})", temporary, reason())};
    struct flock lock = whole_file(F_WRLCK);
    if (fcntl(fd, F_SETLK, &lock) < 0) {
        Error error{fmt::format("{}: fcntl(F_SETLK) failed ({})", temporary, reason())};
        close(fd);
        return error;
    }
    std::string text = fmt::format("{}\n", getpid());
    if (write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        rename(temporary.c_str(), path.c_str()) < 0) {
        Error error{fmt::format("{}: write failed ({})", path, reason())};
        close(fd);
        return error;
    }
    // The descriptor stays open: it carries the lock for as long as the process lives.
    created_path = path;
    created_by = getpid();
    std::atexit(remove_at_exit);
    return {};
}

Result<pid_t> read_pid_file(const std::string& path) {
    int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return Error{fmt::format("cannot read pidfile \"{}\" ({})", path, reason())};
    char text[32] = "";
    ssize_t size = read(fd, text, sizeof text - 1);
    struct flock lock = whole_file(F_WRLCK);
    bool held = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(fd);
    pid_t pid = size > 0 ? static_cast<pid_t>(std::strtol(text, nullptr, 10)) : 0;
    if (pid <= 0) return Error{fmt::format("cannot read pidfile \"{}\" (it holds no process number)", path)};
    if (!held) return Error{fmt::format("cannot read pidfile \"{}\" (No such process)", path)};
    return pid;
}

}  // namespace weft::net
