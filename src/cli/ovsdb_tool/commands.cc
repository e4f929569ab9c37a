#include "cli/ovsdb_tool/commands.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/clock.h"
#include "base/version.h"
#include "cli/ovsdb_tool/show_log.h"
#include "json/text.h"
#include "net/directories.h"
#include "ovsdb/engine/convert.h"
#include "ovsdb/engine/execute.h"
#include "ovsdb/storage/log_file.h"
#include "ovsdb/storage/record.h"
#include "schema/catalog.h"

namespace weft::cli {

const char* const kNoClusters =
    "clustered databases are not supported; use a standalone database (`ovsdb-tool create`)";

namespace {

using ovsdb::DatabaseSchema;
using ovsdb::LogFile;
using SchemaPtr = std::shared_ptr<const DatabaseSchema>;
using Words = ToolCommand::Words;

std::string word(const Words& words, size_t i) {
    return i < words.size() ? words[i] : std::string();
}

std::string database_file(const Words& words, size_t i = 0) {
    return i < words.size() ? words[i] : net::ovs_dbdir() + "/conf.db";
}

// The text of a schema: of a file, or, where the file is not there or not named, the one that this program
// knows under that file name ("" is vswitch.ovsschema).
Result<std::string> schema_text(const std::string& given) {
    std::string path = given.empty() ? net::ovs_pkgdatadir() + "/vswitch.ovsschema" : given;
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (!file) {
        int error = errno;
        const schema::CatalogEntry* known = schema::find_schema_file(path.substr(path.rfind('/') + 1));
        if (known) return std::string(known->database->schema_text);
        return Error{
            fmt::format("failed to read schema: \"{}\" could not be read as JSON (error opening \"{}\": {})",
                        path, path, std::strerror(error))};
    }
    std::string text;
    char buffer[65536];
    while (size_t n = std::fread(buffer, 1, sizeof buffer, file)) text.append(buffer, n);
    std::fclose(file);
    return text;
}

Result<SchemaPtr> read_schema(const std::string& path) {
    WEFT_ASSIGN(std::string text, schema_text(path));
    auto json = json::parse(text);
    if (!json) {
        return Error{fmt::format("failed to read schema: \"{}\" could not be read as JSON ({})", path,
                                 json.message())};
    }
    auto schema = DatabaseSchema::from_json(*json);
    if (schema) return *schema;
    const ovsdb::DbError& error = schema.error();
    return ovsdb::DbError(error.tag,
                          fmt::format("failed to parse \"{}\" as ovsdb schema: {}", path, error.details),
                          error.syntax);
}

int print_line(const std::string& text) {
    std::puts(text.c_str());
    return 0;
}

Error io_error(const Error& error) {
    return Error{"I/O error: " + error.message};
}

Result<LogFile::Opened> open_database(const std::string& file, LogFile::Mode mode) {
    auto opened = LogFile::open(file, mode);
    if (opened && !opened->warning.empty()) std::fprintf(stderr, "ovsdb-tool: %s\n", opened->warning.c_str());
    return opened;
}

Result<int> create(const Words& words) {
    WEFT_ASSIGN(SchemaPtr schema, read_schema(word(words, 1)));
    auto created = LogFile::create(database_file(words), *schema);
    if (!created) return io_error(created.error());
    return 0;
}

// Writes `database` over `file`, or to the new file `destination`.
Result<int> write_to(LogFile& log, const ovsdb::Database& database, const std::string& destination,
                     const std::string& comment) {
    if (destination.empty()) {
        if (auto written = log.replace_by(database, comment); !written) return io_error(written.error());
        return 0;
    }
    auto written = ovsdb::NewLog::create_from(ovsdb::FileSystem::system(), destination, database, comment,
                                              clock::wall_ms());
    if (!written) return io_error(written.error());
    (*written)->release();
    return 0;
}

Result<int> compact(const Words& words) {
    auto mode = words.size() > 1 ? LogFile::Mode::kReadOnly : LogFile::Mode::kReadWrite;
    WEFT_ASSIGN(LogFile::Opened opened, open_database(database_file(words), mode));
    return write_to(*opened.log, *opened.database, word(words, 1),
                    fmt::format("compacted by ovsdb-tool {}", kOvsVersion));
}

Result<int> convert(const Words& words) {
    auto mode = words.size() > 2 ? LogFile::Mode::kReadOnly : LogFile::Mode::kReadWrite;
    WEFT_ASSIGN(SchemaPtr schema, read_schema(word(words, 1)));
    WEFT_ASSIGN(LogFile::Opened opened, open_database(database_file(words), mode));
    auto converted = ovsdb::convert_database(*opened.database, schema);
    if (!converted) return converted.error();
    return write_to(*opened.log, **converted, word(words, 2),
                    fmt::format("converted by ovsdb-tool {}", kOvsVersion));
}

Result<int> needs_conversion(const Words& words) {
    WEFT_ASSIGN(SchemaPtr now, LogFile::read_schema(database_file(words)));
    WEFT_ASSIGN(SchemaPtr wanted, read_schema(word(words, 1)));
    std::puts(*now == *wanted ? "no" : "yes");
    return 0;
}

Result<int> of_database(const Words& words, const std::string DatabaseSchema::*member) {
    WEFT_ASSIGN(SchemaPtr schema, LogFile::read_schema(database_file(words)));
    return print_line((*schema).*member);
}

Result<int> of_schema(const Words& words, const std::string DatabaseSchema::*member) {
    WEFT_ASSIGN(SchemaPtr schema, read_schema(word(words, 0)));
    return print_line((*schema).*member);
}

// Exit code 0: it is; 2: it is not.
Result<int> is_clustered(const Words& words, bool wanted) {
    WEFT_ASSIGN(LogFile::FirstRecord first, LogFile::read_first(words[0]));
    return first.clustered == wanted ? 0 : 2;
}

// A member of the header of a clustered database, which is its first record.
Result<std::string> cluster_member(const std::string& file, const char* member) {
    WEFT_ASSIGN(LogFile::FirstRecord first, LogFile::read_first(file));
    if (!first.clustered) return Error{fmt::format("ovsdb error: {}: not a clustered database", file)};
    WEFT_ASSIGN(json::Value header, json::parse(first.json));
    const json::Object* object = header.as_object();
    const json::Value* value = object ? object->find(member) : nullptr;
    return value && value->is_string() ? *value->as_string() : std::string();
}

Result<int> print_cluster_member(const Words& words, const char* member) {
    WEFT_ASSIGN(std::string text, cluster_member(words[0], member));
    if (text.empty()) {
        // A member of which the cluster has not heard yet does not know its cluster.
        std::fprintf(stderr, "ovsdb-tool: %s: %s is not known yet\n", words[0].c_str(), member);
        return 2;
    }
    return print_line(text);
}

Result<int> db_name(const Words& words) {
    const std::string file = database_file(words);
    WEFT_ASSIGN(LogFile::FirstRecord first, LogFile::read_first(file));
    if (first.clustered) return print_cluster_member({file}, "name");
    WEFT_ASSIGN(SchemaPtr schema, LogFile::read_schema(file));
    return print_line(schema->name);
}

// With `keep` false nothing is written, whatever the transaction does.
Result<int> run_transaction(const Words& words, const std::string& role, bool keep) {
    std::string file = words.size() > 1 ? words[0] : database_file({});
    const std::string& text = words.back();
    auto json = json::parse(text);
    if (!json) return Error{fmt::format("\"{}\": {}", text, json.message())};
    WEFT_ASSIGN(LogFile::Opened opened,
                open_database(file, keep ? LogFile::Mode::kReadWrite : LogFile::Mode::kReadOnly));
    const json::Array* params = json->as_array();
    const std::string* name = params && !params->empty() ? (*params)[0].as_string() : nullptr;
    if (!name || *name != opened.database->schema().name) {
        const char* why = params ? "database name expected as first parameter" : "array expected";
        return print_line(json::to_text(ovsdb::syntax_error(*json, why).to_json()));
    }
    ovsdb::ExecuteContext context;
    ovsdb::RoleAccess access(*opened.database, role,
                             "");  // nobody is named: rows of a client are not its own
    if (access.restricts()) context.access = &access;
    ovsdb::ExecuteResult result = ovsdb::execute(*opened.database, *params, 1, context);
    if (result.waiting) {
        // Nobody else will change the file, so what does not hold now never will.
        ovsdb::DbError error("not supported", "triggers not supported");
        return print_line(json::to_text(json::Array{error.to_json()}));
    }
    if (keep && !result.changes.empty()) {
        std::string record = ovsdb::transaction_record(result.changes, true, clock::wall_ms());
        if (!record.empty()) {
            auto failure = opened.log->append(ovsdb::frame_record(record));
            if (failure) return io_error(Error{failure->message()});
        }
    }
    return print_line(result.reply);
}

Result<int> compare_versions(const Words& words) {
    auto parse = [](const std::string& text, std::vector<long>& out) {
        int a, b, c, end = 0;
        if (std::sscanf(text.c_str(), "%d.%d.%d%n", &a, &b, &c, &end) != 3 || text[static_cast<size_t>(end)])
            return false;
        out = {a, b, c};
        return true;
    };
    std::vector<long> a, b;
    for (auto [text, out] : {std::pair{&words[0], &a}, std::pair{&words[2], &b}}) {
        if (!parse(*text, *out))
            return Error{fmt::format("{}: not an OVSDB version number in format x.y.z", *text)};
    }
    static const std::map<std::string,
                          std::function<bool(const std::vector<long>&, const std::vector<long>&)>>
        operators = {{"<", std::less<>()},      {"<=", std::less_equal<>()},
                     {"==", std::equal_to<>()}, {">=", std::greater_equal<>()},
                     {">", std::greater<>()},   {"!=", std::not_equal_to<>()}};
    auto it = operators.find(words[1]);
    if (it == operators.end()) return Error{fmt::format("{}: not a relational operator", words[1])};
    return it->second(a, b) ? 0 : 2;
}

Result<int> refuse_cluster(const Words&) {
    return Error{kNoClusters};
}

}  // namespace

std::map<std::string, ToolCommand> tool_commands(const ToolSettings& settings) {
    using S = DatabaseSchema;
    return {
        {"create", {"[DB [SCHEMA]]", "Create DB with SCHEMA.", 0, 2, create}},
        {"create-cluster",
         {"DB CONTENTS LOCAL", "Refused: clusters are not supported.", 3, 3, refuse_cluster}},
        {"join-cluster",
         {"DB NAME LOCAL REMOTE...", "Refused: clusters are not supported.", 4, SIZE_MAX, refuse_cluster}},
        {"cluster-to-standalone", {"DB DB", "Refused: clusters are not supported.", 2, 2, refuse_cluster}},
        {"check-cluster", {"DB...", "Refused: clusters are not supported.", 1, SIZE_MAX, refuse_cluster}},
        {"compact", {"[DB [DST]]", "Compact DB in place, or to DST.", 0, 2, compact}},
        {"convert", {"[DB [SCHEMA [DST]]]", "Convert DB to SCHEMA in place, or to DST.", 0, 3, convert}},
        {"needs-conversion",
         {"[DB [SCHEMA]]", "Tell whether DB's schema differs from SCHEMA.", 0, 2, needs_conversion}},
        {"db-name", {"[DB]", "Print the name of DB's schema.", 0, 1, db_name}},
        {"db-version",
         {"[DB]", "Print the version of DB's schema.", 0, 1,
          [](const Words& w) { return of_database(w, &S::version); }}},
        {"db-cksum",
         {"[DB]", "Print the checksum of DB's schema.", 0, 1,
          [](const Words& w) { return of_database(w, &S::cksum); }}},
        {"db-cid",
         {"DB", "Print the cluster ID of clustered DB.", 1, 1,
          [](const Words& w) { return print_cluster_member(w, "cluster_id"); }}},
        {"db-sid",
         {"DB", "Print the server ID of clustered DB.", 1, 1,
          [](const Words& w) { return print_cluster_member(w, "server_id"); }}},
        {"db-local-address",
         {"DB", "Print the local address of clustered DB.", 1, 1,
          [](const Words& w) { return print_cluster_member(w, "local_address"); }}},
        {"db-is-clustered",
         {"DB", "Exit with 0 if DB is clustered, else 2.", 1, 1,
          [](const Words& w) { return is_clustered(w, true); }}},
        {"db-is-standalone",
         {"DB", "Exit with 0 if DB is standalone, else 2.", 1, 1,
          [](const Words& w) { return is_clustered(w, false); }}},
        {"schema-name",
         {"[SCHEMA]", "Print SCHEMA's name.", 0, 1, [](const Words& w) { return of_schema(w, &S::name); }}},
        {"schema-version",
         {"[SCHEMA]", "Print SCHEMA's version.", 0, 1,
          [](const Words& w) { return of_schema(w, &S::version); }}},
        {"schema-cksum",
         {"[SCHEMA]", "Print SCHEMA's checksum.", 0, 1,
          [](const Words& w) { return of_schema(w, &S::cksum); }}},
        {"compare-versions",
         {"A OP B", "Compare version numbers: exit with 0 if true, else 2.", 3, 3, compare_versions}},
        {"query",
         {"[DB] TRNS", "Execute a transaction on DB without keeping what it changes.", 1, 2,
          [&settings](const Words& w) { return run_transaction(w, settings.role, false); }}},
        {"transact",
         {"[DB] TRNS", "Execute a transaction on DB.", 1, 2,
          [&settings](const Words& w) { return run_transaction(w, settings.role, true); }}},
        {"show-log",
         {"[DB]", "Print DB's log entries.", 0, 1,
          [&settings](const Words& w) -> Result<int> {
              WEFT_ASSIGN(std::string text, show_log(database_file(w), settings.more));
              std::fputs(text.c_str(), stdout);
              return 0;
          }}},
    };
}

}  // namespace weft::cli
