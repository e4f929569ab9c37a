#include "switch/classifier/mask_shape.h"

#include "switch/classifier/hash.h"

namespace weft::vswitch {

MaskShapeRef MaskShape::of(const packet::Flow& mask) {
    auto* shape = new MaskShape();
    const uint64_t* w = packet::words(mask);
    size_t stage = 0;
    for (size_t i = 0; i < packet::kFlowWords; ++i) {
        while (i >= kStageEndWord[stage])
            shape->stage_end[stage++] = static_cast<uint8_t>(shape->index.size());
        if (!w[i]) continue;
        shape->index.push_back(static_cast<uint8_t>(i));
        shape->bits.push_back(w[i]);
    }
    for (; stage < kStages; ++stage) shape->stage_end[stage] = static_cast<uint8_t>(shape->index.size());
    shape->index.shrink_to_fit();
    shape->bits.shrink_to_fit();
    return MaskShapeRef(shape);
}

uint64_t MaskShape::hash() const {
    uint64_t h = hash_seed();
    for (size_t i = 0; i < size(); ++i) h = hash_add(hash_add(h, index[i]), bits[i]);
    return h;
}

packet::Flow MaskShape::mask() const {
    packet::Flow out = packet::zero_flow();
    add_to(out, size());
    return out;
}

bool MaskShape::covers(const MaskShape& other) const {
    size_t i = 0;
    for (size_t j = 0; j < other.size(); ++j) {
        while (i < size() && index[i] < other.index[j]) ++i;
        if (i == size() || index[i] != other.index[j] || (other.bits[j] & ~bits[i])) return false;
    }
    return true;
}

}  // namespace weft::vswitch
