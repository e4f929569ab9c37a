// One OpenFlow connection as a pure state machine: bytes in, messages out; hello and version negotiation,
// echo replies.  No socket and no clock: who owns them feeds receive() and sends what output() gives.
//
//     Connection connection(kAllVersionsBitmap, xid source);
//     stream.write(connection.take_output());             // our hello
//     connection.receive(bytes);
//     while (auto frame = connection.next()) …            // whole messages, hello and echo requests answered
//
// OpenFlow 1.3 §6.3.1: the version is the highest in both bitmaps, else the lower of the two headers'
// versions.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "openflow/version.h"

namespace weft::openflow {

// "OpenFlow10,OpenFlow13", as users name what is allowed: version_bit() of each.
Result<uint32_t> parse_versions(std::string_view list);

class Connection {
  public:
    explicit Connection(uint32_t versions);  // version_bit() of each allowed

    void receive(ByteView bytes);
    // The next message that is not hello, or an echo request (answered); nothing until negotiation is done.
    std::optional<Bytes> next();
    Bytes take_output() { return output_.take(); }
    bool has_output() const { return output_.size() != 0; }

    std::optional<Version> version() const { return version_; }
    // Not empty after a fault that ends the connection: what it was, for the log.
    const std::string& fault() const { return fault_; }

  private:
    void handle_hello(ByteView message);

    uint32_t versions_;
    Bytes input_;
    size_t consumed_ = 0;
    ByteWriter output_;
    std::optional<Version> version_;
    std::string fault_;
};

}  // namespace weft::openflow
