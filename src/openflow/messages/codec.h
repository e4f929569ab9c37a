// What the message families share.  Internal to openflow/messages and message.cc.
//
// encode(body, EncodeContext&) writes the body after the 8-byte header, which the caller has written with
// type 0 and which the function completes by type(), vendor() or stats().  decode_…() reads a body.

#pragma once

#include "openflow/message.h"

namespace weft::openflow::messages {

// Types of OpenFlow 1.1+; kType10 says what they are in 1.0.
enum : uint8_t {
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
    kPortMod = 16,
    kTableMod = 17,
    kStatsRequest = 18,
    kStatsReply = 19,
    kBarrierRequest = 20,
    kBarrierReply = 21,
    kQueueConfigRequest = 22,
    kQueueConfigReply = 23,
    kRoleRequest = 24,
    kRoleReply = 25,
    kGetAsyncRequest = 26,
    kGetAsyncReply = 27,
    kSetAsync = 28,
    kMeterMod = 29,
    kRoleStatus = 30,
    kTableStatus = 31,
    kRequestForward = 32,
    kBundleControl = 33,
    kBundleAdd = 34,
};
uint8_t wire_type(Version version, uint8_t type);
std::optional<uint8_t> type_of_wire(Version version, uint8_t wire);

enum : uint16_t {
    kStatsDesc = 0,
    kStatsFlow = 1,
    kStatsAggregate = 2,
    kStatsTable = 3,
    kStatsPort = 4,
    kStatsQueue = 5,
    kStatsGroup = 6,
    kStatsGroupDesc = 7,
    kStatsGroupFeatures = 8,
    kStatsMeter = 9,
    kStatsMeterConfig = 10,
    kStatsMeterFeatures = 11,
    kStatsTableFeatures = 12,
    kStatsPortDesc = 13,
    kStatsTableDesc = 14,
    kStatsQueueDesc = 15,
    kStatsFlowMonitor = 16,
    kStatsVendor = 0xffff,
};
enum : uint32_t {
    kNxRoleRequest = 10,
    kNxRoleReply = 11,
    kNxSetFlowFormat = 12,
    kNxFlowMod = 13,
    kNxFlowRemoved = 14,
    kNxFlowModTableId = 15,
    kNxSetPacketInFormat = 16,
    kNxPacketIn = 17,
    kNxFlowAge = 18,
    kNxSetAsync = 19,
    kNxSetControllerId = 20,
    kNxMonitorCancel = 21,
    kNxMonitorPaused = 22,
    kNxMonitorResumed = 23,
    kNxTlvMod = 24,
    kNxTlvRequest = 25,
    kNxTlvReply = 26,
    kNxResume = 28,
    kNxCtFlushZone = 29,
    kNxPacketIn2 = 30,
    kNxGroupMod = 31,
    kNxCtFlush = 32,
    kOnfBundleControl = 2300,
    kOnfBundleAdd = 2301,
};

// Statistics of Nicira's about groups, for OpenFlow 1.0, which has none.
enum : uint32_t { kNxStatsGroup = 7, kNxStatsGroupDesc = 8, kNxStatsGroupFeatures = 9 };

struct EncodeContext {
    Version version;
    ByteWriter& out;
    bool ok = true;
    bool flow_nxm = false, flow_table_id = false;  // FlowFormat's

    void type(uint8_t t) { out.patch_u8(1, wire_type(version, t)); }
    void vendor(uint32_t vendor_id, uint32_t subtype) {
        type(kVendor);
        out.u32(vendor_id);
        out.u32(subtype);
    }
    void stats(uint16_t t, bool reply, bool more = false);
    void nicira_stats(uint32_t subtype, bool reply, bool more = false);
    void refuse() { ok = false; }
};

struct DecodeContext {
    Version version;
    const DecodeOptions& options;
    bool more = false;

