#include "switch/ofproto/group.h"

namespace weft::vswitch {

void GroupEntry::apportion() {
    slots.clear();
    uint64_t total = 0;
    uint16_t smallest = 0;
    for (const GroupBucket& bucket : buckets) {
        total += bucket.weight;
        if (bucket.weight && (!smallest || bucket.weight < smallest)) smallest = bucket.weight;
    }
    if (!total) return;
    size_t wanted = static_cast<size_t>((total + smallest - 1) / smallest), size = 16;
    while (size < wanted && size < 256) size *= 2;
    std::vector<uint32_t> seats(buckets.size());
    for (size_t slot = 0; slot < size; ++slot) {
        size_t best = 0;
        double best_quotient = -1;
        for (size_t i = 0; i < buckets.size(); ++i) {
            double quotient = buckets[i].weight / (2.0 * seats[i] + 1);
            if (quotient > best_quotient) best = i, best_quotient = quotient;
        }
        ++seats[best];
        slots.push_back(static_cast<uint16_t>(best));
    }
}

uint32_t times_sent_to_group(const openflow::ActionList& actions, uint32_t group) {
    uint32_t times = 0;
    for (const openflow::Action& action : actions) {
        if (auto* to = openflow::action_cast<openflow::Group>(action)) {
            times += to->group_id == group;
        } else if (auto* write = openflow::action_cast<openflow::WriteActions>(action)) {
            times += times_sent_to_group(write->actions, group);
        } else if (auto* clone = openflow::action_cast<openflow::Clone>(action)) {
            times += times_sent_to_group(clone->actions, group);
        }
    }
    return times;
}

}  // namespace weft::vswitch
