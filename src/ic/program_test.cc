// The program, changed a little at a time, has the rows that a fresh one has.

#include "ic/program.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <tuple>

namespace weft::ic {
namespace {

// Some rows of a table, by number.
template <typename Row>
struct Table {
    explicit Table(uint8_t number) : number(number) {}

    Uuid uuid(int i) const {
        Uuid out;
        out.bytes[0] = number;
        out.bytes[15] = static_cast<uint8_t>(i + 1);
        return out;
    }
    uint8_t number;
    std::map<int, Row> rows;
};

struct World {
    Table<nb::NBGlobal> global{1};
    Table<nb::LogicalSwitch> switches{2};
    Table<nb::LogicalSwitchPort> switch_ports{3};
    Table<nb::LogicalRouter> routers{4};
    Table<nb::LogicalRouterPort> router_ports{5};
    Table<nb::LogicalRouterStaticRoute> routes{6};
    Table<sb::Chassis> chassis{7};
    Table<sb::Encap> encaps{8};
    Table<icnb::TransitSwitch> transit_switches{9};
    Table<icsb::Gateway> gateways{10};
    Table<icsb::Encap> gateway_encaps{11};
    Table<icsb::DatapathBinding> datapaths{12};
    Table<icsb::PortBinding> ports{13};
    Table<icsb::Route> advertised{14};
    Table<icsb::AvailabilityZone> zones{15};
    Table<icnb::TransitRouter> transit_routers{16};
    Table<icnb::TransitRouterPort> transit_router_ports{17};
    Table<sb::MACBinding> neighbors{18};
    std::map<std::string, std::string> bindings;
    int zone = -1;  // ours
};

class History {
  public:
    explicit History(unsigned seed) : random_(seed) {}

