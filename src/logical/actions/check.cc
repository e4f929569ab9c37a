#include "logical/actions/check.h"

#include <fmt/format.h>

#include "base/append.h"
#include "logical/actions/parser.h"

namespace weft::logical {

namespace {

Result<ActionPtr> parse(ActionParser& parser, const FieldRef& result, const char* name, uint8_t table,
                        int flag) {
    TableCheck check;
    check.result = result;
    check.name = name;
    check.table = table;
    check.flag = flag;
    WEFT_TRY(parser.check_result(result));
    WEFT_TRY(parser.left_paren());
    WEFT_TRY(parser.right_paren());
    return make_action(check);
}

}  // namespace

Result<ActionPtr> parse_chk_lb_hairpin(ActionParser& parser, const FieldRef& result) {
    return parse(parser, result, "chk_lb_hairpin", kLbHairpinTable, kFlagLookupLbHairpin);
}
Result<ActionPtr> parse_chk_lb_hairpin_reply(ActionParser& parser, const FieldRef& result) {
    return parse(parser, result, "chk_lb_hairpin_reply", kLbHairpinReplyTable, kFlagLookupLbHairpin);
}
Result<ActionPtr> parse_check_in_port_sec(ActionParser& parser, const FieldRef& result) {
    return parse(parser, result, "check_in_port_sec", kInPortSecTable, kFlagCheckPortSec);
}
Result<ActionPtr> parse_check_out_port_sec(ActionParser& parser, const FieldRef& result) {
    return parse(parser, result, "check_out_port_sec", kOutPortSecTable, kFlagCheckPortSec);
}
Result<ActionPtr> parse_chk_ecmp_nh_mac(ActionParser& parser, const FieldRef& result) {
    return parse(parser, result, "chk_ecmp_nh_mac", kEcmpNextHopMacTable, kFlagLookupCommitEcmpNh);
}
Result<ActionPtr> parse_chk_ecmp_nh(ActionParser& parser, const FieldRef& result) {
    return parse(parser, result, "chk_ecmp_nh", kEcmpNextHopTable, kFlagLookupCommitEcmpNh);
}
Result<ActionPtr> parse_chk_lb_aff(ActionParser& parser, const FieldRef& result) {
    return parse(parser, result, "chk_lb_aff", kLbAffinityTable, kFlagUseLbAffSession);
}

void TableCheck::print(std::string& out) const {
    print_field(result, out);
    append(out, " = {}();", name);
}

void TableCheck::encode(const EncodeContext&, openflow::ActionList& out) const {
    put_flag(flag, false, out);
    put_resubmit(table, out);
    put_move(openflow::Subfield{kRegFlags, static_cast<uint16_t>(flag), 1}, to_subfield(result), out);
}

Result<ActionPtr> parse_check_pkt_larger(ActionParser& parser, const FieldRef& result) {
    CheckPktLarger check;
    check.result = result;
    WEFT_TRY(parser.check_result(result));
    WEFT_TRY(parser.left_paren());
    WEFT_ASSIGN(uint64_t length, parser.integer(65535, "packet length"));
    check.length = static_cast<uint16_t>(length);
    WEFT_TRY(parser.right_paren());
    return make_action(check);
}

void CheckPktLarger::print(std::string& out) const {
    print_field(result, out);
    append(out, " = check_pkt_larger({});", length);
}

void CheckPktLarger::encode(const EncodeContext&, openflow::ActionList& out) const {
    out.push_back(openflow::CheckPktLarger{length, to_subfield(result)});
}

}  // namespace weft::logical
