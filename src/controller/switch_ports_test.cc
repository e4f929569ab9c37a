// What the bridge's ports are, after any history, is what a look at all rows says.

#include "controller/switch_ports.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "json/text.h"
#include "ovsdb/client/updates.h"

namespace weft::controller {
namespace {

namespace vs = schema::vswitch;
using ovsdb::client::Store;

constexpr unsigned kPorts = 8, kInterfaces = 12, kBridges = 2;

Uuid id(char kind, unsigned number) {
    Uuid uuid;
    uuid.bytes[0] = static_cast<uint8_t>(kind);
    uuid.bytes[15] = static_cast<uint8_t>(number + 1);
    return uuid;
}
json::Value references(char kind, const std::set<unsigned>& numbers) {
    json::Array uuids;
    for (unsigned each : numbers) uuids.push_back(json::Array{"uuid", id(kind, each).to_string()});
    return json::Array{"set", std::move(uuids)};
}
json::Value map_of(const std::map<std::string, std::string>& map) {
    json::Array pairs;
    for (const auto& [key, value] : map) pairs.push_back(json::Array{key, value});
    return json::Array{"map", std::move(pairs)};
}

// The local database as plain maps, and the updates that make a store of it.
struct Database {
    struct Port {
        std::set<unsigned> interfaces;
        std::map<std::string, std::string> ids;
    };
    struct Interface {
        int64_t ofport = 0;
        std::map<std::string, std::string> ids, bfd, bfd_status;
    };
    std::map<unsigned, std::set<unsigned>> bridges;
    std::map<unsigned, Port> ports;
    std::map<unsigned, Interface> interfaces;

    void write(Store& store) const {
        json::Object bridge_rows, port_rows, interface_rows;
        auto add = [](json::Object& rows, const Uuid& uuid, json::Object columns) {
            rows.add(uuid.to_string(), json::Object{{"new", std::move(columns)}});
        };
        for (const auto& [n, bridge_ports] : bridges) {
            add(bridge_rows, id('b', n),
                {{"name", "br" + std::to_string(n)}, {"ports", references('p', bridge_ports)}});
        }
        for (const auto& [n, port] : ports) {
            add(port_rows, id('p', n),
                {{"name", "p" + std::to_string(n)},
                 {"interfaces", references('i', port.interfaces)},
                 {"external_ids", map_of(port.ids)}});
        }
        for (const auto& [n, interface] : interfaces) {
            add(interface_rows, id('i', n),
                {{"name", "i" + std::to_string(n)},
                 {"ofport", interface.ofport},
                 {"external_ids", map_of(interface.ids)},
                 {"bfd", map_of(interface.bfd)},
                 {"bfd_status", map_of(interface.bfd_status)}});
        }
        json::Object tables{{"Bridge", std::move(bridge_rows)},
                            {"Port", std::move(port_rows)},
                            {"Interface", std::move(interface_rows)}};
        ASSERT_TRUE(ovsdb::client::apply_updates(store, json::Value(std::move(tables)),
                                                 ovsdb::client::UpdateFormat::kUpdate1, true));
    }
};

struct World {
    Store store{vs::database(), true};
    SwitchPorts ports;

    void follow(const Database& database, unsigned bridge) {
        database.write(store);
        using Bridges = ovsdb::client::Table<vs::Bridge>;
        ports.follow(store, Bridges(store.table(vs::Bridge::table_info())).find(id('b', bridge)));
        store.clear_changes();
    }
};

// All that can be asked, in words.
std::map<std::string, std::string> answers(const SwitchPorts& ports) {
    std::map<std::string, std::string> out;
    for (unsigned n = 0; n < 4; ++n) {
        const std::string name = std::to_string(n);
        const LocalInterface* interface = ports.interface("lp" + name);
        out["interface lp" + name] =
            interface ? interface->name + " " + std::to_string(interface->ofport) + interface->encap_ip : "";
        out["taken lp" + name] = ports.is_taken("lp" + name) ? "yes" : "";
        out["patch net" + name] = std::to_string(ports.patch_port("net" + name));
        for (const Uuid& port : ports.tunnels_to("hv" + name)) out["tunnels hv" + name] += port.to_string();
        if (ports.alive().contains("hv" + name)) out["alive hv" + name] = "yes";
        if (ports.with_bfd().contains("hv" + name)) out["with BFD hv" + name] = "yes";
    }
    for (const std::string& name : ports.chassis()) out["chassis"] += name;
    for (const std::string& name : ports.logical_ports()) out["logical ports"] += name;
    for (const auto& [interface, port] : ports.plugged())
        out["plugged " + interface.to_string()] = port.to_string();
    return out;
}

class History {
  public:
    explicit History(unsigned seed) : random_(seed) {}

