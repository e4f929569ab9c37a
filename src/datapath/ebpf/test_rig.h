// What the differential tests share: the two datapaths in namespaces of their own, recorders of packets and
// upcalls, random packets, flows and actions.

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
#include "datapath/api/text.h"
#include "datapath/dummy/dummy_device.h"
#include "datapath/ebpf/ebpf_datapath.h"
#include "datapath/netdev/links.h"
#include "datapath/userspace/port.h"
#include "datapath/userspace/system_port.h"
#include "datapath/userspace/userspace_datapath.h"
#include "packet/checksum.h"
#include "packet/compose.h"
#include "packet/extract.h"
#include "packet/segment.h"

namespace weft::datapath {

using packet::Flow;
using packet::Packet;

constexpr PortNo kPortCount = 3;

inline int sh(const std::string& command) {
    int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

inline std::string hex(ByteView bytes) {
    std::string out;
    for (uint8_t byte : bytes) append(out, "{:02x}", byte);
    return out;
}

struct Recorder : UpcallHandler {
    void handle(std::vector<Upcall> upcalls) override {
        for (Upcall& up : upcalls) {
            for (Packet& one : packet::segment(std::move(up.packet)))
                seen.push_back(fmt::format("{} {} {} {}", up.type == Upcall::Type::kMiss ? "miss" : "action",
                                           format_key(up.key), hex(up.userdata), hex(one.view())));
        }
    }
    std::vector<std::string> take() { return std::exchange(seen, {}); }
    std::vector<std::string> seen;
};

// The far end of a port.
struct FarEnd : PacketSink {
    void received(PortNo, std::vector<Received>& packets) override {
        for (Received& one : packets) {
            for (Packet& packet : packet::segment(std::move(one.packet))) seen.push_back(hex(packet.view()));
        }
    }
    void dropped(explain::DropReason) override {}
    std::unique_ptr<Port> port;
    std::vector<std::string> seen;
};

inline Packet packet_of(std::string_view key, size_t payload = 26) {
    auto parsed = parse_key(key);
    EXPECT_TRUE(parsed.ok()) << parsed.message();
    return packet::compose(*parsed, payload);
}

// Leaves the transport checksum to the receiver, as a sender on this host does; `segment`: and the cutting.
inline void leave_checksum(Packet& packet, uint16_t segment = 0) {
    Flow flow = packet::zero_flow();
    packet::Layout layout = packet::extract(packet, flow);
    if ((flow.nw_proto != 6 && flow.nw_proto != 17) || !layout.payload || flow.nw_frag) return;
    uint8_t* p = packet.data();
    uint32_t length = layout.l3_end - layout.l4;
    uint64_t sum = flow.dl_type == 0x0800
                       ? packet::pseudo_header_sum(p + layout.l3, flow.nw_proto, length)
                       : packet::pseudo_header_sum6(flow.ipv6_src, flow.ipv6_dst, flow.nw_proto, length);
    uint16_t offset = flow.nw_proto == 6 ? 16 : 6;
    store_be16(p + layout.l4 + offset, packet::checksum_fold(sum));
    packet.offload.checksum_partial = true;
    packet.offload.csum_start = layout.l4;
    packet.offload.csum_offset = offset;
    size_t payload = layout.l3_end - layout.payload;
    if (!segment || payload <= segment) return;
    packet.offload.gso_size = segment;
    packet.offload.gso_type = flow.nw_proto == 17      ? packet::GsoType::kUdp
                              : flow.dl_type == 0x0800 ? packet::GsoType::kTcp4
                                                       : packet::GsoType::kTcp6;
}

// The random walk.
class Random {
  public:
    explicit Random(uint32_t seed) : bits_(seed) {}
    uint32_t any() { return static_cast<uint32_t>(bits_()); }
    uint32_t below(uint32_t n) { return any() % n; }
    bool one_in(uint32_t n) { return below(n) == 0; }

    std::string mac() { return fmt::format("02:00:00:00:{:02x}:{:02x}", any() & 255, any() & 255); }
    std::string ipv6() { return fmt::format("fe80::{:x}", any() & 0xffff); }

    Flow flow() {
        Flow f = packet::zero_flow();
        f.dl_src = {0, 1, 2, 3, 4, static_cast<uint8_t>(below(32))};
        f.dl_dst = {0, 9, 8, 7, 6, static_cast<uint8_t>(below(4))};
        if (one_in(5)) {
            f.vlans[0].tpid = one_in(4) ? 0x88a8 : 0x8100;
            f.vlans[0].tci = static_cast<uint16_t>(packet::kVlanCfi | below(4) | below(8) << 13);
            if (one_in(3)) {
                f.vlans[1].tpid = 0x8100;
                f.vlans[1].tci = static_cast<uint16_t>(packet::kVlanCfi | below(4));
            }
        }
        uint32_t kind = below(16);
        if (kind == 0) {
            f.dl_type = 0x0806;
            f.nw_proto = static_cast<uint8_t>(1 + below(2));
            f.arp_sha = f.dl_src;
            f.arp_tha = f.dl_dst;
            f.nw_src = 0x0a000001 + below(2);
            f.nw_dst = 0x0a000003;
            return f;
        }
        if (kind == 1) {
            f.dl_type = one_in(2) ? 0x88cc : 0x8847;
            if (f.dl_type == 0x8847) f.mpls_lse[0] = 0x00005140;
            return f;
        }
        bool v6 = kind < 8;
        f.dl_type = v6 ? 0x86dd : 0x0800;
        static constexpr uint8_t kProtocols[] = {6, 17, 6, 17, 132, 1, 99, 2};
        f.nw_proto = kProtocols[below(8)];
        if (v6 && f.nw_proto == 1) f.nw_proto = 58;
        if (v6 && f.nw_proto == 2) f.nw_proto = 6;
        if (v6) {
            f.ipv6_src = {0xfe, 0x80, 1, 0, 0, static_cast<uint8_t>(below(3))};
            f.ipv6_dst = {0xfe, 0x80, 1, 0, 7, static_cast<uint8_t>(below(3))};
            f.ipv6_label = any() & 0xfffff;
        } else {
            f.nw_src = 0x0a000001 + below(3);
            f.nw_dst = 0x0a000101 + below(3);
        }
        f.nw_tos = static_cast<uint8_t>(any());
        f.nw_ttl = static_cast<uint8_t>(62 + below(3));
        if (one_in(8)) f.nw_frag = one_in(2) ? packet::kFragAny : packet::kFragAny | packet::kFragLater;
        if (f.nw_proto == 58) {
            f.tp_src = one_in(3) ? 135 : 128;
            if (f.tp_src == 135) f.nd_target = f.ipv6_src;
        } else if (f.nw_proto == 1) {
            f.tp_src = 8 * below(2);
        } else {
            f.tp_src = static_cast<uint16_t>(1000 + below(4));
            f.tp_dst = static_cast<uint16_t>(80 + below(3));
        }
        if (f.nw_proto == 6) f.tcp_flags = static_cast<uint16_t>(one_in(2) ? 0x10 : any() & 0x1f);
        return f;
    }

    Packet packet() {
        Flow f = flow();
        uint32_t size = one_in(10) ? 1460 + below(20000) : below(100);
        if (f.nw_frag) size = below(100);
        if (one_in(12) && f.nw_proto == 17 && f.dl_type == 0x0800) {
            Packet p = packet::compose(f, size % 1000);
            packet::Layout layout = packet::extract(p, f);
            if (layout.payload && !f.nw_frag) store_be16(p.data() + layout.l4 + 6, 0);  // no checksum
            return p;
        }
        Packet p = packet::compose(f, size > 1300 && !(f.nw_proto == 6 || f.nw_proto == 17) ? 1000 : size);
        if (size > 1300)
            leave_checksum(p, static_cast<uint16_t>(600 + below(700)));
        else if (one_in(3))
            leave_checksum(p);
        if (p.size() > 1500 && p.offload.gso_type == packet::GsoType::kNone) p.truncate(1400);
        if (!p.offload.any() && one_in(8)) p.append_zeros(below(20));
        // A tag with less than two bytes behind its own type does not get past the kernel's reception.
        uint32_t least = 16 + (f.vlans[0].tci ? 8 : 0);
        if (p.size() < least) p.append_zeros(least - p.size());
        if (!p.offload.any() && one_in(15) && p.size() > least)
            p.truncate(least + below(static_cast<uint32_t>(p.size() - least)));
        if (!p.offload.any() && one_in(15) && p.size() > least)
            p.data()[least + below(static_cast<uint32_t>(p.size() - least))] ^=
                static_cast<uint8_t>(1 << below(8));
        return p;
    }

    // A set of a group that this kind of packet has, or of any.
    std::string set() {
        switch (below(13)) {
            case 0:
                return fmt::format("set(eth(dst={}))", mac());
            case 1:
                return fmt::format("set(eth(src=02:00:00:00:00:{:02x}/ff:ff:00:00:00:ff,dst={}))",
                                   any() & 255, mac());
            case 2:
                return fmt::format("set(ipv4(src=10.{}.0.1,ttl={}))", any() & 255, 1 + any() % 255);
            case 3:
                return fmt::format("set(ipv4(dst=10.1.{}.0/255.255.255.0,tos=0x4/0xfc))", any() & 255);
            case 4:
                return fmt::format("set(ipv6(src={},hlimit={}))", ipv6(), 1 + any() % 255);
            case 5:
                return fmt::format("set(ipv6(dst={},label=0x{:x},tclass=0x{:x}))", ipv6(), any() & 0xfffff,
                                   any() & 255);
            case 6:
                return fmt::format("set(arp(sip=1.2.3.{},op=2,tha={}))", any() & 255, mac());
            case 7:
                return fmt::format("set(tcp(src={}))", any() & 0xffff);
            case 8:
                return fmt::format("set(udp(src={},dst={}))", any() & 0xffff, any() & 0xffff);
            case 9:
                return one_in(3) ? "set(sctp(dst=7))" : "set(tcp(dst=0x50/0xff))";
            case 10:
                return fmt::format("set(skb_mark(0x{:x}/0xff))", any() & 255);
            case 11:
                return "set(skb_priority(0x7))";
            default:
                return one_in(2) ? "ct_clear" : "set(ipv4(ttl=0/0x3))";
        }
    }
    std::string actions(uint32_t recirculation) {
        std::string out;
        for (uint32_t count = below(5); count; count--) {
            switch (below(10)) {
                case 0:
                    append(out, "push_vlan(vid={},pcp={}),", below(4095), below(8));
                    break;
                case 1:
                    out += "pop_vlan,";
                    break;
                case 2:
                case 3:
                    append(out, "{},", 2 + below(2));
                    break;
                case 4:
                    if (one_in(2)) append(out, "clone({},2),", set());
                    if (one_in(4)) append(out, "trunc({}),3,", 20 + below(100));
                    if (one_in(4))
                        append(out,
                               "sample(sample=100.0%,actions({},trunc(60),userspace(pid=0,userdata(0{})))),",
                               set(), below(10));
                    if (one_in(8)) out += "userspace(pid=0,userdata(0102)),";
                    if (one_in(8)) out += "meter(9),";
                    break;
                case 5:
                    if (one_in(3)) append(out, "recirc(0x{:x}),", recirculation);
                    if (one_in(3))
                        append(out, "check_pkt_len(size={},gt(push_vlan(vid=7,pcp=0),{},2),le(3)),",
                               40 + below(1500), set());
                    break;
                default:
                    out += set() + ",";
            }
        }
        switch (below(8)) {
            case 0:
                append(out, "hash({}({})),recirc(0x{:x})", one_in(2) ? "l4" : "sym_l4", any() & 0xffff,
                       recirculation);
                break;
            case 1:
                append(out, "recirc(0x{:x})", recirculation);
                break;
            case 2:
                append(out, "check_pkt_len(size={},gt({},2),le(3))", 40 + below(1500), set());
                break;
            case 3:
                if (one_in(3)) {
                    out += "drop";
                    return out == "drop" ? out : out.substr(0, out.size() - 5);
                }
                [[fallthrough]];
            default:
                append(out, "{}", 2 + below(2));
        }
        return out;
    }

    // The mask of a class of flows; which class a packet belongs to its source address decides.
    static Flow mask_of(uint32_t mask_class, const Flow& key) {
        Flow mask = packet::zero_flow();
        mask.in_port = mask.recirc_id = UINT32_MAX;
        mask.dl_type = 0xffff;
        mask.dl_src = {0, 0, 0, 0, 0, 0xff};
        mask.nw_frag = 0xff;
        bool ip = key.dl_type == 0x0800 || key.dl_type == 0x86dd;
        switch (mask_class % 8) {
            case 0:
                break;
            case 1:
                mask.dl_dst = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
                mask.vlans[0].tci = 0xffff;
                break;
            case 2:
                if (ip) mask.nw_proto = 0xff;
                if (ip) mask.nw_ttl = 0xff;
                break;
            case 3:
                if (key.dl_type == 0x0800) mask.nw_src = mask.nw_dst = UINT32_MAX;
                if (key.dl_type == 0x86dd) mask.ipv6_src.fill(0xff);
                break;
            case 4:
                if (ip) mask.nw_proto = 0xff;
                if (ip && !(key.nw_frag & packet::kFragLater)) mask.tp_src = mask.tp_dst = 0xffff;
                break;
            case 5:
                mask.tcp_flags = 0xffff;
                mask.vlans[0].tci = mask.vlans[1].tci = 0xffff;
                mask.vlans[0].tpid = 0xffff;
                break;
            case 6:
                mask.pkt_mark = UINT32_MAX;
                mask.dp_hash = 0xf;
                if (ip) mask.nw_tos = 0xfc;
                break;
            case 7:
                if (ip) mask.nw_proto = 0xff;
                if (key.dl_type == 0x86dd) mask.ipv6_label = 0xf;
                if (key.dl_type == 0x0806) mask.arp_sha.fill(0xff);
                if (key.nw_proto == 58) mask.nd_target.fill(0xff);
                break;
        }
        return mask;
    }

  private:
    std::mt19937 bits_;
};

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
            auto far = open_system_port(*loop_, far_[i], PortInfo{i, fmt::format("w{}", i)});
            ASSERT_TRUE(far.ok()) << far.message();
            far_[i].port = std::move(*far);
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

    struct Fate {
        std::vector<std::string> out[kPortCount + 1];
        std::vector<std::string> upcalls;
        size_t size() const {
            size_t sum = upcalls.size();
            for (auto& one : out) sum += one.size();
            return sum;
        }
        bool operator==(const Fate&) const = default;
        void sort() {
            for (auto& one : out) std::sort(one.begin(), one.end());
            std::sort(upcalls.begin(), upcalls.end());
        }
        std::string text() const {
            std::string result;
            for (PortNo i = 1; i <= kPortCount; i++) {
                for (auto& one : out[i]) append(result, "    port {} {}\n", i, one);
            }
            for (auto& one : upcalls) append(result, "    {}\n", one);
            return result.empty() ? "    nothing\n" : result;
        }
    };

    Fate by_reference(const Packet& packet) {
        find_dummy_device("p1")->receive(packet);
        Fate fate;
        for (PortNo i = 1; i <= kPortCount; i++) {
            for (const Packet& one : find_dummy_device(fmt::format("p{}", i))->take_sent())
                fate.out[i].push_back(hex(one.view()));
        }
        fate.upcalls = reference_upcalls_.take();
        return fate;
    }
    // Waits for as much as `expected` to happen.
    Fate by_kernel(const Packet& packet, size_t expected) {
        Work work;
        work.packet = packet;
        far_[1].port->send(std::move(work));
        far_[1].port->flush();
        Fate fate;
        int64_t deadline = clock::monotonic_ms() + 2000;
        // The loop's turn that finds nothing to read is the last one.
        for (size_t quiet = 0; quiet < 2;) {
            size_t before = fate.size();
            loop_->run_once(0);
            for (PortNo i = 1; i <= kPortCount; i++) {
                for (auto& one : far_[i].seen) fate.out[i].push_back(std::move(one));
                far_[i].seen.clear();
            }
            for (auto& one : kernel_upcalls_.take()) fate.upcalls.push_back(std::move(one));
            bool done = fate.size() >= expected || clock::monotonic_ms() > deadline;
            quiet = fate.size() == before && done ? quiet + 1 : 0;
        }
        return fate;
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

    int home_ = -1, here_ = -1, elsewhere_ = -1;  // network namespaces: the test's caller's, its own, another
    std::unique_ptr<net::Loop> reference_loop_;
    std::unique_ptr<net::Loop> loop_;
    std::unique_ptr<Links> links_;
    std::unique_ptr<Datapath> kernel_, reference_;
    FarEnd far_[kPortCount + 1];
    Recorder kernel_upcalls_, reference_upcalls_;
    Ufid last_;
    // Of copies of one packet those that go through the daemon are behind the others.
    bool any_order_ = false;
};

}  // namespace weft::datapath
