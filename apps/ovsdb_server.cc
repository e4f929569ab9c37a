// ovsdb-server(1).

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/options.h"
#include "base/version.h"
#include "cli/tls_options.h"
#include "net/control_server.h"
#include "net/daemon.h"
#include "net/directories.h"
#include "net/loop.h"
#include "net/stream.h"
#include "ovsdb/server/backup.h"
#include "ovsdb/server/relay.h"
#include "ovsdb/server/remotes.h"
#include "ovsdb/server/server.h"
#include "ovsdb/server/server_metrics.h"
#include "ovsdb/server/tls_columns.h"
#include "ovsdb/server/transaction_log.h"
#include "ovsdb/storage/log_storage.h"

namespace weft::apps {

namespace {

log::Module lg("ovsdb_server");

struct Arguments {
    std::vector<std::string> remotes, databases;
    std::string run;
    net::TlsConfig tls;  // values may be db:DB,TABLE,COLUMN
    std::string sync_from, sync_excluded;
    ovsdb::ServerLimits limits;
    bool active = false, no_database = false, column_diff = true;
    Questions questions;
};

OptionTable options_for(Arguments& a, net::DaemonOptions& daemon) {
    OptionTable table;
    auto refused = [&](const char* name, const char* argument, const char* why) {
        table.add(name, 0, argument, std::string("Not supported: ") + why,
                  [name, why](std::string_view) -> Result<void> {
                      return Error{fmt::format("--{} is not supported: {}", name, why)};
                  });
    };
    table.section("JSON-RPC options (may be specified any number of times)");
    table.add("remote", 0, "REMOTE", "Connect to or listen on REMOTE.", [&a](std::string_view v) {
        a.remotes.emplace_back(v);
        return Result<void>();
    });
    cli::add_tls_options(table, a.tls);
    table.section("Syncing options");
    table.add_text("sync-from", 0, "SERVER",
                   "Start as a backup of SERVER (with --active: as the active server, ready to become it).",
                   a.sync_from);
    table.add_text("sync-exclude-tables", 0, "DB:TABLE,...",
                   "Tables that are not copied from the active server.", a.sync_excluded);
    table.add_flag("active", 0, "Start as the active server.", a.active);
    auto number = [&](std::string name, std::string what, std::string help, size_t unit, size_t& out) {
        table.add(name, 0, std::move(what), std::move(help),
                  [name, unit, &out](std::string_view v) -> Result<void> {
                      size_t value = 0;
                      auto [end, error] = std::from_chars(v.data(), v.data() + v.size(), value);
                      if (error != std::errc() || end != v.data() + v.size() || value == 0 ||
                          value > SIZE_MAX / unit / 4)
                          return Error{fmt::format("--{}: \"{}\" is not a positive number", name, v)};
                      out = value * unit;
                      return {};
                  });
    };
    table.section("Limits");
    number("max-sessions", "N",
           "Serve at most N clients at a time (default 16384, if that many files may be open).", 1,
           a.limits.sessions);
    number("max-request-size", "MIB", "Refuse requests of more than MIB MiB (default 256).", size_t{1} << 20,
           a.limits.request_bytes);
    table.section("Other options");
    table.add_text("run", 0, "COMMAND", "Run COMMAND as a subprocess, then exit.", a.run);
    table.add_flag("no-db", 0, "Serve no database but _Server.", a.no_database);
    refused("config-file", "FILE", "give databases and remotes on the command line");
    table.add_flag("disable-file-column-diff", 0,
                   "Write whole columns, not differences, to the database file.", a.column_diff, false);
    a.questions.add_to(table);
    daemon.add_to(table);
    return table;
}

// Everything that lives while the server serves.
class App {
  public:
    App(Arguments& arguments, net::DaemonOptions& daemon) : arguments_(arguments), daemon_(daemon) {}

    Result<void> run();
    int exit_code() const { return exit_code_; }

