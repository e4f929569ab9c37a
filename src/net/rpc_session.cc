#include <algorithm>
#include <random>

#include "base/clock.h"
#include "base/log.h"
#include "net/json_rpc.h"
#include "net/reconnect.h"

namespace weft::net {

namespace {

log::Module lg("reconnect");

Reconnect::Settings settings_of(const RpcSession::Options& options) {
    return {options.min_backoff_ms, options.max_backoff_ms, options.probe_interval_ms};
}

void shuffle(std::vector<std::string>& remotes) {
    static std::mt19937 random(std::random_device{}());
    std::shuffle(remotes.begin(), remotes.end(), random);
}

}  // namespace

struct RpcSession::Impl {
    Loop& loop;
    Options options;
    Handler handler;
    Reconnect reconnect;
    size_t next_remote = 0;
    size_t failures = 0;  // attempts since the last success
    std::string remote;   // the one being tried or connected to
    std::string last_error;
    bool gave_up = false;
    std::unique_ptr<Loop::Timer> timer;
    std::unique_ptr<Listener> listener;  // of a passive remote
    std::unique_ptr<Stream> attempt;     // until it is connected
    std::unique_ptr<RpcConnection> connection;
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);

    Impl(Loop& l, Options o, Handler h)
        : loop(l), options(std::move(o)), handler(std::move(h)), reconnect(settings_of(options)) {
        if (options.shuffle_remotes) shuffle(options.remotes);
        timer = loop.timer([this] { run(); });
        if (!options.remotes.empty()) reconnect.enable(clock::monotonic_ms());
        schedule();
    }
    ~Impl() { *alive = false; }

    void schedule();
    void run();
    void start_attempt();
    void attempt_ready();
    void up(std::unique_ptr<Stream> stream);
    void received(Message message);
    void end(const std::string& reason);
    void drop();
    bool quiet = false;  // the back-off is at its longest: no more lines for each attempt
    template <typename... Args>
    void routine(fmt::format_string<Args...> format, Args&&... args) {
        lg.log(quiet ? log::Level::kDbg : log::Level::kInfo, format, std::forward<Args>(args)...);
    }
};

void RpcSession::Impl::schedule() {
    if (std::optional<int64_t> due = reconnect.deadline()) {
        timer->arm_at(*due);
    } else {
        timer->disarm();
    }
}

void RpcSession::Impl::run() {
    int64_t now = clock::monotonic_ms();
    // What was received counts when somebody asks, not for every message.
    if (connection) reconnect.received(connection->last_received_ms());
    bool was_probing = reconnect.state() == Reconnect::State::kProbing;
    switch (reconnect.run(now)) {
        case Reconnect::Action::kNone:
            break;
        case Reconnect::Action::kConnect:
            return start_attempt();
        case Reconnect::Action::kProbe:
            lg.dbg("{}: idle, sending inactivity probe", remote);
            connection->send(Message::request("echo", json::Array{}, "echo"));
            break;
        case Reconnect::Action::kDisconnect:
            if (was_probing && connection) {
                lg.err("{}: no response to inactivity probe after {:.3g} seconds, disconnecting", remote,
                       static_cast<double>(now - connection->last_received_ms()) / 1000);
                return end("no response to inactivity probe");
            }
            if (attempt) {
                routine("{}: connection attempt timed out", remote);
                return end("connection attempt timed out");
            }
            routine("{}: connection dropped", remote);
            return end("connection dropped");
    }
    schedule();
}

void RpcSession::Impl::start_attempt() {
    int64_t now = clock::monotonic_ms();
    remote = options.remotes[next_remote++ % options.remotes.size()];
    if (is_passive_name(remote)) {
        reconnect.listening(now);
        routine("{}: listening...", remote);
        Result<std::unique_ptr<Listener>> made =
            listen(loop, remote, [this, still_alive = alive](std::unique_ptr<Stream> stream) {
                if (*still_alive && !connection) up(std::move(stream));
            });
        if (!made) {
            routine("{}: listen attempt failed ({})", remote, made.error().message);
            return end(made.error().message);
        }
        listener = *std::move(made);
        return schedule();
    }
    reconnect.connecting(now);
    routine("{}: connecting...", remote);
    Result<std::unique_ptr<Stream>> made = connect(loop, remote);
    if (!made) {
        routine("{}: connection attempt failed ({})", remote, made.error().message);
        return end(made.error().message);
    }
    attempt = *std::move(made);
    attempt->set_on_ready([this] { attempt_ready(); });
    schedule();
}

