#include "switch/translate/recirculation.h"

#include <algorithm>
#include <cassert>

#include "switch/classifier/hash.h"

namespace weft::vswitch {

bool FrozenState::operator==(const FrozenState& other) const {
    return bridge == other.bridge && table == other.table && metadata == other.metadata &&
           stack == other.stack && segments == other.segments && action_set == other.action_set &&
           conntracked == other.conntracked && was_mpls == other.was_mpls && hash_basis == other.hash_basis &&
           userdata == other.userdata && mirrored == other.mirrored && bond == other.bond;
}

namespace {

uint64_t hash_of(const FrozenState& state) {
    uint64_t h = hash_add(hash_seed(), state.table);
    for (char c : state.bridge) h = hash_add(h, static_cast<uint8_t>(c));
    for (char c : state.bond) h = hash_add(h, static_cast<uint8_t>(c));
    const uint64_t* words = packet::words(state.metadata);
    for (size_t i = 0; i < packet::kFlowWords; ++i) {
        if (words[i]) h = hash_add(hash_add(h, i), words[i]);
    }
    for (const Bytes& item : state.stack) {
        for (uint8_t byte : item) h = hash_add(h, byte);
    }
    for (uint8_t byte : state.userdata) h = hash_add(h, byte);
    for (const FrozenSegment& segment : state.segments)
        h = hash_add(h, segment.actions->size() << 8 | segment.table);
    return hash_add(h, state.action_set.size() << 1 | state.conntracked);
}

}  // namespace

uint32_t RecirculationTable::acquire(const FrozenState& state) {
    uint64_t hash = hash_of(state);
    auto& same = by_hash_[hash];
    for (uint32_t id : same) {
        Entry& entry = entries_.find(id)->second;
        if (*entry.state == state) {
            ++entry.references;
            return id;
        }
    }
    while (!next_ || entries_.contains(next_)) ++next_;
    uint32_t id = next_++;
    same.push_back(id);
    entries_[id] = {std::make_shared<const FrozenState>(state), hash, 1};
    return id;
}

const FrozenState* RecirculationTable::find(uint32_t id) const {
    auto it = entries_.find(id);
    return it == entries_.end() ? nullptr : it->second.state.get();
}

void RecirculationTable::hold(uint32_t id) {
    auto it = entries_.find(id);
    assert(it != entries_.end());
    ++it->second.references;
}

void RecirculationTable::release(uint32_t id) {
    auto it = entries_.find(id);
    assert(it != entries_.end() && it->second.references > 0);
    if (--it->second.references) return;
    auto same = by_hash_.find(it->second.hash);
    std::erase(same->second, id);
    if (same->second.empty()) by_hash_.erase(same);
    entries_.erase(it);
}

}  // namespace weft::vswitch