  private:
    Result<void> open_database(const std::string& name);
    Result<void> open_file(const std::string& file);
    void follow_tls();
    void compact(const std::string& wanted, std::shared_ptr<net::ControlReply> reply);
    std::vector<std::unique_ptr<metrics::Gauge>> memory_gauges();
    void add_commands(net::ControlServer& control);
    void add_remote_commands(net::ControlServer& control);
    void add_database_commands(net::ControlServer& control);
    void add_backup_commands(net::ControlServer& control);
    Result<void> start_child();
    void check_child();

    Arguments& arguments_;
    net::DaemonOptions& daemon_;
    net::Loop loop_;
    std::unique_ptr<ovsdb::Server> server_;
    std::map<std::string, std::unique_ptr<ovsdb::Relay>> relays_;  // by database
    std::unique_ptr<ovsdb::Backup> backup_;
    std::unique_ptr<ovsdb::Remotes> remotes_;
    std::unique_ptr<ovsdb::TlsColumns> tls_;
    ovsdb::TransactionLog transaction_log_;
    std::map<std::string, std::string> files_;  // links followed, by database
    std::unique_ptr<net::Loop::Timer> child_timer_;
    pid_t child_ = 0;
    int exit_code_ = 0;
};

// A file, or a relay's description.
Result<void> App::open_database(const std::string& name) {
    if (!ovsdb::Relay::is_description(name)) return open_file(name);
    auto relay = ovsdb::Relay::create(loop_, *server_, name);
    if (!relay) return Error{"ovsdb error: " + relay.message()};
    std::string database = (*relay)->database();
    relays_[database] = *std::move(relay);
    return {};
}

Result<void> App::open_file(const std::string& file) {
    std::string real = ovsdb::FileSystem::system().real_path(file);
    for (const auto& [database, path] : files_) {
        if (path == real) return Error{fmt::format("ovsdb error: {}: already open", file)};
    }
    auto opened = ovsdb::LogFile::open(file, ovsdb::LogFile::Mode::kReadWrite);
    if (!opened) return opened.error();
    if (!opened->warning.empty()) lg.warn("{}", opened->warning);
    auto storage = std::make_unique<ovsdb::LogStorage>(std::move(opened->log), arguments_.column_diff);
    std::string name = opened->database->schema().name;
    if (!server_->add_database(std::move(opened->database), std::move(storage))) {
        return Error{fmt::format("ovsdb error: {}: duplicate database name", name)};
    }
    files_[name] = std::move(real);
    return {};
}

void App::follow_tls() {
    if (auto applied = tls_->apply(); !applied) lg.err("{}", applied.message());
}

void App::add_remote_commands(net::ControlServer& control) {
    using Words = net::ControlServer::Arguments;
    control.add("ovsdb-server/add-remote", "REMOTE", 1, 1, [this](const Words& words) -> Result<std::string> {
        WEFT_TRY(remotes_->add(words[0]));
        return std::string();
    });
    control.add("ovsdb-server/remove-remote", "REMOTE", 1, 1,
                [this](const Words& words) -> Result<std::string> {
                    if (!remotes_->remove(words[0])) return Error{"no such remote"};
                    return std::string();
                });
    control.add("ovsdb-server/list-remotes", "", 0, 0, [this](const Words&) -> Result<std::string> {
        std::string out;
        for (const std::string& remote : remotes_->configured()) out += remote + "\n";
        return out;
    });
    control.add("ovsdb-server/reconnect", "", 0, 0, [this](const Words&) -> Result<std::string> {
        server_->reconnect_all("user ran ovsdb-server/reconnect");
        return std::string();
    });
    control.add("ovsdb-server/disable-monitor-cond", "", 0, 0, [this](const Words&) -> Result<std::string> {
        server_->disable_conditional_monitors();
        server_->reconnect_all("user ran ovsdb-server/disable-monitor-cond");
        return std::string();
    });
}

void App::add_database_commands(net::ControlServer& control) {
    using Words = net::ControlServer::Arguments;
    control.add("ovsdb-server/add-db", "DB", 1, 1, [this](const Words& words) -> Result<std::string> {
        WEFT_TRY(open_database(words[0]));
        backup_->databases_changed();
        remotes_->update();
        follow_tls();
        return std::string();
    });
    control.add("ovsdb-server/remove-db", "DB", 1, 1, [this](const Words& words) -> Result<std::string> {
        if (words[0] == "_Server") return Error{"Cannot remove reserved database."};
        if (!server_->remove_database(words[0])) return Error{"Failed to find the database."};
        relays_.erase(words[0]);
        files_.erase(words[0]);
        transaction_log_.forget(words[0]);
        backup_->databases_changed();
        remotes_->update();
        follow_tls();
        return std::string();
    });
    control.add("ovsdb-server/list-dbs", "", 0, 0, [this](const Words&) -> Result<std::string> {
        std::string out;
        for (const std::string& name : server_->database_names()) out += name + "\n";
        return out;
    });
    control.add_deferred("ovsdb-server/compact", "[DB]", 0, 1,
                         [this](const Words& words, std::shared_ptr<net::ControlReply> reply) {
                             compact(words.empty() ? "" : words[0], std::move(reply));
                         });
    control.add(
        "ovsdb-server/get-db-storage-status", "DB", 1, 1, [this](const Words& words) -> Result<std::string> {
            ovsdb::ServedDatabase* database = server_->find_database(words[0]);
            if (!database) return Error{"Failed to find the database."};
            return "status: " + (database->storage() ? database->storage()->condition() : std::string("ok"));
        });
    control.add("ovsdb-server/memory-trim-on-compaction", "on|off", 1, 1,
                [this](const Words& words) -> Result<std::string> {
                    if (words[0] != "on" && words[0] != "off") return Error{"invalid argument"};
                    server_->set_trim_on_compaction(words[0] == "on");
                    return std::string();
                });
    control.add("ovsdb-server/tlog-set", "DB:TABLE on|off", 2, 2,
                [this](const Words& words) -> Result<std::string> {
                    WEFT_TRY(transaction_log_.set(*server_, words[0], words[1]));
                    return std::string();
                });
    control.add("ovsdb-server/tlog-list", "", 0, 0,
                [this](const Words&) -> Result<std::string> { return transaction_log_.list(*server_); });
}

// All databases for "".  The reply comes when the last one is done.
void App::compact(const std::string& wanted, std::shared_ptr<net::ControlReply> reply) {
    if (wanted == "_Server") return reply->failure("cannot compact built-in databases");
    std::vector<std::string> names;
    for (const std::string& name : server_->database_names()) {
        if (wanted.empty() ? name != "_Server" : name == wanted) names.push_back(name);
    }
    if (names.empty() && !wanted.empty()) return reply->failure("no database by that name");
    struct Progress {
        size_t left;
        std::string failure;
    };
    auto progress = std::make_shared<Progress>(Progress{names.size(), ""});
    auto finish = [progress, reply] {
        if (progress->left) return;
        if (progress->failure.empty()) return reply->success("");
        reply->failure(progress->failure);
    };
    if (names.empty()) return finish();
    for (const std::string& name : names) {
        lg.info("compacting {} database by user request", name);
        server_->compact(*server_->find_database(name), "compacted by ovsdb-server",
                         [progress, finish, name](const Result<void>& done) {
                             if (!done) lg.err("{}: {}", name, done.error().message);
                             if (!done) progress->failure += done.error().message + "\n";
                             --progress->left;
                             finish();
                         });
    }
}

std::vector<std::unique_ptr<metrics::Gauge>> App::memory_gauges() {
    std::vector<std::unique_ptr<metrics::Gauge>> gauges;
    using Shown = metrics::Gauge::Shown;
    auto add = [&](const char* name, std::function<size_t(ovsdb::ServedDatabase&)> measure,
                   Shown shown = Shown::kAlways) {
        gauges.push_back(std::make_unique<metrics::Gauge>(
            name,
            [this, measure] {
                size_t total = 0;
                for (const std::string& database : server_->database_names())
                    total += measure(*server_->find_database(database));
                return static_cast<int64_t>(total);
            },
            shown));
    };
    using Served = ovsdb::ServedDatabase;
    add("atoms", [](Served& d) { return d.database().atoms(); });
    add("cells", [](Served& d) { return d.database().cells(); });
    add("n-weak-refs", [](Served& d) { return d.database().weak_references(); });
    add("monitors", [](Served& d) { return d.monitors(); });
    add(
        "unkept-bytes", [](Served& d) { return d.storage() ? d.storage()->backlog() : 0; },
        Shown::kUnlessZero);
    gauges.push_back(std::make_unique<metrics::Gauge>(
        "sessions", [this] { return static_cast<int64_t>(server_->sessions().size()); }, Shown::kUnlessZero));
    gauges.push_back(std::make_unique<metrics::Gauge>(
        "triggers", [this] { return server_->triggers(); }, Shown::kUnlessZero));
    return gauges;
}

void App::add_backup_commands(net::ControlServer& control) {
    using Words = net::ControlServer::Arguments;
    using Reply = Result<std::string>;
    control.add("ovsdb-server/set-active-ovsdb-server", "", 1, 1, [this](const Words& words) -> Reply {
        WEFT_TRY(backup_->set_active_server(words[0]));
        return std::string();
    });
    control.add("ovsdb-server/get-active-ovsdb-server", "", 0, 0,
                [this](const Words&) { return Reply(backup_->active_server()); });
    control.add("ovsdb-server/connect-active-ovsdb-server", "", 0, 0, [this](const Words&) {
        if (backup_->active_server().empty())
            return Reply("Unable to connect: active server is not specified.\n");
        backup_->connect();
        return Reply(std::string());
    });
    control.add("ovsdb-server/disconnect-active-ovsdb-server", "", 0, 0, [this](const Words&) {
        backup_->disconnect();
        return Reply(std::string());
    });
    control.add("ovsdb-server/set-active-ovsdb-server-probe-interval", "", 1, 1, [this](const Words& words) {
        auto set = backup_->set_probe_interval(words[0]);
        return Reply(set ? std::string() : set.message() + "\n");
    });
    control.add("ovsdb-server/set-sync-exclude-tables", "", 1, 1, [this](const Words& words) -> Reply {
        WEFT_TRY(backup_->set_excluded(words[0]));
        return std::string();
    });
    control.add("ovsdb-server/get-sync-exclude-tables", "", 0, 0,
                [this](const Words&) { return Reply(backup_->excluded()); });
    control.add("ovsdb-server/sync-status", "", 0, 0,
                [this](const Words&) { return Reply(backup_->status()); });
}

void App::add_commands(net::ControlServer& control) {
    control.add("exit", "", 0, 0, [this](const net::ControlServer::Arguments&) {
        loop_.stop();
        return Result<std::string>("");
    });
    // Of the processor's counters, where Open vSwitch's server can read them; coverage/show has ours.
    control.add("ovsdb-server/perf-counters-show", "", 0, 0, [](const net::ControlServer::Arguments&) {
        return Result<std::string>("performance counter is not supported on this platform\n");
    });
    control.add("ovsdb-server/perf-counters-clear", "", 0, 0,
                [](const net::ControlServer::Arguments&) { return Result<std::string>(""); });
    add_remote_commands(control);
    add_database_commands(control);
    add_backup_commands(control);
}

Result<void> App::start_child() {
    child_ = ::fork();
    if (child_ < 0) return Error{"fork failed"};
    if (child_ == 0) {
        ::signal(SIGPIPE, SIG_DFL);
        ::execl("/bin/sh", "sh", "-c", arguments_.run.c_str(), nullptr);
        ::_exit(127);
    }
    child_timer_ = loop_.timer([this] { check_child(); });
    child_timer_->arm_in(10);
    return {};
}

void App::check_child() {
    int status = 0;
    if (::waitpid(child_, &status, WNOHANG) != child_) {
        child_timer_->arm_in(20);
        return;
    }
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    loop_.stop();
}

Result<void> App::run() {
    WEFT_ASSIGN(auto control, net::ControlServer::create(loop_, daemon_.unixctl(), "ovsdb-server"));
    WEFT_ASSIGN(auto metrics_server, daemon_.serve_metrics(loop_));
    server_ = std::make_unique<ovsdb::Server>(loop_);
    ovsdb::ServerLimits limits = arguments_.limits;
    limits.sessions = ovsdb::sessions_that_fit(limits.sessions);
    limits.unfinished_bytes = std::max(limits.unfinished_bytes, 2 * limits.request_bytes);
    server_->set_limits(limits);
    for (const std::string& file : arguments_.databases) WEFT_TRY(open_database(file));
    tls_ = std::make_unique<ovsdb::TlsColumns>(*server_, arguments_.tls);
    WEFT_TRY(tls_->apply());
    backup_ = std::make_unique<ovsdb::Backup>(loop_, *server_);
    WEFT_TRY(backup_->set_excluded(arguments_.sync_excluded));
    WEFT_TRY(backup_->set_active_server(arguments_.sync_from));
    remotes_ = std::make_unique<ovsdb::Remotes>(loop_, *server_);
    server_->on_taken_back = [this](ovsdb::ServedDatabase& database) { backup_->on_taken_back(database); };
    server_->on_change = [this](ovsdb::ServedDatabase& database, const ovsdb::ChangeSet& changes) {
        backup_->on_change(database, changes);
        remotes_->on_change(database, changes);
        transaction_log_.write(database, changes);
        if (tls_->concerns(database, changes)) follow_tls();
    };
    server_->on_session_end = [this](ovsdb::Session& session, const std::string& reason) {
        remotes_->on_session_end(session, reason);
    };
    for (const std::string& remote : arguments_.remotes) WEFT_TRY(remotes_->add(remote));
    remotes_->update();
    if (!arguments_.sync_from.empty() && !arguments_.active) backup_->connect();
    add_commands(*control);
    auto gauges = memory_gauges();
    metrics::Collector collector([this](metrics::Exposition& out) { ovsdb::collect_metrics(*server_, out); });
    auto interrupted = loop_.on_signal(SIGINT, [this] { loop_.stop(); });
    auto terminated = loop_.on_signal(SIGTERM, [this] { loop_.stop(); });
    if (!arguments_.run.empty()) WEFT_TRY(start_child());
    lg.info("ovsdb-server (Open vSwitch) {}", kOvsVersion);
    daemon_.ready();
    loop_.run();
    server_->flush();
    server_->on_change = nullptr;
    server_->on_session_end = nullptr;
    server_->on_taken_back = nullptr;
    remotes_.reset();
    backup_.reset();
    for (auto& [name, relay] : relays_) server_->remove_database(name);
    relays_.clear();
    server_.reset();
    return {};
}

Result<int> serve(int argc, char** argv) {
    Arguments arguments;
    net::DaemonOptions daemon("ovsdb-server");
    OptionTable table = options_for(arguments, daemon);
    WEFT_ASSIGN(arguments.databases, table.parse(std::vector<std::string>(argv + 1, argv + argc)));
    ProgramText text{"ovsdb-server",
                     "Open vSwitch database server",
                     "[OPTIONS] [DATABASE...]",
                     "Serves databases to OVSDB clients (RFC 7047).  Each DATABASE is a file, by default "
                     "DBDIR/conf.db, or "
                     "relay:NAME:REMOTE, a database of that name served by another server.",
                     {}};
    if (auto answer = arguments.questions.answer(text, table)) return std::fputs(answer->c_str(), stdout), 0;
    for (std::string& file : arguments.databases) {
        bool is_file = !ovsdb::Relay::is_description(file);
        if (is_file && !net::start_directory().empty())
            file = net::absolute_path(file, net::start_directory());
    }
    if (arguments.databases.empty() && !arguments.no_database) {
        arguments.databases.push_back(net::ovs_dbdir() + "/conf.db");
    }
    WEFT_TRY(daemon.start());
    App app(arguments, daemon);
    WEFT_TRY(app.run());
    return app.exit_code();
}

}  // namespace

int ovsdb_server(int argc, char** argv) {
    Result<int> result = serve(argc, argv);
    if (result) return *result;
    std::fprintf(stderr, "ovsdb-server: %s\n", result.error().message.c_str());
    return 1;
}

}  // namespace weft::apps
