// Packet threads of a datapath with ports in memory: what several threads carry while flows, meters and ports
// come and go is neither lost nor miscounted.  To be run with the tsan preset, too.

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "base/clock.h"
#include "datapath/userspace/datapath_core.h"
#include "packet/compose.h"

namespace weft::datapath {
namespace {

using packet::Packet;

// A device: what is put in is received, what is sent is counted by its flow and checked for its order.
class MemoryPort final : public Port, public ReceiveQueue {
  public:
    explicit MemoryPort(PortInfo info) : Port(std::move(info)), event_(eventfd(0, EFD_NONBLOCK)) {}
    ~MemoryPort() override { close(event_); }

    void put(Packet packet) {
        std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(packet));
        uint64_t one = 1;
        (void)!write(event_, &one, sizeof one);
    }
    size_t waiting() {
        std::lock_guard lock(mutex_);
        return waiting_.size();
    }
    struct Sent {
        uint64_t packets = 0, bytes = 0, late = 0;
    };
    Sent sent() {
        std::lock_guard lock(mutex_);
        return sent_;
    }

    // ReceiveQueue
    int fd() const override { return event_; }
    void take(std::vector<Received>& batch) override {
        std::lock_guard lock(mutex_);
        while (batch.size() < kBatch && !waiting_.empty()) {
            batch.push_back({std::move(waiting_.front())});
            waiting_.pop_front();
        }
        uint64_t count;
        if (waiting_.empty()) (void)!read(event_, &count, sizeof count);
    }

    // Port
    std::vector<ReceiveQueue*> queues() override { return {this}; }
    void send(Work&& work, unsigned) override {
        std::lock_guard lock(mutex_);
        sent_.packets++;
        sent_.bytes += work.packet.size();
        uint16_t flow = work.key.tp_src;
        uint32_t number = load_be32(work.packet.data() + work.packet.size() - 4);
        uint32_t& next = next_[{work.key.nw_src, flow}];
        if (number < next) sent_.late++;
        next = number + 1;
    }

  private:
    const int event_;
    std::mutex mutex_;
    std::deque<Packet> waiting_;
    std::map<std::pair<uint32_t, uint16_t>, uint32_t> next_;
    Sent sent_;
};

class MemoryDatapath final : public DatapathCore {
  public:
    explicit MemoryDatapath(net::Loop& loop) : DatapathCore(loop, "netdev", "ovs-netdev") {}
    ~MemoryDatapath() override { threads().configure({}); }
    MemoryPort& device(PortNo number) { return static_cast<MemoryPort&>(*port_at(number)); }
    PacketThreadPool& pool() { return threads(); }

  protected:
    Result<std::unique_ptr<Port>> open_port(PortInfo info, const PortSpec&) override {
        return std::unique_ptr<Port>(std::make_unique<MemoryPort>(std::move(info)));
    }
};

constexpr uint32_t kMeter = 7;

// Ports 1 and 2 are joined, so are 3 and 4: by a megaflow for each input port and UDP source port.
class Switchboard final : public UpcallHandler {
  public:
    explicit Switchboard(Datapath& datapath) : datapath_(datapath) {}

    void handle(std::vector<Upcall> upcalls) override {
        for (Upcall& up : upcalls) {
            misses++;
            Actions actions = actions_of(up.key);
            FlowPut put;
            put.key = up.key;
            std::memset(static_cast<void*>(&put.mask), 0, sizeof put.mask);
            put.mask.in_port = UINT32_MAX;
            put.mask.recirc_id = UINT32_MAX;
            put.mask.ct_state = UINT32_MAX;
            put.mask.dl_type = 0xffff;
            put.mask.tp_src = 0xffff;
            put.ufid.bytes[0] = static_cast<uint8_t>(up.key.in_port);
            put.ufid.bytes[1] = static_cast<uint8_t>(up.key.recirc_id);
            put.ufid.bytes[2] = static_cast<uint8_t>(up.key.ct_state);
            put.ufid.bytes[4] = static_cast<uint8_t>(up.key.tp_src >> 8);
            put.ufid.bytes[5] = static_cast<uint8_t>(up.key.tp_src);
            put.actions = actions;
            flows.insert(put.ufid);
            EXPECT_TRUE(datapath_.put_flow(std::move(put)).ok());
            if (up.key.recirc_id == 0) by_hand_packets++, by_hand_bytes += up.packet.size();
            Execute execute;
            execute.packet = std::move(up.packet);
            execute.key = up.key;
            execute.actions = &actions;
            EXPECT_TRUE(datapath_.execute(std::move(execute)).ok());
        }
    }

