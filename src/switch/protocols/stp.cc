#include "switch/protocols/stp.h"

#include <algorithm>
#include <tuple>

namespace weft::vswitch {

namespace {

using packet::Bpdu;

constexpr int64_t kHoldMs = 1000;  // Table 8-3: at most one configuration BPDU of a port in this time
// A relayed message grows older by more than nothing, whatever the clock says (8.10.2).
constexpr int64_t kAgeIncrement = 1;  // 1/256 s

int64_t ms_of(uint16_t wire) {
    return int64_t{wire} * 1000 / Bpdu::kSecond;
}
uint16_t wire_of(int64_t ms) {
    return static_cast<uint16_t>(std::clamp<int64_t>(ms * Bpdu::kSecond / 1000, 0, UINT16_MAX));
}

}  // namespace

const char* Stp::state_name(TreeState state) {
    static constexpr const char* kNames[] = {"",          "disabled", "blocking",
                                             "listening", "learning", "forwarding"};
    return kNames[static_cast<size_t>(state)];
}

const char* Stp::role_name(Role role) {
    static constexpr const char* kNames[] = {"disabled", "root", "designated", "alternate"};
    return kNames[static_cast<size_t>(role)];
}

uint16_t Stp::path_cost(uint64_t bits_per_second) {
    constexpr uint64_t kMega = 1'000'000;
    static constexpr std::pair<uint64_t, uint16_t> kCosts[] = {{10'000 * kMega, 2}, {1'000 * kMega, 4},
                                                               {100 * kMega, 19},   {16 * kMega, 62},
                                                               {10 * kMega, 100},   {4 * kMega, 250}};
    if (!bits_per_second) return 2;
    for (auto [speed, cost] : kCosts) {
        if (bits_per_second >= speed) return cost;
    }
    return 250;
}

Stp::Stp(const Options& options, int64_t now_ms) : options_(options), designated_root_(options.bridge) {
    use_own_times();
    hello_.start(now_ms, 0);
}

void Stp::use_own_times() {
    max_age_ms_ = options_.max_age_ms;
    hello_ms_ = options_.hello_ms;
    forward_delay_ms_ = options_.forward_delay_ms;
}

Stp::Port* Stp::root_port() {
    auto it = ports_.find(root_port_);
    return it == ports_.end() ? nullptr : &it->second;
}

bool Stp::is_designated(const Port& port) const {
    return port.designated_bridge == options_.bridge && port.designated_port == port.id();
}

bool Stp::designated_for_some_port() const {
    return std::any_of(ports_.begin(), ports_.end(),
                       [&](const auto& entry) { return entry.second.designated_bridge == options_.bridge; });
}

void Stp::set_state(Port& port, TreeState state, int64_t now_ms) {
    if (port.state == state) return;
    // What was learnt there leads nowhere now.
    if (learns(port.state) && !learns(state)) flush_ = true;
    port.state = state;
    port.since_ms = now_ms;
}

// --- transmission

void Stp::transmit_config(Port& port, int64_t now_ms) {
    if (port.hold.active()) {
        port.config_pending = true;
        return;
    }
    Bpdu bpdu;
    Port* root = root_port();
    if (root) {
        int64_t age = std::max<int64_t>(now_ms - root->message_age_start_ms, 0);
        if (age >= max_age_ms_) return;  // what it says is over
        bpdu.message_age = static_cast<uint16_t>(wire_of(age) + kAgeIncrement);
    }
    bpdu.root = designated_root_;
    bpdu.root_path_cost = root_path_cost_;
    bpdu.bridge = options_.bridge;
    bpdu.port = port.id();
    bpdu.max_age = wire_of(max_age_ms_);
    bpdu.hello_time = wire_of(hello_ms_);
    bpdu.forward_delay = wire_of(forward_delay_ms_);
    if (topology_change_) bpdu.flags |= Bpdu::kTopologyChangeFlag;
    if (port.topology_change_acknowledge) bpdu.flags |= Bpdu::kAcknowledgment;
    port.topology_change_acknowledge = port.config_pending = false;
    ++port.sent;
    port.hold.start(now_ms, kHoldMs);
    messages_.push_back({port.number, bpdu});
}

void Stp::transmit_tcn() {
    Port* port = root_port();
    if (!port) return;
    Bpdu bpdu;
    bpdu.type = Bpdu::Type::kTopologyChange;
    ++port->sent;
    messages_.push_back({port->number, bpdu});
}

void Stp::config_bpdu_generation(int64_t now_ms) {
    for (auto& [number, port] : ports_) {
        if (is_designated(port) && port.state != TreeState::kDisabled) transmit_config(port, now_ms);
    }
}

// --- the tree

bool Stp::supersedes(const Port& port, const Bpdu& bpdu) const {
    auto got = std::tuple(bpdu.root, bpdu.root_path_cost, bpdu.bridge);
    auto had = std::tuple(port.designated_root, port.designated_cost, port.designated_bridge);
    if (got != had) return got < had;
    return bpdu.bridge != options_.bridge || bpdu.port <= port.designated_port;
}

void Stp::record_config_information(Port& port, const Bpdu& bpdu, int64_t now_ms) {
    port.designated_root = bpdu.root;
    port.designated_cost = bpdu.root_path_cost;
    port.designated_bridge = bpdu.bridge;
    port.designated_port = bpdu.port;
    port.message_age_start_ms = now_ms - ms_of(bpdu.message_age);
    port.message_age.start(port.message_age_start_ms, ms_of(bpdu.max_age));
}

void Stp::record_config_timeout_values(const Bpdu& bpdu) {
    max_age_ms_ = ms_of(bpdu.max_age);
    hello_ms_ = ms_of(bpdu.hello_time);
    forward_delay_ms_ = ms_of(bpdu.forward_delay);
    bool change = bpdu.flags & Bpdu::kTopologyChangeFlag;
    if (change && !topology_change_) flush_ = true;
    topology_change_ = change;
}

void Stp::become_designated_port(Port& port) {
    port.designated_root = designated_root_;
    port.designated_cost = root_path_cost_;
    port.designated_bridge = options_.bridge;
    port.designated_port = port.id();
}

void Stp::root_selection() {
    const Port* best = nullptr;
    auto rank = [](const Port& port) {
        return std::tuple(port.designated_root, uint64_t{port.designated_cost} + port.options.path_cost,
                          port.designated_bridge, port.designated_port, port.id());
    };
    for (const auto& [number, port] : ports_) {
        if (is_designated(port) || port.state == TreeState::kDisabled ||
            port.designated_root >= options_.bridge)
            continue;
        if (!best || rank(port) < rank(*best)) best = &port;
    }
    root_port_ = best ? best->number : 0;
    designated_root_ = best ? best->designated_root : options_.bridge;
    uint64_t cost = best ? uint64_t{best->designated_cost} + best->options.path_cost : 0;
    root_path_cost_ = static_cast<uint32_t>(std::min<uint64_t>(cost, UINT32_MAX));
}

void Stp::configuration_update() {
    root_selection();
    for (auto& [number, port] : ports_) {  // 8.6.8: designated port selection
        auto ours = std::tuple(root_path_cost_, options_.bridge, port.id());
        auto theirs = std::tuple(port.designated_cost, port.designated_bridge, port.designated_port);
        if (is_designated(port) || port.designated_root != designated_root_ || ours < theirs)
            become_designated_port(port);
    }
}

void Stp::port_state_selection(int64_t now_ms) {
    for (auto& [number, port] : ports_) {
        if (number == root_port_) {
            port.config_pending = port.topology_change_acknowledge = false;
            make_forwarding(port, now_ms);
        } else if (is_designated(port)) {
            port.message_age.stop();
            make_forwarding(port, now_ms);
        } else {
            port.config_pending = port.topology_change_acknowledge = false;
            make_blocking(port, now_ms);
        }
    }
}

void Stp::make_forwarding(Port& port, int64_t now_ms) {
    if (port.state != TreeState::kBlocking) return;
    set_state(port, TreeState::kListening, now_ms);
    port.forward_delay.start(now_ms, forward_delay_ms_);
}

void Stp::make_blocking(Port& port, int64_t now_ms) {
    if (port.state == TreeState::kDisabled || port.state == TreeState::kBlocking) return;
    bool carried = port.state == TreeState::kForwarding || port.state == TreeState::kLearning;
    set_state(port, TreeState::kBlocking, now_ms);
    port.forward_delay.stop();
    if (carried) topology_change_detection(now_ms);
}

void Stp::topology_change_detection(int64_t now_ms) {
    topology_changed_ = flush_ = true;
    if (is_root()) {
        topology_change_ = true;
        topology_change_timer_.start(now_ms, options_.max_age_ms + options_.forward_delay_ms);
    } else if (!topology_change_detected_) {
        transmit_tcn();
        tcn_.start(now_ms, options_.hello_ms);
    }
    topology_change_detected_ = true;
}

void Stp::became_root(int64_t now_ms) {
    use_own_times();
    topology_change_detection(now_ms);
    tcn_.stop();
    config_bpdu_generation(now_ms);
    hello_.start(now_ms, options_.hello_ms);
}

void Stp::update_tree(int64_t now_ms) {
    bool was_root = is_root();
    configuration_update();
    port_state_selection(now_ms);
    if (is_root() && !was_root) became_root(now_ms);
}

// --- events

void Stp::configure(const Options& options, int64_t now_ms) {
    if (options == options_) return;
    bool new_id = options.bridge != options_.bridge;
    if (new_id) {  // 8.8.4
        for (auto& [number, port] : ports_) {
            if (is_designated(port)) port.designated_bridge = options.bridge;
        }
    }
    options_ = options;
    if (is_root()) use_own_times();
    if (new_id) {
        update_tree(now_ms);
        config_bpdu_generation(now_ms);
    }
}

void Stp::set_port(uint8_t number, const PortOptions& options, int64_t now_ms) {
    auto [it, added] = ports_.try_emplace(number);
    Port& port = it->second;
    if (added) {
        port.number = number;
        port.options = options;
        port.since_ms = now_ms;
        become_designated_port(port);
        return;
    }
    if (port.options == options) return;
    bool designated = is_designated(port);  // 8.8.5, 8.8.6
    uint16_t old_id = port.id();
    port.options = options;
    if (designated && port.id() != old_id) port.designated_port = port.id();
    update_tree(now_ms);
    if (designated && port.id() < old_id && port.designated_bridge == options_.bridge) {
        become_designated_port(port);
        port_state_selection(now_ms);
    }
}

void Stp::remove_port(uint8_t number, int64_t now_ms) {
    set_up(number, false, now_ms);
    ports_.erase(number);
}

void Stp::set_up(uint8_t number, bool up, int64_t now_ms) {
    auto it = ports_.find(number);
    if (it == ports_.end()) return;
    Port& port = it->second;
    if (up == (port.state != TreeState::kDisabled)) return;
    become_designated_port(port);
    port.topology_change_acknowledge = port.config_pending = false;
    port.message_age.stop();
    port.forward_delay.stop();
    if (up) {  // 8.8.2
        port.hold.stop();
        set_state(port, TreeState::kBlocking, now_ms);
        port_state_selection(now_ms);
    } else {  // 8.8.3
        set_state(port, TreeState::kDisabled, now_ms);
        update_tree(now_ms);
    }
}

void Stp::count_error(uint8_t number) {
    auto it = ports_.find(number);
    if (it != ports_.end()) ++it->second.errors;
}

void Stp::receive(uint8_t number, const Bpdu& bpdu, int64_t now_ms) {
    auto it = ports_.find(number);
    if (it == ports_.end() || it->second.state == TreeState::kDisabled) return;
    Port& port = it->second;
    ++port.received;
    if (bpdu.type == Bpdu::Type::kConfiguration) {
        received_config(port, bpdu, now_ms);
    } else if (bpdu.type == Bpdu::Type::kTopologyChange) {
        if (!is_designated(port)) return;
        topology_change_detection(now_ms);
        port.topology_change_acknowledge = true;
        transmit_config(port, now_ms);
    }
    // RST BPDUs are for others: their sender falls back to STP when it hears us (802.1D-2004, 17.4).
}

void Stp::received_config(Port& port, const Bpdu& bpdu, int64_t now_ms) {
    if (bpdu.message_age >= bpdu.max_age) return;                          // 9.3.4
    if (bpdu.bridge == options_.bridge && bpdu.port == port.id()) return;  // our own
    if (!supersedes(port, bpdu)) {
        if (is_designated(port)) transmit_config(port, now_ms);
        return;
    }
    bool was_root = is_root();
    record_config_information(port, bpdu, now_ms);
    configuration_update();
    port_state_selection(now_ms);
    if (!is_root() && was_root) {
        hello_.stop();
        if (topology_change_detected_) {
            topology_change_timer_.stop();
            transmit_tcn();
            tcn_.start(now_ms, options_.hello_ms);
        }
    }
    if (port.number != root_port_) return;
    record_config_timeout_values(bpdu);
    config_bpdu_generation(now_ms);
    if (bpdu.flags & Bpdu::kAcknowledgment) {
        topology_change_detected_ = false;
        tcn_.stop();
    }
}

void Stp::message_age_expired(Port& port, int64_t now_ms) {
    port.message_age.stop();
    become_designated_port(port);
    update_tree(now_ms);
}

void Stp::forward_delay_expired(Port& port, int64_t now_ms) {
    port.forward_delay.stop();
    if (port.state == TreeState::kListening) {
        set_state(port, TreeState::kLearning, now_ms);
        port.forward_delay.start(now_ms, forward_delay_ms_);
    } else if (port.state == TreeState::kLearning) {
        set_state(port, TreeState::kForwarding, now_ms);
        if (designated_for_some_port()) topology_change_detection(now_ms);
    }
}

void Stp::force_topology_change(int64_t now_ms) {
    topology_change_detection(now_ms);
}

// Does what one timer that is due says.
bool Stp::expire_one(int64_t now_ms) {
    if (hello_.due <= now_ms) {
        hello_.start(now_ms, hello_ms_);
        config_bpdu_generation(now_ms);
        return true;
    }
    if (tcn_.due <= now_ms) {
        tcn_.start(now_ms, options_.hello_ms);
        transmit_tcn();
        return true;
    }
    if (topology_change_timer_.due <= now_ms) {
        topology_change_timer_.stop();
        topology_change_detected_ = topology_change_ = false;
        return true;
    }
    for (auto& [number, port] : ports_) {
        if (port.message_age.due <= now_ms) return message_age_expired(port, now_ms), true;
        if (port.forward_delay.due <= now_ms) return forward_delay_expired(port, now_ms), true;
        if (port.hold.due <= now_ms) {
            port.hold.stop();
            if (port.config_pending) transmit_config(port, now_ms);
            return true;
        }
    }
    return false;
}

void Stp::run(int64_t now_ms) {
    // Every timer that was due is at work again later than now, but a forward delay of 0 that a peer
    // dictated: three states, then it rests.
    for (size_t i = 0; i < 8 * (ports_.size() + 1) && expire_one(now_ms); ++i) {
    }
}

int64_t Stp::next_wakeup_ms() const {
    int64_t next = std::min({hello_.due, tcn_.due, topology_change_timer_.due});
    for (const auto& [number, port] : ports_)
        next = std::min({next, port.message_age.due, port.forward_delay.due, port.hold.due});
    return next;
}

// --- what there is to see

std::optional<Stp::Status> Stp::port(uint8_t number) const {
    auto it = ports_.find(number);
    if (it == ports_.end()) return std::nullopt;
    const Port& port = it->second;
    Status status{port.id(), port.state,    Role::kAlternate, port.since_ms,
                  port.sent, port.received, port.errors};
    if (number == root_port_)
        status.role = Role::kRoot;
    else if (is_designated(port))
        status.role = Role::kDesignated;
    return status;
}

std::vector<uint8_t> Stp::ports() const {
    std::vector<uint8_t> out;
    for (const auto& [number, port] : ports_) out.push_back(number);
    return out;
}

TreeShow Stp::show() const {
    constexpr int64_t kSecond = 1000;
    TreeShow out;
    // Open vSwitch shows its own times beside the root, and those in use, the root's, beside itself.
    out.root = {designated_root_, options_.hello_ms / kSecond, options_.max_age_ms / kSecond,
                options_.forward_delay_ms / kSecond};
    out.own = {options_.bridge, hello_ms_ / kSecond, max_age_ms_ / kSecond, forward_delay_ms_ / kSecond};
    out.root_path_cost = root_path_cost_;
    for (const auto& [number, port] : ports_) {
        if (number == root_port_) out.root_port = port.options.name;
        if (port.state == TreeState::kDisabled) continue;
        out.ports.push_back({port.options.name, role_name(this->port(number)->role), state_name(port.state),
                             port.options.path_cost, port.options.priority, number});
    }
    return out;
}

}  // namespace weft::vswitch
