#include "ovsdb/engine/execute.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "json/text.h"
#include "ovsdb/data/condition.h"
#include "ovsdb/data/datum_json.h"
#include "ovsdb/data/mutation.h"
#include "ovsdb/data/object_parser.h"
#include "ovsdb/engine/transaction.h"

namespace weft::ovsdb {

namespace {

constexpr unsigned kId = ObjectParser::kId;

// Runs one request.  Every operation appends its result, or returns its error.
class Executor {
  public:
    Executor(Database& database, const ExecuteContext& context)
        : database_(database), context_(context), transaction_(database) {}

    ExecuteResult run(const json::Array& operations, size_t first);

  private:
    using Outcome = DbResult<void>;

    Outcome run_one(const json::Value& operation, size_t number, size_t count);
    Outcome dispatch(const std::string& name, ObjectParser& parser, const json::Value& operation);
    Outcome insert(ObjectParser& parser, const json::Value& operation);
    Outcome select(ObjectParser& parser);
    Outcome update(ObjectParser& parser, const json::Value& operation);
    Outcome mutate(ObjectParser& parser);
    Outcome erase(ObjectParser& parser);
    Outcome wait(ObjectParser& parser);
    Outcome commit(ObjectParser& parser);
    Outcome abort(ObjectParser& parser);
    Outcome comment(ObjectParser& parser);
    Outcome assert_lock(ObjectParser& parser);

    Table* table_of(ObjectParser& parser);
    Outcome writable(const char* operation) const;
    DbResult<TableAccess> access(const Table& table, WriteKind kind) const;
    DbResult<Uuid> uuid_for_insert(const Table& table, const json::Value* uuid, const json::Value* name);
    DbResult<Condition> where(ObjectParser& parser, const Table& table, const json::Value* json);
    DbResult<std::vector<const ColumnSchema*>> columns(const Table& table, const json::Value* json);
    std::vector<Uuid> matching(const Table& table, const Condition& condition);
    template <typename Visit>
    void for_each_match(const Table& table, const Condition& condition, Visit visit);

