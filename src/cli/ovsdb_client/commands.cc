#include "cli/ovsdb_client/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "base/clock.h"
#include "json/text.h"
#include "net/directories.h"

namespace weft::cli {

void ClientContext::print_time() const {
    if (!timestamp) return;
    int64_t now = clock::wall_ms();
    std::time_t seconds = now / 1000;
    std::tm tm{};
    gmtime_r(&seconds, &tm);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
    std::printf("%s.%03d\n", text, static_cast<int>(now % 1000));
}

void ClientContext::print_json(const json::Value& value) const {
    auto json_style = style.pretty ? json::Style::kPretty : json::Style::kCompact;
    std::puts(json::to_text(json::with_sorted_members(value), json_style).c_str());
}

void ClientContext::print(const Table& table) const {
    std::fputs(table.to_text(style).c_str(), stdout);
    std::fflush(stdout);
}

Result<std::string> read_whole_file(const std::string& path) {
    std::FILE* file = path == "-" ? stdin : std::fopen(path.c_str(), "rb");
    if (!file) return Error{fmt::format("{}: open failed ({})", path, std::strerror(errno))};
    std::string text;
    char buffer[65536];
    while (size_t n = std::fread(buffer, 1, sizeof buffer, file)) text.append(buffer, n);
    if (file != stdin) std::fclose(file);
    return text;
}

const std::map<std::string, ClientCommand>& client_commands() {
    using namespace client_command;
    static const std::map<std::string, ClientCommand> commands = {
        {"list-dbs", {"[SERVER]", "List databases available on SERVER.", false, 0, 0, list_dbs}},
        {"get-schema", {"[SERVER] [DATABASE]", "Print DATABASE's schema.", true, 0, 0, get_schema}},
        {"get-schema-version",
         {"[SERVER] [DATABASE]", "Print the version of DATABASE's schema.", true, 0, 0, get_schema_version}},
        {"get-schema-cksum",
         {"[SERVER] [DATABASE]", "Print the checksum of DATABASE's schema.", true, 0, 0, get_schema_cksum}},
        {"list-tables", {"[SERVER] [DATABASE]", "List the tables of DATABASE.", true, 0, 0, list_tables}},
        {"list-columns",
         {"[SERVER] [DATABASE] [TABLE]", "List the columns of TABLE, or of all tables.", true, 0, 1,
          list_columns}},
        {"transact",
         {"[SERVER] TRANSACTION", "Run TRANSACTION and print the results as JSON.", false, 1, 1, transact}},
        {"query", {"[SERVER] TRANSACTION", "The same, taking its changes back.", false, 1, 1, query}},
        {"monitor",
         {"[SERVER] [DATABASE] TABLE [COLUMN,...]... | ALL", "Show contents and changes.", true, 1, SIZE_MAX,
          monitor}},
        {"monitor-cond",
         {"[SERVER] [DATABASE] CONDITION TABLE [COLUMN,...]...",
          "Show contents and changes of rows that match.", true, 2, SIZE_MAX, monitor_cond}},
        {"monitor-cond-since",
         {"[SERVER] [DATABASE] [LASTID] CONDITION TABLE [COLUMN,...]...",
          "The same, of what happened after transaction LASTID.", true, 2, SIZE_MAX, monitor_cond_since}},
        {"convert", {"[SERVER] SCHEMA", "Convert the database named in SCHEMA to it.", false, 1, 1, convert}},
        {"needs-conversion",
         {"[SERVER] SCHEMA", "Tell whether the database named in SCHEMA differs from it.", false, 1, 1,
          needs_conversion}},
        {"dump", {"[SERVER] [DATABASE] [TABLE [COLUMN]...]", "Print contents.", true, 0, SIZE_MAX, dump}},
        {"backup",
         {"[SERVER] [DATABASE] > DB", "Write DATABASE in the format of a database file.", true, 0, 0,
          backup}},
        {"restore",
         {"[--force] [SERVER] [DATABASE] < DB", "Replace DATABASE's contents by those of a file.", true, 0, 0,
          restore}},
        {"wait",
         {"[SERVER] DATABASE added|connected|removed", "Wait until DATABASE is in that state.", false, 2, 2,
          wait}},
        {"lock", {"[SERVER] LOCK", "Take LOCK and print what becomes of it.", false, 1, 1, lock}},
        {"steal", {"[SERVER] LOCK", "Take LOCK from its owner.", false, 1, 1, steal}},
        {"unlock", {"[SERVER] LOCK", "Give LOCK back.", false, 1, 1, unlock}},
    };
    return commands;
}

namespace {

// DATABASE of the arguments, or the one that a server most likely means.
Result<void> take_database(ClientContext& context, size_t min_words, std::vector<std::string>& arguments) {
    WEFT_ASSIGN(json::Value reply, context.client->request("list_dbs", {}));
    std::vector<std::string> names;
    if (const json::Array* array = reply.as_array()) {
        for (const json::Value& value : *array) {
            if (value.is_string()) names.push_back(*value.as_string());
        }
    }
    auto known = [&](const std::string& database) {
        return std::find(names.begin(), names.end(), database) != names.end();
    };
    if (arguments.size() > min_words && known(arguments[0])) {
        context.database = arguments[0];
        arguments.erase(arguments.begin());
        return {};
    }
    if (known("Open_vSwitch")) {
        context.database = "Open_vSwitch";
        return {};
    }
    std::erase(names, "_Server");
    if (names.size() != 1)
        return Error{"no default database for this command, please specify a database name"};
    context.database = names[0];
    return {};
}

}  // namespace

Result<void> run_client_command(const ClientCommand& command, const std::string& name, ClientContext& context,
                                std::vector<std::string> arguments) {
    Error bad_syntax{fmt::format("invalid syntax for '{}' (use --help for help)", name)};
    size_t before = command.wants_database ? 2 : 1;
    if (arguments.size() < command.min_words ||
        (command.max_words != SIZE_MAX && arguments.size() > command.max_words + before))
        return bad_syntax;
    std::string server = "unix:" + net::ovs_rundir() + "/db.sock";
    if (arguments.size() > command.min_words && arguments[0].find(':') != std::string::npos) {
        server = arguments[0];
        arguments.erase(arguments.begin());
    }
    WEFT_ASSIGN(context.client, Client::connect(server, context.timeout_ms));
    if (command.wants_database) WEFT_TRY(take_database(context, command.min_words, arguments));
    if (arguments.size() > command.max_words) return bad_syntax;
    context.words = std::move(arguments);
    return command.run(context);
}

}  // namespace weft::cli
