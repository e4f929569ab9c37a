// The lock beside a database file, `.NAME.~lock~`, that keeps two programs from writing it at once, and one
// program from opening it twice.

#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace weft::ovsdb {

class LockFile {
  public:
    LockFile() = default;  // holds nothing
    // Never waits: who holds the lock is named in the error.
    static Result<LockFile> acquire(const std::string& database_file);
    LockFile(LockFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
    LockFile& operator=(LockFile&& other) noexcept;
    ~LockFile();

  private:
    LockFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

    int fd_ = -1;
    std::string path_;
};

}  // namespace weft::ovsdb
