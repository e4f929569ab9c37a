// Fuzzes what the other end of any cable can send: frames of the slow protocols, at any time, to a port of
// three members.  What our side sends must be readable and never without end.

#include <cstdlib>

#include "switch/protocols/lacp.h"

using namespace weft;
using namespace weft::vswitch;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    ByteReader in({data, size});
    LacpOptions options;
    uint8_t flags = in.u8();
    options.active = flags & 1;
    options.fast = flags & 2;
    options.fallback_ab = flags & 4;
    options.sys_id = {2, 0, 0, 0, 0, 1};
    int64_t now = 1000;
    Lacp lacp(options, now);
    for (Lacp::Id id = 1; id <= 3; ++id)
        lacp.set_member(id, {"p", static_cast<uint16_t>(id), 65535, static_cast<uint16_t>(id)}, now);
    while (in.ok() && !in.empty()) {
        Lacp::Id id = 1 + in.u8() % 3;
        now += in.u16();
        Bytes payload;
        size_t length = in.u8();
        if (length > in.size()) length = in.size();
        ByteView given = in.bytes(length);
        if (flags & 8) {  // behind a header that is right, so that the machine is reached
            payload = packet::LacpPdu().encode();
            for (size_t i = 0; i < given.size() && 4 + i < payload.size(); ++i)
                if (i != 18 && i != 19) payload[4 + i] = given[i];
        } else {
            payload.assign(given.begin(), given.end());
        }
        if (flags & 16 && length == 0)
            lacp.carrier_changed(id, now);
        else
            lacp.receive(id, payload, now);
        int sent = 0;
        while (auto send = lacp.poll(now)) {
            if (packet::LacpPdu::decode(send->pdu.encode()) != send->pdu || ++sent > 30) std::abort();
        }
        if (lacp.next_wakeup_ms() <= now) std::abort();
        lacp.show("port");
        lacp.show_stats("port");
    }
    return 0;
}
