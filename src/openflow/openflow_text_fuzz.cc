// Any text as a flow, a group, a meter or a packet-out of ovs-ofctl(8): refused, or something that has the
// same text after it went over the wire.

#include <cstdint>
#include <cstdlib>

#include "openflow/message.h"

using namespace weft::openflow;

namespace {

template <typename Command>
void round_trip(const Command& command) {
    for (Version version : {Version::k10, Version::k13, Version::k15}) {
        Message again, once_more;
        if (decode(encode(version, 1, command), {}, again) != OfError::kNone)
            continue;  // not in this version
        weft::Bytes bytes = encode(again);
        if (decode(bytes, {}, once_more) != OfError::kNone || to_string(once_more) != to_string(again))
            std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    if (auto flow = parse_flow_mod(text, FlowMod::Command::kAdd)) round_trip(*flow);
    if (auto flow = parse_flow_mod_any(text)) round_trip(*flow);
    if (auto group = parse_group_mod(text, GroupMod::Command::kAdd)) round_trip(*group);
    if (auto meter = parse_meter_mod(text, MeterMod::Command::kAdd)) round_trip(*meter);
    if (auto packet = parse_packet_out(text)) round_trip(*packet);
    return 0;
}
