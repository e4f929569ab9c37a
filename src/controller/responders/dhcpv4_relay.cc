#include "controller/responders/dhcpv4_relay.h"

#include <algorithm>

namespace weft::controller::dhcpv4 {

namespace {

// The message (RFC 2131 section 2).
constexpr size_t kOp = 0, kHtype = 1, kHlen = 2, kHops = 3, kFlags = 10, kYiaddr = 16, kGiaddr = 24,
                 kChaddr = 28, kCookie = 236, kOptions = 240;
constexpr uint8_t kBootRequest = 1, kBootReply = 2, kEthernet = 1;
constexpr uint8_t kMostHops = 16;  // RFC 1542 section 4.1.1
constexpr uint16_t kBroadcast = 0x8000;
constexpr uint32_t kMagic = 0x63825363, kEverybody = 0xffffffff;
constexpr uint8_t kPad = 0, kServerId = 54, kEnd = 255;

bool is_message(ByteView message, uint8_t op) {
    return message.size() >= kOptions && message[kOp] == op && message[kHtype] == kEthernet &&
           message[kHlen] == sizeof(packet::EthAddr) && load_be32(&message[kCookie]) == kMagic;
}

// Option 54; nullopt without, or where options are cut before it.
std::optional<uint32_t> server_of(ByteView message) {
    ByteReader in(message.subspan(kOptions));
    while (!in.empty()) {
        uint8_t code = in.u8();
        if (code == kEnd) break;
        if (code == kPad) continue;
        ByteReader value = in.sub(in.u8());
        if (!in.ok()) break;
        if (code == kServerId && value.size() == 4) return value.u32();
    }
    return std::nullopt;
}

}  // namespace

std::optional<Relay> read_relay(ByteView parameters) {
    ByteReader in(parameters);
    Relay relay;
    relay.giaddr = in.u32();
    relay.server = in.u32();
    if (!in.ok()) return std::nullopt;
    return relay;
}

std::optional<Bytes> relay_request(ByteView request, const Relay& relay) {
    if (!is_message(request, kBootRequest)) return std::nullopt;
    if (load_be32(&request[kGiaddr]) || request[kHops] >= kMostHops) return std::nullopt;
    Bytes out(request.begin(), request.end());
    ++out[kHops];
    store_be32(&out[kGiaddr], relay.giaddr);
    return out;
}

std::optional<RelayedAnswer> relay_answer(ByteView answer, const Relay& relay) {
    if (!is_message(answer, kBootReply)) return std::nullopt;
    if (load_be32(&answer[kGiaddr]) != relay.giaddr || server_of(answer) != relay.server) return std::nullopt;
    RelayedAnswer out;
    std::copy_n(&answer[kChaddr], out.client.size(), out.client.begin());
    // A client without an address, or which cannot receive unicast yet, hears broadcasts (RFC 2131
    // section 4.1).
    bool broadcast = load_be16(&answer[kFlags]) & kBroadcast;
    uint32_t assigned = load_be32(&answer[kYiaddr]);
    out.address = broadcast || !assigned ? kEverybody : assigned;
    return out;
}

}  // namespace weft::controller::dhcpv4
