#include "packet/sparse_flow.h"

#include <bit>

namespace weft::packet {

SparseFlow::SparseFlow(const Flow& flow) {
    const uint64_t* from = words(flow);
    uint64_t kept[kFlowWords];
    size_t count = 0;
    for (size_t i = 0; i < kFlowWords; ++i) {
        if (!from[i]) continue;
        present_[i / 64] |= uint64_t{1} << i % 64;
        kept[count++] = from[i];
    }
    if (!count) return;
    words_ = std::make_unique_for_overwrite<uint64_t[]>(count);
    std::memcpy(words_.get(), kept, count * sizeof *kept);
}

Flow SparseFlow::expand() const {
    Flow flow = zero_flow();
    uint64_t* to = words(flow);
    const uint64_t* from = words_.get();
    for (size_t half = 0; half < present_.size(); ++half) {
        for (uint64_t bits = present_[half]; bits; bits &= bits - 1)
            to[half * 64 + static_cast<size_t>(std::countr_zero(bits))] = *from++;
    }
    return flow;
}

}  // namespace weft::packet
