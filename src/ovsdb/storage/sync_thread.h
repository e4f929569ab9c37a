// Keeps records in a log, with a thread of its own for what may take time: while one sync runs, records queue
// up, and the next sync makes all of them durable at once (group commit).
//
// A record that need not be durable is written by the caller's thread if this one has nothing to do: to wake
// it would cost more than the write.  It is synced within kSyncDelay.  A sync that fails then is logged and
// tried again: clients know of the records, and everybody who reads the file sees them.
//
// append() to wait() belong to the owner's thread; `on_progress` is called in this one, and not for what
// append() has kept itself.

#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ovsdb/storage/log_file.h"
#include "ovsdb/storage/storage.h"

namespace weft::ovsdb {

class SyncThread {
  public:
    SyncThread(std::unique_ptr<LogFile> log, std::function<void()> on_progress);
    ~SyncThread();  // keeps what was appended

    // `record` is not framed yet.  Dropped while there is a failure.
    Position append(std::string record, bool durable);
    Position appended() const;
    StorageProgress progress() const;
    // Forgets the failure and what it took with it: positions go on from what is kept.
    void resume();
    void wait();
    uint64_t backlog() const;  // bytes
    // Of a sync that failed after its records were told; "" if all is well.
    std::string overdue() const;

    // Where in the log the records after those appended so far begin; known once these are kept.
    void mark();
    // From any thread: waits until it is known; nullopt if what was to be kept before it is lost, or
    // `given_up` became true (notify() makes the wait look at it).
    std::optional<uint64_t> wait_for_mark(const std::function<bool()>& given_up);
    void notify();

    // From any other thread: runs `task` in this one, between two batches, and waits for it.
    void run(const std::function<void(LogFile&)>& task);
    // The size of the log, as far as it is kept.
    uint64_t size() const;

  private:
    struct Queued {
        std::string record;
        bool durable;
    };
    using Clock = std::chrono::steady_clock;

    void loop();
    void keep_batch(std::unique_lock<std::mutex>& lock);
    void sync_late(std::unique_lock<std::mutex>& lock);
    std::optional<StorageFailure> write(const std::vector<Queued>& batch);
    void kept(std::optional<StorageFailure> failure);

    std::unique_ptr<LogFile> log_;  // of the thread, but while it is idle_
    std::function<void()> on_progress_;
    mutable std::mutex mutex_;
    std::condition_variable work_, done_;
    std::deque<Queued> queue_;
    bool idle_ = false;
    std::optional<Clock::time_point> sync_at_;  // when what was not synced has to be
    std::string overdue_;
    uint64_t queued_bytes_ = 0, batch_bytes_ = 0;
    Position appended_ = 0;
    Position taken_ = 0;  // from queue_: a batch being written, if not kept
    Position kept_ = 0;
    std::optional<StorageFailure> failure_;
    uint64_t size_ = 0;
    std::optional<Position> mark_;
    std::optional<uint64_t> mark_offset_;
    bool mark_lost_ = false;
    const std::function<void(LogFile&)>* task_ = nullptr;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace weft::ovsdb
