// Records of the database file, ovsdb(5): "OVSDB JSON <length> <sha1>\n", then that many bytes of JSON with
// the line end.
//
// Records that no sync parts are a batch.  Of a batch that a power loss interrupts any part may be on the
// disk, a later record without an earlier one among others, and none of it was promised to last; of what was
// written before the batch everything is there.  So that a reader can tell an interrupted batch from damage,
// the records of a batch after its first have a zero before their length, which is nothing to other readers:
// the first record of a batch proves that all before it was once whole.

#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ovsdb/data/error.h"
#include "ovsdb/engine/change_set.h"
#include "ovsdb/engine/database.h"

namespace weft::ovsdb {

// SHA-1 of a record's text.
class RecordHash {
  public:
    RecordHash();
    ~RecordHash();
    RecordHash(const RecordHash&) = delete;
    void add(std::string_view bytes);
    std::string hex();  // 40 digits; once
    static std::string hex_of(std::string_view bytes);

  private:
    void* context_;
};

// `json` without its line end.  `continues`: the batch of the record before.
std::string frame_record(std::string_view json, bool continues = false);
// The header of a record of `length` bytes, of kFixedHeaderBytes always (the length has leading zeros): of a
// record whose length is known only after it was written.
inline constexpr size_t kFixedHeaderBytes = 69;
std::string fixed_header(uint64_t length, const std::string& hash);

// Takes the records of a file's text one by one.
class RecordReader {
  public:
    explicit RecordReader(std::string_view text) : text_(text) {}

    // The next record's JSON text; nullopt at the end; an error where a record is damaged.  Then torn() tells
    // whether that may be a batch that was interrupted: no first record of another one follows.
    Result<std::optional<std::string_view>> next();
    size_t offset() const { return offset_; }  // of the first byte not yet taken
    bool torn() const { return torn_; }
    std::string_view magic() const { return magic_; }  // "JSON" or "CLUSTER", of the last record

  private:
    Error damaged(std::string message);

    std::string_view text_, magic_;
    size_t offset_ = 0;
    bool torn_ = false;
};

// The JSON text of a transaction; "" if it has nothing to keep (ephemeral columns only).
std::string transaction_record(const ChangeSet& changes, bool diffs, int64_t date_ms);

// What makes up the record of a database's whole contents: for each table `"NAME":{`, its rows with commas
// between,
// `}`; and commas between tables.
void append_table_start(std::string& out, const TableSchema& table);
void append_row(std::string& out, const TableSchema& table, const Uuid& uuid, const RowData& data);
// From the comma before it (unless `empty`) to the brace that closes the record.
std::string record_end(bool empty, int64_t date_ms, bool is_diff, std::string_view comment);

// All of it.
std::string snapshot_record(const Database& database, std::string_view comment, int64_t date_ms);

// Applies one (between Database::load_begin and load_finish).  Tables, columns, members and rows that the
// schema or the database does not know are errors.
DbResult<void> load_record(Database& database, std::string_view record);

}  // namespace weft::ovsdb
