// Between the datapath's keys and OpenFlow's: in_port, and Geneve options against tun_metadata fields.

#include <cstring>

#include "switch/translate/translate.h"

namespace weft::vswitch {

namespace {

// Calls visit(class, type, payload offset, payload size) for each well-formed option (RFC 8926, 3.5).
template <typename Visit>
void for_each_option(const uint8_t* options, size_t size, Visit visit) {
    for (size_t at = 0; at + 4 <= size;) {
        size_t length = (options[at + 3] & 0x1f) * 4u;
        if (at + 4 + length > size) return;
        visit(load_be16(options + at), options[at + 2], at + 4, length);
        at += 4 + length;
    }
}

}  // namespace

packet::Flow to_openflow_key(const packet::Flow& key, const openflow::TunnelTable& table,
                             uint32_t ofp_in_port) {
    packet::Flow flow = key;
    flow.in_port = ofp_in_port;
    size_t size = key.tunnel.metadata_present;
    flow.tunnel.metadata_present = 0;
    flow.tunnel.metadata = {};
    uint64_t present = 0;
    for_each_option(key.tunnel.metadata.data(), std::min(size, key.tunnel.metadata.size()),
                    [&](uint16_t option_class, uint8_t type, size_t at, size_t length) {
                        auto index = table.find(option_class, type, static_cast<uint8_t>(length));
                        if (!index) return;
                        const auto* slot = table.slot(*index);
                        std::memcpy(flow.tunnel.metadata.data() + slot->offset,
                                    key.tunnel.metadata.data() + at, length);
                        present |= uint64_t{1} << *index;
                    });
    flow.tunnel.metadata_present = present;
    return flow;
}

packet::Flow to_datapath_mask(const packet::Flow& key, const packet::Flow& mask,
                              const openflow::TunnelTable& table) {
    packet::Flow out = mask;
    out.tunnel.metadata_present = 0;
    out.tunnel.metadata = {};
    bool any = mask.tunnel.metadata_present != 0;
    for (uint8_t byte : mask.tunnel.metadata) any |= byte != 0;
    if (any) {
        // The options' order, kinds and lengths, and the bits of their values that counted.
        out.tunnel.metadata_present = ~uint64_t{0};
        size_t size = std::min<size_t>(key.tunnel.metadata_present, key.tunnel.metadata.size());
        std::memset(out.tunnel.metadata.data(), 0xff, size);
        for_each_option(key.tunnel.metadata.data(), size,
                        [&](uint16_t option_class, uint8_t type, size_t at, size_t length) {
                            auto index = table.find(option_class, type, static_cast<uint8_t>(length));
                            if (!index) {
                                std::memset(out.tunnel.metadata.data() + at, 0, length);
                                return;
                            }
                            std::memcpy(out.tunnel.metadata.data() + at,
                                        mask.tunnel.metadata.data() + table.slot(*index)->offset, length);
                        });
    }
    match_tags(key, out);
    return out;
}

void match_tags(const packet::Flow& key, packet::Flow& mask) {
    mask.vlans[0].tci |= packet::kVlanCfi;
    if (!key.vlans[0].tci) return;
    mask.vlans[0].tpid = 0xffff;
    mask.vlans[1].tci |= packet::kVlanCfi;
    if (key.vlans[1].tci) mask.vlans[1].tpid = 0xffff;
}

packet::Tunnel to_datapath_tunnel(const packet::Tunnel& tunnel, const openflow::TunnelTable& table) {
    packet::Tunnel out = tunnel;
    out.metadata = {};
    size_t size = 0;
    for (unsigned i = 0; i < packet::kTunnelMetadataFields; ++i) {
        if (!(tunnel.metadata_present >> i & 1)) continue;
        const auto* slot = table.slot(i);
        if (!slot || !slot->known || size + 4 + slot->size > out.metadata.size()) continue;
        uint8_t* p = out.metadata.data() + size;
        store_be16(p, slot->option_class);
        p[2] = slot->option_type;
        p[3] = static_cast<uint8_t>(slot->size / 4);
        std::memcpy(p + 4, tunnel.metadata.data() + slot->offset, slot->size);
        size += 4u + slot->size;
    }
    out.metadata_present = size;
    return out;
}

}  // namespace weft::vswitch
