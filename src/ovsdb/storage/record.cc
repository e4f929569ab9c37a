#include "ovsdb/storage/record.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>

#include "json/text.h"
#include "ovsdb/data/datum_json.h"
#include "ovsdb/data/set_ops.h"

namespace weft::ovsdb {

namespace {

constexpr std::string_view kPrefix = "OVSDB ";
constexpr size_t kHashDigits = 40;

// Found once: the look-up costs as much as hashing a small record.
const EVP_MD* sha1() {
    static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA1", nullptr);
    return algorithm;
}

std::string to_hex(const unsigned char* bytes, size_t size) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string hex;
    for (size_t i = 0; i < size; ++i) {
        hex += kDigits[bytes[i] >> 4];
        hex += kDigits[bytes[i] & 15];
    }
    return hex;
}

struct Header {
    std::string_view magic;
    size_t length = 0;
    std::string_view hash;
    bool continues = false;  // the batch of the record before
};

// "OVSDB JSON 123 <40 hex digits>"
std::optional<Header> parse_header(std::string_view line) {
    if (!line.starts_with(kPrefix)) return std::nullopt;
    line.remove_prefix(kPrefix.size());
    size_t space = line.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    Header header;
    header.magic = line.substr(0, space);
    line.remove_prefix(space + 1);
    header.continues = line.starts_with('0');
    auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), header.length);
    if (error != std::errc() || end == line.data() + line.size() || *end != ' ') return std::nullopt;
    header.hash = line.substr(static_cast<size_t>(end - line.data()) + 1);
    if (header.hash.size() != kHashDigits || !header.length) return std::nullopt;
    return header;
}

// `before` nullptr: a new row, of which the columns are written that do not have their default values.
void append_row_object(std::string& out, const TableSchema& table, const RowData* before_row,
                       const RowData& row, bool diffs) {
    out += '{';
    bool first = true;
    for (const ColumnSchema& column : table.columns) {
        if (column.ephemeral) continue;
        const Datum& now = row[column.index];
        const Datum& before = before_row ? (*before_row)[column.index] : column.default_value;
        if (now == before) continue;
        if (!first) out += ',';
        first = false;
        json::append_string(out, column.name);
        out += ':';
        append_json(out, before_row && diffs ? column_diff(column.type, before, now) : now);
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
    uuid.append_to(out);
    out += "\":";
}

bool same_hash(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
        return (x >= 'A' && x <= 'F' ? x + ('a' - 'A') : x) == (y >= 'A' && y <= 'F' ? y + ('a' - 'A') : y);
    });
}

// `text` begins with a whole record that is the first of its batch.
bool begins_batch(std::string_view text) {
    size_t line_end = text.substr(0, 200).find('\n');
    if (line_end == std::string_view::npos) return false;
    std::optional<Header> header = parse_header(text.substr(0, line_end));
    if (!header || header->continues || text.size() - line_end - 1 < header->length) return false;
    return same_hash(RecordHash::hex_of(text.substr(line_end + 1, header->length)), header->hash);
}

bool any_batch_begins(std::string_view text) {
    for (size_t at = text.find(kPrefix); at != std::string_view::npos; at = text.find(kPrefix, at + 1)) {
        if (begins_batch(text.substr(at))) return true;
    }
    return false;
}

}  // namespace

RecordHash::RecordHash() : context_(EVP_MD_CTX_new()) {
    EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), sha1(), nullptr);
}

RecordHash::~RecordHash() {
    EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_));
}

void RecordHash::add(std::string_view bytes) {
    EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size());
}

std::string RecordHash::hex() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), digest, &size);
    return to_hex(digest, size);
}

std::string RecordHash::hex_of(std::string_view bytes) {
    RecordHash hash;
    hash.add(bytes);
    return hash.hex();
}

std::string frame_record(std::string_view json, bool continues) {
    RecordHash hash;
    hash.add(json);
    hash.add("\n");
    std::string out;
    out.reserve(json.size() + 80);
    out += fmt::format("OVSDB JSON {}{} {}\n", continues ? "0" : "", json.size() + 1, hash.hex());
    out += json;
    out += '\n';
    return out;
}

std::string fixed_header(uint64_t length, const std::string& hash) {
    return fmt::format("OVSDB JSON {:016} {}\n", length, hash);
}

Result<std::optional<std::string_view>> RecordReader::next() {
    std::string_view rest = text_.substr(offset_);
    if (rest.empty()) return std::optional<std::string_view>();
    size_t line_end = rest.find('\n');
    std::optional<Header> header =
        line_end == std::string_view::npos ? std::nullopt : parse_header(rest.substr(0, line_end));
    if (!header) {
        return damaged(fmt::format(
            "parse error at offset {}: a record's first line must be \"OVSDB JSON LENGTH SHA1\"", offset_));
    }
    magic_ = header->magic;
    std::string_view body = rest.substr(line_end + 1);
    if (body.size() < header->length) {
        return damaged(fmt::format("record at offset {}: {} bytes expected, {} found", offset_,
                                   header->length, body.size()));
    }
    body = body.substr(0, header->length);
    std::string hash = RecordHash::hex_of(body);
    if (!same_hash(hash, header->hash)) {
        return damaged(fmt::format("record at offset {}: {} bytes have SHA-1 hash {} but should have hash {}",
                                   offset_, header->length, hash, header->hash));
    }
    offset_ += line_end + 1 + header->length;
    return std::optional<std::string_view>(body);
}

Error RecordReader::damaged(std::string message) {
    torn_ = !any_batch_begins(text_.substr(offset_));
    return Error{std::move(message)};
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
                append_table_start(out, *group.table);
            } else {
                out += ',';
            }
            first = false;
            append_uuid_member(out, change.uuid);
            if (change.after) {
                append_row_object(out, *group.table, change.before.get(), *change.after, diffs);
            } else {
                out += "null";
            }
        }
        if (!first) out += '}';
    }
    if (out.empty()) return "";
    return "{" + out + record_end(false, date_ms, diffs, changes.comment);
}

void append_table_start(std::string& out, const TableSchema& table) {
    json::append_string(out, table.name);
    out += ":{";
}

void append_row(std::string& out, const TableSchema& table, const Uuid& uuid, const RowData& data) {
    append_uuid_member(out, uuid);
    append_row_object(out, table, nullptr, data, false);
}

std::string record_end(bool empty, int64_t date_ms, bool is_diff, std::string_view comment) {
    std::string out = fmt::format("{}\"_date\":{}", empty ? "" : ",", date_ms);
    if (is_diff) out += ",\"_is_diff\":true";
    if (!comment.empty()) {
        out += ",\"_comment\":";
        json::append_string(out, comment);
    }
    out += '}';
    return out;
}

std::string snapshot_record(const Database& database, std::string_view comment, int64_t date_ms) {
    std::string out = "{";
    bool empty = true;
    for (const auto& table : database.tables()) {
        if (!table->size()) continue;
        if (!empty) out += ',';
        empty = false;
        append_table_start(out, table->schema());
        bool first = true;
        for (const Row* row : table->rows()) {
            if (!first) out += ',';
            first = false;
            append_row(out, table->schema(), row->uuid, *row->data);
        }
        out += '}';
    }
    return out + record_end(empty, date_ms, false, comment);
}

}  // namespace weft::ovsdb
