#include "logical/actions/neighbour.h"

#include "logical/actions/parser.h"

namespace weft::logical {

namespace {

using openflow::FieldId;

Result<FieldRef> port_argument(ActionParser& parser) {
    return parser.field_of_width(0, "logical port");
}
Result<FieldRef> ip_argument(ActionParser& parser, bool ipv6) {
    return parser.field_of_width(ipv6 ? 128 : 32, "IP address");
}
Result<FieldRef> mac_argument(ActionParser& parser) {
    return parser.field_of_width(48, "Ethernet address");
}

void print_call(const FieldRef* result, std::string_view name,
                std::initializer_list<const FieldRef*> arguments, std::string& out) {
    if (result) {
        print_field(*result, out);
        out += " = ";
    }
    out += name;
    out += '(';
    bool first = true;
    for (const FieldRef* argument : arguments) {
        if (!first) out += ", ";
        first = false;
        print_field(*argument, out);
    }
    out += ");";
}

FieldId ip_register(bool ipv6) {
    return ipv6 ? FieldId::kXXReg0 : FieldId::kReg0;
}

openflow::Subfield flag_bit(int bit) {
    return {kRegFlags, static_cast<uint16_t>(bit), 1};
}

Result<ActionPtr> parse_get(ActionParser& parser, bool ipv6) {
    GetNeighbour get;
    get.ipv6 = ipv6;
    WEFT_TRY(parser.left_paren());
    WEFT_ASSIGN(get.port, port_argument(parser));
    WEFT_TRY(parser.comma());
    WEFT_ASSIGN(get.ip, ip_argument(parser, ipv6));
    WEFT_TRY(parser.right_paren());
    return make_action(get);
}

Result<ActionPtr> parse_put(ActionParser& parser, bool ipv6) {
    PutNeighbour put;
    put.ipv6 = ipv6;
    WEFT_TRY(parser.left_paren());
    WEFT_ASSIGN(put.port, port_argument(parser));
    WEFT_TRY(parser.comma());
    WEFT_ASSIGN(put.ip, ip_argument(parser, ipv6));
    WEFT_TRY(parser.comma());
    WEFT_ASSIGN(put.mac, mac_argument(parser));
    WEFT_TRY(parser.right_paren());
    return make_action(put);
}

Result<ActionPtr> parse_lookup(ActionParser& parser, const FieldRef& result, bool ipv6, bool with_mac) {
    LookupNeighbour lookup;
    lookup.result = result;
    lookup.ipv6 = ipv6;
    lookup.with_mac = with_mac;
    WEFT_TRY(parser.check_result(result));
    WEFT_TRY(parser.left_paren());
    WEFT_ASSIGN(lookup.port, port_argument(parser));
    WEFT_TRY(parser.comma());
    WEFT_ASSIGN(lookup.ip, ip_argument(parser, ipv6));
    if (with_mac) {
        WEFT_TRY(parser.comma());
        WEFT_ASSIGN(lookup.mac, mac_argument(parser));
    }
    WEFT_TRY(parser.right_paren());
    return make_action(lookup);
}

}  // namespace

Result<ActionPtr> parse_get_arp(ActionParser& parser) {
    return parse_get(parser, false);
}
Result<ActionPtr> parse_get_nd(ActionParser& parser) {
    return parse_get(parser, true);
}
Result<ActionPtr> parse_put_arp(ActionParser& parser) {
    return parse_put(parser, false);
}
Result<ActionPtr> parse_put_nd(ActionParser& parser) {
    return parse_put(parser, true);
}
Result<ActionPtr> parse_lookup_arp(ActionParser& parser, const FieldRef& result) {
    return parse_lookup(parser, result, false, true);
}
Result<ActionPtr> parse_lookup_arp_ip(ActionParser& parser, const FieldRef& result) {
    return parse_lookup(parser, result, false, false);
}
Result<ActionPtr> parse_lookup_nd(ActionParser& parser, const FieldRef& result) {
    return parse_lookup(parser, result, true, true);
}
Result<ActionPtr> parse_lookup_nd_ip(ActionParser& parser, const FieldRef& result) {
    return parse_lookup(parser, result, true, false);
}

void GetNeighbour::print(std::string& out) const {
    print_call(nullptr, ipv6 ? "get_nd" : "get_arp", {&port, &ip}, out);
}

void GetNeighbour::encode(const EncodeContext&, openflow::ActionList& out) const {
    Arguments arguments({{to_subfield(port), kRegOutport}, {to_subfield(ip), ip_register(ipv6)}});
    arguments.save(out);
    put_set(field_bits(FieldId::kEthDst), 0, out);
    put_resubmit(kMacBindingTable, out);
    arguments.restore(out);
}

void PutNeighbour::print(std::string& out) const {
    print_call(nullptr, ipv6 ? "put_nd" : "put_arp", {&port, &ip, &mac}, out);
}

void PutNeighbour::encode(const EncodeContext& context, openflow::ActionList& out) const {
    Arguments arguments({{to_subfield(port), kRegInport},
                         {to_subfield(ip), ip_register(ipv6)},
                         {to_subfield(mac), FieldId::kEthSrc}});
    arguments.save(out);
    put_controller(context, begin_userdata(ipv6 ? ControllerOpcode::kPutNd : ControllerOpcode::kPutArp),
                   false, out);
    arguments.restore(out);
}

void LookupNeighbour::print(std::string& out) const {
    if (with_mac) return print_call(&result, ipv6 ? "lookup_nd" : "lookup_arp", {&port, &ip, &mac}, out);
    print_call(&result, ipv6 ? "lookup_nd_ip" : "lookup_arp_ip", {&port, &ip}, out);
}

void LookupNeighbour::encode(const EncodeContext&, openflow::ActionList& out) const {
    openflow::Subfield eth_dst = field_bits(FieldId::kEthDst);
    std::vector<Arguments::Move> moves{{to_subfield(port), with_mac ? kRegInport : kRegOutport},
                                       {to_subfield(ip), ip_register(ipv6)}};
    if (with_mac) moves.push_back({to_subfield(mac), FieldId::kEthSrc});
    Arguments arguments(std::move(moves));
    arguments.save(out);
    // The table of bindings stores the address that it finds; of a mere lookup nothing but the flag may stay.
    if (!with_mac) put_push(eth_dst, out);
    put_flag(kFlagLookupMac, false, out);
    put_resubmit(with_mac ? kMacLookupTable : kMacBindingTable, out);
    if (!with_mac) put_pop(eth_dst, out);
    arguments.restore(out);
    // After restoring, since the result may lie in a register that was borrowed.
    put_move(flag_bit(kFlagLookupMac), to_subfield(result), out);
}

Result<ActionPtr> parse_get_fdb(ActionParser& parser, const FieldRef& result) {
    GetFdb get;
    get.result = result;
    if (result.symbol->name != "outport") return Error{"get_fdb stores its result in outport only."};
    WEFT_TRY(parser.left_paren());
    WEFT_ASSIGN(get.mac, mac_argument(parser));
    WEFT_TRY(parser.right_paren());
    return make_action(get);
}

void GetFdb::print(std::string& out) const {
    print_call(&result, "get_fdb", {&mac}, out);
}

void GetFdb::encode(const EncodeContext&, openflow::ActionList& out) const {
    Arguments arguments({{to_subfield(mac), FieldId::kEthDst}});
    arguments.save(out);
    put_set(field_bits(kRegOutport), 0, out);
    put_resubmit(kFdbTable, out);
    arguments.restore(out);
}

Result<ActionPtr> parse_put_fdb(ActionParser& parser) {
    PutFdb put;
    WEFT_TRY(parser.left_paren());
    WEFT_ASSIGN(put.port, port_argument(parser));
    WEFT_TRY(parser.comma());
    WEFT_ASSIGN(put.mac, mac_argument(parser));
    WEFT_TRY(parser.right_paren());
    return make_action(put);
}

void PutFdb::print(std::string& out) const {
    print_call(nullptr, "put_fdb", {&port, &mac}, out);
}

void PutFdb::encode(const EncodeContext& context, openflow::ActionList& out) const {
    Arguments arguments({{to_subfield(port), kRegInport}, {to_subfield(mac), FieldId::kEthSrc}});
    arguments.save(out);
    put_controller(context, begin_userdata(ControllerOpcode::kPutFdb), false, out);
    arguments.restore(out);
}

Result<ActionPtr> parse_lookup_fdb(ActionParser& parser, const FieldRef& result) {
    LookupFdb lookup;
    lookup.result = result;
    WEFT_TRY(parser.check_result(result));
    WEFT_TRY(parser.left_paren());
    WEFT_ASSIGN(lookup.port, port_argument(parser));
    WEFT_TRY(parser.comma());
    WEFT_ASSIGN(lookup.mac, mac_argument(parser));
    WEFT_TRY(parser.right_paren());
    return make_action(lookup);
}

void LookupFdb::print(std::string& out) const {
    print_call(&result, "lookup_fdb", {&port, &mac}, out);
}

void LookupFdb::encode(const EncodeContext&, openflow::ActionList& out) const {
    Arguments arguments({{to_subfield(port), kRegInport}, {to_subfield(mac), FieldId::kEthSrc}});
    arguments.save(out);
    put_flag(kFlagLookupFdb, false, out);
    put_resubmit(kFdbLookupTable, out);
    arguments.restore(out);
    put_move(flag_bit(kFlagLookupFdb), to_subfield(result), out);
}

}  // namespace weft::logical
