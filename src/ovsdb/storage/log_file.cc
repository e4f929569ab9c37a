#include "ovsdb/storage/log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "base/clock.h"
#include "json/text.h"
#include "ovsdb/storage/record.h"

namespace weft::ovsdb {

namespace {

// Automatic compaction, as ovsdb-server(1) describes it: at least 10 minutes after the last one, after 100
// transactions, when the file is over 10 MB and has grown to at least twice its size; after a day in any
// case.
constexpr int64_t kMinCompactionMs = 10 * 60 * 1000;
constexpr int64_t kMaxCompactionMs = 24 * 60 * 60 * 1000;
constexpr uint64_t kMinCompactionRecords = 100;
constexpr uint64_t kMinCompactionBytes = 10 << 20;

Error errno_error(const std::string& path, const char* what) {
    return Error{fmt::format("{}: {} failed ({})", path, what, std::strerror(errno))};
}

Result<void> write_all(int fd, std::string_view bytes, uint64_t offset, const std::string& path) {
    while (!bytes.empty()) {
        ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error(path, "write");
        bytes.remove_prefix(static_cast<size_t>(n));
        offset += static_cast<uint64_t>(n);
    }
    return {};
}

// A file's contents, mapped: a log is read once, in order.
class MappedFile {
  public:
    static Result<MappedFile> open(int fd, const std::string& path) {
        struct stat status;
        if (::fstat(fd, &status) < 0) return errno_error(path, "stat");
        MappedFile file;
        file.size_ = static_cast<size_t>(status.st_size);
        if (!file.size_) return file;
        void* at = ::mmap(nullptr, file.size_, PROT_READ, MAP_PRIVATE, fd, 0);
        if (at == MAP_FAILED) return errno_error(path, "mmap");
        file.data_ = static_cast<const char*>(at);
        return file;
    }
    MappedFile(MappedFile&& other) noexcept : data_(other.data_), size_(other.size_) {
        other.data_ = nullptr;
    }
    ~MappedFile() {
        if (data_) ::munmap(const_cast<char*>(data_), size_);
    }
    std::string_view text() const { return {data_, data_ ? size_ : 0}; }

