// A megaflow speaks for every packet that its mask covers: packets near the boundary of a flow's mask, which
// the flow would catch, are walked through the tables afresh, and the verdict must be the flow's.  Packets of
// tunnels with Geneve options and packets that come back from ct or from below a label are among them.
//
// WEFT_PACKETS: how many of each seed.

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "datapath/api/text.h"
#include "packet/extract.h"
#include "switch/upcall/random_flows.h"
#include "switch/upcall/test_world.h"

namespace weft::vswitch {
namespace {

constexpr uint32_t kTunnel = 5, kTunnelDevice = 99;
constexpr size_t kPacketStart = offsetof(packet::Flow, dl_dst);
constexpr int kDeepest = 3;  // passes of one packet

// Which part of a key may differ where.
struct Part {
    size_t offset, size;
};
template <typename T>
Part part(T packet::Flow::*member) {
    static packet::Flow flow = packet::zero_flow();
    return {
        static_cast<size_t>(reinterpret_cast<uint8_t*>(&(flow.*member)) - reinterpret_cast<uint8_t*>(&flow)),
        sizeof(T)};
}
using F = packet::Flow;
const std::vector<Part> kOfPackets = {
    part(&F::dl_dst),   part(&F::dl_src),      part(&F::dl_type),   part(&F::vlans),    part(&F::mpls_lse),
    part(&F::nw_src),   part(&F::nw_dst),      part(&F::ipv6_src),  part(&F::ipv6_dst), part(&F::ipv6_label),
    part(&F::nw_frag),  part(&F::nw_tos),      part(&F::nw_ttl),    part(&F::nw_proto), part(&F::nd_target),
    part(&F::arp_sha),  part(&F::arp_tha),     part(&F::tcp_flags), part(&F::tp_src),   part(&F::tp_dst),
    part(&F::pkt_mark), part(&F::skb_priority)};
const std::vector<Part> kOfConnections = {part(&F::ct_state),    part(&F::ct_mark),    part(&F::ct_label),
                                          part(&F::ct_zone),     part(&F::ct_tp_src),  part(&F::ct_tp_dst),
                                          part(&F::ct_nw_src),   part(&F::ct_nw_dst),  part(&F::ct_ipv6_src),
                                          part(&F::ct_ipv6_dst), part(&F::ct_nw_proto)};
const std::vector<Part> kOfTunnels = {  // tunnel is the first member
    {offsetof(packet::Tunnel, id), 8},
    {offsetof(packet::Tunnel, src), 4},
    {offsetof(packet::Tunnel, dst), 4},
    {offsetof(packet::Tunnel, flags), 2},
    {offsetof(packet::Tunnel, tos), 1},
    {offsetof(packet::Tunnel, ttl), 1},
    {offsetof(packet::Tunnel, tp_src), 2},
    {offsetof(packet::Tunnel, tp_dst), 2},
    {offsetof(packet::Tunnel, metadata_present), 8 + 40}};
static_assert(offsetof(packet::Flow, tunnel) == 0 &&
              offsetof(packet::Tunnel, metadata) == offsetof(packet::Tunnel, metadata_present) + 8);

uint8_t* bytes(packet::Flow& flow) {
    return reinterpret_cast<uint8_t*>(&flow);
}

// What a set action says of bits that it does not write means nothing.
void normalize(datapath::Actions& actions) {
    auto one = [](auto& a) {
        if constexpr (requires { a.value, a.mask; }) {
            auto* value = reinterpret_cast<uint8_t*>(&a.value);
            auto* mask = reinterpret_cast<const uint8_t*>(&a.mask);
            for (size_t i = 0; i < sizeof a.value; ++i) value[i] &= mask[i];
        } else if constexpr (requires { a.if_greater; }) {
            normalize(a.if_greater);
            normalize(a.if_not_greater);
        } else if constexpr (std::is_same_v<decltype(a), datapath::Clone&> ||
                             std::is_same_v<decltype(a), datapath::Sample&>) {
            normalize(a.actions);
        }
    };
    for (datapath::Action& action : actions) action.visit(one);
}

class Boundary {
  public:
    Boundary(uint32_t seed, net::Loop& loop) : gen_(seed), world_(loop, "m") {
        gen_.tunnels = gen_.tracked = true;
        for (uint32_t port : {1u, 2u, 3u, 4u}) world_.add_port("br0", port);
        auto options = std::make_shared<openflow::TunnelTable>();
        EXPECT_TRUE(options->add({0x102, 0x80, 4, 0}));
        EXPECT_TRUE(options->add({0x102, 0x81, 8, 1}));
        world_.bridge("br0").tunnel_table = options;
        TunnelConfig tunnel;
        tunnel.remote_flow = tunnel.in_key_flow = tunnel.out_key_flow = true;
        world_.add_tunnel("br0", kTunnel, kTunnelDevice, tunnel);
        for (uint32_t port : {21u, 22u}) world_.add_port("br1", port);
        world_.add_patch("br0", 10, "br1", 20);
        world_.must_flow("br1", "priority=5,ip,nw_dst=10.0.0.0/23,actions=21");
        world_.must_flow("br1", "priority=4,dl_vlan=5,actions=IN_PORT");
        world_.must_flow("br1", "priority=1,actions=NORMAL");
        world_.group("br0", "group_id=1,type=all,bucket=output:1,bucket=mod_vlan_vid:6,output:2");
        world_.group("br0",
                     "group_id=2,type=select,bucket=output:1,bucket=weight:3,output:2,bucket=output:3");
        world_.group("br0",
                     "group_id=3,type=select,selection_method=hash,fields(eth_src,ip_dst),"
                     "bucket=output:4,bucket=resubmit(,5),bucket=output:3");
        world_.group("br0", "group_id=4,type=ff,bucket=watch_port:3,output:3,bucket=watch_port:4,output:4");
        world_.group("br0", "group_id=5,type=indirect,bucket=mod_nw_tos:32,resubmit(,6)");
        flows_ = {"priority=1,ip,actions=ct(table=1,zone=1)", "priority=1,ipv6,actions=ct(table=1)"};
        for (const std::string& text : flows_) world_.must_flow("br0", text);
        while (flows_.size() < 40) {
            std::string text = gen_.flow();
            if (world_.flow("br0", text).empty()) flows_.push_back(text);
        }
    }

