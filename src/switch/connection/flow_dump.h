// The reply to a request for the statistics of flows, made as the peer takes it.
//
// The flows of a big switch are more than anyone wants to keep as a reply: what is kept is which rules were
// there when they were asked for, and the messages about them are made a few at a time.  A rule that is gone
// by its turn is left out.

#pragma once

#include <vector>

#include "openflow/message.h"
#include "switch/ofproto/rule.h"

namespace weft::vswitch {

class FlowDump {
  public:
    FlowDump(std::vector<RuleRef> rules, openflow::MultipartWriter writer)
        : rules_(std::move(rules)), writer_(std::move(writer)) {}

    // The next messages, of at least `bytes` unless they are the last; done() then.
    std::vector<Bytes> next(size_t bytes);
    bool done() const { return done_; }

  private:
    std::vector<RuleRef> rules_;
    size_t at_ = 0;
    openflow::MultipartWriter writer_;
    openflow::FlowStats stats_;  // of the rule at hand
    MaskShapeRef shape_;         // of stats_.match
    bool done_ = false;
};

}  // namespace weft::vswitch
