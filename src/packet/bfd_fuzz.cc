// Fuzzes a BFD session with what an other end could say: messages, times between them, changes of settings.

#include "packet/bfd_session.h"

using namespace weft;
using namespace weft::packet;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    ByteReader in(ByteView(data, size));
    int64_t now = 0;
    BfdSession session(
        7, {.min_tx_ms = 1 + in.u8(), .min_rx_ms = in.u8(), .multiplier = 1},
        [&in] { return uint32_t{in.u8()}; }, now);
    while (!in.empty()) {
        uint8_t what = in.u8();
        now += in.u8() * 16;
        if (what < 200) {
            ByteView payload = in.bytes(std::min<size_t>(what % 32, in.size()));
            session.receive(payload, what & 1 ? 254 : 255, now);
        } else if (what < 220) {
            session.configure({.min_tx_ms = 1 + in.u8(), .min_rx_ms = in.u8(), .path_down = (what & 1) != 0},
                              now);
        } else {
            session.set_admin_down(what & 1, now);
        }
        for (int sent = 0; session.poll(now); ++sent) {
            if (sent > 2) __builtin_trap();  // it would send for ever
        }
        if (session.next_wakeup_ms() < now) __builtin_trap();  // it would be asked for ever
    }
    return 0;
}
