#include "switch/ofproto/learned_cookies.h"

namespace weft::vswitch {

namespace {

template <typename Visit>
void for_each_key(const openflow::ActionList& actions, Visit visit) {
    for (const openflow::Action& action : actions) {
        auto* learn = openflow::action_cast<openflow::Learn>(action);
        if (learn && learn->flags & openflow::Learn::kDeleteLearned)
            visit(LearnedCookies::Key{learn->table, learn->cookie});
    }
}

}  // namespace

bool LearnedCookies::named_by(const openflow::ActionList& actions) {
    bool any = false;
    for_each_key(actions, [&](const Key&) { any = true; });
    return any;
}

void LearnedCookies::added(const openflow::ActionList& actions) {
    for_each_key(actions, [&](const Key& key) { ++counts_[key]; });
}

void LearnedCookies::removed(const openflow::ActionList& actions) {
    for_each_key(actions, [&](const Key& key) {
        auto it = counts_.find(key);
        if (--it->second) return;
        counts_.erase(it);
        lost_.insert(key);
    });
}

std::vector<LearnedCookies::Key> LearnedCookies::take_orphans() {
    std::vector<Key> orphans;
    for (const Key& key : lost_) {
        if (!counts_.contains(key)) orphans.push_back(key);
    }
    lost_.clear();
    return orphans;
}

}  // namespace weft::vswitch
