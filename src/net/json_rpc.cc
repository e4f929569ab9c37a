#include "net/json_rpc.h"

#include <fmt/core.h>

#include <chrono>
#include <optional>

#include "base/clock.h"
#include "base/log.h"
#include "json/text.h"
#include "net/aside_parser.h"

namespace weft::net {

namespace {

log::Module lg("jsonrpc");
log::RateLimit bad_peer_limit(1, 5);

constexpr size_t kAlwaysTaken = 64 << 10;  // of a connection, also when the budget is used up
constexpr size_t kLongText = 64 << 10;     // is handed to the stream, not copied

bool parsing_aside = false;  // set_parsing_aside()

const char* type_name(Message::Type type) {
    switch (type) {
        case Message::Type::kRequest:
            return "request";
        case Message::Type::kNotification:
            return "notification";
        case Message::Type::kReply:
            return "reply";
        case Message::Type::kError:
            return "error";
    }
    return "";
}

// In the log an error is a reply, too.
const char* logged_name(Message::Type type) {
    return type == Message::Type::kError ? "reply" : type_name(type);
}

void log_message(const std::string& peer, const char* verb, const Message& message) {
    if (!lg.enabled(log::Level::kDbg)) return;
    std::string text = fmt::format("{}: {} {}", peer, verb, logged_name(message.type));
    auto add = [&](const char* name, const json::Value& value) {
        text += fmt::format(", {}={}", name, json::to_text(value));
    };
    switch (message.type) {
        case Message::Type::kRequest:
            add("method", message.method);
            if (message.params_text.empty()) {
                add("params", message.params);
            } else {
                text.append(", params=").append(message.params_text);
            }
            add("id", message.id);
            break;
        case Message::Type::kNotification:
            add("method", message.method);
            add("params", message.params);
            break;
        case Message::Type::kReply:
            add("result", message.result);
            add("id", message.id);
            break;
        case Message::Type::kError:
            add("error", message.error);
            add("id", message.id);
            break;
    }
    lg.dbg("{}", text);
}

}  // namespace

Message Message::request(std::string method, json::Value params, json::Value id) {
    return {Type::kRequest, std::move(method), std::move(params), {}, {}, std::move(id), {}};
}

Message Message::request_text(std::string method, std::string params, json::Value id) {
    return {Type::kRequest, std::move(method), {}, {}, {}, std::move(id), std::move(params)};
}

Message Message::notification(std::string method, json::Value params) {
    return {Type::kNotification, std::move(method), std::move(params), {}, {}, {}, {}};
}

Message Message::reply(json::Value result, json::Value id) {
    return {Type::kReply, {}, {}, std::move(result), {}, std::move(id), {}};
}

Message Message::failure(json::Value error, json::Value id) {
    return {Type::kError, {}, {}, {}, std::move(error), std::move(id), {}};
}

// RFC 7047, section 4.  Members that are null count as absent.
Result<Message> Message::from_json(json::Value value) {
    json::Object* object = value.as_object();
    if (!object) return Error{"message is not a JSON object"};
    Message message{};
    bool has_method = false, has_params = false, has_result = false, has_error = false, has_id = false;
    for (auto& [name, member] : *object) {
        bool present = !member.is_null();
        if (name == "method") {
            if (present && !member.is_string()) return Error{"method is not a JSON string"};
            if (present) message.method = std::move(*member.as_string());
            has_method = present;
        } else if (name == "params") {
            if (present && !member.is_array()) return Error{"\"params\" must be JSON array"};
            message.params = std::move(member);
            has_params = present;
        } else if (name == "result") {
            message.result = std::move(member);
            has_result = present;
        } else if (name == "error") {
            message.error = std::move(member);
            has_error = present;
        } else if (name == "id") {
            message.id = std::move(member);
            has_id = present;
        } else {
            return Error{fmt::format("message has unexpected member \"{}\"", name)};
        }
    }
    if (has_method) {
        message.type = has_id ? Type::kRequest : Type::kNotification;
    } else {
        message.type = has_error ? Type::kError : Type::kReply;
    }
    const char* type = type_name(message.type);
    if (has_method && !has_params) return Error{fmt::format("{} must have \"params\"", type)};
    if (!has_method && has_params) return Error{fmt::format("{} must not have \"params\"", type)};
    if (has_method && has_result) return Error{fmt::format("{} must not have \"result\"", type)};
    if (has_method && has_error) return Error{fmt::format("{} must not have \"error\"", type)};
    if (has_error && has_result) return Error{"error must not have \"result\""};
    if (!has_method && !has_id) return Error{fmt::format("{} must have \"id\"", type)};
    return message;
}

std::string Message::to_text() const {
    std::string out;
    if (!params_text.empty()) out.reserve(params_text.size() + 100);
    out += '{';
    auto member = [&](const char* name, const json::Value& value) {
        if (out.size() > 1) out += ',';
        out += '"';
        out += name;
        out += "\":";
        json::append_text(out, value);
    };
    switch (type) {
        case Type::kRequest:
        case Type::kNotification:
            member("id", id);
            out += ",\"method\":";
            json::append_string(out, method);
            if (params_text.empty()) {
                member("params", params);
            } else {
                out.append(",\"params\":").append(params_text);
            }
            break;
        case Type::kReply:
        case Type::kError:
            member("id", id);
            member("result", result);
            member("error", error);
            break;
    }
    out += '}';
    return out;
}

struct RpcConnection::Impl {
    Loop& loop;
    std::unique_ptr<Stream> stream;
    std::function<void(Message)> on_message;
    std::function<void(std::string)> on_close;
    std::function<bool(const json::View&)> on_view;
    std::shared_ptr<json::ViewReader> views;  // with on_view
    Limits limits;
    std::unique_ptr<Loop::Timer> next_turn;  // goes on with what had to wait
    json::Framer framer;
    size_t counted = 0;  // of the budget
    int64_t last_received_ms = clock::monotonic_ms();
    bool closed = false;
    bool waiting = false;  // what was read last is not all handed out
    bool stopped = false;  // by set_reading()
    bool ended = false;    // the stream has, and only what was read is left
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);
    std::string held;  // by send_text_later()
    bool may_parse_aside = false;
    std::optional<AsideParser> aside;  // once there was a long message

