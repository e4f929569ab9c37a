#include "northd/ipam.h"

#include <fmt/core.h>

#include <algorithm>

namespace weft::northd {

namespace {

constexpr uint32_t kSuffixes = 0xfffffe;  // 24 bits without all zeros and all ones

Ip6 eui64(const Ip6& prefix, uint64_t mac) {
    Ip6 out = prefix;
    Ip6 local = link_local(mac_bytes(mac)).value;
    std::copy(local.begin() + 8, local.end(), out.begin() + 8);
    return out;
}

bool in_prefix(const Ip6& prefix, const Ip6& ip) {
    return std::equal(prefix.begin(), prefix.begin() + 8, ip.begin());
}

}  // namespace

uint64_t mac_value(const std::array<uint8_t, 6>& mac) {
    uint64_t out = 0;
    for (uint8_t byte : mac) out = out << 8 | byte;
    return out;
}

std::array<uint8_t, 6> mac_bytes(uint64_t value) {
    std::array<uint8_t, 6> out;
    for (size_t i = 0; i < 6; ++i) out[i] = static_cast<uint8_t>(value >> (40 - 8 * i));
    return out;
}

bool AddressPool::may_give(uint32_t ip) const {
    if (!subnet || !subnet->contains(ip)) return false;
    uint32_t first = subnet->value & subnet->mask(), last = subnet->value | ~subnet->mask();
    if (ip == last || ip - first < 2) return false;
    return std::none_of(excluded.begin(), excluded.end(),
                        [&](const auto& range) { return range.first <= ip && ip <= range.second; });
}

std::vector<std::pair<uint32_t, uint32_t>> parse_ranges(std::string_view text,
                                                        std::vector<std::string>& bad) {
    std::vector<std::pair<uint32_t, uint32_t>> out;
    for (std::string_view word : split(text, " ")) {
        size_t dots = word.find("..");
        auto first = parse_ip4(word.substr(0, dots));
        auto last = dots == word.npos ? first : parse_ip4(word.substr(dots + 2));
        if (!first || !last || first->prefix != 32 || last->prefix != 32 || last->value < first->value) {
            bad.emplace_back(word);
            continue;
        }
        out.emplace_back(first->value, last->value);
    }
    return out;
}

std::optional<DynamicRequest> parse_dynamic_request(std::string_view text) {
    std::vector<std::string_view> words = split(text, " \t");
    DynamicRequest out;
    if (words.size() == 2 && words[1] == "dynamic") {
        auto mac = parse_mac(words[0]);
        if (!mac) return std::nullopt;
        out.mac = mac_value(*mac);
        return out;
    }
    if (words.empty() || words[0] != "dynamic") return std::nullopt;
    for (size_t i = 1; i < words.size(); ++i) {
        if (auto ip4 = parse_ip4(words[i]); ip4 && ip4->prefix == 32) {
            out.ip4 = ip4->value;
        } else if (auto ip6 = parse_ip6(words[i]); ip6 && ip6->prefix == 128) {
            out.ip6 = ip6->value;
        } else {
            return std::nullopt;
        }
    }
    return out;
}

std::string assignment_text(const Assignment& a) {
    std::string out = mac_text(mac_bytes(a.mac));
    if (a.ip4) out += " " + ip4_text(*a.ip4);
    if (a.ip6) out += " " + ip6_text(*a.ip6);
    return out;
}

std::optional<Assignment> parse_assignment(std::string_view text) {
    auto parsed = parse_addresses(text);
    if (!parsed) return std::nullopt;
    Assignment out;
    out.mac = mac_value(parsed->eth);
    if (!parsed->ip4.empty()) out.ip4 = parsed->ip4[0].value;
    if (!parsed->ip6.empty()) out.ip6 = parsed->ip6[0].value;
    return out;
}

// --- what is occupied

void Ipam::set_mac_prefix(uint32_t prefix) {
    if (mac_prefix_ == prefix) return;
    mac_prefix_ = prefix;
    lowest_suffix_ = 0;
    for (auto& [owner, port] : ports_) {
        if (port.claim.request) due_.insert(owner);
    }
}

void Ipam::set_pool(const Uuid& switch_uuid, const AddressPool& pool) {
    Network& network = networks_[switch_uuid];
    if (network.pool == pool) return;
    network.pool = pool;
    network.lowest = 0;
    due_.insert(network.owners.begin(), network.owners.end());
}

void Ipam::erase_pool(const Uuid& switch_uuid) {
    set_pool(switch_uuid, {});
    const Network& network = networks_[switch_uuid];
    if (network.owners.empty() && network.ip4.empty() && network.ip6.empty() && network.macs.empty()) {
        networks_.erase(switch_uuid);
    }
}

void Ipam::free_mac(uint64_t mac) {
    if (mac_prefix_ && mac >> 24 == *mac_prefix_ && (mac & 0xffffff)) {
        lowest_suffix_ = std::min(lowest_suffix_, static_cast<uint32_t>(mac & 0xffffff) - 1);
    }
}

void Ipam::drop_if_unused(const Uuid& switch_uuid, uint32_t ip) {
    Network& network = networks_[switch_uuid];
    auto it = network.ip4.find(ip);
    if (it == network.ip4.end() || !it->second.free()) return;
    network.ip4.erase(it);
    network.lowest = std::min(network.lowest, ip);
    freed_.emplace_back(switch_uuid, ip);
}

// Who waited for an address that became free, and stayed so, has another turn.
void Ipam::offer_freed() {
    for (const auto& [switch_uuid, ip] : freed_) {
        auto found = networks_.find(switch_uuid);
        if (found == networks_.end() || found->second.ip4.contains(ip)) continue;
        Network& network = found->second;
        if (!network.pool.may_give(ip)) continue;
        if (auto it = network.asked.find(ip); it != network.asked.end()) {
            due_.insert(it->second.begin(), it->second.end());
        }
        due_.insert(network.short_of.begin(), network.short_of.end());
    }
    freed_.clear();
}

void Ipam::occupy(const AddressClaim& claim) {
    Network& network = networks_[claim.switch_uuid];
    for (uint64_t mac : claim.macs) {
        ++fixed_macs_[mac];
        ++network.macs[mac];
        if (auto it = given_macs_.find(mac); it != given_macs_.end()) {
            due_.insert(it->second.begin(), it->second.end());
        }
    }
    for (uint32_t ip : claim.ip4) {
        Use& use = network.ip4[ip];
        ++use.fixed;
        if (!use.given_to.is_zero()) due_.insert(use.given_to);
    }
    for (const Ip6& ip : claim.ip6) {
        Use& use = network.ip6[ip];
        ++use.fixed;
        if (!use.given_to.is_zero()) due_.insert(use.given_to);
    }
    if (!claim.request) return;
    network.owners.insert(claim.owner);
    if (claim.request->ip4) network.asked[*claim.request->ip4].insert(claim.owner);
    due_.insert(claim.owner);
}

void Ipam::vacate(const AddressClaim& claim) {
    Network& network = networks_[claim.switch_uuid];
    for (uint64_t mac : claim.macs) {
        if (--fixed_macs_[mac] == 0) {
            fixed_macs_.erase(mac);
            free_mac(mac);
        }
        if (--network.macs[mac] == 0) network.macs.erase(mac);
    }
    for (uint32_t ip : claim.ip4) {
        --network.ip4[ip].fixed;
        drop_if_unused(claim.switch_uuid, ip);
    }
    for (const Ip6& ip : claim.ip6) {
        auto it = network.ip6.find(ip);
        --it->second.fixed;
        if (it->second.free()) network.ip6.erase(it);
    }
    network.owners.erase(claim.owner);
    network.short_of.erase(claim.owner);
    if (claim.request && claim.request->ip4) {
        auto it = network.asked.find(*claim.request->ip4);
        it->second.erase(claim.owner);
        if (it->second.empty()) network.asked.erase(it);
    }
}

void Ipam::set_claim(const AddressClaim& claim) {
    Port& port = ports_[claim.owner];
    if (!port.claim.owner.is_zero()) {
        if (port.claim == claim) return;
        if (port.claim.switch_uuid != claim.switch_uuid) withdraw(claim.owner, port);
        vacate(port.claim);
    }
    port.claim = claim;
    occupy(claim);
    if (!claim.request) due_.insert(claim.owner);  // what it may have had goes
}

void Ipam::erase_claim(const Uuid& owner) {
    auto it = ports_.find(owner);
    if (it == ports_.end()) return;
    withdraw(owner, it->second);
    vacate(it->second.claim);
    ports_.erase(it);
    due_.erase(owner);
    shortages_.erase(owner);
}

void Ipam::suggest(const Uuid& owner, const Assignment& assignment) {
    auto it = ports_.find(owner);
    if (it == ports_.end() || !it->second.claim.request) return;
    it->second.suggested = assignment;
    due_.insert(owner);
}

// --- assignments

const Assignment* Ipam::find(const Uuid& owner) const {
    auto it = ports_.find(owner);
    return it == ports_.end() || !it->second.assigned ? nullptr : &*it->second.assigned;
}

void Ipam::withdraw(const Uuid& owner, Port& port) {
    before_.emplace(owner, port.assigned);
    if (!port.assigned) return;
    Network& network = networks_[port.claim.switch_uuid];
    Assignment old = *port.assigned;
    port.assigned.reset();
    if (auto it = given_macs_.find(old.mac); it != given_macs_.end()) {
        it->second.erase(owner);
        if (it->second.empty()) given_macs_.erase(it);
        free_mac(old.mac);
    }
    if (old.ip4) {
        network.ip4[*old.ip4].given_to = Uuid();
        drop_if_unused(port.claim.switch_uuid, *old.ip4);
    }
    if (old.ip6) {
        auto it = network.ip6.find(*old.ip6);
        it->second.given_to = Uuid();
        if (it->second.free()) network.ip6.erase(it);
    }
}

std::optional<uint32_t> Ipam::choose_ip4(Network& network, const Port& port,
                                         const std::optional<Assignment>& had) {
    const AddressPool& pool = network.pool;
    if (!pool.subnet) return std::nullopt;
    auto available = [&](uint32_t ip) { return pool.may_give(ip) && !network.ip4.contains(ip); };
    if (port.claim.request->ip4 && available(*port.claim.request->ip4)) return port.claim.request->ip4;
    if (had && had->ip4 && available(*had->ip4)) return had->ip4;
    uint32_t first = (pool.subnet->value & pool.subnet->mask()) + 2,
             last = pool.subnet->value | ~pool.subnet->mask();
    for (uint32_t ip = std::max(first, network.lowest); ip < last; ++ip) {
        if (network.ip4.contains(ip)) continue;
        auto range = std::find_if(pool.excluded.begin(), pool.excluded.end(),
                                  [&](const auto& r) { return r.first <= ip && ip <= r.second; });
        if (range != pool.excluded.end()) {
            if (range->second >= last) break;
            ip = range->second;
            continue;
        }
        network.lowest = ip;
        return ip;
    }
    network.lowest = last;
    return std::nullopt;
}

bool Ipam::mac_is_taken(uint64_t mac, const Uuid& except) const {
    if (fixed_macs_.contains(mac)) return true;
    auto it = given_macs_.find(mac);
    return it != given_macs_.end() && !(it->second.size() == 1 && it->second.contains(except));
}

bool Ipam::may_keep_mac(const Network& network, const Uuid& owner, const Port& port, uint64_t mac) const {
    const auto& request = port.claim.request;
    if (!request || request->mac || !network.pool.active()) return false;
    if (mac >> 24 != mac_prefix_.value_or(0) || network.macs.contains(mac)) return false;
    auto it = given_macs_.find(mac);
    return it == given_macs_.end() || it->second.empty() ||
           (it->second.size() == 1 && it->second.contains(owner));
}

uint64_t Ipam::choose_mac(const Network& network, const Uuid& owner, const Port& port,
                          const std::optional<Assignment>& had, std::optional<uint32_t> ip4) {
    const DynamicRequest& request = *port.claim.request;
    if (request.mac) return *request.mac;
    uint64_t prefix = uint64_t{mac_prefix_.value_or(0)} << 24;
    if (had && may_keep_mac(network, owner, port, had->mac)) return had->mac;
    std::optional<uint32_t> source = request.ip4 ? request.ip4 : ip4;
    uint32_t suffix = source ? (*source & 0xffffff) : lowest_suffix_;
    for (uint32_t tries = 0; tries < kSuffixes; ++tries) {
        suffix = suffix % kSuffixes + 1;
        if (!mac_is_taken(prefix | suffix, owner)) break;
    }
    if (!source) lowest_suffix_ = suffix - 1;
    return prefix | suffix;
}

void Ipam::assign(const Uuid& owner, Port& port, const std::optional<Assignment>& had) {
    shortages_.erase(owner);
    Network& network = networks_[port.claim.switch_uuid];
    network.short_of.erase(owner);
    const AddressPool& pool = network.pool;
    if (!port.claim.request || !pool.active()) return;
    Assignment out;
    out.ip4 = choose_ip4(network, port, had);
    if (pool.subnet && !out.ip4) {
        network.short_of.insert(owner);
        shortages_[owner] =
            fmt::format("Logical_Switch_Port {}: no address is left in the subnet {} of its switch",
                        port.claim.name, pool.subnet->network_text());
    }
    out.mac = choose_mac(network, owner, port, had, out.ip4);
    if (pool.prefix) {
        auto is_free = [&](const Ip6& ip) {
            auto it = network.ip6.find(ip);
            return it == network.ip6.end() || (it->second.fixed == 0 && it->second.given_to == owner);
        };
        const std::optional<Ip6>& asked = port.claim.request->ip6;
        out.ip6 = asked && in_prefix(*pool.prefix, *asked) && is_free(*asked) ? *asked
                                                                              : eui64(*pool.prefix, out.mac);
        if (!is_free(*out.ip6)) {
            shortages_[owner] = fmt::format("Logical_Switch_Port {}: another port of its switch has {}",
                                            port.claim.name, ip6_text(*out.ip6));
            out.ip6.reset();
        }
    }
    if (had && had->ip6 && had->ip6 != out.ip6) {  // it was set aside for nothing
        auto it = network.ip6.find(*had->ip6);
        if (it != network.ip6.end() && it->second.given_to == owner) network.ip6.erase(it);
    }
    given_macs_[out.mac].insert(owner);
    if (out.ip4) network.ip4[*out.ip4].given_to = owner;
    if (out.ip6) network.ip6[*out.ip6].given_to = owner;
    port.assigned = out;
}

std::vector<Uuid> Ipam::settle() {
    // An assignment that is given up may be what another port waits for: until nothing is due.  Who asks by
    // name comes first, then who has something to keep, then by name, so that order of arrival is no matter.
    for (int round = 0; round < 8; ++round) {
        offer_freed();
        if (due_.empty()) break;
        std::set<Uuid> due;
        std::swap(due, due_);
        struct Turn {
            int rank;
            std::string_view name;
            Uuid owner;
            std::optional<Assignment> had;
            std::optional<uint32_t> kept;
            auto order() const { return std::tie(rank, name, owner); }
        };
        std::vector<Turn> turns;
        for (const Uuid& owner : due) {
            auto it = ports_.find(owner);
            if (it == ports_.end()) continue;
            Port& port = it->second;
            std::optional<Assignment> had = port.suggested ? port.suggested : port.assigned;
            port.suggested.reset();
            bool named = port.claim.request && port.claim.request->ip4;
            bool keeps_named = named && had && had->ip4 == port.claim.request->ip4;
            int rank = keeps_named ? 0 : had && had->ip4 && !named ? 1 : had && had->ip4 ? 2 : named ? 3 : 4;
            turns.push_back({rank, port.claim.name, owner, had, std::nullopt});
        }
        std::sort(turns.begin(), turns.end(),
                  [](const Turn& a, const Turn& b) { return a.order() < b.order(); });
        for (const Turn& turn : turns) withdraw(turn.owner, ports_.at(turn.owner));
        // First what can be kept is set aside, so that nobody who has to move takes it; what is asked for by
        // name is for those who find it free then.
        auto set_aside = [&](Turn& turn, std::optional<uint32_t> ip) {
            const Port& port = ports_.at(turn.owner);
            Network& network = networks_[port.claim.switch_uuid];
            if (!ip || !port.claim.request || !network.pool.may_give(*ip) || network.ip4.contains(*ip))
                return;
            if (turn.kept) {
                network.ip4[*turn.kept].given_to = Uuid();
                drop_if_unused(port.claim.switch_uuid, *turn.kept);
            }
            network.ip4[*ip].given_to = turn.owner;
            turn.kept = ip;
        };
        for (Turn& turn : turns) set_aside(turn, turn.had ? turn.had->ip4 : std::nullopt);
        for (const Turn& turn : turns) {
            const Port& port = ports_.at(turn.owner);
            Network& network = networks_[port.claim.switch_uuid];
            if (!turn.had || !port.claim.request) continue;
            if (may_keep_mac(network, turn.owner, port, turn.had->mac))
                given_macs_[turn.had->mac].insert(turn.owner);
            const auto& ip6 = turn.had->ip6;
            if (ip6 && network.pool.prefix && in_prefix(*network.pool.prefix, *ip6) &&
                !network.ip6.contains(*ip6)) {
                network.ip6[*ip6].given_to = turn.owner;
            }
        }
        for (Turn& turn : turns) {
            const auto& request = ports_.at(turn.owner).claim.request;
            if (request) set_aside(turn, request->ip4);
        }
        for (const Turn& turn : turns) {
            Port& port = ports_.at(turn.owner);
            if (turn.kept) networks_[port.claim.switch_uuid].ip4.erase(*turn.kept);
            assign(turn.owner, port, turn.had);
        }
    }
    std::vector<Uuid> changed;
    for (const auto& [owner, before] : before_) {
        const Assignment* now = find(owner);
        if (before ? !now || *now != *before : now != nullptr) changed.push_back(owner);
    }
    before_.clear();
    std::sort(changed.begin(), changed.end());
    return changed;
}

}  // namespace weft::northd
