// Groups and meters of the switch, kept as desired (OpenFlow 1.5.1 §7.3.4.3, §7.3.4.5).
//
// Pure: what is desired in, OpenFlow 1.5 messages out.  Messages `before` belong before the flows' own (they
// add what flows will use), those `after` behind (they remove what no flow uses any more).  Groups may be in
// a bundle with the flows, meters may not: they have their own lists.

#pragma once

#include <vector>

#include "base/bytes.h"
#include "controller/desired_group.h"

namespace weft::controller {

class GroupSync {
  public:
    struct Messages {
        std::vector<Bytes> meters_before, groups_before, groups_after, meters_after;
    };

    GroupSync(GroupOutput& groups, NumberTable& group_numbers, MeterOutput& meters,
              NumberTable& meter_numbers)
        : groups_(groups), group_numbers_(group_numbers), meters_(meters), meter_numbers_(meter_numbers) {}

    // What changed since the last time.
    void changes(Messages& out);
    // Everything there was is removed, then everything desired added: all of it `before`.
    void everything(Messages& out);

  private:
    void forget_changes();

    GroupOutput& groups_;
    NumberTable& group_numbers_;
    MeterOutput& meters_;
    NumberTable& meter_numbers_;
};

}  // namespace weft::controller
