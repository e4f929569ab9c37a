// Keeps a database's transactions in a log file (log_file.h) with a thread of its own for the disk.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "ovsdb/storage/compaction.h"
#include "ovsdb/storage/log_file.h"
#include "ovsdb/storage/storage.h"
#include "ovsdb/storage/sync_thread.h"

namespace weft::ovsdb {

class LogStorage final : public Storage {
  public:
    // `log` was opened for writing.  `diffs` false: whole columns instead of differences
    // (--disable-file-column-diff).
    LogStorage(std::unique_ptr<LogFile> log, bool diffs);
    ~LogStorage() override;  // what was appended is kept before

    Position append(const ChangeSet& changes) override;
    Position appended() const override { return thread_.appended(); }
    StorageProgress progress() const override { return thread_.progress(); }
    void resume() override;
    void wait() override { thread_.wait(); }
    void compact(Database& database, std::string comment, CompactDone done) override;
    bool advance() override;
    bool wants_compaction() const override;
    Result<void> replace(const Database& database, std::string_view comment) override;
    StorageStatus status() const override { return {}; }
    std::string name() const override { return path_; }
    uint64_t size() const override { return thread_.size(); }
    uint64_t appended_bytes() const override { return appended_bytes_; }
    uint64_t backlog() const override { return thread_.backlog(); }
    std::string condition() const override;

  private:
    void finish_compaction(Result<void> outcome);

    const std::string path_;
    const bool diffs_;
    // For wants_compaction().
    uint64_t compacted_size_;  // of the file when it was last compacted or opened
    int64_t compacted_ms_;     // clock::monotonic_ms(); also of an attempt that failed
    uint64_t records_;         // transactions since
    uint64_t appended_bytes_ = 0;
    SyncThread thread_;
    std::unique_ptr<Compaction> compaction_;  // stands on thread_
    CompactDone compaction_done_;
    std::string last_failure_;
    Position failed_at_ = 0;  // of it: kept then
};

}  // namespace weft::ovsdb
