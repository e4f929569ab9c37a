#include "ovsdb/storage/compaction.h"

#include "base/clock.h"
#include "base/log.h"

namespace weft::ovsdb {

namespace {

constexpr size_t kPieceRows = 500;         // some tenths of a millisecond of the loop's time
constexpr size_t kMaxReady = 8;            // pieces
constexpr uint64_t kLastBytes = 64 << 10;  // that the sync thread copies

const Error kGivenUp{"compaction given up: the database is being closed or converted"};

}  // namespace

Compaction::Compaction(SyncThread& log, Database& database, std::string comment,
                       std::function<void()> on_progress)
    : log_(log),
      schema_(database.shared_schema()),
      comment_(std::move(comment)),
      on_progress_(std::move(on_progress)),
      snapshot_(std::make_unique<Snapshot>(database)) {
    log_.mark();
    thread_ = std::thread([this] { write(); });
}

Compaction::~Compaction() {
    {
        std::lock_guard lock(mutex_);
        given_up_ = true;
        pieces_ready_.notify_one();
    }
    log_.notify();
    thread_.join();
}

bool Compaction::feed() {
    std::deque<std::unique_ptr<Snapshot::Piece>> written;
    {
        std::lock_guard lock(mutex_);
        written.swap(written_);
        if (!snapshot_ || ready_.size() >= kMaxReady) return false;
    }
    auto piece = written.empty() ? std::make_unique<Snapshot::Piece>() : std::move(written.front());
    bool any = snapshot_->next(kPieceRows, *piece);
    if (!any) snapshot_.reset();
    std::lock_guard lock(mutex_);
    if (any) {
        ready_.push_back(std::move(piece));
    } else {
        all_ready_ = true;
    }
    pieces_ready_.notify_one();
    return any && ready_.size() < kMaxReady;
}

std::optional<Result<void>> Compaction::outcome() const {
    std::lock_guard lock(mutex_);
    return outcome_;
}

void Compaction::write() {
    log::set_thread_name("compaction");
    Result<void> result = write_file();
    {
        std::lock_guard lock(mutex_);
        outcome_ = std::move(result);
    }
    on_progress_();
}

Result<void> Compaction::write_file() {
    std::unique_ptr<NewLog> file;
    Result<void> created;
    log_.run([&](LogFile& log) {
        auto made = log.new_file(*schema_);
        if (made) {
            file = *std::move(made);
        } else {
            created = made.error();
        }
    });
    WEFT_TRY(created);
    WEFT_TRY(write_contents(*file));
    WEFT_TRY(file->finish(comment_, clock::wall_ms()));
    return catch_up(*file);
}

const Snapshot::Piece* Compaction::next_piece() {
    std::unique_lock lock(mutex_);
    pieces_ready_.wait(lock, [this] { return !ready_.empty() || all_ready_ || given_up_; });
    return ready_.empty() || given_up_ ? nullptr : ready_.front().get();
}

void Compaction::finish_piece() {
    bool low;
    {
        std::lock_guard lock(mutex_);
        written_.push_back(std::move(ready_.front()));
        ready_.pop_front();
        low = ready_.size() == kMaxReady / 2;
    }
    if (low) on_progress_();
}

Result<void> Compaction::write_contents(NewLog& file) {
    while (const Snapshot::Piece* piece = next_piece()) {
        for (const auto& [uuid, data] : piece->rows) WEFT_TRY(file.add(*piece->table, uuid, *data));
        finish_piece();
    }
    return given_up_ ? Result<void>(kGivenUp) : Result<void>();
}

Result<void> Compaction::catch_up(NewLog& file) {
    std::optional<uint64_t> mark = log_.wait_for_mark([this] { return given_up_.load(); });
    if (given_up_) return kGivenUp;
    if (!mark) return Error{"compaction given up: transactions that were to be in it could not be kept"};
    uint64_t copied = *mark;
    File* log = nullptr;
    log_.run([&](LogFile& l) { log = &l.file(); });
    for (uint64_t end = log_.size(); end - copied > kLastBytes && !given_up_; end = log_.size()) {
        WEFT_TRY(file.copy(*log, copied, end));
        copied = end;
    }
    WEFT_TRY(file.sync());
    Result<std::unique_ptr<File>> replaced = Error{kGivenUp};
    if (!given_up_) log_.run([&](LogFile& l) { replaced = l.replace(file, copied); });
    if (!replaced) return replaced.error();
    // The old file is closed here, since its blocks are freed with it.
    return {};
}

}  // namespace weft::ovsdb
