#include "controller/lflow/flow_template.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <tuple>

#include "controller/lflow/logical_flows.h"

namespace weft::controller {
namespace {

namespace sb = schema::sb;

Uuid id(uint8_t kind, uint32_t number) {
    Uuid uuid;
    uuid.bytes[0] = kind;
    uuid.bytes[1] = static_cast<uint8_t>(number >> 16);
    uuid.bytes[2] = static_cast<uint8_t>(number >> 8);
    uuid.bytes[3] = static_cast<uint8_t>(number);
    return uuid;
}
constexpr uint8_t kDatapath = 1, kPort = 2, kFlow = 3, kChassis = 4;

// A switch and a router that are here, with ports of every kind; "gone" does not exist.
struct World {
    explicit World(uint32_t threshold) {
        logical.templates().set_threshold(threshold);
        view.own_chassis.set({}, id(kChassis, 1));
        view.local_datapaths.set(id(kDatapath, 1), {11, true});
        view.local_datapaths.set(id(kDatapath, 2), {12, false});
        view.local_ports.set("here", {5});
        uint8_t number = 0;
        for (const char* name : {"here", "elsewhere", "other", "lrp", "cr-lrp", "a-port-with-a-long-name"}) {
            sb::PortBinding& port = ports[number++];
            port.uuid = id(kPort, number);
            port.logical_port = name;
            port.datapath = id(kDatapath, number <= 3 ? 1 : 2);
            port.tunnel_key = number;
            if (number == 4) port.type = "patch";
            if (number == 5) port.type = "chassisredirect";
            if (number == 5) port.chassis = id(kChassis, 1);
            view.ports.set(port.uuid, &port);
        }
    }
    void follow(std::vector<sb::LogicalFlow>& flows) {
        for (sb::LogicalFlow& flow : flows) view.logical_flows.set(flow.uuid, &flow);
        view.engine.update();
    }
    using Line = std::tuple<uint8_t, uint16_t, uint32_t, std::string, std::string>;
    std::vector<Line> lines() const {
        std::vector<Line> out;
        view.flows.for_each([&](const DesiredFlow& flow) {
            out.emplace_back(flow.table, flow.priority, flow.cookie, flow.match, flow.instructions);
        });
        std::sort(out.begin(), out.end());
        return out;
    }

    std::array<sb::PortBinding, 6> ports;
    SouthboundView view;
    LogicalFlows logical{view};
};

// Texts of matches and actions.  Few constants, so that they often meet; many of the texts are no flows.
class Texts {
  public:
    explicit Texts(unsigned seed) : random_(seed) {}

