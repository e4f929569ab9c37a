#include "northd/datapaths.h"

#include <absl/hash/hash.h>

#include <algorithm>

#include "base/hash_map.h"

namespace weft::northd {

// The sets that there are.
struct DatapathSets {
    using Set = Datapaths::Set;
    using Uuids = std::vector<Uuid>;
    struct Hash {
        using is_transparent = void;
        size_t operator()(const Uuids& uuids) const { return absl::HashOf(uuids); }
        size_t operator()(const Set* set) const { return absl::HashOf(set->uuids); }
    };
    struct Equal {
        using is_transparent = void;
        bool operator()(const Set* a, const Set* b) const { return a == b; }
        bool operator()(const Set* a, const Uuids& b) const { return a->uuids == b; }
    };
    absl::flat_hash_set<Set*, Hash, Equal> sets;
    HashMap<Uuid, Set*> of_one;  // the same for sets of one, quicker

    static DatapathSets& get() {  // never destroyed: flows may live until the very end of the process
        static DatapathSets& sets = *new DatapathSets;
        return sets;
    }
};

Datapaths::Datapaths(const Uuid& one) {
    if (one.is_zero()) return;
    Set*& set = DatapathSets::get().of_one[one];
    if (!set) set = new Set{{one}, 0};
    set_ = set;
    ++set_->users;
}

Datapaths::Datapaths(std::vector<Uuid> many) {
    std::sort(many.begin(), many.end());
    many.erase(std::unique(many.begin(), many.end()), many.end());
    if (many.size() <= 1) {
        if (!many.empty()) *this = Datapaths(many[0]);
        return;
    }
    auto& sets = DatapathSets::get().sets;
    auto at = sets.find(many);
    if (at == sets.end()) {
        many.shrink_to_fit();
        at = sets.insert(new Set{std::move(many), 0}).first;
    }
    set_ = *at;
    ++set_->users;
}

void Datapaths::free_set(Set* set) {
    DatapathSets& all = DatapathSets::get();
    if (set->uuids.size() == 1) {
        all.of_one.erase(set->uuids[0]);
    } else {
        all.sets.erase(set);
    }
    delete set;
}

}  // namespace weft::northd
