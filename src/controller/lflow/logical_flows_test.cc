#include "controller/lflow/logical_flows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

namespace weft::controller {
namespace {

namespace sb = schema::sb;
namespace of = openflow;

Uuid id(uint8_t kind, uint8_t number) {
    Uuid uuid;
    uuid.bytes[0] = kind;
    uuid.bytes[1] = number;
    uuid.bytes[15] = 1;
    return uuid;
}
constexpr uint8_t kDatapath = 1, kPort = 2, kFlow = 3, kSet = 4, kPortGroup = 5, kDatapathGroup = 6,
                  kChassis = 7, kMulticast = 8;

// The southbound database as plain maps, which a view can be filled from at any time.
struct Database {
    std::map<Uuid, sb::PortBinding> ports;
    std::map<Uuid, sb::LogicalFlow> flows;
    std::map<Uuid, sb::AddressSet> sets;
    std::map<Uuid, sb::PortGroup> port_groups;
    std::map<Uuid, sb::LogicalDPGroup> datapath_groups;
    std::map<Uuid, sb::MulticastGroup> multicast_groups;
    std::map<Uuid, LocalDatapath> local_datapaths;
    std::map<std::string, LocalPort> local_ports;
};

struct World {
    SouthboundView view;
    LogicalFlows logical{view};