    // A packet and those near it, and what they send round.
    void look(uint64_t near) {
        packet::Flow key = canonical(random_key());
        packet::Flow again = key;
        for (int depth = 0; depth < kDeepest; ++depth) {
            TranslateOutput output = walk(again);
            check(again, output, near);
            std::vector<uint32_t> ids;
            collect(output.actions, ids);
            held_.push_back(std::move(output.recirculations));
            if (ids.empty()) break;
            packet::Flow other = canonical(random_key());
            std::memcpy(bytes(again) + kPacketStart, bytes(other) + kPacketStart,
                        sizeof again - kPacketStart);
            again.recirc_id = ids[gen_.upto(static_cast<uint32_t>(ids.size()))];
            track(again);
        }
        held_.clear();
    }

    uint64_t packets = 0, passed_over = 0, tunnelled = 0, tracked = 0;

  private:
    TranslateOutput walk(const packet::Flow& key) {
        Backer& backer = world_.backer();
        TranslateInput input;
        input.backer = &backer;
        if (key.recirc_id) {
            input.frozen = backer.recirculations().find(key.recirc_id);
            input.bridge = backer.bridge(input.frozen->bridge);
            input.flow = to_openflow_key(key, *input.bridge->tunnel_table, input.frozen->metadata.in_port);
        } else {
            OfPort* port = backer.port_of(key);
            EXPECT_NE(port, nullptr);
            input.bridge = port->bridge;
            input.flow = to_openflow_key(key, *port->bridge->tunnel_table, port->number);
        }
        TranslateOutput output = translate(input);
        normalize(output.actions);
        return output;
    }