    Actions actions_of(const packet::Flow& key) {
        PortNo in = key.in_port, out = in % 2 ? in + 1 : in - 1;
        Actions actions;
        if (tracked && !key.recirc_id) {
            Conntrack ct;
            ct.commit = true;
            actions.push_back(ct);
            actions.push_back(Recirculate{1});
            return actions;
        }
        if (metered) actions.push_back(Meter{kMeter});
        actions.push_back(Output{out});
        return actions;
    }

    bool tracked = false, metered = false;
    uint64_t misses = 0;
    uint64_t by_hand_packets = 0, by_hand_bytes = 0;  // that no megaflow has counted
    std::set<Ufid> flows;

  private:
    Datapath& datapath_;
};

class PacketThreadsTest : public ::testing::Test {
  protected:
    PacketThreadsTest() : datapath_(loop_), board_(datapath_) {
        datapath_.set_upcall_handler(&board_);
        for (PortNo number = 1; number <= 4; number++) add(number);
    }
    void add(PortNo number) {
        PortSpec spec;
        spec.name = "p" + std::to_string(number);
        spec.number = number;
        ASSERT_TRUE(datapath_.add_port(spec).ok());
    }
    void start(unsigned threads, std::optional<uint32_t> sleep = std::nullopt) {
        PacketThreadSettings settings;
        for (unsigned i = 0; i < threads; i++) settings.processors.push_back(i);
        settings.max_sleep_us = sleep;
        datapath_.pool().configure(settings);
    }
    static Packet datagram(PortNo in, uint16_t flow, uint32_t number) {
        packet::IpEndpoints ip;
        ip.eth_src = {2, 0, 0, 0, 0, static_cast<uint8_t>(in)};
        ip.eth_dst = {2, 0, 0, 0, 1, static_cast<uint8_t>(in)};
        ip.src = 0x0a000000u + in;
        ip.dst = 0x0a000100u + in;
        uint8_t payload[8] = {};
        store_be32(payload + 4, number);
        return packet::compose_udp(ip, flow, 9, payload);
    }
    // From another thread than the switch's, `count` packets of `flows` flows into `in`.
    void feed(PortNo in, uint32_t count, uint16_t flows) {
        MemoryPort& port = datapath_.device(in);
        feeders_.emplace_back([&port, in, count, flows] {
            for (uint32_t i = 0; i < count; i++) {
                port.put(datagram(in, static_cast<uint16_t>(1000 + i % flows), i));
                if (i % 512 == 511) std::this_thread::yield();
            }
        });
    }
    template <typename Done, typename Meanwhile>
    bool run(Done&& done, Meanwhile&& meanwhile) {
        int64_t deadline = clock::monotonic_ms() + 60000;
        while (!done()) {
            if (clock::monotonic_ms() > deadline) return false;
            loop_.run_once(1);
            meanwhile();
        }
        return true;
    }
    uint64_t flow_packets() {
        uint64_t out = 0;
        datapath_.each_flow_stats([&](const Ufid& ufid, const FlowStats& stats) {
            if (!ufid.bytes[1]) out += stats.packets;
        });
        return out;
    }
    void TearDown() override {
        for (std::thread& feeder : feeders_) feeder.join();
    }

