// Answers that the controller composes from options: R = put_dhcp_opts(…), put_dhcpv6_opts(…),
// put_nd_ra_opts(…), dns_lookup(), dhcp_relay_req_chk(…), dhcp_relay_resp_chk(…).  The packet waits at the
// controller (its pipeline is paused) and goes on changed.

#pragma once

#include <string>
#include <vector>

#include "logical/action.h"
#include "logical/controller_opcode.h"

namespace weft::logical {

class ActionParser;

struct PutOptions : Action {
    enum class Kind : uint8_t { kDhcpv4, kDhcpv6, kNdRa };
    struct Option {
        std::string name;
        std::string type;
        uint16_t code = 0;
        std::vector<Constant> values;
        bool in_braces = false;
    };
    Kind kind = Kind::kDhcpv4;
    FieldRef result;
    std::vector<Option> options;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
struct DhcpRelay : Action {  // R = dhcp_relay_req_chk(giaddr, server), dhcp_relay_resp_chk(giaddr, server)
    bool is_request = false;
    FieldRef result;
    uint32_t giaddr = 0, server = 0;  // host order
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
struct DnsLookup : Action {
    FieldRef result;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};

Result<ActionPtr> parse_put_dhcp_opts(ActionParser& parser, const FieldRef& result);
Result<ActionPtr> parse_put_dhcpv6_opts(ActionParser& parser, const FieldRef& result);
Result<ActionPtr> parse_put_nd_ra_opts(ActionParser& parser, const FieldRef& result);
Result<ActionPtr> parse_dhcp_relay_req_chk(ActionParser& parser, const FieldRef& result);
Result<ActionPtr> parse_dhcp_relay_resp_chk(ActionParser& parser, const FieldRef& result);
Result<ActionPtr> parse_dns_lookup(ActionParser& parser, const FieldRef& result);

// The values of options as they go on the wire (RFC 2132, 3442, 3397; RFC 8415; RFC 4861, 8106, 4191).
void encode_dhcpv4_option(const PutOptions::Option& option, ByteWriter& out);
void encode_dhcpv6_option(const PutOptions::Option& option, ByteWriter& out);
void encode_router_advertisement(const std::vector<PutOptions::Option>& options, ByteWriter& out);
Result<void> check_dhcpv4_option(const PutOptions::Option& option);
Result<void> check_dhcpv6_option(const PutOptions::Option& option);
Result<void> check_router_advertisement(const std::vector<PutOptions::Option>& options);

}  // namespace weft::logical
