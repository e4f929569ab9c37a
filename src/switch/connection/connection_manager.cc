#include "switch/connection/connection_manager.h"

#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "base/log.h"
#include "net/directories.h"
#include "switch/bridge/switch.h"

namespace weft::vswitch {

namespace of = openflow;
namespace db = schema::vswitch;

namespace {

log::Module lg("rconn");
log::Module connmgr_lg("connmgr");

constexpr int64_t kTick = 1000;
constexpr uint16_t kOpenFlowPort = 6653;
constexpr size_t kMostSnoopBacklog = size_t{1} << 20;
constexpr uint32_t kDefaultVersions = of::version_bit(of::Version::k10) | of::version_bit(of::Version::k11) |
                                      of::version_bit(of::Version::k12) | of::version_bit(of::Version::k13) |
                                      of::version_bit(of::Version::k14) | of::version_bit(of::Version::k15);

uint32_t versions_of(const db::Bridge& row) {
    if (row.protocols.empty()) return kDefaultVersions;
    uint32_t out = 0;
    for (const std::string& text : row.protocols) {
        if (auto version = of::parse_version(text)) out |= of::version_bit(*version);
    }
    return out ? out : kDefaultVersions;
}

}  // namespace

static std::optional<PacketInRate> packet_in_rate_of(const db::Controller& row) {
    if (!row.controller_rate_limit || *row.controller_rate_limit <= 0) return std::nullopt;
    PacketInRate rate;
    rate.per_second = static_cast<uint32_t>(std::min<int64_t>(*row.controller_rate_limit, UINT32_MAX));
    int64_t burst = row.controller_burst_limit.value_or(rate.per_second / 4);
    rate.burst = static_cast<uint32_t>(std::clamp<int64_t>(burst, 1, UINT32_MAX));
    return rate;
}

struct ConnectionManager::Controller {
    std::string target;
    bool service = false;
    int64_t probe_ms = 5000, max_backoff_ms = 8000;
    size_t most_packet_ins = 100;
    std::optional<PacketInRate> packet_in_rate;
    std::set<std::string> names;  // unused targets of the row
    // Active ones:
    OfConnection* connection = nullptr;
    int64_t backoff_ms = 0, next_try_ms = 0, probed_ms = 0, since_ms = 0;
    std::string last_error, state = "VOID";
    // Passive ones:
    std::unique_ptr<net::Listener> listener;
};

struct ConnectionManager::BridgeState {
    Bridge* bridge = nullptr;
    Backer* backer = nullptr;
    uint32_t versions = 0;
    std::unique_ptr<BridgeEvents> events;
    std::unique_ptr<net::Listener> management, snooping;
    std::vector<std::unique_ptr<OfConnection>> connections;
    std::vector<std::unique_ptr<net::Stream>> snoops;
    std::map<std::string, std::unique_ptr<Controller>> controllers;  // by target
    std::optional<uint64_t> generation;
    int64_t alone_since_ms = 0;  // no controller is connected
    bool had_controllers = false;
};

// Tells every connection of the bridge.
class ConnectionManager::Events : public BridgeEvents {
  public:
    explicit Events(BridgeState& state) : state_(state) {}
    void flow_removed(const Rule& rule, RemovedReason reason) override {
        for (auto& c : state_.connections) c->flow_removed(rule, reason);
    }
    void flow_changed(const Rule& rule, FlowEvent event, RemovedReason reason) override {
        for (auto& c : state_.connections) c->flow_changed(rule, event, reason);
    }
    void vacancy_changed(uint8_t table) override {
        for (auto& c : state_.connections) c->table_status(table);
    }
    void port_status(const OfPort& port, PortReason reason) override {
        for (auto& c : state_.connections) c->port_status(port, reason);
    }

