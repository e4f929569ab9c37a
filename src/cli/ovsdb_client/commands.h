// The commands of ovsdb-client(1).

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/ovsdb_client/client.h"
#include "cli/table.h"
#include "net/control_server.h"

namespace weft::cli {

// What a command works with.
struct ClientContext {
    TableStyle style;
    bool timestamp = false;
    bool force = false;
    int64_t timeout_ms = 0;
    std::unique_ptr<Client> client;
    // Of commands that go on for ever: called once their first output is there.  With --detach the program
    // goes to the background then, and its standard output stays where it was; the control socket has `exit`,
    // and what the command adds.
    std::function<Result<net::ControlServer*>()> go_on;  // nullptr: not detached
    std::string database;                                // if the command wants one
    std::vector<std::string> words;                      // what is left of the arguments

    void print(const Table& table) const;
    void print_time() const;  // if --timestamp asks for it
    // As --pretty asks for.
    void print_json(const json::Value& value) const;
};

struct ClientCommand {
    const char* usage;
    const char* help;
    bool wants_database;
    size_t min_words, max_words;  // after SERVER and DATABASE, which are only looked for if more are given
    Result<void> (*run)(ClientContext&);
};

const std::map<std::string, ClientCommand>& client_commands();
// Takes SERVER and DATABASE from the arguments, connects, runs.
Result<void> run_client_command(const ClientCommand& command, const std::string& name, ClientContext& context,
                                std::vector<std::string> arguments);

namespace client_command {
// schema_commands.cc
Result<void> list_dbs(ClientContext&);
Result<void> get_schema(ClientContext&);
Result<void> get_schema_version(ClientContext&);
Result<void> get_schema_cksum(ClientContext&);
Result<void> list_tables(ClientContext&);
Result<void> list_columns(ClientContext&);
Result<void> convert(ClientContext&);
Result<void> needs_conversion(ClientContext&);
// data_commands.cc
Result<void> transact(ClientContext&);
Result<void> query(ClientContext&);
Result<void> dump(ClientContext&);
Result<void> backup(ClientContext&);
Result<void> restore(ClientContext&);
Result<void> wait(ClientContext&);
// lock_commands.cc
Result<void> lock(ClientContext&);
Result<void> steal(ClientContext&);
Result<void> unlock(ClientContext&);
// monitor_commands.cc
Result<void> monitor(ClientContext&);
Result<void> monitor_cond(ClientContext&);
Result<void> monitor_cond_since(ClientContext&);
}  // namespace client_command

Result<std::string> read_whole_file(const std::string& path);  // "-": standard input

}  // namespace weft::cli