    explicit Impl(Loop& l) : loop(l) {}
    void read_stream();
    void wait();
    void go_on_later();
    // Keeps the budget.  False if it is used up and this connection has more than its share.
    bool count();
    void refuse(const std::string& why);
    // False if the connection is gone or closed.
    bool deliver(std::string& text);
    bool deliver(Result<json::Value> value);
    bool deliver(std::string_view text, const Result<json::View>& message);
    bool is_parser_full() const { return aside && aside->full(); }
    void write(std::string_view text);  // after what is held
    void close(std::string reason);
    void bad_peer(const std::string& what) {
        if (bad_peer_limit.pass(lg)) lg.warn("{}: {}", stream->name(), what);
        close(what);
    }
};

void RpcConnection::Impl::wait() {
    waiting = true;
    stream->set_reading(false);
}

void RpcConnection::Impl::go_on_later() {
    wait();
    // After what the stream has deferred to that turn.
    if (!next_turn) {
        next_turn = loop.timer([this] {
            loop.defer([this, still_alive = alive] {
                if (*still_alive) read_stream();
            });
        });
    }
    next_turn->arm_in(0);
}

bool RpcConnection::Impl::count() {
    if (!limits.budget) return true;
    size_t pending = framer.pending();
    limits.budget->used += pending - counted;
    counted = pending;
    return limits.budget->used <= limits.budget->max || pending <= kAlwaysTaken;
}

void RpcConnection::Impl::refuse(const std::string& why) {
    json::Object error;
    error.add("details", why);
    error.add("error", "resources exhausted");
    stream->write(Message::failure(std::move(error), "limit").to_text());
    bad_peer(why);
}

void RpcConnection::Impl::read_stream() {
    if (closed || stopped) return;
    if (is_parser_full()) return wait();
    if (stream->backlog() > limits.max_backlog) {
        // What the kernel takes at the end of this turn is seen in the next one; after that, the stream
        // tells.
        if (!waiting || next_turn->armed()) go_on_later();
        return;
    }
    bool left_over = std::exchange(waiting, false);
    if (left_over) stream->set_reading(true);
    auto start = std::chrono::steady_clock::now();
    auto out_of_time = [&] {
        return limits.turn_us != INT64_MAX &&
               std::chrono::steady_clock::now() - start >= std::chrono::microseconds(limits.turn_us);
    };
    std::string text;
    for (bool done = false; !done;) {
        if (!left_over && !ended) {
            std::string& input = framer.input();
            const size_t before = input.size();
            ended = !stream->read(input);
            if (input.size() > before) last_received_ms = clock::monotonic_ms();
        }
        while (true) {
            Result<bool> whole = framer.next(text);
            if (!whole && framer.too_large())
                return refuse(fmt::format("a message of more than {} bytes", limits.max_message));
            if (!whole) return bad_peer("error parsing stream: " + whole.error().message);
            if (!*whole) break;
            if (!deliver(text)) return;
            bool stops = stopped || is_parser_full();
            if (stops || stream->backlog() > limits.max_backlog || out_of_time()) {
                (void)count();
                return stops ? wait() : go_on_later();
            }
        }
        if (!count()) {
            return refuse(fmt::format("the unfinished messages of all clients take more than {} bytes",
                                      limits.budget->max));
        }
        done = !std::exchange(left_over, false);
    }
    if (ended && (!aside || aside->empty())) close(stream->error());
}

bool RpcConnection::Impl::deliver(std::string& text) {
    if (may_parse_aside && parsing_aside && !aside) {
        aside.emplace(loop, [this](std::string_view read, const Result<json::View>& message) {
            if (!closed && deliver(read, message) && ((waiting && !stopped) || ended)) go_on_later();
        });
    }
    if (aside && (parsing_aside || !aside->empty()) && aside->take(text)) return true;
    if (!on_view) return deliver(json::parse(text));
    const bool goes_on = deliver(text, views->read_in_place(text));
    if (goes_on) views->shrink();
    return goes_on;
}

