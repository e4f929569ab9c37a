// Bytes waiting to be sent: the sender's own, copied, and whole texts that many queues share.  Internal to
// net.

#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

namespace weft::net {

class SendQueue {
  public:
    void push(std::string_view bytes);
    void push(std::shared_ptr<const std::string> bytes);

    bool empty() const { return size_ == 0; }
    size_t size() const { return size_; }
    // The first bytes: one piece, or up to `max` of them for writev(2); their number.
    std::string_view front() const;
    int gather(iovec* vectors, int max) const;
    void pop(size_t bytes);
    void clear();

  private:
    struct Chunk {
        std::string own;
        std::shared_ptr<const std::string> shared;  // instead, if there
        std::string_view view() const { return shared ? std::string_view(*shared) : std::string_view(own); }
    };

    std::deque<Chunk> chunks_;
    size_t skip_ = 0;  // bytes of the first chunk that are gone
    size_t size_ = 0;
};

}  // namespace weft::net