    // Changes the world, and the program with it.
    void step(World& w, Program& p) {
        Inputs& in = p.in;
        switch (pick(21)) {
            case 0:
                return row(w.global, in.global, 1, [&](nb::NBGlobal& r) {
                    for (const char* key : {"ic-route-adv", "ic-route-learn", "ic-route-adv-default"})
                        r.options.set(key, one_of({"true", "true", "true", "false"}));
                    r.options.set("ic-route-blacklist", one_of({"", "10.1.0.0/16", "0.0.0.0/0"}));
                });
            case 1:
                return row(w.switches, in.switches, 3, [&](nb::LogicalSwitch& r) {
                    r.other_config = {{"interconn-ts", one_of({"ts0", "ts1", ""})}};
                    r.ports = some(w.switch_ports);
                });
            case 2:
            case 3:
                return row(w.switch_ports, in.switch_ports, 6, [&](nb::LogicalSwitchPort& r) {
                    r.name = "p" + std::to_string(pick(6));
                    r.type = one_of({"router", "router", "remote", ""});
                    r.options = {{"router-port", "lrp" + std::to_string(pick(6))}};
                });
            case 4:
                return row(w.routers, in.routers, 3, [&](nb::LogicalRouter& r) {
                    r.ports = some(w.router_ports);
                    r.static_routes = some(w.routes);
                    r.options = {{"interconn-tr", one_of({"ts0", "ts1", "", ""})}};
                });
            case 5:
            case 6:
                return row(w.router_ports, in.router_ports, 6, [&](nb::LogicalRouterPort& r) {
                    r.name = "lrp" + std::to_string(pick(6));
                    r.mac = one_of({"02:00:00:00:00:01", "02:00:00:00:00:02", "nonsense"});
                    r.networks = {one_of({"10.1.0.1/24", "192.168.0.1/24", "fe80::1/64"}),
                                  one_of({"fd00::1/64", "nonsense", "172.16.0.1/16"})};
                    r.options = {{"route_table", one_of({"", "t1"})}};
                    r.peer.reset();
                    if (pick(2)) r.peer = "p" + std::to_string(pick(4));
                    if (pick(3) == 0) r.name = "p" + std::to_string(pick(4));
                });
            case 7:
            case 8:
                return row(w.routes, in.routes, 6, [&](nb::LogicalRouterStaticRoute& r) {
                    r.ip_prefix =
                        one_of({"10.1.0.0/24", "10.1.0.1/24", "0.0.0.0/0", "fd01::/64", "10.2.0.0/16"});
                    r.nexthop = one_of({"192.168.0.5", "192.168.0.6", "fd00::5", "discard", "fe80::1"});
                    r.route_table = one_of({"", "t1"});
                    r.external_ids = {};
                    if (pick(3) == 0) r.external_ids.set("ic-learned-route", "x");
                });
            case 9:
                return row(w.chassis, in.chassis, 4, [&](sb::Chassis& r) {
                    r.name = "gw" + std::to_string(pick(4));
                    r.hostname = one_of({"a", "b"});
                    r.other_config = {{one_of({"is-interconn", "is-remote"}), "true"}};
                    r.encaps = some(w.encaps);
                });
            case 10:
                return row(w.encaps, in.encaps, 4, [&](sb::Encap& r) {
                    r.type = one_of({"geneve", "vxlan"});
                    r.ip = one_of({"1.1.1.1", "1.1.1.2", "1.1.1.3"});
                });
            case 11:
                return row(w.transit_switches, in.transit_switches, 2,
                           [&](icnb::TransitSwitch& r) { r.name = "ts" + std::to_string(pick(2)); });
            case 12:
                return row(w.gateways, in.gateways, 4, [&](icsb::Gateway& r) {
                    r.name = "gw" + std::to_string(pick(4));
                    r.availability_zone = w.zones.uuid(pick(3));
                    r.encaps = some(w.gateway_encaps);
                });
            case 13:
                return row(w.gateway_encaps, in.gateway_encaps, 4, [&](icsb::Encap& r) {
                    r.type = one_of({"geneve", "vxlan"});
                    r.ip = one_of({"1.1.1.1", "1.1.1.2", "1.1.1.3"});
                });
            case 14:
                return row(w.datapaths, in.datapaths, 3, [&](icsb::DatapathBinding& r) {
                    r.transit_switch = "ts" + std::to_string(pick(2));
                    r.tunnel_key = pick(100);
                    r.type.reset();
                    r.nb_ic_uuid.reset();
                    if (pick(2)) return;
                    r.type = "transit-router";
                    r.nb_ic_uuid = w.transit_routers.uuid(pick(2));
                });
            case 15:
                return row(w.ports, in.ports, 6, [&](icsb::PortBinding& r) {
                    r.logical_port = "p" + std::to_string(pick(6));
                    r.transit_switch = "ts" + std::to_string(pick(2));
                    r.availability_zone = w.zones.uuid(pick(3));
                    r.tunnel_key = pick(100);
                    r.gateway = "gw" + std::to_string(pick(4));
                    r.type.reset();
                    r.nb_ic_uuid.reset();
                    r.external_ids = {};
                    if (pick(2)) return;
                    int port = pick(4);
                    r.logical_port = "p" + std::to_string(port);
                    r.type = "transit-router-port";
                    r.nb_ic_uuid = w.transit_router_ports.uuid(port);
                    r.external_ids = {{"neighbors", one_of({"a b", "c d"})}};
                });
            case 16:
                return row(w.advertised, in.advertised, 8, [&](icsb::Route& r) {
                    r.transit_switch = "ts" + std::to_string(pick(2));
                    r.availability_zone = w.zones.uuid(pick(3));
                    r.ip_prefix =
                        one_of({"10.1.0.0/24", "10.3.0.0/24", "0.0.0.0/0", "fd01::/64", "nonsense"});
                    r.nexthop = one_of({"192.168.0.5", "fd00::5", "fe80::1"});
                    r.route_table = one_of({"", "t1"});
                    r.origin = one_of({"static", "connected"});
                });
            case 17:
                return row(w.transit_routers, in.transit_routers, 2, [&](icnb::TransitRouter& r) {
                    r.name = "ts" + std::to_string(pick(2));
                    r.ports = some(w.transit_router_ports);
                });
            case 18:
                return row(w.transit_router_ports, in.transit_router_ports, 4,
                           [&](icnb::TransitRouterPort& r) {
                               int i = static_cast<int>(r.uuid.bytes[15]) - 1;
                               r.name = "p" + std::to_string(i);
                               r.mac = one_of({"02:00:00:00:00:01", "02:00:00:00:00:02"});
                               r.networks = {one_of({"10.0.0.1/24", "10.0.1.1/24"})};
                               r.chassis = pick(8) ? "gw" + std::to_string(pick(4)) : "";
                           });
            case 19:
                return row(w.neighbors, in.neighbors, 6, [&](sb::MACBinding& r) {
                    r.logical_port = "p" + std::to_string(pick(4));
                    r.ip = one_of({"10.0.0.5", "10.0.0.6"});
                    r.mac = one_of({"02:00:00:00:00:05", "02:00:00:00:00:06"});
                });
            default: {
                if (pick(4) == 0) {
                    w.zone = pick(3);
                    return in.zone.set({}, w.zones.uuid(w.zone));
                }
                std::string port = "cr-lrp" + std::to_string(pick(6));
                if (pick(3) == 0) {
                    w.bindings.erase(port);
                    return in.bindings.erase(port);
                }
                w.bindings[port] = "gw" + std::to_string(pick(4));
                in.bindings.set(port, w.bindings[port]);
            }
        }
    }

