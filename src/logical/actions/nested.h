// Actions that make the controller answer a packet or make another from it, and do nested actions with that:
// arp, icmp4, icmp6, tcp_reset, sctp_abort, reject, nd_na, nd_na_router, nd_ns.

#pragma once

#include "logical/action.h"
#include "logical/controller_opcode.h"

namespace weft::logical {

class ActionParser;

struct MadePacket : Action {
    const char* name = "";
    ControllerOpcode opcode = ControllerOpcode::kArp;
    Actions nested;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};

Result<ActionPtr> parse_arp(ActionParser& parser);
Result<ActionPtr> parse_icmp4(ActionParser& parser);
Result<ActionPtr> parse_icmp4_error(ActionParser& parser);
Result<ActionPtr> parse_icmp6(ActionParser& parser);
Result<ActionPtr> parse_icmp6_error(ActionParser& parser);
Result<ActionPtr> parse_tcp_reset(ActionParser& parser);
Result<ActionPtr> parse_sctp_abort(ActionParser& parser);
Result<ActionPtr> parse_reject(ActionParser& parser);
Result<ActionPtr> parse_nd_na(ActionParser& parser);
Result<ActionPtr> parse_nd_na_router(ActionParser& parser);
Result<ActionPtr> parse_nd_ns(ActionParser& parser);

}  // namespace weft::logical
