#include "switch/ofproto/default_packet_type.h"

#include <cstddef>

#include "packet/flow.h"

namespace weft::vswitch {

void set_default_packet_type(openflow::Match& match) {
    packet::Flow& mask = match.mask;
    if (mask.packet_type) return;
    constexpr size_t from = offsetof(packet::Flow, dl_dst), to = offsetof(packet::Flow, mpls_lse);
    const auto* bytes = reinterpret_cast<const uint8_t*>(&mask);
    for (size_t i = from; i < to; ++i) {
        if (!bytes[i]) continue;
        match.value.packet_type = 0;
        mask.packet_type = ~0u;
        return;
    }
}

}  // namespace weft::vswitch