  private:
    MappedFile() = default;
    const char* data_ = nullptr;
    size_t size_ = 0;
};

std::string directory_of(const std::string& path) {
    size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> sync_directory(const std::string& path) {
    int fd = ::open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno_error(directory_of(path), "open");
    int failed = ::fsync(fd);
    ::close(fd);
    if (failed && errno != EINVAL) return errno_error(directory_of(path), "fsync");
    return {};
}

Result<std::shared_ptr<const DatabaseSchema>> schema_from(RecordReader& reader, const std::string& path) {
    auto first = reader.next();
    if (!first) return Error{fmt::format("{}: {}", path, first.message())};
    if (!*first) return Error{fmt::format("{}: database file contains no schema", path)};
    if (reader.magic() == "CLUSTER") {
        return Error{fmt::format(
            "{}: this is a clustered database; only standalone databases can be opened (convert it "
            "with `ovsdb-tool cluster-to-standalone`)",
            path)};
    }
    if (reader.magic() != "JSON")
        return Error{fmt::format("{}: unknown file format \"{}\"", path, reader.magic())};
    auto schema = DatabaseSchema::parse(**first);
    if (!schema) return Error{fmt::format("{}: {}", path, schema.error().message)};
    return *std::move(schema);
}

std::string cannot_open(const std::string& path) {
    return fmt::format("{}: open failed ({})", path, std::strerror(errno));
}

}  // namespace

Result<void> LogFile::create(const std::string& path, const DatabaseSchema& schema,
                             const std::string& contents) {
    int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0) return Error{fmt::format("{}: create failed ({})", path, std::strerror(errno))};
    std::string text = frame_record(json::to_text(schema.to_json()));
    if (!contents.empty()) text += frame_record(contents);
    Result<void> written = write_all(fd, text, 0, path);
    if (written && ::fsync(fd) < 0) written = errno_error(path, "fsync");
    ::close(fd);
    if (written) written = sync_directory(path);
    if (!written) ::unlink(path.c_str());
    return written;
}

Result<LogFile::Opened> LogFile::open(const std::string& path, Mode mode) {
    Opened opened;
    opened.log.reset(new LogFile);
    LogFile& log = *opened.log;
    log.path_ = path;
    bool writing = mode == Mode::kReadWrite;
    log.fd_ = ::open(path.c_str(), (writing ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (log.fd_ < 0) return Error{cannot_open(path)};
    if (writing) {
        WEFT_ASSIGN(LockFile lock, LockFile::acquire(path));
        log.lock_ = std::move(lock);
    }
    WEFT_ASSIGN(MappedFile file, MappedFile::open(log.fd_, path));
    RecordReader reader(file.text());
    WEFT_ASSIGN(std::shared_ptr<const DatabaseSchema> schema, schema_from(reader, path));
    opened.database = std::make_unique<Database>(std::move(schema));
    opened.database->load_begin();
    for (;;) {
        size_t offset = reader.offset();
        auto record = reader.next();
        if (!record) {
            if (!reader.torn()) return Error{fmt::format("{}: {}", path, record.message())};
            opened.warning =
                fmt::format("{}: {}; what follows offset {} is dropped", path, record.message(), offset);
            break;
        }
        if (!*record) break;
        auto json = json::parse(**record);
        if (!json) return Error{fmt::format("{}: record at offset {}: {}", path, offset, json.message())};
        if (auto loaded = load_record(*opened.database, *json); !loaded) {
            return Error{fmt::format("{}: record at offset {}: {}", path, offset, loaded.error().message)};
        }
        ++log.records_;
    }
    opened.database->load_finish();
    log.end_ = reader.offset();
    log.snapshot_size_ = log.end_;
    log.compacted_ms_ = clock::monotonic_ms();
    return opened;
}

Result<std::shared_ptr<const DatabaseSchema>> LogFile::read_schema(const std::string& path) {
    int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return Error{cannot_open(path)};
    auto file = MappedFile::open(fd, path);
    ::close(fd);
    if (!file) return file.error();
    RecordReader reader(file->text());
    return schema_from(reader, path);
}

LogFile::~LogFile() {
    if (fd_ >= 0) ::close(fd_);
}

void LogFile::append(const ChangeSet& changes) {
    std::string record = transaction_record(changes, diffs_, clock::wall_ms());
    if (record.empty()) return;
    queue_ += frame_record(record);
    ++queued_records_;
}

Result<void> LogFile::sync() {
    if (queue_.empty()) return {};
    std::string bytes = std::move(queue_);
    queue_.clear();
    uint64_t records = std::exchange(queued_records_, 0);
    Result<void> written = write_all(fd_, bytes, end_, path_);
    if (written && ::fdatasync(fd_) < 0) written = errno_error(path_, "fdatasync");
    if (!written) {
        // Whatever part was written must not be taken for a transaction later.
        if (::ftruncate(fd_, static_cast<off_t>(end_)) == 0) (void)::fdatasync(fd_);
        return written;
    }
    end_ += bytes.size();
    records_ += records;
    return {};
}

Result<void> LogFile::compact(const Database& database, std::string_view comment) {
    // The real file is replaced, not a link to it.
    std::string target = path_;
    if (char* real = ::realpath(path_.c_str(), nullptr)) {
        target = real;
        std::free(real);
    }
    std::string temporary = target + ".tmp";
    ::unlink(temporary.c_str());
    std::string contents = snapshot_record(database, comment, clock::wall_ms());
    struct stat status;
    bool known = ::fstat(fd_, &status) == 0;
    WEFT_TRY(create(temporary, database.schema(), contents));
    if (known) (void)::chmod(temporary.c_str(), status.st_mode & 07777);
    int fd = ::open(temporary.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return Error{cannot_open(temporary)};
    if (::rename(temporary.c_str(), target.c_str()) < 0) {
        Error error = errno_error(target, "rename");
        ::close(fd);
        ::unlink(temporary.c_str());
        return error;
    }
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
    // Everything that was queued is part of the snapshot.
    queue_.clear();
    queued_records_ = 0;
    records_ = 0;
    end_ = static_cast<uint64_t>(::lseek(fd_, 0, SEEK_END));
    snapshot_size_ = end_;
    compacted_ms_ = clock::monotonic_ms();
    return sync_directory(target);
}

bool LogFile::wants_compaction() const {
    int64_t age = clock::monotonic_ms() - compacted_ms_;
    if (age < kMinCompactionMs || records_ < kMinCompactionRecords) return false;
    if (age >= kMaxCompactionMs) return true;
    return end_ >= kMinCompactionBytes && end_ >= 2 * snapshot_size_;
}

}  // namespace weft::ovsdb
