#include "datapath/ebpf/flow_slots.h"

#include <algorithm>
#include <cstring>

namespace weft::datapath::ebpf {

namespace {

constexpr size_t kRetiredAtOnce = 256;  // slots that are worth waiting for

bool has_place(const FlowAction& action) {
    return action.kind == kActionCopy || action.kind == kActionCheckLength || action.kind == kActionSample;
}

}  // namespace

FlowSlots::FlowSlots(Kernel& kernel) : kernel_(kernel), next_(kFlowSlots, kFlowSlots) {
    free_.reserve(kFlowSlots);
    for (uint32_t slot = kFlowSlots; slot > 0; slot--) free_.push_back(slot - 1);
}

std::optional<uint32_t> FlowSlots::take() {
    if (free_.empty() && retired_.size() >= kRetiredAtOnce) {
        kernel_.wait_for_programs();
        std::swap(free_, retired_);
    }
    if (free_.empty()) return std::nullopt;
    uint32_t slot = free_.back();
    free_.pop_back();
    next_[slot] = kFlowSlots;
    return slot;
}

std::optional<uint32_t> FlowSlots::write(uint32_t list, uint32_t mask, const Key& key,
                                         const std::vector<FlowAction>& actions) {
    // One slot, or slots of all actions but one and a jump to the next.
    size_t count = actions.size() <= kSlotActions ? 1 : (actions.size() - 2) / (kSlotActions - 1) + 1;
    std::vector<uint32_t> slots;
    while (slots.size() < count) {
        auto slot = take();
        if (!slot) {
            free_.insert(free_.end(), slots.begin(), slots.end());
            return std::nullopt;
        }
        slots.push_back(*slot);
    }
    size_t done = 0;
    for (size_t i = 0; i < count; i++) {
        FlowSlot& out = kernel_.slot(slots[i]);
        std::memset(&out, 0, sizeof out);
        size_t room = i + 1 < count ? kSlotActions - 1 : size_t{kSlotActions};
        size_t some = std::min(room, actions.size() - done);
        std::copy_n(actions.begin() + static_cast<ptrdiff_t>(done), some, out.actions);
        for (size_t j = 0; j < some; j++) {
            if (!has_place(out.actions[j])) continue;
            size_t at = out.actions[j].argument, in = std::min(at / (kSlotActions - 1), count - 1);
            out.actions[j].argument =
                slots[in] * kSlotActions + static_cast<uint32_t>(at - in * (kSlotActions - 1));
        }
        done += some;
        if (i + 1 < count) {
            out.actions[some].kind = kActionContinue;
            out.actions[some].argument = slots[i + 1];
            next_[slots[i]] = slots[i + 1];
        }
    }
    FlowSlot& first = kernel_.slot(slots[0]);
    first.mask = mask;
    first.key = key;
    for (uint32_t cpu = 0; cpu < kernel_.cpus(); cpu++)
        std::memset(&kernel_.flow_counters(cpu, slots[0]), 0, sizeof(FlowCounters));
    __atomic_store_n(&first.alive, list, __ATOMIC_RELEASE);
    return slots[0];
}

void FlowSlots::retire(uint32_t slot) {
    __atomic_store_n(&kernel_.slot(slot).alive, 0, __ATOMIC_RELEASE);
    for (; slot != kFlowSlots; slot = next_[slot]) retired_.push_back(slot);
}

FlowSlots::Counters FlowSlots::counters(uint32_t slot) const {
    Counters out;
    for (uint32_t cpu = 0; cpu < kernel_.cpus(); cpu++) {
        FlowCounters& one = kernel_.flow_counters(cpu, slot);
        out.packets += __atomic_load_n(&one.packets, __ATOMIC_RELAXED);
        out.bytes += __atomic_load_n(&one.bytes, __ATOMIC_RELAXED);
        out.used_ns = std::max<uint64_t>(out.used_ns, __atomic_load_n(&one.used_ns, __ATOMIC_RELAXED));
        out.tcp_flags |= static_cast<uint16_t>(__atomic_load_n(&one.tcp_flags, __ATOMIC_RELAXED));
    }
    return out;
}

}  // namespace weft::datapath::ebpf
