#include "cli/ofctl/flow_formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "openflow/match.h"

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

uint32_t formats_of(uint32_t versions) {
    using openflow::Version;
    constexpr std::pair<Version, uint32_t> kOf[] = {
        {Version::k10, kOpenFlow10 | kOpenFlow10Table | kNxm | kNxmTable},
        {Version::k11, kOpenFlow11},
        {Version::k12, kOxm12},
        {Version::k13, kOxm13},
        {Version::k14, kOxm14},
        {Version::k15, kOxm15}};
    uint32_t out = 0;
    for (auto [version, formats] : kOf) {
        if (versions & openflow::version_bit(version)) out |= formats;
    }
    return out;
}

uint32_t usable_formats(const openflow::FlowMod& mod) {
    uint32_t out = kAnyFormat;
    ByteWriter unused;
    if (!openflow::encode_ofp10_match(mod.match, unused)) out &= ~(kOpenFlow10 | kOpenFlow10Table);
    if (!openflow::encode_ofp11_match(mod.match, unused)) out &= ~uint32_t{kOpenFlow11};
    if (mod.table != openflow::kTableAll) out &= ~(kOpenFlow10 | kNxm);
    return out;
}

}  // namespace weft::cli::ofctl
