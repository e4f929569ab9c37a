// The dispatchers of messages/*.

#include "openflow/message.h"

#include "openflow/messages/codec.h"
#include "openflow/messages/form.h"

namespace weft::openflow::messages {

namespace {
constexpr uint8_t kNo10 = 0xff;
// OpenFlow 1.0's numbers for 1.1+'s types.
constexpr uint8_t kType10[] = {0,  1,  2,  3,     4,  5,     6,  7,  8,  9,  10, 11,
                               12, 13, 14, kNo10, 15, kNo10, 16, 17, 18, 19, 20, 21};
}  // namespace

uint8_t wire_type(Version version, uint8_t type) {
    if (version != Version::k10) return type;
    return type < std::size(kType10) ? kType10[type] : kNo10;
}

std::optional<uint8_t> type_of_wire(Version version, uint8_t wire) {
    if (version != Version::k10) return wire <= kBundleAdd ? std::optional(wire) : std::nullopt;
    for (uint8_t i = 0; i < std::size(kType10); i++) {
        if (kType10[i] == wire && wire != kNo10) return i;
    }
    return std::nullopt;
}

void EncodeContext::stats(uint16_t t, bool reply, bool more) {
    type(reply ? kStatsReply : kStatsRequest);
    out.u16(t);
    out.u16(more ? 1 : 0);
    if (version != Version::k10) out.u32(0);
}

void EncodeContext::nicira_stats(uint32_t subtype, bool reply, bool more) {
    stats(kStatsVendor, reply, more);
    out.u32(kVendorNicira);
    out.u32(subtype);
    if (version == Version::k10) out.u32(0);
}

void put_name(ByteWriter& out, std::string_view name, size_t size) {
    name = name.substr(0, size - 1);
    out.bytes(as_bytes(name));
    out.zeros(size - name.size());
}

std::string take_name(ByteReader& in, size_t size) {
    ByteView bytes = in.bytes(size);
    size_t length = 0;
    while (length < bytes.size() && bytes[length]) length++;
    return {reinterpret_cast<const char*>(bytes.data()), length};
}

OfError next_property(ByteReader& in, Property& out) {
    out.type = in.u16();
    uint16_t length = in.u16();
    size_t padded = (length + 7u) / 8 * 8;
    bool experimenter = out.type == 0xffff;  // which says whose it is
    if (!in.ok() || length < (experimenter ? 12 : 4) || in.size() + 4 < padded)
        return OfError::OFPBPC_BAD_LEN;
    out.body = ByteReader(in.bytes(padded - 4).first(length - 4u));
    return OfError::kNone;
}

namespace {

OfError decode_vendor(ByteReader& in, DecodeContext& c, Body& body) {
    uint32_t vendor = in.u32(), subtype = in.u32();
    if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
    OfError error = OfError::kNone;
    if (vendor == kVendorNicira) {
        if (decode_flow_nicira(subtype, in, c, body, error) ||
            decode_packet_nicira(subtype, in, c, body, error) ||
            decode_group_nicira(subtype, in, c, body, error) || decode_nicira(subtype, in, c, body, error)) {
            return error;
        }
        return OfError::OFPBRC_BAD_SUBTYPE;
    }
    if (vendor == kVendorOnf) {
        if (subtype == kOnfBundleControl && decode_bundle(kBundleControl, in, c, body, error)) return error;
        if (subtype == kOnfMonitorCancel) return decode_nicira(kNxMonitorCancel, in, c, body, error), error;
        if (subtype == kOnfMonitorPaused) return decode_nicira(kNxMonitorPaused, in, c, body, error), error;
        if (subtype == kOnfMonitorResumed) return decode_nicira(kNxMonitorResumed, in, c, body, error), error;
        if (subtype == kOnfBundleAdd && decode_bundle(kBundleAdd, in, c, body, error)) return error;
        return OfError::OFPBRC_BAD_SUBTYPE;
    }
    return OfError::OFPBRC_BAD_VENDOR;
}

OfError decode_stats(bool reply, ByteReader& in, DecodeContext& c, Body& body) {
    uint16_t type = in.u16();
    c.more = in.u16() & 1;
    if (c.version != Version::k10) in.skip(4);
    if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
    OfError error = OfError::kNone;
    if (type == kStatsVendor) {
        uint32_t vendor = in.u32(), subtype = in.u32();
        if (c.version == Version::k10) in.skip(4);
        if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
        if (vendor == kVendorOnf) {  // the one kind that there is
            decode_flow_stats(kStatsFlowMonitor, true, reply, in, c, body, error);
            return error;
        }
        if (vendor != kVendorNicira) return OfError::OFPBRC_BAD_VENDOR;
        if (decode_ipfix_stats(subtype, reply, in, c, body, error)) return error;
        if (decode_group_stats_nicira(subtype, reply, in, c, body, error)) return error;
        uint16_t as = subtype == 0   ? kStatsFlow
                      : subtype == 1 ? kStatsAggregate
                      : subtype == 2 ? kStatsFlowMonitor
                                     : 99;
        return decode_flow_stats(as, true, reply, in, c, body, error) ? error : OfError::OFPBRC_BAD_SUBTYPE;
    }
    bool known = decode_flow_stats(type, false, reply, in, c, body, error) ||
                 decode_port_stats(type, reply, in, c, body, error) ||
                 decode_group_stats(type, reply, in, c, body, error) ||
                 decode_meter_stats(type, reply, in, c, body, error) ||
                 decode_switch_stats(type, reply, in, c, body, error);
    return known ? error : OfError::OFPBRC_BAD_STAT;
}

}  // namespace

}  // namespace weft::openflow::messages

