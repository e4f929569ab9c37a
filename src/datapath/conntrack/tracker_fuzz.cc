// Fuzzes connection tracking: a few packets, any bytes, one after the other through `ct` with commit and
// translation, fragments among them.

#include "datapath/conntrack/tracker.h"
#include "packet/extract.h"

using namespace weft;
using namespace weft::datapath;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    conntrack::Tracker tracker;
    tracker.set_max_connections(20);
    ByteReader in(ByteView(data, size));
    int64_t now = 0;
    for (int n = 0; n < 8 && !in.empty(); ++n) {
        uint8_t how = in.u8();
        now += in.u8() * 100;
        packet::Packet packet{in.bytes(std::min<size_t>(in.u8() * 2, in.size()))};
        packet::Flow key = packet::zero_flow();
        packet::Layout layout = packet::extract(packet, key);
        Conntrack action;
        action.zone = how & 1;
        action.commit = how & 2;
        action.force = how & 4;
        if (how & 32) action.helper = how & 64 ? "ftp" : "tftp";
        if (how & 8) {
            NatRange nat;
            nat.source = how & 16;
            nat.destination = !nat.source;
            nat.min_address = nat.max_address = {10, 0, 0, 1};
            action.nat = nat;
        }
        std::vector<packet::Packet> fragments;
        explain::DropReason reason{};
        tracker.track(packet, layout, key, action, now, fragments, reason);
        tracker.run(now);
        if (tracker.count(std::nullopt) > 20) __builtin_trap();
    }
    return 0;
}
