// A database file in the making: a schema record, and one record with the contents, written row by row so
// that it takes no memory; then, perhaps, records copied from the log that it is to replace.
//
// Until it is done it is not a database: whoever writes it gives it a name of its own (PATH.tmp), which goes
// with the object unless the file has taken its place (LogFile::replace()).  What was written goes to the
// disk in steps, so that the log beside it never waits for much of it.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ovsdb/engine/database.h"
#include "ovsdb/storage/file.h"
#include "ovsdb/storage/record.h"

namespace weft::ovsdb {

class NewLog {
  public:
    // Fails if the file exists.
    static Result<std::unique_ptr<NewLog>> create(FileSystem& files, const std::string& path,
                                                  const DatabaseSchema& schema);
    // The same with the contents of `database`, durable and at its place.
    static Result<std::unique_ptr<NewLog>> create_from(FileSystem& files, const std::string& path,
                                                       const Database& database, std::string_view comment,
                                                       int64_t date_ms);
    ~NewLog();
    NewLog(const NewLog&) = delete;

    // Rows of one table follow each other.
    Result<void> add(const TableSchema& table, const Uuid& uuid, const RowData& data);
    // After the last row.  A database without rows gets no record.
    Result<void> finish(std::string_view comment, int64_t date_ms);
    // Whole records of `log`, which change the contents that were written.
    Result<void> copy(File& log, uint64_t begin, uint64_t end);
    // Everything so far is on the disk.
    Result<void> sync();

    const std::string& path() const { return path_; }
    uint64_t size() const { return offset_ + buffer_.size(); }
    File& file() { return *file_; }
    // It has another name now, or is to stay.
    std::unique_ptr<File> release();

  private:
    NewLog(FileSystem& files, std::string path, std::unique_ptr<File> file)
        : files_(files), path_(std::move(path)), file_(std::move(file)) {}
    Result<void> flush_if_large();
    Result<void> flush();
    Error failed(const char* what, int error) const;

    FileSystem& files_;
    std::string path_;
    std::unique_ptr<File> file_;
    std::string buffer_;   // not yet written
    uint64_t offset_ = 0;  // where it goes
    uint64_t synced_ = 0;
    uint64_t contents_ = 0;               // where the record with the contents begins; 0: there is none
    std::optional<RecordHash> hash_;      // of its text
    const TableSchema* table_ = nullptr;  // being written
};

}  // namespace weft::ovsdb
