// ovsdb-tool(1).

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log_control.h"
#include "base/options.h"
#include "base/version.h"
#include "cli/ovsdb_tool/show_log.h"
#include "json/text.h"
#include "net/directories.h"
#include "ovsdb/engine/convert.h"
#include "ovsdb/engine/execute.h"
#include "ovsdb/storage/log_file.h"
#include "ovsdb/storage/record.h"
#include "schema/catalog.h"

namespace weft::apps {

namespace {

using ovsdb::DatabaseSchema;
using ovsdb::LogFile;
using SchemaPtr = std::shared_ptr<const DatabaseSchema>;
using Words = std::vector<std::string>;

constexpr const char* kNoClusters =
    "clustered databases are not supported; use a standalone database (`ovsdb-tool create`)";

struct Command {
    const char* usage;
    const char* help;
    size_t min_words, max_words;
    std::function<Result<int>(const Words&)> run;
};

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

Error io_error(const Error& error) {
    return Error{"I/O error: " + error.message};
}

Result<SchemaPtr> schema_of_database(const std::string& file) {
    auto schema = LogFile::read_schema(file);
    if (!schema) return io_error(schema.error());
    return *std::move(schema);
}

Result<LogFile::Opened> open_database(const std::string& file, LogFile::Mode mode) {
    auto opened = LogFile::open(file, mode);
    if (!opened) return io_error(opened.error());
    if (!opened->warning.empty()) std::fprintf(stderr, "ovsdb-tool: %s\n", opened->warning.c_str());
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
    Result<void> written;
    if (destination.empty()) {
        written = log.compact(database, comment);
    } else {
        written = LogFile::create(destination, database.schema(),
                                  ovsdb::snapshot_record(database, comment, clock::wall_ms()));
    }
    if (!written) return io_error(written.error());
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
    WEFT_ASSIGN(SchemaPtr now, schema_of_database(database_file(words)));
    WEFT_ASSIGN(SchemaPtr wanted, read_schema(word(words, 1)));
    std::puts(*now == *wanted ? "no" : "yes");
    return 0;
}

int print_line(const std::string& text) {
    std::puts(text.c_str());
    return 0;
}

Result<int> of_database(const Words& words, const std::string DatabaseSchema::*member) {
    WEFT_ASSIGN(SchemaPtr schema, schema_of_database(database_file(words)));
    return print_line((*schema).*member);
}

Result<int> of_schema(const Words& words, const std::string DatabaseSchema::*member) {
    WEFT_ASSIGN(SchemaPtr schema, read_schema(word(words, 0)));
    return print_line((*schema).*member);
}

// Exit code 0: the file's first line says so; 2: it does not.
Result<int> has_magic(const Words& words, const char* magic) {
    std::string path = database_file(words);
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (!file) return Error{fmt::format("I/O error: {}: open failed ({})", path, std::strerror(errno))};
    char line[32] = {};
    bool read = std::fgets(line, sizeof line, file) != nullptr;
    std::fclose(file);
    std::string wanted = fmt::format("OVSDB {} ", magic);
    return read && std::string_view(line).starts_with(wanted) ? 0 : 2;
}

Result<int> run_transaction(const Words& words, bool read_only) {
    std::string file = words.size() > 1 ? words[0] : database_file({});
    const std::string& text = words.back();
    auto json = json::parse(text);
    if (!json) return Error{fmt::format("\"{}\": {}", text, json.message())};
    WEFT_ASSIGN(LogFile::Opened opened,
                open_database(file, read_only ? LogFile::Mode::kReadOnly : LogFile::Mode::kReadWrite));
    const json::Array* params = json->as_array();
    const std::string* name = params && !params->empty() ? (*params)[0].as_string() : nullptr;
    if (!name || *name != opened.database->schema().name) {
        return print_line(json::to_text(
            ovsdb::syntax_error(
                *json, name ? fmt::format("database name \"{}\" expected as first parameter, not \"{}\"",
                                          opened.database->schema().name, *name)
                            : std::string("database name expected as first parameter"))
                .to_json()));
    }
    ovsdb::ExecuteContext context;
    context.read_only = read_only;
    context.elapsed_ms = INT64_MAX;  // a `wait` that does not hold now never will
    ovsdb::ExecuteResult result = ovsdb::execute(*opened.database, *params, 1, context);
    if (!result.changes.empty()) {
        opened.log->append(result.changes);
        if (auto kept = opened.log->sync(); !kept) return io_error(kept.error());
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
            return Error{fmt::format("{}: not a version number of the form x.y.z", *text)};
    }
    static const std::map<std::string,
                          std::function<bool(const std::vector<long>&, const std::vector<long>&)>>
        operators = {{"<", std::less<>()},      {"<=", std::less_equal<>()},
                     {"==", std::equal_to<>()}, {">=", std::greater_equal<>()},
                     {">", std::greater<>()},   {"!=", std::not_equal_to<>()}};
    auto it = operators.find(words[1]);
    if (it == operators.end())
        return Error{fmt::format("{}: not an operator (use < <= == >= > !=)", words[1])};
    return it->second(a, b) ? 0 : 2;
}

Result<int> refuse_cluster(const Words&) {
    return Error{kNoClusters};
}

std::map<std::string, Command> commands(const int& more) {
    using S = DatabaseSchema;
    auto standalone_only = [](const Words& words) -> Result<int> {
        return Error{fmt::format("{}: not a clustered database", words[0])};
    };
    return {
        {"create", {"[DB [SCHEMA]]", "Create DB with SCHEMA.", 0, 2, create}},
        {"create-cluster",
         {"DB CONTENTS LOCAL", "Refused: clusters are not supported.", 0, 99, refuse_cluster}},
        {"join-cluster",
         {"DB NAME LOCAL REMOTE...", "Refused: clusters are not supported.", 0, 99, refuse_cluster}},
        {"cluster-to-standalone", {"DB DB", "Refused: clusters are not supported.", 0, 99, refuse_cluster}},
        {"compact", {"[DB [DST]]", "Compact DB in place, or to DST.", 0, 2, compact}},
        {"convert", {"[DB [SCHEMA [DST]]]", "Convert DB to SCHEMA in place, or to DST.", 0, 3, convert}},
        {"needs-conversion",
         {"[DB [SCHEMA]]", "Tell whether DB's schema differs from SCHEMA.", 0, 2, needs_conversion}},
        {"db-name",
         {"[DB]", "Print the name of DB's schema.", 0, 1,
          [](const Words& w) { return of_database(w, &S::name); }}},
        {"db-version",
         {"[DB]", "Print the version of DB's schema.", 0, 1,
          [](const Words& w) { return of_database(w, &S::version); }}},
        {"db-cksum",
         {"[DB]", "Print the checksum of DB's schema.", 0, 1,
          [](const Words& w) { return of_database(w, &S::cksum); }}},
        {"db-cid", {"DB", "Print the cluster ID of clustered DB.", 1, 1, standalone_only}},
        {"db-sid", {"DB", "Print the server ID of clustered DB.", 1, 1, standalone_only}},
        {"db-local-address", {"DB", "Print the local address of clustered DB.", 1, 1, standalone_only}},
        {"db-is-clustered",
         {"DB", "Exit with 0 if DB is clustered, else 2.", 1, 1,
          [](const Words& w) { return has_magic(w, "CLUSTER"); }}},
        {"db-is-standalone",
         {"DB", "Exit with 0 if DB is standalone, else 2.", 1, 1,
          [](const Words& w) { return has_magic(w, "JSON"); }}},
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
         {"[DB] TRNS", "Execute a read-only transaction on DB.", 1, 2,
          [](const Words& w) { return run_transaction(w, true); }}},
        {"transact",
         {"[DB] TRNS", "Execute a transaction on DB.", 1, 2,
          [](const Words& w) { return run_transaction(w, false); }}},
        {"show-log",
         {"[DB]", "Print DB's log entries.", 0, 1,
          [&more](const Words& w) -> Result<int> {
              WEFT_ASSIGN(std::string text, cli::show_log(database_file(w), more));
              std::fputs(text.c_str(), stdout);
              return 0;
          }}},
    };
}

Result<int> run(int argc, char** argv) {
    int more = 0;
    bool help = false, version = false;
    OptionTable table;
    table.section("Options");
    table.add("more", 'm', "", "Say more in show-log (rows; twice: values too).", [&](std::string_view) {
        ++more;
        return Result<void>();
    });
    for (const char* name : {"cid", "election-timer"}) {
        table.add(name, 0, "VALUE", "Refused: of clusters.",
                  [](std::string_view) -> Result<void> { return Error{kNoClusters}; });
    }
    table.add("verbose", 'v', "[SPEC]", "Set logging levels.",
              [](std::string_view v) { return log::set(v); });
    table.add("log-file", 0, "[FILE]", "Log to FILE.", [](std::string_view v) {
        return log::open_file(v.empty() ? net::ovs_logdir() + "/ovsdb-tool.log" : std::string(v));
    });
    table.add("help", 'h', "", "Show this text.", [&](std::string_view) {
        help = true;
        return Result<void>();
    });
    table.add("version", 'V', "", "Show the version.", [&](std::string_view) {
        version = true;
        return Result<void>();
    });
    WEFT_ASSIGN(Words words, table.parse(Words(argv + 1, argv + argc)));
    auto known = commands(more);
    if (help) {
        ProgramText text{"ovsdb-tool",
                         "Open vSwitch database management utility",
                         "[OPTIONS] COMMAND [ARG...]",
                         "Works on OVSDB database files without a server.  The default DB is DBDIR/conf.db.",
                         {}};
        for (const auto& [name, command] : known)
            text.commands.emplace_back(name + " " + command.usage, command.help);
        std::fputs(help_page(text, table).c_str(), stdout);
        return 0;
    }
    if (version) {
        std::fputs(version_text("ovsdb-tool").c_str(), stdout);
        return 0;
    }
    if (words.empty()) return Error{"missing command name; use --help for help"};
    if (words[0] == "help")
        return run(2, std::vector<char*>{argv[0], const_cast<char*>("--help"), nullptr}.data());
    auto it = known.find(words[0]);
    if (it == known.end()) return Error{fmt::format("unknown command '{}'; use --help for help", words[0])};
    Words arguments(words.begin() + 1, words.end());
    const Command& command = it->second;
    if (arguments.size() < command.min_words) {
        return Error{fmt::format("'{}' command requires at least {} arguments", words[0], command.min_words)};
    }
    if (arguments.size() > command.max_words) {
        return Error{fmt::format("'{}' command takes at most {} arguments", words[0], command.max_words)};
    }
    return command.run(arguments);
}

}  // namespace

int ovsdb_tool(int argc, char** argv) {
    log::set_program("ovsdb-tool");
    Result<int> result = run(argc, argv);
    if (result) return *result;
    std::fprintf(stderr, "ovsdb-tool: %s\n", result.error().message.c_str());
    return 1;
}

}  // namespace weft::apps
