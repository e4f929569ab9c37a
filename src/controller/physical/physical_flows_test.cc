// Bindings and physical flows after any history are those of a controller that just started.

#include "controller/physical/physical_flows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "controller/announcements.h"
#include "controller/binding.h"
#include "controller/configuration.h"
#include "controller/ct_zone_limits.h"
#include "controller/ha_chassis.h"
#include "controller/local_datapaths.h"

namespace weft::controller {
namespace {

namespace sb = schema::sb;

constexpr uint8_t kDatapath = 1, kPort = 2, kChassis = 3, kGroup = 4, kMember = 5, kMulticast = 6,
                  kBalancer = 7, kMac = 8, kFdb = 9, kVariables = 10, kEncap = 11;

Uuid id(uint8_t kind, unsigned number) {
    Uuid uuid;
    uuid.bytes[0] = kind;
    uuid.bytes[1] = static_cast<uint8_t>(number);
    uuid.bytes[15] = 1;
    return uuid;
}
std::string name(const char* stem, unsigned number) {
    return stem + std::to_string(number);
}

// Both databases, as plain maps from which a view can be filled at any time.
struct Database {
    std::map<Uuid, sb::DatapathBinding> datapaths;
    std::map<Uuid, sb::PortBinding> ports;
    std::map<Uuid, sb::Chassis> chassis;
    std::map<Uuid, sb::HAChassisGroup> groups;
    std::map<Uuid, sb::HAChassis> members;
    std::map<Uuid, sb::MulticastGroup> multicast;
    std::map<Uuid, sb::LoadBalancer> balancers;
    std::map<Uuid, sb::MACBinding> macs;
    std::map<Uuid, sb::FDB> fdb;
    std::map<Uuid, sb::ChassisTemplateVar> variables;
    std::map<Uuid, sb::Encap> encaps;
    Configuration configuration;  // its addresses for tunnels alone
    std::map<std::string, LocalInterface> interfaces;
    std::map<std::string, uint32_t> physical_ports;
    std::map<std::string, std::string> bridge_mappings, mac_mappings;
    std::vector<Tunnel> tunnels;
    std::set<std::string> alive;
};

struct World {
    SouthboundView view;
    OwnPorts own{view};
    PhysicalFlows physical{view};
    Binding binding{view};
    std::set<std::string> zone_names;

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
        view.own_chassis.set({}, id(kChassis, 0));
        feed(database.datapaths, view.datapaths);
        feed(database.ports, view.ports);
        feed(database.chassis, view.chassis);
        feed(database.groups, view.ha_chassis_groups);
        feed(database.members, view.ha_chassis);
        feed(database.multicast, view.multicast_groups);
        feed(database.balancers, view.load_balancers);
        feed(database.macs, view.mac_bindings);
        feed(database.fdb, view.fdb);
        feed(database.variables, view.template_vars);
        feed(database.encaps, view.encaps);
        view.other_encaps.set({}, database.configuration.other_encap_ids());
        std::map<std::string, LocalPort> local;
        for (const auto& [port, interface] : database.interfaces)
            local[port] = {interface.ofport, database.configuration.encap_id(interface.encap_ip)};
        feed_values(local, view.local_ports);
        feed_values(database.interfaces, view.local_interfaces);
        feed_values(database.physical_ports, view.physical_ports);
        view.mac_mappings.set({}, database.mac_mappings);
        std::map<std::string, std::vector<Tunnel>> tunnels;
        for (const Tunnel& tunnel : database.tunnels) tunnels[tunnel.chassis].push_back(tunnel);
        feed_values(tunnels, view.tunnels);
        view.engine.update();

