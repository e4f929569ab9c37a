// Any bytes as an OpenFlow message: decoding, printing and encoding again survive.

#include "openflow/message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace weft::openflow;
    Message message;
    if (decode({data, size}, {}, message) == OfError::kNone) {
        to_string(message);
        encode(message);
    }
    return 0;
}
