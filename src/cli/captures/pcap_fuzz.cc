// Fuzzes the readers of captured packets.

#include <sstream>

#include "cli/captures/pcap.h"

using namespace weft;
using namespace weft::cli;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string text(reinterpret_cast<const char*>(data), size);
    std::istringstream in(text);
    if (auto reader = PcapReader::open(in)) {
        size_t bytes = 0;
        for (;;) {
            auto packet = reader->next();
            if (!packet || !*packet) break;
            bytes += (*packet)->size();
        }
        if (bytes > size) __builtin_trap();
    }
    std::istringstream again(text);
    TcpdumpReader dump(again);
    while (auto packet = dump.next()) {
        if (packet->size() % 2 || packet->size() > size) __builtin_trap();
    }
    return 0;
}