    NxmOptions nxm(bool strict = true) const {
        NxmOptions out;
        out.strict = strict;
        out.tunnel_table = options.tunnel_table.get();
        out.tunnel_table_ref = options.tunnel_table;
        return out;
    }
    ActionDecodeOptions actions() const { return {options.tunnel_table.get()}; }
};

// A name of at most `size` - 1 bytes, padded with zeros.
void put_name(ByteWriter& out, std::string_view name, size_t size);
std::string take_name(ByteReader& in, size_t size);

// A property (type, length, body) of OpenFlow 1.4+; the length does not count the padding to 8.
struct Property {
    uint16_t type;
    ByteReader body;
};
OfError next_property(ByteReader& in, Property& out);
template <typename F>
void put_property(ByteWriter& out, uint16_t type, F&& body) {
    size_t at = out.size();
    out.u16(type);
    out.u16(0);
    body();
    out.patch_u16(at + 2, static_cast<uint16_t>(out.size() - at));
    out.pad(8, at);
}

#define WEFT_MESSAGE(T) void encode(const T& body, EncodeContext& c)
WEFT_MESSAGE(Hello);
WEFT_MESSAGE(ErrorMessage);
WEFT_MESSAGE(EchoRequest);
WEFT_MESSAGE(EchoReply);
WEFT_MESSAGE(BarrierRequest);
WEFT_MESSAGE(BarrierReply);
WEFT_MESSAGE(FeaturesRequest);
WEFT_MESSAGE(FeaturesReply);
WEFT_MESSAGE(GetConfigRequest);
WEFT_MESSAGE(GetConfigReply);
WEFT_MESSAGE(SetConfig);
WEFT_MESSAGE(PacketIn);
WEFT_MESSAGE(PacketOut);
WEFT_MESSAGE(Resume);
WEFT_MESSAGE(FlowMod);
WEFT_MESSAGE(FlowRemoved);
WEFT_MESSAGE(PortStatus);
WEFT_MESSAGE(PortMod);
WEFT_MESSAGE(TableMod);
WEFT_MESSAGE(GroupMod);
WEFT_MESSAGE(MeterMod);
WEFT_MESSAGE(DescRequest);
WEFT_MESSAGE(DescReply);
WEFT_MESSAGE(FlowStatsRequest);
WEFT_MESSAGE(FlowStatsReply);
WEFT_MESSAGE(AggregateStatsReply);
WEFT_MESSAGE(TableStatsRequest);
WEFT_MESSAGE(TableStatsReply);
WEFT_MESSAGE(TableDescRequest);
WEFT_MESSAGE(TableDescReply);
WEFT_MESSAGE(TableFeaturesRequest);
WEFT_MESSAGE(TableFeaturesReply);
WEFT_MESSAGE(PortDescRequest);
WEFT_MESSAGE(PortDescReply);
WEFT_MESSAGE(PortStatsRequest);
WEFT_MESSAGE(PortStatsReply);
WEFT_MESSAGE(QueueStatsRequest);
WEFT_MESSAGE(QueueStatsReply);
WEFT_MESSAGE(QueueConfigRequest);
WEFT_MESSAGE(QueueConfigReply);
WEFT_MESSAGE(GroupDescRequest);
WEFT_MESSAGE(GroupDescReply);
WEFT_MESSAGE(GroupStatsRequest);
WEFT_MESSAGE(GroupStatsReply);
WEFT_MESSAGE(GroupFeaturesRequest);
WEFT_MESSAGE(GroupFeaturesReply);
WEFT_MESSAGE(MeterConfigRequest);
WEFT_MESSAGE(MeterConfigReply);
WEFT_MESSAGE(MeterStatsRequest);
WEFT_MESSAGE(MeterStatsReply);
WEFT_MESSAGE(MeterFeaturesRequest);
WEFT_MESSAGE(MeterFeaturesReply);
WEFT_MESSAGE(FlowMonitorRequest);
WEFT_MESSAGE(FlowMonitorReply);
WEFT_MESSAGE(FlowMonitorCancel);
WEFT_MESSAGE(FlowMonitorPaused);
WEFT_MESSAGE(FlowMonitorResumed);
WEFT_MESSAGE(RoleRequest);
WEFT_MESSAGE(RoleReply);
WEFT_MESSAGE(RoleStatus);
WEFT_MESSAGE(TableStatus);
WEFT_MESSAGE(GetAsyncRequest);
WEFT_MESSAGE(GetAsyncReply);
WEFT_MESSAGE(SetAsync);
WEFT_MESSAGE(BundleControl);
WEFT_MESSAGE(BundleAdd);
WEFT_MESSAGE(SetFlowFormat);
WEFT_MESSAGE(FlowModTableId);
WEFT_MESSAGE(FlowAge);
WEFT_MESSAGE(SetPacketInFormat);
WEFT_MESSAGE(SetControllerId);
WEFT_MESSAGE(TlvTableMod);
WEFT_MESSAGE(TlvTableRequest);
WEFT_MESSAGE(TlvTableReply);
WEFT_MESSAGE(CtFlushZone);
WEFT_MESSAGE(CtFlush);
WEFT_MESSAGE(IpfixStatsRequest);
WEFT_MESSAGE(IpfixStatsReply);
WEFT_MESSAGE(VendorMessage);
#undef WEFT_MESSAGE

// One entry of a reply, without the message around it.
void encode_entry(const FlowStats& flow, const ActionList& actions, EncodeContext& c, bool nxm);
void encode_entry(const PortStats& stats, EncodeContext& c);
void encode_entry(const Port& port, EncodeContext& c);
void encode_entry(const QueueStats& stats, EncodeContext& c);
void encode_entry(const TableStats& stats, EncodeContext& c);
void encode_entry(const GroupStats& stats, EncodeContext& c);
void encode_entry(const GroupDesc& group, EncodeContext& c);
void encode_entry(const MeterStats& stats, EncodeContext& c);
void encode_entry(const MeterConfig& meter, EncodeContext& c);

// By family: false if the type (or vendor's subtype, or statistics) is none of its own.
bool decode_flow(uint8_t type, ByteReader& in, DecodeContext& c, Body& body, OfError& error);
bool decode_flow_nicira(uint32_t subtype, ByteReader& in, DecodeContext& c, Body& body, OfError& error);
bool decode_flow_stats(uint16_t type, bool nicira, bool reply, ByteReader& in, DecodeContext& c, Body& body,
                       OfError& error);
bool decode_packet(uint8_t type, ByteReader& in, DecodeContext& c, Body& body, OfError& error);
bool decode_packet_nicira(uint32_t subtype, ByteReader& in, DecodeContext& c, Body& body, OfError& error);
bool decode_port(uint8_t type, ByteReader& in, DecodeContext& c, Body& body, OfError& error);
bool decode_port_stats(uint16_t type, bool reply, ByteReader& in, DecodeContext& c, Body& body,
                       OfError& error);
bool decode_group(uint8_t type, ByteReader& in, DecodeContext& c, Body& body, OfError& error);
bool decode_group_stats(uint16_t type, bool reply, ByteReader& in, DecodeContext& c, Body& body,
                        OfError& error);
bool decode_group_nicira(uint32_t subtype, ByteReader& in, DecodeContext& c, Body& body, OfError& error);
bool decode_group_stats_nicira(uint32_t subtype, bool reply, ByteReader& in, DecodeContext& c, Body& body,
                               OfError& error);
bool decode_meter(uint8_t type, ByteReader& in, DecodeContext& c, Body& body, OfError& error);
bool decode_meter_stats(uint16_t type, bool reply, ByteReader& in, DecodeContext& c, Body& body,
                        OfError& error);
bool decode_switch(uint8_t type, ByteReader& in, DecodeContext& c, Body& body, OfError& error);
bool decode_switch_stats(uint16_t type, bool reply, ByteReader& in, DecodeContext& c, Body& body,
                         OfError& error);
bool decode_nicira(uint32_t subtype, ByteReader& in, DecodeContext& c, Body& body, OfError& error);
bool decode_ipfix_stats(uint32_t subtype, bool reply, ByteReader& in, DecodeContext& c, Body& body,
                        OfError& error);
bool decode_bundle(uint8_t type, ByteReader& in, DecodeContext& c, Body& body, OfError& error);
OfError decode_port_desc(ByteReader& in, Version version, Port& port);

inline OfError length_error(const ByteReader& in) {
    return in.ok() ? OfError::kNone : OfError::OFPBRC_BAD_LEN;
}

}  // namespace weft::openflow::messages
