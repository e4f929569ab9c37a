// Records of the database file, ovsdb(5): "OVSDB JSON <length> <sha1>\n", then that many bytes of JSON with
// the line end.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/value.h"
#include "ovsdb/data/error.h"
#include "ovsdb/engine/change_set.h"
#include "ovsdb/engine/database.h"

namespace weft::ovsdb {

// `json` without its line end.
std::string frame_record(std::string_view json);

// Takes the records of a file's text one by one.
class RecordReader {
  public:
    explicit RecordReader(std::string_view text) : text_(text) {}

    // The next record's JSON text; nullopt at the end; an error where the rest cannot be read: torn(), if the
    // rest may be the result of a crash while it was written.
    Result<std::optional<std::string_view>> next();
    size_t offset() const { return offset_; }  // of the first byte not yet taken
    bool torn() const { return torn_; }
    std::string_view magic() const { return magic_; }  // "JSON" or "CLUSTER", of the last record

  private:
    std::string_view text_, magic_;
    size_t offset_ = 0;
    bool torn_ = false;
};

// The JSON text of a transaction; "" if it has nothing to keep (ephemeral columns only).
std::string transaction_record(const ChangeSet& changes, bool diffs, int64_t date_ms);
// The whole contents of a database as one transaction; "" if it has no rows.
std::string snapshot_record(const Database& database, std::string_view comment, int64_t date_ms);
// Applies one (between Database::load_begin and load_finish).  Unknown tables and columns are an error unless
// `converting`, which ignores them (ovsdb-server(7), 4.1.19).
DbResult<void> load_record(Database& database, const json::Value& record, bool converting = false);

}  // namespace weft::ovsdb
