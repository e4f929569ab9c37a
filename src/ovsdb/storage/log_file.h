// The standalone database file of ovsdb(5): a schema record, then a record per transaction.
//
// One thread at a time; LogStorage keeps transactions in one from a thread of its own.
//
// What was being written when the machine went down (record.h: an interrupted batch) is dropped with a
// warning, and cut off before something else is written.  Other damage is no such thing: that file is
// refused, and left alone.  A write that fails leaves the file as it was; where that is not possible, because
// cutting off what was written fails too, nothing more is written until it is.
//
// The file is looked up by its name before each write: what goes to a file that was removed or replaced would
// be lost.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "ovsdb/storage/file.h"
#include "ovsdb/storage/lock_file.h"
#include "ovsdb/storage/new_log.h"
#include "ovsdb/storage/storage.h"

namespace weft::ovsdb {

class LogFile {
  public:
    struct Opened {
        std::unique_ptr<LogFile> log;
        std::unique_ptr<Database> database;
        std::string warning;  // about a torn tail, or ""
    };
    enum class Mode { kReadOnly, kReadWrite };
    struct FirstRecord {
        bool clustered;    // "OVSDB CLUSTER …": of a clustered database, which open() refuses
        std::string json;  // the schema; of a clustered database its name, ids and addresses, ovsdb(5)
    };

    // An empty database.  Fails if the file exists.
    static Result<void> create(const std::string& path, const DatabaseSchema& schema,
                               FileSystem& files = FileSystem::system());
    // Errors of open() and of what follows are as tools print them: "I/O error: PATH: …", "ovsdb error: …".
    static Result<Opened> open(const std::string& path, Mode mode, FileSystem& files = FileSystem::system());
    static Result<FirstRecord> read_first(const std::string& path, FileSystem& files = FileSystem::system());
    // The schema alone.
    static Result<std::shared_ptr<const DatabaseSchema>> read_schema(
        const std::string& path, FileSystem& files = FileSystem::system());

    // `records` are framed, whole and of one batch.  They are in the file afterwards, synced with all before
    // them or for a later sync(), or not at all.
    enum class Sync { kNow, kLater };
    std::optional<StorageFailure> append(std::string_view records, Sync sync = Sync::kNow);
    std::optional<StorageFailure> sync();
    // There are records that no sync has followed: the next ones belong to their batch.
    bool unsynced() const { return unsynced_; }

    // A file that is to replace this one: PATH.tmp until it does.  What a crash left of one is removed.
    Result<std::unique_ptr<NewLog>> new_file(const DatabaseSchema& schema);
    // Puts `next` in the place of this file, after copying what this one has from `copied` on.  After an
    // error the file is as before.  Gives back the old file: whoever closes it waits until its blocks are
    // freed.
    Result<std::unique_ptr<File>> replace(NewLog& next, uint64_t copied);
    // The same with the contents of a database.
    Result<void> replace_by(const Database& database, std::string_view comment);

    File& file() { return *file_; }
    const std::string& path() const { return path_; }
    uint64_t end() const { return end_; }          // of the last whole record
    uint64_t records() const { return records_; }  // transactions that were read

  private:
    std::string free_name();
    LogFile(FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}
    std::optional<StorageFailure> repair();
    StorageFailure failure(const char* what, int error) const;

    FileSystem& files_;
    std::string path_;
    std::string target_;  // links followed: what is replaced
    std::unique_ptr<File> file_;
    uint64_t end_ = 0;
    uint64_t records_ = 0;
    bool tail_ = false;  // there is something behind end_
    bool unsynced_ = false;
    bool renamed_ = false;  // the directory is not on the disk yet
    std::optional<LockFile> lock_;
};

}  // namespace weft::ovsdb
