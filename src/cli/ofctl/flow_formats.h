// The ways to write a flow that -F allows (ovs-ofctl(8), --flow-format), and those that a flow can be written
// in.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "openflow/message.h"

namespace weft::cli::ofctl {

// A bit for each.  kOpenFlow11 cannot be asked for by name.
enum FlowFormats : uint32_t {
    kOpenFlow10 = 1,
    kOpenFlow10Table = 2,
    kNxm = 4,
    kNxmTable = 8,
    kOpenFlow11 = 16,
    kOxm12 = 32,
    kOxm13 = 64,
    kOxm14 = 128,
    kOxm15 = 256,
    kAnyFormat = 511
};

Result<uint32_t> parse_flow_formats(std::string_view list);  // "NXM,OXM-OpenFlow13"
std::string flow_formats_text(uint32_t formats);             // as short as can be
uint32_t formats_of(uint32_t versions);                      // version_bit()s
Error none_usable(uint32_t usable, uint32_t allowed);        // what to say if they have none in common
openflow::FlowFormat flow_format_of(uint32_t format);        // of one bit
// Of the versions those that have one of the formats.  Error: none has.
Result<uint32_t> versions_with(uint32_t formats, uint32_t versions);
// Those whose matches can say what the flow's says, in the table where it belongs.
uint32_t usable_formats(const openflow::FlowMod& mod);

}  // namespace weft::cli::ofctl