  private:
    int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
    std::string one_of(std::vector<const char*> list) {
        return list[static_cast<size_t>(pick(static_cast<int>(list.size())))];
    }

    template <typename Row>
    ovsdb::Set<Uuid> some(const Table<Row>& table) {
        ovsdb::Set<Uuid> out;
        for (int i = 0; i < 8; ++i) {
            if (pick(3)) out.insert(table.uuid(i));
        }
        return out;
    }
    // Removes or changes one of the first `count` rows.
    template <typename Row, typename Fill>
    void row(Table<Row>& table, Rows<Row>& input, int count, Fill fill) {
        int i = pick(count);
        Uuid uuid = table.uuid(i);
        if (table.rows.contains(i) && pick(8) == 0) {
            input.erase(uuid);
            table.rows.erase(i);
            return;
        }
        bool is_new = !table.rows.contains(i);
        Row& row = table.rows[i];
        row.uuid = uuid;
        fill(row);
        input.set(uuid, &row);
        if (!is_new) input.touch(uuid);
    }

    std::mt19937 random_;
};

template <typename Row>
void load(const Table<Row>& table, Rows<Row>& input) {
    for (const auto& [i, row] : table.rows) input.set(row.uuid, &row);
}

void load(const World& w, Program& p) {
    Inputs& in = p.in;
    load(w.global, in.global);
    load(w.switches, in.switches);
    load(w.switch_ports, in.switch_ports);
    load(w.routers, in.routers);
    load(w.router_ports, in.router_ports);
    load(w.routes, in.routes);
    load(w.chassis, in.chassis);
    load(w.encaps, in.encaps);
    load(w.transit_switches, in.transit_switches);
    load(w.transit_routers, in.transit_routers);
    load(w.transit_router_ports, in.transit_router_ports);
    load(w.neighbors, in.neighbors);
    load(w.gateways, in.gateways);
    load(w.gateway_encaps, in.gateway_encaps);
    load(w.datapaths, in.datapaths);
    load(w.ports, in.ports);
    load(w.advertised, in.advertised);
    if (w.zone >= 0) in.zone.set({}, w.zones.uuid(w.zone));
    for (const auto& [port, chassis] : w.bindings) in.bindings.set(port, chassis);
    p.engine.update();
}

template <typename Row>
size_t same(const incremental::Output<Row>& a, const incremental::Output<Row>& b) {
    size_t rows = 0, others = 0;
    a.for_each([&](const Row& row) {
        ++rows;
        EXPECT_TRUE(b.contains(row)) << a.name();
    });
    b.for_each([&](const Row&) { ++others; });
    EXPECT_EQ(rows, others) << a.name();
    return rows;
}

TEST(Program, ChangedIsFresh) {
    const char* given = std::getenv("WEFT_SEED");
    unsigned seed = given ? static_cast<unsigned>(std::atoi(given)) : 1;
    std::printf("WEFT_SEED=%u\n", seed);
    History history(seed);
    World world;
    Program program;
    size_t switches = 0, router_ports = 0, remote = 0, learned = 0, routes = 0, gateways = 0;
    for (int step = 0; step < 3000 && !testing::Test::HasFailure(); ++step) {
        SCOPED_TRACE(step);
        history.step(world, program);
        program.engine.update();
        Program fresh;
        load(world, fresh);
        switches += same(program.switch_rows, fresh.switch_rows);
        same(program.router_rows, fresh.router_rows);
        router_ports += same(program.router_port_rows, fresh.router_port_rows);
        remote += same(program.remote_port_rows, fresh.remote_port_rows);
        same(program.port_key_rows, fresh.port_key_rows);
        learned += same(program.learned_route_rows, fresh.learned_route_rows);
        same(program.remote_chassis_rows, fresh.remote_chassis_rows);
        same(program.remote_binding_rows, fresh.remote_binding_rows);
        same(program.datapath_rows, fresh.datapath_rows);
        gateways += same(program.gateway_rows, fresh.gateway_rows);
        same(program.port_rows, fresh.port_rows);
        routes += same(program.route_rows, fresh.route_rows);
        same(program.complaints, fresh.complaints);
    }
    // The history went to where there is something to compute.
    const std::pair<const char*, size_t> counts[] = {{"switches", switches},   {"router ports", router_ports},
                                                     {"remote ports", remote}, {"learned routes", learned},
                                                     {"routes", routes},       {"gateways", gateways}};
    for (const auto& [what, rows] : counts) EXPECT_GT(rows, 100u) << what;
}

}  // namespace
}  // namespace weft::ic
