#include "switch/classifier/hash.h"

#include <cstring>

#include "base/uuid.h"

namespace weft::vswitch {

uint64_t hash_seed() {
    static const uint64_t seed = [] {
        Uuid uuid = Uuid::random();
        uint64_t words[2];
        std::memcpy(words, uuid.bytes.data(), sizeof words);
        return words[0] ^ (words[1] << 1);
    }();
    return seed;
}

}  // namespace weft::vswitch
