// The checks of a DHCPv4 relay: the controller looks at the message that waits and fills in what relays fill
// in.

#include <fmt/format.h>

#include "logical/actions/options.h"
#include "logical/actions/parser.h"

namespace weft::logical {

namespace {

const char* name_of(bool is_request) {
    return is_request ? "dhcp_relay_req_chk" : "dhcp_relay_resp_chk";
}

Result<uint32_t> address(ActionParser& parser, const char* what) {
    WEFT_ASSIGN(Constant value, parser.constant(what));
    if (value.is_string || value.masked || value.format != Format::kIpv4)
        return parser.lexer.syntax_error(fmt::format("expecting an IPv4 address as {}", what));
    return static_cast<uint32_t>(value.value);
}

Result<ActionPtr> parse(ActionParser& parser, const FieldRef& result, bool is_request) {
    if (parser.context.pipeline != Pipeline::kIngress)
        return Error{fmt::format("{} is only valid in the ingress pipeline.", name_of(is_request))};
    DhcpRelay relay;
    relay.is_request = is_request;
    relay.result = result;
    WEFT_TRY(parser.check_result(result));
    WEFT_TRY(parser.left_paren());
    WEFT_ASSIGN(relay.giaddr, address(parser, "relay address"));
    WEFT_TRY(parser.comma());
    WEFT_ASSIGN(relay.server, address(parser, "server address"));
    WEFT_TRY(parser.right_paren());
    WEFT_TRY(parser.require("ip4 && udp"));
    return make_action(std::move(relay));
}

}  // namespace

Result<ActionPtr> parse_dhcp_relay_req_chk(ActionParser& parser, const FieldRef& result) {
    return parse(parser, result, true);
}
Result<ActionPtr> parse_dhcp_relay_resp_chk(ActionParser& parser, const FieldRef& result) {
    return parse(parser, result, false);
}

void DhcpRelay::print(std::string& out) const {
    print_field(result, out);
    out += " = ";
    out += name_of(is_request);
    out += '(';
    print_integer(giaddr, Format::kIpv4, out);
    out += ", ";
    print_integer(server, Format::kIpv4, out);
    out += ");";
}

void DhcpRelay::encode(const EncodeContext& context, openflow::ActionList& out) const {
    ByteWriter userdata =
        begin_userdata(is_request ? ControllerOpcode::kDhcpRelayRequest : ControllerOpcode::kDhcpRelayAnswer);
    put_result_field(result, userdata);
    userdata.u32(giaddr);
    userdata.u32(server);
    put_controller(context, std::move(userdata), true, out);
}

}  // namespace weft::logical
