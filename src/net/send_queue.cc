#include "net/send_queue.h"

#include <algorithm>
#include <utility>

namespace weft::net {

namespace {

constexpr size_t kChunkSize = 16 << 10;  // smaller writes are joined

}  // namespace

void SendQueue::push(std::string_view bytes) {
    if (bytes.empty()) return;
    size_ += bytes.size();
    if (!chunks_.empty() && !chunks_.back().shared &&
        chunks_.back().own.size() + bytes.size() <= kChunkSize) {
        chunks_.back().own += bytes;
    } else {
        chunks_.push_back({std::string(bytes), nullptr});
    }
}

void SendQueue::push(std::shared_ptr<const std::string> bytes) {
    if (bytes->empty()) return;
    size_ += bytes->size();
    chunks_.push_back({{}, std::move(bytes)});
}

std::string_view SendQueue::front() const {
    return chunks_.empty() ? std::string_view() : chunks_.front().view().substr(skip_);
}

int SendQueue::gather(iovec* vectors, int max) const {
    int count = 0;
    size_t skip = skip_;
    for (const Chunk& chunk : chunks_) {
        if (count == max) break;
        std::string_view bytes = chunk.view().substr(std::exchange(skip, 0));
        vectors[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
    }
    return count;
}

void SendQueue::pop(size_t bytes) {
    size_ -= bytes;
    skip_ += bytes;
    while (!chunks_.empty() && skip_ >= chunks_.front().view().size()) {
        skip_ -= chunks_.front().view().size();
        chunks_.pop_front();
    }
}

void SendQueue::clear() {
    chunks_.clear();
    skip_ = size_ = 0;
}

}  // namespace weft::net
