#include "ovsdb/storage/log_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "ovsdb/storage/record.h"

namespace weft::ovsdb {

namespace {

constexpr size_t kReleaseBytes = 4 << 20;  // of the mapped file, once they were read

// Why a file cannot be used, as tools print it: "I/O error: PATH: …" about the file, "ovsdb error: PATH: …"
// about what it is.
Error cannot_read(const std::string& path, const std::string& why) {
    return DbError("I/O error", path + ": " + why);
}
Error cannot_read(const std::string& path, const char* what, int error) {
    return cannot_read(path, fmt::format("{} failed ({})", what, std::strerror(error)));
}
Error not_a_database(const std::string& path, const std::string& why) {
    return DbError("ovsdb error", path + ": " + why);
}

Result<LogFile::FirstRecord> first_record_of(std::string_view text, RecordReader& reader,
                                             const std::string& path) {
    if (text.empty()) return not_a_database(path, "cannot identify file type");
    if (!text.starts_with("OVSDB ")) return not_a_database(path, "unexpected file format");
    auto first = reader.next();
    if (!first) return cannot_read(path, first.message());
    if (reader.magic() != "JSON" && reader.magic() != "CLUSTER")
        return not_a_database(path, fmt::format("unknown file format \"{}\"", reader.magic()));
    return LogFile::FirstRecord{reader.magic() == "CLUSTER", std::string(**first)};
}

Result<std::shared_ptr<const DatabaseSchema>> schema_from(const LogFile::FirstRecord& first,
                                                          const std::string& path) {
    if (first.clustered) {
        return not_a_database(path,
                              "cannot apply this operation to clustered database file (only standalone "
                              "databases are supported; Open vSwitch's `ovsdb-tool cluster-to-standalone` "
                              "makes one of it)");
    }
    auto schema = DatabaseSchema::parse(first.json);
    if (!schema) return cannot_read(path, schema.error().message);
    return *std::move(schema);
}

// Of what is not part of opening: the callers say that it is an I/O error.
Error failed(const std::string& path, const char* what, int error) {
    return Error{fmt::format("{}: {} failed ({})", path, what, std::strerror(error))};
}

const char* lost_name(int error) {
    return error == ENOENT   ? "the file was removed while it is in use"
           : error == ESTALE ? "another file was put in its place while it is in use"
                             : "stat failed";
}

// The transactions of a file whose schema was read; their number.
Result<uint64_t> load_transactions(RecordReader& reader, FileText& text, Database& database,
                                   const std::string& path, std::string& warning) {
    uint64_t records = 0;
    size_t released = 0;
    for (;; ++records) {
        size_t offset = reader.offset();
        auto record = reader.next();
        if (!record && !reader.torn()) {
            return cannot_read(
                path, fmt::format("{}; whole records follow, so this is no interrupted write, and the file "
                                  "is left as it is (what precedes the damage is its first {} bytes)",
                                  record.message(), offset));
        }
        if (!record) {
            warning =
                fmt::format("{}: {}; what follows offset {} is dropped", path, record.message(), offset);
            return records;
        }
        if (!*record) return records;
        if (auto loaded = load_record(database, **record); !loaded) {
            return cannot_read(path, fmt::format("record at offset {}: {}", offset, loaded.error().message));
        }
        if (reader.offset() - released >= kReleaseBytes) {
            text.release_before(reader.offset());
            released = reader.offset();
        }
    }
}

}  // namespace

Result<void> LogFile::create(const std::string& path, const DatabaseSchema& schema, FileSystem& files) {
    Database empty(std::make_shared<const DatabaseSchema>(schema));
    WEFT_ASSIGN(std::unique_ptr<NewLog> log, NewLog::create_from(files, path, empty, "", clock::wall_ms()));
    log->release();
    return {};
}

Result<LogFile::Opened> LogFile::open(const std::string& path, Mode mode, FileSystem& files) {
    Opened opened;
    opened.log.reset(new LogFile(files, path));
    LogFile& log = *opened.log;
    auto wanted = mode == Mode::kReadWrite ? FileSystem::Mode::kReadWrite : FileSystem::Mode::kRead;
    if (int error = files.open(path, wanted, &log.file_)) return cannot_read(path, "open", error);
    if (mode == Mode::kReadWrite) {
        auto lock = files.lock(path);
        if (!lock) return DbError("I/O error", lock.message());
        log.lock_ = *std::move(lock);
        // Whoever had it locked may have put another file in its place.
        if (int error = files.open(path, wanted, &log.file_)) return cannot_read(path, "open", error);
    }
    log.target_ = files.real_path(path);
    std::unique_ptr<FileText> text;
    if (int error = log.file_->map(&text)) return cannot_read(path, "reading", error);
    RecordReader reader(text->text());
    WEFT_ASSIGN(FirstRecord first, first_record_of(text->text(), reader, path));
    WEFT_ASSIGN(std::shared_ptr<const DatabaseSchema> schema, schema_from(first, path));
    opened.database = std::make_unique<Database>(std::move(schema));
    opened.database->load_begin();
    WEFT_ASSIGN(log.records_, load_transactions(reader, *text, *opened.database, path, opened.warning));
    opened.database->load_finish();
    log.end_ = reader.offset();
    log.tail_ = log.end_ < text->text().size();
    return opened;
}

Result<LogFile::FirstRecord> LogFile::read_first(const std::string& path, FileSystem& files) {
    std::unique_ptr<File> file;
    std::unique_ptr<FileText> text;
    if (int error = files.open(path, FileSystem::Mode::kRead, &file)) return cannot_read(path, "open", error);
    if (int error = file->map(&text)) return cannot_read(path, "reading", error);
    RecordReader reader(text->text());
    return first_record_of(text->text(), reader, path);
}

Result<std::shared_ptr<const DatabaseSchema>> LogFile::read_schema(const std::string& path,
                                                                   FileSystem& files) {
    WEFT_ASSIGN(FirstRecord first, read_first(path, files));
    return schema_from(first, path);
}

StorageFailure LogFile::failure(const char* what, int error) const {
    return {fmt::format("{}: {}", path_, what), std::strerror(error)};
}

std::optional<StorageFailure> LogFile::repair() {
    if (renamed_) {
        // Power loss could bring the old file back, without what is written to the new one.
        if (int error = files_.sync_directory(target_))
            return failure("fsync of the directory failed", error);
        renamed_ = false;
    }
    if (!tail_) return std::nullopt;
    // What was written of a failed transaction must not be taken for one later.
    if (int error = file_->truncate(end_)) return failure("truncate failed", error);
    if (int error = file_->sync()) return failure("fdatasync failed", error);
    tail_ = false;
    return std::nullopt;
}

std::optional<StorageFailure> LogFile::append(std::string_view records, Sync sync) {
    if (int error = file_->check_name(path_)) return failure(lost_name(error), error);
    if (auto broken = repair()) return broken;
    tail_ = true;
    int error = write_all(*file_, records, end_);
    const char* what = "write failed";
    if (!error && sync == Sync::kNow) {
        error = file_->sync();
        what = "fdatasync failed";
    }
    if (error) {
        (void)repair();  // or before the next one
        return failure(what, error);
    }
    end_ += records.size();
    tail_ = false;
    unsynced_ = sync == Sync::kLater;
    return std::nullopt;
}

std::optional<StorageFailure> LogFile::sync() {
    if (int error = file_->sync()) return failure("fdatasync failed", error);
    unsynced_ = false;
    return std::nullopt;
}

std::string LogFile::free_name() {
    std::string path = target_ + ".tmp";
    (void)files_.remove(path);
    return path;
}

Result<std::unique_ptr<NewLog>> LogFile::new_file(const DatabaseSchema& schema) {
    return NewLog::create(files_, free_name(), schema);
}

Result<std::unique_ptr<File>> LogFile::replace(NewLog& next, uint64_t copied) {
    // A file that is gone may be written anew; one that somebody put there is not ours to remove.
    if (int error = file_->check_name(path_); error && error != ENOENT) {
        return Error{failure(lost_name(error), error).message()};
    }
    WEFT_TRY(next.copy(*file_, copied, end_));
    if (int error = next.file().copy_mode(*file_)) return failed(next.path(), "setting its mode", error);
    WEFT_TRY(next.sync());
    uint64_t size = next.size();
    if (int error = files_.rename(next.path(), target_)) return failed(target_, "rename", error);
    std::unique_ptr<File> old = std::exchange(file_, next.release());
    unsynced_ = false;
    end_ = size;
    tail_ = false;
    renamed_ = true;
    (void)repair();  // or before the next transaction
    return old;
}

Result<void> LogFile::replace_by(const Database& database, std::string_view comment) {
    WEFT_ASSIGN(std::unique_ptr<NewLog> next,
                NewLog::create_from(files_, free_name(), database, comment, clock::wall_ms()));
    WEFT_TRY(replace(*next, end_));
    return {};
}

}  // namespace weft::ovsdb