    template <typename Row>
    void feed(const std::map<Uuid, Row>& rows, incremental::Input<Uuid, const Row*>& input) {
        for (const Uuid& uuid : input.keys()) {
            if (!rows.contains(uuid)) input.erase(uuid);
        }
        for (const auto& [uuid, row] : rows) {
            input.set(uuid, &row);
            input.touch(uuid);
        }
    }
    template <typename K, typename V>
    void feed_values(const std::map<K, V>& values, incremental::Input<K, V>& input) {
        for (const K& key : input.keys()) {
            if (!values.contains(key)) input.erase(key);
        }
        for (const auto& [key, value] : values) input.set(key, value);
    }
    void follow(const Database& database) {
        view.own_chassis.set({}, id(kChassis, 1));
        feed(database.ports, view.ports);
        feed(database.flows, view.logical_flows);
        feed(database.sets, view.address_sets);
        feed(database.port_groups, view.port_groups);
        feed(database.datapath_groups, view.datapath_groups);
        feed(database.multicast_groups, view.multicast_groups);
        feed_values(database.local_datapaths, view.local_datapaths);
        feed_values(database.local_ports, view.local_ports);
        view.engine.update();
    }
    std::vector<std::string> flows() {
        std::vector<std::string> out;
        view.flows.for_each([&](const DesiredFlow& flow) {
            std::string line = text(flow);
            // Numbers of groups depend on history, what they do does not.
            for (const auto& [request, number] : logical.group_numbers().numbers()) {
                std::string name = "actions=group:" + std::to_string(number);
                if (line.ends_with(name)) line.replace(line.size() - name.size(), name.size(), request);
            }
            out.push_back(line);
        });
        std::sort(out.begin(), out.end());
        return out;
    }
    static std::string text(const DesiredFlow& flow) {
        of::Match match;
        ByteReader reader(as_bytes(flow.match));
        EXPECT_EQ(of::decode_oxm_match(reader, {}, match), of::OfError::kNone);
        of::ActionList actions;
        EXPECT_EQ(of::decode_instructions(as_bytes(flow.instructions), of::Version::k15, {}, actions),
                  of::OfError::kNone);
        return "table=" + std::to_string(flow.table) + ",priority=" + std::to_string(flow.priority) +
               (flow.cookie ? "," : ",shared,") + of::to_string(match) + " actions=" + of::to_string(actions);
    }
};

sb::PortBinding make_port(uint8_t number, uint8_t datapath, std::string name) {
    sb::PortBinding port;
    port.uuid = id(kPort, number);
    port.logical_port = std::move(name);
    port.datapath = id(kDatapath, datapath);
    port.tunnel_key = number;
    return port;
}

sb::LogicalFlow make_flow_row(uint8_t number, uint8_t datapath, std::string match, std::string actions) {
    sb::LogicalFlow flow;
    flow.uuid = id(kFlow, number);
    flow.logical_datapath = id(kDatapath, datapath);
    flow.pipeline = "ingress";
    flow.table_id = 3;
    flow.priority = 100;
    flow.match = std::move(match);
    flow.actions = std::move(actions);
    return flow;
}

Database small_network() {
    Database database;
    database.local_datapaths[id(kDatapath, 1)] = {11, true};
    database.local_datapaths[id(kDatapath, 2)] = {12, true};
    database.local_datapaths[id(kDatapath, 3)] = {13, false};
    for (auto& port : {make_port(1, 1, "a"), make_port(2, 1, "b"), make_port(3, 2, "c")}) {
        database.ports[port.uuid] = port;
    }
    database.local_ports["a"] = {5};
    database.local_ports["c"] = {6};
    return database;
}

using Lines = std::vector<std::string>;

TEST(LogicalFlows, OneFlowOfOneDatapath) {
    Database database = small_network();
    World world;
    database.flows[id(kFlow, 1)] = make_flow_row(1, 1, "ip4.dst == 10.0.0.1", "outport = \"b\"; output;");
    database.flows[id(kFlow, 2)] = make_flow_row(2, 9, "1", "next;");  // its datapath is not local
    world.follow(database);
    EXPECT_EQ(world.flows(), Lines{"table=11,priority=100,ip,metadata=0xb,nw_dst=10.0.0.1 "
                                   "actions=set_field:0x2->reg15,resubmit(,37)"});
    database.flows.erase(id(kFlow, 1));
    world.follow(database);
    EXPECT_EQ(world.flows(), Lines{});
}

TEST(LogicalFlows, DatapathGroups) {
    Database database = small_network();
    World world;
    sb::LogicalDPGroup group;
    group.uuid = id(kDatapathGroup, 1);
    group.datapaths = {id(kDatapath, 1), id(kDatapath, 3), id(kDatapath, 9)};
    database.datapath_groups[group.uuid] = group;
    sb::LogicalFlow flow = make_flow_row(1, 1, "ip4", "ct_next;");
    flow.logical_datapath.reset();
    flow.logical_dp_group = group.uuid;
    flow.pipeline = "egress";
    database.flows[flow.uuid] = flow;
    world.follow(database);
    EXPECT_EQ(world.flows(),
              (Lines{"table=45,priority=100,ip,metadata=0xb actions=ct(table=46,zone=NXM_NX_REG13[0..15])",
                     "table=45,priority=100,ip,metadata=0xd actions=ct(table=46,zone=NXM_NX_REG11[0..15])"}));
    database.datapath_groups[group.uuid].datapaths = {id(kDatapath, 2)};
    world.follow(database);
    EXPECT_EQ(world.flows(),
              Lines{"table=45,priority=100,ip,metadata=0xc actions=ct(table=46,zone=NXM_NX_REG13[0..15])"});
}

TEST(LogicalFlows, PortsThatLiveElsewhere) {
    Database database = small_network();
    World world;
    database.flows[id(kFlow, 1)] = make_flow_row(1, 1, "inport == {\"a\", \"b\", \"c\", \"nope\"}", "next;");
    world.follow(database);
    Lines only_a{"table=11,priority=100,reg14=0x1,metadata=0xb actions=resubmit(,12)"};
    EXPECT_EQ(world.flows(), only_a);
    database.flows[id(kFlow, 1)].match = "outport == \"none\"";
    world.follow(database);
    EXPECT_EQ(world.flows(), Lines{"table=11,priority=100,reg15=0,metadata=0xb actions=resubmit(,12)"});
    // As an output port the remote one counts.
    database.flows[id(kFlow, 1)].match = "outport == {\"a\", \"b\"}";
    world.follow(database);
    EXPECT_EQ(world.flows().size(), 2u);
    // It comes here.
    database.flows[id(kFlow, 1)].match = "inport == {\"a\", \"b\"}";
    database.ports[id(kPort, 2)].chassis = id(kChassis, 1);
    world.follow(database);
    EXPECT_EQ(world.flows().size(), 2u);
    // Flows tagged with a port that is elsewhere are skipped.
    database.ports[id(kPort, 2)].chassis.reset();
    database.flows[id(kFlow, 1)].match = "1";
    database.flows[id(kFlow, 1)].tags = {{"in_out_port", "b"}};
    world.follow(database);
    EXPECT_EQ(world.flows(), Lines{});
}

// A router with a port to a switch that is here and one to a switch that is not.
Database router_with_a_closed_port() {
    Database database = small_network();
    for (auto [number, datapath, name, peer] :
         {std::tuple<uint8_t, uint8_t, const char*, const char*>{10, 3, "r-near", "near-r"},
          {11, 1, "near-r", "r-near"},
          {12, 3, "r-far", "far-r"},
          {13, 9, "far-r", "r-far"}}) {
        sb::PortBinding port = make_port(number, datapath, name);
        port.type = "patch";
        port.options = {{"peer", peer}};
        database.ports[port.uuid] = port;
    }
    return database;
}

TEST(LogicalFlows, ClosedPortsOfRouters) {
    Database database = router_with_a_closed_port();
    World world;
    struct {
        const char *pipeline, *match;
        size_t closed, open;  // flows
    } const cases[] = {
        {"ingress", "inport == \"r-near\" && ip4", 1, 1},
        {"ingress", "inport == \"r-far\" && ip4", 0, 1},
        {"ingress", "ip4 && inport == \"r-far\"", 0, 1},
        {"ingress", "inport == {\"r-near\", \"r-far\"}", 1, 2},
        {"ingress", "inport == \"r-far\" || arp", 1, 2},  // true of others, too
        {"ingress", "outport == \"r-far\" && reg0 == 1", 1, 1},
        {"egress", "outport == \"r-far\"", 0, 1},
        {"egress", "outport == \"r-near\"", 1, 1},
        {"egress", "inport == \"r-far\" && ip4", 1, 1},  // by a tunnel
    };
    for (const auto& each : cases) {
        SCOPED_TRACE(each.match);
        sb::LogicalFlow flow = make_flow_row(1, 3, each.match, "next;");
        flow.pipeline = each.pipeline;
        database.flows[flow.uuid] = flow;
        database.local_datapaths.erase(id(kDatapath, 9));
        world.follow(database);
        EXPECT_EQ(world.flows().size(), each.closed);
        database.local_datapaths[id(kDatapath, 9)] = {19, true};
        world.follow(database);
        EXPECT_EQ(world.flows().size(), each.open);
    }
}

TEST(LogicalFlows, SetsGroupsAndConjunctions) {
    Database database = small_network();
    World world;
    sb::AddressSet set;
    set.uuid = id(kSet, 1);
    set.name = "as";
    set.addresses = {"10.0.0.1", "10.0.0.2", "10.0.0.3"};
    database.sets[set.uuid] = set;
    database.flows[id(kFlow, 1)] = make_flow_row(1, 1, "ip4.src == $as && tcp.dst == {1, 2, 3}", "drop;");
    world.follow(database);
    EXPECT_EQ(world.flows().size(), 7u);
    EXPECT_EQ(world.flows()[0], "table=11,priority=100,conj_id=50397184,tcp,metadata=0xb actions=drop");
    database.sets[set.uuid].addresses = {"10.0.0.9"};
    world.follow(database);
    EXPECT_EQ(world.flows()[2],
              "table=11,priority=100,tcp,metadata=0xb,nw_src=10.0.0.9,tp_dst=3 actions=drop");

    sb::PortGroup group;
    group.uuid = id(kPortGroup, 1);
    group.name = "11_pg";
    group.ports = {"a"};
    database.port_groups[group.uuid] = group;
    database.flows[id(kFlow, 1)].match = "inport == @pg";
    world.follow(database);
    EXPECT_EQ(world.flows(), Lines{"table=11,priority=100,reg14=0x1,metadata=0xb actions=drop"});
}

TEST(LogicalFlows, GroupsLiveAsLongAsTheirFlows) {
    Database database = small_network();
    World world;
    database.flows[id(kFlow, 1)] = make_flow_row(1, 1, "ip4", "ct_lb_mark(backends=1.1.1.1,2.2.2.2);");
    database.flows[id(kFlow, 2)] = make_flow_row(2, 1, "ip4 && tcp", "ct_lb_mark(backends=1.1.1.1,2.2.2.2);");
    database.flows[id(kFlow, 3)] = make_flow_row(3, 1, "ip4 && udp", "set_meter(100);");
    world.follow(database);
    size_t added = 0, removed = 0;
    auto count = [&](const DesiredGroup&, bool add) { ++(add ? added : removed); };
    world.logical.groups().take_changes(count);
    EXPECT_EQ(added, 1u);
    EXPECT_EQ(world.logical.meters().size(), 1u);
    database.flows.erase(id(kFlow, 1));
    world.follow(database);
    world.logical.groups().take_changes(count);
    EXPECT_EQ(removed, 0u);
    database.flows.clear();
    world.follow(database);
    world.logical.groups().take_changes(count);
    EXPECT_EQ(removed, 1u);
}

TEST(LogicalFlows, ARowThatMakesNoSenseIsSkipped) {
    Database database = small_network();
    World world;
    database.flows[id(kFlow, 1)] = make_flow_row(1, 1, "ip4 &&", "next;");
    database.flows[id(kFlow, 2)] = make_flow_row(2, 1, "1", "nonsense;");
    database.flows[id(kFlow, 3)] = make_flow_row(3, 1, "ip4.src == $missing", "next;");
    world.follow(database);
    EXPECT_EQ(world.flows(), Lines{});
}

// Whatever the history, the flows are those of a controller that just started.
TEST(LogicalFlows, IncrementalEqualsFresh) {
    const char* given = std::getenv("WEFT_SEED");
    unsigned seed = given ? static_cast<unsigned>(std::atoi(given)) : std::random_device()();
    SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed));
    std::mt19937 random(seed);
    auto below = [&](unsigned n) { return static_cast<uint8_t>(random() % n); };
    static constexpr const char* kMatches[] = {"1",
                                               "inport == @pg && ip4",
                                               "outport == {\"p0\", \"p1\", \"p2\"}",
                                               "ip4.src == $as0 && tcp.dst == {1, 2, 3}",
                                               "ip4.dst != $as1 || udp",
                                               "is_chassis_resident(\"p1\") && eth.mcast",
                                               "ip4 &&"};
    static constexpr const char* kActions[] = {"next;", "outport = \"p1\"; output;", "ct_next;",
                                               "outport = \"_MC_flood\"; output;",
                                               "ct_lb_mark(backends=1.1.1.1,2.2.2.2);"};
    Database database;
    World world;
    for (int step = 0; step < 400; ++step) {
        uint8_t n = below(4), datapath = below(3);
        switch (below(9)) {
            case 0: {
                sb::LogicalFlow flow =
                    make_flow_row(below(30), datapath, kMatches[below(7)], kActions[below(5)]);
                if (below(3) == 0) {
                    flow.logical_datapath.reset();
                    flow.logical_dp_group = id(kDatapathGroup, n);
                }
                if (below(4) == 0) flow.tags = {{"in_out_port", "p1"}};
                database.flows[flow.uuid] = flow;
                break;
            }
            case 1:
                database.flows.erase(id(kFlow, below(30)));
                break;
            case 2: {
                sb::PortBinding port = make_port(n, datapath, "p" + std::to_string(n));
                if (below(2)) port.chassis = id(kChassis, below(3));
                if (below(4) == 0) port.type = "patch";
                database.ports[port.uuid] = port;
                break;
            }
            case 3:
                database.ports.erase(id(kPort, n));
                break;
            case 4: {
                sb::AddressSet set;
                set.uuid = id(kSet, n);
                set.name = "as" + std::to_string(n);
                for (uint8_t i = 0, count = below(5); i < count; ++i)
                    set.addresses.insert("10.0.0." + std::to_string(below(9)));
                database.sets[set.uuid] = set;
                break;
            }
            case 5: {
                sb::PortGroup group;
                group.uuid = id(kPortGroup, datapath);
                group.name = std::to_string(20 + datapath) + "_pg";
                for (uint8_t i = 0; i < 4; ++i) {
                    if (below(2)) group.ports.insert("p" + std::to_string(i));
                }
                database.port_groups[group.uuid] = group;
                break;
            }
            case 6: {
                sb::LogicalDPGroup group;
                group.uuid = id(kDatapathGroup, n);
                for (uint8_t i = 0; i < 3; ++i) {
                    if (below(2)) group.datapaths.insert(id(kDatapath, i));
                }
                database.datapath_groups[group.uuid] = group;
                break;
            }
            case 7:
                if (below(2)) {
                    database.local_datapaths[id(kDatapath, datapath)] = {20u + datapath, below(2) == 0};
                } else {
                    database.local_datapaths.erase(id(kDatapath, datapath));
                }
                break;
            default: {
                sb::MulticastGroup group;
                group.uuid = id(kMulticast, datapath);
                group.datapath = id(kDatapath, datapath);
                group.name = "_MC_flood";
                group.tunnel_key = 0x8000 + below(3);
                database.multicast_groups[group.uuid] = group;
            }
        }
        world.follow(database);
        if (step % 10) continue;
        World fresh;
        fresh.follow(database);
        ASSERT_EQ(world.flows(), fresh.flows()) << "after step " << step;
    }
}

}  // namespace
}  // namespace weft::controller
