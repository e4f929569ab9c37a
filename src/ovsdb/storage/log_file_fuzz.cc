// Any bytes as a database file: opened or refused.  What was opened can be written, and reads the same again.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "ovsdb/storage/faulty_disk.h"
#include "ovsdb/storage/log_file.h"
#include "ovsdb/storage/record.h"

using namespace weft::ovsdb;

namespace {

const char* const kPath = "/t.db";

// In place of hashes, which no fuzzer finds, the input may say "@" in a record's header: it becomes the right
// header of the bytes up to the next line end.
std::string with_hashes(std::string_view input) {
    std::string out;
    while (!input.empty()) {
        size_t end = input.find('\n');
        std::string_view line = input.substr(0, end);
        input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
        if (line.starts_with("@")) {
            out += frame_record(line.substr(1));
        } else if (line.starts_with("+")) {
            out += frame_record(line.substr(1), true);
        } else {
            out += line;
            out += '\n';
        }
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const std::string schema =
        R"({"name":"t","tables":{"a":{"isRoot":true,"columns":{"n":{"type":"integer"},"r":{"type":"real"},
        "s":{"type":{"key":"string","min":0,"max":"unlimited"}},"m":{"type":{"key":"string","value":"integer","min":0,
        "max":3}},"k":{"type":{"key":{"type":"uuid","refTable":"b"},"min":0,"max":2}}}},
        "b":{"columns":{"e":{"type":{"key":{"type":"string","enum":["set",["x","y"]]}}}}}}})";
    std::string_view input(reinterpret_cast<const char*>(data), size);
    bool own_schema = input.starts_with("!");
    if (own_schema) input.remove_prefix(1);
    FaultyDisk disk;
    disk.set_contents(kPath, (own_schema ? "" : frame_record(schema)) + with_hashes(input));
    const std::string before = disk.contents(kPath);
    auto opened = LogFile::open(kPath, LogFile::Mode::kReadWrite, disk);
    if (disk.contents(kPath) != before) std::abort();
    if (!opened) return 0;
    if (opened->log->append(frame_record("{\"_date\":1}"))) std::abort();
    size_t rows = opened->database->rows();
    opened->log.reset();
    auto again = LogFile::open(kPath, LogFile::Mode::kReadWrite, disk);
    if (!again || !again->warning.empty() || again->database->rows() != rows) std::abort();
    // Compacted it is the same, too.
    if (!again->log->replace_by(*again->database, "compacted")) std::abort();
    again->log.reset();
    auto compacted = LogFile::open(kPath, LogFile::Mode::kReadWrite, disk);
    if (!compacted || compacted->database->rows() != rows) std::abort();
    return 0;
}