        std::map<Uuid, LocalDatapath> datapaths = find_local_datapaths(own);
        feed_values(datapaths, view.local_datapaths);
        feed_values(find_localnets(view, datapaths, database.bridge_mappings), view.localnets);
        std::map<std::string, uint16_t> zones;
        for (const auto& [uuid, port] : database.ports) zones[port.logical_port] = uuid.bytes[1] + 1u;
        for (const auto& [uuid, local_datapath] : datapaths) {
            zones[uuid.to_string() + "_dnat"] = static_cast<uint16_t>(100 + local_datapath.key);
            zones[uuid.to_string() + "_snat"] = static_cast<uint16_t>(200 + local_datapath.key);
        }
        feed_values(zones, view.ct_zones);
        view.engine.update();
        own.zone_names.take_changes([&](const std::string& zone, bool wanted) {
            if (wanted) {
                EXPECT_TRUE(zone_names.insert(zone).second);
            } else {
                EXPECT_TRUE(zone_names.erase(zone));
            }
        });
    }
    std::vector<BindingChange> decide(const BindingFacts& facts) {
        std::vector<BindingChange> changes;
        for (const Uuid& port : own.candidates.keys()) {
            for (const BindingChange& change : binding.decide(port, facts)) changes.push_back(change);
        }
        return changes;
    }
    std::vector<BindingChange> decide(const Database& database, int64_t now_ms) {
        return decide({database.alive, {}, 0, now_ms});
    }
    // What follows from own ports, each with its name.
    std::vector<std::string> facts_of_own_ports() {
        std::vector<std::string> out;
        for (const Uuid& uuid : own.rows.keys()) out.push_back("row " + uuid.to_string());
        for (const std::string& port : own.by_name.keys())
            out.push_back("name " + port + own.by_name.first(port)->to_string());
        using Trait = OwnPorts::Trait;
        for (Trait trait : {Trait::kL2Gateway, Trait::kQueue, Trait::kMirrored}) {
            for (const Uuid& uuid : own.with[trait])
                out.push_back("trait " + std::to_string(static_cast<int>(trait)) + uuid.to_string());
        }
        for (const Uuid& uuid : own.datapaths.keys()) out.push_back("datapath " + uuid.to_string());
        for (const std::string& zone : zone_names) out.push_back("zone " + zone);
        for (const std::string& zone : own.requested_zones.keys())
            out.push_back("requested " + zone + std::to_string(*own.requested_zones.first(zone)));
        for (const auto& [zone, limit] : wanted_zone_limits(own))
            out.push_back("limit " + std::to_string(zone) + " " + std::to_string(limit));
        return out;
    }
    std::vector<std::string> flows() {
        std::vector<std::string> out;
        view.flows.for_each([&](const DesiredFlow& flow) {
            out.push_back(std::to_string(flow.table) + "/" + std::to_string(flow.priority) + "/" +
                          std::to_string(flow.cookie) + "/" + flow.match + flow.instructions);
        });
        std::sort(out.begin(), out.end());
        return out;
    }
};

// What Binding::apply() would write.
void take_over(const std::vector<BindingChange>& changes, Database& database) {
    for (const BindingChange& change : changes) {
        sb::PortBinding& port = database.ports.at(change.port);
        switch (change.kind) {
            case BindingChange::Kind::kClaim:
                port.chassis = id(kChassis, 0);
                break;
            case BindingChange::Kind::kClaimAdditional:
                port.additional_chassis.insert(id(kChassis, 0));
                break;
            case BindingChange::Kind::kRelease:
                port.chassis.reset();
                port.virtual_parent.reset();
                break;
            case BindingChange::Kind::kReleaseAdditional:
                port.additional_chassis.erase(id(kChassis, 0));
                break;
        }
    }
}

sb::Chassis make_chassis(unsigned number) {
    sb::Chassis row;
    row.uuid = id(kChassis, number);
    row.name = row.hostname = name("hv", number);
    return row;
}

class History {
  public:
    explicit History(unsigned seed) : random_(seed) {
        database.chassis[id(kChassis, 0)] = make_chassis(0);
        database.bridge_mappings = {{"phys", "br-phys"}};
        for (unsigned n = 0; n < 8; ++n) set_encap(n);
        for (unsigned n = 0; n < kDatapaths; ++n) set_datapath(n);
    }

    void step() {
        switch (below(17)) {
            case 0:
            case 1:
            case 2:
            case 3:
                return set_port(below(kPorts));
            case 4:
                database.ports.erase(id(kPort, below(kPorts)));
                return;
            case 5:
            case 6:
                return set_interface(below(kPorts));
            case 7:
                return set_chassis(1 + below(3));
            case 8:
                return set_group(below(2));
            case 9:
                return set_multicast(below(kDatapaths));
            case 10:
                return set_balancer(below(2));
            case 11:
                return set_physical(below(kPorts));
            case 12:
                return set_neighbours();
            case 13:
                if (below(2)) {
                    database.alive.insert(name("hv", 1 + below(3)));
                } else {
                    database.alive.erase(name("hv", 1 + below(3)));
                }
                return;
            case 14:
                toggle(database.bridge_mappings, "phys", "br-phys");
                toggle(database.mac_mappings, "phys", "aa:bb:cc:00:00:01");
                return;
            case 15:
                return set_own_addresses();
            default:
                return below(4) ? set_port(below(kPorts)) : set_datapath(below(kDatapaths));
        }
    }

