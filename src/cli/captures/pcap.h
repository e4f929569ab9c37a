// Reading captured packets: classic pcap files (draft-ietf-opsawg-pcap), in either byte order and with
// microseconds or nanoseconds, and the hexadecimal output of `tcpdump -xx`.

#pragma once

#include <istream>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace weft::cli {

class PcapReader {
  public:
    // Reads the file's header.
    static Result<PcapReader> open(std::istream& in);

    // The next packet; nullopt: there is none.  A packet that is longer than its file, or than kMostBytes, is
    // an error.
    Result<std::optional<Bytes>> next();

    static constexpr size_t kMostBytes = 262144;  // tcpdump's own limit

  private:
    PcapReader(std::istream& in, bool swapped) : in_(&in), swapped_(swapped) {}
    uint32_t word(const uint8_t* at) const;

    std::istream* in_;
    bool swapped_;  // little-endian
};

// The packets of `tcpdump -xx` (or -XX): for each, one string of hexadecimal digits.
class TcpdumpReader {
  public:
    explicit TcpdumpReader(std::istream& in) : in_(in) {}
    std::optional<std::string> next();  // nullopt: there is none

  private:
    std::istream& in_;
    std::string packet_;
};

std::string hex_digits(ByteView bytes);

}  // namespace weft::cli
