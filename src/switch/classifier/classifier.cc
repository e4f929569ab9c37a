#include "switch/classifier/classifier.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <optional>
#include <utility>

namespace weft::vswitch {

namespace {

struct TrieField {
    size_t offset;  // in Flow, bytes
    unsigned width;
};
constexpr TrieField kTrieFields[] = {
    {offsetof(packet::Flow, nw_src), 32},
    {offsetof(packet::Flow, nw_dst), 32},
    {offsetof(packet::Flow, ipv6_src), 128},
    {offsetof(packet::Flow, ipv6_dst), 128},
};
constexpr TrieField kPorts = {offsetof(packet::Flow, tp_src), 32};

const uint8_t* bytes_of(const packet::Flow& flow) {
    return reinterpret_cast<const uint8_t*>(&flow);
}

PrefixTrie::Value trie_value(const packet::Flow& flow, const TrieField& field) {
    PrefixTrie::Value value{};
    const uint8_t* p = bytes_of(flow) + field.offset;
    for (unsigned i = 0; i < field.width / 32; ++i) {
        value[i] = static_cast<uint32_t>(p[4 * i]) << 24 | static_cast<uint32_t>(p[4 * i + 1]) << 16 |
                   static_cast<uint32_t>(p[4 * i + 2]) << 8 | p[4 * i + 3];
    }
    return value;
}

// The length of the prefix that the mask has in the field; 0 if none, or if its bits are not a prefix.
uint8_t prefix_length(const packet::Flow& mask, const TrieField& field) {
    PrefixTrie::Value bits = trie_value(mask, field);
    unsigned length = 0;
    for (unsigned i = 0; i < field.width / 32; ++i) {
        unsigned ones = static_cast<unsigned>(std::countl_one(bits[i]));
        if (ones < 32 && bits[i] << ones) return 0;
        if (bits[i] && length < 32 * i) return 0;
        length += ones;
    }
    return static_cast<uint8_t>(length);
}

void add_prefix(packet::Flow& wildcards, const TrieField& field, unsigned bits) {
    uint8_t* p = reinterpret_cast<uint8_t*>(&wildcards) + field.offset;
    for (; bits >= 8; bits -= 8) *p++ = 0xff;
    if (bits) *p |= static_cast<uint8_t>(0xff << (8 - bits));
}

size_t stage_of_offset(size_t offset) {
    size_t stage = 0;
    while (offset / 8 >= kStageEndWord[stage]) ++stage;
    return stage;
}

}  // namespace

ClassifierRule::ClassifierRule(MaskShapeRef shape, const packet::Flow& value, int priority, uint64_t* room)
    : shape_(std::move(shape)),
      priority_(priority),
      room_(static_cast<uint8_t>(room - reinterpret_cast<uint64_t*>(this)) & 0x7f) {
    const uint64_t* words = packet::words(value);
    for (size_t i = 0; i < shape_->size(); ++i) room[i] = words[shape_->index[i]] & shape_->bits[i];
}

packet::Flow ClassifierRule::value() const {
    packet::Flow out = packet::zero_flow();
    write_value(out);
    return out;
}

bool ClassifierRule::matches(const packet::Flow& flow) const {
    const uint64_t* words = packet::words(flow);
    for (size_t i = 0; i < shape_->size(); ++i) {
        if ((words[shape_->index[i]] & shape_->bits[i]) != values()[i]) return false;
    }
    return true;
}

ClassifierRule::Rare& ClassifierRule::rare() {
    if (!rare_) rare_ = std::make_unique<Rare>();
    return *rare_;
}

void ClassifierRule::set_conjunctions(std::vector<Conjunction> conjunctions) {
    if (rare_ || !conjunctions.empty()) rare().conjunctions = std::move(conjunctions);
}

void ClassifierRule::set_tunnel_table(openflow::TunnelTableRef table) {
    if (rare_ || table) rare().tunnel_table = std::move(table);
}

Subtable::Subtable(MaskShapeRef shape) : shape_(std::move(shape)) {
    assert(!shape_->subtable);
    shape_->subtable = this;
    for (size_t s = 0; s < kStages; ++s) {
        size_t before = s ? shape_->stage_end[s - 1] : 0;
        if (shape_->stage_end[s] > before) last_stage_ = s;
    }
    packet::Flow mask = shape_->mask();
    for (size_t t = 0; t < prefix_.size(); ++t) {
        prefix_[t] = prefix_length(mask, kTrieFields[t]);
        if (prefix_[t]) stage_tries_[stage_of_offset(kTrieFields[t].offset)] |= static_cast<uint8_t>(1u << t);
    }
    ports_prefix_ = prefix_length(mask, kPorts);
    if (ports_prefix_) ports_ = std::make_unique<PrefixTrie>(32);
}

void Subtable::count_priority(int priority, bool add) {
    if (add) {
        ++priorities_[priority];
    } else if (auto it = priorities_.find(priority); --it->second == 0) {
        priorities_.erase(it);
    }
    max_priority_ = priorities_.empty() ? 0 : priorities_.begin()->first;
}

ClassifierRule* Subtable::first(uint64_t hash, const uint64_t* words) const {
    for (ClassifierRule* rule = bucket(hash); rule; rule = rule->next_) {
        if (equal(*rule, words)) return rule;
    }
    return nullptr;
}

void Subtable::insert(ClassifierRule& rule) {
    rule.hash_ = static_cast<uint32_t>(hash_values(rule, shape_->size()));
    auto head = buckets_.find(rule.hash_);
    if (head == buckets_.end()) {
        buckets_.insert(&rule);
    } else if ((*head)->priority_ <= rule.priority_) {
        rule.next_ = *head;
        buckets_.erase(head);
        buckets_.insert(&rule);
    } else {
        ClassifierRule* before = *head;
        while (before->next_ && before->next_->priority_ > rule.priority_) before = before->next_;
        rule.next_ = before->next_;
        before->next_ = &rule;
    }
    ++rules_;
}

void Subtable::remove(ClassifierRule& rule) {
    auto head = buckets_.find(rule.hash_);
    assert(head != buckets_.end());
    if (*head == &rule) {
        buckets_.erase(head);
        if (rule.next_) buckets_.insert(rule.next_);
    } else {
        ClassifierRule* before = *head;
        while (before->next_ != &rule) before = before->next_;
        before->next_ = rule.next_;
    }
    rule.next_ = nullptr;
    --rules_;
}

// Nothing matched, and only the last stage told: of the ports, the leading bits that the trie needed are
// enough if they rule out every rule's ports; all other bits of the mask count.
void Subtable::widen_ports_miss(const packet::Flow& flow, packet::Flow& wildcards) const {
    if (!ports_) {
        shape_->add_to(wildcards, shape_->size());
        return;
    }
    PrefixTrie::Answer answer = ports_->lookup(trie_value(flow, kPorts));
    if (answer.lengths.test(ports_prefix_)) {
        shape_->add_to(wildcards, shape_->size());
        return;
    }
    shape_->add_to(wildcards, shape_->stage_end[stage_of_offset(kPorts.offset) - 1]);
    add_prefix(wildcards, kPorts, std::min<unsigned>(answer.decisive_bits, ports_prefix_));
}

struct Classifier::TrieCache {
    std::array<std::optional<PrefixTrie::Answer>, kTries> answers;  // once they were asked for
};

Classifier::Classifier() : tries_{PrefixTrie(32), PrefixTrie(32), PrefixTrie(128), PrefixTrie(128)} {}
Classifier::~Classifier() = default;

Subtable* Classifier::subtable_of(const MaskShape& shape) const {
    auto it = by_mask_.find(shape.hash());
    if (it == by_mask_.end()) return nullptr;
    for (const auto& subtable : it->second) {
        if (*subtable->shape_ == shape) return subtable.get();
    }
    return nullptr;
}

void Classifier::update_tries(const ClassifierRule& rule, bool add) {
    const Subtable& subtable = rule.subtable();
    bool any = subtable.ports_prefix_ != 0;
    for (uint8_t length : subtable.prefix_) any |= length != 0;
    if (!any) return;
    packet::Flow value = rule.value();
    auto change = [&](PrefixTrie& trie, const TrieField& field, unsigned length) {
        if (!length) return;
        if (add)
            trie.insert(trie_value(value, field), length);
        else
            trie.remove(trie_value(value, field), length);
    };
    for (size_t t = 0; t < kTries; ++t) change(tries_[t], kTrieFields[t], subtable.prefix_[t]);
    if (subtable.ports_) change(*subtable.ports_, kPorts, subtable.ports_prefix_);
}

void Classifier::insert(ClassifierRule& rule) {
    assert(!rule.inside_ && !find(rule));
    Subtable* subtable = subtable_of(*rule.shape_);
    if (!subtable) {
        auto& list = by_mask_[rule.shape_->hash()];
        MaskShapeRef shape = rule.shape_->subtable ? MaskShape::of(rule.mask()) : rule.shape_;
        list.push_back(std::make_unique<Subtable>(std::move(shape)));
        subtable = list.back().get();
        subtables_.push_back(subtable);
        unsorted_ = true;
    }
    rule.shape_ = subtable->shape_;  // so that equal masks are kept once
    rule.inside_ = 1;
    for (size_t s = 0; s < subtable->last_stage_; ++s) {
        if (size_t end = rule.shape_->stage_end[s]; end > (s ? rule.shape_->stage_end[s - 1] : 0)) {
            ++subtable->stages_[s][static_cast<uint32_t>(subtable->hash_values(rule, end))];
        }
    }
    if (!subtable->rules_ || rule.priority_ > subtable->max_priority()) unsorted_ = true;
    subtable->insert(rule);
    subtable->count_priority(rule.priority_, true);
    update_tries(rule, true);
    ++size_;
}

void Classifier::remove(ClassifierRule& rule) {
    assert(rule.inside_);
    Subtable* subtable = &rule.subtable();
    update_tries(rule, false);
    for (size_t s = 0; s < subtable->last_stage_; ++s) {
        if (size_t end = rule.shape_->stage_end[s]; end > (s ? rule.shape_->stage_end[s - 1] : 0)) {
            auto it = subtable->stages_[s].find(static_cast<uint32_t>(subtable->hash_values(rule, end)));
            if (--it->second == 0) subtable->stages_[s].erase(it);
        }
    }
    subtable->remove(rule);
    rule.inside_ = 0;
    int highest = subtable->max_priority_;
    subtable->count_priority(rule.priority_, false);
    unsorted_ |= subtable->max_priority_ != highest;
    --size_;
    if (!subtable->rules_) {
        unsorted_ = true;
        subtables_.erase(std::find(subtables_.begin(), subtables_.end(), subtable));
        auto list = by_mask_.find(rule.shape_->hash());
        std::erase_if(list->second, [&](const auto& entry) { return entry.get() == subtable; });
        if (list->second.empty()) by_mask_.erase(list);
    }
}

void Classifier::clear() {
    for (Subtable* subtable : subtables_) {
        subtable->each_bucket([](ClassifierRule* rule) {
            while (rule) {
                rule->inside_ = 0;
                rule = std::exchange(rule->next_, nullptr);
            }
        });
    }
    by_mask_.clear();
    subtables_.clear();
    fronts_.clear();
    for (size_t t = 0; t < kTries; ++t) tries_[t].clear();
    size_ = 0;
}

ClassifierRule* Classifier::find(const ClassifierRule& like) const {
    const Subtable* subtable = subtable_of(like.shape());
    if (!subtable) return nullptr;
    uint64_t hash = subtable->hash_values(like, like.shape_->size());
    for (ClassifierRule* rule = subtable->bucket(hash); rule; rule = rule->next_) {
        if (rule->priority_ == like.priority_ &&
            std::equal(rule->values(), rule->values() + rule->shape_->size(), like.values())) {
            return rule;
        }
    }
    return nullptr;
}

ClassifierRule* Classifier::find(const packet::Flow& value, const packet::Flow& mask, int priority) const {
    return find(LooseRule(value, mask, priority));
}

bool Classifier::overlaps(const ClassifierRule& rule) const {
    for (const Subtable* subtable : subtables_) {
        if (!subtable->priorities_.contains(rule.priority_)) continue;
        // Where both masks look, the values must agree for the two to overlap.
        const MaskShape &a = *subtable->shape_, &b = *rule.shape_;
        struct Common {
            size_t theirs, ours;
            uint64_t bits;
        };
        std::vector<Common> common;
        for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
            if (a.index[i] < b.index[j]) {
                ++i;
            } else if (a.index[i] > b.index[j]) {
                ++j;
            } else {
                common.push_back({i, j, a.bits[i] & b.bits[j]});
                ++i, ++j;
            }
        }
        for (const ClassifierRule* head : subtable->buckets_) {
            for (const ClassifierRule* other = head; other; other = other->next_) {
                if (other->priority_ != rule.priority_ || other == &rule) continue;
                if (std::all_of(common.begin(), common.end(), [&](const Common& c) {
                        return ((other->values()[c.theirs] ^ rule.values()[c.ours]) & c.bits) == 0;
                    })) {
                    return true;
                }
            }
        }
    }
    return false;
}

