// The classifier: which rule of the highest priority matches a packet, and which bits of the packet decided
// that.
//
// What: a set of rules, each a match (value and mask over packet::Flow) and a priority.  lookup() gives the
// rule and ORs into `wildcards` every bit it had to look at, so that all packets that agree in those bits get
// the same rule: the megaflow property, on which the datapath's cache rests.
//
// How: tuple space search.  Rules with the same mask are one subtable, a hash table over the masked words; a
// lookup probes the subtables from the highest priority down and stops when no later one can win.  Two things
// keep the mask wide:
//  - staged lookup: a subtable is probed in up to four stages (metadata, L2, L3, L4), and when no rule has
//  the
//    packet's bits of the first stages, only those are looked at;
//  - prefix tries of IPv4 and IPv6 addresses and, per subtable, of ports: a subtable of /24 is skipped when
//  the
//    trie says that no /24 covers the address, at the price of the leading bits that told so.
//
// Conjunctive matches (ovs-fields(7), "Conjunctive Match Fields"): a rule with `conjunctions` is one
// alternative of a clause, not a result.  When one rule of every clause of an id matched, at one priority,
// the lookup is repeated with conj_id.
//
// Atomic changes: the classifier belongs to one thread and no lookup runs between the changes of a
// transaction; a bundle that fails is undone rule by rule (ofproto/transaction.h).  So rules carry no
// versions, which saves 16 bytes each and a comparison per probe.
//
// Known gaps: a tenant who can add rules of his own can create a mask per rule; the caller bounds that.
//
// Ownership: rules belong to the caller, who removes them before destroying them.

#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include <absl/container/btree_map.h>

#include "base/hash_map.h"
#include "openflow/tunnel_metadata.h"
#include "packet/flow.h"
#include "switch/classifier/hash.h"
#include "switch/classifier/mask_shape.h"
#include "switch/classifier/prefix_trie.h"

namespace weft::vswitch {

struct Conjunction {
    uint32_t id;
    uint8_t clause;   // from 0
    uint8_t clauses;  // how many there are, at least 2
    bool operator==(const Conjunction&) const = default;
};

// What the classifier keeps of a rule; a base of the caller's own struct.  Not copied, not moved while
// inside.
class ClassifierRule {
  public:
    // `room`: for shape->size() words, which live as long as the rule, at most 1 kB behind it.
    ClassifierRule(MaskShapeRef shape, const packet::Flow& value, int priority, uint64_t* room);
    ClassifierRule(const ClassifierRule&) = delete;
    ClassifierRule& operator=(const ClassifierRule&) = delete;

    int priority() const { return priority_; }
    const MaskShape& shape() const { return *shape_; }
    packet::Flow value() const;
    // The same into `out`, which has zeros or an earlier value of the same shape.
    void write_value(packet::Flow& out) const {
        uint64_t* words = packet::words(out);
        for (size_t i = 0; i < shape_->size(); ++i) words[shape_->index[i]] = values()[i];
    }
    packet::Flow mask() const { return shape_->mask(); }
    bool matches(const packet::Flow& flow) const;
    bool in_classifier() const { return inside_; }
    // nullptr: a plain rule.
    const std::vector<Conjunction>* conjunctions() const {
        return rare_ && !rare_->conjunctions.empty() ? &rare_->conjunctions : nullptr;
    }
    void set_conjunctions(std::vector<Conjunction> conjunctions);  // changes take effect at once
    // What tun_metadata fields in the match mean, which is the caller's; nullptr: none are matched.
    openflow::TunnelTableRef tunnel_table() const { return rare_ ? rare_->tunnel_table : nullptr; }
    void set_tunnel_table(openflow::TunnelTableRef table);

  private:
    friend class Classifier;
    friend class Subtable;
    struct Rare {  // what few rules have
        std::vector<Conjunction> conjunctions;
        openflow::TunnelTableRef tunnel_table;
    };
    Rare& rare();
    Subtable& subtable() const { return *shape_->subtable; }  // of a rule in a classifier
    // Masked, one for each word of the shape.
    uint64_t* values() { return reinterpret_cast<uint64_t*>(this) + room_; }
    const uint64_t* values() const { return reinterpret_cast<const uint64_t*>(this) + room_; }

