// Groups and meters that the integration bridge should have: the flows' actions refer to them by number.
//
// What is asked for twice exists once.  A group or meter is identified by what it does: its text, as
// `ovn-appctl -t ovn-controller group-table-list` shows it.  Numbers are given out here and kept while the
// thing is wanted; they are free again once the switch was told that it is not (forget()).
//
// In the switch, groups and meters must be there before flows that use them, and go after those.

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "incremental/output.h"
#include "logical/action.h"

namespace weft::controller {

struct DesiredGroup {
    uint32_t id = 0;
    logical::GroupRequest request;
    bool operator==(const DesiredGroup& other) const { return id == other.id && request == other.request; }
    template <typename H>
    friend H AbslHashValue(H h, const DesiredGroup& group) {
        return H::combine(std::move(h), group.id);
    }
};

// A meter that drops what exceeds a rate.
struct DesiredMeter {
    uint32_t id = 0;
    bool packets = false;  // the rate is packets per second, else kbit per second
    uint64_t rate = 0;
    uint64_t burst = 0;  // packets or kbit; 0: the switch's choice
    std::string name;    // "m1" of the Meter table, or "__string: …" for a rate given in an action
    bool operator==(const DesiredMeter&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const DesiredMeter& meter) {
        return H::combine(std::move(h), meter.id, meter.rate, meter.burst);
    }
};

using GroupOutput = incremental::Output<DesiredGroup>;
using MeterOutput = incremental::Output<DesiredMeter>;

// Numbers for texts: the lowest that is free.
class NumberTable {
  public:
    uint32_t number(const std::string& text);
    void forget(uint32_t number);
    const std::map<std::string, uint32_t>& numbers() const { return numbers_; }
    std::string to_text() const;  // "TEXT: NUMBER" lines

  private:
    std::map<std::string, uint32_t> numbers_;
    // Those below the highest that was ever given out are used or free.
    std::map<uint32_t, std::map<std::string, uint32_t>::iterator> used_;
    std::set<uint32_t> free_;
};

}  // namespace weft::controller
