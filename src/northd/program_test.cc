// The program as a whole: after any history of northbound changes its outputs are those of a fresh
// computation.

#include "northd/program.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace weft::northd {
namespace {

// A northbound database in memory, kept the same in the programs that follow it.
struct Northbound {
    template <typename Row>
    using Table = std::map<Uuid, std::unique_ptr<Row>>;
    Table<nb::NBGlobal> global;
    Table<nb::LogicalSwitch> switches;
    Table<nb::LogicalSwitchPort> ports;
    Table<nb::LogicalRouter> routers;
    Table<nb::LogicalRouterPort> router_ports;
    Table<nb::LogicalRouterStaticRoute> routes;
    Table<nb::NAT> nats;
    Table<nb::ACL> acls;
    Table<nb::PortGroup> groups;
    Table<nb::LoadBalancer> balancers;
    Table<nb::GatewayChassis> chassis;
    std::map<Uuid, int64_t> keys;
    int64_t next_key = 0;
};

struct Follower {
    Program program;
    std::set<std::string> mirror;  // of all outputs, kept by their changes

    void update() {
        program.engine.update();
        auto take = [&](auto& output, auto text) {
            output.take_changes([&](const auto& item, bool added) {
                std::string line = text(item);
                if (added) {
                    EXPECT_TRUE(mirror.insert(line).second) << line;
                } else {
                    EXPECT_EQ(mirror.erase(line), 1u) << line;
                }
            });
        };
        take(program.flows, [](const LogicalFlow& f) {
            std::string out =
                fmt::format("{}|{}|{}|{}|{}|{}|{}:{}", stage_info(f.body.stage).name, f.body.priority,
                            f.body.match, f.body.actions, f.body.port, f.hint, f.file, f.line);
            for (const Uuid& d : f.datapaths) out += "|" + d.to_string();
            return out;
        });
        auto list = [](const std::vector<std::string>& words) {
            std::string out;
            for (const std::string& word : words) out += word + ",";
            return out;
        };
        auto map = [](const StringMap& pairs) {
            std::string out;
            for (const auto& [k, v] : pairs) out += k + "=" + v + ",";
            return out;
        };
        take(program.port_rows, [&](const PortRow& r) {
            return fmt::format("port {} {} {} {} {} {} {} {}", r.name, r.datapath.to_string(), r.type,
                               map(r.options), list(r.mac), list(r.nat_addresses), list(r.port_security),
                               r.ha_group);
        });
        take(program.multicast_rows, [&](const MulticastRow& r) {
            return fmt::format("mc {} {} {}", r.datapath.to_string(), r.name, list(r.ports));
        });
        take(program.address_set_rows,
             [&](const AddressSetRow& r) { return fmt::format("as {} {}", r.name, list(r.addresses)); });
        take(program.port_group_rows,
             [&](const PortGroupRow& r) { return fmt::format("pg {} {}", r.name, list(r.ports)); });
        take(program.complaints, [](const std::string& text) { return "complaint " + text; });
    }

    template <typename Row>
    void follow(Rows<Row>& input, const Northbound::Table<Row>& table) {
        for (const auto& [uuid, row] : table) input.set(uuid, row.get());
    }
    void load(const Northbound& n) {
        Inputs& in = program.in;
        follow(in.global, n.global);
        follow(in.switches, n.switches);
        follow(in.switch_ports, n.ports);
        follow(in.routers, n.routers);
        follow(in.router_ports, n.router_ports);
        follow(in.routes, n.routes);
        follow(in.nats, n.nats);
        follow(in.acls, n.acls);
        follow(in.port_groups, n.groups);
        follow(in.load_balancers, n.balancers);
        follow(in.gateway_chassis, n.chassis);
        for (const auto& [uuid, key] : n.keys) in.tunnel_keys.set(uuid, key);
    }
};

// Changes rows at random, in the database and in one program that follows it.
class History {
  public:
    explicit History(unsigned seed) : random_(seed) {
        auto& row = insert(n_.global, follower_.program.in.global);
        row.options = {{"svc_monitor_mac", "0e:00:00:00:00:01"}};
        follower_.program.in.global.touch(row.uuid);
    }
    void change() {
        switch (pick(16)) {
            case 0:
                return add_switch();
            case 1:
            case 2:
            case 3:
                return add_port();
            case 4:
                return add_router();
            case 5:
            case 6:
                return connect();
            case 7:
                return add_acl();
            case 8:
                return add_balancer();
            case 9:
                return add_route();
            case 10:
                return add_nat();
            case 11:
                return edit_port();
            case 12:
                return edit_router();
            case 13:
                return edit_group();
            case 14:
                return remove_port();
            default:
                return pick(3) ? edit_balancer() : remove_switch();
        }
    }
    Follower& follower() { return follower_; }
    const Northbound& northbound() const { return n_; }

