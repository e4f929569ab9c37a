#include "switch/upcall/megaflow_masks.h"

#include "switch/classifier/hash.h"

namespace weft::vswitch {

size_t MegaflowMasks::Hash::operator()(const packet::Flow& mask) const {
    uint64_t h = hash_seed();
    const uint64_t* words = packet::words(mask);
    for (size_t i = 0; i < packet::kFlowWords; ++i) {
        if (words[i]) h = hash_add(hash_add(h, i), words[i]);
    }
    return h;
}

MegaflowMasks::Id MegaflowMasks::hold(packet::Flow& mask, datapath::PortNo port) {
    if (auto it = ids_.find(mask); it != ids_.end()) return share(*it);
    auto brought = of_port_.find(port);
    size_t bounded = ids_.size() - widened_;
    if (bounded + (brought == of_port_.end() ? 0 : brought->second) < most_) return add(mask, port, false);
    uint64_t* words = packet::words(mask);
    for (size_t i = 0; i < packet::kFlowWords; ++i) {
        if (words[i]) words[i] = ~uint64_t{0};
    }
    auto it = ids_.find(mask);
    return it == ids_.end() ? add(mask, port, true) : share(*it);
}

MegaflowMasks::Id MegaflowMasks::hold_given(const packet::Flow& mask, datapath::PortNo port) {
    auto it = ids_.find(mask);
    return it == ids_.end() ? add(mask, port, false) : share(*it);
}

MegaflowMasks::Id MegaflowMasks::share(Id id) {
    ++entries_[id].megaflows;
    return id;
}

MegaflowMasks::Id MegaflowMasks::add(const packet::Flow& mask, datapath::PortNo port, bool widened) {
    if (free_.empty()) {
        free_.push_back(static_cast<Id>(entries_.size()));
        entries_.emplace_back();
    }
    Id id = free_.back();
    free_.pop_back();
    entries_[id] = {mask, port, 1, widened};
    ids_.insert(id);
    if (widened)
        ++widened_;
    else
        ++of_port_[port];
    return id;
}

void MegaflowMasks::release(Id id) {
    Entry& entry = entries_[id];
    if (--entry.megaflows) return;
    ids_.erase(id);
    free_.push_back(id);
    if (entry.widened) {
        --widened_;
        return;
    }
    auto brought = of_port_.find(entry.port);
    if (--brought->second == 0) of_port_.erase(brought);
}

}  // namespace weft::vswitch
