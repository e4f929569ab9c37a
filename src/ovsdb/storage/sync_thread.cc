#include "ovsdb/storage/sync_thread.h"

#include <cassert>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "ovsdb/storage/record.h"

namespace weft::ovsdb {

namespace {

constexpr std::chrono::milliseconds kSyncDelay(1000);

log::Module lg("ovsdb_log");
metrics::Counter log_syncs("log_sync"), log_records("log_record"), log_failures("log_failure");

}  // namespace

SyncThread::SyncThread(std::unique_ptr<LogFile> log, std::function<void()> on_progress)
    : log_(std::move(log)), on_progress_(std::move(on_progress)), size_(log_->end()) {
    thread_ = std::thread([this] { loop(); });
}

SyncThread::~SyncThread() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    work_.notify_one();
    thread_.join();
}

Position SyncThread::append(std::string record, bool durable) {
    std::lock_guard lock(mutex_);
    if (failure_) return ++appended_;
    if (!durable && idle_ && queue_.empty() && !task_) {
        taken_ = ++appended_;
        bool first = !sync_at_;
        kept(write({{std::move(record), false}}));
        if (first && sync_at_) work_.notify_one();
        return appended_;
    }
    queued_bytes_ += record.size();
    queue_.push_back({std::move(record), durable});
    if (queue_.size() == 1) work_.notify_one();
    return ++appended_;
}

std::string SyncThread::overdue() const {
    std::lock_guard lock(mutex_);
    return overdue_;
}

Position SyncThread::appended() const {
    std::lock_guard lock(mutex_);
    return appended_;
}

StorageProgress SyncThread::progress() const {
    std::lock_guard lock(mutex_);
    return {kept_, failure_};
}

void SyncThread::resume() {
    std::lock_guard lock(mutex_);
    assert(queue_.empty() && taken_ == kept_);
    failure_.reset();
    appended_ = kept_;
    mark_.reset();  // positions after kept_ are given anew
}

void SyncThread::wait() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return failure_ || kept_ == appended_; });
}

uint64_t SyncThread::backlog() const {
    std::lock_guard lock(mutex_);
    return queued_bytes_ + batch_bytes_;
}

uint64_t SyncThread::size() const {
    std::lock_guard lock(mutex_);
    return size_;
}

void SyncThread::mark() {
    std::lock_guard lock(mutex_);
    mark_ = appended_;
    mark_offset_.reset();
    mark_lost_ = failure_.has_value();
    if (kept_ == appended_) mark_offset_ = size_;
}

std::optional<uint64_t> SyncThread::wait_for_mark(const std::function<bool()>& given_up) {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return mark_offset_ || mark_lost_ || given_up(); });
    return mark_offset_;
}

void SyncThread::notify() {
    std::lock_guard lock(mutex_);
    done_.notify_all();
}

void SyncThread::run(const std::function<void(LogFile&)>& task) {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return !task_; });  // another's
    task_ = &task;
    work_.notify_one();
    done_.wait(lock, [&] { return task_ != &task; });
}

void SyncThread::loop() {
    log::set_thread_name("sync");
    std::unique_lock lock(mutex_);
    for (;;) {
        idle_ = true;
        auto has_work = [this] { return stopping_ || task_ || !queue_.empty(); };
        if (!sync_at_) {
            work_.wait(lock, [&] { return has_work() || sync_at_; });
        } else {
            work_.wait_until(lock, *sync_at_, has_work);
        }
        idle_ = false;
        if (task_) {
            const auto* task = task_;
            lock.unlock();
            (*task)(*log_);
            lock.lock();
            size_ = log_->end();
            if (!log_->unsynced()) sync_at_.reset();
            task_ = nullptr;
            done_.notify_all();
        } else if (!queue_.empty()) {
            keep_batch(lock);
        } else if (sync_at_ && (stopping_ || Clock::now() >= *sync_at_)) {
            sync_late(lock);
        } else if (stopping_) {
            return;
        }
    }
}

std::optional<StorageFailure> SyncThread::write(const std::vector<Queued>& batch) {
    std::string bytes;
    bool durable = false;
    for (const Queued& each : batch) {
        bytes += frame_record(each.record, !bytes.empty() || log_->unsynced());
        durable = durable || each.durable;
    }
    log_records.add(batch.size());
    if (durable) log_syncs.add();
    return log_->append(bytes, durable ? LogFile::Sync::kNow : LogFile::Sync::kLater);
}

// What was taken from the queue is in the log, or lost.
void SyncThread::kept(std::optional<StorageFailure> failure) {
    if (failure) {
        log_failures.add();
        // What came meanwhile was decided on top of what is lost.
        failure_ = std::move(failure);
        queue_.clear();
        queued_bytes_ = 0;
        taken_ = kept_;
        if (mark_ && !mark_offset_) mark_lost_ = true;
        return;
    }
    kept_ = taken_;
    size_ = log_->end();
    if (mark_ == kept_ && !mark_offset_) mark_offset_ = size_;
    if (!log_->unsynced()) {
        sync_at_.reset();
        overdue_.clear();
    } else if (!sync_at_) {
        sync_at_ = Clock::now() + kSyncDelay;
    }
}

void SyncThread::keep_batch(std::unique_lock<std::mutex>& lock) {
    // A batch ends at the mark, so that the mark has a place in the log.
    std::vector<Queued> batch;
    while (!queue_.empty() && !(mark_ && taken_ == *mark_ && !batch.empty())) {
        batch_bytes_ += queue_.front().record.size();
        batch.push_back(std::move(queue_.front()));
        queue_.pop_front();
        ++taken_;
    }
    queued_bytes_ -= batch_bytes_;
    lock.unlock();
    std::optional<StorageFailure> failure = write(batch);
    batch.clear();
    lock.lock();
    batch_bytes_ = 0;
    kept(std::move(failure));
    done_.notify_all();
    lock.unlock();
    on_progress_();
    lock.lock();
}

void SyncThread::sync_late(std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    std::optional<StorageFailure> failure = log_->sync();
    log_syncs.add();
    lock.lock();
    if (failure) {
        log_failures.add();
        if (overdue_.empty()) lg.err("{}: transactions may not survive power loss", failure->message());
        overdue_ = failure->message();
        sync_at_ = stopping_ ? std::optional<Clock::time_point>() : Clock::now() + kSyncDelay;
    } else {
        sync_at_.reset();
        overdue_.clear();
    }
}

}  // namespace weft::ovsdb
