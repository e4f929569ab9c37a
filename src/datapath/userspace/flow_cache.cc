#include "datapath/userspace/flow_cache.h"

#include "packet/extract.h"

namespace weft::datapath {

FlowCache::Found FlowCache::lookup(const MegaflowTable& table, const packet::Flow& key) {
    uint32_t hash =
        packet::flow_hash(key, key.in_port ^ key.recirc_id * 31 ^ static_cast<uint32_t>(key.tunnel.id));
    std::unique_ptr<Entry>& entry = entries_[hash & (kSize - 1)];
    if (entry && entry->flow && !entry->flow->dead && entry->key == key) {
        exact_hits_++;
        return {entry->flow.get(), entry->counters};
    }
    searches_++;
    uint64_t tried = 0;
    std::shared_ptr<Megaflow> found = table.search(key, tried);
    masks_tried_ += tried;
    if (!found) return {};
    if (!entry) entry = std::make_unique<Entry>();
    entry->key = key;
    entry->counters = &found->counters_of(lane_);
    entry->flow = std::move(found);
    return {entry->flow.get(), entry->counters};
}

void FlowCache::clear() {
    for (auto& entry : entries_) entry.reset();
}

}  // namespace weft::datapath
