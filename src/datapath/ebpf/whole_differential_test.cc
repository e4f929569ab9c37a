// All that the programs carry, in the same lists: tunnels both ways, connections with translation, meters,
// truncation, copies and recirculation, by random flows on random packets and conversations.  The same
// packets out, on ports and on the wire, the same upcalls, statistics, connections and meters.

#include <gtest/gtest.h>

#include "datapath/ebpf/test_conversation.h"
#include "datapath/ebpf/test_tunnel_rig.h"

namespace weft::datapath {
namespace {

constexpr uint32_t kMeter = 9;  // Random::actions() names it
constexpr const char* kTypes[] = {"0x0800", "0x86dd"};
constexpr const char* kStates[] = {"+new+trk", "-new+est-rpl+trk", "-new+est+rpl+trk", "-new-est+trk",
                                   "-new-est-trk"};

class EbpfWholeTest : public EbpfTunnelTest {
  protected:
    struct Round {
        Random& random;
        const Kind& kind;
        uint32_t zone;
        Translation nat;

        std::string way() {
            static constexpr const char* kFlags[] = {"flags(df|csum|key)", "flags(df|key)", "flags(key)"};
            return set_tunnel(kind, kFlags[random.below(3)], random.one_in(3));
        }
        // What a list begins with.
        std::string some() {
            switch (random.below(10)) {
                case 0:
                case 1:
                    return way() + ",4,";
                case 2:
                    return "clone(" + way() + ",4),";
                case 3:
                    return "meter(9),";
                case 4:
                    return fmt::format("{},trunc({}),4,", way(), 20 + random.below(300));
                case 5:
                    return way() + ",4,set(ipv4(ttl=9))," + way() + ",4,";
                case 6:
                    return "ct_clear,";
                default:
                    return "";
            }
        }
        std::string list(uint32_t next) { return some() + random.actions(next); }
        std::string translation(bool v6) const {
            if (nat.destination) return v6 ? ",nat(dst=[fd08::9]:8080)" : ",nat(dst=10.0.9.9:8080)";
            if (nat.source) return v6 ? ",nat(src=fd09::9)" : ",nat(src=10.200.0.9)";
            return "";
        }
        std::string new_connection(bool v6, bool conversation) {
            return fmt::format("ct(commit,zone={},mark=0x{:x}/0xff{}),", zone, random.below(256),
                               conversation ? translation(v6) : "");
        }
        std::string known_connection() {
            switch (random.below(5)) {
                case 0:
                    return fmt::format("ct(commit,zone={},mark=0x{:x}/0xf),", zone, random.below(16));
                case 1:
                    return fmt::format("ct(zone={}),recirc(0x2)", zone + 1);
                default:
                    return "";
            }
        }
    };

    // Conversations have an odd last byte in their source address, other packets an even one.
    void put_flows(Round& round) {
        Random& random = round.random;
        for (PortNo in : {PortNo{1}, kTunnel}) {
            for (bool odd : {false, true}) {
                auto head = [&](uint32_t recirculation) {
                    return fmt::format(
                        "recirc_id(0x{:x}),in_port({}),eth(src=00:00:00:00:00:0{:d}/00:00:00:00:00:01)",
                        recirculation, static_cast<uint32_t>(in), odd);
                };
                for (bool v6 : {false, true}) {
                    std::string ip = fmt::format("eth_type({})", kTypes[v6]);
                    auto fragments = [&](const char* which) {
                        return fmt::format(",{},{}(frag={})", ip, v6 ? "ipv6" : "ipv4", which);
                    };
                    put(head(0) + fragments("no"),
                        fmt::format("{}ct(zone={}{}),recirc(0x1)", random.one_in(4) ? round.some() : "",
                                    round.zone, random.one_in(8) ? "" : ",nat"));
                    if (!random.one_in(4)) put(head(0) + fragments("first"), round.list(3));
                    for (const char* state : kStates) {
                        if (random.one_in(12)) continue;
                        std::string actions = round.list(3);
                        if (state == kStates[0])
                            actions = round.new_connection(v6, odd) + actions;
                        else if (state == kStates[1] || state == kStates[2]) {
                            std::string first = round.known_connection();
                            actions = first.ends_with("recirc(0x2)") ? first : first + actions;
                        }
                        put(fmt::format("{},{},ct_state({})", head(1), ip, state), actions);
                    }
                    put(fmt::format("{},{},ct_state(+new)", head(2), ip),
                        fmt::format("ct(commit,zone={}),", round.zone + 1) + round.list(3));
                    put(fmt::format("{},{},ct_state(-new)", head(2), ip), round.list(3));
                    if (!random.one_in(3)) put(fmt::format("{},{}", head(3), ip), round.list(4));
                }
                put(head(0) + ",eth_type(0x0806)", round.list(3));
            }
        }
    }

