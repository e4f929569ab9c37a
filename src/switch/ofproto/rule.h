// A flow of an OpenFlow table, as the switch keeps it.
//
// Half a million of them are usual, so a rule is one piece of memory with its match, in the classifier's
// compact form, at its end, and equal action lists are shared.  Counted: megaflows that were made from a rule
// hold it until their last statistics are in; in_classifier() tells whether it was removed meanwhile.  Times
// are clock::monotonic_ms(); timeouts are seconds.

#pragma once

#include <cstdint>
#include <memory>

#include "openflow/match.h"
#include "switch/classifier/classifier.h"
#include "switch/ofproto/action_pool.h"
#include "switch/ofproto/ref.h"

namespace weft::vswitch {

// Flags of a flow, OpenFlow 1.5's numbers (ofp_flow_mod_flags).
inline constexpr uint16_t kFlowSendRemoved = 1, kFlowCheckOverlap = 2, kFlowResetCounts = 4,
                          kFlowNoPacketCounts = 8, kFlowNoByteCounts = 16;

class Rule : public ClassifierRule {
  public:
    static Ref<Rule> make(MaskShapeRef shape, const packet::Flow& value, int priority) {
        return new (Words{shape->size()}) Rule(std::move(shape), value, priority);
    }
    static void operator delete(void* rule) { ::operator delete(rule); }

    openflow::Match match() const;
    // Not shown to controllers: priorities above 65535, and the switch's own table 254.
    bool hidden() const { return priority() > 65535; }
    bool has_timeout() const { return idle_timeout || hard_timeout; }
    void count(uint64_t add_packets, uint64_t add_bytes, int64_t now_ms) {
        packets += add_packets;
        bytes += add_bytes;
        if (now_ms > used_ms) used_ms = now_ms;
    }

    // Begins to fetch it into the processor's cache, with its match.
    void prefetch() const {
        for (size_t line = 0; line < sizeof(Rule) + 64; line += 64)
            __builtin_prefetch(reinterpret_cast<const char*>(this) + line);
    }

    // In what is left of the base's last word.
    uint8_t table = 0;
    uint16_t flags = 0;
    mutable uint32_t references = 0;

    ActionsRef actions;
    uint64_t cookie = 0;
    uint64_t packets = 0, bytes = 0;
    // Milliseconds of some thousand years, and what fits beside them.
    int64_t created_ms : 48 = 0;
    uint64_t idle_timeout : 16 = 0;
    int64_t modified_ms : 48 = 0;
    uint64_t hard_timeout : 16 = 0;
    int64_t used_ms : 48 = 0;
    uint64_t importance : 16 = 0;

  private:
    struct Words {  // behind the rule
        size_t count;
    };
    static void* operator new(size_t size, Words words) {
        return ::operator new(size + words.count * sizeof(uint64_t));
    }
    static void operator delete(void* rule, Words) { ::operator delete(rule); }

    Rule(MaskShapeRef shape, const packet::Flow& value, int priority)
        : ClassifierRule(std::move(shape), value, priority, reinterpret_cast<uint64_t*>(this + 1)) {}
};

static_assert(sizeof(Rule) <= 96, "there are millions of them");

using RuleRef = Ref<Rule>;

}  // namespace weft::vswitch
