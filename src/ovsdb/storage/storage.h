// Where committed transactions are kept.
//
// The engine decides a transaction; a Storage keeps it.  append() queues one, sync() makes all queued ones
// durable: only then may they be acknowledged.  A server that collects the transactions of one turn and syncs
// once pays one disk write for all of them.  A replicated log can stand behind the same interface: its sync()
// would complete later, so callers already treat the time between append() and the completion as "not
// acknowledged".

#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "ovsdb/engine/change_set.h"
#include "ovsdb/engine/database.h"

namespace weft::ovsdb {

class Storage {
  public:
    virtual ~Storage() = default;

    // Queues one transaction; nothing if it changes only ephemeral columns.
    virtual void append(const ChangeSet& changes) = 0;
    virtual bool pending() const = 0;  // appended and not yet synced
    // Writes and syncs what was appended.  After an error nothing of it is kept: the file is as before.
    virtual Result<void> sync() = 0;
    // Replaces everything by the database's present contents.
    virtual Result<void> compact(const Database& database, std::string_view comment) = 0;
    // True if compact() would be worth its cost.
    virtual bool wants_compaction() const = 0;
    virtual std::string name() const = 0;   // the file
    virtual uint64_t size() const = 0;      // bytes
    virtual std::string model() const = 0;  // "standalone": as in _Server
};

}  // namespace weft::ovsdb
