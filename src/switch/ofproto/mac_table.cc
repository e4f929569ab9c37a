#include "switch/ofproto/mac_table.h"

#include <algorithm>

namespace weft::vswitch {

namespace {

constexpr int64_t kGratuitousLockMs = 5000;

}  // namespace

uint64_t MacTable::key(const packet::EthAddr& mac, uint16_t vlan) {
    uint64_t k = vlan;
    for (uint8_t byte : mac) k = k << 8 | byte;
    return k;
}

const MacTable::Entry* MacTable::lookup(const packet::EthAddr& mac, uint16_t vlan) const {
    auto it = entries_.find(key(mac, vlan));
    return it == entries_.end() ? nullptr : &*it->second;
}

bool MacTable::would_change(const packet::EthAddr& mac, uint16_t vlan, const Bundle* bundle) const {
    const Entry* entry = lookup(mac, vlan);
    return !entry || (entry->bundle != bundle && !entry->is_static);
}

bool MacTable::learn(const packet::EthAddr& mac, uint16_t vlan, Bundle* bundle, int64_t now_ms, bool lock) {
    int64_t locked_until = lock ? now_ms + kGratuitousLockMs : 0;
    auto it = entries_.find(key(mac, vlan));
    if (it != entries_.end()) {
        Entry& entry = *it->second;
        if (entry.is_static) return false;
        entry.used_ms = std::max(entry.used_ms, now_ms);
        entry.gratuitous_lock_until_ms = std::max(entry.gratuitous_lock_until_ms, locked_until);
        order_.splice(order_.end(), order_, it->second);
        if (entry.bundle == bundle) return false;
        entry.bundle = bundle;
        ++statistics_.moved;
        ++generation_;
        return true;
    }
    if (entries_.size() >= max_entries_) evict();
    order_.push_back({vlan, mac, bundle, false, now_ms, locked_until});
    entries_[key(mac, vlan)] = std::prev(order_.end());
    ++statistics_.learned;
    ++generation_;
    return true;
}

bool MacTable::add_static(const packet::EthAddr& mac, uint16_t vlan, Bundle* bundle) {
    auto it = entries_.find(key(mac, vlan));
    if (it != entries_.end()) erase(it->second);
    if (entries_.size() >= max_entries_) return false;
    order_.push_back({vlan, mac, bundle, true, INT64_MAX, 0});
    entries_[key(mac, vlan)] = std::prev(order_.end());
    ++generation_;
    return true;
}

void MacTable::erase(List::iterator entry) {
    entries_.erase(key(entry->mac, entry->vlan));
    order_.erase(entry);
    ++generation_;
}

bool MacTable::remove(const packet::EthAddr& mac, uint16_t vlan) {
    auto it = entries_.find(key(mac, vlan));
    if (it == entries_.end()) return false;
    erase(it->second);
    return true;
}

void MacTable::flush(bool statics_too) {
    for (auto it = order_.begin(); it != order_.end();) {
        auto next = std::next(it);
        if (statics_too || !it->is_static) {
            erase(it);
            ++statistics_.expired;
        }
        it = next;
    }
}

void MacTable::forget(const Bundle* bundle) {
    for (auto it = order_.begin(); it != order_.end();) {
        auto next = std::next(it);
        if (it->bundle == bundle) erase(it);
        it = next;
    }
}

void MacTable::expire(int64_t now_ms) {
    for (auto it = order_.begin(); it != order_.end();) {
        auto next = std::next(it);
        if (!it->is_static) {
            if (it->used_ms + aging_ms_ > now_ms) return;  // the rest is younger
            erase(it);
            ++statistics_.expired;
        }
        it = next;
    }
}

// The oldest entry of the port with the most.
void MacTable::evict() {
    HashMap<const Bundle*, size_t> counts;
    for (const Entry& entry : order_) counts[entry.bundle] += entry.is_static ? 0 : 1;
    const Bundle* most = nullptr;
    size_t most_count = 0;
    for (const auto& [bundle, count] : counts) {
        if (count > most_count) most = bundle, most_count = count;
    }
    for (auto it = order_.begin(); it != order_.end(); ++it) {
        if (it->bundle == most && !it->is_static) {
            erase(it);
            ++statistics_.evicted;
            return;
        }
    }
}

void MacTable::set_limits(int64_t aging_s, size_t max_entries) {
    aging_ms_ = aging_s * 1000;
    max_entries_ = max_entries;
    // A table that became smaller loses the oldest entries, whoever's they are.
    size_t spare = entries_.size() - statics();
    for (auto it = order_.begin(); it != order_.end() && spare > max_entries_;) {
        auto next = std::next(it);
        if (!it->is_static) {
            erase(it);
            ++statistics_.expired;
            --spare;
        }
        it = next;
    }
}

size_t MacTable::statics() const {
    return static_cast<size_t>(
        std::count_if(order_.begin(), order_.end(), [](const Entry& e) { return e.is_static; }));
}

std::vector<const MacTable::Entry*> MacTable::entries() const {
    std::vector<const Entry*> out;
    for (const Entry& entry : order_) out.push_back(&entry);
    return out;
}

}  // namespace weft::vswitch
