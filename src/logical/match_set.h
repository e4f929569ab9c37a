// From an expression to OpenFlow matches.
//
// A simplified expression becomes a set of matches of which a packet satisfies one exactly if the expression
// is true of it.  Products of two or more sets (`ip4.src == $a && tcp.dst == {…}`) become a conjunctive match
// (ovs-fields(7), "Conjunctive Match Fields") where that needs fewer flows than multiplying out: one match
// per member, which carries `conjunction` actions, and one match of the conjunction's id, which carries the
// flow's actions.  Ids count from 1 within the set; the caller has a base added to them.

#pragma once

#include <absl/container/inlined_vector.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/u128.h"
#include "logical/expr.h"
#include "openflow/field.h"
#include "openflow/match.h"

namespace weft::logical {

// A test of bits of one OpenFlow field.  Registers appear as reg0…reg15 only, never as xreg or xxreg.
struct FieldTest {
    U128 value = 0;
    U128 mask = 0;
    openflow::FieldId field = openflow::FieldId::kCount;
    bool operator==(const FieldTest&) const = default;
};

// All of these tests; at most one per field, in the order of FieldId.
class Conjunct {
  public:
    // False if no packet can pass both.
    bool add(openflow::FieldId field, U128 value, U128 mask);
    bool add(const Conjunct& other);
    // Tests of a comparison's bits (its symbol's field, registers split).
    bool add_comparison(const Expr& comparison);

    const absl::InlinedVector<FieldTest, 3>& tests() const { return tests_; }
    void to_match(openflow::Match& match) const;

    bool operator==(const Conjunct&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Conjunct& c) {
        for (const FieldTest& test : c.tests_) {
            static_assert(offsetof(FieldTest, mask) == sizeof test.value);  // in one piece
            h = H::combine_contiguous(std::move(h), reinterpret_cast<const unsigned char*>(&test.value),
                                      sizeof test.value + sizeof test.mask);
            h = H::combine(std::move(h), static_cast<unsigned>(test.field));
        }
        return h;
    }

  private:
    absl::InlinedVector<FieldTest, 3> tests_;
};

struct FlowMatch {
    struct Clause {
        uint32_t conj_id = 0;
        uint8_t clause = 0, clauses = 0;  // counted from 0
        bool operator==(const Clause&) const = default;
    };
    Conjunct tests;
    uint32_t conj_id = 0;         // not 0: also match that conjunction's id (plus the base)
    std::vector<Clause> clauses;  // not empty: the actions are these conjunctions
    bool operator==(const FlowMatch&) const = default;
};

struct MatchSet {
    std::vector<FlowMatch> matches;
    uint32_t conj_ids = 0;  // how many are used
};

// Ports replaced by their keys (the comparison is false for a port that does not exist),
// is_chassis_resident() by what it is.  Takes and gives a simplified expression.
Expr resolve(Expr expr, const PortLookup& ports);

// Of a simplified, resolved expression.  An error if the expression multiplies out to more than `limit`
// matches.
Result<MatchSet> to_match_set(const Expr& expr, size_t limit = 1 << 18);

}  // namespace weft::logical