    Database database;

  private:
    static constexpr unsigned kDatapaths = 5, kPorts = 16;
    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
    bool chance(unsigned n) { return below(n) == 0; }
    void toggle(std::map<std::string, std::string>& map, const char* key, const char* value) {
        if (chance(2)) {
            map[key] = value;
        } else {
            map.erase(key);
        }
    }

    void set_datapath(unsigned n) {
        sb::DatapathBinding row;
        row.uuid = id(kDatapath, n);
        row.tunnel_key = 10 + n;
        row.external_ids = {{n % 2 ? "logical-router" : "logical-switch", "x"}};
        if (chance(3)) row.external_ids.set("snat-ct-zone", std::to_string(below(3)));
        if (chance(3)) row.external_ids.set("ct-zone-limit", std::to_string(below(3)));
        database.datapaths[row.uuid] = row;
    }
    void set_port(unsigned n) {
        static constexpr const char* kTypes[] = {
            "",          "",          "",          "patch",           "patch",
            "l3gateway", "localnet",  "l2gateway", "chassisredirect", "external",
            "virtual",   "localport", "vtep"};
        sb::PortBinding row;
        row.uuid = id(kPort, n);
        row.logical_port = name("p", n);
        row.datapath = id(kDatapath, below(kDatapaths));
        row.tunnel_key = 1 + n;
        row.type = kTypes[below(std::size(kTypes))];
        row.mac = {"02:00:00:00:00:" + std::string(1, "0123456789abcdef"[n]) + "0 10.0.0." +
                   std::to_string(n + 1)};
        if (chance(2)) row.chassis = id(kChassis, below(4));
        if (chance(5)) row.additional_chassis = {id(kChassis, below(4))};
        if (chance(3)) row.encap = id(kEncap, below(8));
        if (chance(3)) row.additional_encap = {id(kEncap, below(8))};
        if (chance(4)) row.tag = 1 + below(3);
        if (chance(4)) row.options.set("ct-zone-limit", std::to_string(below(3)));
        if (chance(4)) row.options.set("enable_router_port_acl", "true");
        if (chance(4)) row.options.set("qdisc_queue_id", "1");
        if (chance(4)) row.mirror_rules = {id(kMember, 99)};
        if (row.type.empty() && chance(3)) row.parent_port = name("p", below(kPorts));
        if (row.type.empty() && chance(3))
            row.options.set("requested-chassis", name("hv", below(4)) + "," + name("hv", below(4)));
        if (row.type.empty() && chance(4)) {
            static constexpr const char* kStrategies[] = {"rarp", "garp", "na", "rarp,garp,na", "x"};
            row.options.set("activation-strategy", kStrategies[below(std::size(kStrategies))]);
        }
        if (row.type.empty() && chance(4)) row.options.set("disable_garp_rarp", chance(2) ? "true" : "false");
        if (row.type == "patch" || row.type == "l3gateway") row.options.set("peer", name("p", below(kPorts)));
        if (row.type == "patch" && chance(2))
            row.options.set("chassis-redirect-port", name("p", below(kPorts)));
        if (row.type == "l3gateway") row.options.set("l3gateway-chassis", name("hv", below(2)));
        if (row.type == "l2gateway") row.options.set("l2gateway-chassis", name("hv", below(2)));
        if (row.type == "localnet" || row.type == "l2gateway")
            row.options.set("network_name", chance(4) ? "other" : "phys");
        if (row.type == "chassisredirect") {
            row.options.set("distributed-port", name("p", below(kPorts)));
            if (chance(3)) row.options.set("always-redirect", "true");
            if (chance(3)) row.options.set("redirect-type", "bridged");
        }
        if (row.type == "chassisredirect" || row.type == "external")
            row.ha_chassis_group = id(kGroup, below(2));
        if (row.type == "virtual" && chance(2)) row.virtual_parent = name("p", below(kPorts));
        if (row.type == "patch" && chance(2))
            row.nat_addresses = {"02:00:00:00:01:00 172.16.0.1 is_chassis_resident(\"" +
                                 name("p", below(kPorts)) + "\")"};
        database.ports[row.uuid] = row;
    }
    void set_interface(unsigned n) {
        std::string port = name("p", n);
        if (chance(3)) {
            database.interfaces.erase(port);
        } else {
            database.interfaces[port] = {id(kPort, 100 + n), port, 1 + n + (chance(4) ? 50u : 0u), "",
                                         own_address()};
        }
    }
    void set_physical(unsigned n) {
        if (chance(3)) {
            database.physical_ports.erase(name("p", n));
        } else {
            database.physical_ports[name("p", n)] = 200 + n;
        }
    }
    void set_chassis(unsigned n) {
        if (chance(3)) {
            database.chassis.erase(id(kChassis, n));
        } else {
            sb::Chassis row = make_chassis(n);
            if (chance(2))
                row.other_config = {
                    {"ovn-chassis-mac-mappings", "phys:aa:bb:cc:00:01:0" + std::to_string(n)}};
            database.chassis[row.uuid] = row;
        }
        std::erase_if(database.tunnels,
                      [&](const Tunnel& tunnel) { return tunnel.chassis == name("hv", n); });
        const char* type = chance(4) ? "vxlan" : "geneve";
        const uint32_t first = 300 + n * 10;
        for (unsigned pair = 0; pair < 4; ++pair) {
            if (chance(3)) continue;
            const std::string ip = "10.0." + std::to_string(pair % 2) + "." + std::to_string(n);
            const uint16_t own = static_cast<uint16_t>(pair / 2);
            database.tunnels.push_back({name("hv", n), type, ip, first + pair, own, pair % 2 == 0});
        }
        std::sort(database.tunnels.begin(), database.tunnels.end());
    }
    // Chassis n has 10.0.0.n and 10.0.1.n.
    void set_encap(unsigned n) {
        sb::Encap row;
        row.uuid = id(kEncap, n);
        row.type = "geneve";
        row.ip = "10.0." + std::to_string(n % 2) + "." + std::to_string(n / 2);
        row.chassis_name = name("hv", n / 2);
        database.encaps[row.uuid] = row;
    }
    std::string own_address() { return chance(2) ? "" : chance(2) ? "10.0.1.0" : "10.0.0.0"; }
    void set_own_addresses() {
        database.configuration.encap_ips = {"10.0.0.0"};
        if (chance(2)) database.configuration.encap_ips.push_back("10.0.1.0");
        database.configuration.encap_ip_default =
            database.configuration.encap_ips.size() > 1 && chance(2) ? "10.0.1.0" : "";
    }
    void set_group(unsigned n) {
        sb::HAChassisGroup row;
        row.uuid = id(kGroup, n);
        for (unsigned each = 0; each < 4; ++each) {
            if (chance(2)) continue;
            sb::HAChassis member;
            member.uuid = id(kMember, n * 10 + each);
            member.chassis = id(kChassis, each);
            member.priority = below(5);
            database.members[member.uuid] = member;
            row.ha_chassis.insert(member.uuid);
        }
        database.groups[row.uuid] = row;
    }
    void set_multicast(unsigned n) {
        sb::MulticastGroup row;
        row.uuid = id(kMulticast, n);
        row.datapath = id(kDatapath, n);
        row.name = "_MC_flood";
        row.tunnel_key = 0x8000;
        for (unsigned port = 0; port < kPorts; ++port) {
            if (chance(2)) row.ports.insert(id(kPort, port));
        }
        database.multicast[row.uuid] = row;
    }
    void set_balancer(unsigned n) {
        sb::LoadBalancer row;
        row.uuid = id(kBalancer, n);
        row.vips = {{"10.1.0.1:80", "10.0.0.1:80,10.0.0.2:80"}, {"^vip", "10.0.0.3"}};
        for (unsigned each = 0; each < kDatapaths; ++each) {
            if (chance(2)) row.datapaths.insert(id(kDatapath, each));
        }
        row.options = {{"hairpin_orig_tuple", chance(2) ? "true" : "false"}};
        database.balancers[row.uuid] = row;
        sb::ChassisTemplateVar variables;
        variables.uuid = id(kVariables, 0);
        variables.chassis = name("hv", below(2));
        variables.variables = {{"vip", "10.2.0." + std::to_string(below(4))}};
        database.variables[variables.uuid] = variables;
    }
    void set_neighbours() {
        unsigned n = below(6);
        sb::MACBinding mac;
        mac.uuid = id(kMac, n);
        mac.logical_port = name("p", below(kPorts));
        mac.ip = "10.0.0." + std::to_string(below(3) + 1);
        mac.mac = "02:00:00:00:02:0" + std::to_string(n);
        mac.datapath = id(kDatapath, below(kDatapaths));
        database.macs[mac.uuid] = mac;
        sb::FDB fdb;
        fdb.uuid = id(kFdb, n);
        fdb.mac = "02:00:00:00:03:0" + std::to_string(n);
        fdb.dp_key = 10 + below(kDatapaths);
        fdb.port_key = 1 + below(kPorts);
        database.fdb[fdb.uuid] = fdb;
    }

