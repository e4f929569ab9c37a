// An OpenFlow flow that the integration bridge should have, in the form in which it is kept and sent.
//
// A flow key as a struct is large and there may be hundreds of thousands of flows, so match and actions are
// kept as their OpenFlow 1.5 wire form; two flows are equal if their bytes are.

#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "incremental/output.h"
#include "openflow/action.h"
#include "openflow/match.h"

namespace weft::controller {

struct DesiredFlow {
    uint8_t table = 0;
    uint16_t priority = 0;
    uint32_t cookie = 0;       // the first 32 bits of the uuid of the southbound row it stands for; 0: none
    std::string match;         // struct ofp_match, padding included
    std::string instructions;  // OpenFlow 1.5 instructions
    bool conjunction =
        false;  // its only actions are conjunction(): may share a match with others of its kind

    bool operator==(const DesiredFlow&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const DesiredFlow& flow) {
        return H::combine(std::move(h), flow.table, flow.priority, flow.cookie, flow.match,
                          flow.instructions);
    }
};

using FlowOutput = incremental::Output<DesiredFlow>;

DesiredFlow make_flow(uint8_t table, uint16_t priority, uint32_t cookie, const openflow::Match& match,
                      const openflow::ActionList& actions);

}  // namespace weft::controller
