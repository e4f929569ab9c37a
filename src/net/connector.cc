#include "net/connector.h"

#include <algorithm>
#include <random>

#include "base/clock.h"
#include "base/log.h"
#include "net/reconnect.h"

namespace weft::net {

namespace {

log::Module lg("reconnect");

Reconnect::Settings settings_of(const Connector::Options& options) {
    return {options.min_backoff_ms, options.max_backoff_ms, options.probe_interval_ms};
}

void shuffle(std::vector<std::string>& remotes) {
    static std::mt19937 random(std::random_device{}());
    std::shuffle(remotes.begin(), remotes.end(), random);
}

}  // namespace

struct Connector::Impl {
    Loop& loop;
    Options options;
    Handler handler;
    Reconnect reconnect;
    size_t next_remote = 0;
    size_t failures = 0;  // attempts since the last success
    std::string remote;   // the one being tried or connected to
    std::string last_error;
    bool gave_up = false;
    bool handed_over = false;
    std::unique_ptr<Loop::Timer> timer;
    std::unique_ptr<Listener> listener;  // of a passive remote
    std::unique_ptr<Stream> attempt;     // until it is connected
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
    void end(const std::string& reason);
    // Handlers may destroy us, and with us themselves.
    void ask_to_drop(std::string reason) {
        std::function<void(std::string)>(handler.on_drop)(std::move(reason));
    }
    bool quiet = false;  // the back-off is at its longest: no more lines for each attempt
    template <typename... Args>
    void routine(fmt::format_string<Args...> format, Args&&... args) {
        lg.log(quiet ? log::Level::kDbg : log::Level::kInfo, format, std::forward<Args>(args)...);
    }
};

void Connector::Impl::schedule() {
    if (std::optional<int64_t> due = reconnect.deadline()) {
        timer->arm_at(*due);
    } else {
        timer->disarm();
    }
}

void Connector::Impl::run() {
    int64_t now = clock::monotonic_ms();
    // What was received counts when somebody asks, not for every message.
    if (handed_over) reconnect.received(handler.last_received_ms());
    bool was_probing = reconnect.state() == Reconnect::State::kProbing;
    switch (reconnect.run(now)) {
        case Reconnect::Action::kNone:
            break;
        case Reconnect::Action::kConnect:
            return start_attempt();
        case Reconnect::Action::kProbe:
            lg.dbg("{}: idle, sending inactivity probe", remote);
            schedule();
            return std::function<void()>(handler.on_probe)();
        case Reconnect::Action::kDisconnect:
            if (was_probing && handed_over) {
                lg.err("{}: no response to inactivity probe after {:.3g} seconds, disconnecting", remote,
                       static_cast<double>(now - handler.last_received_ms()) / 1000);
                return ask_to_drop("no response to inactivity probe");
            }
            if (handed_over) return ask_to_drop("another connection was asked for");
            routine("{}: {}", remote, attempt ? "connection attempt timed out" : "connection dropped");
            return end(attempt ? "connection attempt timed out" : "connection dropped");
    }
    schedule();
}

void Connector::Impl::start_attempt() {
    int64_t now = clock::monotonic_ms();
    remote = options.remotes[next_remote++ % options.remotes.size()];
    if (is_passive_name(remote)) {
        reconnect.listening(now);
        routine("{}: listening...", remote);
        Result<std::unique_ptr<Listener>> made =
            listen(loop, remote, [this, still_alive = alive](std::unique_ptr<Stream> stream) {
                if (*still_alive && !handed_over) up(std::move(stream));
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

void Connector::Impl::attempt_ready() {
    if (attempt->connected()) return up(std::move(attempt));
    std::string bytes;
    if (attempt->read(bytes)) return;
    std::string reason = attempt->error();
    routine("{}: connection attempt failed ({})", remote, reason);
    end(reason);
}

void Connector::Impl::up(std::unique_ptr<Stream> stream) {
    lg.info("{}: connected", remote);
    failures = 0;
    quiet = false;
    handed_over = true;
    reconnect.connected(clock::monotonic_ms());
    schedule();
    std::function<void(std::unique_ptr<Stream>)>(handler.on_connected)(std::move(stream));
}

// Ends the attempt or connection and plans the next one.
void Connector::Impl::end(const std::string& reason) {
    bool was_connected = std::exchange(handed_over, false);
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
    if (gave_up && !was_connected && handler.on_gave_up)
        std::function<void(std::string)>(handler.on_gave_up)(reason);
}

Connector::Connector(Loop& loop, Options options, Handler handler)
    : impl_(std::make_unique<Impl>(loop, std::move(options), std::move(handler))) {}

Connector::~Connector() = default;

void Connector::ended(const std::string& reason) {
    Impl& impl = *impl_;
    if (!impl.handed_over) return;
    impl.reconnect.received(impl.handler.last_received_ms());
    if (reason.empty()) {
        lg.info("{}: connection closed by peer", impl.remote);
    } else {
        lg.info("{}: connection dropped ({})", impl.remote, reason);
    }
    impl.end(reason.empty() ? "connection closed by peer" : reason);
}

bool Connector::connected() const {
    return impl_->handed_over;
}

bool Connector::gave_up() const {
    return impl_->gave_up;
}

const char* Connector::state_name() const {
    return impl_->options.remotes.empty() ? "VOID" : impl_->reconnect.state_name();
}

const std::string& Connector::remote() const {
    return impl_->remote;
}

const std::string& Connector::last_error() const {
    return impl_->last_error;
}

void Connector::set_remotes(std::vector<std::string> remotes) {
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
        impl.attempt.reset();
        impl.listener.reset();
        impl.reconnect.disable(clock::monotonic_ms());
        if (std::exchange(impl.handed_over, false)) {
            // Not from inside the caller's call.
            impl.loop.defer([alive = impl.alive, &impl] {
                if (*alive) impl.ask_to_drop("no remote is left");
            });
        }
    } else if (!keep) {
        reconnect();
    }
    impl.schedule();
}

void Connector::set_probe_interval(int64_t ms) {
    impl_->options.probe_interval_ms = ms;
    impl_->reconnect.set_probe_interval(ms);
    impl_->schedule();
}

void Connector::set_max_backoff(int64_t ms) {
    impl_->options.max_backoff_ms = ms;
    impl_->reconnect.set_max_backoff(ms);
}

void Connector::reconnect() {
    impl_->reconnect.force_reconnect(clock::monotonic_ms());
    impl_->schedule();
}

}  // namespace weft::net
