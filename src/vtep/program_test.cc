// The program, changed a little at a time, has the rows that a fresh one has.

#include "vtep/program.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>

namespace weft::vtep {
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
    Table<vt::PhysicalSwitch> physical_switches{1};
    Table<vt::PhysicalPort> physical_ports{2};
    Table<vt::LogicalSwitch> logical_switches{3};
    Table<sb::Chassis> chassis{4};
    Table<sb::Encap> encaps{5};
    Table<sb::DatapathBinding> datapaths{6};
    Table<sb::PortBinding> ports{7};
};

class History {
  public:
    explicit History(unsigned seed) : random_(seed) {}

    // Changes the world, and the program with it.
    void step(World& w, Program& p) {
        Inputs& in = p.in;
        switch (pick(9)) {
            case 0:
                return row(w.physical_switches, in.physical_switches, 2, [&](vt::PhysicalSwitch& r) {
                    r.name = "ps" + std::to_string(pick(2));
                    r.tunnel_ips = {};
                    if (pick(4)) r.tunnel_ips.insert(one_of({"192.0.2.9", "192.0.2.10"}));
                    r.ports = some(w.physical_ports, 3);
                });
            case 1:
                return row(w.physical_ports, in.physical_ports, 3, [&](vt::PhysicalPort& r) {
                    r.vlan_bindings = {};
                    for (int i = pick(3); i > 0; --i)
                        r.vlan_bindings.set(pick(4), w.logical_switches.uuid(pick(3)));
                });
            case 2:
                return row(w.logical_switches, in.logical_switches, 3,
                           [&](vt::LogicalSwitch& r) { r.name = "vls" + std::to_string(pick(3)); });
            case 3:
                return row(w.chassis, in.chassis, 3, [&](sb::Chassis& r) {
                    r.name = "hv" + std::to_string(pick(3));
                    r.encaps = some(w.encaps, 3);
                });
            case 4:
                return row(w.encaps, in.encaps, 3, [&](sb::Encap& r) {
                    r.type = one_of({"vxlan", "vxlan", "geneve"});
                    r.ip = one_of({"192.0.2.1", "192.0.2.2", "192.0.2.3"});
                });
            case 5:
                return row(w.datapaths, in.datapaths, 2,
                           [&](sb::DatapathBinding& r) { r.tunnel_key = pick(100) + 1; });
            default:
                return row(w.ports, in.ports, 6, [&](sb::PortBinding& r) {
                    r.logical_port = "p" + std::to_string(pick(6));
                    r.type = one_of({"vtep", "vtep", "", "", "", "patch", "chassisredirect"});
                    r.options = {{"distributed-port", "p" + std::to_string(pick(6))},
                                 {"peer", "p" + std::to_string(pick(6))},
                                 {"vtep-physical-switch", "ps" + std::to_string(pick(2))},
                                 {"vtep-logical-switch", "vls" + std::to_string(pick(3))}};
                    r.datapath = w.datapaths.uuid(pick(2));
                    r.chassis.reset();
                    if (pick(5)) r.chassis = w.chassis.uuid(pick(3));
                    r.mac = {one_of({"02:00:00:00:00:01 10.0.0.1", "02:00:00:00:00:02", "unknown", "router"}),
                             one_of({"02:00:00:00:00:01", "02:00:00:00:00:03 10.0.0.3 fd00::3"})};
                });
        }
    }

  private:
    int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
    std::string one_of(std::vector<const char*> list) {
        return list[static_cast<size_t>(pick(static_cast<int>(list.size())))];
    }
    template <typename Row>
    ovsdb::Set<Uuid> some(const Table<Row>& table, int count) {
        ovsdb::Set<Uuid> out;
        for (int i = 0; i < count; ++i) {
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
    load(w.physical_switches, in.physical_switches);
    load(w.physical_ports, in.physical_ports);
    load(w.logical_switches, in.logical_switches);
    load(w.chassis, in.chassis);
    load(w.encaps, in.encaps);
    load(w.datapaths, in.datapaths);
    load(w.ports, in.ports);
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
    std::map<std::string, size_t> counts;
    for (int step = 0; step < 2500 && !testing::Test::HasFailure(); ++step) {
        SCOPED_TRACE(step);
        history.step(world, program);
        program.engine.update();
        Program fresh;
        load(world, fresh);
        counts["gateways"] += same(program.gateway_rows, fresh.gateway_rows);
        counts["bindings"] += same(program.binding_rows, fresh.binding_rows);
        counts["keys"] += same(program.key_rows, fresh.key_rows);
        counts["unicast"] += same(program.unicast_rows, fresh.unicast_rows);
        counts["flood"] += same(program.flood_rows, fresh.flood_rows);
        counts["complaints"] += same(program.complaints, fresh.complaints);
    }
    // The history went to where there is something to compute.
    for (const auto& [what, rows] : counts) EXPECT_GT(rows, 100u) << what;
}

}  // namespace
}  // namespace weft::vtep
