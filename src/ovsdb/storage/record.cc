#include "ovsdb/storage/record.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <charconv>

#include "json/text.h"
#include "ovsdb/data/datum_json.h"
#include "ovsdb/data/set_ops.h"

namespace weft::ovsdb {

namespace {

constexpr std::string_view kPrefix = "OVSDB ";
constexpr size_t kHashDigits = 40;

std::string sha1_hex(std::string_view bytes) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha1(), nullptr);
    std::string hex;
    for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
    return hex;
}

struct Header {
    std::string_view magic;
    size_t length;
    std::string_view hash;
};

// "OVSDB JSON 123 <40 hex digits>"
std::optional<Header> parse_header(std::string_view line) {
    if (!line.starts_with(kPrefix)) return std::nullopt;
    line.remove_prefix(kPrefix.size());
    size_t space = line.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    Header header{line.substr(0, space), 0, {}};
    line.remove_prefix(space + 1);
    auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), header.length);
    if (error != std::errc() || end == line.data() + line.size() || *end != ' ') return std::nullopt;
    header.hash = line.substr(static_cast<size_t>(end - line.data()) + 1);
    if (header.hash.size() != kHashDigits || !header.length) return std::nullopt;
    return header;
}

void append_row_object(std::string& out, const TableSchema& table, const RowChange& change, bool diffs) {
    out += '{';
    bool first = true;
    for (const ColumnSchema& column : table.columns) {
        if (column.ephemeral) continue;
        const Datum& now = (*change.after)[column.index];
        const Datum& before = change.before ? (*change.before)[column.index] : column.default_value;
        if (now == before) continue;
        if (!first) out += ',';
        first = false;
        json::append_string(out, column.name);
        out += ':';
        append_json(out, change.before && diffs ? column_diff(column.type, before, now) : now);
    }
    out += '}';
}

bool has_persistent_change(const TableSchema& table, const RowChange& change) {
    if (!change.before || !change.after) return true;
    for (const ColumnSchema& column : table.columns) {
        if (!column.ephemeral && change.changed(column.index)) return true;
    }
    return false;
}

void append_uuid_member(std::string& out, const Uuid& uuid) {
    out += '"';
    out += uuid.to_string();
    out += "\":";
}

std::string finish_record(std::string tables, int64_t date_ms, bool is_diff, std::string_view comment) {
    std::string out = "{" + std::move(tables);
    if (out.size() > 1) out += ',';
    out += fmt::format("\"_date\":{}", date_ms);
    if (is_diff) out += ",\"_is_diff\":true";
    if (!comment.empty()) {
        out += ",\"_comment\":";
        json::append_string(out, comment);
    }
    out += '}';
    return out;
}

DbResult<void> load_row_record(Database& database, Table& table, const std::string& uuid_text,
                               const json::Value& json, bool is_diff, bool converting) {
    auto uuid = Uuid::parse(uuid_text);
    if (!uuid) return DbError("syntax error", fmt::format("\"{}\" is not a valid UUID", uuid_text));
    if (json.is_null()) {
        database.load_row(table, *uuid, RowRef());
        return {};
    }
    const json::Object* members = json.as_object();
    if (!members) return syntax_error(json, "row must be JSON object");
    const Row* existing = table.find(*uuid);
    RowRef data = existing ? RowRef(existing->data->copy()) : database.new_row(table.schema());
    for (const auto& [name, value] : *members) {
        const ColumnSchema* column = table.schema().find_column(name);
        if (!column || column->index < 0) {
            if (converting) continue;
            DbError error =
                syntax_error(json, fmt::format("No column {} in table {}.", name, table.schema().name));
            return DbError("unknown column", error.details, error.syntax);
        }
        bool difference = is_diff && existing;
        auto datum =
            difference ? datum_from_json_unsized(column->type, value) : datum_from_json(column->type, value);
        if (!datum) return datum.error();
        Datum& slot = (*data)[column->index];
        slot = difference ? apply_column_diff(column->type, slot, *datum) : *std::move(datum);
        if (difference) {
            if (auto checked = column->type.check(slot); !checked) return checked;
        }
    }
    database.load_row(table, *uuid, std::move(data));
    return {};
}

}  // namespace

std::string frame_record(std::string_view json) {
    std::string line(json);
    line += '\n';
    return fmt::format("OVSDB JSON {} {}\n", line.size(), sha1_hex(line)) + line;
}

