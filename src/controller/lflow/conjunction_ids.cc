#include "controller/lflow/conjunction_ids.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace weft::controller {

uint32_t ConjunctionIds::id(const Uuid& flow, uint32_t index) {
    std::vector<uint32_t>& ids = by_flow_[flow];
    while (ids.size() <= index) {
        uint32_t wanted = load_be32(flow.bytes.data()) + static_cast<uint32_t>(ids.size());
        while (wanted == 0 || !owners_.try_emplace(wanted, flow).second) ++wanted;
        ids.push_back(wanted);
    }
    return ids[index];
}

void ConjunctionIds::keep(const Uuid& flow, uint32_t count) {
    auto it = by_flow_.find(flow);
    if (it == by_flow_.end()) return;
    while (it->second.size() > count) {
        owners_.erase(it->second.back());
        it->second.pop_back();
    }
    if (it->second.empty()) by_flow_.erase(it);
}

std::string ConjunctionIds::to_text() const {
    std::string out = "Conjunction IDs allocations:\n";
    for (const auto& [flow, ids] : by_flow_) {
        out += fmt::format("lflow: {}, ids:", flow.to_string());
        for (uint32_t id : ids) out += fmt::format(" {}", id);
        out += '\n';
    }
    return out + fmt::format("---\nTotal {} IDs used.\n", owners_.size());
}

}  // namespace weft::controller
