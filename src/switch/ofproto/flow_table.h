// One OpenFlow table: its flows, its configuration and its counters.

#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "switch/classifier/classifier.h"
#include "switch/ofproto/rule.h"

namespace weft::vswitch {

inline constexpr size_t kTables = 255;          // 254 of OpenFlow's and the switch's own
inline constexpr uint8_t kInternalTable = 254;  // table misses and such are rules too

enum class MissAction : uint8_t { kDefault, kController, kContinue, kDrop };

struct FlowTable {
    Classifier classifier;
    std::string name;
    bool named = false;  // by the database, whose name stays
    MissAction miss = MissAction::kDefault;
    uint64_t matched = 0, missed = 0;
    uint32_t max_flows = UINT32_MAX;
    bool evict = false;  // when full, make room instead of refusing
    // Controllers are told when less than vacancy_down percent are free, and when more than vacancy_up are
    // again.
    bool vacancy_events = false;
    bool vacancy_low = false;  // the former was told last
    uint8_t vacancy_down = 0, vacancy_up = 0;

    uint8_t vacancy() const {  // percent
        if (max_flows == UINT32_MAX || !max_flows) return 100;
        size_t used = std::min<size_t>(classifier.size(), max_flows);
        return static_cast<uint8_t>((max_flows - used) * 100 / max_flows);
    }

    static Rule& rule_of(ClassifierRule& rule) { return static_cast<Rule&>(rule); }
    Rule* lookup(const packet::Flow& flow, packet::Flow* wildcards) const {
        return static_cast<Rule*>(classifier.lookup(flow, wildcards));
    }
};

}  // namespace weft::vswitch
