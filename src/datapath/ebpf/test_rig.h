// What the differential tests share: the two datapaths in namespaces of their own, recorders of packets and
// upcalls.

#pragma once

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include <fmt/format.h>

#include "base/append.h"
#include "base/clock.h"
#include "datapath/api/test_flow.h"
#include "datapath/api/test_packets.h"
#include "datapath/dummy/dummy_device.h"
#include "datapath/ebpf/ebpf_datapath.h"
#include "datapath/ebpf/test_random.h"
#include "datapath/netdev/links.h"
#include "datapath/userspace/port.h"
#include "datapath/userspace/queue_watch.h"
#include "datapath/userspace/system_port.h"
#include "datapath/userspace/userspace_datapath.h"

namespace weft::datapath {

constexpr PortNo kPortCount = 3;

inline int sh(const std::string& command) {
    int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

// The far end of a port.
struct FarEnd : PacketSink {
    void received(PortNo, std::vector<Received>& packets, bool) override {
        for (Received& one : packets) record(seen, std::move(one.packet));
    }
    void dropped(explain::DropReason) override {}
    void open(net::Loop& loop, PacketPoller& poller, PortInfo info) {
        auto opened = open_system_port(*this, info);
        ASSERT_TRUE(opened.ok()) << opened.message();
        port = std::move(*opened);
        watch = std::make_unique<QueueWatch>(loop, poller, *port->queues()[0], info.number, *this);
    }

    std::unique_ptr<Port> port;
    std::unique_ptr<QueueWatch> watch;
    Records seen;
};

// What the user sees of connections, and in how many milliseconds they will be over.
inline std::map<std::string, int64_t> connections(Datapath& datapath) {
    std::map<std::string, int64_t> out;
    datapath.connections()->dump(std::nullopt, clock::monotonic_ms(), [&](const Connection& c) {
        auto tuple = [](const ConnectionTuple& t) {
            return fmt::format("{} {} {} {} {}", hex({t.src.data(), 16}), hex({t.dst.data(), 16}), t.src_port,
                               t.dst_port, t.protocol);
        };
        out.emplace(
            fmt::format("{} | {} zone {} mark {:x} label {} {} {} {}", tuple(c.original), tuple(c.reply),
                        c.zone, c.mark, hex({c.label.data(), 16}), c.state, c.original_state, c.reply_state),
            c.expires_in_ms);
    });
    return out;
}

// The two datapaths: the kernel's side with three veth pairs whose far ends send and receive with their
// offload headers, the reference with dummy devices.
class EbpfTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (geteuid() != 0) GTEST_SKIP() << "needs root";
        if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SCHED_CLS, nullptr) != 1)
            GTEST_SKIP() << "this kernel lets nobody load programs";
        home_ = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        ASSERT_EQ(unshare(CLONE_NEWNET), 0);
        elsewhere_ = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        ASSERT_EQ(unshare(CLONE_NEWNET), 0);
        here_ = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        for (PortNo i = 1; i <= kPortCount; i++) {
            ASSERT_EQ(sh(fmt::format(
                          "ip link add v{0} type veth peer name w{0} && "
                          "for d in v{0} w{0}; do sysctl -qw net.ipv6.conf.$d.disable_ipv6=1 && ip link set "
                          "$d arp off up || exit 1; done",
                          i)),
                      0);
        }
        loop_ = std::make_unique<net::Loop>();
        auto links = Links::create(loop_.get());
        ASSERT_TRUE(links.ok()) << links.message();
        links_ = std::move(*links);
        auto kernel = create_ebpf_datapath(*loop_, *links_, "ebpf", "weft-ebpf");
        ASSERT_TRUE(kernel.ok()) << kernel.message();
        kernel_ = std::move(*kernel);
        reference_loop_ = std::make_unique<net::Loop>();
        auto reference = create_dummy_datapath(*reference_loop_, "ovs-dummy");
        ASSERT_TRUE(reference.ok()) << reference.message();
        reference_ = std::move(*reference);
        for (PortNo i = 1; i <= kPortCount; i++) {
            PortSpec spec;
            spec.number = i;
            spec.name = fmt::format("p{}", i);
            spec.type = PortType::kDummy;
            ASSERT_TRUE(reference_->add_port(spec).ok());
            find_dummy_device(spec.name)->take_sent();
            spec.name = fmt::format("v{}", i);
            spec.type = PortType::kSystem;
            auto added = kernel_->add_port(spec);
            ASSERT_TRUE(added.ok()) << added.message();
            ASSERT_NO_FATAL_FAILURE(far_[i].open(*loop_, poller_, PortInfo{i, fmt::format("w{}", i)}));
        }
        kernel_->set_upcall_handler(&kernel_upcalls_);
        reference_->set_upcall_handler(&reference_upcalls_);
        // A veth sends from when its carrier is known.
        for (int tries = 0; tries < 100; tries++) {
            links_->refresh();
            bool all = true;
            for (PortNo i = 1; i <= kPortCount; i++)
                all = all && links_->find(fmt::format("v{}", i))->carrier &&
                      links_->find(fmt::format("w{}", i))->carrier;
            if (all) break;
            usleep(50000);
        }
        loop_->run_once(0);
    }
    void TearDown() override {
        kernel_.reset();
        reference_.reset();
        for (FarEnd& far : far_) far.port.reset();
        links_.reset();
        if (home_ >= 0) {
            ASSERT_EQ(setns(home_, CLONE_NEWNET), 0);
            for (int descriptor : {home_, here_, elsewhere_}) close(descriptor);
        }
    }

    void put(const FlowPut& flow) {
        for (Datapath* dp : {kernel_.get(), reference_.get()}) {
            auto done = dp->put_flow(flow);
            ASSERT_TRUE(done.ok()) << done.message();
        }
    }
    void put(std::string_view match, std::string_view actions) {
        auto flow = flow_put(match, actions);
        ASSERT_TRUE(flow.ok()) << flow.message();
        put(*flow);
        last_ = flow->ufid;
    }

    Fate by_reference(const Packet& packet) {
        find_dummy_device("p1")->receive(packet);
        return reference_fate();
    }
    Fate reference_fate() {
        Fate fate;
        for (PortNo i = 1; i <= kPortCount; i++) {
            Records& out = fate.out[i];
            for (Packet& one : find_dummy_device(fmt::format("p{}", i))->take_sent())
                record(out, std::move(one));
        }
        fate.upcalls = reference_upcalls_.take();
        return fate;
    }
    // What has come to the far ends and up since the last time.
    void collect(Fate& fate) {
        loop_->run_once(0);
        auto move = [](Records& to, Records& from) {
            to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
            from.clear();
        };
        for (PortNo i = 1; i <= kPortCount; i++) move(fate.out[i], far_[i].seen);
        move(fate.upcalls, kernel_upcalls_.seen);
    }
    // Waits for as much as `expected` to happen.
    Fate by_kernel(const Packet& packet, size_t expected) {
        Work work;
        work.packet = packet;
        far_[1].port->send(std::move(work), 0);
        far_[1].port->flush(0);
        Fate fate;
        wait_for(fate, expected);
        return fate;
    }
    void wait_for(Fate& fate, size_t expected) {
        int64_t deadline = clock::monotonic_ms() + 2000;
        // The loop's turn that finds nothing to read is the last one.
        for (size_t quiet = 0; quiet < 2;) {
            size_t before = fate.size();
            collect(fate);
            bool done = fate.size() >= expected || clock::monotonic_ms() > deadline;
            quiet = fate.size() == before && done ? quiet + 1 : 0;
        }
    }
    // False if they differ.
    bool same(const Packet& packet) {
        Fate expected = by_reference(packet);
        Fate got = by_kernel(packet, expected.size());
        if (any_order_) {
            expected.sort();
            got.sort();
        }
        if (got == expected) return true;
        Flow flow = packet::zero_flow();
        flow.in_port = 1;
        packet::extract(packet, flow);
        ADD_FAILURE() << "packet " << format_key(flow) << "\n  " << hex(packet.view()) << "\n  gso "
                      << packet.offload.gso_size << " partial " << packet.offload.checksum_partial
                      << "\n  userspace\n"
                      << expected.text() << "  kernel\n"
                      << got.text();
        return false;
    }

    void same_statistics() {
        std::map<Ufid, FlowDump> expected;
        reference_->dump_flows([&](const FlowDump& dump) { expected.emplace(dump.ufid, dump); });
        size_t found = 0;
        kernel_->dump_flows([&](const FlowDump& dump) {
            found++;
            auto it = expected.find(dump.ufid);
            ASSERT_NE(it, expected.end());
            const FlowStats& a = it->second.stats;
            const FlowStats& b = dump.stats;
            EXPECT_EQ(a.packets, b.packets) << format_flow(dump);
            EXPECT_EQ(a.bytes, b.bytes) << format_flow(dump);
            EXPECT_EQ(a.tcp_flags, b.tcp_flags) << format_flow(dump);
            EXPECT_EQ(!a.used_ms, !b.used_ms) << format_flow(dump);
            EXPECT_LT(std::abs(a.used_ms - b.used_ms), 5000) << format_flow(dump);
        });
        EXPECT_EQ(found, expected.size());
    }

    void same_drops() {
        std::vector<uint64_t> ours = kernel_->stats().drops, theirs = reference_->stats().drops;
        for (size_t i = 0; i < ours.size(); i++)
            EXPECT_EQ(ours[i], theirs[i]) << explain::drop_reason_name(static_cast<explain::DropReason>(i));
    }
    void same_connections() {
        auto ours = connections(*kernel_), theirs = connections(*reference_);
        for (const auto& [text, expires] : ours) {
            auto it = theirs.find(text);
            if (it == theirs.end())
                ADD_FAILURE() << "in the kernel only: " << text;
            else
                EXPECT_LT(std::abs(it->second - expires), 20000) << text;
        }
        for (const auto& [text, expires] : theirs)
            EXPECT_TRUE(ours.contains(text)) << "in userspace only: " << text;
    }

    // Random tables, with flows for some of the packets that are sent through each.  `arrive` says in a
    // packet's key how it comes in, `send` lets it.
    void random_walk(Random& random, int packets, const std::function<void(Flow&)>& arrive,
                     const std::function<bool(const Packet&)>& send) {
        any_order_ = true;
        make_meters();
        uint64_t up = 0;
        std::vector<Packet> sample(200);
        for (int round = 0; packets > 0; round++) {
            if (round && round % 10 == 0) {  // of a long walk
                std::printf("%d packets\n", 1000 * round);
                std::fflush(stdout);
            }
            packet::set_vlan_limit(1 + random.below(2));
            bool check = !random.one_in(4);
            for (Datapath* dp : {kernel_.get(), reference_.get()}) {
                dp->flush_flows();
                dp->connections()->flush(std::nullopt, {}, {});
                dp->connections()->check_tcp_sequences(check);
                ASSERT_TRUE(dp->connections()->set_timeout_policy("long", kLongTimeouts).ok());
            }
            random.new_masks();
            std::set<std::string> there;
            for (Packet& packet : sample) {
                packet = random.packet();
                Flow key = packet::zero_flow();
                key.in_port = 1;
                packet::extract(packet, key);
                arrive(key);
                for (const FlowPut& flow : random.flows_for(key, there)) put(flow);
            }
            for (int i = 0; i < 1000 && packets > 0; i++, packets--) {
                Packet packet = random.one_in(6) ? random.packet() : sample[random.below(200)];
                await_next_millisecond();
                if (!send(packet)) FAIL() << "round " << round << "\n" << flows_like(packet);
            }
            same_statistics();
            same_drops();
            same_connections();
            if (HasFailure()) return;
            kernel_->dump_flows([&](const FlowDump& dump) { up += !dump.offloaded; });
        }
        packet::set_vlan_limit(1);
        DatapathStats stats = kernel_->stats();
        std::printf(
            "%lu lookups hit in the kernel and the daemon, %lu by the cache; %lu packets handed up; %lu "
            "flows "
            "were the daemon's\n",
            stats.hits, stats.exact_hits, handed_up(), up);
    }
    // A meter's bucket is filled again with every millisecond: each packet is to find it full.
    static void await_next_millisecond() {
        for (int64_t ms = clock::monotonic_ms(); clock::monotonic_ms() == ms;) continue;
    }
    std::string flows_like(const Packet& packet) {
        std::string out;
        Flow key = packet::zero_flow();
        packet::extract(packet, key);
        kernel_->dump_flows([&](const FlowDump& dump) {
            if (dump.key.dl_src[5] == key.dl_src[5] && dump.key.dl_type == key.dl_type)
                append(out, "  {} {}\n", dump.offloaded ? "kernel" : "daemon", format_flow(dump));
        });
        return out;
    }
    // So that no connection ends by itself, however slow the machine is.
    static inline const std::map<std::string, uint32_t> kLongTimeouts = {
        {"tcp_syn_sent", 1000},  {"tcp_syn_recv", 1100}, {"tcp_established", 1200}, {"tcp_fin_wait", 1300},
        {"tcp_time_wait", 1400}, {"tcp_close", 1500},    {"udp_first", 1600},       {"udp_single", 1700},
        {"udp_multiple", 1800},  {"icmp_first", 1900},   {"icmp_reply", 2000}};
    // What they let through must not depend on when they are asked: 7 lets everything pass, 9 stops what is
    // bigger than 1500 bytes.
    void make_meters() {
        for (uint32_t id : {7u, 9u}) {
            MeterConfig meter;
            meter.id = id;
            meter.bands = {{UINT32_MAX, id == 9 ? 12u : 1000000u, 0, 0}};
            for (Datapath* dp : {kernel_.get(), reference_.get()}) ASSERT_TRUE(dp->set_meter(meter).ok());
        }
    }
    uint64_t handed_up() {
        auto stats = links_->stats("weft-upcall");
        return stats ? stats->tx_packets : 0;
    }

    int home_ = -1, here_ = -1, elsewhere_ = -1;  // network namespaces: the test's caller's, its own, another
    std::unique_ptr<net::Loop> reference_loop_;
    std::unique_ptr<net::Loop> loop_;
    std::unique_ptr<Links> links_;
    std::unique_ptr<Datapath> kernel_, reference_;
    PacketPoller poller_;
    FarEnd far_[kPortCount + 1];
    Recorder kernel_upcalls_, reference_upcalls_;
    Ufid last_;
    // Of copies of one packet those that go through the daemon are behind the others.
    bool any_order_ = false;
};

}  // namespace weft::datapath
