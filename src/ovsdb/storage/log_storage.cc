#include "ovsdb/storage/log_storage.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "ovsdb/storage/record.h"

namespace weft::ovsdb {

namespace {

metrics::Counter compactions("log_compaction");

// Automatic compaction, as ovsdb-server(1) describes it: at least 10 minutes after the last one, after 100
// transactions, when the file is over 10 MB and has grown to at least twice its size; after a day in any
// case.
constexpr int64_t kMinCompactionMs = 10 * 60 * 1000;
constexpr int64_t kMaxCompactionMs = 24 * 60 * 60 * 1000;
constexpr uint64_t kMinCompactionRecords = 100;
constexpr uint64_t kMinCompactionBytes = 10 << 20;

}  // namespace

LogStorage::LogStorage(std::unique_ptr<LogFile> log, bool diffs)
    : path_(log->path()),
      diffs_(diffs),
      compacted_size_(log->end()),
      compacted_ms_(clock::monotonic_ms()),
      records_(log->records()),
      thread_(std::move(log), [this] {
          if (on_progress) on_progress();
      }) {}

LogStorage::~LogStorage() {
    compaction_.reset();
}

Position LogStorage::append(const ChangeSet& changes) {
    std::string record = transaction_record(changes, diffs_, clock::wall_ms());
    if (record.empty()) return thread_.appended();
    ++records_;
    appended_bytes_ += record.size();
    return thread_.append(std::move(record), changes.durable);
}

void LogStorage::resume() {
    StorageProgress now = progress();
    if (now.failure) last_failure_ = now.failure->message();
    failed_at_ = now.kept;
    thread_.resume();
}

std::string LogStorage::condition() const {
    StorageProgress now = progress();
    if (now.failure) return now.failure->message();
    if (std::string overdue = thread_.overdue(); !overdue.empty()) return overdue;
    return last_failure_.empty() || now.kept > failed_at_ ? "ok" : last_failure_;
}

void LogStorage::compact(Database& database, std::string comment, CompactDone done) {
    if (compaction_) return done(Error{path_ + ": a compaction is under way already"});
    compaction_done_ = std::move(done);
    compaction_ = std::make_unique<Compaction>(thread_, database, std::move(comment), [this] {
        if (on_progress) on_progress();
    });
}

bool LogStorage::advance() {
    if (!compaction_) return false;
    bool more = compaction_->feed();
    if (auto outcome = compaction_->outcome()) finish_compaction(*std::move(outcome));
    return more;
}

void LogStorage::finish_compaction(Result<void> outcome) {
    compaction_.reset();
    compacted_ms_ = clock::monotonic_ms();
    if (outcome) {
        compactions.add();
        compacted_size_ = size();
        records_ = 0;
    }
    CompactDone done = std::exchange(compaction_done_, nullptr);
    done(std::move(outcome));
}

bool LogStorage::wants_compaction() const {
    if (compaction_) return false;
    int64_t age = clock::monotonic_ms() - compacted_ms_;
    if (age < kMinCompactionMs || records_ < kMinCompactionRecords) return false;
    if (age >= kMaxCompactionMs) return true;
    return size() >= kMinCompactionBytes && size() >= 2 * compacted_size_;
}

Result<void> LogStorage::replace(const Database& database, std::string_view comment) {
    if (compaction_)
        finish_compaction(Error{path_ + ": compaction given up: the database is being converted"});
    Result<void> replaced;
    thread_.run([&](LogFile& log) { replaced = log.replace_by(database, comment); });
    if (!replaced) return replaced;
    compacted_size_ = size();
    compacted_ms_ = clock::monotonic_ms();
    records_ = 0;
    return {};
}

}  // namespace weft::ovsdb
