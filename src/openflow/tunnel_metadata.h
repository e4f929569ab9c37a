// Where each tun_metadataN field lies in Flow::tunnel.metadata, and which Geneve option (class, type, length)
// it is.
//
// A bridge has one TunnelTable, changed as a whole by NXT_TLV_TABLE_MOD (`ovs-ofctl add-tlv-map`); a change
// makes a new immutable table, shared by the matches made under it.  Text and messages read without a
// switch's table get a layout of their own, in which a field is as long as the first value given for it.
// Field sizes are bytes, multiples of 4 from 4 to 124 (Geneve, RFC 8926 §3.5).

#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "packet/flow.h"

namespace weft::openflow {

struct TlvMapping {
    uint16_t option_class = 0;
    uint8_t option_type = 0;
    uint8_t option_len = 0;  // bytes, without the option's header
    uint16_t index = 0;      // N of tun_metadataN
    bool operator==(const TlvMapping&) const = default;
};

class TunnelTable {
  public:
    struct Slot {
        uint16_t offset = 0;  // in Flow::tunnel.metadata
        uint8_t size = 0;     // bytes; 0: not mapped
        bool known = false;   // option_class and option_type are set
        uint16_t option_class = 0;
        uint8_t option_type = 0;
    };

    const Slot* slot(unsigned index) const {
        return index < slots_.size() && slots_[index].size ? &slots_[index] : nullptr;
    }
    // The field of an option, or nothing.
    std::optional<unsigned> find(uint16_t option_class, uint8_t option_type, uint8_t size) const;
    // False if the index is taken, the option is mapped already or `size` bytes are not left.
    bool add(const TlvMapping& mapping);
    bool add_anonymous(unsigned index, uint8_t size);  // for text without a switch's table
    bool remove(unsigned index);
    void clear() { *this = TunnelTable(); }
    std::vector<TlvMapping> mappings() const;  // by index
    uint16_t bytes_used() const { return used_; }
    bool operator==(const TunnelTable& other) const { return mappings() == other.mappings(); }

  private:
    std::optional<uint16_t> allocate(uint8_t size);

    std::array<Slot, packet::kTunnelMetadataFields> slots_{};
    uint16_t used_ = 0;
};

using TunnelTableRef = std::shared_ptr<const TunnelTable>;

}  // namespace weft::openflow
