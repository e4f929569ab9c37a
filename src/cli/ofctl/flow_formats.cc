#include "cli/ofctl/flow_formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "openflow/action_check.h"
#include "openflow/match.h"
#include "packet/ethernet.h"

namespace weft::cli::ofctl {

namespace {

struct Name {
    std::string_view name;
    uint32_t formats;
};
constexpr Name kCollections[] = {
    {"any", kAnyFormat},
    {"OpenFlow10", kOpenFlow10 | kOpenFlow10Table},
    {"NXM", kNxm | kNxmTable},
    {"OXM", kOxm12 | kOxm13 | kOxm14 | kOxm15},
};
constexpr Name kSingle[] = {
    {"OpenFlow10-table_id", kOpenFlow10},
    {"OpenFlow10+table_id", kOpenFlow10Table},
    {"NXM-table_id", kNxm},
    {"NXM+table_id", kNxmTable},
    {"OpenFlow11", kOpenFlow11},
    {"OXM-OpenFlow12", kOxm12},
    {"OXM-OpenFlow13", kOxm13},
    {"OXM-OpenFlow14", kOxm14},
    {"OXM-OpenFlow15", kOxm15},
};

std::optional<uint32_t> format_called(std::string_view name) {
    for (const Name& one : kCollections) {
        if (one.name == name) return one.formats;
    }
    for (const Name& one : kSingle) {
        if (one.name == name && one.formats != kOpenFlow11) return one.formats;
    }
    return std::nullopt;
}

}  // namespace

Result<uint32_t> parse_flow_formats(std::string_view list) {
    uint32_t out = 0;
    for (size_t at = 0; at <= list.size();) {
        size_t end = std::min(list.find(',', at), list.size());
        std::string_view name = list.substr(at, end - at);
        at = end + 1;
        auto formats = format_called(name);
        if (!formats) return Error{fmt::format("{}: unknown flow protocol", name)};
        out |= *formats;
    }
    return out;
}

std::string flow_formats_text(uint32_t formats) {
    std::string out;
    auto take = [&](const Name& one) {
        if (!formats || (formats & one.formats) != one.formats) return;
        out += (out.empty() ? "" : ",") + std::string(one.name);
        formats &= ~one.formats;
    };
    for (const Name& one : kCollections) take(one);
    for (const Name& one : kSingle) take(one);
    return out;
}

namespace {

using openflow::Version;
constexpr std::pair<Version, uint32_t> kOfVersions[] = {
    {Version::k10, kOpenFlow10 | kOpenFlow10Table | kNxm | kNxmTable},
    {Version::k11, kOpenFlow11},
    {Version::k12, kOxm12},
    {Version::k13, kOxm13},
    {Version::k14, kOxm14},
    {Version::k15, kOxm15}};

std::string versions_text(uint32_t versions) {
    std::string out;
    for (Version version : openflow::kAllVersions) {
        if (versions & version_bit(version))
            out += (out.empty() ? "" : ", ") + std::string(version_name(version));
    }
    return out;
}

}  // namespace

Error none_usable(uint32_t usable, uint32_t allowed) {
    return Error{fmt::format("none of the usable flow formats ({}) is among the allowed flow formats ({})",
                             flow_formats_text(usable), flow_formats_text(allowed))};
}

uint32_t formats_of(uint32_t versions) {
    uint32_t out = 0;
    for (auto [version, formats] : kOfVersions) {
        if (versions & version_bit(version)) out |= formats;
    }
    return out;
}

openflow::FlowFormat flow_format_of(uint32_t format) {
    openflow::FlowFormat out;
    for (auto [version, formats] : kOfVersions) {
        if (format & formats) out.version = version;
    }
    out.nxm = format & (kNxm | kNxmTable);
    out.table_id = format & (kOpenFlow10Table | kNxmTable);
    return out;
}

Result<uint32_t> versions_with(uint32_t formats, uint32_t versions) {
    uint32_t out = 0;
    for (auto [version, own] : kOfVersions) {
        if ((versions & version_bit(version)) && (own & formats)) out |= version_bit(version);
    }
    if (out) return out;
    return Error{fmt::format(
        "None of the enabled OpenFlow versions ({}) supports any of the enabled flow formats ({}).  "
        "(Use -O to enable additional OpenFlow versions or -F to enable additional flow formats.)",
        versions_text(versions), flow_formats_text(formats))};
}

namespace {

constexpr uint32_t kFixed10 = kOpenFlow10 | kOpenFlow10Table, kFixed11 = kOpenFlow11;

// Those that have the fields of the match, whatever these mean.
uint32_t formats_of_match(const openflow::Match& match) {
    uint32_t out = kAnyFormat;
    ByteWriter unused;
    if (!openflow::encode_ofp10_match(match, unused)) out &= ~kFixed10;
    if (!openflow::encode_ofp11_match(match, unused)) out &= ~kFixed11;
    auto partly = [](uint16_t mask) { return mask && mask != 0xffff; };
    if (partly(match.mask.tp_src) || partly(match.mask.tp_dst) || match.mask.packet_type)
        out &= ~(kFixed10 | kFixed11);
    return out;
}

// Those in which the field is one (ovs-fields(7), "OpenFlow 1.0", "OpenFlow 1.1").
uint32_t formats_of_field(const openflow::SetField& set) {
    using openflow::Prerequisite;
    const openflow::Field& field = openflow::field(set.field);
    openflow::Match match;
    openflow::FieldValue value, mask;
    set.get(value, mask);
    match.set(field, value, openflow::FieldValue::all_ones(field));
    uint32_t out = formats_of_match(match);
    if (set.field == openflow::FieldId::kIpEcn) out |= kFixed11;  // OpenFlow 1.1 writes it, but matches not
    switch (field.prerequisite) {
        case Prerequisite::kSctp:
            return out & ~kFixed10;
        case Prerequisite::kIcmpv6:
        case Prerequisite::kNd:
        case Prerequisite::kNdSolicit:
        case Prerequisite::kNdAdvert:
            return out & ~(kFixed10 | kFixed11);
        default:
            return out;
    }
}

uint32_t formats_of_actions(const openflow::ActionList& actions) {
    uint32_t out = kAnyFormat;
    for (const openflow::Action& action : actions) {
        if (auto* set = openflow::action_cast<openflow::SetField>(action); set && !set->load)
            out &= formats_of_field(*set);
        if (openflow::action_cast<openflow::Meter>(action) || openflow::action_cast<openflow::Encap>(action))
            out &= kOxm13 | kOxm14 | kOxm15;
        if (openflow::action_cast<openflow::WriteMetadata>(action)) out &= ~kFixed10;
        // OpenFlow 1.0 adds a tag by giving it a value.
        if (openflow::action_cast<openflow::PushVlan>(action)) out &= ~(kFixed10 | kNxm | kNxmTable);
        if (auto* clone = openflow::action_cast<openflow::Clone>(action))
            out &= formats_of_actions(clone->actions);
        if (auto* write = openflow::action_cast<openflow::WriteActions>(action))
            out &= formats_of_actions(write->actions);
        if (auto* ct = openflow::action_cast<openflow::Ct>(action)) out &= formats_of_actions(ct->actions);
    }
    return out;
}

}  // namespace

uint32_t usable_formats(const openflow::FlowMod& mod) {
    const packet::Flow &value = mod.match.value, &mask = mod.match.mask;
    uint32_t out = formats_of_match(mod.match) & formats_of_actions(mod.actions);
    // The fixed forms know of IPv6 no more than the Ethertype.
    if (mask.dl_type && value.dl_type == packet::ethernet::kIpv6 &&
        (mask.nw_proto || mask.nw_tos || mask.tp_src || mask.tp_dst))
        out &= ~(kFixed10 | kFixed11);
    if (mod.flags & openflow::kFlowResetCounts) out &= kOxm12 | kOxm13 | kOxm14 | kOxm15;
    if (mod.flags & (openflow::kFlowNoPacketCounts | openflow::kFlowNoByteCounts))
        out &= kOxm13 | kOxm14 | kOxm15;
    if (!openflow::consistent(mod.actions, mod.match)) out &= formats_of(version_bit(openflow::Version::k10));
    if (mod.table != openflow::kTableAll) out &= ~(kOpenFlow10 | kNxm);
    return out;
}

}  // namespace weft::cli::ofctl
