// What all chassis have reached: kept by changes it is what looking at all of them says.

#include "northd/chassis_facts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "net/loop.h"
#include "schema/sb.h"

namespace weft::northd {
namespace {

namespace sb = schema::sb;
using ovsdb::client::ColumnSet;
using ovsdb::client::Store;

class Southbound {
  public:
    template <typename Row>
    Row* add() {
        auto* row = new Row;
        row->uuid = Uuid::random();
        return row;
    }
    template <typename Row>
    ovsdb::client::TableStore& table() {
        return const_cast<Store&>(replica.store()).table(Row::table_info());
    }
    template <typename Row>
    Uuid some(std::mt19937& random) {
        std::vector<Uuid> all;
        for (const auto& row : replica.table<Row>()) all.push_back(row.uuid);
        return all.empty() ? Uuid() : all[random() % all.size()];
    }
    template <typename Row, typename F>
    void modify(const Uuid& uuid, F change, ColumnSet columns = ColumnSet::all()) {
        void* row = table<Row>().begin_modify(uuid);
        change(*static_cast<Row*>(row));
        table<Row>().end_modify(row, columns);
    }

    net::Loop loop;
    ovsdb::client::Replica replica{loop, sb::database(), {}};
};

ChassisFacts::Configuration look_at_all(const ovsdb::client::Replica& replica, int64_t most) {
    ChassisFacts::Configuration out{most, 0};
    for (const auto& row : replica.table<sb::ChassisPrivate>()) {
        const auto* chassis = row.chassis ? replica.find<sb::Chassis>(*row.chassis) : nullptr;
        if (chassis && ovsdb::get_bool(chassis->other_config, "is-remote")) continue;
        if (row.nb_cfg < out.nb_cfg) {
            out = {row.nb_cfg, row.nb_cfg_timestamp};
        } else if (row.nb_cfg == out.nb_cfg) {
            out.timestamp = std::max(out.timestamp, row.nb_cfg_timestamp);
        }
    }
    return out;
}

TEST(ChassisFacts, AreWhatLookingAtAllSays) {
    unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Southbound southbound;
    ChassisFacts facts;
    for (int step = 0; step < 5000; ++step) {
        switch (random() % 8) {
            case 0: {
                auto* chassis = southbound.add<sb::Chassis>();
                southbound.table<sb::Chassis>().insert(chassis);
                auto* own = southbound.add<sb::ChassisPrivate>();
                own->chassis = chassis->uuid;
                southbound.table<sb::ChassisPrivate>().insert(own);
                break;
            }
            case 1:
                if (Uuid uuid = southbound.some<sb::Chassis>(random); !uuid.is_zero())
                    southbound.table<sb::Chassis>().erase(uuid);
                break;
            case 2:
                if (Uuid uuid = southbound.some<sb::ChassisPrivate>(random); !uuid.is_zero())
                    southbound.table<sb::ChassisPrivate>().erase(uuid);
                break;
            case 3:
                if (Uuid uuid = southbound.some<sb::Chassis>(random); !uuid.is_zero()) {
                    southbound.modify<sb::Chassis>(uuid, [&](sb::Chassis& row) {
                        row.other_config.set("is-remote", random() % 2 ? "true" : "false");
                    });
                }
                break;
            case 4: {
                auto* encap = southbound.add<sb::Encap>();
                encap->type = random() % 2 ? "vxlan" : "geneve";
                southbound.table<sb::Encap>().insert(encap);
                break;
            }
            case 5:
                if (Uuid uuid = southbound.some<sb::Encap>(random); !uuid.is_zero())
                    southbound.table<sb::Encap>().erase(uuid);
                break;
            case 6:
                if (Uuid uuid = southbound.some<sb::ChassisPrivate>(random); !uuid.is_zero()) {
                    Uuid chassis = southbound.some<sb::Chassis>(random);
                    southbound.modify<sb::ChassisPrivate>(
                        uuid, [&](sb::ChassisPrivate& row) { row.chassis = chassis; });
                }
                break;
            default:
                if (Uuid uuid = southbound.some<sb::ChassisPrivate>(random); !uuid.is_zero()) {
                    ColumnSet report;
                    report.add(sb::ChassisPrivate::kNbCfg.index);
                    report.add(sb::ChassisPrivate::kNbCfgTimestamp.index);
                    southbound.modify<sb::ChassisPrivate>(
                        uuid,
                        [&](sb::ChassisPrivate& row) {
                            row.nb_cfg = random() % 5;
                            row.nb_cfg_timestamp = random() % 100;
                        },
                        report);
                }
        }
        if (random() % 4) continue;
        facts.update(southbound.replica);
        southbound.replica.clear_changes();
        for (int64_t most = 0; most < 6; ++most)
            ASSERT_EQ(facts.reached(most), look_at_all(southbound.replica, most)) << "step " << step;
        bool any = false;
        for (const auto& encap : southbound.replica.table<sb::Encap>()) any |= encap.type == "vxlan";
        ASSERT_EQ(facts.any_vxlan(), any);
    }
}

}  // namespace
}  // namespace weft::northd