Result<std::optional<std::string_view>> RecordReader::next() {
    std::string_view rest = text_.substr(offset_);
    if (rest.empty()) return std::optional<std::string_view>();
    size_t line_end = rest.find('\n');
    std::optional<Header> header =
        line_end == std::string_view::npos ? std::nullopt : parse_header(rest.substr(0, line_end));
    if (!header) {
        torn_ = true;
        return Error{fmt::format(
            "parse error at offset {}: a record's first line must be \"OVSDB JSON LENGTH SHA1\"", offset_)};
    }
    magic_ = header->magic;
    std::string_view body = rest.substr(line_end + 1);
    if (body.size() < header->length) {
        torn_ = true;
        return Error{fmt::format("record at offset {}: {} bytes expected, {} found", offset_, header->length,
                                 body.size())};
    }
    body = body.substr(0, header->length);
    if (sha1_hex(body) != header->hash) {
        // A crash can leave the length of the file ahead of its contents, at the end only.
        torn_ = body.size() + line_end + 1 == rest.size();
        return Error{fmt::format("record at offset {}: {} bytes have SHA-1 hash {} but should have hash {}",
                                 offset_, header->length, sha1_hex(body), header->hash)};
    }
    offset_ += line_end + 1 + header->length;
    return std::optional<std::string_view>(body);
}

namespace {

// OVS's own reader holds a difference to the limits of its column, which it may exceed, and takes a
// difference from the default of a column that may not be empty for the new value.  Such a transaction is
// written in whole columns, which every reader takes.
bool diffs_fit_columns(const ChangeSet& changes) {
    for (const TableChange& group : changes.tables) {
        for (const ColumnSchema& column : group.table->columns) {
            if (column.ephemeral || column.type.max == 1 || column.type.max == ColumnType::kUnlimited)
                continue;
            for (const RowChange& change : group.rows) {
                if (!change.before || !change.after || !change.changed(column.index)) continue;
                const Datum &before = (*change.before)[column.index], &after = (*change.after)[column.index];
                if (column.type.min && before == column.default_value) return false;
                if (before.size() + after.size() <= column.type.max) continue;
                if (diff(before, after).size() > column.type.max) return false;
            }
        }
    }
    return true;
}

}  // namespace

std::string transaction_record(const ChangeSet& changes, bool diffs, int64_t date_ms) {
    diffs = diffs && diffs_fit_columns(changes);
    std::string out;
    for (const TableChange& group : changes.tables) {
        bool first = true;
        for (const RowChange& change : group.rows) {
            if (!has_persistent_change(*group.table, change)) continue;
            if (first) {
                if (!out.empty()) out += ',';
                json::append_string(out, group.table->name);
                out += ":{";
            } else {
                out += ',';
            }
            first = false;
            append_uuid_member(out, change.uuid);
            if (change.after) {
                append_row_object(out, *group.table, change, diffs);
            } else {
                out += "null";
            }
        }
        if (!first) out += '}';
    }
    if (out.empty()) return "";
    return finish_record(std::move(out), date_ms, diffs, changes.comment);
}

std::string snapshot_record(const Database& database, std::string_view comment, int64_t date_ms) {
    std::string out;
    for (const auto& table : database.tables()) {
        if (!table->size()) continue;
        if (!out.empty()) out += ',';
        json::append_string(out, table->schema().name);
        out += ":{";
        bool first = true;
        for (const Row* row : table->rows()) {
            if (!first) out += ',';
            first = false;
            append_uuid_member(out, row->uuid);
            append_row_object(out, table->schema(), {row->uuid, RowRef(), row->data}, false);
        }
        out += '}';
    }
    return finish_record(std::move(out), date_ms, false, comment);
}

DbResult<void> load_record(Database& database, const json::Value& record, bool converting) {
    const json::Object* members = record.as_object();
    if (!members) return syntax_error(record, "object expected");
    const json::Value* diff_json = members->find("_is_diff");
    bool is_diff = diff_json && diff_json->as_bool() && *diff_json->as_bool();
    for (const auto& [name, rows] : *members) {
        if (name.starts_with('_')) continue;
        Table* table = database.find_table(name);
        if (!table) {
            if (converting) continue;
            return DbError("unknown table", fmt::format("No table named {}.", name));
        }
        const json::Object* row_members = rows.as_object();
        if (!row_members) return syntax_error(rows, "object expected");
        if (row_members->size() > table->size()) table->reserve(row_members->size());
        for (const auto& [uuid, row] : *row_members) {
            if (auto loaded = load_row_record(database, *table, uuid, row, is_diff, converting); !loaded)
                return loaded;
        }
    }
    return {};
}

}  // namespace weft::ovsdb
