// Fuzzes the reader of BPDUs: what it takes, it writes again as it was.

#include "packet/bpdu.h"

using namespace weft;
using namespace weft::packet;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    ByteView bytes(data, size);
    (void)Bpdu::decode_frame(bytes);
    auto bpdu = Bpdu::decode(bytes);
    if (!bpdu) return 0;
    Bytes written = bpdu->encode();
    if (written.size() > size) __builtin_trap();
    auto again = Bpdu::decode(written);
    if (!again || !(*again == *bpdu)) __builtin_trap();
    EthAddr source{};
    auto framed = Bpdu::decode_frame(bpdu->frame(source).view());
    if (!framed || !(*framed == *bpdu)) __builtin_trap();
    return 0;
}
