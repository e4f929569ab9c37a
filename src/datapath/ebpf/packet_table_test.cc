// The packet table (api/test_packet_table.h), carried out by the programs in the kernel: run on packets by
// hand, and at the devices of a network namespace.

#include "datapath/api/test_packet_table.h"

#include <gtest/gtest.h>

#include "datapath/ebpf/layout_shared.h"
#include "datapath/ebpf/test_program_run.h"
#include "datapath/ebpf/test_rig.h"
#include "packet/ethernet.h"
#include "packet/vlan.h"

namespace weft::datapath {
namespace {

class EbpfPacketTable : public EbpfTest {
  protected:
    // How many packets the programs have sent to a port, and how many have left by its device.
    uint64_t sent_to(PortNo port) { return kernel_->port_stats(port)->tx_packets; }
    uint64_t left_by(PortNo port) {
        auto stats = links_->stats(fmt::format("v{}", port));
        return stats ? stats->tx_packets : 0;
    }
    // A frame that would be as expected if it had a tag: nobody tells which one is beside it, but that there
    // is one the counters of bytes say.
    static void put_tag(Bytes& frame, size_t packet_at, const Records& expected) {
        constexpr size_t kAt = packet::ethernet::kType, kTag = packet::vlan::kHeader;
        std::string packet(frame.begin() + static_cast<ptrdiff_t>(packet_at), frame.end());
        for (const Record& one : expected) {
            if (one.bytes.size() != packet.size() + kTag) continue;
            std::string tag = one.bytes.substr(kAt, kTag), rest = one.bytes;
            rest.erase(kAt, kTag);
            if (rest == packet) {
                frame.insert(frame.begin() + kAt, tag.begin(), tag.end());
                return;
            }
        }
    }
};

TEST_F(EbpfPacketTable, AtDevices) {
    run_packet_table(*kernel_, true, [&](const Packet& packet, const Fate& expected) {
        return by_kernel(packet, expected.size());
    });
    EXPECT_GT(kernel_->stats().hits, handed_up());
}

TEST_F(EbpfPacketTable, RunByHand) {
    ProgramRun program("v1");
    ASSERT_TRUE(program.ok());
    run_packet_table(*kernel_, false, [&](const Packet& packet, const Fate& expected) {
        Fate fate;
        std::map<PortNo, uint64_t> waiting;
        for (PortNo port = 1; port <= kPortCount; port++) waiting[port] = sent_to(port) - left_by(port);
        auto last = program.run(packet.view());
        if (last) {
            // To the port that has been sent one more packet than have left, or up.
            PortNo to = kNoPort;
            for (PortNo port = 1; port <= kPortCount; port++) {
                if (sent_to(port) - left_by(port) != waiting[port]) to = port;
            }
            if (to == kNoPort) {
                ebpf::UpcallHeader header;
                std::memcpy(&header, last->data(), sizeof header);
                if (header.tagged) put_tag(*last, sizeof header, expected.upcalls);
                ProgramRun::send("weft-upcall", *last);
            } else {
                auto wanted = expected.out.find(to);
                Records like = wanted == expected.out.end() ? Records() : wanted->second;
                if (std::find(like.begin(), like.end(), Record("", *last)) == like.end())
                    put_tag(*last, 0, like);
                fate.out[to].emplace_back("", *last);
            }
        }
        wait_for(fate, expected.size());
        return fate;
    });
}

}  // namespace
}  // namespace weft::datapath