  private:
    BridgeState& state_;
};

ConnectionManager::ConnectionManager(net::Loop& loop, Switch& owner) : loop_(loop), owner_(owner) {
    Uuid random = Uuid::random();
    std::memcpy(&epoch_, random.bytes.data(), sizeof epoch_);
    timer_ = loop_.timer([this] {
        tick();
        timer_->arm_in(kTick);
    });
    timer_->arm_in(kTick);
    turn_ = loop_.each_turn([this] {
        dead_.clear();
        for (auto& [name, state] : bridges_) {
            // A connection may close, and with it leave the list.
            for (size_t i = state->connections.size(); i-- > 0;) {
                if (i < state->connections.size()) state->connections[i]->go_on();
            }
        }
    });
}

ConnectionManager::~ConnectionManager() {
    while (!bridges_.empty()) remove_bridge(bridges_.begin()->first);
}

ConnectionManager::BridgeState* ConnectionManager::state_of(const Bridge& bridge) const {
    auto it = bridges_.find(bridge.name());
    return it == bridges_.end() ? nullptr : it->second.get();
}

void ConnectionManager::remove_bridge(const std::string& name) {
    auto it = bridges_.find(name);
    if (it == bridges_.end()) return;
    it->second->bridge->events = nullptr;
    bridges_.erase(it);
    for (const char* suffix : {"mgmt", "snoop"})
        ::unlink((net::ovs_rundir() + "/" + name + "." + suffix).c_str());
}

void ConnectionManager::configure(const db::Bridge& row, Bridge& bridge, Backer& backer,
                                  const ovsdb::client::Replica& replica, bool fresh) {
    auto& slot = bridges_[bridge.name()];
    if (!slot) {
        slot = std::make_unique<BridgeState>();
        slot->bridge = &bridge;
        slot->backer = &backer;
        slot->events = std::make_unique<Events>(*slot);
        bridge.events = slot->events.get();
    }
    BridgeState& state = *slot;
    state.versions = versions_of(row);
    auto open = [&](std::unique_ptr<net::Listener>& listener, const char* suffix,
                    net::AcceptCallback on_accept) {
        if (listener) return;
        std::string path = net::ovs_rundir() + "/" + bridge.name() + "." + suffix;
        ::unlink(path.c_str());
        auto made = net::listen(loop_, "punix:" + path, std::move(on_accept));
        if (made)
            listener = *std::move(made);
        else
            connmgr_lg.err("{}: could not listen on {}: {}", bridge.name(), path, made.message());
    };
    open(state.management, "mgmt", [this, &state](std::unique_ptr<net::Stream> stream) {
        accept(state, std::move(stream), OfConnection::Kind::kService, nullptr);
    });
    open(state.snooping, "snoop", [&state](std::unique_ptr<net::Stream> stream) {
        stream->set_on_ready([] {});
        // Who snoops negotiates a version, as on every connection, before it listens.
        of::Version highest = static_cast<of::Version>(31 - __builtin_clz(state.versions));
        Bytes hello = of::encode(highest, 1, of::Hello{state.versions});
        stream->write({reinterpret_cast<const char*>(hello.data()), hello.size()});
        state.snoops.push_back(std::move(stream));
    });

    int64_t queue_size = ovsdb::get_int(row.other_config, "controller-queue-size", 100);
    std::set<std::string> wanted;
    for (const Uuid& uuid : row.controller) {
        const db::Controller* controller_row = replica.find<db::Controller>(uuid);
        if (!controller_row || controller_row->target == "none") continue;
        const std::string& target = controller_row->target;
        if (!net::is_active_name(target) && !net::is_passive_name(target)) {
            static log::RateLimit limit(1, 5);
            if (limit.pass(connmgr_lg))
                connmgr_lg.warn("{}: unsupported controller \"{}\"", bridge.name(), target);
            continue;
        }
        wanted.insert(target);
        auto& controller = state.controllers[target];
        bool is_new = !controller;
        if (is_new) {
            controller = std::make_unique<Controller>();
            controller->target = target;
        }
        controller->service = controller_row->type && *controller_row->type == "service";
        controller->probe_ms = controller_row->inactivity_probe.value_or(5000);
        // Like the others, a probe more often than every 5 s would end sessions of busy controllers.
        if (controller->probe_ms) controller->probe_ms = std::max<int64_t>(controller->probe_ms, 5000);
        controller->max_backoff_ms = std::max<int64_t>(1000, controller_row->max_backoff.value_or(8000));
        controller->most_packet_ins = static_cast<size_t>(
            std::clamp<int64_t>(controller_row->controller_queue_size.value_or(queue_size), 1, 512));
        controller->packet_in_rate = packet_in_rate_of(*controller_row);
        if (controller->connection)
            controller->connection->limit_packet_ins(controller->most_packet_ins, controller->packet_in_rate);
        if (!is_new) continue;
        if (net::is_passive_name(target)) {
            Controller* raw = controller.get();
            auto listener = net::listen(
                loop_, net::with_default_port(target, kOpenFlowPort),
                [this, &state, raw](std::unique_ptr<net::Stream> stream) {
                    accept(state, std::move(stream),
                           raw->service ? OfConnection::Kind::kService : OfConnection::Kind::kService,
                           nullptr);
                });
            if (listener)
                controller->listener = *std::move(listener);
            else
                connmgr_lg.err("{}: could not listen on {}: {}", bridge.name(), target, listener.message());
        } else {
            connect(state, *controller);
        }
    }
    for (auto it = state.controllers.begin(); it != state.controllers.end();) {
        if (wanted.contains(it->first)) {
            ++it;
            continue;
        }
        if (OfConnection* connection = it->second->connection) {
            for (auto& c : state.connections) {
                if (c.get() == connection) dead_.push_back(std::move(c));
            }
            std::erase(state.connections, nullptr);
        }
        it = state.controllers.erase(it);
    }
    bool has_controllers = std::any_of(state.controllers.begin(), state.controllers.end(),
                                       [](const auto& entry) { return !net::is_passive_name(entry.first); });
    if (fresh || has_controllers != state.had_controllers) {
        if (!fresh) bridge.flush_flows();
        if (!has_controllers && bridge.fail_mode == FailMode::kStandalone) bridge.add_default_flow();
        state.alone_since_ms = clock::monotonic_ms();
    }
    state.had_controllers = has_controllers;
    if (!has_controllers || bridge.fail_mode == FailMode::kSecure) bridge.set_fail_open(false);
    update_miss_policy(state);
}

// --- connections

void ConnectionManager::accept(BridgeState& state, std::unique_ptr<net::Stream> stream,
                               OfConnection::Kind kind, Controller* controller) {
    auto connection = std::make_unique<OfConnection>(
        *this, loop_, *state.bridge, *state.backer, kind, std::move(stream), state.versions,
        [this, &state](OfConnection& c, std::string reason) { closed(state, c, reason); });
    if (controller) {
        controller->connection = connection.get();
        connection->limit_packet_ins(controller->most_packet_ins, controller->packet_in_rate);
    }
    state.connections.push_back(std::move(connection));
}

void ConnectionManager::closed(BridgeState& state, OfConnection& connection, const std::string& reason) {
    for (auto& [target, controller] : state.controllers) {
        if (controller->connection != &connection) continue;
        controller->connection = nullptr;
        controller->last_error = reason;
        if (connection.ready())
            lg.info("{}<->{}: connection closed by peer{}{}", state.bridge->name(), target,
                    reason.empty() ? "" : ": ", reason);
        schedule(state, *controller, !connection.ready());
        owner_.status_changed();
    }
    for (auto& c : state.connections) {
        if (c.get() == &connection) dead_.push_back(std::move(c));
    }
    std::erase(state.connections, nullptr);
    update_miss_policy(state);
    loop_.wake();
}

void ConnectionManager::connect(BridgeState& state, Controller& controller) {
    if (held_) return;
    controller.state = "CONNECTING";
    lg.info("{}<->{}: connecting...", state.bridge->name(), controller.target);
    auto stream = net::connect(loop_, net::with_default_port(controller.target, kOpenFlowPort));
    if (!stream) {
        controller.last_error = stream.message();
        lg.warn("{}<->{}: connection failed ({})", state.bridge->name(), controller.target, stream.message());
        return schedule(state, controller, true);
    }
    controller.since_ms = clock::monotonic_ms();
    accept(state, *std::move(stream),
           controller.service ? OfConnection::Kind::kService : OfConnection::Kind::kPrimary, &controller);
}

void ConnectionManager::schedule(BridgeState& state, Controller& controller, bool failed) {
    controller.backoff_ms = failed && controller.backoff_ms
                                ? std::min(controller.backoff_ms * 2, controller.max_backoff_ms)
                                : 1000;
    controller.next_try_ms = clock::monotonic_ms() + controller.backoff_ms;
    controller.state = "BACKOFF";
    lg.info("{}<->{}: waiting {} seconds before reconnect", state.bridge->name(), controller.target,
            controller.backoff_ms / 1000);
}

void ConnectionManager::connection_ready(OfConnection& connection) {
    BridgeState* state = state_of(connection.bridge());
    if (!state) return;
    for (auto& [target, controller] : state->controllers) {
        if (controller->connection == &connection && controller->state != "ACTIVE") {
            lg.info("{}<->{}: connected", state->bridge->name(), target);
            controller->state = "ACTIVE";
            owner_.status_changed();
            controller->backoff_ms = 0;
            controller->since_ms = clock::monotonic_ms();
            controller->probed_ms = 0;
            state->bridge->set_fail_open(false);
            state->alone_since_ms = 0;
            update_miss_policy(*state);
        }
    }
}

void ConnectionManager::tick() {
    int64_t now = clock::monotonic_ms();
    for (auto& [name, state] : bridges_) {
        for (auto& connection : state->connections) {
            connection->forget_late_requests(now);
            connection->forget_idle_bundles(now, bundle_idle_ms_);
        }
        bool connected = false;
        int64_t probe = 5000;
        for (auto& [target, controller] : state->controllers) {
            if (controller->listener) continue;
            probe = std::max(probe, controller->probe_ms);
            OfConnection* connection = controller->connection;
            if (!connection) {
                if (controller->next_try_ms <= now) connect(*state, *controller);
                continue;
            }
            if (!connection->ready()) {
                if (now - controller->since_ms > std::max<int64_t>(1000, controller->max_backoff_ms))
                    closed(*state, *connection, "connection attempt timed out");
                continue;
            }
            connected = true;
            if (!controller->probe_ms) continue;
            int64_t silent = now - connection->last_received_ms();
            if (silent < controller->probe_ms) {
                controller->probed_ms = 0;
            } else if (!controller->probed_ms) {
                controller->probed_ms = now;
                connection->probe();
            } else if (now - controller->probed_ms >= controller->probe_ms) {
                lg.err("{}<->{}: no response to inactivity probe after {} seconds, disconnecting", name,
                       target, controller->probe_ms / 1000);
                closed(*state, *connection, "no response to inactivity probe");
            }
        }
        if (!state->had_controllers || connected || held_) continue;
        if (!state->alone_since_ms) state->alone_since_ms = now;
        if (state->bridge->fail_mode == FailMode::kStandalone && !state->bridge->fail_open() &&
            now - state->alone_since_ms >= 3 * probe) {
            connmgr_lg.info("{}: could not connect to controller, failing open", name);
            state->bridge->set_fail_open(true);
        }
    }
}

// Before OpenFlow 1.3, a packet that no flow matches goes to the controller.
void ConnectionManager::update_miss_policy(BridgeState& state) {
    bool wanted = false;
    for (auto& c : state.connections) {
        if (c->ready() && c->kind() == OfConnection::Kind::kPrimary && c->version() < of::Version::k13)
            wanted = true;
    }
    if (state.bridge->packet_in_on_miss == wanted) return;
    state.bridge->packet_in_on_miss = wanted;
    state.bridge->touch();
}

void ConnectionManager::reconnect(const std::string& bridge) {
    for (auto& [name, state] : bridges_) {
        if (!bridge.empty() && name != bridge) continue;
        for (auto& [target, controller] : state->controllers) {
            if (controller->connection) closed(*state, *controller->connection, "reconnect requested");
            controller->next_try_ms = 0;
            controller->backoff_ms = 0;
        }
    }
}

void ConnectionManager::packet_in(PacketIn packet) {
    BridgeState* state = packet.bridge ? state_of(*packet.bridge) : nullptr;
    if (!state) return;
    for (auto& c : state->connections) c->packet_in(packet);
}

void ConnectionManager::snoop(const Bridge& bridge, ByteView message) {
    BridgeState* state = state_of(bridge);
    if (!state || state->snoops.empty()) return;
    for (auto& stream : state->snoops) {
        std::string ignored;
        if (!stream->read(ignored)) {
            stream.reset();
            continue;
        }
        // Who does not read hears less.
        if (stream->backlog() > kMostSnoopBacklog) continue;
        stream->write({reinterpret_cast<const char*>(message.data()), message.size()});
    }
    std::erase(state->snoops, nullptr);
}

// --- roles

void ConnectionManager::demote_primaries(const Bridge& bridge, const OfConnection* but) {
    BridgeState* state = state_of(bridge);
    if (!state) return;
    for (auto& c : state->connections) {
        if (c.get() != but && c->role() == of::Role::kPrimary)
            c->lose_primary(state->generation.value_or(UINT64_MAX));
    }
}

bool ConnectionManager::accept_generation(const Bridge& bridge, uint64_t generation) {
    BridgeState* state = state_of(bridge);
    if (!state) return false;
    if (state->generation && static_cast<int64_t>(generation - *state->generation) < 0) return false;
    state->generation = generation;
    return true;
}

std::optional<uint64_t> ConnectionManager::generation(const Bridge& bridge) const {
    BridgeState* state = state_of(bridge);
    return state ? state->generation : std::nullopt;
}

uint32_t ConnectionManager::allocate_meter(Backer& backer) {
    std::set<uint32_t> used;
    for (const auto& [name, bridge] : backer.bridges()) {
        for (const auto& [id, meter] : bridge->meters) used.insert(meter.datapath_id);
    }
    uint32_t id = 0;
    while (used.contains(id)) ++id;
    return id;
}

void ConnectionManager::set_port_up(const OfPort& port, bool up) {
    owner_.set_port_up(port, up);
}

std::string ConnectionManager::version() const {
    return "3.1.0";
}

Bytes ConnectionManager::encode_continuation(uint32_t id) const {
    // One property, as NXT_PACKET_IN2's continuation is a list of them: type, length, padding, our 12 bytes.
    ByteWriter out;
    out.u16(0x8000);
    out.u16(20);
    out.u32(0);
    out.u64(epoch_);
    out.u32(id);
    out.u32(0);
    return out.take();
}

std::optional<uint32_t> ConnectionManager::decode_continuation(ByteView bytes) const {
    ByteReader in(bytes);
    uint16_t type = in.u16();
    in.u16();
    in.u32();
    uint64_t epoch = in.u64();
    uint32_t id = in.u32();
    if (!in.ok() || type != 0x8000 || epoch != epoch_) return std::nullopt;
    return id;
}

// What the limits of packet-ins did, while there are some.
static void write_packet_ins(ovsdb::client::Transaction& txn, const db::Controller& row,
                             const OfConnection* connection) {
    auto statistics = connection ? connection->packet_in_statistics() : std::nullopt;
    for (size_t i = 0; i < 2; i++) {
        std::string prefix = i ? "packet-in-action-" : "packet-in-miss-";
        PacketInLimit::Statistics s = statistics ? (*statistics)[i] : PacketInLimit::Statistics();
        for (auto [name, value] : {std::pair("bypassed", s.bypassed), std::pair("queued", s.queued),
                                   std::pair("dropped", s.dropped), std::pair("backlog", s.backlog)}) {
            if (statistics)
                txn.set_key(row.uuid, db::Controller::kStatus, prefix + name, std::to_string(value));
            else if (row.status.contains(prefix + name))
                txn.remove_key(row.uuid, db::Controller::kStatus, prefix + name);
        }
    }
}

void ConnectionManager::write_status(ovsdb::client::Transaction& txn,
                                     const ovsdb::client::Replica& replica) const {
    for (const auto& [name, state] : bridges_) {
        for (const db::Bridge& row : replica.table<db::Bridge>()) {
            if (row.name != name) continue;
            for (const Uuid& uuid : row.controller) {
                const db::Controller* controller_row = replica.find<db::Controller>(uuid);
                if (!controller_row) continue;
                auto it = state->controllers.find(controller_row->target);
                if (it == state->controllers.end() || it->second->listener) continue;
                const Controller& controller = *it->second;
                bool connected = controller.connection && controller.connection->ready();
                txn.set(uuid, db::Controller::kIsConnected, connected);
                std::optional<std::string> role;
                if (connected) {
                    switch (controller.connection->role()) {
                        case of::Role::kPrimary:
                            role = "master";
                            break;
                        case of::Role::kSecondary:
                            role = "slave";
                            break;
                        default:
                            role = "other";
                            break;
                    }
                }
                txn.set(uuid, db::Controller::kRole, role);
                txn.set_key(uuid, db::Controller::kStatus, "state", controller.state);
                if (!controller.last_error.empty())
                    txn.set_key(uuid, db::Controller::kStatus, "last_error", controller.last_error);
                write_packet_ins(txn, *controller_row, controller.connection);
            }
        }
    }
}

}  // namespace weft::vswitch