    void step() {
        switch (below(8)) {
            case 0:
            case 1: {
                std::set<unsigned>& ports = database.bridges[below(kBridges)];
                unsigned port = below(kPorts);
                if (!ports.erase(port)) ports.insert(port);
                return;
            }
            case 2:
                database.ports.erase(below(kPorts));
                return;
            case 3:
            case 4:
                return set_port(below(kPorts));
            case 5:
                if (chance(4)) bridge = below(kBridges + 1);
                if (chance(10)) database.bridges.erase(below(kBridges));
                return;
            default:
                return set_interface(database.interfaces[below(kInterfaces)]);
        }
    }

    Database database;
    unsigned bridge = 0;

  private:
    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
    bool chance(unsigned n) { return below(n) == 0; }
    std::string named(const char* stem) { return stem + std::to_string(below(4)); }

    // An interface is of one port.
    void set_port(unsigned n) {
        Database::Port& port = database.ports[n];
        port.interfaces = {n};
        if (n + kPorts < kInterfaces && chance(2)) port.interfaces.insert(n + kPorts);
        port.ids.clear();
        if (chance(2)) port.ids["ovn-chassis-id"] = named("hv") + (chance(5) ? "" : "@10.0.0.1");
        if (chance(4)) port.ids["ovn-localnet-port"] = named("net");
    }
    void set_interface(Database::Interface& interface) {
        interface.ofport = chance(4) ? -1 : 1 + static_cast<int64_t>(below(100));
        interface.ids.clear();
        interface.bfd.clear();
        if (chance(2)) interface.ids["iface-id"] = named("lp");
        if (chance(4)) interface.ids["ovn-plugged"] = "dummy";
        if (chance(4)) interface.ids["encap-ip"] = "10.0.0.9";
        if (chance(4)) interface.bfd["enable"] = "true";
        interface.bfd_status = {{"state", chance(2) ? "up" : "down"}};
    }

    std::mt19937 random_;
};

TEST(SwitchPorts, IncrementalEqualsFresh) {
    const char* given = std::getenv("WEFT_SEED");
    unsigned seed = given ? static_cast<unsigned>(std::atoi(given)) : std::random_device()();
    SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed));
    History history(seed);
    World world;
    std::map<std::string, std::string> before = answers(SwitchPorts());
    for (int step = 0; step < 600; ++step) {
        for (int change = 0; change < 3; ++change) history.step();
        world.follow(history.database, history.bridge);
        SwitchPorts::Changed changed = world.ports.take_changed();
        std::map<std::string, std::string> after = answers(world.ports);
        if (step % 5 == 0) {
            World fresh;
            fresh.follow(history.database, history.bridge);
            ASSERT_EQ(after, answers(fresh.ports)) << "after step " << step;
        }
        // Whose answer is another one was named.
        for (const auto& [question, answer] : after) {
            if (before[question] == answer) continue;
            std::string name = question.substr(question.rfind(' ') + 1);
            if (!question.starts_with("interface ") && !question.starts_with("patch ") &&
                !question.starts_with("tunnels "))
                continue;
            ASSERT_TRUE(changed.interfaces.contains(name) || changed.patches.contains(name) ||
                        changed.chassis.contains(name))
                << question << " after step " << step;
        }
        before = std::move(after);
    }
}

}  // namespace
}  // namespace weft::controller