    size_t below(size_t n) { return random_() % n; }
    template <size_t N>
    const char* any(const char* const (&of)[N]) {
        return of[below(N)];
    }
    std::string ip4() {
        return any({"10.0.0.1", "10.0.0.2", "10.1.2.3", "255.255.255.255", "0.0.0.0", "224.0.0.5",
                    "10.0.0.01", "10.0.0.256", "1.2.3.4"});
    }
    std::string ip4_masked() {
        return any({"10.0.0.0/8", "10.0.0.0/23", "10.1.2.0/24", "10.1.2.3/32", "0.0.0.0/0", "10.1.2.3/24",
                    "224.0.0.0/4", "10.128.0.0/9", "10.0.0.0/255.0.0.0", "10.0.0.0/33"});
    }
    std::string ip6() {
        return any({"fe80::1", "fe80::858:bff:fe00:3", "ff02::1:ff00:3", "::1",
                    "2001:db8::", "::ffff:1.2.3.4", "2001:db8:0:1:2:3:4:5"});
    }
    std::string ip6_masked() {
        return any({"fe80::/64", "fe80::/10", "2001:db8::/33", "fe80::1/64", "::/0"});
    }
    std::string mac() {
        return any({"0a:58:0a:00:06:0a", "0A:58:0a:00:06:0b", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:01",
                    "33:33:00:00:00:01", "a:b:c:d:e:f"});
    }
    std::string port() {
        return std::string("\"") +
               any({"here", "elsewhere", "other", "lrp", "cr-lrp", "a-port-with-a-long-name", "gone", "none",
                    "", "probe-0-0", "es\\\"caped"}) +
               '"';
    }
    std::string term() {
        switch (below(24)) {
            case 0:
                return "ip4.dst == " + ip4();
            case 1:
                return "ip4.src == " + ip4();
            case 2:
                return "ip4.dst == " + ip4_masked();
            case 3:
                return fmt::format("ip4.{} == {{{}, {}}}", any({"src", "dst"}), ip4(), ip4());
            case 4:
                return fmt::format("ip4.src == {{{}}}", ip4_masked());
            case 5:
                return fmt::format("reg{} == {}", below(3), ip4());
            case 6:
                return "xxreg0 == " + ip6();
            case 7:
                return "ip6.dst == " + ip6_masked();
            case 8:
                return fmt::format("ip6.dst == {{{}, {}}}", ip6(), ip6());
            case 9:
                return "eth.dst == " + mac();
            case 10:
                return fmt::format("eth.{} == {{{}, {}}}", any({"src", "dst"}), mac(), mac());
            case 11:
                return "outport == " + port();
            case 12:
                return "inport == " + port();
            case 13:
                return "is_chassis_resident(" + port() + ')';
            case 14:
                return "!is_chassis_resident(" + port() + ')';
            case 15:
                return fmt::format("({} || {})", term(), term());
            case 16:
                return fmt::format("!({})", term());
            case 17:
                return fmt::format("ip4.dst != {}", ip4());
            case 18:
                return fmt::format("arp.op == 1 && arp.spa == {} && arp.tpa == {}", ip4_masked(), ip4());
            case 19:
                return fmt::format("nd_ns && nd.target == {}", ip6());
            case 20:
                return fmt::format("inport == {{{}, {}}}", port(), port());
            case 21:
                return fmt::format("ip4.dst == {} /* {} */", ip4(), any({"a", "the \"other\"", "b // c"}));
            case 22:
                return fmt::format("reg0[0..7] == {}", below(3));
            default:
                return any({"1", "eth.mcast", "ip4.mcast", "!ip4.mcast", "ip4", "ip6", "tcp",
                            "ip.ttl == {0, 1}", "reg9[0] == 0", "tcp.dst == 80", "flags.loopback == 1",
                            "!ip.later_frag", "0", "ct.est && !ct.rel", "eth.dst[40]", "tcp.dst == {80, 443}",
                            "reg8[0..15] != 0"});
        }
    }
    // Two tests of one field, in which the values decide whether any packet passes.
    std::string overlap() {
        switch (below(7)) {
            case 0:
                return fmt::format("ip4.dst == {} && ip4.dst == {}", ip4(), ip4_masked());
            case 1:
                return "eth.mcast && eth.dst == " + mac();
            case 2:
                return fmt::format("{}ip4.mcast && ip4.dst == {}", any({"", "!"}), ip4());
            case 3:
                return fmt::format("reg0 == {} && reg0[0..7] == {}", ip4(), below(3));
            case 4:
                return fmt::format("xxreg0 == {} && reg0 == {}", ip6(), ip4());
            case 5:
                return fmt::format("outport == {} && outport == {}", port(), port());
            default:
                return fmt::format("ip4.src == {{{}, {}}} && ip4.src == {}", ip4(), ip4(), ip4());
        }
    }
    std::string match() {
        std::string out = below(3) ? term() : overlap();
        for (size_t more = below(4); more > 0; --more) out += " && " + term();
        return out;
    }
    std::string action() {
        switch (below(14)) {
            case 0:
                return fmt::format("eth.dst = {};", mac());
            case 1:
                return fmt::format("eth.src = {};", mac());
            case 2:
                return fmt::format("reg{} = {};", below(3), ip4());
            case 3:
                return fmt::format("xxreg{} = {};", below(2), ip6());
            case 4:
                return fmt::format("outport = {};", port());
            case 5:
                return fmt::format("reg1 = {};", ip4_masked());
            case 6:
                return fmt::format("icmp4 {{ eth.dst <-> eth.src; ip4.dst = {}; outport = {}; output; }};",
                                   ip4(), port());
            case 7:
                return fmt::format("arp {{ eth.dst = {}; arp.spa = {}; output; }};", mac(), ip4());
            case 8:
                return fmt::format("nd_na {{ nd.tll = {}; inport = {}; output; }};", mac(), port());
            case 9:
                return fmt::format("ct_dnat({});", ip4());
            case 10:
                return fmt::format("reg0[0] = put_dhcp_opts(offerip = {}, netmask = 255.255.255.0);", ip4());
            case 11:
                return fmt::format("ct_lb_mark(backends={}:80);", ip4());
            case 12:
                return fmt::format("get_arp(outport, {});", any({"reg0", "reg1"}));
            default:
                return any({"ip.ttl--;", "flags.loopback = 1;", "reg8[0..15] = 0;", "eth.dst <-> eth.src;",
                            "ct_next;", "xreg0[0..47] = 0a:58:0b:00:00:03;", "/* a comment */"});
        }
    }
    std::string actions() {
        std::string out;
        for (size_t more = below(4); more > 0; --more) out += action() + ' ';
        return out + any({"next;", "output;", "drop;", "next;", "next(5);"});
    }

