#include "controller/message_buffer.h"

#include <cassert>
#include <cstring>
#include <utility>

#include "openflow/version.h"

namespace weft::controller {

namespace {

constexpr uint8_t kTypeBundleAdd = 34;
constexpr size_t kHeader = 8, kBundleAddHeader = 16;
constexpr size_t kPiece = 64 << 10;

void put_header(uint8_t* at, uint8_t type, size_t size, uint32_t xid) {
    assert(size <= UINT16_MAX);
    at[0] = static_cast<uint8_t>(openflow::Version::k15);
    at[1] = type;
    store_be16(at + 2, static_cast<uint16_t>(size));
    store_be32(at + 4, xid);
}

}  // namespace

// A bundled message has the transaction id of the one around it.
uint8_t* MessageBuffer::append(size_t size) {
    const size_t around = bundle_ ? kBundleAddHeader : 0;
    if (!bytes_.empty() && bytes_.size() + around + size > kPiece) {
        full_.push_back(std::make_shared<const std::string>(std::move(bytes_)));
        bytes_ = std::string();
        bytes_.reserve(kPiece);
    }
    const size_t before = bytes_.size();
    bytes_.resize(before + around + size);
    auto* at = reinterpret_cast<uint8_t*>(bytes_.data()) + before;
    ++messages_;
    if (!bundle_) return at;
    put_header(at, kTypeBundleAdd, around + size, next_xid_);
    store_be32(at + kHeader, bundle_->id);
    store_be16(at + kHeader + 6, bundle_->flags);
    return at + around;
}

std::vector<std::shared_ptr<const std::string>> MessageBuffer::take_pieces() {
    if (!bytes_.empty())
        full_.push_back(std::make_shared<const std::string>(std::exchange(bytes_, std::string())));
    return std::exchange(full_, {});
}

uint8_t* MessageBuffer::add(uint8_t type, size_t size) {
    uint8_t* at = append(size);
    put_header(at, type, size, next_xid_++);
    return at;
}

void MessageBuffer::add(ByteView message) {
    uint8_t* at = append(message.size());
    std::memcpy(at, message.data(), message.size());
    store_be32(at + 4, next_xid_++);
}

}  // namespace weft::controller
