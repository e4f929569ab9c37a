// Fuzzes the reader of continuity check messages: what it takes, it writes again and reads as the same.

#include "packet/cfm.h"

using namespace weft;
using namespace weft::packet;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto ccm = Ccm::decode({data, size});
    if (!ccm) return 0;
    Bytes written = ccm->encode();
    if (written.size() != Ccm::kSize) __builtin_trap();
    auto again = Ccm::decode(written);
    if (!again || !(*again == *ccm)) __builtin_trap();
    return 0;
}
