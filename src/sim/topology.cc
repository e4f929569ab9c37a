#include "sim/topology.h"

#include <algorithm>

namespace weft::sim {

void Topology::add_patch(const std::string& name, const Uuid& datapath, const std::string& peer) {
    datapath_[name] = datapath;
    patches_[datapath][name] = peer;
}

std::vector<Uuid> Topology::around(const std::vector<Uuid>& datapaths, size_t hops) const {
    HashSet<Uuid> seen(datapaths.begin(), datapaths.end());
    std::vector<Uuid> edge(seen.begin(), seen.end());
    for (size_t hop = 0; hop < hops && !edge.empty(); ++hop) {
        std::vector<Uuid> next;
        for (const Uuid& each : edge) {
            auto patches = patches_.find(each);
            if (patches == patches_.end()) continue;
            for (const auto& [name, peer] : patches->second) {
                auto other = datapath_.find(peer);
                if (other != datapath_.end() && seen.insert(other->second).second)
                    next.push_back(other->second);
            }
        }
        edge = std::move(next);
    }
    std::vector<Uuid> all(seen.begin(), seen.end());
    std::sort(all.begin(), all.end());
    return all;
}

}  // namespace weft::sim
