#include "northd/logical_flow.h"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <deque>

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

namespace {

struct Line {
    std::string_view file;  // without its folder
    uint32_t number = 0;
    std::string text;
};

struct Lines {
    std::deque<Line> all{Line()};  // the first is no line
    HashMap<std::pair<const char*, uint32_t>, uint16_t> numbers;

    static Lines& get() {
        static Lines& lines = *new Lines;
        return lines;
    }
};

}  // namespace

SourceLine::SourceLine(const std::source_location& where) {
    Lines& lines = Lines::get();
    auto [at, is_new] = lines.numbers.try_emplace({where.file_name(), where.line()}, uint16_t{0});
    if (is_new) {
        std::string_view file = where.file_name();
        file = file.substr(file.rfind('/') + 1);
        assert(lines.all.size() <= UINT16_MAX);
        at->second = static_cast<uint16_t>(lines.all.size());
        lines.all.push_back({file, where.line(), fmt::format("{}:{}", file, where.line())});
    }
    number_ = at->second;
}

const std::string& SourceLine::text() const {
    return Lines::get().all[number_].text;
}

std::strong_ordering SourceLine::operator<=>(const SourceLine& other) const {
    if (number_ == other.number_) return std::strong_ordering::equal;
    const Line &a = Lines::get().all[number_], &b = Lines::get().all[other.number_];
    if (a.number != b.number) return a.number <=> b.number;
    return a.file <=> b.file;
}

void FlowWriter::add(Stage stage, uint16_t priority, std::string_view match, std::string_view actions,
                     More more, std::source_location where) {
    if (datapaths_.empty()) return;
    output_->emit({{stage, priority, match, actions, std::move(more.port), std::move(more.meter)},
                   datapaths_,
                   hint_,
                   SourceLine(where)});
}

}  // namespace weft::northd