  private:
    std::mt19937 random_;
};

sb::LogicalFlow make_row(uint32_t number, std::string match, std::string actions) {
    sb::LogicalFlow flow;
    flow.uuid = id(kFlow, number);
    flow.logical_datapath = id(kDatapath, 1 + number % 2);
    flow.pipeline = number % 3 ? "ingress" : "egress";
    flow.table_id = 3 + number % 2;
    flow.priority = 100;
    flow.match = std::move(match);
    flow.actions = std::move(actions);
    return flow;
}

TEST(FlowTemplate, GivesWhatTranslationInFullGives) {
    const char* given = std::getenv("WEFT_SEED");
    const unsigned seed =
        given ? static_cast<unsigned>(std::atoi(given)) : std::random_device()() % 1'000'000;
    SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed));
    Texts texts(seed);
    // The same few texts with other constants: shapes come back.
    std::vector<sb::LogicalFlow> flows;
    uint32_t number = 0;
    for (int shape = 0; shape < 1500; ++shape) {
        std::string match = texts.match(), actions = texts.actions();
        for (int again = 0; again < 6; ++again) flows.push_back(make_row(++number, match, actions));
        for (const char* constant : {"10.0.0.1", "10.0.0.2", "0a:58:0a:00:06:0a", "fe80::1", "here", "lrp"}) {
            for (std::string* text : {&match, &actions}) {
                const size_t at = text->find(constant);
                if (at == std::string::npos) continue;
                std::string other = *constant == '1'   ? texts.ip4()
                                    : *constant == '0' ? texts.mac()
                                    : *constant == 'f' ? texts.ip6()
                                                       : texts.any({"other", "elsewhere", "cr-lrp", "gone"});
                text->replace(at, std::string_view(constant).size(), other);
            }
            flows.push_back(make_row(++number, match, actions));
            flows.push_back(make_row(++number, match, actions));
        }
    }
    World full(UINT32_MAX), filled(1);
    full.follow(flows);
    filled.follow(flows);
    EXPECT_EQ(full.lines(), filled.lines());
    EXPECT_EQ(full.logical.templates().made(), 0u);
    EXPECT_GT(filled.logical.templates().made(), 200u);
    EXPECT_GT(full.lines().size(), 1000u);
}

// The shapes that northd's flows of a large network mostly have: that they have templates is what these are
// for.
TEST(FlowTemplate, ShapesOfLargeNetworks) {
    struct Case {
        const char* match;
        const char* actions;
    };
    const Case kCases[] = {
        {"outport == \"lrp\" && reg0 == 10.128.6.10", "eth.dst = 0a:58:0a:00:06:0a; next;"},
        {"outport == \"lrp\" && xxreg0 == fe80::1", "eth.dst = 0a:58:0a:00:06:0a; next;"},
        {"ip4.dst == 10.128.6.0/23",
         "ip.ttl--; reg8[0..15] = 0; reg0 = ip4.dst; reg1 = 10.128.6.1; eth.src = 0a:58:0b:00:00:03; "
         "outport = \"lrp\"; flags.loopback = 1; next;"},
        {"inport == \"lrp\" && ip4.dst == 172.18.0.13 /* node-3 */",
         "reg0 = 10.128.6.2; reg1 = 10.128.6.1; eth.src = 0a:58:0b:00:00:03; outport = \"lrp\"; next;"},
        {"eth.dst == 0a:58:0b:00:00:03 && inport == \"lrp\" && is_chassis_resident(\"cr-lrp\")",
         "xreg0[0..47] = 0a:58:0b:00:00:03; next;"},
        {"ip4.src == {10.128.6.1, 10.128.7.255} && reg9[0] == 0", "drop;"},
        {"ip4.dst == {10.128.6.1}", "drop;"},
        {"inport == \"lrp\" && ip4 && ip.ttl == {0, 1} && !ip.later_frag",
         "icmp4 {eth.dst <-> eth.src; icmp4.type = 11; /* Time exceeded */ icmp4.code = 0; ip4.dst <-> "
         "ip4.src ; ip.ttl = 254; outport = \"lrp\"; flags.loopback = 1; output; };"},
        {"outport == \"lrp\"", "outport = \"cr-lrp\"; next;"},
        {"inport == \"lrp\" && ip6.dst == fe80::/64",
         "ip.ttl--; xxreg0 = ip6.dst; xxreg1 = fe80::858:bff:fe00:3; eth.src = 0a:58:0b:00:00:03; outport = "
         "\"lrp\"; next;"},
        {"ip4.dst == 10.128.6.1 && icmp4.type == 8 && icmp4.code == 0",
         "ip4.dst <-> ip4.src; ip.ttl = 255; icmp4.type = 0; flags.loopback = 1; next; "},
    };
    World world(1);
    size_t made = 0;
    for (const Case& each : kCases) {
        sb::LogicalFlow row = make_row(1, each.match, each.actions);
        TakenConstants constants;
        EXPECT_NE(world.logical.templates().find(row, logical::Pipeline::kIngress, false, constants), nullptr)
            << each.match << " -> " << each.actions;
        EXPECT_EQ(world.logical.templates().made(), ++made);
        EXPECT_FALSE(constants.empty());
    }
}

}  // namespace
}  // namespace weft::controller