namespace weft::openflow {

Body::Body() = default;
Body::Body(const Body& other) = default;
Body::Body(Body&& other) noexcept = default;
Body& Body::operator=(const Body& other) = default;
Body& Body::operator=(Body&& other) noexcept = default;
Body::~Body() = default;

using namespace messages;  // NOLINT: the families' functions

bool peek_header(ByteView bytes, Header& header) {
    if (bytes.size() < kHeaderBytes) return false;
    header = {bytes[0], bytes[1], load_be16(bytes.data() + 2), load_be32(bytes.data() + 4)};
    return true;
}

OfError decode(ByteView bytes, const DecodeOptions& options, Message& message) {
    Header header;
    if (!peek_header(bytes, header)) return OfError::OFPBRC_BAD_LEN;
    message.xid = header.xid;
    if (header.type == kHello) {
        // A hello of any version is understood.
        message.version =
            header.version >= 1 && header.version <= 6 ? static_cast<Version>(header.version) : Version::k10;
    } else if (header.version < 1 || header.version > 6) {
        return OfError::OFPBRC_BAD_VERSION;
    } else {
        message.version = static_cast<Version>(header.version);
    }
    if (header.length < kHeaderBytes || header.length > bytes.size()) return OfError::OFPBRC_BAD_LEN;
    auto type =
        header.type == kHello ? std::optional<uint8_t>(kHello) : type_of_wire(message.version, header.type);
    if (!type) return OfError::OFPBRC_BAD_TYPE;
    ByteView rest = bytes.subspan(kHeaderBytes, header.length - kHeaderBytes);
    if (OfError error = messages::check_form(message.version, *type, rest); error != OfError::kNone)
        return error;
    ByteReader in(rest);
    messages::DecodeContext context{message.version, options};
    OfError error = OfError::kNone;
    if (*type == kVendor) return decode_vendor(in, context, message.body);
    if (*type == kStatsRequest || *type == kStatsReply)
        return decode_stats(*type == kStatsReply, in, context, message.body);
    if (*type == kHello) {
        Hello hello;
        for (unsigned v = 1; v <= header.version && v <= 31; v++) hello.versions |= 1u << v;
        while (in.size() >= 4) {
            uint16_t element = in.u16(), length = in.u16();
            if (length < 4 || in.size() + 4u < length) break;
            ByteReader data = in.sub(length - 4u);
            if (element == 1 && length >= 8) {
                uint32_t bitmap = data.u32();
                if (bitmap) hello.versions = bitmap;
            }
            in.skip((length + 7u) / 8 * 8 - length);
        }
        message.body = hello;
        return OfError::kNone;
    }
    bool known = decode_flow(*type, in, context, message.body, error) ||
                 decode_packet(*type, in, context, message.body, error) ||
                 decode_port(*type, in, context, message.body, error) ||
                 decode_group(*type, in, context, message.body, error) ||
                 decode_meter(*type, in, context, message.body, error) ||
                 decode_switch(*type, in, context, message.body, error) ||
                 decode_bundle(*type, in, context, message.body, error);
    return known ? error : OfError::OFPBRC_BAD_TYPE;
}

namespace {

void put_header(ByteWriter& out, Version version, uint32_t xid) {
    out.u8(static_cast<uint8_t>(version));
    out.u8(0);
    out.u16(0);
    out.u32(xid);
}

Bytes finish(messages::EncodeContext& c) {
    if (!c.ok || c.out.size() > 0xffff) return {};
    c.out.patch_u16(2, static_cast<uint16_t>(c.out.size()));
    return c.out.take();
}

}  // namespace

Bytes encode(const Message& message) {
    ByteWriter out;
    put_header(out, message.version, message.xid);
    messages::EncodeContext context{message.version, out};
    std::visit([&](const auto& body) { messages::encode(body, context); }, message.body);
    return finish(context);
}

bool can_encode(const Message& message) {
    return !encode(message).empty();
}

Bytes encode_flow_mod(const FlowMod& mod, const FlowFormat& format, uint32_t xid) {
    ByteWriter out;
    put_header(out, format.version, xid);
    messages::EncodeContext context{format.version, out};
    context.flow_nxm = format.nxm;
    context.flow_table_id = format.table_id;
    messages::encode(mod, context);
    return finish(context);
}

Bytes encode_error(OfError error, ByteView request, size_t limit) {
    Header header;
    if (!peek_header(request, header)) return {};
    Version version =
        header.version >= 1 && header.version <= 6 ? static_cast<Version>(header.version) : Version::k10;
    size_t size = std::min({request.size(), limit, size_t{0xff00}});
    ErrorMessage body{error_code(error, version),
                      Bytes(request.begin(), request.begin() + static_cast<long>(size))};
    return encode(version, header.xid, std::move(body));
}

// Replies in parts.

namespace {
constexpr size_t kMaxReply = 0xffff;

uint16_t stats_type(MultipartWriter::Kind kind) {
    switch (kind) {
        case MultipartWriter::Kind::kFlow:
            return kStatsFlow;
        case MultipartWriter::Kind::kPort:
            return kStatsPort;
        case MultipartWriter::Kind::kPortDesc:
            return kStatsPortDesc;
        case MultipartWriter::Kind::kQueue:
            return kStatsQueue;
        case MultipartWriter::Kind::kTable:
            return kStatsTable;
        case MultipartWriter::Kind::kGroup:
            return kStatsGroup;
        case MultipartWriter::Kind::kGroupDesc:
            return kStatsGroupDesc;
        case MultipartWriter::Kind::kMeter:
            return kStatsMeter;
        case MultipartWriter::Kind::kMeterConfig:
            return kStatsMeterConfig;
    }
    return 0;
}
}  // namespace

MultipartWriter::MultipartWriter(Version version, uint32_t xid, Kind kind, bool nxm)
    : version_(version), xid_(xid), kind_(kind), nxm_(nxm) {
    begin();
}

void MultipartWriter::begin() {
    out_ = ByteWriter();
    put_header(out_, version_, xid_);
    messages::EncodeContext context{version_, out_};
    if (nxm_) {
        context.nicira_stats(0, true);
    } else if (version_ == Version::k10 && kind_ == Kind::kGroup) {
        context.nicira_stats(messages::kNxStatsGroup, true);
    } else if (version_ == Version::k10 && kind_ == Kind::kGroupDesc) {
        context.nicira_stats(messages::kNxStatsGroupDesc, true);
    } else {
        context.stats(stats_type(kind_), true);
    }
    body_start_ = out_.size();
}

void MultipartWriter::close(bool more) {
    out_.patch_u16(2, static_cast<uint16_t>(out_.size()));
    out_.patch_u16(kHeaderBytes + 2, more ? 1 : 0);
    full_.push_back(out_.take());
}

// The entry that was written from `start` on moves to a new message if this one has become too long.
void MultipartWriter::end_entry(size_t start) {
    if (out_.size() <= kMaxReply || start == body_start_) return;
    Bytes all = out_.take();
    Bytes entry(all.begin() + static_cast<long>(start), all.end());
    all.resize(start);
    out_ = ByteWriter(std::move(all));
    close(true);
    begin();
    out_.bytes(entry);
}

#define WEFT_ADD(T)                                      \
    void MultipartWriter::add(const T& entry) {          \
        size_t start = out_.size();                      \
        messages::EncodeContext context{version_, out_}; \
        encode_entry(entry, context);                    \
        end_entry(start);                                \
    }
WEFT_ADD(PortStats)
WEFT_ADD(Port)
WEFT_ADD(QueueStats)
WEFT_ADD(TableStats)
WEFT_ADD(GroupStats)
WEFT_ADD(GroupDesc)
WEFT_ADD(MeterStats)
WEFT_ADD(MeterConfig)
#undef WEFT_ADD

void MultipartWriter::add(const FlowStats& flow) {
    add(flow, flow.actions);
}

void MultipartWriter::add(const FlowStats& flow, const ActionList& actions) {
    size_t start = out_.size();
    messages::EncodeContext context{version_, out_};
    encode_entry(flow, actions, context, nxm_);
    end_entry(start);
}

std::vector<Bytes> MultipartWriter::finish() {
    close(false);
    return std::move(full_);
}

}  // namespace weft::openflow
