// The shape of a match: which 64-bit words of a flow it looks at, and which bits of them.
//
// Thousands of rules share few masks, so a mask is interned once per classifier as a MaskShape and a rule
// keeps only the words of its value.  The words are in the order of the flow key, which is the order of the
// four stages of a staged lookup (metadata, L2, L3, L4): stage_end[s] is the number of words in stages 0…s.
//
// Immutable but for its subtable; shared by counting references (without atomics: of one thread), so that a
// rule outlives the classifier it was in.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "packet/flow.h"
#include "switch/ofproto/ref.h"

namespace weft::vswitch {

inline constexpr size_t kStages = 4;

// The first word that belongs to the next stage.
inline constexpr std::array<size_t, kStages> kStageEndWord = {
    offsetof(packet::Flow, dl_dst) / 8, offsetof(packet::Flow, nw_src) / 8,
    offsetof(packet::Flow, tp_src) / 8, packet::kFlowWords};

class Subtable;
struct MaskShape;
using MaskShapeRef = Ref<const MaskShape>;

struct MaskShape {
    std::vector<uint8_t> index;  // of the words with a bit set, ascending
    std::vector<uint64_t> bits;  // those words
    std::array<uint8_t, kStages> stage_end{};
    mutable uint32_t references = 0;
    // The one whose rules share this object, which they find by it; null: none.
    mutable Subtable* subtable = nullptr;

    static MaskShapeRef of(const packet::Flow& mask);

    size_t size() const { return index.size(); }
    bool operator==(const MaskShape& other) const { return index == other.index && bits == other.bits; }
    uint64_t hash() const;
    packet::Flow mask() const;
    // ORs the words of stages below `end` (an index into `index`) into `wildcards`.
    void add_to(packet::Flow& wildcards, size_t end) const {
        uint64_t* out = packet::words(wildcards);
        // By pointers of its own, which the compiler need not read again after each write.
        const uint8_t* at = index.data();
        const uint64_t* bit = bits.data();
        for (size_t i = 0; i < end; ++i) out[at[i]] |= bit[i];
    }
    // True if every bit of `other` is a bit of this.
    bool covers(const MaskShape& other) const;
};
static_assert(packet::kFlowWords <= 256, "word indices are kept in a byte");

}  // namespace weft::vswitch
