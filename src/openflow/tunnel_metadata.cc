#include "openflow/tunnel_metadata.h"

namespace weft::openflow {

std::optional<unsigned> TunnelTable::find(uint16_t option_class, uint8_t option_type, uint8_t size) const {
    for (unsigned i = 0; i < slots_.size(); i++) {
        const Slot& slot = slots_[i];
        if (slot.size == size && slot.known && slot.option_class == option_class &&
            slot.option_type == option_type) {
            return i;
        }
    }
    return std::nullopt;
}

// First fit among the gaps: what was removed is used again.
std::optional<uint16_t> TunnelTable::allocate(uint8_t size) {
    uint16_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (const Slot& slot : slots_) {
            if (slot.size && at < slot.offset + slot.size && slot.offset < at + size) {
                at = static_cast<uint16_t>(slot.offset + slot.size);
                moved = true;
            }
        }
    }
    if (at + size > static_cast<int>(packet::kTunnelMetadataBytes)) return std::nullopt;
    used_ = static_cast<uint16_t>(used_ + size);
    return at;
}

bool TunnelTable::add(const TlvMapping& mapping) {
    if (mapping.index >= slots_.size() || slots_[mapping.index].size || !mapping.option_len) return false;
    for (const Slot& slot : slots_) {
        if (slot.known && slot.option_class == mapping.option_class &&
            slot.option_type == mapping.option_type) {
            return false;
        }
    }
    auto offset = allocate(mapping.option_len);
    if (!offset) return false;
    slots_[mapping.index] = {*offset, mapping.option_len, true, mapping.option_class, mapping.option_type};
    return true;
}

bool TunnelTable::add_anonymous(unsigned index, uint8_t size) {
    if (index >= slots_.size() || slots_[index].size || !size) return false;
    auto offset = allocate(size);
    if (!offset) return false;
    slots_[index] = {*offset, size, false, 0, 0};
    return true;
}

bool TunnelTable::remove(unsigned index) {
    if (!slot(index)) return false;
    used_ = static_cast<uint16_t>(used_ - slots_[index].size);
    slots_[index] = Slot();
    return true;
}

std::vector<TlvMapping> TunnelTable::mappings() const {
    std::vector<TlvMapping> out;
    for (unsigned i = 0; i < slots_.size(); i++) {
        const Slot& slot = slots_[i];
        if (slot.size) {
            out.push_back({slot.option_class, slot.option_type, slot.size, static_cast<uint16_t>(i)});
        }
    }
    return out;
}

}  // namespace weft::openflow
