#include "switch/protocols/lacp.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/append.h"
#include "packet/address.h"

namespace weft::vswitch {

using packet::LacpInfo;
using packet::LacpPdu;

namespace {

constexpr int64_t kFastMs = 1000, kSlowMs = 30000;
constexpr int64_t kTimeoutFactor = 3;
// What of ours the partner must have right (802.1AX, 6.4.9: update_NTT).
constexpr uint8_t kToldState =
    LacpInfo::kActivity | LacpInfo::kTimeout | LacpInfo::kSynchronized | LacpInfo::kAggregation;

// Which of two systems decides, and by what it orders its ports.
auto priority(const LacpInfo& info) {
    return std::tuple(info.sys_priority, info.sys_id, info.port_priority, info.port_id);
}

// What is told at once when it changes: that we lost a partner, the next unit says.
std::optional<LacpInfo> told(std::optional<LacpInfo> info) {
    if (info) info->state &= static_cast<uint8_t>(~(LacpInfo::kDefaulted | LacpInfo::kExpired));
    return info;
}

}  // namespace

const char* lacp_status_name(Lacp::Status status) {
    switch (status) {
        case Lacp::Status::kCurrent:
            return "current";
        case Lacp::Status::kExpired:
            return "expired";
        case Lacp::Status::kDefaulted:
            return "defaulted";
    }
    return "";
}

Lacp::Lacp(const LacpOptions& options, int64_t) : options_(options) {}

void Lacp::configure(const LacpOptions& options, int64_t now_ms) {
    if (options == options_) return;
    bool woken = options.active && !options_.active;
    options_ = options;
    if (woken) {
        for (auto& [id, member] : members_) {
            if (member.status == Status::kDefaulted) begin(member, now_ms);
        }
    }
    select();
}

void Lacp::set_member(Id id, const LacpMemberOptions& options, int64_t now_ms) {
    auto [it, added] = members_.try_emplace(id);
    if (!added && it->second.options == options) return;
    it->second.options = options;
    if (added) begin(it->second, now_ms);
    select();
}

void Lacp::remove_member(Id id) {
    if (members_.erase(id)) select();
}

// Who speaks first listens for a while before it concludes that nobody is there.
void Lacp::begin(Member& member, int64_t now_ms) {
    member.partner = {};
    member.status = Status::kDefaulted;
    member.expires_ms = INT64_MAX;
    if (!options_.active) return;
    member.status = Status::kExpired;
    member.partner.state = LacpInfo::kTimeout;
    member.expires_ms = now_ms + kTimeoutFactor * kFastMs;
    member.next_tx_ms = now_ms;
}

void Lacp::expire(Member& member, int64_t now_ms) {
    member.status = Status::kExpired;
    // It is asked to answer soon.
    member.partner.state |= LacpInfo::kTimeout;
    member.partner.state &= static_cast<uint8_t>(~LacpInfo::kSynchronized);
    member.expires_ms = now_ms + kTimeoutFactor * kFastMs;
    member.next_tx_ms = std::min(member.next_tx_ms, now_ms + kFastMs);
}

void Lacp::receive(Id id, ByteView payload, int64_t now_ms) {
    auto it = members_.find(id);
    if (it == members_.end()) return;
    Member& member = it->second;
    ++member.counters.rx;
    if (payload.size() >= LacpPdu::kSize && payload[0] == packet::kMarkerSubtype) {
        ++member.counters.rx_marker;
        return;
    }
    std::optional<LacpPdu> pdu = LacpPdu::decode(payload);
    if (!pdu) {
        ++member.counters.rx_bad;
        return;
    }
    LacpInfo ours = actor(member), theirs = pdu->partner;
    ours.state &= kToldState;
    theirs.state &= kToldState;
    if (ours != theirs) member.need_to_transmit = true;
    bool slow = !(member.partner.state & LacpInfo::kTimeout);
    member.partner = pdu->actor;
    member.status = Status::kCurrent;
    member.expires_ms = now_ms + kTimeoutFactor * (options_.fast ? kFastMs : kSlowMs);
    // Who now asks for fast units must not wait for the next slow one.
    if (slow && (member.partner.state & LacpInfo::kTimeout))
        member.next_tx_ms = std::min(member.next_tx_ms, now_ms + kFastMs);
    select();
}

void Lacp::carrier_changed(Id id, int64_t now_ms) {
    auto it = members_.find(id);
    if (it == members_.end()) return;
    ++it->second.counters.carrier_changed;
    if (it->second.status != Status::kDefaulted)
        expire(it->second, now_ms);
    else
        begin(it->second, now_ms);
    select();
}

void Lacp::run(int64_t now_ms) {
    bool any = false;
    for (auto& [id, member] : members_) {
        if (now_ms < member.expires_ms) continue;
        any = true;
        if (member.status == Status::kCurrent) {
            ++member.counters.expired;
            expire(member, now_ms);
        } else {
            ++member.counters.defaulted;
            member.status = Status::kDefaulted;
            member.partner = {};
            member.expires_ms = INT64_MAX;
        }
    }
    if (any) select();
}

// A member that sees ourselves at the other end leads nowhere.
bool Lacp::usable(const Member& member) const {
    return member.status != Status::kDefaulted && member.partner.sys_id != options_.sys_id;
}

const Lacp::Member* Lacp::leader(Status status) const {
    const Member* best = nullptr;
    // Those that are in use stay so: a newcomer with another partner does not take over.
    auto rank = [&](const Member& member) {
        return std::tuple(!member.attached, std::min(priority(actor(member)), priority(member.partner)));
    };
    for (const auto& [id, member] : members_) {
        if (member.status != status || !usable(member)) continue;
        if (!best || rank(member) < rank(*best)) best = &member;
    }
    return best;
}

void Lacp::select() {
    const Member* lead = leader(Status::kCurrent);
    if (!lead) lead = leader(Status::kExpired);
    std::map<Id, bool> attached;
    for (const auto& [id, member] : members_) {
        attached[id] = lead ? usable(member) && member.partner.key == lead->partner.key &&
                                  member.partner.sys_id == lead->partner.sys_id
                            : options_.fallback_ab;
    }
    for (auto& [id, member] : members_) member.attached = attached[id];
    negotiated_ = lead != nullptr;
    changed_ = true;
}

LacpInfo Lacp::actor(const Member& member) const {
    LacpInfo info;
    info.sys_priority = options_.sys_priority;
    info.sys_id = options_.sys_id;
    info.key = members_.empty() ? uint16_t{0} : members_.begin()->second.options.key;
    info.port_priority = member.options.port_priority;
    info.port_id = member.options.port_id;
    auto set = [&](bool on, uint8_t bit) {
        if (on) info.state |= bit;
    };
    set(options_.active, LacpInfo::kActivity);
    set(options_.fast, LacpInfo::kTimeout);
    set(members_.size() > 1, LacpInfo::kAggregation);
    set(member.attached, LacpInfo::kSynchronized);
    set(member.attached || !negotiated_, LacpInfo::kCollecting | LacpInfo::kDistributing);
    set(member.status == Status::kDefaulted, LacpInfo::kDefaulted);
    set(member.status == Status::kExpired, LacpInfo::kExpired);
    return info;
}

std::optional<Lacp::Send> Lacp::poll(int64_t now_ms) {
    run(now_ms);
    for (auto& [id, member] : members_) {
        if (!options_.active && member.status == Status::kDefaulted) {
            member.need_to_transmit = false;
            continue;
        }
        LacpInfo now = actor(member);
        if (!member.need_to_transmit && now_ms < member.next_tx_ms && told(member.sent) == told(now))
            continue;
        member.need_to_transmit = false;
        member.sent = now;
        member.next_tx_ms = now_ms + (member.partner.state & LacpInfo::kTimeout ? kFastMs : kSlowMs);
        ++member.counters.tx;
        Send send{id, {}};
        send.pdu.actor = now;
        send.pdu.partner = member.partner;
        return send;
    }
    return std::nullopt;
}

int64_t Lacp::next_wakeup_ms() const {
    int64_t at = INT64_MAX;
    for (const auto& [id, member] : members_) {
        at = std::min(at, member.expires_ms);
        if (!options_.active && member.status == Status::kDefaulted) continue;
        if (member.need_to_transmit || told(member.sent) != told(actor(member))) return 0;
        at = std::min(at, member.next_tx_ms);
    }
    return at;
}

bool Lacp::may_enable(Id id) const {
    auto it = members_.find(id);
    if (it == members_.end() || !it->second.attached) return false;
    return !negotiated_ || (it->second.partner.state & LacpInfo::kSynchronized);
}

bool Lacp::has_partner(Id id) const {
    auto it = members_.find(id);
    return it != members_.end() && it->second.status != Status::kDefaulted;
}

std::optional<Lacp::Status> Lacp::status(Id id) const {
    auto it = members_.find(id);
    if (it == members_.end()) return std::nullopt;
    return it->second.status;
}

const Lacp::Counters* Lacp::counters(Id id) const {
    auto it = members_.find(id);
    return it == members_.end() ? nullptr : &it->second.counters;
}

std::string Lacp::show(const std::string& port) const {
    std::string out;
    append(out, "---- {} ----\n  status: {}{}\n", port, options_.active ? "active" : "passive",
           negotiated_ ? " negotiated" : "");
    append(out, "  sys_id: {}\n  sys_priority: {}\n", packet::to_string(options_.sys_id),
           options_.sys_priority);
    append(out, "  aggregation key: {}\n  lacp_time: {}\n",
           members_.empty() ? uint16_t{0} : members_.begin()->second.options.key,
           options_.fast ? "fast" : "slow");
    auto end = [&](const char* name, const LacpInfo& info) {
        append(out, "\n  {0} sys_id: {1}\n  {0} sys_priority: {2}\n", name, packet::to_string(info.sys_id),
               info.sys_priority);
        append(out, "  {0} port_id: {1}\n  {0} port_priority: {2}\n  {0} key: {3}\n", name, info.port_id,
               info.port_priority, info.key);
        std::string state = packet::lacp_state_text(info.state);
        append(out, "  {} state:{}{}\n", name, state.empty() ? "" : " ", state);
    };
    for (const auto& [id, member] : members_) {
        append(out, "\nmember: {}: {} {}\n", member.options.name, lacp_status_name(member.status),
               member.attached ? "attached" : "detached");
        append(out, "  port_id: {}\n  port_priority: {}\n  may_enable: {}\n", member.options.port_id,
               member.options.port_priority, may_enable(id) ? "true" : "false");
        end("actor", actor(member));
        end("partner", member.partner);
    }
    return out;
}

std::string Lacp::show_stats(const std::string& port) const {
    std::string out;
    append(out, "---- {} statistics ----\n", port);
    for (const auto& [id, member] : members_) {
        const Counters& c = member.counters;
        append(out, "\nmember: {}:\n  TX PDUs: {}\n  RX PDUs: {}\n  RX Bad PDUs: {}\n", member.options.name,
               c.tx, c.rx, c.rx_bad);
        append(out, "  RX Marker Request PDUs: {}\n  Link Expired: {}\n  Link Defaulted: {}\n", c.rx_marker,
               c.expired, c.defaulted);
        append(out, "  Carrier Status Changed: {}\n", c.carrier_changed);
    }
    return out;
}

}  // namespace weft::vswitch
