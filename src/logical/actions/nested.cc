#include "logical/actions/nested.h"

#include "logical/actions/parser.h"
#include "logical/actions/pipeline.h"

namespace weft::logical {

namespace {

Result<ActionPtr> parse(ActionParser& parser, const char* name, ControllerOpcode opcode,
                        const char* prerequisite) {
    MadePacket made;
    made.name = name;
    made.opcode = opcode;
    WEFT_TRY(parser.require(prerequisite));
    // The block may be left out where the packet as made is what is wanted.
    if (parser.lexer.type() == TokenType::kLeftBrace) {
        WEFT_ASSIGN(made.nested, parser.block());
    }
    return make_action(std::move(made));
}

}  // namespace

Result<ActionPtr> parse_arp(ActionParser& parser) {
    return parse(parser, "arp", ControllerOpcode::kArp, "ip4");
}
Result<ActionPtr> parse_icmp4(ActionParser& parser) {
    return parse(parser, "icmp4", ControllerOpcode::kIcmp, "ip4");
}
Result<ActionPtr> parse_icmp4_error(ActionParser& parser) {
    return parse(parser, "icmp4_error", ControllerOpcode::kIcmp4Error, "ip4");
}
Result<ActionPtr> parse_icmp6(ActionParser& parser) {
    return parse(parser, "icmp6", ControllerOpcode::kIcmp, "ip6");
}
Result<ActionPtr> parse_icmp6_error(ActionParser& parser) {
    return parse(parser, "icmp6_error", ControllerOpcode::kIcmp6Error, "ip6");
}
Result<ActionPtr> parse_tcp_reset(ActionParser& parser) {
    return parse(parser, "tcp_reset", ControllerOpcode::kTcpReset, "tcp");
}
Result<ActionPtr> parse_sctp_abort(ActionParser& parser) {
    return parse(parser, "sctp_abort", ControllerOpcode::kSctpAbort, "sctp");
}
Result<ActionPtr> parse_reject(ActionParser& parser) {
    return parse(parser, "reject", ControllerOpcode::kReject, "ip");
}
Result<ActionPtr> parse_nd_na(ActionParser& parser) {
    return parse(parser, "nd_na", ControllerOpcode::kNdNa, "nd_ns");
}
Result<ActionPtr> parse_nd_na_router(ActionParser& parser) {
    return parse(parser, "nd_na_router", ControllerOpcode::kNdNaRouter, "nd_ns");
}
Result<ActionPtr> parse_nd_ns(ActionParser& parser) {
    return parse(parser, "nd_ns", ControllerOpcode::kNdNs, "ip6");
}

void MadePacket::print(std::string& out) const {
    print_block(name, nested, out);
}

void MadePacket::encode(const EncodeContext& context, openflow::ActionList& out) const {
    openflow::ActionList inner;
    encode_actions(nested, context, inner);
    ByteWriter userdata = begin_userdata(opcode);
    openflow::encode_actions(inner, openflow::Version::k15, userdata);
    put_controller(context, std::move(userdata), false, out);
}

}  // namespace weft::logical