    MaskShapeRef shape_;
    ClassifierRule* next_ = nullptr;  // in the subtable's bucket, by falling priority
    std::unique_ptr<Rare> rare_;
    int priority_;
    uint32_t hash_ = 0;       // of the values, while in a subtable
    uint8_t inside_ : 1 = 0;  // a classifier
    uint8_t room_ : 7;        // where the values are, in words behind this
};

// One with room of its own, for any match.
class LooseRule : public ClassifierRule {
  public:
    LooseRule(const packet::Flow& value, const packet::Flow& mask, int priority)
        : ClassifierRule(MaskShape::of(mask), value, priority, words_) {}

  private:
    uint64_t words_[packet::kFlowWords];
};

class Classifier {
  public:
    Classifier();
    ~Classifier();
    Classifier(const Classifier&) = delete;
    Classifier& operator=(const Classifier&) = delete;

    // nullptr if none matches.  `wildcards` may be null.
    ClassifierRule* lookup(const packet::Flow& flow, packet::Flow* wildcards) const;

    void insert(ClassifierRule& rule);  // no rule with the same match and priority may be there
    void remove(ClassifierRule& rule);
    // Removes every rule, which costs little for each.
    void clear();

    // The rule with exactly this match and priority.
    ClassifierRule* find(const packet::Flow& value, const packet::Flow& mask, int priority) const;
    ClassifierRule* find(const ClassifierRule& like) const;
    // True if another rule of the same priority could match the same packet as `rule`.
    bool overlaps(const ClassifierRule& rule) const;

    size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    size_t masks() const { return subtables_.size(); }

    // Every rule; `visit` must not change the classifier.
    template <typename Visit>
    void for_each(Visit visit) const;
    // Every rule that is at least as specific as value/mask ("loose" matching of flow-mods and statistics).
    template <typename Visit>
    void for_each_within(const packet::Flow& value, const packet::Flow& mask, Visit visit) const;

  private:
    friend class Subtable;
    static constexpr size_t kTries = 4;
    struct TrieCache;

    Subtable* subtable_of(const MaskShape& shape) const;
    void update_tries(const ClassifierRule& rule, bool add);
    void sort_subtables() const;
    ClassifierRule* lookup_conjunctions(const packet::Flow& flow, packet::Flow* wildcards,
                                        std::vector<ClassifierRule*>& soft, ClassifierRule* hard) const;
    ClassifierRule* search(const packet::Flow& flow, packet::Flow* wildcards,
                           std::vector<ClassifierRule*>* soft) const;

    // What a lookup needs of a subtable to see that no rule has the packet's words of the first stage, which
    // is so of most: side by side, since the subtables themselves lie all over the memory.
    struct Front {
        static constexpr size_t kMost = 4;
        Subtable* subtable;
        int max_priority;
        uint8_t words;  // of the first stage; 0: it has none, more than kMost, or is the only one
        std::array<uint8_t, kMost> index;
        std::array<uint64_t, kMost> bits;
    };

    HashMap<uint64_t, std::vector<std::unique_ptr<Subtable>>> by_mask_;
    std::vector<Subtable*> subtables_;
    mutable std::vector<Front> fronts_;  // of all, by falling highest priority, when !unsorted_
    mutable bool unsorted_ = false;
    std::array<PrefixTrie, kTries> tries_;
    size_t size_ = 0;
};

// One mask's rules.
class Subtable {
  public:
    explicit Subtable(MaskShapeRef shape);  // that no other one has
    ~Subtable() { shape_->subtable = nullptr; }
    Subtable(const Subtable&) = delete;
    Subtable& operator=(const Subtable&) = delete;

    int max_priority() const { return max_priority_; }

