// OpenFlow messages: structs in, bytes out, and back, in every version from 1.0 to 1.5.
//
//     Bytes wire = encode({.xid = 7, .body = FlowMod{…}}, {.version = Version::k15});
//     Message message;
//     OfError error = decode(wire, context, message);
//
// The structs (messages/*.h) hold what any version can say; encoding says it in the version asked for, with
// Nicira's and the ONF's extensions where a version has no words of its own, and leaves out what even these
// cannot express. Decoding takes any bytes: a message that is malformed gives the error that a switch has to
// answer.
//
// A message that we know of no struct for decodes to OFPBRC_BAD_TYPE (BAD_VENDOR, BAD_SUBTYPE, BAD_STAT, …).

#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "openflow/error.h"
#include "openflow/messages/bundle.h"
#include "openflow/messages/flow.h"
#include "openflow/messages/group.h"
#include "openflow/messages/meter.h"
#include "openflow/messages/multipart.h"
#include "openflow/messages/packet.h"
#include "openflow/messages/port.h"
#include "openflow/messages/session.h"
#include "openflow/version.h"

namespace weft::openflow {

using MessageBody =
    std::variant<Hello, ErrorMessage, Echo, Barrier, FeaturesRequest, FeaturesReply, GetConfigRequest,
                 SwitchConfig, Role, AsyncConfig, SetFlowFormat, SetFlowModTableId, SetPacketInFormat,
                 SetControllerId, TlvTableMod, TlvTableRequest, TlvTableReply, CtFlushZone, PortStatus,
                 PortMod, FlowMod, FlowRemoved, PacketIn, Resume, PacketOut, GroupMod, MeterMod,
                 MultipartRequest, MultipartReply, BundleControl, BundleAdd>;

struct Message {
    uint32_t xid = 0;
    MessageBody body;
};

struct EncodeOptions {
    Version version = Version::k15;
    bool nxm = true;                // OpenFlow 1.0: flows as NXT_FLOW_MOD and NXST_FLOW
    bool flow_mod_table_id = true;  // OpenFlow 1.0: Nicira's table number in flow_mod commands
    PacketInFormat packet_in = PacketInFormat::kNicira2;
};
// A message that is longer than 65535 bytes cannot be sent: an empty result.
Bytes encode(const Message& message, const EncodeOptions& options);

struct DecodeContext {
    const TunnelTable* tunnel_table = nullptr;  // the bridge's; null: as it comes
    TunnelTableRef tunnel_table_ref;            // the same, to be kept by matches
    bool flow_mod_table_id = false;             // OpenFlow 1.0: the peer asked for it
};
// `bytes` is exactly one message.
OfError decode(ByteView bytes, const DecodeContext& context, Message& message);

struct Header {
    Version version = Version::k10;
    uint8_t raw_version = 0;  // may be one that is unknown
    uint8_t type = 0;
    uint16_t length = 0;  // header included
    uint32_t xid = 0;
};
inline constexpr size_t kHeaderSize = 8;
// The header of the message that starts here; nothing if there are fewer than 8 bytes.
std::optional<Header> peek_header(ByteView bytes);

// "OFPT_FLOW_MOD", "NXT_PACKET_IN2", "OFPST_PORT request": as ofp-print names it.
const char* message_name(const MessageBody& body);

// An error message that answers `cause`.
Bytes encode_error(OfError error, Version version, ByteView cause);

// The highest version that both ends know; nothing if there is none.
std::optional<Version> negotiate(uint32_t ours, const Hello& theirs, uint8_t their_header_version);

}  // namespace weft::openflow
