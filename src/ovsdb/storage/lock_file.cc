#include "ovsdb/storage/lock_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <utility>

namespace weft::ovsdb {

namespace {

// The kernel's locks are the process's: they would let it lock a file twice, and all go when one descriptor
// of the file is closed.
struct Held {
    std::mutex mutex;
    std::set<std::string> paths;

    static Held& instance() {
        static Held held;
        return held;
    }
};

}  // namespace

Result<LockFile> LockFile::acquire(const std::string& database_file) {
    // Links are followed, so that all names of one file share one lock.
    std::string path = database_file;
    if (char* real = ::realpath(path.c_str(), nullptr)) {
        path = real;
        std::free(real);
    }
    size_t slash = path.rfind('/');
    std::string dir = slash == std::string::npos ? "" : path.substr(0, slash + 1);
    std::string lock_path = dir + "." + path.substr(slash == std::string::npos ? 0 : slash + 1) + ".~lock~";
    Held& held = Held::instance();
    std::lock_guard guard(held.mutex);
    if (held.paths.count(lock_path)) {
        return Error{fmt::format("{}: failed to lock lock file: this program has the database open already",
                                 lock_path)};
    }
    int fd = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return Error{fmt::format("{}: failed to open lock file: {}", lock_path, std::strerror(errno))};
    }
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (::fcntl(fd, F_SETLK, &lock) < 0) {
        std::string holder;
        if (::fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
            holder = fmt::format(" by pid {}", lock.l_pid);
        ::close(fd);
        return Error{
            fmt::format("{}: failed to lock lock file: it is held{} (another program is using the database)",
                        lock_path, holder)};
    }
    held.paths.insert(lock_path);
    return LockFile(fd, lock_path);
}

LockFile& LockFile::operator=(LockFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(path_, other.path_);
    return *this;
}

LockFile::~LockFile() {
    if (fd_ < 0) return;
    Held& held = Held::instance();
    std::lock_guard guard(held.mutex);
    held.paths.erase(path_);
    ::close(fd_);
}

}  // namespace weft::ovsdb