    std::mt19937 random_;
};

TEST(PhysicalFlows, IncrementalEqualsFresh) {
    const char* given = std::getenv("WEFT_SEED");
    unsigned seed = given ? static_cast<unsigned>(std::atoi(given)) : std::random_device()();
    SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed));
    History history(seed);
    World world;
    int64_t now_ms = 0;
    for (int step = 0; step < 1500; ++step) {
        history.step();
        world.follow(history.database);
        now_ms += 1000;  // no claim has to wait
        if (step % 3 == 0) {
            take_over(world.decide(history.database, now_ms), history.database);
            world.follow(history.database);
        }
        if (step % 10) continue;
        World fresh;
        fresh.follow(history.database);
        ASSERT_EQ(world.flows(), fresh.flows()) << "after step " << step;
        ASSERT_EQ(world.decide(history.database, now_ms), fresh.decide(history.database, now_ms))
            << "after step " << step;
        ASSERT_EQ(world.facts_of_own_ports(), fresh.facts_of_own_ports()) << "after step " << step;
        ASSERT_EQ(find_announcements(world.view), find_announcements(fresh.view)) << "after step " << step;
    }
}

// Which tunnel a port's packets take: to the address that the port wants, from the one that the interface
// wants; the preferred ones where nothing else is said or can be.
TEST(PhysicalFlows, TunnelBetweenSeveralAddresses) {
    World world;
    SouthboundView& view = world.view;
    sb::Chassis far = make_chassis(1);
    sb::Encap first, second, stranger;
    for (auto [row, n, ip] :
         {std::tuple{&first, 0u, "10.0.0.1"}, {&second, 1u, "10.0.1.1"}, {&stranger, 2u, "10.0.9.9"}}) {
        row->uuid = id(kEncap, n);
        row->ip = ip;
        row->chassis_name = "hv1";
        view.encaps.set(row->uuid, row);
    }
    view.chassis.set(far.uuid, &far);
    std::vector<Tunnel> tunnels{{"hv1", "geneve", "10.0.0.1", 1, 0, false},
                                {"hv1", "geneve", "10.0.0.1", 2, 2, false},
                                {"hv1", "geneve", "10.0.1.1", 3, 0, true},
                                {"hv1", "geneve", "10.0.1.1", 4, 2, true},
                                {"hv10", "geneve", "10.0.0.10", 5, 0, true}};
    std::sort(tunnels.begin(), tunnels.end());
    view.tunnels.set("hv1", {tunnels.begin(), tunnels.end() - 1});
    view.tunnels.set("hv10", {tunnels.back()});
    view.engine.update();
    struct {
        uint16_t own;
        const sb::Encap* encap;
        uint32_t ofport;
    } table[] = {{0, nullptr, 3}, {2, nullptr, 4}, {7, nullptr, 3}, {0, &first, 1},
                 {2, &first, 2},  {0, &second, 3}, {2, &second, 4}, {2, &stranger, 4}};
    for (const auto& row : table) {
        const Tunnel* tunnel = view.tunnel_to(far.uuid, row.own, row.encap);
        ASSERT_TRUE(tunnel);
        EXPECT_EQ(tunnel->ofport, row.ofport)
            << "from " << row.own << " to " << (row.encap ? row.encap->ip : "any");
    }
    sb::PortBinding port;
    port.chassis = far.uuid;
    EXPECT_EQ(view.encap_of(port, far.uuid), nullptr);
    port.encap = second.uuid;
    EXPECT_EQ(view.encap_of(port, far.uuid), &second);
    port.chassis.reset();
    port.additional_chassis = {far.uuid};
    port.additional_encap = {first.uuid};
    EXPECT_EQ(view.encap_of(port, far.uuid), &first);
}

