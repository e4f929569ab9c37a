// The frame of the tools that change a database: ovs-vsctl, ovn-nbctl, ovn-sbctl.
//
// A tool is a CtlProgram: its database and a table of commands.  One invocation runs one or more commands,
// separated by "--", in one transaction.  Each command first says which columns it will read (`need`), so
// that no others are fetched, and then runs against a Transaction, through which it sees what the commands
// before it did.  Of the rows only those are fetched that it reads: what it finds missing is fetched, and it
// runs again (ovsdb/client/questions.h).  So a command looks rows up by uuid, by value or by element as long
// as it can, and returns early while its transaction has questions if it would read a whole table for want of
// an answer. If the database changed in between, all commands run again on a fresh transaction, too: `run`
// may be called many times; `finish` once, after the commit.
//
// Options, usage, --help and the manual page come from the same table.

#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/options.h"
#include "base/result.h"
#include "cli/table.h"
#include "ovsdb/client/replica.h"
#include "ovsdb/client/transaction.h"
#include "ovsdb/data/symbol_table.h"

namespace weft::cli {

namespace db = ovsdb::client;

struct CtlProgram;
class CtlContext;

// The options of one invocation.
struct CtlSettings {
    std::string remotes;  // "" : the program's default
    bool dry_run = false;
    bool one_line = false;
    bool retry = false;
    bool database_given = false;  // by --db
    bool leader_only = true, shuffle_remotes = true;
    int timeout_s = 0;  // 0: none
    std::string words;  // the invocation, for the database's log
    TableStyle style;
    // Of ovn-nbctl: until where a change is to have come before the program ends.
    enum class Wait { kNone, kSouthbound, kHypervisors };
    Wait wait = Wait::kNone;
    bool print_wait_time = false;
};

// What all commands of one invocation share.
struct CtlSession {
    const CtlProgram* program = nullptr;
    const CtlSettings* settings = nullptr;
    int64_t start_ms = 0;  // when the change was sent, by the wall clock
    std::string report;    // from `carried_out`, to be printed
    db::Replica* replica = nullptr;
    std::optional<db::Transaction> transaction;  // of this try
    ovsdb::SymbolTable symbols;                  // of this try: @NAME
    db::CommitOutcome outcome;                   // for `finish`
    std::string comment;                         // commands' own remarks
    std::vector<std::string> warnings;           // of this try
    bool wait_for_change = false;                // a `wait-until` is not yet true
    std::vector<std::string> new_names;  // of this try: what was made, to be looked at when it is carried out
    bool forced_wait = false;            // wait even if nothing was changed: `sync`
    int exit_code = 0;
};

struct CtlCommand {
    const char* name;
    int min_arguments;
    int max_arguments;    // -1: no limit
    const char* usage;    // "BRIDGE [PARENT VLAN]"
    const char* options;  // "--may-exist,--id=": with "=" it takes a value, with "?" it may
    bool writes;
    Result<void> (*need)(CtlContext&);  // nullptr: nothing
    Result<void> (*run)(CtlContext&);
    Result<void> (*finish)(CtlContext&);  // nullptr: nothing
    const char* help;
};

// One command of an invocation.
class CtlContext {
  public:
    CtlContext(CtlSession& session, const CtlCommand& command) : session_(session), command_(command) {}

    CtlSession& session() { return session_; }
    const CtlCommand& command() const { return command_; }
    db::Transaction& transaction() { return *session_.transaction; }
    db::Replica& replica() { return *session_.replica; }
    const db::DatabaseInfo& database() const { return session_.replica->database(); }

    // Without the command's name.
    std::vector<std::string> arguments;
    std::map<std::string, std::string, std::less<>> options;  // "--id" -> "@x", "--if-exists" -> ""

