// Fuzzes what any bridge of the network can say to STP and RSTP: BPDUs at any time on three ports, links that
// go and come.  Each comes to rest, says only what can be read, and is asked again only later.

#include <cstdlib>

#include "switch/protocols/rstp.h"
#include "switch/protocols/stp.h"

using namespace weft;
using namespace weft::vswitch;

namespace {

constexpr uint64_t kOwn = 0x8000'020000000001;

template <typename Tree>
void settle(Tree& tree, int64_t now) {
    for (int rounds = 0; tree.next_wakeup_ms() <= now; ++rounds) {
        if (rounds > 1000) std::abort();
        tree.run(now);
    }
    size_t sent = 0;
    for (const TreeMessage& message : tree.take_messages()) {
        auto read = packet::Bpdu::decode(message.bpdu.encode());
        if (!read || !(*read == message.bpdu) || ++sent > 1000) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    ByteReader in({data, size});
    uint8_t flags = in.u8();
    int64_t now = 1000;
    Stp stp({.bridge = kOwn}, now);
    Rstp rstp({.bridge = kOwn, .force_stp = (flags & 1) != 0}, now);
    for (uint8_t port = 1; port <= 3; ++port) {
        stp.set_port(port, {.name = "p"}, now);
        rstp.set_port(port, {.name = "p", .admin_edge = (flags & 2) != 0, .auto_edge = (flags & 4) != 0},
                      now);
        stp.set_up(port, true, now);
        rstp.set_up(port, true, now);
    }
    while (in.ok() && !in.empty()) {
        uint8_t what = in.u8();
        uint8_t port = static_cast<uint8_t>(1 + what % 3);
        now += in.u8() * 250;
        size_t length = in.u8();
        auto bpdu = packet::Bpdu::decode(in.bytes(std::min<size_t>(length, in.size())));
        if (what & 0x80) {
            stp.set_up(port, what & 0x40, now);
            rstp.set_up(port, what & 0x40, now);
        } else if (what & 0x20) {
            stp.force_topology_change(now);
            rstp.check_migration(port);
        } else if (bpdu) {
            stp.receive(port, *bpdu, now);
            rstp.receive(port, *bpdu, now);
        } else {
            stp.count_error(port);
            rstp.count_error(port);
        }
        settle(stp, now);
        settle(rstp, now);
        (void)stp.show().text("b", " ", 4);
        (void)rstp.show().text("b", " ", 4);
    }
    return 0;
}
