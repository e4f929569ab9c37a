// The un-cached walk is the truth: two switches with the same tables, one of which installs megaflows and one
// that walks for every packet, do the same to every packet, also after the tables change.

#include <fmt/core.h>

#include <random>

#include "base/clock.h"
#include "packet/extract.h"
#include "switch/upcall/random_flows.h"
#include "switch/upcall/test_world.h"

namespace weft::vswitch {
namespace {

std::string hex(ByteView bytes) {
    std::string out;
    for (uint8_t byte : bytes) out += fmt::format("{:02x}", byte);
    return out;
}

struct Pair {
    TestWorld cached, plain;
    std::vector<std::string> flows;

    explicit Pair(net::Loop& loop) : cached(loop, "c"), plain(loop, "u") {
        plain.backer().set_flow_limit(0);
        for (TestWorld* world : {&cached, &plain}) {
            for (uint32_t port : {1u, 2u, 3u, 4u}) world->add_port("br0", port);
            VlanConfig access, trunk;
            access.mode = VlanMode::kAccess;
            access.tag = 5;
            trunk.all_trunks = false;
            trunk.trunks.set(5).set(6);
            world->add_port("br1", 21, access);
            world->add_port("br1", 22, trunk);
            world->add_port("br1", 23);
            world->add_patch("br0", 10, "br1", 20);
            world->must_flow("br1", "actions=NORMAL");
            world->group("br0", "group_id=1,type=all,bucket=output:1,bucket=mod_vlan_vid:6,output:2");
            world->group(
                "br0",
                "group_id=2,type=select,bucket=output:1,bucket=weight:3,mod_dl_dst:02:00:00:00:01:01,"
                "output:2,bucket=output:3");
            world->group(
                "br0",
                "group_id=3,type=select,selection_method=hash,fields(eth_src,ip_dst),bucket=output:4,"
                "bucket=resubmit(,5),bucket=output:3");
            world->group("br0",
                         "group_id=4,type=ff,bucket=watch_port:3,output:3,bucket=watch_port:4,output:4");
            world->group("br0", "group_id=5,type=indirect,bucket=mod_nw_tos:32,resubmit(,6)");
        }
    }

    void change(RandomFlows& gen) {
        if (flows.size() > 20 && gen.one_in(2)) {
            size_t victim = gen.upto(static_cast<uint32_t>(flows.size()));
            std::string text = flows[victim];
            flows.erase(flows.begin() + static_cast<ptrdiff_t>(victim));
            text = text.substr(0, text.find(",actions="));
            for (TestWorld* world : {&cached, &plain})
                EXPECT_EQ(world->flow("br0", text, openflow::FlowMod::Command::kDeleteStrict), "") << text;
            return;
        }
        std::string text = gen.flow();
        std::string one = cached.flow("br0", text), two = plain.flow("br0", text);
        EXPECT_EQ(one, two) << text;
        if (one.empty()) flows.push_back(text);
    }

    // "" if both did the same.
    std::string compare(uint32_t port, const packet::Packet& packet) {
        for (TestWorld* world : {&cached, &plain}) {
            world->receive(port, packet);
            world->backer().revalidate(false);
        }
        auto a = cached.sent(), b = plain.sent();
        std::map<uint32_t, std::vector<Bytes>> wanted;
        for (auto& [number, packets] : b) wanted[number] = packets;
        if (a == wanted) return "";
        packet::Flow flow = packet::zero_flow();
        packet::extract(packet, flow);
        std::string out = fmt::format("port {} gets {}\n", port, hex(packet.view()));
        for (auto* each : {&a, &b}) {
            out += each == &a ? "cached:\n" : "fresh walk:\n";
            for (auto& [number, packets] : *each) {
                for (const Bytes& bytes : packets) out += fmt::format("  {}: {}\n", number, hex(bytes));
            }
        }
        for (const std::string& text : flows) out += "  " + text + "\n";
        return out;
    }
};

class CachedProperty : public ::testing::TestWithParam<int> {};

TEST_P(CachedProperty, CachedEqualsFresh) {
    const char* given = std::getenv("WEFT_SEED");
    uint32_t seed = given ? static_cast<uint32_t>(std::atoi(given)) : std::random_device()();
    seed += static_cast<uint32_t>(GetParam()) * 1000003;
    SCOPED_TRACE(fmt::format("seed {}", seed));
    RandomFlows gen(seed);
    gen.tracked = GetParam() > 0;
    net::Loop loop;
    uint64_t hits = 0, packets_sent = 0;
    int64_t end = clock::monotonic_ms() + 5000;
    for (int round = 0; round < 40 && clock::monotonic_ms() < end; ++round) {
        Pair pair(loop);
        for (int i = 0; i < 40; ++i) pair.change(gen);
        std::vector<packet::Packet> pool;
        for (int i = 0; i < 12; ++i) pool.push_back(gen.packet());
        for (int i = 0; i < 150; ++i) {
            if (gen.one_in(12)) pair.change(gen);
            for (TestWorld* world : {&pair.cached, &pair.plain}) world->backer().revalidate(false);
            packet::Packet packet = gen.one_in(3) ? gen.packet() : pool[gen.upto(12)];
            std::string difference = pair.compare(1 + gen.upto(4), packet);
            ++packets_sent;
            ASSERT_EQ(difference, "") << "round " << round << ", packet " << i;
        }
        hits += pair.cached.backer().datapath().stats().hits;
    }
    EXPECT_GT(hits, packets_sent / 10) << "the caches were hardly used";
    std::printf("%lu packets, %lu hits\n", static_cast<unsigned long>(packets_sent),
                static_cast<unsigned long>(hits));
}

INSTANTIATE_TEST_SUITE_P(Seeds, CachedProperty, ::testing::Range(0, 3));

}  // namespace
}  // namespace weft::vswitch
