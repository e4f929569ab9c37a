// The standalone database file of ovsdb(5): a schema record, then a record per transaction.
//
// A torn last record (crash or full disk while writing) is dropped with a warning and overwritten by the next
// transaction.  Damage before the end is an error, and the file is left alone.  compact() writes a new file
// beside and renames it over the old one, so there is always one whole file.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "ovsdb/storage/lock_file.h"
#include "ovsdb/storage/storage.h"

namespace weft::ovsdb {

class LogFile final : public Storage {
  public:
    struct Opened {
        std::unique_ptr<LogFile> log;
        std::unique_ptr<Database> database;
        std::string warning;  // about a torn tail, or ""
    };
    enum class Mode { kReadOnly, kReadWrite };

    // Fails if the file exists.
    static Result<void> create(const std::string& path, const DatabaseSchema& schema,
                               const std::string& contents_record = "");
    static Result<Opened> open(const std::string& path, Mode mode);
    // The schema alone: the first record.
    static Result<std::shared_ptr<const DatabaseSchema>> read_schema(const std::string& path);
    ~LogFile() override;

    void append(const ChangeSet& changes) override;
    bool pending() const override { return !queue_.empty(); }
    Result<void> sync() override;
    Result<void> compact(const Database& database, std::string_view comment) override;
    bool wants_compaction() const override;
    std::string name() const override { return path_; }
    uint64_t size() const override { return end_; }
    std::string model() const override { return "standalone"; }

    void set_diffs(bool diffs) { diffs_ = diffs; }  // --disable-file-column-diff

  private:
    LogFile() = default;

    std::string path_;
    int fd_ = -1;
    uint64_t end_ = 0;            // of the last whole record
    uint64_t snapshot_size_ = 0;  // of the file when it was last compacted or opened
    int64_t compacted_ms_ = 0;    // clock::monotonic_ms()
    uint64_t records_ = 0;        // transactions since
    std::string queue_;           // framed records
    uint64_t queued_records_ = 0;
    bool diffs_ = true;
    std::optional<LockFile> lock_;
};

}  // namespace weft::ovsdb
