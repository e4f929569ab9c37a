#include "datapath/userspace/megaflow_table.h"

#include <algorithm>
#include <utility>

namespace weft::datapath {

namespace {

using packet::Flow;

uint64_t mix(uint64_t hash, uint64_t value) {
    __uint128_t product = static_cast<__uint128_t>(hash ^ value ^ 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

struct Subtable {
    explicit Subtable(const Flow& mask_) : mask(mask_) {
        for (size_t i = 0; i < packet::kFlowWords; i++) {
            uint64_t word = packet::words(mask)[i];
            if (word) words.push_back({static_cast<uint16_t>(i), word});
        }
    }
    uint64_t hash(const Flow& key) const {
        const uint64_t* from = packet::words(key);
        uint64_t hash = 0;
        for (auto [index, bits] : words) hash = mix(hash, from[index] & bits);
        return hash;
    }
    std::unique_ptr<uint64_t[]> masked(const Flow& key) const {
        auto out = std::make_unique_for_overwrite<uint64_t[]>(words.size());
        for (size_t i = 0; i < words.size(); i++) out[i] = packet::words(key)[words[i].index] & words[i].bits;
        return out;
    }
    bool covers(const Megaflow& flow, const Flow& key) const {
        const uint64_t* from = packet::words(key);
        for (size_t i = 0; i < words.size(); i++) {
            if ((from[words[i].index] & words[i].bits) != flow.masked[i]) return false;
        }
        return true;
    }

    struct Word {
        uint16_t index;
        uint64_t bits;
    };
    Flow mask;
    std::vector<Word> words;
    HashMap<uint64_t, std::shared_ptr<Megaflow>> flows;  // by hash, chained
    size_t count = 0;
    Counter hits;  // since the last sort; of hits at the same time one may be lost
};

Megaflow::~Megaflow() {
    for (Share* share = shares_.load(std::memory_order_relaxed); share;)
        delete std::exchange(share, share->next);
}

FlowCounters& Megaflow::counters_of(unsigned lane) {
    if (!lane) return own_;
    Share* head = shares_.load(std::memory_order_acquire);
    for (Share* share = head; share; share = share->next) {
        if (share->lane == lane) return share->counters;
    }
    auto* made = new Share;
    made->lane = lane;
    do {
        made->next = head;
    } while (
        !shares_.compare_exchange_weak(head, made, std::memory_order_release, std::memory_order_relaxed));
    return made->counters;
}

FlowStats Megaflow::stats() const {
    FlowStats out;
    own_.add_to(out);
    for (const Share* share = shares_.load(std::memory_order_acquire); share; share = share->next)
        share->counters.add_to(out);
    return out;
}

void Megaflow::zero_stats() {
    own_ = {};
    for (Share* share = shares_.load(std::memory_order_acquire); share; share = share->next)
        share->counters = {};
}

MegaflowTable::MegaflowTable() = default;

MegaflowTable::~MegaflowTable() {
    clear();
}

std::shared_ptr<Megaflow> MegaflowTable::search(const Flow& key, uint64_t& tried) const {
    for (const auto& subtable : subtables_) {
        tried++;
        auto it = subtable->flows.find(subtable->hash(key));
        if (it == subtable->flows.end()) continue;
        for (const std::shared_ptr<Megaflow>* flow = &it->second; *flow; flow = &(*flow)->next) {
            if (subtable->covers(**flow, key)) {
                subtable->hits++;
                return *flow;
            }
        }
    }
    return nullptr;
}

const Megaflow* MegaflowTable::peek(const Flow& key) const {
    for (const auto& subtable : subtables_) {
        auto it = subtable->flows.find(subtable->hash(key));
        if (it == subtable->flows.end()) continue;
        for (const std::shared_ptr<Megaflow>* flow = &it->second; *flow; flow = &(*flow)->next) {
            if (subtable->covers(**flow, key)) return flow->get();
        }
    }
    return nullptr;
}

void MegaflowTable::sort() {
    std::stable_sort(subtables_.begin(), subtables_.end(),
                     [](const auto& a, const auto& b) { return a->hits.get() > b->hits.get(); });
    for (auto& subtable : subtables_) subtable->hits.set(subtable->hits / 2);
}

Subtable* MegaflowTable::subtable_for(const Flow& mask) {
    for (auto& subtable : subtables_) {
        if (subtable->mask == mask) return subtable.get();
    }
    subtables_.push_back(std::make_unique<Subtable>(mask));
    return subtables_.back().get();
}

Result<void> MegaflowTable::put(FlowPut put) {
    auto it = by_ufid_.find(put.ufid);
    auto actions = std::make_shared<const Actions>(std::move(put.actions));
    if (it != by_ufid_.end()) {
        if (!put.modify) return Error{"a flow with this identifier exists"};
        Megaflow& flow = *it->second;
        flow.actions = std::move(actions);
        if (put.zero_stats) flow.zero_stats();
        return {};
    }
    if (!put.create) return Error{"no flow with this identifier exists"};
    auto flow = std::make_shared<Megaflow>();
    flow->ufid = put.ufid;
    flow->key = packet::SparseFlow(put.key);
    flow->actions = std::move(actions);
    flow->subtable = subtable_for(put.mask);
    flow->masked = flow->subtable->masked(put.key);
    flow->hash = flow->subtable->hash(put.key);
    std::shared_ptr<Megaflow>& head = flow->subtable->flows[flow->hash];
    flow->next = std::move(head);
    head = flow;
    flow->subtable->count++;
    by_ufid_.emplace(put.ufid, std::move(flow));
    return {};
}

std::shared_ptr<Megaflow> MegaflowTable::find(const Ufid& ufid) const {
    auto it = by_ufid_.find(ufid);
    return it == by_ufid_.end() ? nullptr : it->second;
}

void MegaflowTable::unlink(Megaflow& flow) {
    Subtable* subtable = flow.subtable;
    auto it = subtable->flows.find(flow.hash);
    std::shared_ptr<Megaflow>* link = &it->second;
    while (link->get() != &flow) link = &(*link)->next;
    std::shared_ptr<Megaflow> self = std::move(*link);
    *link = std::move(self->next);
    if (!it->second) subtable->flows.erase(it);
    self->dead = true;
    self->subtable = nullptr;
    if (--subtable->count == 0) {
        std::erase_if(subtables_, [&](const auto& one) { return one.get() == subtable; });
    }
}

bool MegaflowTable::remove(const Ufid& ufid) {
    auto it = by_ufid_.find(ufid);
    if (it == by_ufid_.end()) return false;
    std::shared_ptr<Megaflow> flow = std::move(it->second);
    by_ufid_.erase(it);
    unlink(*flow);
    return true;
}

void MegaflowTable::clear() {
    for (auto& [ufid, flow] : by_ufid_) {
        flow->dead = true;
        flow->subtable = nullptr;
        flow->next = nullptr;
    }
    by_ufid_.clear();
    subtables_.clear();
}

void MegaflowTable::each(const std::function<void(const Megaflow&, const Flow& mask)>& callback) const {
    for (const auto& [ufid, flow] : by_ufid_) callback(*flow, flow->subtable->mask);
}

const Flow& MegaflowTable::mask_of(const Megaflow& flow) {
    return flow.subtable->mask;
}

}  // namespace weft::datapath
