#include "switch/classifier/prefix_trie.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace weft::vswitch {

namespace {

uint32_t high_mask(unsigned length) {
    return length == 0 ? 0 : ~uint32_t{0} << (32 - length);
}

// `length` (at most 32) bits from bit `from`, left-aligned.
uint32_t bits_of(const PrefixTrie::Value& value, unsigned from, unsigned length) {
    if (length == 0) return 0;
    unsigned word = from / 32, shift = from % 32;
    uint64_t two = static_cast<uint64_t>(value[word]) << 32 | (word + 1 < value.size() ? value[word + 1] : 0);
    return static_cast<uint32_t>((two << shift) >> 32) & high_mask(length);
}

unsigned bit_at(const PrefixTrie::Value& value, unsigned at) {
    return value[at / 32] >> (31 - at % 32) & 1;
}

unsigned common_prefix(uint32_t a, uint32_t b, unsigned limit) {
    return std::min<unsigned>(static_cast<unsigned>(std::countl_zero(a ^ b)), limit);
}

}  // namespace

// A chain of nodes for bits from…to, the last with count 1.
uint32_t PrefixTrie::make(const Value& value, unsigned from, unsigned to) {
    unsigned length = std::min(32u, to - from);
    uint32_t id;
    if (free_.empty()) {
        id = static_cast<uint32_t>(nodes_.size());
        nodes_.emplace_back();
    } else {
        id = free_.back();
        free_.pop_back();
    }
    nodes_[id] = {bits_of(value, from, length), static_cast<uint8_t>(length), 0, {kNone, kNone}};
    if (from + length == to) {
        nodes_[id].count = 1;
    } else {
        uint32_t child = make(value, from + length, to);
        nodes_[id].child[bit_at(value, from + length)] = child;
    }
    return id;
}

// Cuts the node after `at` bits: returns the new upper one.
uint32_t PrefixTrie::split(uint32_t node, unsigned at) {
    uint32_t bits = nodes_[node].bits;
    uint32_t upper;
    if (free_.empty()) {
        upper = static_cast<uint32_t>(nodes_.size());
        nodes_.emplace_back();
    } else {
        upper = free_.back();
        free_.pop_back();
    }
    nodes_[upper] = {bits & high_mask(at), static_cast<uint8_t>(at), 0, {kNone, kNone}};
    Node& lower = nodes_[node];
    lower.bits = bits << at;
    lower.length = static_cast<uint8_t>(lower.length - at);
    nodes_[upper].child[lower.bits >> 31] = node;
    return upper;
}

void PrefixTrie::insert(const Value& value, unsigned length) {
    assert(length <= width_);
    uint32_t parent = kNone;
    unsigned side = 0;
    auto link = [&](uint32_t node) {
        if (parent == kNone)
            root_ = node;
        else
            nodes_[parent].child[side] = node;
    };
    uint32_t at = root_;
    unsigned offset = 0;
    for (;;) {
        if (at == kNone) {
            link(make(value, offset, length));
            return;
        }
        unsigned node_length = nodes_[at].length;
        unsigned want = std::min<unsigned>(node_length, length - offset);
        unsigned same = common_prefix(nodes_[at].bits, bits_of(value, offset, want), want);
        if (same < node_length) {
            at = split(at, same);
            link(at);
        }
        offset += same;
        if (offset == length) {
            ++nodes_[at].count;
            return;
        }
        parent = at;
        side = bit_at(value, offset);
        at = nodes_[at].child[side];
    }
}

void PrefixTrie::remove(const Value& value, unsigned length) {
    std::vector<std::pair<uint32_t, unsigned>> path;  // node, side taken below it
    uint32_t at = root_;
    unsigned offset = 0;
    for (;;) {
        assert(at != kNone);
        offset += nodes_[at].length;
        assert(offset <= length);
        if (offset == length) break;
        unsigned side = bit_at(value, offset);
        path.emplace_back(at, side);
        at = nodes_[at].child[side];
    }
    assert(nodes_[at].count > 0);
    --nodes_[at].count;
    // Drop nodes that say nothing any more, and join a node with its only child where both fit in one.
    for (;;) {
        Node& node = nodes_[at];
        if (node.count) return;
        unsigned children = (node.child[0] != kNone) + (node.child[1] != kNone);
        uint32_t replacement = at;
        if (children == 0) {
            replacement = kNone;
        } else if (children == 1) {
            uint32_t child = node.child[0] != kNone ? node.child[0] : node.child[1];
            if (node.length + nodes_[child].length <= 32) {
                nodes_[child].bits = node.bits | (node.length < 32 ? nodes_[child].bits >> node.length : 0);
                nodes_[child].length = static_cast<uint8_t>(nodes_[child].length + node.length);
                replacement = child;
            }
        }
        if (replacement == at) return;
        release(at);
        if (path.empty()) {
            root_ = replacement;
            return;
        }
        auto [parent, side] = path.back();
        path.pop_back();
        nodes_[parent].child[side] = replacement;
        at = parent;
    }
}

void PrefixTrie::clear() {
    root_ = kNone;
    nodes_ = {};
    free_ = {};
}

PrefixTrie::Answer PrefixTrie::lookup(const Value& value) const {
    Answer answer;
    uint32_t at = root_;
    unsigned offset = 0, previous = kNone;
    while (at != kNone) {
        const Node& node = nodes_[at];
        unsigned same = common_prefix(node.bits, bits_of(value, offset, node.length), node.length);
        offset += same;
        if (same < node.length) {
            answer.decisive_bits = offset + 1;  // the bit that differs
            return answer;
        }
        if (node.count) answer.lengths.set(offset);
        if (offset >= width_) {
            answer.decisive_bits = width_;
            return answer;
        }
        previous = at;
        at = node.child[bit_at(value, offset)];
    }
    // Fell off: the next bit decided if there is a branch on the other side of it.
    if (previous != kNone) {
        const Node& node = nodes_[previous];
        bool other_side = node.child[0] != kNone || node.child[1] != kNone;
        answer.decisive_bits = offset + (other_side ? 1 : 0);
    }
    return answer;
}

}  // namespace weft::vswitch
