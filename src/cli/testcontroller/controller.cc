#include "cli/testcontroller/controller.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/connector.h"
#include "openflow/connection.h"

namespace weft::cli::testcontroller {

using namespace openflow;  // NOLINT: this file speaks OpenFlow throughout

namespace {

log::Module lg("controller");
log::RateLimit message_limit(30, 300);

constexpr uint16_t kDefaultPort = 6653;
constexpr int64_t kProbeMs = 60'000;
constexpr size_t kMostBacklog = 16 << 20;  // a switch that does not read what it asked for is given up

}  // namespace

// A switch that is connected.
class Controller::Peer {
  public:
    Peer(net::Loop& loop, const Options& options, std::unique_ptr<net::Stream> stream)
        : options_(options), stream_(std::move(stream)), protocol_(options.versions) {
        stream_->set_on_ready([&loop] { loop.wake(); });
        heard_ms_ = clock::monotonic_ms();
        Bytes hello;
        take_own(hello);
        write(hello);
    }

    // Reads and answers.  False once the switch is gone; reason() says why.
    bool run() {
        std::string bytes;
        bool open = stream_->read(bytes);
        if (!bytes.empty()) heard_ms_ = clock::monotonic_ms();
        protocol_.receive({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
        Bytes answers;
        while (std::optional<Bytes> message = next(answers)) handle(*message, answers);
        write(answers);
        if (!protocol_.fault().empty()) return fail(protocol_.fault());
        if (!open) return fail(stream_->error().empty() ? "connection closed by peer" : stream_->error());
        if (stream_->backlog() > kMostBacklog) return fail("the switch does not read what it is sent");
        return true;
    }

    void probe() { write(encode(protocol_.version().value_or(Version::k10), 0, EchoRequest{})); }
    int64_t heard_ms() const { return heard_ms_; }
    // False: silent for too long.
    bool is_alive(int64_t now_ms) {
        if (now_ms - heard_ms_ < kProbeMs) {
            probed_ms_ = 0;
        } else if (!probed_ms_) {
            probed_ms_ = now_ms;
            probe();
        } else if (now_ms - probed_ms_ >= kProbeMs) {
            return fail(fmt::format("no response to inactivity probe after {} seconds", kProbeMs / 1000));
        }
        return true;
    }
    const std::string& name() const { return stream_->name(); }
    const std::string& reason() const { return reason_; }

  private:
    bool fail(const std::string& why) {
        reason_ = why;
        return false;
    }
    // The next message; with the first one the version is agreed on, and the switch is greeted.
    std::optional<Bytes> next(Bytes& answers) {
        std::optional<Bytes> message = protocol_.next();
        take_own(answers);
        if (!learning_ && protocol_.version()) {
            learning_.emplace(options_.policy, *protocol_.version());
            learning_->greet(answers);
        }
        return message;
    }
    void handle(const Bytes& bytes, Bytes& answers) {
        Message message;
        OfError error = decode(bytes, {}, message);
        if (error != OfError::kNone || message.get_if<ErrorMessage>()) {
            if (message_limit.pass(lg)) lg.info("{}: received {}", name(), print(bytes));
            return;
        }
        Bytes ignored;
        learning_->handle(message, clock::monotonic_ms(), options_.mute ? ignored : answers);
    }
    // Hello, and the answers to echo requests, which a mute controller keeps to itself, each in its place
    // among the other answers.
    void take_own(Bytes& answers) {
        if (!protocol_.has_output()) return;
        Bytes bytes = protocol_.take_output();
        if (options_.mute && greeted_) return;
        greeted_ = true;
        answers.insert(answers.end(), bytes.begin(), bytes.end());
    }
    void write(const Bytes& bytes) {
        if (!bytes.empty()) stream_->write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }

    const Options& options_;
    std::unique_ptr<net::Stream> stream_;
    Connection protocol_;
    std::optional<LearningSwitch> learning_;
    bool greeted_ = false;
    int64_t heard_ms_ = 0, probed_ms_ = 0;
    std::string reason_;
};

// A switch that is called, and called again when the connection ends.
class Controller::Caller {
  public:
    Caller(net::Loop& loop, const Options& options, const std::string& method)
        : loop_(loop), options_(options) {
        net::Connector::Options wanted;
        wanted.remotes = {method};
        wanted.probe_interval_ms = kProbeMs;
        net::Connector::Handler handler;
        handler.on_connected = [this](std::unique_ptr<net::Stream> stream) {
            peer_ = std::make_unique<Peer>(loop_, options_, std::move(stream));
        };
        handler.on_probe = [this] {
            if (peer_) peer_->probe();
        };
        handler.on_drop = [this](const std::string& reason) { end(reason); };
        handler.last_received_ms = [this] { return peer_ ? peer_->heard_ms() : 0; };
        connector_ = std::make_unique<net::Connector>(loop, wanted, handler);
    }
    void run() {
        if (peer_ && !peer_->run()) end(peer_->reason());
    }

  private:
    void end(const std::string& reason) {
        peer_.reset();
        connector_->ended(reason);
    }

    net::Loop& loop_;
    const Options& options_;
    std::unique_ptr<Peer> peer_;
    std::unique_ptr<net::Connector> connector_;
};

Controller::Controller(net::Loop& loop, const Options& options) : loop_(loop), options_(options) {
    turn_ = loop.each_turn([this] { take_turn(); });
    probe_timer_ =
        loop.timer([this] { probe_timer_->arm_in(1000); });  // a turn, in which the silent are seen
    probe_timer_->arm_in(1000);
}

Controller::~Controller() = default;

Result<void> Controller::add_method(const std::string& method) {
    std::string name = net::with_default_port(method, kDefaultPort);
    if (net::is_passive_name(name)) {
        auto listener = net::listen(loop_, name, [this](std::unique_ptr<net::Stream> stream) {
            guests_.push_back(std::make_unique<Peer>(loop_, options_, std::move(stream)));
        });
        if (!listener.ok()) return Error{fmt::format("{}: listen: {}", method, listener.message())};
        listeners_.push_back(*std::move(listener));
        return {};
    }
    if (!net::is_active_name(name))
        return Error{
            fmt::format("{}: not a connection method (tcp:, ssl:, unix:, ptcp:, pssl: or punix:)", method)};
    callers_.push_back(std::make_unique<Caller>(loop_, options_, name));
    return {};
}

void Controller::take_turn() {
    int64_t now = clock::monotonic_ms();
    for (auto guest = guests_.begin(); guest != guests_.end();) {
        if ((*guest)->run() && (*guest)->is_alive(now)) {
            ++guest;
            continue;
        }
        lg.info("{}: {}", (*guest)->name(), (*guest)->reason());
        guest = guests_.erase(guest);
    }
    for (auto& caller : callers_) caller->run();
}

}  // namespace weft::cli::testcontroller