// A gateway is not taken over by who has no switch, and kept all the same.
// What would leave a router by a port to a switch that is elsewhere ends before the router's egress pipeline.
TEST(PhysicalFlows, ClosedPortsOfRouters) {
    SouthboundView view;
    PhysicalFlows physical(view);
    sb::DatapathBinding router, far;
    router.uuid = id(kDatapath, 1);
    router.tunnel_key = 1;
    far.uuid = id(kDatapath, 2);
    far.tunnel_key = 2;
    sb::PortBinding port, peer;
    port.uuid = id(kPort, 1);
    port.logical_port = "r-far";
    port.datapath = router.uuid;
    port.tunnel_key = 1;
    port.type = peer.type = "patch";
    port.options = {{"peer", "far-r"}};
    peer.uuid = id(kPort, 2);
    peer.logical_port = "far-r";
    peer.datapath = far.uuid;
    peer.tunnel_key = 1;
    peer.options = {{"peer", "r-far"}};
    sb::MulticastGroup all;
    all.uuid = id(kMulticast, 1);
    all.datapath = router.uuid;
    all.tunnel_key = 0x8000;
    all.ports = {port.uuid};
    for (const sb::DatapathBinding* row : {&router, &far}) view.datapaths.set(row->uuid, row);
    for (const sb::PortBinding* row : {&port, &peer}) view.ports.set(row->uuid, row);
    view.multicast_groups.set(all.uuid, &all);
    view.local_datapaths.set(router.uuid, {1, false});
    auto of_the_port = [&] {
        view.engine.update();
        size_t count = 0;
        view.flows.for_each([&](const DesiredFlow& flow) {
            count += flow.cookie == cookie_of(port.uuid) || flow.cookie == cookie_of(all.uuid);
        });
        return count;
    };
    EXPECT_EQ(of_the_port(), 0u);
    view.local_datapaths.set(far.uuid, {2, true});
    EXPECT_EQ(of_the_port(), 5u);  // tables 40, 41, 64, 65, and 39 of the group
    view.local_datapaths.erase(far.uuid);
    EXPECT_EQ(of_the_port(), 0u);
}

