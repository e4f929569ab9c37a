#include "ovsdb/client/questions.h"

#include "ovsdb/client/replica.h"

namespace weft::ovsdb::client {

namespace {
constexpr size_t kManyRows = 1000;
}

Questions::Questions(Replica& replica) : replica_(replica), tables_(replica.database().tables.size()) {}

void Questions::whole(const TableInfo& table) {
    tables_[table.index].asked = Condition::all();
}

void Questions::begin() {
    for (const TableInfo* info : replica_.database().tables) {
        if (replica_.monitors(*info)) replica_.set_condition(*info, tables_[info->index].asked);
    }
    any_ = false;
}

void Questions::ask_all(const TableInfo& info) {
    Table& table = tables_[info.index];
    if (table.asked.is_all()) return;
    table.asked = Condition::all();
    any_ = table.changed = true;
}

void Questions::ask_row(const TableInfo& info, const Uuid& uuid) {
    Table& table = tables_[info.index];
    if (!table.asked.is_row(uuid)) return;
    any_ = table.changed = true;
    if (++table.rows > kManyRows) ask_all(info);
}

void Questions::ask_equal(const TableInfo& info, size_t index, const void* value) {
    const ColumnInfo& column = info.columns[index];
    // Who looks up one value looks up others.
    replica_.add_index(info, index);
    ask(info, column.name, "==", *column.codec, value);
}

void Questions::ask_includes(const TableInfo& info, size_t index, const void* value) {
    const ColumnInfo& column = info.columns[index];
    ask(info, column.name, "includes", *column.codec, value);
}

void Questions::ask(const TableInfo& info, const char* column, const char* function, const Codec& codec,
                    const void* value) {
    Table& table = tables_[info.index];
    if (!table.asked.clause(column, function, codec, value)) return;
    any_ = table.changed = true;
}

void Questions::fetch() {
    for (const TableInfo* info : replica_.database().tables) {
        Table& table = tables_[info->index];
        if (!table.changed) continue;
        table.changed = false;
        if (replica_.monitors(*info)) sequence_ = replica_.set_condition(*info, table.asked);
    }
    any_ = false;
}

bool Questions::answered() const {
    return replica_.condition_sequence() >= sequence_;
}

}  // namespace weft::ovsdb::client
