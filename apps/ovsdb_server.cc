// ovsdb-server(1).

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/options.h"
#include "base/version.h"
#include "net/control_server.h"
#include "net/daemon.h"
#include "net/directories.h"
#include "net/loop.h"
#include "net/stream.h"
#include "ovsdb/server/remotes.h"
#include "ovsdb/server/server.h"
#include "ovsdb/storage/log_file.h"

namespace weft::apps {

namespace {

log::Module lg("ovsdb_server");

struct Arguments {
    std::vector<std::string> remotes, databases;
    std::string run;
    net::TlsConfig tls;  // values may be db:DB,TABLE,COLUMN
    bool no_database = false, column_diff = true, help = false, version = false;
};

OptionTable options_for(Arguments& a, net::DaemonOptions& daemon) {
    OptionTable table;
    auto text = [&](std::string name, char letter, std::string what, std::string help, std::string& out) {
        table.add(std::move(name), letter, std::move(what), std::move(help), [&out](std::string_view v) {
            out = v;
            return Result<void>();
        });
    };
    auto flag = [&](std::string name, char letter, std::string help, bool& out, bool value) {
        table.add(std::move(name), letter, "", std::move(help), [&out, value](std::string_view) {
            out = value;
            return Result<void>();
        });
    };
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
    table.section("PKI configuration (required to use SSL)");
    text("private-key", 'p', "FILE", "File with the private key.", a.tls.private_key);
    text("certificate", 'c', "FILE", "File with the certificate for the private key.", a.tls.certificate);
    text("ca-cert", 'C', "FILE", "File with the peer's CA certificate.", a.tls.ca_cert);
    table.add("bootstrap-ca-cert", 0, "FILE", "File with the peer's CA certificate, to be read or created.",
              [&a](std::string_view v) {
                  a.tls.ca_cert = v;
                  a.tls.bootstrap_ca_cert = true;
                  return Result<void>();
              });
    text("peer-ca-cert", 0, "FILE", "File with CA certificates to send to peers.", a.tls.peer_ca_cert);
    text("ssl-protocols", 0, "PROTOS", "List of SSL protocols to enable.", a.tls.protocols);
    text("ssl-ciphers", 0, "CIPHERS", "List of SSL ciphers to enable.", a.tls.ciphers);
    text("ssl-server-name", 0, "NAME", "Name to ask peers for.", a.tls.server_name);
    table.section("Syncing options");
    refused("sync-from", "SERVER", "active-backup replication does not exist yet");
    refused("sync-exclude-tables", "DB:TABLE,...", "active-backup replication does not exist yet");
    table.add("active", 0, "", "Start in the active mode, which is the only one.",
              [](std::string_view) { return Result<void>(); });
    table.section("Other options");
    text("run", 0, "COMMAND", "Run COMMAND as a subprocess, then exit.", a.run);
    flag("no-db", 0, "Serve no database but _Server.", a.no_database, true);
    refused("config-file", "FILE", "give databases and remotes on the command line");
    flag("disable-file-column-diff", 0, "Write whole columns, not differences, to the database file.",
         a.column_diff, false);
    flag("help", 'h', "Show this text.", a.help, true);
    flag("version", 'V', "Show the version.", a.version, true);
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
    Result<void> open_database(const std::string& file);
    void apply_tls();
    void add_commands(net::ControlServer& control);
    void add_remote_commands(net::ControlServer& control);
    void add_database_commands(net::ControlServer& control);
    Result<void> start_child();
    void check_child();

    Arguments& arguments_;
    net::DaemonOptions& daemon_;
    net::Loop loop_;
    std::unique_ptr<ovsdb::Server> server_;
    std::unique_ptr<ovsdb::Remotes> remotes_;
    net::TlsConfig applied_tls_;
    std::unique_ptr<net::Loop::Timer> child_timer_;
    pid_t child_ = 0;
    int exit_code_ = 0;
};

Result<void> App::open_database(const std::string& file) {
    auto opened = ovsdb::LogFile::open(file, ovsdb::LogFile::Mode::kReadWrite);
    if (!opened) return Error{"I/O error: " + opened.error().message};
    if (!opened->warning.empty()) lg.warn("{}", opened->warning);
    opened->log->set_diffs(arguments_.column_diff);
    std::string name = opened->database->schema().name;
    if (!server_->add_database(std::move(opened->database), std::move(opened->log))) {
        return Error{fmt::format("ovsdb error: {}: duplicate database name", name)};
    }
    return {};
}

void App::apply_tls() {
    net::TlsConfig config = arguments_.tls;
    for (std::string* value :
         {&config.private_key, &config.certificate, &config.ca_cert, &config.peer_ca_cert, &config.protocols,
          &config.ciphers, &config.server_name}) {
        if (!value->starts_with("db:")) continue;
        auto name = ovsdb::parse_column_name(*value);
        auto text = name ? ovsdb::read_string_column(*server_, *name) : Result<std::string>(name.error());
        if (!text) lg.err("{}", text.error().message);
        *value = text ? *text : std::string();
    }
    auto key = [](const net::TlsConfig& c) {
        return c.private_key + '\n' + c.certificate + '\n' + c.ca_cert + '\n' + c.peer_ca_cert + '\n' +
               c.protocols + '\n' + c.ciphers + '\n' + c.server_name;
    };
    if (key(config) == key(applied_tls_)) return;
    applied_tls_ = config;
    net::set_tls_config(std::move(config));
}

void App::add_remote_commands(net::ControlServer& control) {
    using Words = net::ControlServer::Arguments;
    control.add("ovsdb-server/add-remote", "REMOTE", 1, 1, [this](const Words& words) -> Result<std::string> {
        if (remotes_->configured().count(words[0]))
            return Error{fmt::format("remote {} exists already", words[0])};
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
        server_->reconnect_all();
        return std::string();
    });
}

void App::add_database_commands(net::ControlServer& control) {
    using Words = net::ControlServer::Arguments;
    control.add("ovsdb-server/add-db", "DB", 1, 1, [this](const Words& words) -> Result<std::string> {
        WEFT_TRY(open_database(words[0]));
        remotes_->update();
        return std::string();
    });
    control.add("ovsdb-server/remove-db", "DB", 1, 1, [this](const Words& words) -> Result<std::string> {
        if (words[0] == "_Server") return Error{"Cannot remove this database."};
        if (!server_->remove_database(words[0])) return Error{"Failed to find the database."};
        remotes_->update();
        return std::string();
    });
    control.add("ovsdb-server/list-dbs", "", 0, 0, [this](const Words&) -> Result<std::string> {
        std::string out;
        for (const std::string& name : server_->database_names()) out += name + "\n";
        return out;
    });
    control.add("ovsdb-server/compact", "", 0, 1, [this](const Words& words) -> Result<std::string> {
        for (const std::string& name : server_->database_names()) {
            if (words.empty() ? name == "_Server" : name != words[0]) continue;
            WEFT_TRY(server_->compact(*server_->find_database(name), "compacted by ovsdb-server"));
            if (!words.empty()) return std::string();
        }
        if (!words.empty()) return Error{"not a known database"};
        return std::string();
    });
    control.add("ovsdb-server/sync-status", "", 0, 0,
                [](const Words&) { return Result<std::string>("state: active\n"); });
    control.add("ovsdb-server/memory-trim-on-compaction", "on|off", 1, 1,
                [](const Words& words) -> Result<std::string> {
                    if (words[0] != "on" && words[0] != "off") return Error{"invalid argument"};
                    return std::string();
                });
    for (const char* name :
         {"ovsdb-server/set-active-ovsdb-server", "ovsdb-server/connect-active-ovsdb-server",
          "ovsdb-server/disconnect-active-ovsdb-server", "ovsdb-server/set-sync-exclude-tables"}) {
        control.add(name, "", 0, 1, [](const Words&) -> Result<std::string> {
            return Error{"active-backup replication is not supported"};
        });
    }
}

void App::add_commands(net::ControlServer& control) {
    control.add("exit", "", 0, 1, [this](const net::ControlServer::Arguments&) {
        loop_.stop();
        return Result<std::string>("");
    });
    control.add("ovsdb-server/perf-counters-show", "", 0, 0, [](const net::ControlServer::Arguments&) {
        return Result<std::string>(metrics::coverage());
    });
    add_remote_commands(control);
    add_database_commands(control);
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
    server_ = std::make_unique<ovsdb::Server>(loop_);
    for (const std::string& file : arguments_.databases) WEFT_TRY(open_database(file));
    apply_tls();
    remotes_ = std::make_unique<ovsdb::Remotes>(loop_, *server_);
    server_->on_change = [this](ovsdb::ServedDatabase& database, const ovsdb::ChangeSet& changes) {
        remotes_->on_change(database, changes);
        for (const ovsdb::TableChange& table : changes.tables) {
            if (table.table->name == "SSL") apply_tls();
        }
    };
    server_->on_session_end = [this](ovsdb::Session& session) { remotes_->on_session_end(session); };
    for (const std::string& remote : arguments_.remotes) WEFT_TRY(remotes_->add(remote));
    remotes_->update();
    add_commands(*control);
    metrics::Gauge cells("sessions", [this] { return static_cast<int64_t>(server_->sessions().size()); });
    metrics::Gauge triggers("triggers", [this] { return server_->triggers(); });
    auto interrupted = loop_.on_signal(SIGINT, [this] { loop_.stop(); });
    auto terminated = loop_.on_signal(SIGTERM, [this] { loop_.stop(); });
    if (!arguments_.run.empty()) WEFT_TRY(start_child());
    lg.info("ovsdb-server (Open vSwitch) {}", kOvsVersion);
    daemon_.ready();
    loop_.run();
    server_->flush();
    server_->on_change = nullptr;
    server_->on_session_end = nullptr;
    remotes_.reset();
    server_.reset();
    return {};
}

Result<int> serve(int argc, char** argv) {
    Arguments arguments;
    net::DaemonOptions daemon("ovsdb-server");
    OptionTable table = options_for(arguments, daemon);
    WEFT_ASSIGN(arguments.databases, table.parse(std::vector<std::string>(argv + 1, argv + argc)));
    if (arguments.help) {
        ProgramText text{
            "ovsdb-server",
            "Open vSwitch database server",
            "[OPTIONS] [DATABASE...]",
            "Serves the database files DATABASE, by default DBDIR/conf.db, to OVSDB clients (RFC 7047).",
            {}};
        std::fputs(help_page(text, table).c_str(), stdout);
        return 0;
    }
    if (arguments.version) {
        std::fputs(version_text("ovsdb-server").c_str(), stdout);
        return 0;
    }
    for (std::string& file : arguments.databases) {
        if (file.starts_with("relay:")) return Error{file + ": relay mode is not supported"};
        // The daemon leaves this directory.
        if (!file.starts_with('/')) {
            if (char* cwd = ::getcwd(nullptr, 0)) {
                file = std::string(cwd) + "/" + file;
                std::free(cwd);
            }
        }
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
