#include "net/control_server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/log.h"
#include "base/version.h"
#include "net/common_commands.h"
#include "net/directories.h"
#include "net/json_rpc.h"
#include "net/stream.h"

namespace weft::net {

namespace {

log::Module lg("unixctl");

struct Command {
    std::string usage;
    int min_args, max_args;
    ControlServer::DeferredHandler handler;
};

struct Client {
    std::unique_ptr<RpcConnection> connection;
};

// Answers one request; the client may be gone by then.
class Reply : public ControlReply {
  public:
    Reply(std::weak_ptr<Client> client, json::Value id) : client_(std::move(client)), id_(std::move(id)) {}

    void success(std::string text) override { send(Message::reply(end_line(std::move(text)), id_)); }
    void failure(std::string text) override { send(Message::failure(end_line(std::move(text)), id_)); }

  private:
    static json::Value end_line(std::string text) {
        if (!text.empty() && text.back() != '\n') text += '\n';
        return text;
    }
    void send(const Message& message) {
        auto client = client_.lock();
        if (client && client->connection) client->connection->send(message);
        client_.reset();
    }

    std::weak_ptr<Client> client_;
    json::Value id_;
};

}  // namespace

struct ControlServer::Impl {
    Loop* loop;
    std::string path, program;
    std::unique_ptr<Listener> listener;
    std::map<std::string, Command, std::less<>> commands;
    std::vector<std::shared_ptr<Client>> clients;
    std::unique_ptr<Loop::Timer> sampler;

    void accept(std::unique_ptr<Stream> stream) {
        auto client = std::make_shared<Client>();
        std::weak_ptr<Client> weak = client;
        client->connection = std::make_unique<RpcConnection>(
            *loop, std::move(stream), [this, weak](Message message) { serve(weak, std::move(message)); },
            [this, weak](const std::string&) {
                std::erase_if(clients, [&](const auto& each) { return each == weak.lock(); });
            });
        client->connection->set_on_view(
            [this, weak](const json::View& message) { return serve(weak, message); });
        clients.push_back(std::move(client));
    }

    void serve(const std::weak_ptr<Client>& client, Message message) {
        if (message.type != Message::Type::kRequest) return;
        auto reply = std::make_shared<Reply>(client, message.id);
        Arguments arguments;
        const json::Array* params = message.params.as_array();
        for (const json::Value& param : params ? *params : json::Array()) {
            const std::string* word = param.as_string();
            if (!word) return reply->failure("command has non-string argument");
            arguments.push_back(*word);
        }
        run(message.method, arguments, std::move(reply));
    }

    // The same for a request as all are: tests and scripts send very many.  False: it is not one.
    bool serve(const std::weak_ptr<Client>& client, const json::View& message) {
        std::optional<std::string_view> method;
        std::optional<json::View::Elements> params;
        json::View id;
        size_t members = 0;
        for (const auto& [name, value] : message.members()) {
            if (name == "method") {
                method = value.as_string();
            } else if (name == "params") {
                params = value.as_array();
            } else if (name == "id") {
                id = value;
            }
            ++members;
        }
        if (members != 3 || !method || !params || id.is_null() || *method == "echo") return false;
        Arguments arguments;
        arguments.reserve(params->size_hint());
        for (const json::View& param : *params) {
            std::optional<std::string_view> word = param.as_string();
            if (!word) return false;
            arguments.emplace_back(*word);
        }
        run(*method, arguments, std::make_shared<Reply>(client, id.to_value()));
        return true;
    }

    void run(std::string_view method, const Arguments& arguments, std::shared_ptr<Reply> reply) {
        lg.dbg("received request {}[{}]", method, fmt::join(arguments, ", "));
        auto it = commands.find(method);
        if (it == commands.end()) {
            return reply->failure(fmt::format(
                "\"{}\" is not a valid command (use \"list-commands\" to see a list of valid commands)",
                method));
        }
        const Command& command = it->second;
        int count = static_cast<int>(arguments.size());
        if (count < command.min_args) {
            return reply->failure(
                fmt::format("\"{}\" command requires at least {} arguments", method, command.min_args));
        }
        if (command.max_args >= 0 && count > command.max_args) {
            return reply->failure(
                fmt::format("\"{}\" command takes at most {} arguments", method, command.max_args));
        }
        command.handler(arguments, std::move(reply));
    }
};

ControlServer::ControlServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ControlServer::~ControlServer() = default;

Result<std::unique_ptr<ControlServer>> ControlServer::create(Loop& loop, std::string path,
                                                             std::string program) {
    auto impl = std::make_unique<Impl>();
    impl->loop = &loop;
    impl->program = program;
    std::unique_ptr<ControlServer> server(new ControlServer(std::move(impl)));
    Impl* self = server->impl_.get();
    if (path != "none") {
        std::string rundir = rundir_of(program);
        self->path = absolute_path(path.empty() ? fmt::format("{}.{}.ctl", program, getpid()) : path, rundir);
        WEFT_ASSIGN(self->listener,
                    listen(loop, "punix:" + self->path,
                           [self](std::unique_ptr<Stream> stream) { self->accept(std::move(stream)); }));
    }
    server->add("version", "", 0, 0,
                [program](const Arguments&) -> Result<std::string> { return version_line(program); });
    server->add("list-commands", "", 0, 0,
                [raw = server.get()](const Arguments&) -> Result<std::string> { return raw->list("", 23); });
    add_log_commands(*server);
    self->sampler = add_metrics_commands(*server, loop);
    return server;
}

void ControlServer::add(std::string name, std::string usage, int min_args, int max_args, Handler handler) {
    add_deferred(
        std::move(name), std::move(usage), min_args, max_args,
        [handler = std::move(handler)](const Arguments& arguments, std::shared_ptr<ControlReply> reply) {
            Result<std::string> result = handler(arguments);
            result ? reply->success(std::move(*result)) : reply->failure(result.message());
        });
}

void ControlServer::add_deferred(std::string name, std::string usage, int min_args, int max_args,
                                 DeferredHandler handler) {
    impl_->commands[std::move(name)] = {std::move(usage), min_args, max_args, std::move(handler)};
}

std::string ControlServer::list(std::string_view prefix, int columns) const {
    std::string text = "The available commands are:\n";
    for (const auto& [name, command] : impl_->commands) {
        if (name.starts_with(prefix)) text += fmt::format("  {:<{}} {}\n", name, columns, command.usage);
    }
    return text;
}

const std::string& ControlServer::path() const {
    return impl_->path;
}

}  // namespace weft::net
