// What the message codecs (messages/*.cc) share: type numbers of each version and the writing of headers.
// Private to src/openflow.
//
// Each family has put(Encoder&, const Struct&), which writes a whole message, and get functions, which read
// what follows the header into a Body.  message.cc dispatches.

#pragma once

#include <string>

#include "base/bytes.h"
#include "openflow/message.h"

namespace weft::openflow::wire {

// Types that have the same number in every version that has them.
enum Type : uint8_t {
    kHello = 0,
    kError = 1,
    kEchoRequest = 2,
    kEchoReply = 3,
    kVendor = 4,
    kFeaturesRequest = 5,
    kFeaturesReply = 6,
    kGetConfigRequest = 7,
    kGetConfigReply = 8,
    kSetConfig = 9,
    kPacketIn = 10,
    kFlowRemoved = 11,
    kPortStatus = 12,
    kPacketOut = 13,
    kFlowMod = 14,
    kGroupMod = 15,
    kTableMod = 17,
    kRoleRequest = 24,
    kRoleReply = 25,
    kGetAsyncRequest = 26,
    kGetAsyncReply = 27,
    kSetAsync = 28,
    kMeterMod = 29,
    kRoleStatus = 30,
    kBundleControl = 33,
    kBundleAdd = 34,
};
inline uint8_t port_mod(Version v) {
    return v == Version::k10 ? 15 : 16;
}
inline uint8_t multipart_request(Version v) {
    return v == Version::k10 ? 16 : 18;
}
inline uint8_t multipart_reply(Version v) {
    return v == Version::k10 ? 17 : 19;
}
inline uint8_t barrier_request(Version v) {
    return v == Version::k10 ? 18 : 20;
}
inline uint8_t barrier_reply(Version v) {
    return v == Version::k10 ? 19 : 21;
}

enum Multipart : uint16_t {
    kDesc = 0,
    kFlow = 1,
    kAggregate = 2,
    kTable = 3,
    kPort = 4,
    kQueue = 5,
    kGroup = 6,
    kGroupDesc = 7,
    kGroupFeatures = 8,
    kMeter = 9,
    kMeterConfig = 10,
    kMeterFeatures = 11,
    kTableFeatures = 12,
    kPortDesc = 13,
    kTableDesc = 14,
    kVendorMultipart = 0xffff,
};
inline constexpr uint16_t kMore = 1;

enum Nicira : uint32_t {
    kNxRoleRequest = 10,
    kNxRoleReply = 11,
    kNxSetFlowFormat = 12,
    kNxFlowMod = 13,
    kNxFlowRemoved = 14,
    kNxFlowModTableId = 15,
    kNxSetPacketInFormat = 16,
    kNxPacketIn = 17,
    kNxSetAsync = 19,
    kNxSetControllerId = 20,
    kNxTlvTableMod = 24,
    kNxTlvTableRequest = 25,
    kNxTlvTableReply = 26,
    kNxSetAsync2 = 27,
    kNxResume = 28,
    kNxCtFlushZone = 29,
    kNxPacketIn2 = 30,
    kNxGroupMod = 31,
    kNxCtFlush = 32,
};
enum NiciraMultipart : uint32_t { kNxFlow = 0, kNxAggregate = 1 };
enum Onf : uint32_t { kOnfBundleControl = 2300, kOnfBundleAdd = 2301 };

struct Encoder {
    Version version;
    uint32_t xid;
    ByteWriter out;

    bool is10() const { return version == Version::k10; }
    void header(uint8_t type) {
        out.u8(static_cast<uint8_t>(version));
        out.u8(type);
        out.u16(0);
        out.u32(xid);
    }
    void vendor(uint32_t vendor, uint32_t subtype) {
        header(kVendor);
        out.u32(vendor);
        out.u32(subtype);
    }
    void multipart(uint16_t type, bool reply, bool more = false) {
        header(reply ? multipart_reply(version) : multipart_request(version));
        out.u16(type);
        out.u16(more ? kMore : 0);
        if (!is10()) out.zeros(4);
    }
    void nicira_multipart(uint32_t subtype, bool reply, bool more = false) {
        multipart(kVendorMultipart, reply, more);
        out.u32(kVendorNicira);
        out.u32(subtype);
        if (is10()) out.zeros(4);
    }
    void port(uint32_t port) {  // 16 bits in OpenFlow 1.0, 32 after
        if (is10()) {
            out.u16(port_to_of10(port));
        } else {
            out.u32(port);
        }
    }
    void text(const std::string& text, size_t size);  // cut so that a zero byte follows, padded with zeros
    // Properties: type and length, then the value; end_property() pads to a multiple of 8.
    size_t begin_property(uint16_t type) {
        size_t start = out.size();
        out.u16(type);
        out.u16(0);
        return start;
    }
    void end_property(size_t start) {
        out.patch_u16(start + 2, static_cast<uint16_t>(out.size() - start));
        out.pad(8, start);
    }
    // A length field of 16 bits at `offset`, counted from `start` to the end.
    void patch_length(size_t offset, size_t start) {
        out.patch_u16(offset, static_cast<uint16_t>(out.size() - start));
    }
    void match(const Match& match);  // ofp_match of 1.1, 1.2+
    void nx_match(const Match& match, size_t length_at, uint64_t cookie = 0, uint64_t cookie_mask = 0);
    Bytes finish();
};

struct Decoder {
    Version version;
    const DecodeOptions& options;
    ByteReader in;

