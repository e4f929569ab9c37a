#include "packet/bfd.h"

#include <iterator>

namespace weft::packet {

const char* bfd_state_name(BfdState state) {
    static constexpr const char* kNames[] = {"admin_down", "down", "init", "up"};
    return kNames[static_cast<uint8_t>(state) & 3];
}

const char* bfd_diag_name(BfdDiag diag) {
    static constexpr const char* kNames[] = {"No Diagnostic",
                                             "Control Detection Time Expired",
                                             "Echo Function Failed",
                                             "Neighbor Signaled Session Down",
                                             "Forwarding Plane Reset",
                                             "Path Down",
                                             "Concatenated Path Down",
                                             "Administratively Down",
                                             "Reverse Concatenated Path Down"};
    auto index = static_cast<uint8_t>(diag);
    return index < std::size(kNames) ? kNames[index] : "Invalid Diagnostic";
}

Bytes BfdMessage::encode() const {
    ByteWriter out;
    out.u8(static_cast<uint8_t>(version << 5 | static_cast<uint8_t>(diag)));
    out.u8(static_cast<uint8_t>(static_cast<uint8_t>(state) << 6 | flags));
    out.u8(multiplier);
    out.u8(length);
    out.u32(my_discriminator);
    out.u32(your_discriminator);
    out.u32(min_tx_us);
    out.u32(min_rx_us);
    out.u32(min_echo_rx_us);
    return out.take();
}

std::optional<BfdMessage> BfdMessage::decode(ByteView bytes) {
    ByteReader in(bytes);
    BfdMessage message;
    uint8_t first = in.u8(), second = in.u8();
    message.version = first >> 5;
    message.diag = static_cast<BfdDiag>(first & 0x1f);
    message.state = static_cast<BfdState>(second >> 6);
    message.flags = second & 0x3f;
    message.multiplier = in.u8();
    message.length = in.u8();
    message.my_discriminator = in.u32();
    message.your_discriminator = in.u32();
    message.min_tx_us = in.u32();
    message.min_rx_us = in.u32();
    message.min_echo_rx_us = in.u32();
    if (!in.ok()) return std::nullopt;
    return message;
}

const char* BfdMessage::flaw(size_t size, uint8_t ttl) const {
    if (ttl != kBfdTtl) return "the TTL is not 255";
    if (version != 1) return "incorrect version";
    if (length < kSize || length > size) return "unexpected length";
    if (!multiplier) return "zero multiplier";
    if (flags & kMultipoint) return "the multipoint flag is set";
    if (!my_discriminator) return "null my_disc";
    // A session that is up, or coming up, knows whom it talks to.
    if (!your_discriminator && state > BfdState::kDown) return "null your_disc";
    if (flags & kAuthentication) return "authenticated control message with authentication disabled";
    return nullptr;
}

}  // namespace weft::packet