    void check(const packet::Flow& key, const TranslateOutput& verdict, uint64_t near) {
        packet::Flow mask = to_datapath_mask(key, verdict.mask, *world_.bridge("br0").tunnel_table);
        for (uint64_t i = 0; i < near; ++i) {
            packet::Flow like = neighbour(key, mask);
            bool covered = true;
            for (size_t w = 0; w < packet::kFlowWords; ++w) {
                covered &= !((packet::words(like)[w] ^ packet::words(key)[w]) & packet::words(mask)[w]);
            }
            if (!covered || like == key) {
                ++passed_over;
                continue;
            }
            ++packets;
            tunnelled += key.tunnel.dst != 0u;
            tracked += key.ct_state != 0u;
            TranslateOutput other = walk(like);
            if (other.actions == verdict.actions && other.slow == verdict.slow) continue;
            std::string text;
            for (const std::string& flow : flows_) text += "  " + flow + "\n";
            FAIL() << "a megaflow\n  " << datapath::format_match(key, mask) << "\n  "
                   << datapath::format_actions(verdict.actions) << "\nof\n  " << datapath::format_key(key)
                   << "\ncovers\n  " << datapath::format_key(like) << "\n  "
                   << datapath::format_actions(other.actions) << "\n"
                   << text;
        }
    }

    packet::Flow random_key() {
        packet::Flow flow = packet::zero_flow();
        packet::extract(gen_.packet(), flow);
        flow.in_port = gen_.one_in(3) ? kTunnelDevice : 1 + gen_.upto(4);
        if (gen_.one_in(4)) flow.pkt_mark = gen_.upto(4);
        if (flow.in_port != kTunnelDevice) return flow;
        flow.tunnel.src = gen_.one_in(2) ? 0x01010101 : 0x01010001 + gen_.upto(4);
        flow.tunnel.dst = gen_.one_in(2) ? 0x01010109 : 0x0101010a;
        flow.tunnel.id = gen_.upto(8);
        flow.tunnel.flags =
            static_cast<uint16_t>(packet::kTunnelKey | (gen_.one_in(3) ? packet::kTunnelCsum : 0));
        flow.tunnel.ttl = gen_.one_in(3) ? 1 : 64;
        flow.tunnel.tos = static_cast<uint8_t>(gen_.upto(4));
        size_t size = 0;
        for (uint32_t n = gen_.upto(4); n; --n) {
            uint32_t kind = gen_.upto(4);  // two that are mapped, two that are not
            uint8_t words = kind == 1 ? 2 : 1;
            uint8_t* p = flow.tunnel.metadata.data() + size;
            store_be16(p, kind == 3 ? 0x103 : 0x102);
            p[2] = static_cast<uint8_t>(0x80 + kind);
            p[3] = words;
            p[3 + 4 * words] = static_cast<uint8_t>(gen_.upto(8));
            size += 4 + 4u * words;
        }
        flow.tunnel.metadata_present = size;
        return flow;
    }

    void track(packet::Flow& flow) {
        for (Part each : kOfConnections) std::memset(bytes(flow) + each.offset, 0, each.size);
        if (gen_.one_in(5)) return;
        static constexpr uint32_t kStates[] = {
            packet::kCtTracked | packet::kCtNew,
            packet::kCtTracked | packet::kCtEstablished,
            packet::kCtTracked | packet::kCtEstablished | packet::kCtReply,
            packet::kCtTracked | packet::kCtInvalid,
            packet::kCtTracked | packet::kCtRelated | packet::kCtReply,
        };
        flow.ct_state = kStates[gen_.upto(5)];
        flow.ct_zone = static_cast<uint16_t>(gen_.upto(3));
        flow.ct_mark = gen_.upto(4);
        flow.ct_label[15] = static_cast<uint8_t>(gen_.upto(8));
        if (flow.ct_state & packet::kCtInvalid) return;
        flow.ct_nw_proto = flow.nw_proto;
        flow.ct_nw_src = flow.nw_src;
        flow.ct_nw_dst = flow.nw_dst;
        flow.ct_ipv6_src = flow.ipv6_src;
        flow.ct_ipv6_dst = flow.ipv6_dst;
        flow.ct_tp_src = flow.tp_src;
        flow.ct_tp_dst = flow.tp_dst;
    }

    // As extract() would have it of a packet with these headers.
    static packet::Flow canonical(packet::Flow flow) {
        packet::Packet packet = packet::compose(flow, 20);
        std::memset(bytes(flow) + kPacketStart, 0, sizeof flow - kPacketStart);
        packet::extract(packet, flow);
        return flow;
    }

