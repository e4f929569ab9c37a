// What the switch has, and what turns it into what is desired.
//
// Pure: desired flows in, OpenFlow 1.5 messages out.  A slot is a table, priority and match; several desired
// flows may want it.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash_map.h"
#include "controller/desired_flow.h"

namespace weft::controller {

class FlowSync {
  public:
    explicit FlowSync(FlowOutput& desired) : desired_(desired) {}

    // Takes up what changed and appends the messages for it.  Returns how many.
    size_t changes(std::vector<Bytes>& messages);
    // The switch has nothing (or all was deleted): appends the messages for everything.
    void everything(std::vector<Bytes>& messages);

  private:
    struct Slot {
        std::vector<DesiredFlow> wanted;  // in the order of their bytes
        std::string installed;            // instructions that the switch has; with `present`
        uint32_t cookie = 0;
        bool present = false;
        bool touched = false;
    };
    using Slots = HashMap<std::string, Slot>;

    void take_up();
    static std::string key_of(const DesiredFlow& flow);
    static std::string chosen(const Slot& slot);
    void update(const std::string& key, Slot& slot, std::vector<Bytes>& messages);

    FlowOutput& desired_;
    Slots slots_;
    std::vector<std::string> touched_;
};

}  // namespace weft::controller
