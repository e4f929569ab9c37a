#include <fmt/core.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>

#include "base/log.h"
#include "net/address.h"
#include "net/transport.h"

namespace weft::net {

namespace {

log::Module lg("socket_util");

void set_tcp_options(int fd) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// A host name on its way to addresses, on a thread of its own since the resolver blocks.  The thread holds it
// too, so the stream that asked may go at any time.
struct Lookup {
    HostPort target;
    int done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    std::vector<sockaddr_storage> addresses;
    std::string error;
    std::atomic<bool> done{false};

    ~Lookup() { close(done_fd); }

    static std::shared_ptr<Lookup> start(HostPort target) {
        auto lookup = std::make_shared<Lookup>();
        lookup->target = std::move(target);
        std::thread([lookup] {
            lookup->resolve();
            lookup->done = true;
            uint64_t one = 1;
            [[maybe_unused]] ssize_t n = write(lookup->done_fd, &one, sizeof one);
        }).detach();
        return lookup;
    }

    void resolve() {
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* found = nullptr;
        int rc = getaddrinfo(target.host.c_str(), std::to_string(target.port).c_str(), &hints, &found);
        if (rc != 0) {
            error = fmt::format("{}: {}", target.host, gai_strerror(rc));
            return;
        }
        for (addrinfo* a = found; a; a = a->ai_next) {
            std::memcpy(&addresses.emplace_back(), a->ai_addr, a->ai_addrlen);
        }
        freeaddrinfo(found);
    }
};

class TcpConnect : public FdStream {
  public:
    TcpConnect(Loop& loop, std::string name, HostPort target) : FdStream(loop, std::move(name)) {
        if (std::optional<sockaddr_storage> address = numeric_address(target.host, target.port)) {
            addresses_.push_back(*address);
            begin();
            return;
        }
        lookup_ = Lookup::start(std::move(target));
        lookup_watch_ = loop.watch(lookup_->done_fd, Loop::kRead, [this](unsigned) { looked_up(); });
    }

  private:
    void looked_up() {
        lookup_watch_.reset();
        std::shared_ptr<Lookup> lookup = std::move(lookup_);
        if (!lookup->error.empty()) return fail(lookup->error);
        addresses_ = std::move(lookup->addresses);
        begin();
    }
    void begin() {
        if (!connect_next(EADDRNOTAVAIL)) fail(std::strerror(last_error_));
    }
    // The addresses are tried in turn, the error of the last one is reported.
    bool connect_next(int error_number) override {
        last_error_ = error_number;
        while (next_ < addresses_.size()) {
            const sockaddr_storage& address = addresses_[next_++];
            int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            if (fd < 0) {
                last_error_ = errno;
                continue;
            }
            set_tcp_options(fd);
            int rc = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), address_size(address));
            if (rc == 0 || errno == EINPROGRESS) {
                attach(fd, rc != 0);
                return true;
            }
            last_error_ = errno;
            close(fd);
        }
        return false;
    }

    std::shared_ptr<Lookup> lookup_;
    std::unique_ptr<Loop::Watch> lookup_watch_;
    std::vector<sockaddr_storage> addresses_;
    size_t next_ = 0;
    int last_error_ = 0;
};

}  // namespace

Result<std::unique_ptr<Stream>> connect_tcp(Loop& loop, std::string name, std::string_view rest) {
    WEFT_ASSIGN(HostPort target, parse_active_address(rest));
    return std::unique_ptr<Stream>(new TcpConnect(loop, std::move(name), std::move(target)));
}

Result<std::unique_ptr<Listener>> listen_tcp(Loop& loop, std::string name, std::string_view rest,
                                             AcceptCallback on_accept) {
    WEFT_ASSIGN(HostPort at, parse_passive_address(rest));
    std::string host = at.host.empty() ? "0.0.0.0" : at.host;
    std::optional<sockaddr_storage> address = numeric_address(host, at.port);
    if (!address) return Error{fmt::format("{}: \"{}\" is not an IP address", rest, host)};
    auto failure = [&](const char* what, int fd) {
        Error error{fmt::format("{}: {}: {}", rest, what, std::strerror(errno))};
        if (fd >= 0) close(fd);
        return error;
    };
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return failure("socket", fd);
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, reinterpret_cast<sockaddr*>(&*address), address_size(*address)) < 0)
        return failure("bind", fd);
    if (::listen(fd, SOMAXCONN) < 0) return failure("listen", fd);
    socklen_t size = sizeof *address;
    getsockname(fd, reinterpret_cast<sockaddr*>(&*address), &size);
    uint16_t port = address_port(*address);
    if (at.port == 0) lg.info("{}: listening on port {}", rest, port);
    std::string scheme = name.starts_with("pssl") ? "ssl" : "tcp";
    return std::unique_ptr<Listener>(new FdListener(
        loop, std::move(name), fd, port, "",
        [&loop, scheme, on_accept = std::move(on_accept)](int peer_fd, const sockaddr_storage& peer) {
            set_tcp_options(peer_fd);
            on_accept(std::make_unique<FdStream>(
                loop, fmt::format("{}:{}:{}", scheme, address_text(peer), address_port(peer)), peer_fd));
        }));
}

}  // namespace weft::net
