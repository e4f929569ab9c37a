#include "cli/ovsdb_client/client.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "cli/ctl/daemon.h"
#include "json/text.h"
#include "net/directories.h"

namespace weft::cli {

namespace {

std::vector<std::string> split(const std::string& servers) {
    std::vector<std::string> out;
    for (size_t at = 0; at <= servers.size();) {
        size_t comma = std::min(servers.find(',', at), servers.size());
        if (comma > at) out.push_back(servers.substr(at, comma - at));
        at = comma + 1;
    }
    return out;
}

bool is_answer(const net::Message& message) {
    return message.type == net::Message::Type::kReply || message.type == net::Message::Type::kError;
}

}  // namespace

Result<std::unique_ptr<Client>> Client::connect(const std::string& server, int64_t timeout_ms) {
    std::unique_ptr<Client> client(new Client);
    Client* raw = client.get();
    raw->server_ = server;
    raw->deadline_ms_ = timeout_ms ? clock::monotonic_ms() + timeout_ms : 0;
    net::RpcSession::Options options;
    options.remotes = split(server);
    options.probe_interval_ms = 0;
    options.shuffle_remotes = true;
    options.give_up_at_first_failure = true;
    net::RpcSession::Handler handler;
    handler.on_message = [raw](net::Message message) { raw->received(std::move(message)); };
    handler.on_disconnected = [raw](std::string reason) {
        raw->closed_ = std::move(reason);
        raw->ended_ = true;
    };
    raw->session_ = std::make_unique<net::RpcSession>(raw->loop_, std::move(options), std::move(handler));
    while (!raw->session_->connected()) {
        raw->wait();
        if (raw->ended_) return Error{fmt::format("failed to connect to \"{}\" ({})", server, raw->closed_)};
    }
    return client;
}

void Client::received(net::Message message) {
    if (!is_answer(message)) return notifications_.push_back(std::move(message));
    auto asked = message.id.as_integer() ? asked_.find(*message.id.as_integer()) : asked_.end();
    if (asked == asked_.end()) return replies_.push_back(std::move(message));
    auto on_reply = std::move(asked->second);
    asked_.erase(asked);
    on_reply(message);
}

void Client::wait() {
    int64_t left = deadline_ms_ ? deadline_ms_ - clock::monotonic_ms() : 1000;
    if (left <= 0) end_by_alarm();
    loop_.run_once(std::min<int64_t>(left, 1000));
}

Error Client::lost() const {
    return Error{fmt::format("{}: connection lost ({})", server_, closed_.empty() ? "End of file" : closed_)};
}

Result<net::Message> Client::ask(const std::string& method, json::Array params) {
    int64_t id = next_id_++;
    session_->send(net::Message::request(method, std::move(params), id));
    for (;;) {
        while (!replies_.empty()) {
            net::Message reply = std::move(replies_.front());
            replies_.pop_front();
            if (reply.id.as_integer() && *reply.id.as_integer() == id) return reply;
            // Of no request: why the server is about to close the connection.
            if (!reply.id.as_integer()) return Error{json::to_text(reply.error)};
        }
        if (ended_) return lost();
        wait();
    }
}

Result<json::Value> Client::request(const std::string& method, json::Array params) {
    WEFT_ASSIGN(net::Message reply, ask(method, std::move(params)));
    if (reply.type == net::Message::Type::kReply) return std::move(reply.result);
    return Error{json::to_text(reply.error)};
}

void Client::send(const std::string& method, json::Array params,
                  std::function<void(const net::Message& reply)> on_reply) {
    int64_t id = next_id_++;
    asked_[id] = std::move(on_reply);
    session_->send(net::Message::request(method, std::move(params), id));
}

Result<net::Message> Client::next_notification() {
    for (;;) {
        if (!notifications_.empty()) {
            net::Message message = std::move(notifications_.front());
            notifications_.pop_front();
            return message;
        }
        if (stopped_) return Error{"stopped"};
        if (ended_) return lost();
        wait();
    }
}

Result<std::shared_ptr<const ovsdb::DatabaseSchema>> Client::schema(const std::string& database) {
    WEFT_ASSIGN(json::Value json, request("get_schema", json::Array{database}));
    auto schema = ovsdb::DatabaseSchema::from_json(json);
    if (!schema) return schema.error();
    return *std::move(schema);
}

}  // namespace weft::cli
