// The lock beside a database file, `.NAME.~lock~`, that keeps two programs from writing it at once.

#pragma once

#include <string>

#include "base/result.h"

namespace weft::ovsdb {

class LockFile {
  public:
    // Never waits: who holds the lock is named in the error.
    static Result<LockFile> acquire(const std::string& database_file);
    LockFile(LockFile&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    LockFile& operator=(LockFile&& other) noexcept;
    ~LockFile();

  private:
    explicit LockFile(int fd) : fd_(fd) {}
    int fd_ = -1;
};

}  // namespace weft::ovsdb
