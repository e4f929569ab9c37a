// OpenFlow messages one after the other, as they are sent; each in a bundle's message if they belong to one
// (OpenFlow 1.5.1, 7.3.9.6).  There may be hundreds of thousands: they are written where they are sent from,
// in pieces, none of which has to be moved when there are more.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace weft::controller {

class MessageBuffer {
  public:
    struct Bundle {
        uint32_t id;
        uint16_t flags;
    };
    // Transaction ids are counted in `next_xid`.
    explicit MessageBuffer(uint32_t& next_xid, std::optional<Bundle> bundle = std::nullopt)
        : next_xid_(next_xid), bundle_(bundle) {}

    // Room for one more message of that size, filled with zeros but for the header (7.1.1).
    uint8_t* add(uint8_t type, size_t size);
    // One that is made already, but for the transaction id.
    void add(ByteView message);

    size_t messages() const { return messages_; }
    // The bytes, for the stream: which part of them is in which piece means nothing.
    std::vector<std::shared_ptr<const std::string>> take_pieces();

  private:
    uint8_t* append(size_t size);

    uint32_t& next_xid_;
    std::optional<Bundle> bundle_;
    std::vector<std::shared_ptr<const std::string>> full_;
    std::string bytes_;  // the last piece
    size_t messages_ = 0;
};

}  // namespace weft::controller
