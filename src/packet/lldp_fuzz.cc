// Fuzzes the reader of LLDP data units: what it takes, it writes again and reads as the same.

#include "packet/lldp.h"

using namespace weft;
using namespace weft::packet;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto unit = Lldpdu::decode({data, size});
    if (!unit) return 0;
    unit->unrecognized = 0;
    auto again = Lldpdu::decode(unit->encode());
    if (!again || !(*again == *unit)) __builtin_trap();
    return 0;
}
