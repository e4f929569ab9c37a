#include "ovsdb/client/updates.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <string>

#include "base/hash_map.h"
#include "base/memory.h"

namespace weft::ovsdb::client {
namespace {

// One row's columns, as sent.
class RowReader {
  public:
    explicit RowReader(TableStore& table) : table_(table), info_(table.info()) {}

    // A new row; what is not mentioned has its default.
    Result<void*> fresh(const Uuid& uuid, const json::Object& columns) {
        void* row = info_.create();
        uuid_of(row) = uuid;
        for (const auto& [name, value] : columns) {
            Result<const ColumnInfo*> column = find(name);
            Result<void> read = column ? (*column)->codec->from_json(value, field_of(row, **column))
                                       : Result<void>(column.error());
            if (!read) {
                info_.destroy(row);
                return at(uuid, name, read.error());
            }
        }
        return row;
    }

    Result<void> insert_or_replace(const Uuid& uuid, const json::Object& columns) {
        WEFT_ASSIGN(void* row, fresh(uuid, columns));
        if (!table_.find(uuid)) {
            table_.insert(row);
            return {};
        }
        void* place = table_.begin_modify(uuid);
        for (const ColumnInfo& column : info_.columns) {
            column.codec->copy(field_of(row, column), field_of(place, column));
        }
        info_.destroy(row);
        table_.end_modify(place, ColumnSet::all());
        return {};
    }

    // `is_difference`: composite columns hold the difference, not the new value.
    Result<void> modify(const Uuid& uuid, const json::Object& columns, bool is_difference) {
        if (!table_.find(uuid))
            return Error{fmt::format("{} row {} is modified but unknown", info_.name, uuid.to_string())};
        void* row = table_.begin_modify(uuid);
        ColumnSet touched;
        Result<void> result;
        for (const auto& [name, value] : columns) {
            Result<const ColumnInfo*> column = find(name);
            if (!column) {
                result = at(uuid, name, column.error());
                break;
            }
            const Codec& codec = *(*column)->codec;
            void* field = field_of(row, **column);
            result = is_difference ? codec.apply_diff(value, field) : codec.from_json(value, field);
            if (!result) {
                result = at(uuid, name, result.error());
                break;
            }
            touched.add((*column)->index);
        }
        table_.end_modify(row, touched);
        return result;
    }

    void erase(const Uuid& uuid) {
        if (table_.find(uuid)) table_.erase(uuid);
    }

  private:
    // Rows name their columns in the same order, one after the other: the column that came after the last one
    // in the row before is tried first.
    Result<const ColumnInfo*> find(std::string_view name) {
        const ColumnInfo*& next = next_[last_];
        if (!next || next->name != name) next = info_.find_column(name);
        if (!next) return Error{"no such column"};
        last_ = next->index;
        return next;
    }
    Error at(const Uuid& uuid, std::string_view column, const Error& error) const {
        return Error{
            fmt::format("{} row {} column {}: {}", info_.name, uuid.to_string(), column, error.message)};
    }

    TableStore& table_;
    const TableInfo& info_;
    std::array<const ColumnInfo*, ColumnSet::kMaxColumns> next_{};  // after each column; null: not known
    size_t last_ = 0;
};

Result<void> apply_row2(RowReader& reader, const Uuid& uuid, const json::Object& update) {
    static const json::Object kNone;
    for (const auto& [kind, value] : update) {
        const json::Object* columns = value.as_object();
        if (kind == "delete") {
            reader.erase(uuid);
        } else if (!columns && !value.is_null()) {
            break;
        } else if (kind == "insert" || kind == "initial") {
            return reader.insert_or_replace(uuid, columns ? *columns : kNone);
        } else if (kind == "modify") {
            return reader.modify(uuid, columns ? *columns : kNone, true);
        } else {
            break;
        }
        return {};
    }
    return Error{"a row update has to be one of insert, initial, modify, delete"};
}

Result<void> apply_row1(TableStore& table, RowReader& reader, const Uuid& uuid, const json::Object& update) {
    const json::Value* after = update.find("new");
    if (!after || after->is_null()) {
        reader.erase(uuid);
        return {};
    }
    const json::Object* columns = after->as_object();
    if (!columns) return Error{"\"new\" has to be an object"};
    return table.find(uuid) ? reader.modify(uuid, *columns, false) : reader.insert_or_replace(uuid, *columns);
}

void erase_unmentioned(TableStore& table, const HashSet<Uuid>& mentioned) {
    std::vector<Uuid> gone;
    table.for_each_uuid([&](const Uuid& uuid) {
        if (!mentioned.contains(uuid)) gone.push_back(uuid);
    });
    for (const Uuid& uuid : gone) table.erase(uuid);
}

Result<void> apply_table(TableStore& table, const json::Object& rows, UpdateFormat format,
                         HashSet<Uuid>* mentioned) {
    RowReader reader(table);
    std::optional<ShortLived> allocations;
    if (table.has_keeper()) allocations.emplace();  // rows stay here until they are kept elsewhere
    for (const auto& [text, value] : rows) {
        std::optional<Uuid> uuid = Uuid::parse(text);
        const json::Object* update = value.as_object();
        if (!uuid || !update)
            return Error{fmt::format("table {}: \"{}\" is no row update", table.info().name, text)};
        if (mentioned) mentioned->insert(*uuid);
        if (format == UpdateFormat::kUpdate2) {
            WEFT_TRY(apply_row2(reader, *uuid, *update));
        } else {
            WEFT_TRY(apply_row1(table, reader, *uuid, *update));
        }
    }
    return {};
}

}  // namespace

Result<void> apply_updates(Store& store, const json::Value& updates, UpdateFormat format, bool replace) {
    const json::Object* tables = updates.as_object();
    if (!tables) return Error{"table updates have to be an object"};
    HashMap<const TableInfo*, HashSet<Uuid>> mentioned;
    for (const auto& [name, value] : *tables) {
        const TableInfo* info = store.database().find_table(name);
        const json::Object* rows = value.as_object();
        if (!info || !rows) return Error{fmt::format("updates of table {}: unknown, or not an object", name)};
        HashSet<Uuid>* rows_mentioned = replace ? &mentioned[info] : nullptr;
        WEFT_TRY(apply_table(store.table(*info), *rows, format, rows_mentioned));
    }
    if (!replace) return {};
    for (const TableInfo* info : store.database().tables)
        erase_unmentioned(store.table(*info), mentioned[info]);
    return {};
}

}  // namespace weft::ovsdb::client