  private:
    Inputs& in() { return follower_.program.in; }
    int pick(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
    template <typename Row>
    Row& insert(Northbound::Table<Row>& table, Rows<Row>& input) {
        auto row = std::make_unique<Row>();
        // Not Uuid::random(): a seed gives the same history again.
        for (uint8_t& byte : row->uuid.bytes) byte = static_cast<uint8_t>(random_());
        Row& added = *row;
        table.emplace(added.uuid, std::move(row));
        input.set(added.uuid, &added);
        return added;
    }
    template <typename Row>
    void remove(Northbound::Table<Row>& table, Rows<Row>& input, const Uuid& uuid) {
        input.erase(uuid);
        graveyard_.push_back(std::shared_ptr<Row>(std::move(table.at(uuid))));
        table.erase(uuid);
    }
    template <typename Row>
    Row* any(Northbound::Table<Row>& table) {
        if (table.empty()) return nullptr;
        auto it = table.begin();
        std::advance(it, pick(static_cast<int>(table.size())));
        return it->second.get();
    }
    std::string name(const char* prefix) { return fmt::format("{}{}", prefix, ++count_); }

    void key(const Uuid& uuid) {
        n_.keys[uuid] = ++n_.next_key;
        in().tunnel_keys.set(uuid, n_.next_key);
    }
    void add_switch() {
        auto& row = insert(n_.switches, in().switches);
        row.name = name("sw");
        in().switches.touch(row.uuid);
        key(row.uuid);
    }
    void remove_switch() {
        auto* row = any(n_.switches);
        if (!row) return;
        for (const Uuid& port : row->ports) remove(n_.ports, in().switch_ports, port);
        Uuid uuid = row->uuid;
        remove(n_.switches, in().switches, uuid);
        n_.keys.erase(uuid);
        in().tunnel_keys.erase(uuid);
    }
    std::string addresses() {
        return fmt::format("02:00:00:00:00:{:02x} 10.0.{}.{}", pick(256), pick(3), pick(250) + 1);
    }
    void add_port() {
        auto* sw = any(n_.switches);
        if (!sw) return;
        auto& row = insert(n_.ports, in().switch_ports);
        row.name = name("p");
        row.addresses.insert(pick(5) ? addresses() : "unknown");
        if (!pick(4)) row.type = "localnet";
        in().switch_ports.touch(row.uuid);
        sw->ports.insert(row.uuid);
        in().switches.touch(sw->uuid);
    }
    void edit_port() {
        auto* row = any(n_.ports);
        if (!row) return;
        if (pick(2)) {
            row->enabled = !row->enabled.value_or(true);
        } else {
            row->addresses = {addresses()};
        }
        in().switch_ports.touch(row->uuid);
    }
    void remove_port() {
        auto* row = any(n_.ports);
        if (!row) return;
        for (auto& [uuid, sw] : n_.switches) {
            if (sw->ports.erase(row->uuid)) in().switches.touch(uuid);
        }
        for (auto& [uuid, group] : n_.groups) {  // a weak reference
            if (group->ports.erase(row->uuid)) in().port_groups.touch(uuid);
        }
        remove(n_.ports, in().switch_ports, Uuid(row->uuid));
    }
    void add_router() {
        auto& row = insert(n_.routers, in().routers);
        row.name = name("lr");
        if (pick(2)) row.options.set("chassis", "c1");
        in().routers.touch(row.uuid);
        key(row.uuid);
    }
    void edit_router() {
        auto* row = any(n_.routers);
        if (!row) return;
        switch (pick(4)) {
            case 0:
                row->enabled = !row->enabled.value_or(true);
                break;
            case 1:
                row->options.set("always_learn_from_arp_request", pick(2) ? "true" : "false");
                break;
            case 2:
                row->options.set("lb_force_snat_ip", pick(2) ? "router_ip" : "10.9.9.9");
                break;
            default:
                if (!row->options.erase(std::string("chassis"))) row->options.set("chassis", "c2");
        }
        in().routers.touch(row->uuid);
    }
    void connect() {
        auto* router = any(n_.routers);
        auto* sw = any(n_.switches);
        if (!router || !sw) return;
        auto& port = insert(n_.router_ports, in().router_ports);
        port.name = name("rp");
        port.mac = fmt::format("02:00:00:00:aa:{:02x}", pick(256));
        port.networks = {fmt::format("10.0.{}.{}/24", pick(3), pick(250) + 1)};
        if (!pick(3)) {
            auto& chassis = insert(n_.chassis, in().gateway_chassis);
            chassis.name = name("gc");
            chassis.chassis_name = "c1";
            in().gateway_chassis.touch(chassis.uuid);
            port.gateway_chassis.insert(chassis.uuid);
        }
        in().router_ports.touch(port.uuid);
        router->ports.insert(port.uuid);
        in().routers.touch(router->uuid);
        auto& peer = insert(n_.ports, in().switch_ports);
        peer.name = name("sp");
        peer.type = "router";
        peer.addresses = {"router"};
        peer.options.set("router-port", port.name);
        in().switch_ports.touch(peer.uuid);
        sw->ports.insert(peer.uuid);
        in().switches.touch(sw->uuid);
    }
    void add_acl() {
        auto& acl = insert(n_.acls, in().acls);
        acl.priority = pick(1000);
        acl.direction = pick(2) ? "from-lport" : "to-lport";
        acl.match = fmt::format("ip4.src == 1.1.1.{}", pick(99));
        const char* actions[] = {"allow", "allow-related", "drop", "reject", "allow-stateless"};
        acl.action = actions[pick(5)];
        in().acls.touch(acl.uuid);
        auto* group = any(n_.groups);
        auto* sw = any(n_.switches);
        if (group && pick(2)) {
            group->acls.insert(acl.uuid);
            in().port_groups.touch(group->uuid);
        } else if (sw) {
            sw->acls.insert(acl.uuid);
            in().switches.touch(sw->uuid);
        }
    }
    void edit_group() {
        auto* group = any(n_.groups);
        if (!group || !pick(3)) {
            group = &insert(n_.groups, in().port_groups);
            group->name = name("pg");
        }
        if (auto* port = any(n_.ports)) {
            if (!group->ports.erase(port->uuid)) group->ports.insert(port->uuid);
        }
        in().port_groups.touch(group->uuid);
    }
    void add_balancer() {
        auto& lb = insert(n_.balancers, in().load_balancers);
        lb.name = name("lb");
        lb.vips.set(fmt::format("10.0.{}.{}:80", pick(3), pick(250) + 1), "10.0.0.5:81");
        in().load_balancers.touch(lb.uuid);
        if (auto* sw = any(n_.switches); sw && pick(2)) {
            sw->load_balancer.insert(lb.uuid);
            in().switches.touch(sw->uuid);
        }
        if (auto* router = any(n_.routers)) {
            router->load_balancer.insert(lb.uuid);
            in().routers.touch(router->uuid);
        }
    }
    void edit_balancer() {
        auto* lb = any(n_.balancers);
        if (!lb) return;
        if (pick(2)) {
            lb->vips.clear();
        } else {
            lb->vips.set(fmt::format("30.0.0.{}:80", pick(9)), pick(2) ? "" : "10.0.0.6:81,10.0.0.7:81");
        }
        lb->options.set("skip_snat", pick(2) ? "true" : "false");
        in().load_balancers.touch(lb->uuid);
    }
    void add_route() {
        auto* router = any(n_.routers);
        if (!router) return;
        auto& route = insert(n_.routes, in().routes);
        route.ip_prefix = fmt::format("20.{}.0.0/16", pick(3));
        route.nexthop = fmt::format("10.0.{}.{}", pick(3), pick(250) + 1);
        in().routes.touch(route.uuid);
        router->static_routes.insert(route.uuid);
        in().routers.touch(router->uuid);
    }
    void add_nat() {
        auto* router = any(n_.routers);
        if (!router) return;
        auto& nat = insert(n_.nats, in().nats);
        const char* types[] = {"snat", "dnat", "dnat_and_snat"};
        nat.type = types[pick(3)];
        nat.external_ip = fmt::format("10.0.{}.{}", pick(3), pick(250) + 1);
        nat.logical_ip = fmt::format("10.0.{}.{}", pick(3), pick(250) + 1);
        if (auto* port = any(n_.ports); port && nat.type == "dnat_and_snat" && pick(2)) {
            nat.logical_port = port->name;
            nat.external_mac = "02:00:00:00:bb:01";
        }
        in().nats.touch(nat.uuid);
        router->nat.insert(nat.uuid);
        in().routers.touch(router->uuid);
    }

    std::mt19937 random_;
    Northbound n_;
    Follower follower_;
    int count_ = 0;
    std::vector<std::shared_ptr<void>> graveyard_;  // rows stay readable until the update is over
};

TEST(Program, AfterAnyHistoryEqualsFresh) {
    unsigned seed = std::random_device{}();
    SCOPED_TRACE(fmt::format("seed {}", seed));
    for (int history = 0; history < 5; ++history) {
        History changes(seed + static_cast<unsigned>(history));
        for (int step = 0; step < 60; ++step) {
            for (int i = 0; i <= step % 4; ++i) changes.change();
            changes.follower().update();
            if (step % 6) continue;
            Follower fresh;
            fresh.load(changes.northbound());
            fresh.update();
            ASSERT_EQ(changes.follower().mirror, fresh.mirror) << "history " << history << " step " << step;
            ASSERT_EQ(changes.follower().program.engine.statistics().edges,
                      fresh.program.engine.statistics().edges);
        }
    }
}

TEST(Program, OnePortIsOnePortsWork) {
    Northbound n;
    Follower f;
    auto sw = std::make_unique<nb::LogicalSwitch>();
    sw->uuid.bytes[0] = 1;
    auto add = [&](int i) {
        auto port = std::make_unique<nb::LogicalSwitchPort>();
        port->uuid.bytes = {2, static_cast<uint8_t>(i), static_cast<uint8_t>(i >> 8)};
        port->name = fmt::format("p{}", i);
        port->addresses = {
            fmt::format("02:00:00:00:{:02x}:{:02x} 10.0.{}.{}", i >> 8, i & 255, i >> 8, i & 255)};
        sw->ports.insert(port->uuid);
        f.program.in.switch_ports.set(port->uuid, port.get());
        n.ports.emplace(port->uuid, std::move(port));
    };
    for (int i = 0; i < 1000; ++i) add(i);
    f.program.in.switches.set(sw->uuid, sw.get());
    f.update();
    uint64_t before = f.program.engine.statistics().runs;
    add(1000);
    f.program.in.switches.touch(sw->uuid);
    f.update();
    EXPECT_LT(f.program.engine.statistics().runs - before, 40u);
    // A column that nothing but a projection reads stops there.
    before = f.program.engine.statistics().runs;
    nb::LogicalSwitchPort& port = *n.ports.begin()->second;
    port.up = true;
    f.program.in.switch_ports.touch(port.uuid);
    f.update();
    EXPECT_LT(f.program.engine.statistics().runs - before, 8u);
}

}  // namespace
}  // namespace weft::northd
