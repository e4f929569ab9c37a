// A fast hash of 64-bit words with a secret of the process, so that a tenant cannot choose packets or flows
// that collide.

#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::vswitch {

uint64_t hash_seed();  // random, the same for the life of the process

inline uint64_t hash_add(uint64_t h, uint64_t word) {
    __uint128_t product = static_cast<__uint128_t>(h ^ word) * 0x9e3779b97f4a7c15ull;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64) ^
           (word * 0xff51afd7ed558ccdull);
}

// For tables whose keys are hashes already.
struct IdentityHash {
    size_t operator()(uint64_t h) const { return h; }
};

}  // namespace weft::vswitch
