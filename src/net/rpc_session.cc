#include "base/clock.h"
#include "net/connector.h"
#include "net/json_rpc.h"

namespace weft::net {

struct RpcSession::Impl {
    Loop& loop;
    Handler handler;
    std::unique_ptr<RpcConnection> connection;
    std::unique_ptr<Connector> connector;

    Impl(Loop& l, Options o, Handler h) : loop(l), handler(std::move(h)) {
        Connector::Handler events;
        events.on_connected = [this](std::unique_ptr<Stream> stream) { up(std::move(stream)); };
        events.on_probe = [this] { connection->send(Message::request("echo", json::Array{}, "echo")); };
        events.on_drop = [this](std::string reason) { end(std::move(reason)); };
        events.last_received_ms = [this] { return connection ? connection->last_received_ms() : 0; };
        events.on_gave_up = [this](std::string reason) { tell(std::move(reason)); };
        connector = std::make_unique<Connector>(loop, std::move(o), std::move(events));
    }

    void up(std::unique_ptr<Stream> stream) {
        connection = std::make_unique<RpcConnection>(
            loop, std::move(stream), [this](Message message) { received(std::move(message)); },
            [this](std::string reason) { end(std::move(reason)); });
        if (handler.on_view) connection->set_on_view(handler.on_view);
        connection->allow_parsing_aside();
        if (handler.on_connected) std::function<void()>(handler.on_connected)();
    }
    void received(Message message) {
        bool probe_reply = message.type == Message::Type::kReply && message.id == json::Value("echo");
        if (probe_reply || !handler.on_message) return;
        std::function<void(Message)>(handler.on_message)(std::move(message));
    }
    void end(std::string reason) {
        connector->ended(reason);
        connection.reset();
        tell(reason.empty() ? "connection closed by peer" : std::move(reason));
    }
    // The session may be gone afterwards.
    void tell(std::string reason) {
        if (handler.on_disconnected)
            std::function<void(std::string)>(handler.on_disconnected)(std::move(reason));
    }
};

RpcSession::RpcSession(Loop& loop, Options options, Handler handler)
    : impl_(std::make_unique<Impl>(loop, std::move(options), std::move(handler))) {}

RpcSession::~RpcSession() = default;

bool RpcSession::connected() const {
    return impl_->connection != nullptr;
}

bool RpcSession::gave_up() const {
    return impl_->connector->gave_up();
}

const std::string& RpcSession::remote() const {
    return impl_->connector->remote();
}

const std::string& RpcSession::last_error() const {
    return impl_->connector->last_error();
}

void RpcSession::send(const Message& message) {
    if (impl_->connection) impl_->connection->send(message);
}

size_t RpcSession::backlog() const {
    return impl_->connection ? impl_->connection->backlog() : 0;
}

void RpcSession::set_remotes(std::vector<std::string> remotes) {
    impl_->connector->set_remotes(std::move(remotes));
}

void RpcSession::set_probe_interval(int64_t ms) {
    impl_->connector->set_probe_interval(ms);
}

void RpcSession::reconnect() {
    impl_->connector->reconnect();
}

std::string RpcSession::status() const {
    return connected() ? "connected" : "not connected";
}

}  // namespace weft::net