void RpcSession::Impl::attempt_ready() {
    if (attempt->connected()) return up(std::move(attempt));
    std::string bytes;
    if (attempt->read(bytes)) return;
    std::string reason = attempt->error();
    routine("{}: connection attempt failed ({})", remote, reason);
    end(reason);
}

void RpcSession::Impl::up(std::unique_ptr<Stream> stream) {
    lg.info("{}: connected", remote);
    failures = 0;
    quiet = false;
    reconnect.connected(clock::monotonic_ms());
    connection = std::make_unique<RpcConnection>(
        loop, std::move(stream), [this](Message message) { received(std::move(message)); },
        [this](std::string reason) {
            if (reason.empty()) {
                lg.info("{}: connection closed by peer", remote);
            } else {
                lg.info("{}: connection dropped ({})", remote, reason);
            }
            end(reason.empty() ? "connection closed by peer" : reason);
        });
    schedule();
    if (handler.on_connected) std::function<void()>(handler.on_connected)();
}

void RpcSession::Impl::received(Message message) {
    bool probe_reply = message.type == Message::Type::kReply && message.id == json::Value("echo");
    if (probe_reply || !handler.on_message) return;
    std::function<void(Message)>(handler.on_message)(std::move(message));
}

// Ends the attempt or connection and plans the next one.
void RpcSession::Impl::end(const std::string& reason) {
    bool was_connected = connection != nullptr;
    connection.reset();
    attempt.reset();
    listener.reset();
    last_error = reason;
    int64_t now = clock::monotonic_ms();
    reconnect.disconnected(now);
    ++failures;
    if (options.give_up_at_first_failure && (was_connected || failures >= options.remotes.size())) {
        gave_up = true;
        reconnect.disable(now);
    } else if (int64_t backoff = reconnect.backoff_ms(); backoff > 1000 && !quiet) {
        lg.info("{}: waiting {:.3g} seconds before reconnect", remote, static_cast<double>(backoff) / 1000);
        quiet = backoff >= options.max_backoff_ms && failures >= options.remotes.size();
        if (quiet) {
            lg.info("{}: continuing to reconnect in the background, without further log lines", remote);
        }
    }
    schedule();
    if ((was_connected || gave_up) && handler.on_disconnected) {
        std::function<void(std::string)>(handler.on_disconnected)(reason);
    }
}

void RpcSession::Impl::drop() {
    reconnect.force_reconnect(clock::monotonic_ms());
    schedule();
}

RpcSession::RpcSession(Loop& loop, Options options, Handler handler)
    : impl_(std::make_unique<Impl>(loop, std::move(options), std::move(handler))) {}

RpcSession::~RpcSession() = default;

bool RpcSession::connected() const {
    return impl_->connection != nullptr;
}

bool RpcSession::gave_up() const {
    return impl_->gave_up;
}

const std::string& RpcSession::remote() const {
    return impl_->remote;
}

const std::string& RpcSession::last_error() const {
    return impl_->last_error;
}

void RpcSession::send(const Message& message) {
    if (impl_->connection) impl_->connection->send(message);
}

size_t RpcSession::backlog() const {
    return impl_->connection ? impl_->connection->backlog() : 0;
}

void RpcSession::set_remotes(std::vector<std::string> remotes) {
    Impl& impl = *impl_;
    if (impl.options.shuffle_remotes) shuffle(remotes);
    bool keep = std::find(remotes.begin(), remotes.end(), impl.remote) != remotes.end();
    impl.options.remotes = std::move(remotes);
    impl.next_remote = 0;
    if (impl.reconnect.state() == Reconnect::State::kIdle) {
        impl.gave_up = false;
        impl.failures = 0;
        if (!impl.options.remotes.empty()) impl.reconnect.enable(clock::monotonic_ms());
    } else if (impl.options.remotes.empty()) {
        bool was_connected = impl.connection != nullptr;
        impl.connection.reset();
        impl.attempt.reset();
        impl.listener.reset();
        impl.reconnect.disable(clock::monotonic_ms());
        if (was_connected && impl.handler.on_disconnected) {
            // Not from inside the caller's call.
            impl.loop.defer([alive = impl.alive, &impl] {
                if (*alive) impl.handler.on_disconnected("no remote is left");
            });
        }
    } else if (!keep) {
        impl.drop();
    }
    impl.schedule();
}

void RpcSession::set_probe_interval(int64_t ms) {
    impl_->options.probe_interval_ms = ms;
    impl_->reconnect.set_probe_interval(ms);
    impl_->schedule();
}

void RpcSession::reconnect() {
    impl_->drop();
}

std::string RpcSession::status() const {
    return connected() ? "connected" : "not connected";
}

}  // namespace weft::net
