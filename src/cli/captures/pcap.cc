#include "cli/captures/pcap.h"

#include <fmt/core.h>
#include <charconv>

#include <array>
#include <cctype>

namespace weft::cli {

namespace {

constexpr size_t kFileHeader = 24, kPacketHeader = 16, kCapturedLength = 8;
constexpr uint32_t kMicroseconds = 0xa1b2c3d4, kNanoseconds = 0xa1b23c4d;

bool is_hex(char c) {
    return std::isxdigit(static_cast<unsigned char>(c));
}

// What a line "\t0x0010:  4500 0054 ...  E..T" has in hexadecimal, and its offset; nullopt: it is no such
// line.
std::optional<std::pair<unsigned long, std::string>> dump_line(const std::string& line) {
    size_t at = line.find_first_not_of(" \t");
    if (at == std::string::npos || at == 0 || line.compare(at, 2, "0x") != 0) return std::nullopt;
    size_t colon = line.find(':', at);
    if (colon == std::string::npos) return std::nullopt;
    std::string digits = line.substr(at + 2, colon - at - 2);
    if (digits.empty()) return std::nullopt;
    for (char c : digits) {
        if (!is_hex(c)) return std::nullopt;
    }
    std::string out;
    for (at = colon + 1; at < line.size();) {
        size_t spaces = 0;
        while (at < line.size() && line[at] == ' ') ++at, ++spaces;
        // Groups are one space apart; what follows more, after the first, is text.
        if (!out.empty() && spaces != 1) break;
        size_t end = at;
        while (end < line.size() && is_hex(line[end])) ++end;
        if (end == at || (end - at) % 2 || (end < line.size() && line[end] != ' ')) break;
        out += line.substr(at, end - at);
        at = end;
    }
    uint64_t offset;
    auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), offset, 16);
    if (error != std::errc()) return std::nullopt;  // no packet is so long
    return std::pair(offset, out);
}

}  // namespace

uint32_t PcapReader::word(const uint8_t* at) const {
    uint32_t value = load_be32(at);
    return swapped_ ? __builtin_bswap32(value) : value;
}

Result<PcapReader> PcapReader::open(std::istream& in) {
    std::array<uint8_t, kFileHeader> header{};
    in.read(reinterpret_cast<char*>(header.data()), header.size());
    if (in.gcount() != static_cast<std::streamsize>(header.size())) return Error{"end of file in its header"};
    uint32_t magic = load_be32(header.data());
    for (uint32_t known : {kMicroseconds, kNanoseconds}) {
        if (magic == known) return PcapReader(in, false);
        if (magic == __builtin_bswap32(known)) return PcapReader(in, true);
    }
    return Error{fmt::format("bad magic 0x{:08x}: it is no pcap file (pcapng is not read)", magic)};
}

Result<std::optional<Bytes>> PcapReader::next() {
    std::array<uint8_t, kPacketHeader> header{};
    in_->read(reinterpret_cast<char*>(header.data()), header.size());
    if (in_->gcount() == 0) return std::optional<Bytes>();
    if (in_->gcount() != static_cast<std::streamsize>(header.size()))
        return Error{"end of file in a packet's header"};
    uint32_t length = word(header.data() + kCapturedLength);
    if (length > kMostBytes)
        return Error{fmt::format("a packet of {} bytes; at most {} are read", length, kMostBytes)};
    Bytes packet(length);
    in_->read(reinterpret_cast<char*>(packet.data()), length);
    if (in_->gcount() != static_cast<std::streamsize>(length)) return Error{"end of file in a packet"};
    return std::optional<Bytes>(std::move(packet));
}

std::optional<std::string> TcpdumpReader::next() {
    for (std::string line; std::getline(in_, line);) {
        auto found = dump_line(line);
        if (found && found->first) {
            packet_ += found->second;
            continue;
        }
        std::string whole = std::exchange(packet_, found ? found->second : "");
        if (!whole.empty()) return whole;
    }
    if (packet_.empty()) return std::nullopt;
    return std::exchange(packet_, "");
}

std::string hex_digits(ByteView bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (uint8_t byte : bytes) out += {kDigits[byte >> 4], kDigits[byte & 15]};
    return out;
}

}  // namespace weft::cli