  private:
    friend class Classifier;
    uint64_t hash_stages(const uint64_t* words, size_t from, size_t to, uint64_t h) const {
        for (size_t i = from; i < to; ++i) h = hash_add(h, words[shape_->index[i]] & shape_->bits[i]);
        return h;
    }
    uint64_t hash_values(const ClassifierRule& rule, size_t to) const {
        uint64_t h = seed_;
        for (size_t i = 0; i < to; ++i) h = hash_add(h, rule.values()[i]);
        return h;
    }
    bool equal(const ClassifierRule& rule, const uint64_t* words) const {
        for (size_t i = 0; i < shape_->size(); ++i) {
            if ((words[shape_->index[i]] & shape_->bits[i]) != rule.values()[i]) return false;
        }
        return true;
    }
    ClassifierRule* bucket(uint64_t hash) const {
        auto it = buckets_.find(static_cast<uint32_t>(hash));
        return it == buckets_.end() ? nullptr : *it;
    }
    ClassifierRule* first(uint64_t hash, const uint64_t* words) const;
    void insert(ClassifierRule& rule);
    void remove(ClassifierRule& rule);
    void widen_ports_miss(const packet::Flow& flow, packet::Flow& wildcards) const;

    void count_priority(int priority, bool add);
    // Calls back with the first rule of each bucket.  Rules lie all over the memory: each is asked for some
    // turns before its own.
    template <typename Visit>
    void each_bucket(Visit visit) const {
        constexpr size_t kAhead = 8;
        auto ahead = buckets_.begin();
        auto ask = [&] {
            if (ahead == buckets_.end()) return;
            const char* rule = reinterpret_cast<const char*>(*ahead++);
            for (size_t line = 0; line < 3; ++line) __builtin_prefetch(rule + 64 * line);
        };
        for (size_t i = 0; i < kAhead; ++i) ask();
        for (ClassifierRule* head : buckets_) {
            ask();
            visit(head);
        }
    }

    MaskShapeRef shape_;
    const uint64_t seed_ = hash_seed();
    // Heads of buckets: of rules with the same hash of their values, by falling priority.
    struct ByHash {
        using is_transparent = void;
        size_t operator()(uint32_t hash) const { return hash; }
        size_t operator()(const ClassifierRule* head) const { return head->hash_; }
        bool operator()(const ClassifierRule* a, const ClassifierRule* b) const {
            return a->hash_ == b->hash_;
        }
        bool operator()(const ClassifierRule* a, uint32_t hash) const { return a->hash_ == hash; }
    };
    absl::flat_hash_set<ClassifierRule*, ByHash, ByHash> buckets_;
    // For each stage but the last with words: how many rules have a hash (its low bits) of the words so far.
    std::array<absl::flat_hash_map<uint32_t, uint32_t, IdentityHash>, kStages - 1> stages_;
    size_t last_stage_ = 0;
    absl::btree_map<int, uint32_t, std::greater<int>> priorities_;
    int max_priority_ = 0;
    std::array<uint8_t, 4> prefix_{};             // length of the prefix in each of the tries; 0: not one
    std::array<uint8_t, kStages> stage_tries_{};  // of those, bit by bit, which belong to the stage
    std::unique_ptr<PrefixTrie> ports_;           // of rules' ports, if the mask has a prefix of both
    uint8_t ports_prefix_ = 0;
    size_t rules_ = 0;
};

template <typename Visit>
void Classifier::for_each(Visit visit) const {
    for (const Subtable* subtable : subtables_) {
        subtable->each_bucket([&](ClassifierRule* rule) {
            while (rule) {
                ClassifierRule* next = rule->next_;
                visit(*rule);
                rule = next;
            }
        });
    }
}

template <typename Visit>
void Classifier::for_each_within(const packet::Flow& value, const packet::Flow& mask, Visit visit) const {
    MaskShapeRef shape = MaskShape::of(mask);
    const uint64_t* wanted = packet::words(value);
    for (const Subtable* subtable : subtables_) {
        const MaskShape& theirs = *subtable->shape_;
        if (!theirs.covers(*shape)) continue;
        std::vector<size_t> at;  // where the words of `shape` are in `theirs`
        for (size_t i = 0, j = 0; j < shape->size(); ++j) {
            while (theirs.index[i] != shape->index[j]) ++i;
            at.push_back(i);
        }
        subtable->each_bucket([&](ClassifierRule* rule) {
            for (; rule; rule = rule->next_) {
                bool within = true;
                for (size_t j = 0; within && j < at.size(); ++j) {
                    within = ((rule->values()[at[j]] ^ wanted[shape->index[j]]) & shape->bits[j]) == 0;
                }
                if (within) visit(*rule);
            }
        });
    }
}

}  // namespace weft::vswitch