void Classifier::sort_subtables() const {
    fronts_.clear();
    for (Subtable* subtable : subtables_) {
        const MaskShape& shape = *subtable->shape_;
        Front front{subtable, subtable->max_priority(), 0, {}, {}};
        // Addresses, and with them the tries, belong to later stages.
        if (subtable->last_stage_ && shape.stage_end[0] <= Front::kMost) {
            front.words = shape.stage_end[0];
            std::copy_n(shape.index.begin(), front.words, front.index.begin());
            std::copy_n(shape.bits.begin(), front.words, front.bits.begin());
        }
        fronts_.push_back(front);
    }
    std::stable_sort(fronts_.begin(), fronts_.end(),
                     [](const Front& a, const Front& b) { return a.max_priority > b.max_priority; });
    unsorted_ = false;
}

// One pass over the subtables: the hard rule of the highest priority; conjunctive ones go to `soft` (null:
// they do not count).
ClassifierRule* Classifier::search(const packet::Flow& flow, packet::Flow* wildcards,
                                   std::vector<ClassifierRule*>* soft) const {
    if (unsorted_) sort_subtables();
    const uint64_t* words = packet::words(flow);
    const uint64_t seed = hash_seed();
    TrieCache cache;
    ClassifierRule* best = nullptr;

    // True if a trie tells that no rule of the subtable matches in the fields of stage s.
    auto trie_excludes = [&](const Subtable& subtable, size_t s) {
        for (unsigned left = subtable.stage_tries_[s]; left; left &= left - 1) {
            auto t = static_cast<size_t>(std::countr_zero(left));
            unsigned length = subtable.prefix_[t];
            std::optional<PrefixTrie::Answer>& answer = cache.answers[t];
            if (!answer) answer = tries_[t].lookup(trie_value(flow, kTrieFields[t]));
            if (answer->lengths.test(length)) continue;
            if (wildcards) add_prefix(*wildcards, kTrieFields[t], answer->decisive_bits);
            return true;
        }
        return false;
    };
    // From stage `first` on, with the hash of the words before it.
    auto probe = [&](const Subtable& subtable, size_t first, uint64_t hash) -> ClassifierRule* {
        const MaskShape& shape = *subtable.shape_;
        size_t done = first ? shape.stage_end[first - 1] : 0;
        for (size_t s = first; s <= subtable.last_stage_; ++s) {
            if (trie_excludes(subtable, s)) {
                if (wildcards) shape.add_to(*wildcards, done);
                return nullptr;
            }
            size_t end = shape.stage_end[s];
            if (end == done) continue;
            hash = subtable.hash_stages(words, done, end, hash);
            done = end;
            if (s < subtable.last_stage_ && !subtable.stages_[s].contains(static_cast<uint32_t>(hash))) {
                if (wildcards) shape.add_to(*wildcards, done);
                return nullptr;
            }
        }
        ClassifierRule* rule = subtable.first(hash, words);
        if (wildcards) {
            if (rule)
                shape.add_to(*wildcards, shape.size());
            else
                subtable.widen_ports_miss(flow, *wildcards);
        }
        return rule;
    };

    for (const Front& front : fronts_) {
        if (best && front.max_priority <= best->priority_) break;
        const Subtable* subtable = front.subtable;
        uint64_t hash = seed;
        for (size_t i = 0; i < front.words; ++i) hash = hash_add(hash, words[front.index[i]] & front.bits[i]);
        if (front.words && !subtable->stages_[0].contains(static_cast<uint32_t>(hash))) {
            for (size_t i = 0; wildcards && i < front.words; ++i)
                packet::words(*wildcards)[front.index[i]] |= front.bits[i];
            continue;
        }
        ClassifierRule* rule = probe(*subtable, front.words ? 1 : 0, hash);
        if (!rule) continue;
        if (!rule->conjunctions()) {
            if (!best || rule->priority_ > best->priority_) best = rule;
        } else if (soft) {
            soft->push_back(rule);
        } else {
            // Soft rules do not count: the first hard one below it in the bucket.
            for (rule = rule->next_; rule; rule = rule->next_) {
                if (!rule->conjunctions() && subtable->equal(*rule, words)) break;
            }
            if (rule && (!best || rule->priority_ > best->priority_)) best = rule;
        }
    }
    return best;
}

