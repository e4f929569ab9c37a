#include "switch/protocols/rstp.h"

#include <algorithm>

#include "switch/protocols/rstp_port.h"

namespace weft::vswitch {

namespace {

constexpr int64_t kTickMs = 1000;
// After a long sleep no more seconds are made up for than it takes everything to expire.
constexpr int64_t kMostTicks = 120;

}  // namespace

const char* Rstp::state_name(TreeState state) {
    // A port that is down discards, too: that it is disabled is its role.
    static constexpr const char* kNames[] = {"",           "Discarding", "Discarding",
                                             "Discarding", "Learning",   "Forwarding"};
    return kNames[static_cast<size_t>(state)];
}

const char* Rstp::role_name(Role role) {
    static constexpr const char* kNames[] = {"Disabled", "Root", "Designated", "Alternate", "Backup"};
    return kNames[static_cast<size_t>(role)];
}

uint32_t Rstp::path_cost(uint64_t bits_per_second) {
    constexpr uint64_t kScale = 20'000'000'000'000;  // 2 for 10 Tb/s, 20,000 for 1 Gb/s
    constexpr uint64_t kMost = 200'000'000;
    if (!bits_per_second) return 2000;
    return static_cast<uint32_t>(std::clamp<uint64_t>(kScale / bits_per_second, 1, kMost));
}

Rstp::Rstp(const Options& options, int64_t now_ms)
    : options_(options),
      root_priority_{options.bridge, 0, options.bridge, 0},
      root_times_{0, options.max_age_s, options.forward_delay_s, options.hello_s},
      next_tick_ms_(now_ms + kTickMs) {}

Rstp::~Rstp() = default;

void Rstp::configure(const Options& options, int64_t now_ms) {
    if (options == options_) return;
    run(now_ms);
    bool restart = options.force_stp != options_.force_stp;
    options_ = options;
    for (auto& [number, port] : ports_) {  // 17.13
        port->reselect = true;
        port->selected = false;
        port->tx_count = 0;
        if (restart) port->send_rstp = rstp_version(), port->mcheck = true;
    }
    pending_ = true;
}

void Rstp::set_port(uint16_t number, const PortOptions& options, int64_t now_ms) {
    std::unique_ptr<Port>& slot = ports_[number];
    if (!slot) {
        slot = std::make_unique<Port>();
        slot->number = number;
        slot->options = options;
        slot->since_ms = now_ms;
        begin(*slot);
    } else if (slot->options != options) {
        slot->options = options;
        slot->reselect = true;
        slot->selected = false;
    }
    pending_ = true;
}

void Rstp::remove_port(uint16_t number, int64_t now_ms) {
    auto it = ports_.find(number);
    if (it == ports_.end()) return;
    set_up(number, false, now_ms);
    run(now_ms);
    ports_.erase(it);
    pending_ = true;
}

void Rstp::set_up(uint16_t number, bool up, int64_t) {
    auto it = ports_.find(number);
    if (it == ports_.end() || it->second->enabled == up) return;
    it->second->enabled = up;
    if (!up) flush(*it->second);
    pending_ = true;
}

void Rstp::check_migration(uint16_t number) {
    auto it = ports_.find(number);
    if (it == ports_.end() || options_.force_stp) return;
    it->second->mcheck = true;
    pending_ = true;
}

void Rstp::count_error(uint16_t number) {
    auto it = ports_.find(number);
    if (it != ports_.end()) ++it->second->errors;
}

void Rstp::receive(uint16_t number, const packet::Bpdu& bpdu, int64_t now_ms) {
    auto it = ports_.find(number);
    if (it == ports_.end() || !it->second->enabled) return;
    Port& port = *it->second;
    run(now_ms);  // the one before is done with
    // 9.3.4: an old message, and one of the port's own.
    if (bpdu.type != packet::Bpdu::Type::kTopologyChange &&
        (bpdu.message_age >= bpdu.max_age || (bpdu.bridge == options_.bridge && bpdu.port == port.id()))) {
        ++port.errors;
        return;
    }
    ++port.received;
    port.received_bpdu = bpdu;
    port.rcvd_bpdu = true;
    pending_ = true;
    run(now_ms);
}

void Rstp::run(int64_t now_ms) {
    if (pending_) {
        pending_ = false;
        run_machines();
    }
    int64_t behind = (now_ms - next_tick_ms_) / kTickMs;
    if (behind > kMostTicks) next_tick_ms_ += (behind - kMostTicks) * kTickMs;
    while (next_tick_ms_ <= now_ms) {
        next_tick_ms_ += kTickMs;
        tick();
        run_machines();
    }
}

int64_t Rstp::next_wakeup_ms() const {
    if (ports_.empty()) return INT64_MAX;
    return pending_ ? INT64_MIN : next_tick_ms_;
}

std::optional<Rstp::Status> Rstp::port(uint16_t number) const {
    auto it = ports_.find(number);
    if (it == ports_.end()) return std::nullopt;
    const Port& port = *it->second;
    Status status{port.id(), TreeState::kListening, port.role,   port.port_priority,
                  port.sent, port.received,         port.errors, port.since_ms};
    if (!port.enabled)
        status.state = TreeState::kDisabled;
    else if (port.forwarding)
        status.state = TreeState::kForwarding;
    else if (port.learning)
        status.state = TreeState::kLearning;
    return status;
}

std::vector<uint16_t> Rstp::ports() const {
    std::vector<uint16_t> out;
    for (const auto& [number, port] : ports_) out.push_back(number);
    return out;
}

TreeShow Rstp::show() const {
    TreeShow out;
    // The hello time is each bridge's own (17.21.24).
    out.root = {root_priority_.root, options_.hello_s, root_times_.max_age, root_times_.forward_delay};
    out.own = {options_.bridge, options_.hello_s, options_.max_age_s, options_.forward_delay_s};
    out.root_path_cost = root_priority_.cost;
    for (const auto& [number, port] : ports_) {
        if (root_port_id_ && port->id() == root_port_id_) out.root_port = port->options.name;
        Status status = *this->port(number);
        out.ports.push_back({port->options.name, role_name(status.role), state_name(status.state),
                             port->options.path_cost, port->options.priority, number});
    }
    return out;
}

}  // namespace weft::vswitch