    bool is10() const { return version == Version::k10; }
    uint32_t port() { return is10() ? port_from_of10(in.u16()) : in.u32(); }
    std::string text(size_t size);  // up to the first zero byte
    OfError match(Match& match);
    OfError nx_match(size_t length, Match& match, uint64_t* cookie = nullptr,
                     uint64_t* cookie_mask = nullptr);
    ActionDecodeOptions action_options() const { return {options.tunnel_table.get()}; }
    NxmOptions nxm_options() const { return {true, false, options.tunnel_table.get(), options.tunnel_table}; }
    OfError end() const { return in.ok() ? OfError::kNone : OfError::OFPBRC_BAD_LEN; }
};

// The next property: its type and value; BAD_LEN if it is malformed.
struct Property {
    uint16_t type = 0;
    ByteReader value{ByteView()};
};
OfError next_property(ByteReader& in, Property& property);

// The families.  `subtype` of vendor messages tells which.
void put_switch(Encoder& e, const Body& body);
OfError get_switch(Decoder& d, uint8_t type, Body& body);
void put_flow(Encoder& e, const Body& body);
OfError get_flow_mod(Decoder& d, bool nxm, Body& body);
OfError get_flow_removed(Decoder& d, bool nxm, Body& body);
OfError get_flow_request(Decoder& d, bool aggregate, bool nxm, Body& body);
OfError get_flow_stats(Decoder& d, bool nxm, bool more, Body& body);
OfError get_aggregate(Decoder& d, Body& body);
void put_flow_stats(Encoder& e, const FlowStats& flow, bool nxm);
void put_packet(Encoder& e, const Body& body);
OfError get_packet_in(Decoder& d, PacketInFormat format, PacketIn& packet);
OfError get_packet_out(Decoder& d, Body& body);
void put_port(Encoder& e, const Body& body);
void put_port_description(Encoder& e, const Port& port);
void put_port_stats(Encoder& e, const PortStats& stats);
void put_queue_stats(Encoder& e, const QueueStats& stats);
OfError get_port_description(Decoder& d, Port& port);
OfError get_port(Decoder& d, uint8_t type, Body& body);
OfError get_port_multipart(Decoder& d, uint16_t type, bool reply, bool more, Body& body);
void put_group(Encoder& e, const Body& body);
void put_group_stats(Encoder& e, const GroupStats& stats);
void put_group_desc(Encoder& e, const GroupDesc& group);
OfError get_group_mod(Decoder& d, bool of15, Body& body);
OfError get_group_multipart(Decoder& d, uint16_t type, bool reply, bool more, Body& body);
void put_meter(Encoder& e, const Body& body);
void put_meter_stats(Encoder& e, const MeterStats& stats);
void put_meter_config(Encoder& e, const MeterConfig& meter);
OfError get_meter_mod(Decoder& d, Body& body);
OfError get_meter_multipart(Decoder& d, uint16_t type, bool reply, bool more, Body& body);
void put_table(Encoder& e, const Body& body);
void put_table_stats(Encoder& e, const TableStats& stats);
OfError get_table_mod(Decoder& d, Body& body);
OfError get_table_multipart(Decoder& d, uint16_t type, bool reply, bool more, Body& body);
void put_bundle(Encoder& e, const Body& body);
OfError get_bundle(Decoder& d, bool add, Body& body);
void put_nicira(Encoder& e, const Body& body);
OfError get_nicira(Decoder& d, uint32_t subtype, Body& body);

}  // namespace weft::openflow::wire
