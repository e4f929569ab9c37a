// Where decided transactions are kept: the seam between the engine, which decides, and a log, which keeps.
//
//     Position position = storage.append(changes);   // the engine has made it the state in memory; never
//     waits …                                              // the caller's thread goes on: other requests,
//     other transactions storage.progress().kept >= position            // now clients may hear of it
//
// Kept.  A transaction that asked to be durable survives kill -9 and power loss.  Any other survives kill -9,
// and power loss after a second at most; so does what was decided before a durable one.
//
// Order.  What is appended is kept in that order: a transaction is kept only if all before it are.
//
// Failure.  What cannot be kept (a full disk, a file that is gone) is not kept later either, and nor is
// anything appended after it, since that was decided on top of it.  progress() then has a `failure`, and
// everything behind `kept` is lost: the caller takes it back in memory, newest first, tells its clients "I/O
// error" and calls resume(). In between append() takes nothing in.  The log is then as it was after `kept`.
//
// Snapshots.  A log only grows; compact() replaces what it holds by the contents of the database, while
// transactions go on.  The caller gives it a moment in every turn (advance()), of less than a millisecond, to
// hand rows over.
//
// Threads.  All of it is called by one thread, the loop's.  `on_progress` is called by any thread and may
// only wake the loop.
//
// A replicated log stands behind the same interface (docs/decisions/0036-storage-seam.md says how): there
// `kept` is the commit index of the cluster, `failure` the loss of leadership, and status() changes with
// them.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/uuid.h"
#include "ovsdb/engine/change_set.h"
#include "ovsdb/engine/database.h"

namespace weft::ovsdb {

// How many transactions were appended, this one included.
using Position = uint64_t;

// Members of the "I/O error" that clients are sent.
struct StorageFailure {
    std::string details;   // "/etc/openvswitch/conf.db: write failed"
    std::string io_error;  // "No space left on device"

    std::string message() const { return details + " (" + io_error + ")"; }
};

struct StorageProgress {
    Position kept = 0;
    std::optional<StorageFailure> failure;
};

// As the table Database of _Server has it, ovsdb-server(5).
struct StorageStatus {
    std::string model = "standalone";
    bool connected = true;
    bool leader = true;
    std::optional<Uuid> cluster_id, server_id;
    std::optional<int64_t> index;
};

class Storage {
  public:
    virtual ~Storage() = default;

    // A transaction that changes only ephemeral columns has nothing to keep: it has the position of the one
    // before.
    virtual Position append(const ChangeSet& changes) = 0;
    virtual Position appended() const = 0;  // the position of the last one
    virtual uint64_t appended_bytes() const = 0;
    virtual StorageProgress progress() const = 0;
    virtual void resume() = 0;
    // Waits until everything appended is kept, or there is a failure.
    virtual void wait() = 0;
    std::function<void()> on_progress;

    // Begins to replace the log by what `database` holds now.  `done` is called, once, by advance() or
    // replace(), and at once if another one is under way.  `database` must outlive this object, or be
    // replace()d.
    using CompactDone = std::function<void(Result<void>)>;
    virtual void compact(Database& database, std::string comment, CompactDone done) = 0;
    // In every turn.  True: a turn should follow at once.
    virtual bool advance() = 0;
    // True if compact() would be worth its cost.
    virtual bool wants_compaction() const = 0;
    // Replaces everything by the contents of `database`, of another schema perhaps, and waits.  After an
    // error nothing has changed.
    virtual Result<void> replace(const Database& database, std::string_view comment) = 0;

    virtual StorageStatus status() const = 0;
    virtual std::string name() const = 0;       // the file
    virtual uint64_t size() const = 0;          // bytes
    virtual uint64_t backlog() const = 0;       // bytes appended and not yet kept
    virtual std::string condition() const = 0;  // "ok", or what keeps it from keeping anything
};

}  // namespace weft::ovsdb
