#include "switch/protocols/bond.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/append.h"
#include "packet/address.h"

namespace weft::vswitch {

namespace {

// Less than this is not worth a move (bytes since the last time, halved each time).
constexpr uint64_t kLeastOverload = 100000;

}  // namespace

const char* bond_mode_name(BondMode mode) {
    switch (mode) {
        case BondMode::kActiveBackup:
            return "active-backup";
        case BondMode::kBalanceSlb:
            return "balance-slb";
        case BondMode::kBalanceTcp:
            return "balance-tcp";
    }
    return "";
}

Bond::Bond(std::string name, const BondOptions& options, int64_t now_ms)
    : name_(std::move(name)), options_(options), next_rebalance_ms_(now_ms + options.rebalance_ms) {}

template <typename... Args>
void Bond::say(const char* format, const Args&... args) {
    result_.log.push_back(fmt::format(fmt::runtime(format), args...));
}

void Bond::configure(const BondOptions& options, int64_t now_ms) {
    if (options == options_) return;
    if (options.mode != options_.mode || options.hash_basis != options_.hash_basis) buckets_ = {};
    options_ = options;
    next_rebalance_ms_ = now_ms + options.rebalance_ms;
    result_.changed = true;
}

void Bond::set_member(Port port, const std::string& name, const packet::EthAddr& mac) {
    Member& member = members_[port];
    member.name = name;
    member.mac = mac;
}

void Bond::remove_member(Port port) {
    auto it = members_.find(port);
    if (it == members_.end()) return;
    enable(it->second, false);
    members_.erase(it);
    for (Bucket& bucket : buckets_) {
        if (bucket.member == port) bucket = {};
    }
}

std::vector<Bond::Port> Bond::members() const {
    std::vector<Port> out;
    for (const auto& [port, member] : members_) out.push_back(port);
    return out;
}

void Bond::set_lacp(BondLacp lacp) {
    if (std::exchange(lacp_, lacp) != lacp) result_.changed = true;
}

void Bond::set_link(Port port, bool up, bool negotiated) {
    auto it = members_.find(port);
    if (it == members_.end()) return;
    it->second.link_up = up;
    it->second.may_enable = up && negotiated;
}

void Bond::enable(Member& member, bool enabled) {
    member.delay_until_ms.reset();
    if (member.enabled == enabled) return;
    member.enabled = enabled;
    result_.changed = true;
    if (!enabled) result_.teach = true;  // who went that way must go another
    say("member {}: {}", member.name, enabled ? "enabled" : "disabled");
}

void Bond::follow_link(Member& member, int64_t now_ms) {
    bool up = member.may_enable;
    if (std::exchange(member.fresh, false) && member.link_up) enable(member, true);
    if (up == member.enabled) {
        if (member.delay_until_ms) say("member {}: will not be {}", member.name, up ? "disabled" : "enabled");
        member.delay_until_ms.reset();
        return;
    }
    if (!member.delay_until_ms) {
        int64_t delay = up ? options_.updelay_ms : options_.downdelay_ms;
        say("member {}: link state {}", member.name, up ? "up" : "down");
        if (delay) {
            say("member {}: will be {} if it stays {} for {} ms", member.name, up ? "enabled" : "disabled",
                up ? "up" : "down", delay);
        }
        member.delay_until_ms = now_ms + delay;
    }
    if (now_ms >= *member.delay_until_ms) enable(member, up);
}

void Bond::choose_active(int64_t now_ms) {
    auto enabled_one = [&](Port port) {
        auto it = members_.find(port);
        return it != members_.end() && it->second.enabled;
    };
    Port chosen = enabled_one(active_) ? active_ : kNone;
    if (auto primary = has_primary() ? find(options_.primary) : std::nullopt;
        primary && enabled_one(*primary)) {
        chosen = *primary;
    }
    for (const auto& [port, member] : members_) {
        if (chosen == kNone && member.enabled) chosen = port;
    }
    if (chosen == kNone) {
        // Rather one whose delay runs than none.
        Member* next = nullptr;
        for (auto& [port, member] : members_) {
            if (!member.may_enable || !member.delay_until_ms) continue;
            if (!next || *member.delay_until_ms < *next->delay_until_ms) next = &member, chosen = port;
        }
        if (next) {
            active_ = chosen;
            say("bond {}: active member is now {}, skipping remaining {} ms updelay (since no member was "
                "enabled)",
                name_, next->name, *next->delay_until_ms - now_ms);
            enable(*next, true);
            result_.teach = true;
            return;
        }
    }
    if (chosen == active_) return;
    bool had_one = std::exchange(active_, chosen) != kNone;
    result_.changed = true;
    if (chosen == kNone) return say("bond {}: all members disabled", name_);
    result_.teach |= had_one;
    say("bond {}: active member is now {}", name_, members_[chosen].name);
}

bool Bond::rebalance_due(int64_t now_ms) const {
    return balances() && now_ms >= next_rebalance_ms_;
}

Bond::Outcome Bond::run(int64_t now_ms) {
    for (auto& [port, member] : members_) follow_link(member, now_ms);
    choose_active(now_ms);
    if (rebalance_due(now_ms)) {
        rebalance();
        next_rebalance_ms_ = now_ms + options_.rebalance_ms;
    }
    // LACP partners take packets from any member; only others must learn.
    if (lacp_ == BondLacp::kNegotiated) result_.teach = false;
    return std::exchange(result_, {});
}

int64_t Bond::next_wakeup_ms() const {
    int64_t at = balances() ? next_rebalance_ms_ : INT64_MAX;
    for (const auto& [port, member] : members_) {
        if (member.delay_until_ms) at = std::min(at, *member.delay_until_ms);
    }
    return at;
}

// From the most loaded member to the least loaded, the largest buckets first that make neither the busier
// one, as long as it makes a difference.
void Bond::rebalance() {
    std::map<Port, uint64_t> load;
    for (const auto& [port, member] : members_) {
        if (member.enabled) load[port] = 0;
    }
    for (Bucket& bucket : buckets_) {
        auto it = load.find(bucket.member);
        if (it != load.end()) it->second += bucket.bytes;
    }
    bool first = true;
    for (size_t moves = 0; load.size() > 1 && moves < kBuckets; ++moves) {
        auto by_load = [](const auto& a, const auto& b) { return a.second < b.second; };
        auto from = std::max_element(load.begin(), load.end(), by_load);
        auto to = std::min_element(load.begin(), load.end(), by_load);
        uint64_t overload = from->second - to->second;
        if (first && (overload < kLeastOverload || overload * 100 < to->second * 3)) break;
        first = false;
        Bucket* best = nullptr;
        size_t held = 0;
        for (Bucket& bucket : buckets_) {
            if (bucket.member != from->first || !bucket.bytes) continue;
            ++held;
            if (bucket.bytes * 2 > overload) continue;  // it would make the other the busier one
            if (!best || bucket.bytes > best->bytes) best = &bucket;
        }
        if (!best || held < 2) break;
        // Worth it is what takes a tenth off the ratio of the two.
        auto ratio = [](uint64_t more, uint64_t less) {
            return less ? static_cast<double>(more) / static_cast<double>(less) : HUGE_VAL;
        };
        if (to->second &&
            ratio(from->second, to->second) - ratio(from->second - best->bytes, to->second + best->bytes) <
                0.1) {
            break;
        }
        best->member = to->first;
        from->second -= best->bytes;
        to->second += best->bytes;
        result_.changed = true;
        say("bond {}: shift {}kB of load (with hash {}) from {} to {} (now carrying {}kB and {}kB load, "
            "respectively)",
            name_, best->bytes / 1024, best - buckets_.data(), members_[from->first].name,
            members_[to->first].name, from->second / 1024, to->second / 1024);
    }
    for (Bucket& bucket : buckets_) bucket.bytes /= 2;
}

Bond::Admission Bond::admit(Port port, bool multicast) const {
    if (!enabled(port)) return Admission::kDrop;
    if (lacp_ == BondLacp::kNegotiated) return Admission::kAccept;
    if (lacp_ == BondLacp::kConfigured && !options_.fallback_ab) return Admission::kDrop;
    bool active = port == active_;
    switch (mode()) {
        case BondMode::kBalanceTcp:
            return Admission::kDrop;
        case BondMode::kActiveBackup:
            return active ? Admission::kAccept : Admission::kDrop;
        case BondMode::kBalanceSlb:
            // Others flood what has many receivers to every member: one copy is enough.
            if (multicast && !active && !options_.all_members_active) return Admission::kDrop;
            return Admission::kDropIfMoved;
    }
    return Admission::kDrop;
}

uint8_t Bond::hash_source(const packet::EthAddr& source, uint16_t vlan, uint32_t basis) {
    uint64_t h = 0xcbf29ce484222325ull ^ basis;
    auto add = [&](uint8_t byte) { h = (h ^ byte) * 0x100000001b3ull; };
    for (uint8_t byte : source) add(byte);
    add(static_cast<uint8_t>(vlan >> 8));
    add(static_cast<uint8_t>(vlan));
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdull;
    return static_cast<uint8_t>(h >> 56);
}

Bond::Port Bond::member_of(uint8_t index) {
    Bucket& bucket = buckets_[index];
    if (enabled(bucket.member)) return bucket.member;
    std::vector<Port> candidates;
    for (const auto& [port, member] : members_) {
        if (member.enabled) candidates.push_back(port);
    }
    bucket.member = candidates.empty() ? kNone : candidates[index % candidates.size()];
    return bucket.member;
}

Bond::Port Bond::active() const {
    if (lacp_ == BondLacp::kConfigured && !options_.fallback_ab) return kNone;
    if (mode() == BondMode::kBalanceTcp && lacp_ != BondLacp::kNegotiated) return kNone;
    return enabled(active_) ? active_ : kNone;
}

std::optional<Bond::Port> Bond::find(std::string_view name) const {
    for (const auto& [port, member] : members_) {
        if (member.name == name) return port;
    }
    return std::nullopt;
}

bool Bond::enabled(Port port) const {
    auto it = members_.find(port);
    return it != members_.end() && it->second.enabled;
}

bool Bond::set_active(Port port) {
    if (port == active_) return false;
    active_ = port;
    result_.changed = result_.teach = true;
    say("bond {}: active member is now {}", name_, members_[port].name);
    return true;
}

void Bond::set_enabled(Port port, bool enabled) {
    auto it = members_.find(port);
    if (it != members_.end()) enable(it->second, enabled);
}

void Bond::migrate(uint8_t bucket, Port port) {
    buckets_[bucket].member = port;
    result_.changed = true;
}

packet::EthAddr Bond::active_mac() const {
    auto it = members_.find(active_);
    return it == members_.end() ? packet::EthAddr{} : it->second.mac;
}

std::string Bond::show(uint32_t recirc_id, std::optional<uint32_t> datapath_bond, int64_t now_ms) const {
    std::string out;
    auto truth = [](bool value) { return value ? "true" : "false"; };
    append(out, "---- {} ----\nbond_mode: {}\n", name_, bond_mode_name(options_.mode));
    if (mode() == BondMode::kBalanceTcp)
        append(out, "bond may use recirculation: yes, Recirc-ID : {}\n", recirc_id);
    else
        append(out, "bond may use recirculation: no, Recirc-ID : -1\n");
    append(out, "bond-hash-basis: {}\nlb_output action: {}, bond-id: {}\n", options_.hash_basis,
           datapath_bond ? "enabled" : "disabled", datapath_bond ? int64_t{*datapath_bond} : -1);
    if (options_.mode == BondMode::kBalanceSlb)
        append(out, "all members active: {}\n", truth(options_.all_members_active));
    append(out, "updelay: {} ms\ndowndelay: {} ms\n", options_.updelay_ms, options_.downdelay_ms);
    if (balances()) append(out, "next rebalance: {} ms\n", next_rebalance_ms_ - now_ms);
    append(out, "lacp_status: {}\nlacp_fallback_ab: {}\n",
           lacp_ == BondLacp::kOff          ? "off"
           : lacp_ == BondLacp::kConfigured ? "configured"
                                            : "negotiated",
           truth(options_.fallback_ab));
    append(out, "active-backup primary: {}{}\n", has_primary() ? options_.primary : "<none>",
           !has_primary() || find(options_.primary) ? "" : " (no such member)");
    auto active = members_.find(active_);
    append(out, "active member mac: {}({})\n", packet::to_string(active_mac()),
           active == members_.end() ? "none" : active->second.name);
    std::map<std::string, Port> by_name;
    for (const auto& [port, member] : members_) by_name[member.name] = port;
    for (const auto& [name, port] : by_name) {
        const Member& member = members_.at(port);
        append(out, "\nmember {}: {}\n", name, member.enabled ? "enabled" : "disabled");
        if (port == active_) append(out, "  active member\n");
        if (member.delay_until_ms) {
            append(out, "  {} expires in {} ms\n", member.enabled ? "downdelay" : "updelay",
                   *member.delay_until_ms - now_ms);
        }
        append(out, "  may_enable: {}\n", truth(member.may_enable));
        if (mode() == BondMode::kActiveBackup) continue;
        for (size_t i = 0; i < kBuckets; ++i) {
            if (buckets_[i].member == port && buckets_[i].bytes >= 1024)
                append(out, "  hash {}: {} kB load\n", i, buckets_[i].bytes / 1024);
        }
    }
    return out + "\n";
}

}  // namespace weft::vswitch
