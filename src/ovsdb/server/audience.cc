#include "ovsdb/server/audience.h"

#include <algorithm>

#include "ovsdb/engine/element_index.h"
#include "ovsdb/server/served_database.h"

namespace weft::ovsdb {

void Audience::add(MonitorGroup& group) {
    for (const MonitoredTable& table : group.spec.tables()) {
        OfTable& of_table = tables_[table.table];
        if (!table.condition.is_found_by_elements()) {
            of_table.always.push_back(&group);
            continue;
        }
        table.condition.for_each_element([&](const ColumnSchema& column, size_t hash) {
            auto is_it = [&](const ByElement& each) { return each.column == &column; };
            auto it = std::find_if(of_table.columns.begin(), of_table.columns.end(), is_it);
            if (it == of_table.columns.end()) it = of_table.columns.insert(it, ByElement{&column, {}});
            it->groups[hash].push_back(&group);
        });
    }
}

void Audience::remove(MonitorGroup& group) {
    auto drop = [&](auto& list) {
        auto it = std::find(list.begin(), list.end(), &group);
        if (it == list.end()) return;
        *it = list.back();
        list.pop_back();
    };
    for (const MonitoredTable& table : group.spec.tables()) {
        OfTable& of_table = tables_[table.table];
        if (!table.condition.is_found_by_elements()) {
            drop(of_table.always);
            continue;
        }
        table.condition.for_each_element([&](const ColumnSchema& column, size_t hash) {
            for (ByElement& each : of_table.columns) {
                if (each.column != &column) continue;
                auto it = each.groups.find(hash);
                if (it == each.groups.end()) continue;
                drop(it->second);
                if (it->second.empty()) each.groups.erase(it);
            }
        });
    }
}

std::vector<Audience::Hears> Audience::of(const ChangeSet& changes) const {
    std::vector<Hears> out;
    HashMap<MonitorGroup*, size_t> places;
    auto rows_of = [&](MonitorGroup* group, const TableSchema* table) -> std::vector<const RowChange*>& {
        auto [place, is_new] = places.try_emplace(group, out.size());
        if (is_new) out.push_back({group, {}});
        std::vector<TableRows>& rows = out[place->second].rows;
        if (rows.empty() || rows.back().table != table) rows.push_back({table, {}});
        return rows.back().rows;
    };
    for (const TableChange& changed : changes.tables) {
        auto it = tables_.find(changed.table);
        if (it == tables_.end()) continue;
        for (MonitorGroup* group : it->second.always) {
            std::vector<const RowChange*>& rows = rows_of(group, changed.table);
            rows.reserve(changed.rows.size());
            for (const RowChange& row : changed.rows) rows.push_back(&row);
        }
        for (const RowChange& row : changed.rows) {
            auto name = [&](const Groups& groups) {
                for (MonitorGroup* group : groups) {
                    std::vector<const RowChange*>& rows = rows_of(group, changed.table);
                    if (rows.empty() || rows.back() != &row) rows.push_back(&row);
                }
            };
            for (const ByElement& each : it->second.columns) {
                const int column = each.column->index;
                auto find = [&](const RowRef& version) {
                    Datum own =
                        column >= 0 ? (*version)[column] : column_value(row.uuid, *version, *each.column);
                    for (uint32_t i = 0; i < own.size(); ++i) {
                        auto found = each.groups.find(element_hash(own, i));
                        if (found != each.groups.end()) name(found->second);
                    }
                };
                if (row.before) find(row.before);
                if (row.after && (!row.before || (column >= 0 && row.changed(column)))) find(row.after);
            }
        }
    }
    return out;
}

}  // namespace weft::ovsdb
