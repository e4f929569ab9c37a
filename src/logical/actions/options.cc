#include "logical/actions/options.h"

#include <fmt/format.h>

#include <algorithm>

#include "logical/actions/parser.h"

namespace weft::logical {

namespace {

const char* action_name(PutOptions::Kind kind) {
    switch (kind) {
        case PutOptions::Kind::kDhcpv4:
            return "put_dhcp_opts";
        case PutOptions::Kind::kDhcpv6:
            return "put_dhcpv6_opts";
        case PutOptions::Kind::kNdRa:
            return "put_nd_ra_opts";
    }
    return "";
}

Result<void> look_up(const ActionParser& parser, PutOptions::Kind kind, PutOptions::Option& option) {
    if (kind == PutOptions::Kind::kNdRa) {
        for (const char* known :
             {"addr_mode", "slla", "mtu", "prefix", "rdnss", "dnssl", "router_preference", "route_info"}) {
            if (option.name == known) return {};
        }
        return parser.lexer.syntax_error("expecting ND RA option name");
    }
    bool v6 = kind == PutOptions::Kind::kDhcpv6;
    const DhcpOptionTable* table = v6 ? parser.context.dhcpv6 : parser.context.dhcp;
    if (!table) table = v6 ? &DhcpOptionTable::standard_v6() : &DhcpOptionTable::standard_v4();
    const DhcpOption* known = table->find(option.name);
    if (!known)
        return parser.lexer.syntax_error(v6 ? "expecting DHCPv6 option name"
                                            : "expecting DHCPv4 option name");
    option.code = known->code;
    option.type = known->type;
    return {};
}

Result<ActionPtr> parse(ActionParser& parser, const FieldRef& result, PutOptions::Kind kind) {
    PutOptions put;
    put.kind = kind;
    put.result = result;
    if (parser.context.pipeline != Pipeline::kIngress) {
        return Error{fmt::format("{} is only valid in the ingress pipeline.", action_name(kind))};
    }
    WEFT_TRY(parser.check_result(result));
    WEFT_TRY(parser.left_paren());
    bool has_offer = false;
    while (!parser.lexer.match(TokenType::kRightParen)) {
        PutOptions::Option option;
        if (parser.lexer.type() != TokenType::kId) return parser.lexer.syntax_error("expecting option name");
        option.name = parser.lexer.token().text;
        WEFT_TRY(look_up(parser, kind, option));
        parser.lexer.next();
        WEFT_TRY(parser.equals());
        option.in_braces = parser.lexer.type() == TokenType::kLeftBrace;
        WEFT_ASSIGN(option.values, parser.constants("option value"));
        if (kind == PutOptions::Kind::kDhcpv4) WEFT_TRY(check_dhcpv4_option(option));
        if (kind == PutOptions::Kind::kDhcpv6) WEFT_TRY(check_dhcpv6_option(option));
        has_offer = has_offer || option.code == kDhcpOfferIp;
        put.options.push_back(std::move(option));
        if (!parser.lexer.match(TokenType::kComma) && parser.lexer.type() != TokenType::kRightParen) {
            return parser.lexer.syntax_error("expecting `)'");
        }
    }
    if (kind == PutOptions::Kind::kDhcpv4 && !has_offer)
        return Error{"put_dhcp_opts requires offerip to be specified."};
    if (kind == PutOptions::Kind::kNdRa) {
        WEFT_TRY(parser.require("ip6"));
        WEFT_TRY(check_router_advertisement(put.options));
    }
    return make_action(std::move(put));
}

}  // namespace

Result<ActionPtr> parse_put_dhcp_opts(ActionParser& parser, const FieldRef& result) {
    return parse(parser, result, PutOptions::Kind::kDhcpv4);
}
Result<ActionPtr> parse_put_dhcpv6_opts(ActionParser& parser, const FieldRef& result) {
    return parse(parser, result, PutOptions::Kind::kDhcpv6);
}
Result<ActionPtr> parse_put_nd_ra_opts(ActionParser& parser, const FieldRef& result) {
    return parse(parser, result, PutOptions::Kind::kNdRa);
}

void PutOptions::print(std::string& out) const {
    print_field(result, out);
    out += " = ";
    out += action_name(kind);
    out += '(';
    for (size_t i = 0; i < options.size(); ++i) {
        if (i) out += ", ";
        out += options[i].name + " = ";
        if (options[i].in_braces) out += '{';
        for (size_t j = 0; j < options[i].values.size(); ++j) {
            if (j) out += ", ";
            print_constant(options[i].values[j], out);
        }
        if (options[i].in_braces) out += '}';
    }
    out += ");";
}

void PutOptions::encode(const EncodeContext& context, openflow::ActionList& out) const {
    ControllerOpcode opcode = kind == Kind::kDhcpv4   ? ControllerOpcode::kPutDhcpv4Options
                              : kind == Kind::kDhcpv6 ? ControllerOpcode::kPutDhcpv6Options
                                                      : ControllerOpcode::kPutNdRaOptions;
    ByteWriter userdata = begin_userdata(opcode);
    put_result_field(result, userdata);
    if (kind == Kind::kNdRa) {
        encode_router_advertisement(options, userdata);
    } else if (kind == Kind::kDhcpv6) {
        for (const Option& option : options) encode_dhcpv6_option(option, userdata);
    } else {
        // The address offered comes first and bare; then what the responder itself must find quickly.
        for (const Option& option : options) {
            if (option.code == kDhcpOfferIp) userdata.u32(static_cast<uint32_t>(option.values[0].value));
        }
        auto first = {uint16_t{67}, kDhcpBootfileAlt, kDhcpNextServer};
        for (uint16_t code : first) {
            for (const Option& option : options) {
                if (option.code == code) encode_dhcpv4_option(option, userdata);
            }
        }
        for (const Option& option : options) {
            bool done = option.code == kDhcpOfferIp ||
                        std::find(first.begin(), first.end(), option.code) != first.end();
            if (!done) encode_dhcpv4_option(option, userdata);
        }
    }
    put_controller(context, std::move(userdata), true, out);
}

Result<ActionPtr> parse_dns_lookup(ActionParser& parser, const FieldRef& result) {
    DnsLookup lookup;
    lookup.result = result;
    WEFT_TRY(parser.check_result(result));
    WEFT_TRY(parser.left_paren());
    WEFT_TRY(parser.right_paren());
    WEFT_TRY(parser.require("udp"));
    return make_action(lookup);
}

void DnsLookup::print(std::string& out) const {
    print_field(result, out);
    out += " = dns_lookup();";
}

void DnsLookup::encode(const EncodeContext& context, openflow::ActionList& out) const {
    ByteWriter userdata = begin_userdata(ControllerOpcode::kDnsLookup);
    put_result_field(result, userdata);
    put_controller(context, std::move(userdata), true, out);
}

}  // namespace weft::logical
