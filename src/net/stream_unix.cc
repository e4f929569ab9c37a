#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "net/directories.h"
#include "net/transport.h"

namespace weft::net {

namespace {

log::Module lg("stream_unix");

// A socket address holds 107 bytes of path.  Longer ones go through a descriptor of their directory, which
// must stay open while the address is in use.
struct UnixAddress {
    sockaddr_un address{};
    int directory_fd = -1;

    ~UnixAddress() {
        if (directory_fd >= 0) close(directory_fd);
    }
    Result<void> set(const std::string& path) {
        std::string shorter = path;
        if (path.size() >= sizeof address.sun_path) {
            size_t slash = path.rfind('/');
            std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
            directory_fd = open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
            if (directory_fd < 0) return Error{std::strerror(errno)};
            shorter = fmt::format("/proc/self/fd/{}/{}", directory_fd,
                                  slash == std::string::npos ? path : path.substr(slash + 1));
        }
        if (shorter.size() >= sizeof address.sun_path) return Error{std::strerror(ENAMETOOLONG)};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, shorter.c_str(), shorter.size() + 1);
        return {};
    }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

class UnixConnect : public FdStream {
  public:
    UnixConnect(Loop& loop, std::string name, const std::string& path) : FdStream(loop, std::move(name)) {
        begin(path);
    }

  private:
    void begin(const std::string& path) {
        UnixAddress address;
        if (Result<void> set = address.set(path); !set) return fail(set.error().message);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0) return fail(std::strerror(errno));
        if (::connect(fd, address.get(), sizeof address.address) == 0) {
            attach(fd, false);
        } else {
            int error_number = errno;
            close(fd);
            lg.dbg("{}: connection failed ({})", path, std::strerror(error_number));
            // EAGAIN: the listener's queue is full; the caller's back-off handles it like any failure.
            fail(std::strerror(error_number));
        }
    }
};

}  // namespace

Result<std::unique_ptr<Stream>> connect_unix(Loop& loop, std::string name, std::string_view rest) {
    if (rest.empty()) return Error{fmt::format("{}: a path must follow \"unix:\"", name)};
    return std::unique_ptr<Stream>(new UnixConnect(loop, std::move(name), absolute_path(rest, ovs_rundir())));
}

Result<std::unique_ptr<Listener>> listen_unix(Loop& loop, std::string name, std::string_view rest,
                                              AcceptCallback on_accept) {
    if (rest.empty()) return Error{fmt::format("{}: a path must follow \"punix:\"", name)};
    std::string path = absolute_path(rest, ovs_rundir());
    UnixAddress address;
    if (Result<void> set = address.set(path); !set) {
        return Error{fmt::format("{}: {}", path, set.error().message)};
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return Error{fmt::format("{}: {}", path, std::strerror(errno))};
    // A socket left by a process that was killed; whoever else owns it loses it, as with any daemon of the
    // field.
    unlink(path.c_str());
    mode_t mask = umask(0027);  // only the owner may connect; the group sees it
    int bound = bind(fd, address.get(), sizeof address.address);
    int error_number = errno;
    umask(mask);
    if (bound == 0 && ::listen(fd, SOMAXCONN) == 0) {
        return std::unique_ptr<Listener>(new FdListener(
            loop, std::move(name), fd, 0, path,
            [&loop, on_accept = std::move(on_accept)](int peer_fd, const sockaddr_storage&) {
                static unsigned count = 0;
                on_accept(std::make_unique<FdStream>(loop, fmt::format("unix#{}", count++), peer_fd));
            }));
    }
    if (bound == 0) error_number = errno;
    close(fd);
    return Error{fmt::format("{}: bind failed: {}", path, std::strerror(error_number))};
}

}  // namespace weft::net
