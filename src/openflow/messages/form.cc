#include "openflow/messages/form.h"

#include <optional>
#include <span>

namespace weft::openflow::messages {
namespace {

// `size` bytes, then any number of `step` bytes (0: none), in the versions `first` to `last`.
struct Form {
    uint32_t kind;  // type, kind of statistics, or extension's number
    Version first, last;
    uint16_t size, step;
};

constexpr Version k10 = Version::k10, k11 = Version::k11, k12 = Version::k12, k13 = Version::k13,
                  k14 = Version::k14, k15 = Version::k15;

constexpr Form kTypes[] = {
    {kHello, k10, k15, 0, 1},
    {kError, k10, k15, 4, 1},
    {kEchoRequest, k10, k15, 0, 1},
    {kEchoReply, k10, k15, 0, 1},
    {kFeaturesRequest, k10, k15, 0, 0},
    {kFeaturesReply, k10, k10, 24, 48},
    {kFeaturesReply, k11, k12, 24, 64},
    {kFeaturesReply, k13, k15, 24, 0},
    {kGetConfigRequest, k10, k15, 0, 0},
    {kGetConfigReply, k10, k15, 4, 0},
    {kSetConfig, k10, k15, 4, 0},
    {kPacketIn, k10, k10, 10, 1},
    {kPacketIn, k11, k11, 16, 1},
    {kPacketIn, k12, k12, 8, 1},
    {kPacketIn, k13, k15, 16, 1},
    {kFlowRemoved, k10, k10, 80, 0},
    {kFlowRemoved, k11, k14, 40, 8},
    {kFlowRemoved, k15, k15, 16, 8},
    {kPortStatus, k10, k10, 56, 0},
    {kPortStatus, k11, k13, 72, 0},
    {kPortStatus, k14, k15, 48, 8},
    {kPacketOut, k10, k10, 8, 1},
    {kPacketOut, k11, k14, 16, 1},
    {kPacketOut, k15, k15, 8, 1},
    {kFlowMod, k10, k10, 64, 8},
    {kFlowMod, k11, k15, 40, 8},
    {kGroupMod, k11, k14, 8, 8},
    {kGroupMod, k15, k15, 16, 8},
    {kPortMod, k10, k10, 24, 0},
    {kPortMod, k11, k13, 32, 0},
    {kPortMod, k14, k15, 24, 8},
    {kTableMod, k11, k13, 8, 0},
    {kTableMod, k14, k15, 8, 8},
    {kBarrierRequest, k10, k15, 0, 0},
    {kBarrierReply, k10, k15, 0, 0},
    {kQueueConfigRequest, k10, k10, 4, 0},
    {kQueueConfigRequest, k11, k13, 8, 0},
    {kQueueConfigReply, k10, k13, 8, 8},
    {kRoleRequest, k12, k15, 16, 0},
    {kRoleReply, k12, k15, 16, 0},
    {kGetAsyncRequest, k13, k15, 0, 0},
    {kGetAsyncReply, k13, k13, 24, 0},
    {kGetAsyncReply, k14, k15, 0, 8},
    {kSetAsync, k13, k13, 24, 0},
    {kSetAsync, k14, k15, 0, 8},
    {kMeterMod, k13, k15, 8, 8},
    {kRoleStatus, k14, k15, 16, 8},
    {kTableStatus, k14, k15, 8, 8},
    {kRequestForward, k14, k15, 8, 8},
    {kBundleControl, k14, k15, 8, 8},
    {kBundleAdd, k14, k15, 8, 1},
};

constexpr Form kRequests[] = {
    {kStatsDesc, k10, k15, 0, 0},          {kStatsFlow, k10, k10, 44, 0},
    {kStatsFlow, k11, k15, 32, 8},         {kStatsAggregate, k10, k10, 44, 0},
    {kStatsAggregate, k11, k15, 32, 8},    {kStatsTable, k10, k15, 0, 0},
    {kStatsPort, k10, k15, 8, 0},          {kStatsQueue, k10, k15, 8, 0},
    {kStatsGroup, k11, k15, 8, 0},         {kStatsGroupDesc, k11, k14, 0, 0},
    {kStatsGroupDesc, k15, k15, 8, 0},     {kStatsGroupFeatures, k12, k15, 0, 0},
    {kStatsMeter, k13, k15, 8, 0},         {kStatsMeterConfig, k13, k15, 8, 0},
    {kStatsMeterFeatures, k13, k15, 0, 0}, {kStatsTableFeatures, k13, k15, 0, 8},
    {kStatsPortDesc, k10, k14, 0, 0},      {kStatsPortDesc, k15, k15, 8, 0},
    {kStatsTableDesc, k14, k15, 0, 0},     {kStatsQueueDesc, k14, k15, 8, 0},
    {kStatsFlowMonitor, k14, k15, 0, 8},
};

constexpr Form kReplies[] = {
    {kStatsDesc, k10, k15, 1056, 0},        {kStatsFlow, k10, k15, 0, 1},
    {kStatsAggregate, k10, k14, 24, 0},     {kStatsAggregate, k15, k15, 0, 1},
    {kStatsTable, k10, k10, 0, 64},         {kStatsTable, k11, k11, 0, 88},
    {kStatsTable, k12, k12, 0, 128},        {kStatsTable, k13, k15, 0, 24},
    {kStatsPort, k10, k12, 0, 104},         {kStatsPort, k13, k13, 0, 112},
    {kStatsPort, k14, k15, 0, 8},           {kStatsQueue, k10, k12, 0, 32},
    {kStatsQueue, k13, k13, 0, 40},         {kStatsQueue, k14, k15, 0, 8},
    {kStatsGroup, k11, k15, 0, 8},          {kStatsGroupDesc, k11, k15, 0, 8},
    {kStatsGroupFeatures, k12, k15, 40, 0}, {kStatsMeter, k13, k15, 0, 8},
    {kStatsMeterConfig, k13, k15, 0, 8},    {kStatsMeterFeatures, k13, k15, 16, 0},
    {kStatsTableFeatures, k13, k15, 64, 8}, {kStatsPortDesc, k10, k10, 0, 48},
    {kStatsPortDesc, k11, k13, 0, 64},      {kStatsPortDesc, k14, k15, 0, 8},
    {kStatsTableDesc, k14, k15, 8, 8},      {kStatsQueueDesc, k14, k15, 0, 8},
    {kStatsFlowMonitor, k14, k15, 0, 8},
};

constexpr Form kNicira[] = {
    {kNxRoleRequest, k10, k15, 4, 0},
    {kNxRoleReply, k10, k15, 4, 0},
    {kNxSetFlowFormat, k10, k10, 4, 0},
    {kNxFlowMod, k10, k15, 32, 8},
    {kNxFlowRemoved, k10, k15, 40, 8},
    {kNxFlowModTableId, k10, k15, 8, 0},
    {kNxSetPacketInFormat, k10, k15, 4, 0},
    {kNxPacketIn, k10, k15, 24, 1},
    {kNxFlowAge, k10, k15, 0, 0},
    {kNxSetAsync, k10, k15, 24, 0},
    {kNxSetControllerId, k10, k15, 8, 0},
    {kNxMonitorCancel, k10, k12, 4, 0},
    {kNxMonitorPaused, k10, k12, 0, 0},
    {kNxMonitorResumed, k10, k12, 0, 0},
    {kNxTlvMod, k10, k15, 8, 8},
    {kNxTlvRequest, k10, k15, 0, 0},
    {kNxTlvReply, k10, k15, 16, 8},
    {kNxSetAsync2, k10, k13, 0, 8},
    {kNxResume, k10, k15, 8, 8},
    {kNxCtFlushZone, k10, k15, 8, 0},
    {kNxPacketIn2, k10, k15, 0, 8},
    {kNxGroupMod, k10, k10, 16, 8},
    {kNxCtFlush, k10, k15, 8, 8},
};

constexpr Form kOnf[] = {
    {kOnfMonitorCancel, k13, k13, 4, 0},  {kOnfMonitorPaused, k13, k13, 0, 0},
    {kOnfMonitorResumed, k13, k13, 0, 0}, {kOnfBundleControl, k13, k13, 8, 8},
    {kOnfBundleAdd, k13, k13, 8, 1},
};

// Statistics.
constexpr Form kNiciraRequests[] = {
    {0, k10, k10, 8, 8},
    {1, k10, k10, 8, 8},
    {2, k10, k12, 0, 8},
    {3, k10, k15, 0, 0},
    {4, k10, k15, 0, 0},
    {kNxStatsGroup, k10, k10, 8, 0},
    {kNxStatsGroupDesc, k10, k10, 8, 0},
    {kNxStatsGroupFeatures, k10, k11, 0, 0},
};
constexpr Form kNiciraReplies[] = {
    {0, k10, k10, 0, 1},
    {1, k10, k10, 24, 0},
    {2, k10, k12, 0, 8},
    {3, k10, k15, 88, 0},
    {4, k10, k15, 0, 88},
    {kNxStatsGroup, k10, k10, 0, 8},
    {kNxStatsGroupDesc, k10, k10, 0, 8},
    {kNxStatsGroupFeatures, k10, k11, 40, 0},
};
constexpr Form kOnfRequests[] = {{kOnfFlowMonitor, k13, k13, 0, 8}};
constexpr Form kOnfReplies[] = {{kOnfFlowMonitor, k13, k13, 0, 8}};

OfError check(std::span<const Form> forms, Version version, uint32_t kind, size_t size, OfError unknown) {
    for (const Form& form : forms) {
        if (form.kind != kind || version < form.first || version > form.last) continue;
        bool fits =
            size >= form.size && (form.step ? (size - form.size) % form.step == 0 : size == form.size);
        return fits ? OfError::kNone : OfError::OFPBRC_BAD_LEN;
    }
    return unknown;
}

OfError check_vendor(Version version, ByteReader in) {
    uint32_t vendor = in.u32(), subtype = in.u32();
    if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (vendor != kVendorNicira && vendor != kVendorOnf) return OfError::OFPBRC_BAD_VENDOR;
    std::span<const Form> forms = vendor == kVendorOnf ? std::span<const Form>(kOnf) : kNicira;
    return check(forms, version, subtype, in.size(), OfError::OFPBRC_BAD_SUBTYPE);
}

OfError check_stats(Version version, bool reply, ByteReader in) {
    uint16_t kind = in.u16();
    in.skip(version == Version::k10 ? 2 : 6);
    if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
    if (kind != kStatsVendor) {
        std::span<const Form> forms = reply ? std::span<const Form>(kReplies) : kRequests;
        return check(forms, version, kind, in.size(), OfError::OFPBRC_BAD_STAT);
    }
    uint32_t vendor = in.u32();
    bool other = vendor != kVendorNicira && !(vendor == kVendorOnf && version == Version::k13);
    if (version == Version::k10 && in.ok() && other) return OfError::OFPBRC_BAD_VENDOR;
    uint32_t subtype = in.u32();
    if (in.ok() && other) return OfError::OFPBRC_BAD_VENDOR;
    if (version == Version::k10) in.skip(4);
    if (!in.ok()) return OfError::OFPBRC_BAD_LEN;
    std::span<const Form> forms;
    if (vendor == kVendorNicira) {
        forms = reply ? std::span<const Form>(kNiciraReplies) : kNiciraRequests;
    } else {
        forms = reply ? std::span<const Form>(kOnfReplies) : kOnfRequests;
    }
    return check(forms, version, subtype, in.size(), OfError::OFPBRC_BAD_SUBTYPE);
}

struct VendorType {
    uint32_t vendor, subtype;
};
// Of a message of type kVendor; nullopt: it is cut.
std::optional<VendorType> vendor_type(ByteView body) {
    if (body.size() < 8) return std::nullopt;
    return VendorType{load_be32(body.data()), load_be32(body.data() + 4)};
}

}  // namespace

bool is_from_switch(uint8_t type, ByteView body) {
    switch (type) {
        case kError:
        case kFeaturesReply:
        case kGetConfigReply:
        case kPacketIn:
        case kFlowRemoved:
        case kPortStatus:
        case kStatsReply:
        case kBarrierReply:
        case kQueueConfigReply:
        case kRoleReply:
        case kGetAsyncReply:
        case kRoleStatus:
        case kTableStatus:
        case kRequestForward:
            return true;
        case kVendor:
            break;
        default:
            return false;
    }
    auto of = vendor_type(body);
    if (!of) return false;
    if (of->vendor == kVendorOnf)
        return of->subtype == kOnfMonitorPaused || of->subtype == kOnfMonitorResumed;
    if (of->vendor != kVendorNicira) return false;
    switch (of->subtype) {
        case kNxRoleReply:
        case kNxFlowRemoved:
        case kNxPacketIn:
        case kNxMonitorPaused:
        case kNxMonitorResumed:
        case kNxTlvReply:
        case kNxPacketIn2:
            return true;
        default:
            return false;
    }
}

bool is_for_primary(uint8_t type, ByteView body) {
    switch (type) {
        case kFlowMod:
        case kGroupMod:
        case kMeterMod:
        case kPortMod:
        case kTableMod:
        case kPacketOut:
        case kBundleControl:
        case kBundleAdd:
            return true;
        case kVendor:
            break;
        default:
            return false;
    }
    auto of = vendor_type(body);
    if (!of) return false;
    if (of->vendor == kVendorOnf) return of->subtype == kOnfBundleControl || of->subtype == kOnfBundleAdd;
    return of->vendor == kVendorNicira &&
           (of->subtype == kNxFlowMod || of->subtype == kNxTlvMod || of->subtype == kNxCtFlush);
}

OfError check_form(Version version, uint8_t type, ByteView body) {
    if (type == kVendor) return check_vendor(version, ByteReader(body));
    if (type == kStatsRequest || type == kStatsReply)
        return check_stats(version, type == kStatsReply, ByteReader(body));
    return check(kTypes, version, type, body.size(), OfError::OFPBRC_BAD_TYPE);
}

}  // namespace weft::openflow::messages
