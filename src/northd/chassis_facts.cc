#include "northd/chassis_facts.h"

#include <algorithm>
#include <iterator>

#include "schema/sb.h"

namespace weft::northd {

namespace sb = schema::sb;

bool ChassisFacts::only_reports(const ovsdb::client::Replica& southbound) {
    const ovsdb::client::Store& store = southbound.store();
    return std::ranges::all_of(store.database().tables, [&](const ovsdb::client::TableInfo* table) {
        bool reports = table == &sb::ChassisPrivate::table_info();
        return store.table(*table).changes().empty() != reports;
    });
}

void ChassisFacts::update(const ovsdb::client::Replica& southbound) {
    for (const auto& change : southbound.changes<sb::Encap>()) {
        if (change.after && change.after->type == "vxlan") {
            vxlan_.insert(change.after->uuid);
        } else {
            vxlan_.erase(change.row().uuid);
        }
    }
    // Whether a chassis is of this zone is said by its Chassis row.
    bool all = false;
    for (const auto& change : southbound.changes<sb::Chassis>())
        all |= change.columns.has(sb::Chassis::kOtherConfig);
    for (const auto& change : southbound.changes<sb::ChassisPrivate>()) {
        if (change.modified() && !change.columns.has(sb::ChassisPrivate::kChassis)) {
            report_again(*change.after);
        } else {
            take(southbound, change.row().uuid);
        }
    }
    if (!all) return;
    for (const auto& row : southbound.table<sb::ChassisPrivate>()) take(southbound, row.uuid);
}

// Of a chassis that is of this zone if it was.
void ChassisFacts::report_again(const sb::ChassisPrivate& row) {
    auto it = report_of_.find(row.uuid);
    if (it == report_of_.end()) return;
    auto node = reports_.extract(it->second);
    node.value() = it->second = {row.nb_cfg, row.nb_cfg_timestamp, row.uuid};
    reports_.insert(std::move(node));
}

void ChassisFacts::take(const ovsdb::client::Replica& southbound, const Uuid& uuid) {
    if (auto it = report_of_.find(uuid); it != report_of_.end()) {
        reports_.erase(it->second);
        report_of_.erase(it);
    }
    const auto* row = southbound.find<sb::ChassisPrivate>(uuid);
    if (!row) return;
    const auto* chassis = row->chassis ? southbound.find<sb::Chassis>(*row->chassis) : nullptr;
    if (chassis && ovsdb::get_bool(chassis->other_config, "is-remote")) return;
    Report report{row->nb_cfg, row->nb_cfg_timestamp, uuid};
    reports_.insert(report);
    report_of_.emplace(uuid, report);
}

ChassisFacts::Configuration ChassisFacts::reached(int64_t most) const {
    if (reports_.empty() || std::get<0>(*reports_.begin()) > most) return {most, 0};
    int64_t lowest = std::get<0>(*reports_.begin());
    auto last = std::prev(reports_.lower_bound({lowest + 1, INT64_MIN, Uuid()}));
    return {lowest, std::max<int64_t>(0, std::get<1>(*last))};
}

}  // namespace weft::northd