    size_t size() const { return arguments.size(); }
    const std::string& operator[](size_t i) const { return arguments[i]; }
    // The argument, or "" if there are not so many.
    std::string_view at(size_t i) const {
        return i < arguments.size() ? std::string_view(arguments[i]) : std::string_view();
    }
    bool has(std::string_view option) const { return options.find(option) != options.end(); }
    std::string_view option(std::string_view name) const {
        auto it = options.find(name);
        return it == options.end() ? std::string_view() : std::string_view(it->second);
    }

    // Short forms for typed commands.
    template <typename Row, typename... T>
    void need(const db::Column<Row, T>&... columns) {
        replica().monitor<Row>(columns...);
    }
    template <typename Row>
    const Row* row(const Uuid& uuid) {
        return transaction().row<Row>(uuid);
    }
    // All rows, sorted by uuid, so that output does not depend on chance.
    template <typename Row>
    std::vector<const Row*> rows() {
        std::vector<const Row*> out;
        transaction().for_each<Row>([&](const Row& row) { out.push_back(&row); });
        std::sort(out.begin(), out.end(), [](const Row* a, const Row* b) { return a->uuid < b->uuid; });
        return out;
    }

    // Logged once this try turns out to be true.
    template <typename... T>
    void warn(fmt::format_string<T...> format, T&&... values) {
        session_.warnings.push_back(fmt::format(format, std::forward<T>(values)...));
    }

    // What the command prints: text, or a table in the user's style.
    std::string output;
    std::optional<Table> table;
    // For `finish`: the row that `run` inserted.
    Uuid inserted;

  private:
    CtlSession& session_;
    const CtlCommand& command_;
};

// How a table's rows are called beside by uuid: rows of `named_table` whose `name_column` is the name given;
// the row itself, or what its `reference` column refers to.  "COLUMN:KEY" is the value of a key of a map;
// `name_column` "" means that "." names the only row.
struct CtlRecordName {
    const char* table;
    const char* named_table;
    const char* name_column;
    const char* reference;  // "": the row itself
};

// `show`: how a row of a table is shown: its name, columns that are not default, and rows that its columns
// refer to below it.
struct CtlShow {
    const char* table;
    const char* name_column;  // "": the uuid
    std::vector<const char*> columns;
    const char* referring_table =
        "";  // rows of this table whose `referring_column` is this row are listed by `referring_name`
    const char* referring_column = "";
    const char* referring_name = "";
};

struct CtlProgram {
    const char* name;
    const char* summary;      // one line
    const char* description;  // paragraphs
    const db::DatabaseInfo* database;
    std::string default_remotes;
    const char* database_variable;  // environment variable that overrides them, or nullptr
    const char* version_name;       // "(Open vSwitch) " or ""
    std::vector<std::span<const CtlCommand>> commands;
    std::vector<CtlRecordName> record_names;
    std::vector<CtlShow> show;  // empty if the program has a show command of its own
    bool leader_only_option;    // ovn-*: --leader-only and --no-leader-only
    bool whole_tables = false;  // fetch all rows of the tables that are read: of a small database
    // Environment variable that names the control socket of a daemon to use; nullptr: there is no daemon
    // mode.
    const char* daemon_variable = nullptr;
    const char* options_variable = nullptr;  // environment variable with options that come first

    // Called with the others' options; before all commands' `need`; before and after all commands run;
    // nullptr: nothing.
    void (*add_options)(OptionTable& options, CtlSettings& settings) = nullptr;
    void (*need)(CtlSession& session) = nullptr;
    void (*before_run)(CtlSession& session) = nullptr;
    void (*after_run)(CtlSession& session, bool writes) = nullptr;
    // After the commit: true when what was changed has been carried out, so the program may end.  Called
    // again as the database changes.
    bool (*carried_out)(CtlSession& session) = nullptr;
};

// The log module of all of this, as users know it.
log::Module& ctl_log();

// What apps/*.cc call.
int run_ctl(const CtlProgram& program, int argc, char** argv);

}  // namespace weft::cli
