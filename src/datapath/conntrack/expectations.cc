#include "datapath/conntrack/expectations.h"

namespace weft::datapath::conntrack {

Tuple Expectations::key_of(const Tuple& tuple) {
    Tuple key = tuple;
    key.src_port = 0;
    return key;
}

void Expectations::add(Expectation expectation, int64_t now_ms) {
    forget(expectation.parent);
    if (by_first_.size() >= kMost) {
        absl::erase_if(by_first_, [&](const auto& entry) {
            bool over = entry.second.expires_ms <= now_ms;
            if (over) by_parent_.erase(entry.second.parent);
            return over;
        });
        if (by_first_.size() >= kMost) return;
    }
    Tuple key = key_of(expectation.first);
    if (auto it = by_first_.find(key); it != by_first_.end()) by_parent_.erase(it->second.parent);
    expectation.expires_ms = now_ms + kSeconds * 1000;
    by_parent_[expectation.parent] = key;
    by_first_[key] = expectation;
}

const Expectation* Expectations::find(const Tuple& tuple, int64_t now_ms) const {
    if (by_first_.empty()) return nullptr;
    auto it = by_first_.find(key_of(tuple));
    return it == by_first_.end() || it->second.expires_ms <= now_ms ? nullptr : &it->second;
}

std::optional<Expectation> Expectations::take(const Tuple& tuple, int64_t now_ms) {
    const Expectation* found = find(tuple, now_ms);
    if (!found) return std::nullopt;
    Expectation out = *found;
    by_parent_.erase(out.parent);
    by_first_.erase(key_of(tuple));
    return out;
}

void Expectations::forget(const Tuple& parent) {
    if (by_parent_.empty()) return;
    auto it = by_parent_.find(parent);
    if (it == by_parent_.end()) return;
    by_first_.erase(it->second);
    by_parent_.erase(it);
}

void Expectations::clear() {
    by_first_.clear();
    by_parent_.clear();
}

}  // namespace weft::datapath::conntrack
