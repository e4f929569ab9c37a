#include "controller/desired_group.h"

#include <fmt/format.h>

namespace weft::controller {

uint32_t NumberTable::number(const std::string& text) {
    auto [it, added] = numbers_.try_emplace(text, 0);
    if (!added) return it->second;
    uint32_t free = 1;
    for (uint32_t used : used_) {
        if (used != free) break;
        ++free;
    }
    used_.insert(free);
    it->second = free;
    return free;
}

void NumberTable::forget(uint32_t number) {
    used_.erase(number);
    std::erase_if(numbers_, [&](const auto& entry) { return entry.second == number; });
}

std::string NumberTable::to_text() const {
    std::string out;
    for (const auto& [text, number] : numbers_) out += fmt::format("{}: {}\n", text, number);
    return out;
}

}  // namespace weft::controller
