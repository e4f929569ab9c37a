// Data units of the Link Layer Discovery Protocol (IEEE 802.1AB-2016, clause 8): what follows the Ethernet
// header of a frame to 01:80:c2:00:00:0e with Ethertype 0x88cc, a list of TLVs of 7 bits of type and 9 of
// length.
//
// Chassis, port and time to live come first and in this order; all else is optional.  Besides the standard's
// strings and capabilities this knows the two TLVs of Auto Attach (draft-unbehagen-lldp-spb), which a client
// and a server of a shortest-path-bridging network exchange: who they are, and which VLAN stands for which
// service (I-SID).
//
// decode() reads any bytes at all and follows 9.2.8.7: a unit whose first three TLVs are not right, or whose
// lengths run past its end, is refused; other TLVs that cannot be read, or are there again, are passed over.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "packet/flow.h"

namespace weft::packet {

inline constexpr uint16_t kLldp = 0x88cc;
inline constexpr EthAddr kLldpAddress = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e};  // the nearest bridge (7.1)

// Who sends: a chassis or a port, by one of several kinds of name (8.5.2.2, 8.5.3.2).
struct LldpId {
    static constexpr uint8_t kChassisMac = 4, kPortMac = 3, kPortInterfaceName = 5;
    static constexpr size_t kMostBytes = 255;
    uint8_t subtype = 0;
    Bytes value;
    bool operator==(const LldpId&) const = default;
};

// Auto Attach: an element of the network.
struct AutoAttachElement {
    static constexpr uint8_t kClientVirtualSwitch = 14, kServer = 2;
    uint8_t type = 0;              // 6 bits
    uint8_t state = 0;             // 6 bits
    uint16_t management_vlan = 0;  // 12 bits
    std::array<uint8_t, 10> system_id{};
    bool operator==(const AutoAttachElement&) const = default;
};
// Auto Attach: a VLAN of the client for a service of the network.
struct AutoAttachAssignment {
    static constexpr uint8_t kPending = 1, kActive = 2;
    uint8_t status = 0;  // 4 bits
    uint16_t vlan = 0;   // 12 bits
    uint32_t isid = 0;   // 24 bits
    bool operator==(const AutoAttachAssignment&) const = default;
};

struct Lldpdu {
    static constexpr size_t kMostString = 255;
    static constexpr size_t kMostAssignments = 94;  // that one TLV holds
    using Digest = std::array<uint8_t, 32>;         // HMAC-SHA256 of what follows it

    LldpId chassis, port;
    uint16_t ttl_s = 0;  // 0: the sender goes
    std::optional<std::string> port_description, system_name, system_description;
    struct Capabilities {
        uint16_t has = 0, enabled = 0;  // bits of 8.5.8
        bool operator==(const Capabilities&) const = default;
    };
    std::optional<Capabilities> capabilities;
    std::optional<AutoAttachElement> element;
    Digest element_digest{};
    std::vector<AutoAttachAssignment> assignments;
    Digest assignments_digest{};
    size_t unrecognized = 0;  // TLVs that decode() passed over; nothing on the wire
    bool operator==(const Lldpdu&) const = default;

    // Strings and ids that are too long for the wire are cut.
    Bytes encode() const;
    static Result<Lldpdu> decode(ByteView bytes);
};

// A whole frame around the data unit.
Bytes lldp_frame(const EthAddr& source, const Lldpdu& unit);

}  // namespace weft::packet