// True if the rules, all of one priority, have one alternative of every clause of an id; tells the id.
static bool complete_conjunction(const std::vector<ClassifierRule*>& rules, std::vector<uint32_t>& ids) {
    struct Seen {
        uint64_t clauses;
        uint8_t wanted;
    };
    absl::btree_map<uint32_t, Seen> seen;
    for (const ClassifierRule* rule : rules) {
        for (const Conjunction& c : *rule->conjunctions()) {
            auto [it, added] = seen.try_emplace(c.id, Seen{0, c.clauses});
            if (it->second.wanted == c.clauses) it->second.clauses |= uint64_t{1} << c.clause;
        }
    }
    for (const auto& [id, s] : seen) {
        uint64_t all = s.wanted >= 64 ? ~uint64_t{0} : (uint64_t{1} << s.wanted) - 1;
        if (s.clauses == all) ids.push_back(id);
    }
    return !ids.empty();
}

ClassifierRule* Classifier::lookup_conjunctions(const packet::Flow& flow, packet::Flow* wildcards,
                                                std::vector<ClassifierRule*>& soft,
                                                ClassifierRule* hard) const {
    const uint64_t* words = packet::words(flow);
    for (;;) {
        if (hard) std::erase_if(soft, [&](const auto* rule) { return rule->priority_ <= hard->priority_; });
        if (soft.empty()) return hard;
        int priority = (*std::max_element(soft.begin(), soft.end(), [](auto* a, auto* b) {
                           return a->priority_ < b->priority_;
                       }))->priority_;
        std::vector<ClassifierRule*> group;
        for (ClassifierRule* rule : soft) {
            if (rule->priority_ == priority) group.push_back(rule);
        }
        std::vector<uint32_t> ids;
        if (complete_conjunction(group, ids)) {
            for (uint32_t id : ids) {
                packet::Flow with_id = flow;
                with_id.conj_id = id;
                if (ClassifierRule* rule = search(with_id, wildcards, nullptr)) {
                    if (wildcards) wildcards->conj_id = 0;
                    return rule;
                }
            }
        }
        // None: in each bucket the next rule below takes the place of the soft one.
        std::erase_if(soft, [&](const auto* rule) { return rule->priority_ == priority; });
        for (ClassifierRule* rule : group) {
            const Subtable& subtable = rule->subtable();
            for (rule = rule->next_; rule; rule = rule->next_) {
                if (subtable.equal(*rule, words)) break;
            }
            if (!rule) continue;
            if (rule->conjunctions())
                soft.push_back(rule);
            else if (!hard || rule->priority_ > hard->priority_)
                hard = rule;
        }
    }
}

ClassifierRule* Classifier::lookup(const packet::Flow& flow, packet::Flow* wildcards) const {
    std::vector<ClassifierRule*> soft;
    ClassifierRule* hard = search(flow, wildcards, &soft);
    return soft.empty() ? hard : lookup_conjunctions(flow, wildcards, soft, hard);
}

}  // namespace weft::vswitch
