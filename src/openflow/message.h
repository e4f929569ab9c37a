// OpenFlow messages: one variant with a struct for each kind (messages/*.h), decoded from and encoded to the
// bytes of any version.
//
//     Message message;
//     if (OfError error = decode(bytes, options, message); error != OfError::kNone) reply(encode_error(...));
//     Bytes out = encode({Version::k15, xid, BarrierRequest{}});
//
// Requests and replies are different structs.  Decoding survives any bytes.  Encoding what a version lacks
// uses the Nicira or ONF extension for it where there is one; encoding a kind that a version has no form of
// at all yields no bytes, and can_encode() tells beforehand.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <variant>

#include "base/bytes.h"
#include "openflow/error.h"
#include "openflow/messages/bundle.h"
#include "openflow/messages/flow.h"
#include "openflow/messages/group.h"
#include "openflow/messages/meter.h"
#include "openflow/messages/nicira.h"
#include "openflow/messages/packet.h"
#include "openflow/messages/port.h"
#include "openflow/messages/switch.h"

namespace weft::openflow {

inline constexpr size_t kHeaderBytes = 8;

struct Header {
    uint8_t version = 0;
    uint8_t type = 0;
    uint16_t length = 0;
    uint32_t xid = 0;
};
// False if there are fewer than 8 bytes.
bool peek_header(ByteView bytes, Header& header);

using BodyVariant = std::variant<
    Hello, ErrorMessage, EchoRequest, EchoReply, BarrierRequest, BarrierReply, FeaturesRequest, FeaturesReply,
    GetConfigRequest, GetConfigReply, SetConfig, PacketIn, PacketOut, Resume, FlowMod, FlowRemoved,
    PortStatus, PortMod, TableMod, GroupMod, MeterMod,  //
    DescRequest, DescReply, FlowStatsRequest, FlowStatsReply, AggregateStatsReply, TableStatsRequest,
    TableStatsReply, TableDescRequest, TableDescReply, TableFeaturesRequest, TableFeaturesReply,
    PortDescRequest, PortDescReply, PortStatsRequest, PortStatsReply, QueueStatsRequest, QueueStatsReply,
    QueueConfigRequest, QueueConfigReply, GroupDescRequest, GroupDescReply, GroupStatsRequest,
    GroupStatsReply, GroupFeaturesRequest, GroupFeaturesReply, MeterConfigRequest, MeterConfigReply,
    MeterStatsRequest, MeterStatsReply, MeterFeaturesRequest, MeterFeaturesReply, FlowMonitorRequest,
    FlowMonitorReply, FlowMonitorCancel, FlowMonitorPaused, FlowMonitorResumed,  //
    RoleRequest, RoleReply, RoleStatus, TableStatus, GetAsyncRequest, GetAsyncReply, SetAsync, BundleControl,
    BundleAdd, SetFlowFormat, FlowModTableId, FlowAge, SetPacketInFormat, SetControllerId, TlvTableMod,
    TlvTableRequest, TlvTableReply, CtFlushZone, CtFlush, IpfixStatsRequest, IpfixStatsReply, VendorMessage>;

// As with Action: what would make every user compile code for all alternatives is done once, in message.cc.
struct Body : BodyVariant {
    Body();
    template <typename T>
        requires kIsAlternative<T, BodyVariant>
    Body(T value) : BodyVariant(std::in_place_type<T>, std::move(value)) {}  // NOLINT: implicit by design
    Body(const Body& other);
    Body(Body&& other) noexcept;
    Body& operator=(const Body& other);
    Body& operator=(Body&& other) noexcept;
    ~Body();

    const BodyVariant& variant() const { return *this; }
};

struct Message {
    Version version = Version::k10;
    uint32_t xid = 0;
    Body body;

    template <typename T>
    const T* get_if() const {
        return std::get_if<T>(&body);
    }
};

struct DecodeOptions {
    TunnelTableRef tunnel_table;     // the switch's; null: lay tun_metadata out as it comes
    bool flow_mod_table_id = false;  // OpenFlow 1.0: NXT_FLOW_MOD_TABLE_ID is on
    // If set, the flows of a FlowStatsReply go here one by one and are not kept in the message: who reads the
    // flows of a big switch needs the memory of one.  The flow may be taken from.
    std::function<void(FlowStats&)> each_flow;
};
// `bytes`: one whole message.  On error message.version and xid are set if the header could be read.
OfError decode(ByteView bytes, const DecodeOptions& options, Message& message);

// FlowMod and FlowStatsRequest in OpenFlow 1.0 use Nicira's forms when the match needs them; see
// encode_flow_mod().
Bytes encode(const Message& message);
inline Bytes encode(Version version, uint32_t xid, Body body) {
    return encode(Message{version, xid, std::move(body)});
}
bool can_encode(const Message& message);
// The answer to a message that failed: OFPT_ERROR with up to the first `limit` bytes of it.
Bytes encode_error(OfError error, ByteView request, size_t limit = 64);

// Text as `ovs-ofctl ofp-print` and `monitor` show a message, with a newline at its end.  verbosity 0…3, as
// -m.
std::string to_string(const Message& message, const Names* names = nullptr, int verbosity = 0);
// The same for bytes that may not decode: "***decode error: …***" and a hex dump.
std::string print(ByteView bytes, const Names* names = nullptr, int verbosity = 0);
// What tables can do; those of all messages of a reply together, since a table is compared with the one
// before.
void print_table_features(const std::vector<TableFeatures>& tables, Version version, std::string& out);
const char* message_name(const Message& message);  // "OFPT_FLOW_MOD", "OFPST_DESC request"

// Replies of any length, cut into messages of at most 64 kB as entries are added:
//
//     MultipartWriter writer(request.version, request.xid, MultipartWriter::Kind::kFlow);
//     for (flow : flows) writer.add(flow_stats);
//     for (Bytes& message : writer.finish()) send(message);
class MultipartWriter {
  public:
    enum class Kind : uint8_t {
        kFlow,
        kPort,
        kPortDesc,
        kQueue,
        kTable,
        kGroup,
        kGroupDesc,
        kMeter,
        kMeterConfig
    };
    // `nxm`: NXST_FLOW, the reply to a request in that form.
    MultipartWriter(Version version, uint32_t xid, Kind kind, bool nxm = false);
    void add(const FlowStats& flow);
    // The same with actions that are kept elsewhere, in the place of flow.actions.
    void add(const FlowStats& flow, const ActionList& actions);
    void add(const PortStats& stats);
    void add(const Port& port);
    void add(const QueueStats& stats);
    void add(const TableStats& stats);
    void add(const GroupStats& stats);
    void add(const GroupDesc& group);
    void add(const MeterStats& stats);
    void add(const MeterConfig& meter);
    // Messages that are full; the last one only by finish().
    bool has_full() const { return !full_.empty(); }
    std::vector<Bytes> take_full() { return std::exchange(full_, {}); }
    std::vector<Bytes> finish();

  private:
    void begin();
    void close(bool more);
    void end_entry(size_t start);

    Version version_;
    uint32_t xid_;
    Kind kind_;
    bool nxm_;
    ByteWriter out_;
    size_t body_start_ = 0;
    std::vector<Bytes> full_;
};

}  // namespace weft::openflow
