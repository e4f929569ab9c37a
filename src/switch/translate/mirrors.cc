// Copies for mirrors (ofproto/mirror.h).

#include <fmt/core.h>

#include "switch/translate/walk.h"

namespace weft::vswitch {

// The packet came in by `from`, as it still is.
void Walk::mirror_input(const Bundle& from) {
    uint32_t chosen = 0;
    for (size_t i = 0; i < bridge_->mirrors().size(); ++i)
        if (bridge_->mirrors()[i].takes_from(from.name)) chosen |= 1u << i;
    mirror(chosen, from);
}

// The packet went out of `to`, as it is now.
void Walk::mirror_output(const Bundle& to) {
    uint32_t chosen = 0;
    for (size_t i = 0; i < bridge_->mirrors().size(); ++i)
        if (bridge_->mirrors()[i].takes_to(to.name)) chosen |= 1u << i;
    mirror(chosen, to);
}

// Whether the packet, as it is now, is one that the filter wants.
bool Walk::wanted(const openflow::Match& filter) {
    const uint64_t *value = packet::words(filter.value), *compared = packet::words(filter.mask);
    for (size_t i = 0; i < packet::kFlowWords; ++i) {
        packet::words(mask_)[i] |= compared[i];
        if ((packet::words(flow_)[i] ^ value[i]) & compared[i]) return false;
    }
    return true;
}

void Walk::mirror(uint32_t chosen, const Bundle& bundle) {
    chosen &= ~mirrored_;
    if (!chosen) return;
    uint16_t vlan = 0;
    if (!input_vlan(bundle, vlan)) return;  // a VLAN that the port does not have
    uint32_t truncate = truncate_;
    for (size_t i = 0; i < bridge_->mirrors().size(); ++i) {
        const Mirror& mirror = bridge_->mirrors()[i];
        if (!(chosen & 1u << i) || (mirrored_ & 1u << i)) continue;
        if (in_.flow.vlans[0].tci && (!mirror.every_vlan || mirror.output_vlan))
            mask_.vlans[0].tci |= packet::kVlanVidMask | packet::kVlanCfi;
        if (!mirror.every_vlan && !mirror.vlans.test(vlan)) continue;
        if (mirror.filter && !wanted(*mirror.filter)) continue;
        mirrored_ |= 1u << i;
        note(EffectCache::CountMirror{bridge_, mirror.name});
        truncate_ = mirror.snaplen;
        if (!mirror.output.empty()) {
            if (Bundle* output = bridge_->find_bundle(mirror.output)) output_normal(*output, vlan, true);
        } else if (vlan != *mirror.output_vlan) {
            for (const auto& [name, output] : bridge_->bundles()) {
                if (!bridge_->mirrors_to(name)) output_normal(*output, *mirror.output_vlan, true);
            }
        }
    }
    truncate_ = truncate;
}

}  // namespace weft::vswitch
