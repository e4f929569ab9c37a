#include "ovsdb/storage/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

namespace weft::ovsdb {

namespace {

class MappedText final : public FileText {
  public:
    MappedText(const char* data, size_t size) : data_(data), size_(size) {}
    ~MappedText() override {
        if (data_) ::munmap(const_cast<char*>(data_), size_);
    }
    std::string_view text() const override { return {data_, data_ ? size_ : 0}; }
    void release_before(size_t offset) override {
        size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
        size_t bytes = offset / page * page;
        if (bytes) ::madvise(const_cast<char*>(data_), bytes, MADV_DONTNEED);
    }

  private:
    const char* data_;
    size_t size_;
};

class SystemFile final : public File {
  public:
    explicit SystemFile(int fd) : fd_(fd) {}
    ~SystemFile() override { ::close(fd_); }
    SystemFile(const SystemFile&) = delete;

    int write(std::string_view bytes, uint64_t offset, size_t* written) override {
        ssize_t n;
        do {
            n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        } while (n < 0 && errno == EINTR);
        if (n < 0) return errno;
        *written = static_cast<size_t>(n);
        return 0;
    }
    int read(char* out, size_t size, uint64_t offset, size_t* got) override {
        ssize_t n;
        do {
            n = ::pread(fd_, out, size, static_cast<off_t>(offset));
        } while (n < 0 && errno == EINTR);
        if (n < 0) return errno;
        *got = static_cast<size_t>(n);
        return 0;
    }
    int sync() override { return ::fdatasync(fd_) < 0 ? errno : 0; }
    int truncate(uint64_t size) override {
        return ::ftruncate(fd_, static_cast<off_t>(size)) < 0 ? errno : 0;
    }
    int size(uint64_t* size) override {
        struct stat status;
        if (::fstat(fd_, &status) < 0) return errno;
        *size = static_cast<uint64_t>(status.st_size);
        return 0;
    }
    int copy_mode(File& from) override {
        struct stat status;
        if (::fstat(static_cast<SystemFile&>(from).fd_, &status) < 0) return errno;
        if (::fchmod(fd_, status.st_mode & 07777) < 0) return errno;
        // Of another owner's file only root can make another of that owner.
        if (::fchown(fd_, status.st_uid, status.st_gid) < 0 && errno != EPERM) return errno;
        return 0;
    }
    int check_name(const std::string& path) override {
        struct stat mine, named;
        if (::fstat(fd_, &mine) < 0) return errno;
        if (::stat(path.c_str(), &named) < 0) return errno;
        return mine.st_dev == named.st_dev && mine.st_ino == named.st_ino ? 0 : ESTALE;
    }
    int map(std::unique_ptr<FileText>* text) override {
        struct stat status;
        if (::fstat(fd_, &status) < 0) return errno;
        if (S_ISDIR(status.st_mode)) return EISDIR;
        size_t bytes = static_cast<size_t>(status.st_size);
        void* at = nullptr;
        if (bytes) at = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, fd_, 0);
        if (at == MAP_FAILED) return errno;
        *text = std::make_unique<MappedText>(static_cast<const char*>(at), bytes);
        return 0;
    }

  private:
    int fd_;
};

class RealFileSystem final : public FileSystem {
  public:
    int open(const std::string& path, Mode mode, std::unique_ptr<File>* file) override {
        int flags = mode == Mode::kRead        ? O_RDONLY
                    : mode == Mode::kReadWrite ? O_RDWR
                                               : O_RDWR | O_CREAT | O_EXCL;
        int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0640);
        if (fd < 0) return errno;
        *file = std::make_unique<SystemFile>(fd);
        return 0;
    }
    int rename(const std::string& from, const std::string& to) override {
        return ::rename(from.c_str(), to.c_str()) < 0 ? errno : 0;
    }
    int remove(const std::string& path) override { return ::unlink(path.c_str()) < 0 ? errno : 0; }
    int sync_directory(const std::string& path) override {
        size_t slash = path.rfind('/');
        std::string directory = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
        int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) return errno;
        int error = ::fsync(fd) < 0 ? errno : 0;
        ::close(fd);
        return error == EINVAL ? 0 : error;  // a file system without such a thing
    }
    std::string real_path(const std::string& path) override {
        char* real = ::realpath(path.c_str(), nullptr);
        if (!real) return path;
        std::string result = real;
        std::free(real);
        return result;
    }
    Result<LockFile> lock(const std::string& path) override { return LockFile::acquire(path); }
};

}  // namespace

FileSystem& FileSystem::system() {
    static RealFileSystem files;
    return files;
}

int write_all(File& file, std::string_view bytes, uint64_t offset) {
    while (!bytes.empty()) {
        size_t written = 0;
        if (int error = file.write(bytes, offset, &written)) return error;
        if (!written) return EIO;
        bytes.remove_prefix(written);
        offset += written;
    }
    return 0;
}

}  // namespace weft::ovsdb