    Database& database_;
    const ExecuteContext& context_;
    Transaction transaction_;
    SymbolTable symbols_;
    std::string out_;
    std::string comments_;
    bool durable_ = false;
    bool wrote_ = false;
    std::optional<int64_t> waiting_;  // for how long altogether
};

DbError unknown_column(const json::Value& json, std::string_view column, const TableSchema& table) {
    DbError error = syntax_error(json, fmt::format("No column {} in table {}.", column, table.name));
    return DbError("unknown column", error.details, error.syntax);
}

void append_count(std::string& out, size_t count) {
    out += fmt::format("{{\"count\":{}}}", count);
}

ExecuteResult Executor::run(const json::Array& operations, size_t first) {
    ExecuteResult result;
    size_t count = operations.size() - first;
    out_ = "[";
    std::optional<DbError> failure;
    size_t i = 0;
    for (; i < count && !failure; ++i) {
        if (i) out_ += ',';
        size_t start = out_.size();
        Outcome outcome = run_one(operations[first + i], i + 1, count);
        if (outcome) continue;
        failure = outcome.error();
        out_.resize(start);
        if (waiting_) {
            result.waiting = true;
            result.timeout_ms = *waiting_;
            return result;
        }
        json::append_text(out_, failure->to_json());
    }
    for (; i < count; ++i) out_ += ",null";
    if (!failure && !context_.rehearse) {
        auto changes = transaction_.commit();
        if (changes) {
            result.changes = *std::move(changes);
            result.changes.comment = std::move(comments_);
            result.changes.durable = durable_;
        } else {
            failure = changes.error();
            if (count) out_ += ',';
            json::append_text(out_, failure->to_json());
        }
    }
    out_ += ']';
    result.failed = failure.has_value();
    result.reply = std::move(out_);
    return result;
}

Executor::Outcome Executor::run_one(const json::Value& operation, size_t number, size_t count) {
    ObjectParser parser(operation, fmt::format("ovsdb operation {} of {}", number, count));
    const json::Value* op = parser.required("op", kId);
    if (op) return dispatch(*op->as_string(), parser, operation);
    return parser.finish();
}

Executor::Outcome Executor::dispatch(const std::string& name, ObjectParser& parser,
                                     const json::Value& operation) {
    if (name == "insert") return insert(parser, operation);
    if (name == "select") return select(parser);
    if (name == "update") return update(parser, operation);
    if (name == "mutate") return mutate(parser);
    if (name == "delete") return erase(parser);
    if (name == "wait") return wait(parser);
    if (name == "commit") return commit(parser);
    if (name == "abort") return abort(parser);
    if (name == "comment") return comment(parser);
    if (name == "assert") return assert_lock(parser);
    parser.fail_with(fmt::format("No operation \"{}\"", name));
    return parser.finish();
}

// Asked once the operation was understood: what is wrong with it comes first.
Executor::Outcome Executor::writable(const char* operation) const {
    if (context_.read_only.empty()) return {};
    return DbError("not allowed", fmt::format("{} operation not allowed {}", operation, context_.read_only));
}

DbResult<TableAccess> Executor::access(const Table& table, WriteKind kind) const {
    return context_.access ? context_.access->table(table.schema(), kind) : TableAccess();
}

Table* Executor::table_of(ObjectParser& parser) {
    const json::Value* name = parser.required("table", kId);
    if (!name) return nullptr;
    Table* table = database_.find_table(*name->as_string());
    if (!table) parser.fail_with(fmt::format("No table named {}.", *name->as_string()));
    return table;
}

DbResult<Condition> Executor::where(ObjectParser& parser, const Table& table, const json::Value* json) {
    (void)parser;
    return Condition::from_json(table.schema(), *json, &symbols_);
}

template <typename Visit>
void Executor::for_each_match(const Table& table, const Condition& condition, Visit visit) {
    auto holds = [&](const Uuid& uuid, const RowData& data) {
        return condition.all_hold(
            [&](const ColumnSchema& column) { return column_value(uuid, data, column); });
    };
    for (const Clause& clause : condition.clauses) {
        if (clause.function == Function::kFalse) return;
        bool equal = clause.function == Function::kEqual || clause.function == Function::kIncludes;
        if (!equal || !clause.column || clause.column->index != kUuidColumn || clause.argument.size() != 1)
            continue;
        Uuid uuid = clause.argument.uuid();
        const RowData* data = transaction_.find(table, uuid);
        if (data && holds(uuid, *data)) visit(uuid, *data);
        return;
    }
    transaction_.for_each(table, [&](const Uuid& uuid, const RowData& data) {
        if (holds(uuid, data)) visit(uuid, data);
    });
}

std::vector<Uuid> Executor::matching(const Table& table, const Condition& condition) {
    std::vector<Uuid> uuids;
    for_each_match(table, condition, [&](const Uuid& uuid, const RowData&) { uuids.push_back(uuid); });
    return uuids;
}

DbResult<Uuid> Executor::uuid_for_insert(const Table& table, const json::Value* uuid,
                                         const json::Value* name) {
    std::optional<Uuid> given;
    if (uuid) {
        given = Uuid::parse(*uuid->as_string());
        if (!given) return syntax_error(*uuid, "bad uuid");
        if (!transaction_.may_insert(table, *given)) {
            return DbError(
                "duplicate uuid",
                "This UUID would duplicate a UUID already present within the table or deleted within the "
                "same transaction.",
                json::to_text(*uuid));
        }
    }
    if (!name) return given ? *given : Uuid::random();
    Symbol& symbol = symbols_.get(*name->as_string());
    if (symbol.created) {
        return DbError("duplicate uuid-name",
                       "This \"uuid-name\" appeared on an earlier \"insert\" operation.",
                       json::to_text(*name));
    }
    if (given) symbol.uuid = *given;
    symbol.created = true;
    return symbol.uuid;
}

Executor::Outcome Executor::insert(ObjectParser& parser, const json::Value&) {
    Table* table = table_of(parser);
    const json::Value* uuid_json = parser.optional("uuid", ObjectParser::kString);
    const json::Value* name = parser.optional("uuid-name", kId);
    const json::Value* row_json = parser.required("row", ObjectParser::kObject);
    if (auto finished = parser.finish(); !finished) return finished;
    auto uuid = uuid_for_insert(*table, uuid_json, name);
    if (!uuid) return uuid.error();
    RowData& row = transaction_.insert(*table, *uuid);
    auto parsed =
        parse_row(table->schema(), *row_json, &symbols_, [&](const ColumnSchema& column, Datum datum) {
            if (column.index >= 0) row[column.index] = std::move(datum);
        });
    if (!parsed) return parsed;
    if (auto allowed = writable("insert"); !allowed) return allowed;
    auto access = this->access(*table, WriteKind::kInsert);
    if (!access) return access.error();
    if (auto allowed = access->touch(row); !allowed) return allowed;
    // The defaults of columns with constraints need not satisfy them (RFC 7047, 5.2.1): only given values are
    // checked.
    wrote_ = true;
    out_ += "{\"uuid\":[\"uuid\",\"";
    uuid->append_to(out_);
    out_ += "\"]}";
    return {};
}

DbResult<std::vector<const ColumnSchema*>> Executor::columns(const Table& table, const json::Value* json) {
    std::vector<const ColumnSchema*> columns;
    if (!json) {
        columns = {&TableSchema::uuid_column(), &TableSchema::version_column()};
        for (const ColumnSchema& column : table.schema().columns) columns.push_back(&column);
        return columns;
    }
    for (const json::Value& name : *json->as_array()) {
        const std::string* text = name.as_string();
        if (!text) return syntax_error(*json, "array of column names expected");
        const ColumnSchema* column = table.schema().find_column(*text);
        if (!column) return syntax_error(*json, fmt::format("{} is not a valid column name", *text));
        if (std::find(columns.begin(), columns.end(), column) != columns.end()) {
            return syntax_error(*json, "array of distinct column names expected");
        }
        columns.push_back(column);
    }
    return columns;
}

void append_row(std::string& out, const Uuid& uuid, const RowData& data,
                const std::vector<const ColumnSchema*>& columns) {
    out += '{';
    for (size_t i = 0; i < columns.size(); ++i) {
        if (i) out += ',';
        json::append_string(out, columns[i]->name);
        out += ':';
        append_json(out, column_value(uuid, data, *columns[i]));
    }
    out += '}';
}

Executor::Outcome Executor::select(ObjectParser& parser) {
    Table* table = table_of(parser);
    const json::Value* where_json = parser.required("where", ObjectParser::kArray);
    const json::Value* columns_json = parser.optional("columns", ObjectParser::kArray);
    if (auto finished = parser.finish(); !finished) return finished;
    auto condition = where(parser, *table, where_json);
    if (!condition) return condition.error();
    auto wanted = columns(*table, columns_json);
    if (!wanted) return wanted.error();
    // As Open vSwitch's server orders members, so that texts can be compared.
    std::sort(wanted->begin(), wanted->end(), [](auto* a, auto* b) { return a->name < b->name; });
    // Rows that look the same are given once (RFC 7047, 5.2.2); with _uuid none do.
    bool distinct = std::find(wanted->begin(), wanted->end(), &TableSchema::uuid_column()) == wanted->end();
    absl::flat_hash_set<std::string> seen;
    out_ += "{\"rows\":[";
    bool first = true;
    std::string text;
    for_each_match(*table, *condition, [&](const Uuid& uuid, const RowData& data) {
        text.clear();
        append_row(text, uuid, data, *wanted);
        if (distinct && !seen.insert(text).second) return;
        if (!first) out_ += ',';
        first = false;
        out_ += text;
    });
    out_ += "]}";
    return {};
}

Executor::Outcome Executor::update(ObjectParser& parser, const json::Value& operation) {
    Table* table = table_of(parser);
    const json::Value* where_json = parser.required("where", ObjectParser::kArray);
    const json::Value* row_json = parser.required("row", ObjectParser::kObject);
    if (auto finished = parser.finish(); !finished) return finished;
    std::vector<std::pair<const ColumnSchema*, Datum>> values;
    auto parsed = parse_row(
        table->schema(), *row_json, &symbols_,
        [&](const ColumnSchema& column, Datum datum) { values.emplace_back(&column, std::move(datum)); });
    if (!parsed) return parsed;
    for (const auto& [column, datum] : values) {
        if (column->is_mutable) continue;
        DbError error = syntax_error(operation, fmt::format("Cannot update immutable column {} in table {}.",
                                                            column->name, table->schema().name));
        return DbError("constraint violation", error.details, error.syntax);
    }
    auto condition = where(parser, *table, where_json);
    if (!condition) return condition.error();
    if (auto allowed = writable("update"); !allowed) return allowed;
    auto access = this->access(*table, WriteKind::kUpdate);
    if (!access) return access.error();
    std::vector<Uuid> uuids = matching(*table, *condition);
    for (const Uuid& uuid : uuids) {
        const RowData* now = transaction_.find(*table, uuid);
        if (auto allowed = access->touch(*now); !allowed) return allowed;
        for (const auto& [column, datum] : values) {
            if (column->index < 0) continue;
            if (auto allowed = access->write(*column, (*now)[column->index], datum); !allowed) return allowed;
        }
        bool differs = std::any_of(values.begin(), values.end(), [&](const auto& value) {
            return !((*now)[value.first->index] == value.second);
        });
        if (!differs) continue;
        RowData& row = *transaction_.modify(*table, uuid);
        for (const auto& [column, datum] : values) row[column->index] = datum;
    }
    wrote_ = true;
    append_count(out_, uuids.size());
    return {};
}

Executor::Outcome Executor::mutate(ObjectParser& parser) {
    Table* table = table_of(parser);
    const json::Value* where_json = parser.required("where", ObjectParser::kArray);
    const json::Value* mutations_json = parser.required("mutations", ObjectParser::kArray);
    if (auto finished = parser.finish(); !finished) return finished;
    auto mutations = Mutation::list_from_json(table->schema(), *mutations_json, &symbols_);
    if (!mutations) return mutations.error();
    auto condition = where(parser, *table, where_json);
    if (!condition) return condition.error();
    if (auto allowed = writable("mutate"); !allowed) return allowed;
    auto access = this->access(*table, WriteKind::kMutate);
    if (!access) return access.error();
    std::vector<Uuid> uuids = matching(*table, *condition);
    for (const Uuid& uuid : uuids) {
        if (auto allowed = access->touch(*transaction_.find(*table, uuid)); !allowed) return allowed;
        for (const Mutation& mutation : *mutations) {
            int column = mutation.column->index;
            const Datum& before = (*transaction_.find(*table, uuid))[column];
            auto after = mutation.apply(before);
            if (auto allowed = access->write(*mutation.column, before, after ? *after : before); !allowed)
                return allowed;
            if (!after) return after.error();
            if (!(*after == before)) (*transaction_.modify(*table, uuid))[column] = *std::move(after);
        }
    }
    wrote_ = true;
    append_count(out_, uuids.size());
    return {};
}

Executor::Outcome Executor::erase(ObjectParser& parser) {
    Table* table = table_of(parser);
    const json::Value* where_json = parser.required("where", ObjectParser::kArray);
    if (auto finished = parser.finish(); !finished) return finished;
    auto condition = where(parser, *table, where_json);
    if (!condition) return condition.error();
    if (auto allowed = writable("delete"); !allowed) return allowed;
    auto access = this->access(*table, WriteKind::kDelete);
    if (!access) return access.error();
    std::vector<Uuid> uuids = matching(*table, *condition);
    for (const Uuid& uuid : uuids) {
        if (auto allowed = access->touch(*transaction_.find(*table, uuid)); !allowed) return allowed;
    }
    for (const Uuid& uuid : uuids) transaction_.erase(*table, uuid);
    wrote_ = true;
    append_count(out_, uuids.size());
    return {};
}

Executor::Outcome Executor::wait(ObjectParser& parser) {
    const json::Value* timeout_json = parser.optional("timeout", ObjectParser::kNumber);
    const json::Value* where_json = parser.required("where", ObjectParser::kArray);
    const json::Value* columns_json = parser.optional("columns", ObjectParser::kArray);
    const json::Value* until = parser.required("until", ObjectParser::kString);
    const json::Value* rows = parser.required("rows", ObjectParser::kArray);
    Table* table = table_of(parser);
    if (auto finished = parser.finish(); !finished) return finished;
    int64_t timeout = std::numeric_limits<int64_t>::max();
    if (timeout_json) {
        timeout = timeout_json->is_integer() ? *timeout_json->as_integer()
                                             : static_cast<int64_t>(*timeout_json->as_real());
        if (timeout < 0) return syntax_error(*timeout_json, "timeout must be nonnegative");
    }
    auto condition = where(parser, *table, where_json);
    if (!condition) return condition.error();
    auto wanted = columns(*table, columns_json);
    if (!wanted) return wanted.error();
    bool equal = *until->as_string() == "==";
    if (!equal && *until->as_string() != "!=")
        return syntax_error(*until, "\"until\" must be \"==\" or \"!=\"");
    // Without "columns" RFC 7047 compares all columns of the table; nobody can expect a _uuid or _version.
    if (!columns_json) wanted->erase(wanted->begin(), wanted->begin() + 2);
    absl::flat_hash_set<std::string> expected, actual;
    for (const json::Value& row_json : *rows->as_array()) {
        RowRef row = database_.new_row(table->schema());
        Uuid uuid;
        auto parsed =
            parse_row(table->schema(), row_json, &symbols_, [&](const ColumnSchema& column, Datum datum) {
                if (column.index >= 0) {
                    (*row)[column.index] = std::move(datum);
                } else if (column.index == kUuidColumn) {
                    uuid = datum.uuid();
                }
            });
        if (!parsed) return parsed;
        std::string text;
        append_row(text, uuid, *row, *wanted);
        expected.insert(std::move(text));
    }
    for_each_match(*table, *condition, [&](const Uuid& uuid, const RowData& data) {
        std::string text;
        append_row(text, uuid, data, *wanted);
        actual.insert(std::move(text));
    });
    if ((actual == expected) == equal || context_.rehearse) {
        out_ += "{}";
        return {};
    }
    if (timeout == 0) return DbError("timed out", "\"where\" clause test failed");
    if (context_.elapsed_ms >= timeout) {
        return DbError("timed out", fmt::format("\"wait\" timed out after {} ms", context_.elapsed_ms));
    }
    waiting_ = timeout;
    return DbError("timed out", "");
}

Executor::Outcome Executor::commit(ObjectParser& parser) {
    const json::Value* durable = parser.required("durable", ObjectParser::kBoolean);
    if (auto finished = parser.finish(); !finished) return finished;
    if (auto allowed = writable("commit"); !allowed) return allowed;
    durable_ = durable_ || *durable->as_bool();
    out_ += "{}";
    return {};
}

Executor::Outcome Executor::abort(ObjectParser& parser) {
    if (auto finished = parser.finish(); !finished) return finished;
    return DbError("aborted", "aborted by request");
}

Executor::Outcome Executor::comment(ObjectParser& parser) {
    const json::Value* text = parser.required("comment", ObjectParser::kString);
    if (auto finished = parser.finish(); !finished) return finished;
    if (!comments_.empty()) comments_ += '\n';
    comments_ += *text->as_string();
    out_ += "{}";
    return {};
}

Executor::Outcome Executor::assert_lock(ObjectParser& parser) {
    const json::Value* lock = parser.required("lock", kId);
    if (auto finished = parser.finish(); !finished) return finished;
    if (!context_.holds_lock || !context_.holds_lock(*lock->as_string())) {
        return DbError("not owner", fmt::format("Asserted lock {} not held.", *lock->as_string()));
    }
    out_ += "{}";
    return {};
}

}  // namespace

DbResult<void> parse_row(const TableSchema& table, const json::Value& json, SymbolTable* symbols,
                         const std::function<void(const ColumnSchema&, Datum)>& set) {
    const json::Object* object = json.as_object();
    if (!object) return syntax_error(json, "row must be JSON object");
    for (const auto& [name, value] : *object) {
        const ColumnSchema* column = table.find_column(name);
        if (!column) return unknown_column(json, name, table);
        auto datum = datum_from_json(column->type, value, symbols);
        if (!datum) return datum.error();
        set(*column, *std::move(datum));
    }
    return {};
}

ExecuteResult execute(Database& database, const json::Array& operations, size_t first,
                      const ExecuteContext& context) {
    return Executor(database, context).run(operations, first);
}

}  // namespace weft::ovsdb
