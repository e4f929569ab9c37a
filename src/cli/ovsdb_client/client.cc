#include "cli/ovsdb_client/client.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "json/text.h"

namespace weft::cli {

Result<std::unique_ptr<Client>> Client::connect(const std::string& server, int64_t timeout_ms) {
    std::unique_ptr<Client> client(new Client);
    Client* raw = client.get();
    raw->server_ = server;
    raw->deadline_ms_ = timeout_ms ? clock::monotonic_ms() + timeout_ms : 0;
    net::RpcSession::Options options;
    options.remotes = {server};
    options.probe_interval_ms = 0;
    options.give_up_at_first_failure = true;
    net::RpcSession::Handler handler;
    handler.on_message = [raw](net::Message message) {
        bool answer =
            message.type == net::Message::Type::kReply || message.type == net::Message::Type::kError;
        (answer ? raw->replies_ : raw->notifications_).push_back(std::move(message));
    };
    handler.on_disconnected = [raw](std::string reason) {
        raw->closed_ = std::move(reason);
        raw->ended_ = true;
    };
    raw->session_ = std::make_unique<net::RpcSession>(raw->loop_, std::move(options), std::move(handler));
    while (!raw->session_->connected()) {
        WEFT_TRY(raw->wait());
        if (raw->ended_) return Error{fmt::format("failed to connect to \"{}\" ({})", server, raw->closed_)};
    }
    return client;
}

Result<void> Client::wait() {
    int64_t left = deadline_ms_ ? deadline_ms_ - clock::monotonic_ms() : 1000;
    if (left <= 0) return Error{fmt::format("{}: no answer within the --timeout given", server_)};
    loop_.run_once(std::min<int64_t>(left, 1000));
    return {};
}

Result<json::Value> Client::request(const std::string& method, json::Array params) {
    int64_t id = next_id_++;
    session_->send(net::Message::request(method, std::move(params), id));
    for (;;) {
        while (!replies_.empty()) {
            net::Message reply = std::move(replies_.front());
            replies_.pop_front();
            if (!reply.id.as_integer() || *reply.id.as_integer() != id) continue;
            if (reply.type == net::Message::Type::kReply) return std::move(reply.result);
            return Error{json::to_text(reply.error)};
        }
        if (ended_)
            return Error{
                fmt::format("{}: connection lost ({})", server_, closed_.empty() ? "End of file" : closed_)};
        WEFT_TRY(wait());
    }
}

std::optional<net::Message> Client::take_notification() {
    if (notifications_.empty()) return std::nullopt;
    net::Message message = std::move(notifications_.front());
    notifications_.pop_front();
    return message;
}

Result<net::Message> Client::next_notification() {
    for (;;) {
        if (auto message = take_notification()) return *std::move(message);
        if (ended_)
            return Error{
                fmt::format("{}: connection lost ({})", server_, closed_.empty() ? "End of file" : closed_)};
        WEFT_TRY(wait());
    }
}

Result<std::shared_ptr<const ovsdb::DatabaseSchema>> Client::schema(const std::string& database) {
    WEFT_ASSIGN(json::Value json, request("get_schema", json::Array{database}));
    auto schema = ovsdb::DatabaseSchema::from_json(json);
    if (!schema) return schema.error();
    return *std::move(schema);
}

}  // namespace weft::cli