    net::Loop loop_;
    MemoryDatapath datapath_;
    Switchboard board_;
    std::vector<std::thread> feeders_;
};

constexpr uint32_t kPackets = 20000;

TEST_F(PacketThreadsTest, NothingIsLostWhileFlowsComeAndGo) {
    start(2);
    uint64_t deleted = 0;
    for (PortNo in : {1u, 2u, 3u, 4u}) feed(in, kPackets, 16);
    auto sent = [&] {
        uint64_t out = 0;
        for (PortNo number = 1; number <= 4; number++) out += datapath_.device(number).sent().packets;
        return out;
    };
    uint32_t seed = std::random_device{}();
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    ASSERT_TRUE(run([&] { return sent() == 4 * kPackets; },
                    [&] {
                        if (board_.flows.empty()) return;
                        auto it = board_.flows.begin();
                        std::advance(it, random() % board_.flows.size());
                        auto last = datapath_.delete_flow(*it);
                        ASSERT_TRUE(last.ok());
                        deleted += last->packets;
                        board_.flows.erase(it);
                    }))
        << sent();
    // Every packet was counted once: by its flow, while it lived, or by the switch.
    EXPECT_EQ(deleted + flow_packets() + board_.by_hand_packets, 4 * kPackets);
    DatapathStats stats = datapath_.stats();
    EXPECT_EQ(stats.hits + stats.misses, 4 * kPackets);
    EXPECT_EQ(stats.lost, 0u);
    uint64_t late = 0;
    for (PortNo number = 1; number <= 4; number++) late += datapath_.device(number).sent().late;
    // Packets may overtake only where the switch did not answer in time.
    EXPECT_LE(late, stats.misses);
    auto report = datapath_.pool().report(60);
    ASSERT_EQ(report.size(), 2u);
    EXPECT_EQ(report[0].received + report[1].received, 4 * kPackets);
    EXPECT_GT(report[0].received, 0u);
    EXPECT_GT(report[1].received, 0u);
}

// The first packets of a flow that come together go up together and are answered by the first one's flow.
TEST_F(PacketThreadsTest, OneAnswerServesAllThatWait) {
    for (uint32_t i = 0; i < 100; i++) datapath_.device(1).put(datagram(1, static_cast<uint16_t>(i % 4), i));
    start(1);
    ASSERT_TRUE(run([&] { return datapath_.device(2).sent().packets == 100; }, [] {}));
    EXPECT_EQ(board_.misses, 4u);
    EXPECT_EQ(datapath_.stats().misses, 100u);
    EXPECT_EQ(datapath_.device(2).sent().late, 0u);
    EXPECT_EQ(flow_packets(), 96u);
}

TEST_F(PacketThreadsTest, ConnectionsAndMetersAreShared) {
    board_.tracked = board_.metered = true;
    MeterConfig meter;
    meter.id = kMeter;
    meter.packets_per_second = true;
    MeterBand band;
    band.rate = 1;
    band.burst = 1000;
    meter.bands.push_back(band);
    ASSERT_TRUE(datapath_.set_meter(meter).ok());
    start(2);
    for (PortNo in : {1u, 3u}) feed(in, kPackets, 8);
    auto through = [&] {
        auto now = datapath_.get_meter(kMeter);
        return now.ok() ? now->packets : 0;
    };
    ASSERT_TRUE(run([&] { return through() == 2 * kPackets; }, [] {})) << through();
    // The last ones are on their way between the meter and the port.
    ASSERT_TRUE(run(
        [&] {
            uint64_t dropped = datapath_.stats().drops[static_cast<size_t>(explain::DropReason::kMeter)];
            return dropped + datapath_.device(2).sent().packets + datapath_.device(4).sent().packets ==
                   2 * kPackets;
        },
        [] {}));
    auto now = datapath_.get_meter(kMeter);
    ASSERT_TRUE(now.ok());
    EXPECT_EQ(now->bands[0].packets,
              datapath_.stats().drops[static_cast<size_t>(explain::DropReason::kMeter)]);
    EXPECT_GE(datapath_.device(2).sent().packets + datapath_.device(4).sent().packets, 1000u);
    EXPECT_EQ(datapath_.connections()->count(std::nullopt), 16u);
}

TEST_F(PacketThreadsTest, PortsAndThreadsComeAndGoUnderTraffic) {
    start(2);
    for (PortNo in : {1u, 2u}) feed(in, kPackets, 4);
    int round = 0;
    ASSERT_TRUE(run(
        [&] {
            return datapath_.device(1).sent().packets == kPackets &&
                   datapath_.device(2).sent().packets == kPackets;
        },
        [&] {
            switch (round++ % 8) {
                case 1:
                    EXPECT_TRUE(datapath_.delete_port(3).ok());
                    break;
                case 2:
                    add(3);
                    for (uint32_t i = 0; i < 200; i++) datapath_.device(3).put(datagram(3, 5, i));
                    break;
                case 4:
                    start(1, 20);
                    break;
                case 5:
                    start(0);
                    break;
                case 6:
                    start(2);
                    break;
                case 7:
                    datapath_.pool().pin(1, {{0, round % 2}});
                    break;
            }
        }));
    DatapathStats stats = datapath_.stats();
    EXPECT_EQ(stats.lost, 0u);
    EXPECT_GE(stats.hits + stats.misses, 2 * kPackets);
}

TEST_F(PacketThreadsTest, PolicedPortsAndBonds) {
    start(2);
    Policing policing;
    policing.kpps = 1;
    policing.burst_kpackets = 1;
    ASSERT_TRUE(datapath_.set_policing(1, policing).ok());
    for (PortNo in : {1u, 3u}) feed(in, kPackets, 4);
    auto policed = [&] {
        return datapath_.stats().drops[static_cast<size_t>(explain::DropReason::kPolicing)];
    };
    ASSERT_TRUE(run(
        [&] {
            return datapath_.device(4).sent().packets == kPackets &&
                   policed() + datapath_.device(2).sent().packets == kPackets;
        },
        [] {}));
    EXPECT_GT(policed(), 0u);
}

TEST_F(PacketThreadsTest, IdleThreadsSleep) {
    start(2);
    feed(1, 100, 1);
    ASSERT_TRUE(run([&] { return datapath_.device(2).sent().packets == 100; }, [] {}));
    datapath_.pool().clear_counts(std::nullopt);
    usleep(100000);
    for (const PacketThreadReport& one : datapath_.pool().report(60)) EXPECT_LT(one.iterations, 20u);
}

}  // namespace
}  // namespace weft::datapath
