// GTP-U (3GPP TS 29.281 section 5.1): offsets from the start of its header, which follows UDP.  With any of
// the flags of kOptional a second part of 4 bytes is there: sequence number, N-PDU number, type of the next
// extension header.  Extension headers (section 5.2.1) begin with their length in words and end with the type
// of the next; 0: none.

#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::packet::gtpu {

inline constexpr uint16_t kPort = 2152;
inline constexpr size_t kFlags = 0, kMessageType = 1, kLength = 2, kTeid = 4, kHeader = 8;
inline constexpr size_t kNextExtension = 11, kOptionalHeader = 12;  // of a header with the second part
inline constexpr uint8_t kVersion1 = 0x30;                          // of kFlags: version 1, protocol type GTP
inline constexpr uint8_t kExtension = 0x04;  // the type of the next extension header says something
inline constexpr uint8_t kOptional = 0x07;
inline constexpr uint8_t kUserData = 255;  // kMessageType of what carries a packet (a G-PDU)

}  // namespace weft::packet::gtpu
