#include "controller/desired_group.h"

#include <fmt/format.h>

namespace weft::controller {

uint32_t NumberTable::number(const std::string& text) {
    auto [it, added] = numbers_.try_emplace(text, 0);
    if (!added) return it->second;
    if (free_.empty()) {
        it->second = static_cast<uint32_t>(used_.size()) + 1;
    } else {
        it->second = *free_.begin();
        free_.erase(free_.begin());
    }
    used_.emplace(it->second, it);
    return it->second;
}

void NumberTable::forget(uint32_t number) {
    auto it = used_.find(number);
    if (it == used_.end()) return;
    numbers_.erase(it->second);
    used_.erase(it);
    free_.insert(number);
}

std::string NumberTable::to_text() const {
    std::string out;
    for (const auto& [text, number] : numbers_) out += fmt::format("{}: {}\n", text, number);
    return out;
}

}  // namespace weft::controller
