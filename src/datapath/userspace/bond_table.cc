#include "datapath/userspace/bond_table.h"

namespace weft::datapath {

const BondBuckets* BondTable::find(uint32_t id) const {
    auto it = bonds_.find(id);
    return it == bonds_.end() ? nullptr : &it->second.buckets;
}

BondBytes BondTable::bytes(uint32_t id) const {
    auto it = bonds_.find(id);
    return it == bonds_.end() ? BondBytes{} : it->second.bytes;
}

PortNo BondTable::choose(uint32_t id, uint32_t hash, size_t bytes) {
    auto it = bonds_.find(id);
    if (it == bonds_.end()) return kNoPort;
    size_t bucket = hash % kBondBuckets;
    PortNo port = it->second.buckets[bucket];
    if (port != kNoPort) it->second.bytes[bucket] += bytes;
    return port;
}

}  // namespace weft::datapath
