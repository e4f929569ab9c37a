// Actions that make the switch remember: commit_ecmp_nh and commit_lb_aff.

#pragma once

#include <string>

#include "logical/action.h"

namespace weft::logical {

class ActionParser;

// commit_ecmp_nh(ipv6 = BOOL, proto = PROTO): replies go back by the way the first packet came.
struct CommitEcmpNextHop : Action {
    bool ipv6 = false;
    std::string protocol;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
// commit_lb_aff(vip = "IP:PORT", backend = "IP:PORT", proto = PROTO, timeout = SECONDS): a client stays with
// its backend.
struct CommitLbAffinity : Action {
    struct Endpoint {
        Constant address;
        uint16_t port = 0;
    };
    Endpoint vip, backend;
    std::string protocol;
    uint16_t timeout = 0;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};

Result<ActionPtr> parse_commit_ecmp_nh(ActionParser& parser);
Result<ActionPtr> parse_commit_lb_aff(ActionParser& parser);

}  // namespace weft::logical
