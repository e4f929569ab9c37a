#include "ovsdb/client/updates.h"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "base/hash_map.h"
#include "base/memory.h"
#include "json/text.h"

namespace weft::ovsdb::client {
namespace {

// One row's columns, as sent.
class RowReader {
  public:
    explicit RowReader(TableStore& table) : table_(table), info_(table.info()) {}

    // A new row; what is not mentioned has its default.
    Result<void*> fresh(const Uuid& uuid, const std::optional<json::View::Members>& columns) {
        void* row = info_.create();
        uuid_of(row) = uuid;
        if (!columns) return row;
        size_t place = 0;
        for (const auto& [name, value] : *columns) {
            const ColumnInfo* column = find(name, place++);
            Result<void> read = column ? column->codec->from_json(value, field_of(row, *column))
                                       : Result<void>(Error{"no such column"});
            if (!read) {
                info_.destroy(row);
                return at(uuid, name, read.error());
            }
        }
        return row;
    }

    Result<void> insert_or_replace(const Uuid& uuid, const std::optional<json::View::Members>& columns) {
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
    Result<void> modify(const Uuid& uuid, const std::optional<json::View::Members>& columns,
                        bool is_difference) {
        if (!table_.find(uuid))
            return Error{fmt::format("{} row {} is modified but unknown", info_.name, uuid.to_string())};
        void* row = table_.begin_modify(uuid);
        ColumnSet touched;
        Result<void> result;
        size_t place = 0;
        const json::View::Members given = columns.value_or(json::View::Members());
        for (const auto& [name, value] : given) {
            const ColumnInfo* column = find(name, place++);
            if (!column) {
                result = at(uuid, name, Error{"no such column"});
                break;
            }
            const Codec& codec = *column->codec;
            void* field = field_of(row, *column);
            result = is_difference ? codec.apply_diff(value, field) : codec.from_json(value, field);
            if (!result) {
                result = at(uuid, name, result.error());
                break;
            }
            touched.add(column->index);
        }
        table_.end_modify(row, touched);
        return result;
    }

    void erase(const Uuid& uuid) {
        if (table_.find(uuid)) table_.erase(uuid);
    }

  private:
    // Null if there is none.  A server sends the columns of one row as those of the next: what stood at a
    // place is the first guess.
    const ColumnInfo* find(std::string_view name, size_t place) {
        if (place < last_.size() && last_[place] && name == last_[place]->name) return last_[place];
        const ColumnInfo* column = info_.find_column(name);
        if (place < ColumnSet::kMaxColumns) {
            if (place >= last_.size()) last_.resize(place + 1);
            last_[place] = column;
        }
        return column;
    }
    Error at(const Uuid& uuid, std::string_view column, const Error& error) const {
        return Error{
            fmt::format("{} row {} column {}: {}", info_.name, uuid.to_string(), column, error.message)};
    }

    TableStore& table_;
    const TableInfo& info_;
    std::vector<const ColumnInfo*> last_;
};

// null: no columns.
Result<void> apply_row2(RowReader& reader, const Uuid& uuid, const json::View::Members& update) {
    for (const auto& [kind, value] : update) {
        const std::optional<json::View::Members> columns = value.as_object();
        if (kind == "delete") {
            reader.erase(uuid);
        } else if (!columns && !value.is_null()) {
            break;
        } else if (kind == "insert" || kind == "initial") {
            return reader.insert_or_replace(uuid, columns);
        } else if (kind == "modify") {
            return reader.modify(uuid, columns, true);
        } else {
            break;
        }
        return {};
    }
    return Error{"a row update has to be one of insert, initial, modify, delete"};
}

Result<void> apply_row1(TableStore& table, RowReader& reader, const Uuid& uuid,
                        const json::View::Members& update) {
    json::View after;
    for (const auto& [name, value] : update) {
        if (name == "new") after = value;
    }
    if (after.is_null()) {
        reader.erase(uuid);
        return {};
    }
    const std::optional<json::View::Members> columns = after.as_object();
    if (!columns) return Error{"\"new\" has to be an object"};
    return table.find(uuid) ? reader.modify(uuid, columns, false) : reader.insert_or_replace(uuid, columns);
}

void erase_unmentioned(TableStore& table, const HashSet<Uuid>& mentioned) {
    std::vector<Uuid> gone;
    table.for_each_uuid([&](const Uuid& uuid) {
        if (!mentioned.contains(uuid)) gone.push_back(uuid);
    });
    for (const Uuid& uuid : gone) table.erase(uuid);
}

Result<void> apply_table(TableStore& table, const json::View::Members& rows, UpdateFormat format,
                         HashSet<Uuid>* mentioned) {
    RowReader reader(table);
    std::optional<ShortLived> allocations;
    if (table.has_keeper()) allocations.emplace();  // rows stay here until they are kept elsewhere
    for (const auto& [text, value] : rows) {
        std::optional<Uuid> uuid = Uuid::parse(text);
        const std::optional<json::View::Members> update = value.as_object();
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

Result<void> apply_updates(Store& store, const json::View& updates, UpdateFormat format, bool replace) {
    const std::optional<json::View::Members> tables = updates.as_object();
    if (!tables) return Error{"table updates have to be an object"};
    HashMap<const TableInfo*, HashSet<Uuid>> mentioned;
    for (const auto& [name, value] : *tables) {
        const TableInfo* info = store.database().find_table(name);
        const std::optional<json::View::Members> rows = value.as_object();
        if (!info || !rows) return Error{fmt::format("updates of table {}: unknown, or not an object", name)};
        HashSet<Uuid>* rows_mentioned = replace ? &mentioned[info] : nullptr;
        WEFT_TRY(apply_table(store.table(*info), *rows, format, rows_mentioned));
    }
    if (!replace) return {};
    for (const TableInfo* info : store.database().tables)
        erase_unmentioned(store.table(*info), mentioned[info]);
    return {};
}

Result<void> apply_updates(Store& store, const json::Value& updates, UpdateFormat format, bool replace) {
    json::ViewReader reader;
    WEFT_ASSIGN(json::View view, reader.read(json::to_text(updates)));
    return apply_updates(store, view, format, replace);
}

}  // namespace weft::ovsdb::client
