#include "ovsdb/storage/new_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "json/text.h"

namespace weft::ovsdb {

namespace {

constexpr size_t kBufferBytes = 256 << 10;
constexpr uint64_t kSyncBytes = 2 << 20;

}  // namespace

Error NewLog::failed(const char* what, int error) const {
    return Error{fmt::format("{}: {} failed ({})", path_, what, std::strerror(error))};
}

Result<std::unique_ptr<NewLog>> NewLog::create(FileSystem& files, const std::string& path,
                                               const DatabaseSchema& schema) {
    std::unique_ptr<File> file;
    if (int error = files.open(path, FileSystem::Mode::kCreate, &file)) {
        return Error{fmt::format("{}: create failed ({})", path, std::strerror(error))};
    }
    std::unique_ptr<NewLog> log(new NewLog(files, path, std::move(file)));
    log->buffer_ = frame_record(json::to_text(schema.to_json()));
    return log;
}

Result<std::unique_ptr<NewLog>> NewLog::create_from(FileSystem& files, const std::string& path,
                                                    const Database& database, std::string_view comment,
                                                    int64_t date_ms) {
    WEFT_ASSIGN(std::unique_ptr<NewLog> log, create(files, path, database.schema()));
    for (const auto& table : database.tables()) {
        for (const Row* row : table->rows()) WEFT_TRY(log->add(table->schema(), row->uuid, *row->data));
    }
    WEFT_TRY(log->finish(comment, date_ms));
    WEFT_TRY(log->sync());
    if (int error = files.sync_directory(path)) return log->failed("fsync of the directory", error);
    return log;
}

NewLog::~NewLog() {
    if (file_) (void)files_.remove(path_);
}

std::unique_ptr<File> NewLog::release() {
    return std::move(file_);
}

Result<void> NewLog::add(const TableSchema& table, const Uuid& uuid, const RowData& data) {
    if (!hash_) {
        // The header is written when the text's length and hash are known.
        contents_ = size();
        buffer_.append(kFixedHeaderBytes, ' ');
        WEFT_TRY(flush());
        hash_.emplace();
        buffer_ += '{';
    }
    if (table_ != &table) {
        if (table_) buffer_ += "},";
        append_table_start(buffer_, table);
        table_ = &table;
    } else {
        buffer_ += ',';
    }
    append_row(buffer_, table, uuid, data);
    return flush_if_large();
}

Result<void> NewLog::finish(std::string_view comment, int64_t date_ms) {
    if (!hash_) return flush();
    buffer_ += '}';
    buffer_ += record_end(false, date_ms, false, comment);
    buffer_ += '\n';
    WEFT_TRY(flush());
    uint64_t length = offset_ - contents_ - kFixedHeaderBytes;
    std::string header = fixed_header(length, hash_->hex());
    hash_.reset();
    if (int error = write_all(*file_, header, contents_)) return failed("write", error);
    return {};
}

Result<void> NewLog::flush_if_large() {
    return buffer_.size() >= kBufferBytes ? flush() : Result<void>();
}

Result<void> NewLog::flush() {
    if (hash_) hash_->add(buffer_);
    if (int error = write_all(*file_, buffer_, offset_)) return failed("write", error);
    offset_ += buffer_.size();
    buffer_.clear();
    return offset_ - synced_ >= kSyncBytes ? sync() : Result<void>();
}

Result<void> NewLog::sync() {
    if (int error = file_->sync()) return failed("fdatasync", error);
    synced_ = offset_;
    return {};
}

Result<void> NewLog::copy(File& log, uint64_t begin, uint64_t end) {
    while (begin < end) {
        buffer_.resize(std::min<uint64_t>(kBufferBytes, end - begin));
        size_t got = 0;
        int error = log.read(buffer_.data(), buffer_.size(), begin, &got);
        if (error || !got) {
            buffer_.clear();
            return Error{fmt::format("{}: reading the log that it is to replace failed ({})", path_,
                                     error ? std::strerror(error) : "it ends early")};
        }
        buffer_.resize(got);
        begin += got;
        WEFT_TRY(flush());
    }
    return {};
}

}  // namespace weft::ovsdb
