#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "net/transport.h"

namespace weft::net {

namespace {

log::Module lg("socket_util");
log::RateLimit accept_limit(5, 25);
constexpr int kAcceptsPerTurn = 64;
constexpr int64_t kPauseMs = 100;

}  // namespace

FdListener::FdListener(Loop& loop, std::string name, int fd, uint16_t port, std::string unlink_path,
                       Accepted on_fd)
    : name_(std::move(name)),
      fd_(fd),
      port_(port),
      unlink_path_(std::move(unlink_path)),
      on_fd_(std::move(on_fd)) {
    watch_ = loop.watch(fd_, Loop::kRead, [this](unsigned) { accept_all(); });
    pause_ = loop.timer([this] { watch_->set_events(Loop::kRead); });
}

FdListener::~FdListener() {
    watch_.reset();
    close(fd_);
    if (!unlink_path_.empty()) unlink(unlink_path_.c_str());
}

void FdListener::accept_all() {
    // The callback may destroy the listener; what is still needed is kept here.
    std::vector<std::pair<int, sockaddr_storage>> accepted;
    while (accepted.size() < kAcceptsPerTurn) {
        sockaddr_storage peer{};
        socklen_t size = sizeof peer;
        int fd = accept4(fd_, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            accepted.emplace_back(fd, peer);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno == EAGAIN) break;
        if (accept_limit.pass(lg)) lg.warn("{}: accept: {}", name_, std::strerror(errno));
        // The client stays in the queue, and the listener readable: without a pause the loop would spin.
        watch_->set_events(0);
        pause_->arm_in(kPauseMs);
        break;
    }
    Accepted on_fd = on_fd_;
    for (auto& [fd, peer] : accepted) on_fd(fd, peer);
}

}  // namespace weft::net