    // A key that agrees with `key` where `mask` looks, if such a packet can be.
    packet::Flow neighbour(const packet::Flow& key, const packet::Flow& mask) {
        packet::Flow other = canonical(random_key());
        if (key.recirc_id) track(other);
        packet::Flow out = key;
        if (gen_.one_in(3)) {
            take(out, other, kOfPackets);
            if (key.in_port == kTunnelDevice && other.in_port == kTunnelDevice) take(out, other, kOfTunnels);
            if (key.recirc_id) take(out, other, kOfConnections);
        } else {
            for (uint32_t n = 1 + gen_.upto(3); n; --n) {
                bool tunnel = key.in_port == kTunnelDevice && gen_.one_in(3);
                const auto& parts = tunnel                            ? kOfTunnels
                                    : key.recirc_id && gen_.one_in(3) ? kOfConnections
                                                                      : kOfPackets;
                Part chosen = parts[gen_.upto(static_cast<uint32_t>(parts.size()))];
                if (gen_.one_in(2) && (!tunnel || other.in_port == kTunnelDevice)) {
                    take(out, other, {chosen});
                } else {
                    bytes(out)[chosen.offset + gen_.upto(static_cast<uint32_t>(chosen.size))] ^=
                        static_cast<uint8_t>(1 << gen_.upto(8));
                }
            }
        }
        for (size_t w = 0; w < packet::kFlowWords; ++w) {
            uint64_t seen = packet::words(mask)[w];
            packet::words(out)[w] = (packet::words(key)[w] & seen) | (packet::words(out)[w] & ~seen);
        }
        // Bytes of options behind their end, which no key has, and lengths that none can have.
        size_t size = std::min<uint64_t>(out.tunnel.metadata_present, packet::kTunnelMetadataBytes);
        out.tunnel.metadata_present = size;
        std::memset(out.tunnel.metadata.data() + size, 0, packet::kTunnelMetadataBytes - size);
        return canonical(out);
    }
    static void take(packet::Flow& to, packet::Flow& from, const std::vector<Part>& parts) {
        for (Part each : parts) std::memcpy(bytes(to) + each.offset, bytes(from) + each.offset, each.size);
    }

    static void collect(const datapath::Actions& actions, std::vector<uint32_t>& ids) {
        for (const datapath::Action& action : actions) {
            if (auto* again = action.get_if<datapath::Recirculate>()) ids.push_back(again->id);
            if (auto* clone = action.get_if<datapath::Clone>()) collect(clone->actions, ids);
            if (auto* sample = action.get_if<datapath::Sample>()) collect(sample->actions, ids);
            if (auto* length = action.get_if<datapath::CheckPacketLength>()) {
                collect(length->if_greater, ids);
                collect(length->if_not_greater, ids);
            }
        }
    }

    RandomFlows gen_;
    TestWorld world_;
    std::vector<std::string> flows_;
    std::vector<RecirculationRefs> held_;
};

class MegaflowProperty : public ::testing::TestWithParam<int> {};

TEST_P(MegaflowProperty, SpeaksForAllThatItCovers) {
    const char* given = std::getenv("WEFT_SEED");
    uint32_t seed = given ? static_cast<uint32_t>(std::atoi(given)) : std::random_device()();
    seed += static_cast<uint32_t>(GetParam()) * 1000003;
    SCOPED_TRACE("seed " + std::to_string(seed));
    const char* count = std::getenv("WEFT_PACKETS");
    uint64_t wanted = count ? std::strtoull(count, nullptr, 10) : 20000;
    net::Loop loop;
    uint64_t packets = 0, passed_over = 0, tunnelled = 0, tracked = 0;
    for (uint32_t table = 0; packets < wanted; ++table) {
        Boundary boundary(seed + table, loop);
        SCOPED_TRACE("tables of seed " + std::to_string(seed + table));
        for (int i = 0; i < 60 && packets + boundary.packets < wanted; ++i) {
            boundary.look(20);
            ASSERT_FALSE(HasFailure());
        }
        packets += boundary.packets;
        passed_over += boundary.passed_over;
        tunnelled += boundary.tunnelled;
        tracked += boundary.tracked;
    }
    std::printf("%lu packets, %lu of tunnels, %lu tracked; %lu passed over\n", packets, tunnelled, tracked,
                passed_over);
    EXPECT_GT(tunnelled, packets / 10);
    EXPECT_GT(tracked, packets / 50);
}

INSTANTIATE_TEST_SUITE_P(Seeds, MegaflowProperty, ::testing::Range(0, 2));

}  // namespace
}  // namespace weft::vswitch