    bool same_of(Round& round, Packet packet) {
        Random& random = round.random;
        if (!random.one_in(3)) return same_sent(packet);
        packet.offload.gso_type = packet::GsoType::kNone;
        packet.offload.gso_size = 0;
        if (packet.size() > 1300) {
            packet.offload = {};
            packet.truncate(1300);
        }
        return same_arrived(outer(round.kind, packet, header_of(round.kind, random.one_in(2)),
                                  random.one_in(2), random.one_in(3)));
    }
};

TEST_F(EbpfWholeTest, RandomFlowsAndPackets) {
    const char* given = std::getenv("WEFT_SEED");
    uint32_t seed = given ? static_cast<uint32_t>(std::atoi(given)) : std::random_device{}();
    const char* wanted = std::getenv("WEFT_PACKETS");
    int packets = wanted ? std::atoi(wanted) : 1500;
    SCOPED_TRACE(fmt::format("WEFT_SEED={}", seed));
    std::printf("WEFT_SEED=%u\n", seed);
    Random random(seed);
    MeterConfig meter;
    meter.id = kMeter;
    meter.bands = {{100000000, 100000000, 0, 0}};  // drops nothing
    for (Datapath* dp : {kernel_.get(), reference_.get()}) ASSERT_TRUE(dp->set_meter(meter).ok());
    for (int number = 0; packets > 0; number++) {
        packet::set_vlan_limit(1 + random.below(2));
        Translation nat{random.one_in(2), random.one_in(3)};
        if (nat.destination) nat.source = false;
        Round round{random, kKinds[random.below(3)], random.below(3), nat};
        add_tunnel(round.kind);
        put_flows(round);
        if (HasFatalFailure()) return;
        std::vector<Conversation> there;
        for (uint32_t i = 0; i < 6; i++) there.push_back(begin_conversation(random, i + 1));
        for (int i = 0; i < 500 && packets > 0; i++, packets--) {
            bool conversation = !random.one_in(3);
            Packet packet = conversation ? next_packet(random, there[random.below(6)], nat) : random.packet();
            if (!conversation) packet.data()[11] &= 0xfe;
            if (same_of(round, packet)) continue;
            std::string flows;
            kernel_->dump_flows([&](const FlowDump& dump) {
                append(flows, "  {} {}\n", dump.offloaded ? "kernel" : "daemon", format_flow(dump));
            });
            FAIL() << "round " << number << " packet " << i << "\n" << flows;
        }
        ASSERT_EQ(connections(*kernel_), connections(*reference_));
        same_statistics();
        auto ours = kernel_->get_meter(kMeter), theirs = reference_->get_meter(kMeter);
        EXPECT_EQ(ours->packets, theirs->packets);
        EXPECT_EQ(ours->bytes, theirs->bytes);
        if (HasFailure()) return;
        for (Datapath* dp : {kernel_.get(), reference_.get()}) {
            dp->flush_flows();
            dp->connections()->flush(std::nullopt, {}, {});
        }
        remove_tunnel();
    }
    DatapathStats stats = kernel_->stats();
    auto handed_up = links_->stats("weft-upcall");
    std::printf("%lu lookups hit, %lu by the cache; %lu packets were handed up\n", stats.hits,
                stats.exact_hits, handed_up ? handed_up->tx_packets : 0);
    packet::set_vlan_limit(1);
}

}  // namespace
}  // namespace weft::datapath
