#include "ovsdb/client/transaction.h"

#include <algorithm>

#include "json/text.h"
#include "ovsdb/client/questions.h"

namespace weft::ovsdb::client {
namespace {

void append_where(std::string& out, const Uuid& uuid) {
    out += "\"where\":[[\"_uuid\",\"==\",[\"uuid\",\"";
    uuid.append_to(out);
    out += "\"]]]";
}

void append_name(std::string& out, std::string_view name) {
    out.append("\"").append(name).append("\":");
}

// ,{"op":OP,"table":TABLE
void begin_operation(std::string& out, std::string_view op, const TableInfo& table) {
    out.append(",{\"op\":\"").append(op).append("\",\"table\":\"").append(table.name).append("\",");
}

// A set of none or several, or a map; not an atom.
bool is_collection(const json::Value& value) {
    const json::Array* array = value.as_array();
    return array && array->size() == 2 &&
           ((*array)[0] == json::Value("set") || (*array)[0] == json::Value("map"));
}

}  // namespace

const char* to_string(CommitStatus status) {
    switch (status) {
        case CommitStatus::kUnchanged:
            return "unchanged";
        case CommitStatus::kSuccess:
            return "success";
        case CommitStatus::kTryAgain:
            return "try again";
        case CommitStatus::kAborted:
            return "aborted";
        case CommitStatus::kNotLocked:
            return "not locked";
        case CommitStatus::kNotConnected:
            return "not connected";
        case CommitStatus::kError:
            return "error";
    }
    return "?";
}

Transaction::~Transaction() {
    destroy_rows();
}

Transaction::Transaction(Transaction&& other) noexcept = default;

Transaction& Transaction::operator=(Transaction&& other) noexcept {
    if (this == &other) return *this;
    destroy_rows();
    store_ = other.store_;
    questions_ = other.questions_;
    indexes_ = std::move(other.indexes_);
    pending_ = std::move(other.pending_);
    by_uuid_ = std::move(other.by_uuid_);
    comment_ = std::move(other.comment_);
    increments_ = std::move(other.increments_);
    inserted_ = std::move(other.inserted_);
    last_provisional_ = other.last_provisional_;
    other.pending_.clear();
    return *this;
}

void Transaction::destroy_rows() {
    for (Pending& each : pending_) {
        if (each.row) each.table->destroy(each.row);
    }
    pending_.clear();
}

const Transaction::Pending* Transaction::find_pending(const Uuid& uuid) const {
    auto it = by_uuid_.find(uuid);
    return it == by_uuid_.end() ? nullptr : &pending_[it->second];
}

// What is pending for a row that exists, starting with nothing.
Transaction::Pending& Transaction::pending(const TableInfo& table, const Uuid& uuid) {
    auto [it, first] = by_uuid_.try_emplace(uuid, pending_.size());
    if (first) {
        const void* row = store_->table(table).find(uuid);
        assert(row && "the row exists");
        pending_.push_back({&table, uuid, Kind::kUpdate, table.clone(row), {}, {}, {}});
        for (const ColumnInfo& column : table.columns) index_pending(pending_.size() - 1, column.index);
    }
    assert(pending_[it->second].table == &table);
    return pending_[it->second];
}

std::string Transaction::name_of(const Uuid& uuid) const {
    const Pending* pending = find_pending(uuid);
    if (!pending || pending->kind != Kind::kInsert) return {};
    std::string name = "row" + uuid.to_string();
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

Uuid Transaction::provisional() {
    if (last_provisional_.is_zero()) last_provisional_ = Uuid::random();
    for (size_t i = last_provisional_.bytes.size(); i-- > 8;) {
        if (++last_provisional_.bytes[i] != 0) break;
    }
    return last_provisional_;
}

Uuid Transaction::insert(const TableInfo& table, const Uuid& provisional) {
    void* row = table.create();
    uuid_of(row) = provisional;
    return insert(table, row, {});
}

Uuid Transaction::insert(const TableInfo& table, void* row, ColumnSet written) {
    Uuid provisional = uuid_of(row);
    bool is_new = by_uuid_.emplace(provisional, pending_.size()).second;
    assert(is_new);
    (void)is_new;
    pending_.push_back({&table, provisional, Kind::kInsert, row, written, {}, {}, false});
    for (const PendingIndex& known : indexes_) {
        if (known.table == &table) index_pending(pending_.size() - 1, known.column);
    }
    return provisional;
}

void Transaction::erase(const TableInfo& table, const Uuid& uuid) {
    Pending& each = pending(table, uuid);
    if (each.kind != Kind::kInsert && each.kind != Kind::kUpdate) return;
    each.kind = each.kind == Kind::kInsert ? Kind::kForgotten : Kind::kDelete;
    each.table->destroy(std::exchange(each.row, nullptr));
    each.written = {};
    each.mutations.clear();
}

void Transaction::write(const TableInfo& table, const Uuid& uuid, size_t index, const void* value) {
    const ColumnInfo& column = table.columns[index];
    const Pending* before = find_pending(uuid);
    bool untouched =
        !before || (before->kind == Kind::kUpdate && !before->written.has(index) &&
                    std::none_of(before->mutations.begin(), before->mutations.end(),
                                 [&](const Mutation& mutation) { return mutation.column == index; }));
    if (untouched) {
        const void* row = store_->table(table).find(uuid);
        if (row && column.codec->equal(field_of(row, column), value)) return;
    }
    Pending& each = pending(table, uuid);
    assert(each.row && "a deleted row is not written to");
    column.codec->copy(value, field_of(each.row, column));
    each.written.add(index);
    index_pending(by_uuid_[uuid], index);
    std::erase_if(each.mutations, [&](const Mutation& mutation) { return mutation.column == index; });
}

void Transaction::mutate(const TableInfo& table, const Uuid& uuid, size_t index, const char* mutator,
                         const void* value) {
    const ColumnInfo& column = table.columns[index];
    Pending& each = pending(table, uuid);
    assert(each.row && "a deleted row is not written to");
    void* field = field_of(each.row, column);
    bool is_insert = std::string_view(mutator) == "insert";
    json::Value given = column.codec->to_json(value, nullptr);
    // A map's "insert" leaves the value of a key that is there: the key has to go first.
    const json::Array* pairs = given.as_array();
    bool is_map = pairs && pairs->size() == 2 && (*pairs)[0] == json::Value("map");
    if (is_insert) {
        column.codec->add(field, value);
    } else {
        column.codec->subtract(field, value);
    }
    index_pending(by_uuid_[uuid], index);
    if (each.kind == Kind::kInsert || each.written.has(index)) {
        each.written.add(index);
        return;
    }
    if (is_map && is_insert) {
        json::Array keys;
        for (const json::Value& pair : *(*pairs)[1].as_array()) keys.push_back((*pair.as_array())[0]);
        each.mutations.push_back({index, "delete", json::Array{"set", std::move(keys)}});
    }
    each.mutations.push_back({index, mutator, std::move(given)});
}

void Transaction::verify(const TableInfo& table, const Uuid& uuid, size_t column) {
    if (!store_->table(table).find(uuid)) return;  // a row of this transaction
    Pending& each = pending(table, uuid);
    each.verified.add(column);
}

void Transaction::increment(const TableInfo& table, const Uuid& uuid, size_t column) {
    increments_.push_back({&table, uuid, column});
}

// --- reading

const void* Transaction::row(const TableInfo& table, const Uuid& uuid) const {
    if (const Pending* pending = find_pending(uuid)) return pending->table == &table ? pending->row : nullptr;
    const void* row = store_->table(table).find(uuid);
    if (!row && questions_) questions_->ask_row(table, uuid);
    return row;
}

std::vector<const void*> Transaction::rows_here(const TableInfo& table) const {
    std::vector<const void*> out;
    for (const auto& [uuid, row] : store_->table(table).rows()) {
        if (!by_uuid_.contains(uuid)) out.push_back(row);
    }
    for (const Pending& each : pending_) {
        if (each.table == &table && each.row) out.push_back(each.row);
    }
    return out;
}

std::vector<const void*> Transaction::rows(const TableInfo& table) const {
    if (questions_) questions_->ask_all(table);
    return rows_here(table);
}

std::vector<const void*> Transaction::rows_equal(const TableInfo& table, size_t index,
                                                 const void* value) const {
    if (questions_) questions_->ask_equal(table, index, value);
    const ColumnInfo& column = table.columns[index];
    std::vector<const void*> out;
    auto take = [&](const void* row) {
        if (!by_uuid_.contains(uuid_of(row)) && column.codec->equal(field_of(row, column), value))
            out.push_back(row);
        return true;
    };
    size_t hash = column.codec->hash(value);
    const TableStore& stored = store_->table(table);
    if (stored.has_index(index)) {
        stored.visit_index(index, hash, take);
    } else {
        for (const auto& [uuid, row] : stored.rows()) take(row);
    }
    auto known = std::find_if(indexes_.begin(), indexes_.end(), [&](const PendingIndex& each) {
        return each.table == &table && each.column == index;
    });
    if (known == indexes_.end()) {
        known = indexes_.insert(known, PendingIndex{&table, index, {}});
        for (size_t i = 0; i < pending_.size(); ++i) {
            if (pending_[i].table != &table || !pending_[i].row) continue;
            known->places[column.codec->hash(field_of(pending_[i].row, column))].push_back(i);
        }
    }
    if (auto it = known->places.find(hash); it != known->places.end()) {
        std::vector<size_t>& places = it->second;  // one that had the value twice is there twice
        std::sort(places.begin(), places.end());
        places.erase(std::unique(places.begin(), places.end()), places.end());
        for (size_t place : places) {
            const void* row = pending_[place].row;
            if (row && column.codec->equal(field_of(row, column), value)) out.push_back(row);
        }
    }
    return out;
}

void Transaction::index_pending(size_t place, size_t index) {
    const Pending& each = pending_[place];
    for (PendingIndex& known : indexes_) {
        if (known.table != each.table || known.column != index) continue;
        const ColumnInfo& column = each.table->columns[index];
        known.places[column.codec->hash(field_of(each.row, column))].push_back(place);
    }
}

std::vector<const void*> Transaction::rows_perhaps_including(const TableInfo& table, size_t column,
                                                             const void* value) const {
    if (questions_) {
        // What is inserted here, no row of the server includes; and who asked would ask anew with each try.
        json::Value wanted = table.columns[column].codec->to_json(value, nullptr);
        if (named(wanted) == wanted) questions_->ask_includes(table, column, value);
    }
    return rows_here(table);
}

bool Transaction::has_questions() const {
    return questions_ && questions_->any();
}

void Transaction::comment(std::string_view text) {
    if (!comment_.empty()) comment_ += '\n';
    comment_ += text;
}

bool Transaction::empty() const {
    return increments_.empty() && std::all_of(pending_.begin(), pending_.end(), [](const Pending& each) {
               return each.kind == Kind::kForgotten ||
                      (each.kind == Kind::kUpdate && each.written.empty() && each.mutations.empty());
           });
}

// The value with the uuids of rows that are inserted here replaced by their names.
json::Value Transaction::named(const json::Value& value) const {
    const json::Array* array = value.as_array();
    if (!array) return value;
    if (array->size() == 2 && (*array)[0] == json::Value("uuid")) {
        std::optional<Uuid> uuid = Uuid::parse(*(*array)[1].as_string());
        std::string name = uuid ? name_of(*uuid) : std::string();
        return name.empty() ? value : json::Value(json::Array{"named-uuid", std::move(name)});
    }
    json::Array out;
    out.reserve(array->size());
    for (const json::Value& each : *array) out.push_back(named(each));
    return out;
}

void Transaction::append_row(std::string& out, const Pending& pending) const {
    out += '{';
    const char* between = "";
    for (const ColumnInfo& column : pending.table->columns) {
        if (!pending.written.has(column.index)) continue;
        out += std::exchange(between, ",");
        append_name(out, column.name);
        column.codec->append_text(out, field_of(pending.row, column), this);
    }
    out += '}';
}

void Transaction::append_wait(std::string& out, const Pending& pending) const {
    if (pending.verified.empty()) return;
    const void* original = store_->table(*pending.table).find(pending.uuid);
    if (!original) return;  // it went meanwhile: writes to it have no effect
    std::string columns, row;
    for (const ColumnInfo& column : pending.table->columns) {
        if (!pending.verified.has(column.index)) continue;
        if (!row.empty()) columns += ',', row += ',';
        columns.append("\"").append(column.name).append("\"");
        append_name(row, column.name);
        column.codec->append_text(row, field_of(original, column), nullptr);
    }
    begin_operation(out, "wait", *pending.table);
    out += "\"timeout\":0,";
    append_where(out, pending.uuid);
    out.append(",\"columns\":[")
        .append(columns)
        .append("],\"until\":\"==\",\"rows\":[{")
        .append(row)
        .append("}]}");
}

void Transaction::append_operations(std::string& out, const Pending& pending) const {
    if (pending.kind == Kind::kDelete) {
        begin_operation(out, "delete", *pending.table);
        append_where(out, pending.uuid);
        out += '}';
    } else if (pending.kind == Kind::kInsert) {
        begin_operation(out, "insert", *pending.table);
        out.append("\"uuid-name\":\"").append(name_of(pending.uuid)).append("\",");
        if (pending.keeps_uuid) out.append("\"uuid\":\"").append(pending.uuid.to_string()).append("\",");
        out += "\"row\":";
        append_row(out, pending);
        out += '}';
    } else if (pending.kind == Kind::kUpdate) {
        if (!pending.written.empty()) {
            begin_operation(out, "update", *pending.table);
            append_where(out, pending.uuid);
            out += ",\"row\":";
            append_row(out, pending);
            out += '}';
        }
        if (pending.mutations.empty()) return;
        begin_operation(out, "mutate", *pending.table);
        append_where(out, pending.uuid);
        out += ",\"mutations\":";
        json::append_text(out, mutations_of(pending));
        out += '}';
    }
}

void Transaction::append_increment(std::string& out, const TableInfo& table, const Uuid& uuid,
                                   size_t column) const {
    std::string where = "\"where\":[[\"_uuid\",\"==\",";
    kCodec<Uuid>.append_text(where, &uuid, this);
    where += "]]";
    begin_operation(out, "mutate", table);
    out.append(where)
        .append(",\"mutations\":[[\"")
        .append(table.columns[column].name)
        .append("\",\"+=\",1]]}");
    begin_operation(out, "select", table);
    out.append(where).append(",\"columns\":[\"").append(table.columns[column].name).append("\"]}");
}

// Elements that are put into a set, or taken from it, one after the other go together: the server touches the
// set once.
json::Array Transaction::mutations_of(const Pending& pending) const {
    struct Run {
        const Mutation* first;
        json::Array elements;  // of a set, if there is more than one
    };
    std::vector<Run> runs;
    HashMap<size_t, size_t> last;  // of the column
    for (const Mutation& each : pending.mutations) {
        auto it = last.find(each.column);
        Run* run = it == last.end() ? nullptr : &runs[it->second];
        bool joins = run && std::string_view(run->first->mutator) == each.mutator &&
                     !is_collection(run->first->value) && !is_collection(each.value);
        if (joins) {
            if (run->elements.empty()) run->elements.push_back(named(run->first->value));
            run->elements.push_back(named(each.value));
        } else {
            last[each.column] = runs.size();
            runs.push_back({&each, {}});
        }
    }
    json::Array out;
    for (Run& run : runs) {
        json::Value value =
            run.elements.empty() ? named(run.first->value) : json::Array{"set", std::move(run.elements)};
        out.push_back(json::Array{pending.table->columns[run.first->column].name, run.first->mutator,
                                  std::move(value)});
    }
    return out;
}

std::string Transaction::take_text(std::string_view lock) {
    std::string out = "[";
    json::append_string(out, store_->database().name);
    if (!lock.empty()) {
        out += ",{\"op\":\"assert\",\"lock\":";
        json::append_string(out, lock);
        out += '}';
    }
    for (const Pending& each : pending_) append_wait(out, each);
    for (Pending& each : pending_) {
        append_operations(out, each);
        if (each.kind == Kind::kInsert) inserted_.push_back(each.uuid);
        if (each.row) each.table->destroy(std::exchange(each.row, nullptr));
    }
    for (const Increment& each : increments_) append_increment(out, *each.table, each.uuid, each.column);
    if (!comment_.empty()) {
        out += ",{\"op\":\"comment\",\"comment\":";
        json::append_string(out, comment_);
        out += '}';
    }
    pending_ = {};
    by_uuid_ = {};
    indexes_ = {};
    out += ']';
    return out;
}

namespace {

// The members sorted by name, so that the text does not depend on the server.
json::Value sorted(const json::Object& object) {
    std::vector<json::Member> members(object.begin(), object.end());
    std::sort(members.begin(), members.end(), [](auto& a, auto& b) { return a.first < b.first; });
    json::Object out;
    for (json::Member& member : members) out.add(std::move(member.first), std::move(member.second));
    return out;
}

CommitStatus status_of(std::string_view error) {
    if (error == "timed out" || error == "unknown database") return CommitStatus::kTryAgain;
    if (error == "not owner") return CommitStatus::kNotLocked;
    if (error == "aborted") return CommitStatus::kAborted;
    return CommitStatus::kError;
}

}  // namespace

CommitOutcome Transaction::outcome(const json::Value& result) const {
    CommitOutcome outcome;
    outcome.status = CommitStatus::kSuccess;
    const json::Array* results = result.as_array();
    if (!results) {
        outcome.status = CommitStatus::kError;
        outcome.error = "unreadable reply to \"transact\": " + json::to_text(result);
        return outcome;
    }
    for (const json::Value& each : *results) {
        const json::Object* object = each.as_object();
        const json::Value* error = object ? object->find("error") : nullptr;
        if (!error || !error->is_string()) continue;
        outcome.status = status_of(*error->as_string());
        outcome.error = json::to_text(sorted(*object));
        return outcome;
    }
    // The inserted uuids and the incremented value come in the order of the operations.
    std::vector<Uuid> inserted;
    for (const json::Value& each : *results) {
        const json::Object* object = each.as_object();
        if (!object) continue;
        if (const json::Value* uuid = object->find("uuid");
            uuid && uuid->as_array() && uuid->as_array()->size() == 2) {
            const std::string* text = (*uuid->as_array())[1].as_string();
            inserted.push_back(text ? Uuid::parse(*text).value_or(Uuid{}) : Uuid{});
        } else if (const json::Value* rows = object->find("rows"); rows && !increments_.empty()) {
            const json::Array* list = rows->as_array();
            if (!list || list->empty() || !(*list)[0].as_object()) continue;
            const Increment& last = increments_.back();
            const json::Value* value = (*list)[0].as_object()->find(last.table->columns[last.column].name);
            if (value && value->as_integer()) outcome.incremented = *value->as_integer();
        }
    }
    size_t count = std::min(inserted.size(), inserted_.size());
    outcome.inserted.reserve(count);
    for (size_t i = 0; i < count; ++i) outcome.inserted[inserted_[i]] = inserted[i];
    return outcome;
}

}  // namespace weft::ovsdb::client
