// A file descriptor, closed with its owner.

#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace weft {

class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}  // takes it over; -1: none
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor() {
        if (fd_ >= 0) close(fd_);
    }

    int get() const { return fd_; }
    bool open() const { return fd_ >= 0; }
    // setsockopt(2) with an int.
    bool option(int level, int name, int value) const {
        return setsockopt(fd_, level, name, &value, sizeof value) == 0;
    }

  private:
    int fd_ = -1;
};

}  // namespace weft
