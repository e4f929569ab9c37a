// Checks of a packet against tables of the controller, with a one-bit result: R = check_in_port_sec(), … and
// check_pkt_larger(L).

#pragma once

#include "logical/action.h"

namespace weft::logical {

class ActionParser;

struct TableCheck : Action {
    FieldRef result;
    const char* name = "";
    uint8_t table = 0;
    int flag = 0;  // of reg10, that the table sets
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
struct CheckPktLarger : Action {
    FieldRef result;
    uint16_t length = 0;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};

Result<ActionPtr> parse_check_pkt_larger(ActionParser& parser, const FieldRef& result);
Result<ActionPtr> parse_chk_lb_hairpin(ActionParser& parser, const FieldRef& result);
Result<ActionPtr> parse_chk_lb_hairpin_reply(ActionParser& parser, const FieldRef& result);
Result<ActionPtr> parse_check_in_port_sec(ActionParser& parser, const FieldRef& result);
Result<ActionPtr> parse_check_out_port_sec(ActionParser& parser, const FieldRef& result);
Result<ActionPtr> parse_chk_ecmp_nh_mac(ActionParser& parser, const FieldRef& result);
Result<ActionPtr> parse_chk_ecmp_nh(ActionParser& parser, const FieldRef& result);
Result<ActionPtr> parse_chk_lb_aff(ActionParser& parser, const FieldRef& result);

}  // namespace weft::logical
