#include "datapath/ebpf/flow_offload.h"

#include <algorithm>
#include <cstring>
#include <ctime>

#include "base/clock.h"
#include "base/log.h"

namespace weft::datapath::ebpf {

namespace {

log::Module lg("ebpf_flows");

constexpr int64_t kKeepListsMs = 10000;

int64_t kernel_now_ns() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

// Made anew when it is wanted: kept, it would be the largest part of a flow.
std::optional<KeyPair> keys_of(const Megaflow& flow) {
    return megaflow_key(flow.key.expand(), MegaflowTable::mask_of(flow));
}

MaskedKey masked_key(const KeyPair& keys, uint32_t mask) {
    MaskedKey out;
    std::memset(&out, 0, sizeof out);
    out.key = keys.key;
    out.mask = mask;
    return out;
}

void add(FlowStats& sum, const FlowStats& more) {
    sum.packets += more.packets;
    sum.bytes += more.bytes;
    sum.used_ms = std::max(sum.used_ms, more.used_ms);
    sum.tcp_flags |= more.tcp_flags;
}

}  // namespace

FlowOffload::FlowOffload(Kernel& kernel, PortKinds ports, std::function<void(const TunnelEnds&)> tunnel)
    : kernel_(kernel), ports_(std::move(ports)), tunnel_(std::move(tunnel)), slots_(kernel), masks_(kMasks) {}

void FlowOffload::put(std::shared_ptr<const Megaflow> flow, bool zero_stats) {
    std::unique_ptr<Entry>& entry = entries_[flow->ufid];
    if (!entry) {
        entry = std::make_unique<Entry>();
        entry->flow = std::move(flow);
    }
    offload(*entry);
    if (zero_stats) {
        // The slot is a new one.
        entry->before = {};
    }
}

FlowStats FlowOffload::remove(const Ufid& ufid) {
    auto it = entries_.find(ufid);
    if (it == entries_.end()) return {};
    withdraw(*it->second);
    FlowStats stats = it->second->before;
    entries_.erase(it);
    return stats;
}

void FlowOffload::clear() {
    for (auto& [ufid, entry] : entries_) withdraw(*entry);
    entries_.clear();
}

void FlowOffload::port_changed(PortNo port) {
    for (auto& [ufid, entry] : entries_) {
        const auto& outputs = entry->outputs;
        if (std::find(outputs.begin(), outputs.end(), port) != outputs.end()) offload(*entry);
    }
}

// Puts what the flow does now in the place of what the programs have, if they have anything.
void FlowOffload::offload(Entry& entry) {
    entry.outputs.clear();
    auto keys = keys_of(*entry.flow);
    if (!keys) return give_up(entry, "fields that the kernel's programs do not look at");
    Encoded encoded = encode(*entry.flow->actions, *keys, ports_);
    for (const TunnelEnds& ends : encoded.tunnels) tunnel_(ends);
    entry.outputs = std::move(encoded.outputs);
    entry.why = encoded.why;
    if (!entry.why.empty()) lg.dbg("a flow is left to the daemon: {}", entry.why);
    uint32_t port = keys->key.in_port;
    if (entry.slot == kFlowSlots) {
        auto others = flows_of_port_.find(port);
        if (others != flows_of_port_.end() && others->second >= slots_.free())
            return give_up(entry, "its port has as many flows as there is room left for others");
    }
    if (entry.mask == kMasks) {
        auto mask = hold_mask(keys->mask);
        if (!mask) return give_up(entry, "more masks than the kernel's programs try");
        entry.mask = *mask;
    }
    uint32_t list = ++last_list_ ? last_list_ : ++last_list_;
    auto slot = slots_.write(list, entry.mask, keys->key, encoded.actions);
    if (!slot) return give_up(entry, "more flows than the kernel's programs hold");
    if (!encoded.resume.empty()) lists_[list] = {entry.flow->actions, std::move(encoded.resume)};
    auto done = kernel_.put_megaflow(masked_key(*keys, entry.mask), *slot);
    if (!done) {
        lists_.erase(list);
        slots_.retire(*slot);
        return give_up(entry, "more flows than the kernel's programs hold");
    }
    if (entry.slot != kFlowSlots) collect(entry);
    flows_of_port_[port]++;
    entry.slot = *slot;
    entry.list = list;
    entry.port = port;
}

void FlowOffload::give_up(Entry& entry, std::string_view why) {
    withdraw(entry);
    entry.why = why;
}

void FlowOffload::withdraw(Entry& entry) {
    if (entry.slot != kFlowSlots) {
        kernel_.delete_megaflow(masked_key(*keys_of(*entry.flow), entry.mask));
        collect(entry);
    }
    if (entry.mask != kMasks) release_mask(entry.mask);
    entry.mask = kMasks;
}

// The slot's time is over: what it has counted is kept.
void FlowOffload::collect(Entry& entry) {
    slots_.retire(entry.slot);
    auto others = flows_of_port_.find(entry.port);
    if (others != flows_of_port_.end() && --others->second == 0) flows_of_port_.erase(others);
    if (lists_.contains(entry.list)) retired_.push_back({entry.list, clock::monotonic_ms()});
    add(entry.before, counted(entry));
    entry.slot = kFlowSlots;
}

FlowStats FlowOffload::counted(const Entry& entry) const {
    FlowStats out;
    if (entry.slot == kFlowSlots) return out;
    FlowSlots::Counters counters = slots_.counters(entry.slot);
    out.packets = counters.packets;
    out.bytes = counters.bytes;
    out.tcp_flags = counters.tcp_flags;
    if (counters.used_ns) {
        int64_t ago_ms = (kernel_now_ns() - static_cast<int64_t>(counters.used_ns)) / 1'000'000;
        out.used_ms = clock::monotonic_ms() - std::max<int64_t>(ago_ms, 0);
    }
    return out;
}

FlowOffload::State FlowOffload::state(const Ufid& ufid) const {
    State out;
    auto it = entries_.find(ufid);
    if (it == entries_.end()) return out;
    const Entry& entry = *it->second;
    out.stats = entry.before;
    add(out.stats, counted(entry));
    out.in_kernel = entry.slot != kFlowSlots && entry.why.empty();
    out.why = entry.why;
    return out;
}

FlowOffload::Place FlowOffload::place(uint32_t list, uint32_t at) const {
    auto it = lists_.find(list);
    if (it == lists_.end() || at >= it->second.places.size()) return {};
    return {it->second.all, it->second.places[at]};
}

void FlowOffload::tidy() {
    sort_masks();
    int64_t now = clock::monotonic_ms();
    while (!retired_.empty() && now - retired_.front().at_ms > kKeepListsMs) {
        lists_.erase(retired_.front().list);
        retired_.pop_front();
    }
}

// Masks.

std::optional<uint32_t> FlowOffload::hold_mask(const Key& mask) {
    uint32_t found = kMasks;
    for (uint32_t i = 0; i < kMasks; i++) {
        if (masks_[i].flows && std::memcmp(&masks_[i].mask, &mask, sizeof mask) == 0) {
            masks_[i].flows++;
            return i;
        }
        // One that no program can be using, if there is any.
        if (!masks_[i].flows && (found == kMasks || masks_[found].stale)) found = i;
    }
    if (found == kMasks) return std::nullopt;
    if (masks_[found].stale) {
        kernel_.wait_for_programs();
        for (Mask& one : masks_) {
            if (!one.flows) one.stale = false;
        }
    }
    masks_[found].mask = mask;
    masks_[found].flows = 1;
    kernel_.mask(found) = mask;
    kernel_.config().mask_hits[found] = 0;
    order_.push_back(found);
    write_order();
    return found;
}

void FlowOffload::release_mask(uint32_t index) {
    if (--masks_[index].flows) return;
    masks_[index].stale = true;
    std::erase(order_, index);
    write_order();
}

// A program that reads along may try a mask twice or miss one: its packet then goes up.
void FlowOffload::write_order() {
    Config& config = kernel_.config();
    for (size_t i = 0; i < order_.size(); i++)
        __atomic_store_n(&config.mask_order[i], order_[i], __ATOMIC_RELAXED);
    __atomic_store_n(&config.mask_count, static_cast<uint32_t>(order_.size()), __ATOMIC_RELEASE);
}

void FlowOffload::sort_masks() {
    Config& config = kernel_.config();
    std::vector<uint64_t> hits(kMasks);
    for (uint32_t i : order_) {
        hits[i] = __atomic_load_n(&config.mask_hits[i], __ATOMIC_RELAXED);
        __atomic_store_n(&config.mask_hits[i], hits[i] / 2, __ATOMIC_RELAXED);
    }
    auto more = [&](uint32_t a, uint32_t b) { return hits[a] > hits[b]; };
    if (std::is_sorted(order_.begin(), order_.end(), more)) return;
    std::stable_sort(order_.begin(), order_.end(), more);
    write_order();
}

}  // namespace weft::datapath::ebpf
