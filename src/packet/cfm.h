// Continuity check messages (CCM) of Connectivity Fault Management (IEEE 802.1Q-2018, 21.6; once 802.1ag):
// what follows the Ethernet header of a frame of Ethertype 0x8902.
//
// Layout, 75 bytes: MD level and version, opcode, flags, where TLVs begin, sequence number, the sender's
// number (MEPID), the name of the maintenance association (MAID, 48 bytes), 16 bytes that ITU-T Y.1731
// defines, and the TLV that ends the message.
//
// Open vSwitch's extended mode (ovs-vswitchd.conf.db(5), other_config:cfm_extended) has an address of its own
// and keeps in Y.1731's bytes what does not fit elsewhere: the interval in ms, a number of 64 bits and
// whether the sender is operationally down.
//
// Numbers are host order here.  decode() reads any bytes at all.

#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "packet/flow.h"

namespace weft::packet {

inline constexpr uint16_t kCfm = 0x8902;
inline constexpr EthAddr kCcmAddress = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x30};  // of MD level 0 (8.13.10)
inline constexpr EthAddr kCcmExtendedAddress = {0x01, 0x23, 0x20, 0x00, 0x00, 0x30};

struct Ccm {
    static constexpr size_t kSize = 75, kLeastSize = 74;  // without the last TLV, which some leave out
    static constexpr uint8_t kOpcode = 1;
    static constexpr uint8_t kRdi = 0x80, kIntervalMask = 0x07;  // flags
    static constexpr uint8_t kFirstTlv = 70;
    using Maid = std::array<uint8_t, 48>;

    uint8_t level_version = 0;
    uint8_t flags = 0;
    uint8_t first_tlv = kFirstTlv;
    uint32_t sequence = 0;
    uint16_t mpid = 0;
    Maid maid{};
    // Of extended mode; 0 otherwise.
    uint16_t interval_ms = 0;
    uint64_t mpid64 = 0;
    uint8_t opdown = 0;
    bool operator==(const Ccm&) const = default;

    bool rdi() const { return flags & kRdi; }
    uint8_t interval() const { return flags & kIntervalMask; }
    Bytes encode() const;
    // nullopt: shorter than kLeastSize, or of another opcode.
    static std::optional<Ccm> decode(ByteView bytes);
};

inline constexpr uint16_t kMostMpid = 8191;  // 21.6.4

// The MAID that Open vSwitch uses: a domain and an association that are both named "ovs", as strings
// (21.6.5).
Ccm::Maid ovs_maid();

// The time between messages that a code stands for (21.6.1.3), in ms, 3.33 being 3; 0 for code 0.
int64_t ccm_interval_ms(uint8_t code);
// The code of the longest interval that is not above `ms`, the shortest if there is none.
uint8_t ccm_interval_code(int64_t ms);

}  // namespace weft::packet