// The owner may take the message as it is; the error of one that is damaged is told by json::parse().
bool RpcConnection::Impl::deliver(std::string_view text, const Result<json::View>& message) {
    if (!message) return deliver(json::parse(text));
    if (on_view && !lg.enabled(log::Level::kDbg)) {  // that log shows whole messages
        // The callback may destroy the connection, and with it itself.
        std::shared_ptr<bool> still_alive = alive;
        std::function<bool(const json::View&)> callback = on_view;
        const bool taken = callback(*message);
        if (!*still_alive || closed) return false;
        if (taken) return true;
    }
    return deliver(message->to_value());
}

bool RpcConnection::Impl::deliver(Result<json::Value> value) {
    if (!value) {
        bad_peer("error parsing stream: " + value.error().message);
        return false;
    }
    Result<Message> message = Message::from_json(*std::move(value));
    if (!message) {
        bad_peer("received bad JSON-RPC message: " + message.error().message);
        return false;
    }
    log_message(stream->name(), "received", *message);
    if (message->type == Message::Type::kRequest && message->method == "echo") {
        Message reply = Message::reply(std::move(message->params), std::move(message->id));
        log_message(stream->name(), "send", reply);
        write(reply.to_text());
        return true;
    }
    // As above.
    std::shared_ptr<bool> still_alive = alive;
    std::function<void(Message)> callback = on_message;
    callback(*std::move(message));
    return *still_alive && !closed;
}

void RpcConnection::Impl::write(std::string_view text) {
    if (!held.empty()) stream->write(std::exchange(held, {}));
    if (!text.empty()) stream->write(text);
}

void RpcConnection::Impl::close(std::string reason) {
    if (std::exchange(closed, true)) return;
    std::function<void(std::string)> callback = on_close;
    if (callback) callback(std::move(reason));
}

RpcConnection::RpcConnection(Loop& loop, std::unique_ptr<Stream> stream,
                             std::function<void(Message)> on_message,
                             std::function<void(std::string reason)> on_close)
    : impl_(std::make_unique<Impl>(loop)) {
    impl_->stream = std::move(stream);
    impl_->on_message = std::move(on_message);
    impl_->on_close = std::move(on_close);
    impl_->stream->set_on_ready([impl = impl_.get()] { impl->read_stream(); });
}

RpcConnection::~RpcConnection() {
    send_held();
    *impl_->alive = false;
    if (impl_->limits.budget) impl_->limits.budget->used -= impl_->counted;
}

void RpcConnection::set_on_view(std::function<bool(const json::View&)> on_view) {
    impl_->on_view = std::move(on_view);
    impl_->views = std::make_shared<json::ViewReader>();
}

void RpcConnection::set_limits(Limits limits) {
    if (impl_->limits.budget) impl_->limits.budget->used -= impl_->counted;
    impl_->counted = 0;
    impl_->limits = std::move(limits);
    impl_->framer.set_max_size(impl_->limits.max_message);
}

void set_parsing_aside(bool aside) {
    parsing_aside = aside;
}

void RpcConnection::allow_parsing_aside() {
    impl_->may_parse_aside = true;
}

void RpcConnection::set_reading(bool reading) {
    if (impl_->closed || impl_->stopped == !reading) return;
    impl_->stopped = !reading;
    if (reading) {
        impl_->go_on_later();
    } else {
        impl_->wait();
    }
}

void RpcConnection::send(const Message& message) {
    if (impl_->closed) return;
    log_message(name(), "send", message);
    std::string text = message.to_text();
    if (text.size() < kLongText) return impl_->write(text);
    send_shared(std::make_shared<const std::string>(std::move(text)));
}

void RpcConnection::send_text(std::string_view text) {
    if (!impl_->closed) impl_->write(text);
}

void RpcConnection::send_text_later(std::string_view text) {
    if (!impl_->closed) impl_->held += text;
}

void RpcConnection::send_held() {
    if (!impl_->closed) impl_->write({});
}

void RpcConnection::send_shared(std::shared_ptr<const std::string> text) {
    if (impl_->closed) return;
    impl_->write({});
    impl_->stream->write_shared(std::move(text));
}

uint64_t RpcConnection::sent() const {
    return impl_->stream->sent();
}

size_t RpcConnection::unread() const {
    return impl_->framer.pending();
}

std::string RpcConnection::peer_id() const {
    return impl_->stream->peer_id();
}

size_t RpcConnection::backlog() const {
    return impl_->stream->backlog() + impl_->held.size();
}

const std::string& RpcConnection::name() const {
    return impl_->stream->name();
}

int64_t RpcConnection::last_received_ms() const {
    return impl_->last_received_ms;
}

}  // namespace weft::net
