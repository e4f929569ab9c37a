#include "packet/packet.h"

namespace weft::packet {

namespace {

// csum_start after `delta` bytes were put in (or taken out) in front of it.
void shift(Offload& offload, ptrdiff_t delta) {
    if (offload.any()) offload.csum_start = static_cast<uint16_t>(offload.csum_start + delta);
}

}  // namespace

uint8_t* Packet::push_front(size_t count) {
    if (start_ < count) {
        size_t more = count - start_ + kHeadroom;
        buffer_.insert(buffer_.begin(), more, 0);
        start_ += more;
    }
    start_ -= count;
    shift(offload, static_cast<ptrdiff_t>(count));
    return data();
}

void Packet::pull_front(size_t count) {
    assert(count <= size());
    start_ += count;
    shift(offload, -static_cast<ptrdiff_t>(count));
}

uint8_t* Packet::insert(size_t offset, size_t count) {
    assert(offset <= size());
    push_front(count);
    std::memmove(data(), data() + count, offset);
    return data() + offset;
}

void Packet::erase(size_t offset, size_t count) {
    assert(offset + count <= size());
    std::memmove(data() + count, data(), offset);
    pull_front(count);
}

}  // namespace weft::packet
