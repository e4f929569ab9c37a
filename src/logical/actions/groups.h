// Actions that become OpenFlow groups: select and fwd_group.

#pragma once

#include <string>
#include <vector>

#include "logical/action.h"

namespace weft::logical {

class ActionParser;

// R = select(N1=W1, N2=W2, …).
struct Select : Action {
    struct Choice {
        uint16_t id = 0, weight = 100;
    };
    FieldRef result;
    std::vector<Choice> choices;
    uint8_t table = 0;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
// fwd_group(liveness=BOOL, childports="p1", "p2").
struct ForwardGroup : Action {
    bool liveness = false;
    std::vector<std::string> children;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};

Result<ActionPtr> parse_select(ActionParser& parser, const FieldRef& result);
Result<ActionPtr> parse_fwd_group(ActionParser& parser);

}  // namespace weft::logical
