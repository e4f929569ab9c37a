// A set of bit prefixes (of an address or of a pair of ports), each with a count.
//
// What for: a rule that matches 10.1.2.0/24 need not be looked up, and no bits below it need be
// un-wildcarded, when the packet's address already differs in the third bit from all prefixes there are.
// lookup() tells which prefix lengths of the set cover a value, and how many leading bits of the value decide
// that.
//
// How: a binary trie with path compression, nodes in one vector; a node holds up to 32 bits.  Values are
// words of 32 bits, most significant bit first (host order).

#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <vector>

namespace weft::vswitch {

class PrefixTrie {
  public:
    using Value = std::array<uint32_t, 4>;
    struct Answer {
        std::bitset<129> lengths;  // lengths (1…width) of the prefixes that cover the value
        unsigned decisive_bits = 0;
    };

    explicit PrefixTrie(unsigned width) : width_(width) {}  // in bits, at most 128

    void insert(const Value& value, unsigned length);
    void remove(const Value& value, unsigned length);  // must be there
    void clear();
    Answer lookup(const Value& value) const;
    bool empty() const { return root_ == kNone; }
    size_t nodes() const { return nodes_.size() - free_.size(); }

  private:
    static constexpr uint32_t kNone = UINT32_MAX;
    struct Node {
        uint32_t bits;  // left-aligned
        uint8_t length;
        uint32_t count;  // of prefixes that end after this node's bits
        std::array<uint32_t, 2> child;
    };

    uint32_t make(const Value& value, unsigned from, unsigned to);
    void release(uint32_t node) { free_.push_back(node); }
    uint32_t split(uint32_t node, unsigned at);

    unsigned width_;
    uint32_t root_ = kNone;
    std::vector<Node> nodes_;
    std::vector<uint32_t> free_;
};

}  // namespace weft::vswitch
