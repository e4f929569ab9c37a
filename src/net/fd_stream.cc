#include "net/fd_stream.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weft::net {

namespace {

constexpr size_t kReadSize = 64 << 10;
constexpr size_t kGrowth = 4;                // of a buffer that is too small
constexpr size_t kMaxReadPerTurn = 4 << 20;  // so that one fast peer does not starve the others
constexpr size_t kMaxSentPerTurn = 8 << 20;
constexpr int kMaxVectors = 64;

}  // namespace

FdStream::FdStream(Loop& loop, std::string name) : loop_(loop), name_(std::move(name)) {}

FdStream::FdStream(Loop& loop, std::string name, int fd) : FdStream(loop, std::move(name)) {
    attach(fd, false);
}

FdStream::~FdStream() {
    *alive_ = false;
    // What was written just before, such as the reply to "exit", is to arrive if the kernel takes it.
    if (state_ == State::kConnected) flush();
    close_fd();
}

void FdStream::attach(int fd, bool connecting) {
    close_fd();
    fd_ = fd;
    state_ = connecting ? State::kConnecting : State::kConnected;
    watch_ = loop_.watch(fd_, Loop::kRead, [this](unsigned ready) { on_fd(ready); });
    update_events();
    if (!connecting) {
        if (!queue_.empty()) schedule_flush();
        notify_soon();
    }
}

void FdStream::fail(std::string reason) {
    if (state_ == State::kClosed) return;
    state_ = State::kClosed;
    error_ = std::move(reason);
    queue_.clear();
    watch_.reset();
    notify_soon();
}

bool FdStream::connect_next(int) {
    return false;
}

void FdStream::close_fd() {
    watch_.reset();
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

void FdStream::update_events() {
    if (!watch_) return;
    if (state_ == State::kConnecting) {
        watch_->set_events(Loop::kWrite);
    } else {
        watch_->set_events((reading_ ? unsigned{Loop::kRead} : 0u) |
                           (!queue_.empty() && !flush_scheduled_ ? unsigned{Loop::kWrite} : 0u));
    }
}

void FdStream::on_fd(unsigned ready) {
    if (state_ == State::kConnecting) {
        finish_connecting();
        return;
    }
    if (ready & Loop::kWrite) flush();
    notify();
}

void FdStream::finish_connecting() {
    int error_number = 0;
    socklen_t size = sizeof error_number;
    if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error_number, &size) < 0) error_number = errno;
    if (error_number) {
        if (!connect_next(error_number)) fail(std::strerror(error_number));
        return;
    }
    state_ = State::kConnected;
    if (!queue_.empty()) flush();
    update_events();
    notify();
}

void FdStream::notify() {
    // The owner may destroy the stream, and with it on_ready_, in the call.
    Loop::Callback on_ready = on_ready_;
    if (on_ready) on_ready();
}

void FdStream::notify_soon() {
    loop_.defer([this, alive = alive_] {
        if (*alive) notify();
    });
}

bool FdStream::read(std::string& out) {
    if (state_ != State::kConnected) return state_ == State::kConnecting;
    // One buffer for all streams: what arrived is copied out of it at its true size.
    static thread_local std::unique_ptr<char[]> buffer(new char[kReadSize]);
    size_t start = out.size();
    while (out.size() - start < kMaxReadPerTurn) {
        ssize_t n = ::recv(fd_, buffer.get(), kReadSize, 0);
        if (n > 0) {
            const size_t size = out.size() + static_cast<size_t>(n);
            // Of a long message there is more to come.  Memory that is not touched costs nothing; moving
            // does.
            if (size > out.capacity() && size > kReadSize) out.reserve(kGrowth * size);
            out.append(buffer.get(), static_cast<size_t>(n));
            if (static_cast<size_t>(n) < kReadSize) return true;
            continue;
        }
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
        // What came before the end is handed over first; the end is found again at the next read.
        if (out.size() > start) {
            notify_soon();
            return true;
        }
        if (n < 0) error_ = std::strerror(errno);
        state_ = State::kClosed;
        watch_.reset();
        return false;
    }
    return true;
}

void FdStream::set_reading(bool reading) {
    if (std::exchange(reading_, reading) != reading) update_events();
}

void FdStream::write(std::string_view bytes) {
    if (state_ == State::kClosed || bytes.empty()) return;
    bool idle = queue_.empty();
    queue_.push(bytes);
    if (idle && state_ == State::kConnected) schedule_flush();
}

void FdStream::write_shared(std::shared_ptr<const std::string> bytes) {
    if (state_ == State::kClosed || bytes->empty()) return;
    bool idle = queue_.empty();
    queue_.push(std::move(bytes));
    if (idle && state_ == State::kConnected) schedule_flush();
}

void FdStream::schedule_flush() {
    if (flush_scheduled_) return;
    flush_scheduled_ = true;
    loop_.defer([this, alive = alive_] {
        if (!*alive) return;
        flush_scheduled_ = false;
        if (state_ == State::kConnected) flush();
    });
}

void FdStream::flush() {
    uint64_t enough = sent_ + kMaxSentPerTurn;
    while (!queue_.empty() && sent_ < enough) {
        iovec vectors[kMaxVectors];
        msghdr message{};
        message.msg_iov = vectors;
        message.msg_iovlen = static_cast<size_t>(queue_.gather(vectors, kMaxVectors));
        ssize_t n = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN) break;
            // The peer is gone.  What it sent before may still be there to read, and read() finds the end.
            queue_.clear();
            break;
        }
        queue_.pop(static_cast<size_t>(n));
        sent_ += static_cast<uint64_t>(n);
    }
    update_events();
}

}  // namespace weft::net
