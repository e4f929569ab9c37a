// A flow key that is kept: only its words that are not zero.
//
// A key has 84 words, of which a packet or a mask sets a dozen; whoever keeps hundreds of thousands of them
// keeps them so and expands the one at hand.

#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "packet/flow.h"

namespace weft::packet {

class SparseFlow {
  public:
    SparseFlow() = default;  // all zeros
    explicit SparseFlow(const Flow& flow);

    Flow expand() const;

  private:
    static_assert(kFlowWords <= 128);
    std::array<uint64_t, 2> present_{};  // bit i of the 128: word i is not zero
    std::unique_ptr<uint64_t[]> words_;  // those, ascending
};

}  // namespace weft::packet
