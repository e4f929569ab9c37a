// One compaction of a log while transactions go on.
//
// It begins with a Snapshot of the database, which holds everything appended to the log so far, and a mark in
// the log at that place.  The loop's thread takes rows out of the snapshot in pieces; a writer thread writes
// them to a new file, then copies what the log got after the mark, again and again until little is left.  The
// last of it is copied by the sync thread between two batches, where the new file takes the old one's place:
// transactions wait for that, a few syncs.
//
// A crash before the file has its new name leaves the old one, afterwards the new one, each with everything
// that was acknowledged.  If transactions before the mark cannot be kept, the snapshot holds what is taken
// back, and the compaction fails; what fails after the mark does not concern it.

#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "ovsdb/engine/snapshot.h"
#include "ovsdb/storage/sync_thread.h"

namespace weft::ovsdb {

class Compaction {
  public:
    // `on_progress` is called in any thread when feed() or outcome() has something new.
    Compaction(SyncThread& log, Database& database, std::string comment, std::function<void()> on_progress);
    ~Compaction();  // gives up, and waits for the writer

    // In the loop's thread: hands over some rows, if there is room.  True if there are more, and room for
    // them.
    bool feed();
    // The outcome, once the writer is done.
    std::optional<Result<void>> outcome() const;

  private:
    void write();
    Result<void> write_file();
    Result<void> write_contents(NewLog& file);
    Result<void> catch_up(NewLog& file);
    const Snapshot::Piece* next_piece();
    void finish_piece();

    SyncThread& log_;
    const std::shared_ptr<const DatabaseSchema> schema_;
    const std::string comment_;
    const std::function<void()> on_progress_;
    std::unique_ptr<Snapshot> snapshot_;  // of the loop's thread

    mutable std::mutex mutex_;
    std::condition_variable pieces_ready_;
    // The first of ready_ may be being written.  All pieces are emptied and destroyed in the loop's thread,
    // where rows are counted.
    std::deque<std::unique_ptr<Snapshot::Piece>> ready_, written_;
    bool all_ready_ = false;
    std::optional<Result<void>> outcome_;
    std::atomic<bool> given_up_{false};
    std::thread thread_;
};

}  // namespace weft::ovsdb
