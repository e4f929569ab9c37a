#include "switch/protocols/cfm.h"

#include <fmt/core.h>

#include <algorithm>

#include "packet/vlan.h"

namespace weft::vswitch {

namespace {

constexpr int64_t kLeastDemandMs = 500;    // statistics must have time to arrive
constexpr int64_t kDemandIntervals = 100;  // that other packets may stand in for messages
constexpr size_t kMostEvents = 16;         // between two looks at them
constexpr int kHealthyMessages = 21;       // in kHealthLooks looks of 3.5 intervals

struct FaultName {
    uint8_t bit;
    const char* name;
};
constexpr FaultName kFaultNames[] = {{Cfm::kRecv, "recv"},         {Cfm::kRdi, "rdi"},
                                     {Cfm::kMaid, "maid"},         {Cfm::kLoopback, "loopback"},
                                     {Cfm::kOverflow, "overflow"}, {Cfm::kOverride, "override"},
                                     {Cfm::kInterval, "interval"}};

}  // namespace

std::vector<std::string> Cfm::fault_names(uint8_t faults) {
    std::vector<std::string> out;
    for (const auto& [bit, name] : kFaultNames) {
        if (faults & bit) out.push_back(name);
    }
    return out;
}

Cfm::Cfm(const CfmOptions& options, std::function<uint32_t()> random, int64_t now_ms)
    : options_(options), random_(std::move(random)), next_tx_ms_(now_ms), next_look_ms_(now_ms) {
    next_look_ms_ = now_ms + look_interval_ms();
}

int64_t Cfm::look_interval_ms() const {
    int64_t interval =
        options_.demand ? std::max(options_.interval_ms, kLeastDemandMs) : options_.interval_ms;
    return interval * 7 / 2;
}

void Cfm::configure(const CfmOptions& options, int64_t now_ms) {
    if (options == options_) return;
    CfmOptions before = std::exchange(options_, options);
    if (before.interval_ms != options.interval_ms) {
        next_tx_ms_ = now_ms;
        next_look_ms_ = now_ms + look_interval_ms();
    }
    if (options.demand && !before.demand) message_due_ms_ = now_ms + kDemandIntervals * options.interval_ms;
}

void Cfm::receive(ByteView bytes, int64_t now_ms) {
    auto message = packet::Ccm::decode(bytes);
    if (!message) {
        ++rejected_;
        return;
    }
    if (message->maid != packet::ovs_maid()) {
        found_ |= kMaid;
        return;
    }
    uint64_t mpid = options_.extended ? message->mpid64 : message->mpid;
    if (mpid == options_.mpid) {
        found_ |= kLoopback;
        return;
    }
    auto it = remotes_.find(mpid);
    if (it == remotes_.end()) {
        if (remotes_.size() >= kMostRemotes) {
            found_ |= kOverflow;
            return;
        }
        it = remotes_.try_emplace(mpid).first;
    }
    Remote& remote = it->second;
    remote.heard = true;
    remote.rdi = remote.rdi || message->rdi();
    remote.up = !options_.extended || !message->opdown;
    if (!message->rdi()) ++remote.healthy;
    if (message->interval() != interval_code() ||
        (!message->interval() && message->interval_ms != options_.interval_ms)) {
        say(fmt::format("a CCM of RMP {} with another interval than {} ms", mpid, options_.interval_ms));
    }
    if (remote.sequence && message->sequence != remote.sequence + 1) {
        say(fmt::format("sequence numbers {} and {} of RMP {}: messages were lost or came late",
                        remote.sequence, message->sequence, mpid));
    }
    remote.sequence = message->sequence;
    if (options_.demand) message_due_ms_ = now_ms + kDemandIntervals * options_.interval_ms;
}

// For the log; a peer that says the same again and again fills nothing.
void Cfm::say(std::string event) {
    if (events_.size() < kMostEvents) events_.push_back(std::move(event));
}

std::optional<Cfm::Send> Cfm::poll(int64_t now_ms) {
    if (now_ms >= next_tx_ms_) {
        next_tx_ms_ = now_ms + options_.interval_ms;
        return Send{compose(), tag()};
    }
    if (now_ms >= next_look_ms_) look(now_ms);
    return std::nullopt;
}

int64_t Cfm::next_wakeup_ms() const {
    return std::min(next_tx_ms_, next_look_ms_);
}

void Cfm::look(int64_t now_ms) {
    next_look_ms_ = now_ms + look_interval_ms();
    if (options_.demand) {
        bool data = received_ > received_before_ && now_ms < message_due_ms_;
        received_before_ = received_;
        if (data && remotes_.size() == 1) remotes_.begin()->second.heard = true;
    }
    if (looks_ == kHealthLooks) judge_health();
    ++looks_;
    uint8_t faults = std::exchange(found_, 0);
    bool up = true;
    remote_mpids_.clear();
    for (auto it = remotes_.begin(); it != remotes_.end();) {
        Remote& remote = it->second;
        if (!std::exchange(remote.heard, false)) {
            say(fmt::format("received no CCM from RMP {} in the last {} ms", it->first, look_interval_ms()));
            it = remotes_.erase(it);
            continue;
        }
        if (std::exchange(remote.rdi, false)) faults |= kRdi;
        up = up && remote.up;
        remote_mpids_.push_back(it->first);
        ++it;
    }
    if (remotes_.empty())
        faults |= kRecv;
    else
        remote_up_ = up;
    set_faults(faults);
}

void Cfm::judge_health() {
    looks_ = 0;
    if (remotes_.size() > 1) {
        health_.reset();
    } else {
        health_ =
            remotes_.empty() ? 0 : std::min(100, remotes_.begin()->second.healthy * 100 / kHealthyMessages);
    }
    for (auto& [mpid, remote] : remotes_) remote.healthy = 0;
}

void Cfm::set_faults(uint8_t faults) {
    if (faults == faults_) return;
    if (!faults != !faults_) ++flaps_;
    auto text = [](uint8_t bits) {
        std::string out;
        for (const std::string& name : fault_names(bits)) out += (out.empty() ? "" : " ") + name;
        return out;
    };
    say(fmt::format("CFM faults changed from [{}] to [{}].", text(faults_), text(faults)));
    faults_ = faults;
}

// Extended messages have an interval without a code elsewhere.
uint8_t Cfm::interval_code() const {
    uint8_t code = packet::ccm_interval_code(options_.interval_ms);
    return packet::ccm_interval_ms(code) == options_.interval_ms ? code : 0;
}

packet::Ccm Cfm::compose() {
    packet::Ccm ccm;
    ccm.flags = interval_code();
    // Who is heard again is told so at once, not after the next look.
    if ((faults_ & kRecv) && remotes_.empty()) ccm.flags |= packet::Ccm::kRdi;
    ccm.sequence = ++sequence_;
    ccm.maid = packet::ovs_maid();
    // In extended mode the short number is never zero, and nobody looks at it.
    ccm.mpid =
        static_cast<uint16_t>(options_.extended ? 1 + options_.mpid % packet::kMostMpid : options_.mpid);
    if (options_.extended) {
        ccm.mpid64 = options_.mpid;
        if (!ccm.interval()) ccm.interval_ms = static_cast<uint16_t>(options_.interval_ms);
        ccm.opdown = !options_.up;
    }
    return ccm;
}

std::optional<uint16_t> Cfm::tag() {
    if (!options_.random_vlan && !options_.vlan && !options_.pcp) return std::nullopt;
    auto vid = static_cast<uint16_t>(options_.random_vlan ? random_() & packet::vlan::kVid : options_.vlan);
    return static_cast<uint16_t>(vid | options_.pcp << packet::vlan::kPcpShift);
}

std::string Cfm::show(int64_t now_ms) const {
    std::string out = fmt::format("MPID {}:{}{}\n", options_.mpid, options_.extended ? " extended" : "",
                                  forced_ ? " fault_override" : "");
    if (uint8_t bits = faults()) {
        out += "  fault:";
        for (const std::string& name : fault_names(bits)) out += " " + name;
        out += "\n";
    }
    auto state = [](bool up) { return up ? "up" : "down"; };
    out += fmt::format("  average health: {}\n", health_ ? std::to_string(*health_) : "undefined");
    out += fmt::format("  opstate: {}\n  remote_opstate: {}\n", state(options_.up), state(remote_up_));
    out += fmt::format("  interval: {}ms\n  next CCM tx: {}ms\n  next fault check: {}ms\n",
                       options_.interval_ms, next_tx_ms_ - now_ms, next_look_ms_ - now_ms);
    for (const auto& [mpid, remote] : remotes_) {
        out += fmt::format("Remote MPID {}\n  recv since check: {}\n  opstate: {}\n", mpid, remote.heard,
                           state(remote.up));
    }
    return out;
}

}  // namespace weft::vswitch