TEST(PhysicalFlows, WithoutASwitchNoGatewayIsClaimed) {
    World world;
    Database database;
    database.chassis[id(kChassis, 0)] = make_chassis(0);
    database.chassis[id(kChassis, 1)] = make_chassis(1);
    sb::HAChassisGroup group;
    group.uuid = id(kGroup, 0);
    for (unsigned n = 0; n < 2; ++n) {
        sb::HAChassis member;
        member.uuid = id(kMember, n);
        member.chassis = id(kChassis, n);
        member.priority = 10 - n;
        database.members[member.uuid] = member;
        group.ha_chassis.insert(member.uuid);
    }
    database.groups[group.uuid] = group;
    sb::PortBinding port;
    port.uuid = id(kPort, 0);
    port.logical_port = "cr";
    port.type = "chassisredirect";
    port.ha_chassis_group = group.uuid;
    port.datapath = id(kDatapath, 0);
    port.chassis = id(kChassis, 1);
    database.ports[port.uuid] = port;
    database.alive = {"hv1"};
    world.follow(database);
    BindingFacts facts{.alive = database.alive, .unproven = {}};
    facts.switch_is_there = false;
    EXPECT_TRUE(world.decide(facts).empty());
    facts.switch_is_there = true;
    EXPECT_EQ(world.decide(facts).size(), 1u);
    database.ports[port.uuid].chassis = id(kChassis, 0);
    world.follow(database);
    facts.switch_is_there = false;
    EXPECT_TRUE(world.decide(facts).empty());
}

// What was decided and written leaves nothing to decide.
TEST(PhysicalFlows, BindingsSettle) {
    History history(7);
    World world;
    int64_t now_ms = 0;
    for (int step = 0; step < 400; ++step) {
        history.step();
        for (int round = 0;; ++round) {
            ASSERT_LT(round, 4) << "after step " << step;
            world.follow(history.database);
            now_ms += 1000;
            std::vector<BindingChange> changes = world.decide(history.database, now_ms);
            if (changes.empty()) break;
            take_over(changes, history.database);
        }
    }
}

}  // namespace
}  // namespace weft::controller
