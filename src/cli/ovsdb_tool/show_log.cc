#include "cli/ovsdb_tool/show_log.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <map>
#include <memory>

#include "json/text.h"
#include "ovsdb/data/datum_json.h"
#include "ovsdb/data/datum_text.h"
#include "ovsdb/storage/log_file.h"
#include "ovsdb/storage/record.h"

namespace weft::cli {

namespace {

using ovsdb::DatabaseSchema;

std::string date_text(int64_t date) {
    // Early versions counted seconds, ovsdb(5).
    int64_t ms = date < (int64_t{1} << 32) ? date * 1000 : date;
    std::time_t seconds = ms / 1000;
    std::tm tm{};
    gmtime_r(&seconds, &tm);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}", tm.tm_year + 1900, tm.tm_mon + 1,
                       tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ms % 1000);
}

class LogPrinter {
  public:
    explicit LogPrinter(int more) : more_(more) {}

    Result<void> print(const json::Value& record, int number) {
        const json::Object* members = record.as_object();
        if (!members) return Error{"not a JSON object"};
        out_ += fmt::format("record {}:", number);
        if (number == 0) return print_schema(record);
        const json::Value* date = members->find("_date");
        if (date && date->is_integer()) out_ += " " + date_text(*date->as_integer());
        const json::Value* comment = members->find("_comment");
        if (comment && comment->is_string()) out_ += fmt::format(" \"{}\"", *comment->as_string());
        out_ += '\n';
        const json::Value* diff = members->find("_is_diff");
        is_diff_ = diff && diff->as_bool() && *diff->as_bool();
        for (const auto& [name, rows] : *members) {
            if (more_ > 0 && !name.starts_with('_') && rows.is_object()) print_table(name, *rows.as_object());
        }
        if (more_ > 0) out_ += '\n';
        return {};
    }
    std::string take() { return std::move(out_); }

  private:
    Result<void> print_schema(const json::Value& record) {
        auto schema = DatabaseSchema::from_json(record);
        if (!schema) return schema.error();
        schema_ = *schema;
        out_ += fmt::format(" \"{}\" schema, version=\"{}\", cksum=\"{}\"\n", schema_->name, schema_->version,
                            schema_->cksum);
        out_ += '\n';
        return {};
    }

    void print_table(const std::string& name, const json::Object& rows) {
        const ovsdb::TableSchema* table = schema_->find_table(name);
        for (const auto& [uuid, row] : rows) {
            std::string& known = names_[name + uuid];
            bool fresh = !seen_[name + uuid];
            seen_[name + uuid] = true;
            const json::Object* members = row.as_object();
            const json::Value* row_name = members ? members->find("name") : nullptr;
            if (row_name && row_name->is_string()) known = "\"" + *row_name->as_string() + "\"";
            std::string shortened = uuid.substr(0, 8);
            const std::string& label = known.empty() ? shortened : known;
            if (fresh && members) {
                out_ += known.empty()
                            ? fmt::format("  table {} insert row {}:\n", name, shortened)
                            : fmt::format("  table {} insert row {} ({}):\n", name, label, shortened);
            } else {
                out_ += fmt::format("  table {} row {} ({}){}:\n", name, label, shortened,
                                    is_diff_ ? " diff" : "");
            }
            if (!members) {
                out_ += "    delete row\n";
                seen_[name + uuid] = false;
                continue;
            }
            if (more_ > 1) print_values(table, *members);
        }
    }

    void print_values(const ovsdb::TableSchema* table, const json::Object& members) {
        for (const auto& [name, value] : members) {
            const ovsdb::ColumnSchema* column = table ? table->find_column(name) : nullptr;
            auto datum = column ? ovsdb::datum_from_json_unsized(column->type, value)
                                : ovsdb::DbResult<ovsdb::Datum>(ovsdb::DbError("unknown column", ""));
            out_ += fmt::format("    {}={}\n", name,
                                datum ? ovsdb::to_text(*datum, column->type) : json::to_text(value));
        }
    }

    int more_;
    bool is_diff_ = false;
    std::shared_ptr<const DatabaseSchema> schema_;
    std::map<std::string, std::string> names_;
    std::map<std::string, bool> seen_;
    std::string out_;
};

Result<std::string> read_file(const std::string& path) {
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (!file) return Error{fmt::format("I/O error: {}: open failed ({})", path, std::strerror(errno))};
    std::string text;
    char buffer[65536];
    while (size_t n = std::fread(buffer, 1, sizeof buffer, file)) text.append(buffer, n);
    std::fclose(file);
    return text;
}

}  // namespace

Result<std::string> show_log(const std::string& file, int more) {
    WEFT_TRY(ovsdb::LogFile::read_schema(file));  // or why it is no database of ours
    WEFT_ASSIGN(std::string text, read_file(file));
    ovsdb::RecordReader reader(text);
    LogPrinter printer(more);
    for (int number = 0;; ++number) {
        WEFT_ASSIGN(std::optional<std::string_view> record, reader.next());
        if (!record) return printer.take();
        WEFT_ASSIGN(json::Value json, json::parse(*record));
        WEFT_TRY(printer.print(json, number));
    }
}

}  // namespace weft::cli
