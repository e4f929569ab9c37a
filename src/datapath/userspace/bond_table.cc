#include "datapath/userspace/bond_table.h"

#include <atomic>

namespace weft::datapath {

const BondBuckets* BondTable::find(uint32_t id) const {
    auto it = bonds_.find(id);
    return it == bonds_.end() ? nullptr : &it->second.buckets;
}

BondBytes BondTable::bytes(uint32_t id) const {
    auto it = bonds_.find(id);
    BondBytes out{};
    if (it == bonds_.end()) return out;
    for (size_t i = 0; i < out.size(); i++)
        out[i] = std::atomic_ref(const_cast<uint64_t&>(it->second.bytes[i])).load(std::memory_order_relaxed);
    return out;
}

PortNo BondTable::choose(uint32_t id, uint32_t hash, size_t bytes) {
    auto it = bonds_.find(id);
    if (it == bonds_.end()) return kNoPort;
    size_t bucket = hash % kBondBuckets;
    PortNo port = it->second.buckets[bucket];
    if (port != kNoPort)
        std::atomic_ref(it->second.bytes[bucket]).fetch_add(bytes, std::memory_order_relaxed);
    return port;
}

}  // namespace weft::datapath
