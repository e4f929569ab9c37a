// What the database's log asks of the operating system, and no more, so that tests can put a disk here that
// is full, fails or loses power (faulty_disk.h).
//
// Functions return 0 or an errno value: callers know what they were about and make the message.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ovsdb/storage/lock_file.h"

namespace weft::ovsdb {

// A file's contents, mapped.
class FileText {
  public:
    virtual ~FileText() = default;
    virtual std::string_view text() const = 0;
    // Memory before `offset` may be given back; what is there can still be read.
    virtual void release_before(size_t offset) = 0;
};

// An open file.  Closed when destroyed, which may take long if nothing names it any more: its blocks are
// freed then.
class File {
  public:
    virtual ~File() = default;
    // Writes at least one byte of `bytes`, or fails.
    [[nodiscard]] virtual int write(std::string_view bytes, uint64_t offset, size_t* written) = 0;
    // Reads at most `size` bytes; 0 at the end.
    [[nodiscard]] virtual int read(char* out, size_t size, uint64_t offset, size_t* got) = 0;
    // What was written, and the size, survive power loss afterwards.
    [[nodiscard]] virtual int sync() = 0;
    [[nodiscard]] virtual int truncate(uint64_t size) = 0;
    [[nodiscard]] virtual int size(uint64_t* size) = 0;
    // Who may read and write it: that of another file.
    [[nodiscard]] virtual int copy_mode(File& from) = 0;
    // ENOENT: nothing has that name; ESTALE: another file has it.
    [[nodiscard]] virtual int check_name(const std::string& path) = 0;
    [[nodiscard]] virtual int map(std::unique_ptr<FileText>* text) = 0;
};

class FileSystem {
  public:
    enum class Mode { kRead, kReadWrite, kCreate };  // kCreate: it must not exist

    virtual ~FileSystem() = default;
    [[nodiscard]] virtual int open(const std::string& path, Mode mode, std::unique_ptr<File>* file) = 0;
    // Over a file that is there.
    [[nodiscard]] virtual int rename(const std::string& from, const std::string& to) = 0;
    [[nodiscard]] virtual int remove(const std::string& path) = 0;
    // The names in the directory that holds `path` survive power loss afterwards.
    [[nodiscard]] virtual int sync_directory(const std::string& path) = 0;
    // Links followed; `path` itself where that fails.
    virtual std::string real_path(const std::string& path) = 0;
    virtual Result<LockFile> lock(const std::string& path) = 0;

    static FileSystem& system();
};

// All of `bytes`.
[[nodiscard]] int write_all(File& file, std::string_view bytes, uint64_t offset);

}  // namespace weft::ovsdb
