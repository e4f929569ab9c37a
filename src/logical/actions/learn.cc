#include "logical/actions/learn.h"

#include <fmt/format.h>

#include "base/append.h"
#include "logical/actions/parser.h"

namespace weft::logical {

namespace {

using openflow::FieldId;
using openflow::Learn;
using openflow::LearnSpec;
using openflow::Subfield;

// The flow to be learned matches `dst` with what the packet has in `src`.
void match_field(FieldId dst, FieldId src, Learn& learn) {
    LearnSpec spec;
    spec.dst = field_bits(dst);
    spec.src = field_bits(src);
    spec.bits = spec.dst.bits;
    learn.specs.push_back(spec);
}

openflow::ValueBytes value_bytes(U128 value, unsigned bits) {
    openflow::ValueBytes bytes((bits + 15) / 16 * 2);
    for (size_t i = 0; i < bytes.size(); ++i)
        bytes[bytes.size() - 1 - i] = static_cast<uint8_t>(value >> (8 * i));
    return bytes;
}

void match_value(FieldId dst, U128 value, Learn& learn) {
    LearnSpec spec;
    spec.immediate = true;
    spec.dst = field_bits(dst);
    spec.bits = spec.dst.bits;
    spec.value = value_bytes(value, spec.bits);
    learn.specs.push_back(spec);
}

void load_value(const Subfield& dst, U128 value, Learn& learn) {
    LearnSpec spec;
    spec.destination = LearnSpec::Destination::kLoad;
    spec.immediate = true;
    spec.dst = dst;
    spec.bits = dst.bits;
    spec.value = value_bytes(value, spec.bits);
    learn.specs.push_back(spec);
}

Subfield flag_bit(int bit) {
    return {kRegFlags, static_cast<uint16_t>(bit), 1};
}

struct Protocol {
    const char* name;
    uint8_t number;
    FieldId src, dst;
};
constexpr Protocol kProtocols[] = {{"tcp", 6, FieldId::kTcpSrc, FieldId::kTcpDst},
                                   {"udp", 17, FieldId::kUdpSrc, FieldId::kUdpDst},
                                   {"sctp", 132, FieldId::kSctpSrc, FieldId::kSctpDst}};

const Protocol* find_protocol(std::string_view name) {
    for (const Protocol& protocol : kProtocols) {
        if (name == protocol.name) return &protocol;
    }
    return nullptr;
}

Result<std::string> parse_protocol(ActionParser& parser) {
    std::string name;
    if (parser.lexer.type() == TokenType::kId) {
        name = parser.lexer.token().text;
        parser.lexer.next();
    } else {
        WEFT_ASSIGN(name, parser.string("tcp, udp or sctp"));
    }
    if (!find_protocol(name))
        return Error{fmt::format("Unknown protocol {}: expecting tcp, udp or sctp.", name)};
    return name;
}

void put_learn(Learn learn, openflow::ActionList& out) {
    out.push_back(openflow::Action(Boxed<Learn>(std::move(learn))));
}

}  // namespace

Result<ActionPtr> parse_commit_ecmp_nh(ActionParser& parser) {
    CommitEcmpNextHop commit;
    WEFT_TRY(parser.left_paren());
    if (!parser.key("ipv6")) return parser.lexer.syntax_error("expecting `ipv6 ='");
    if (parser.lexer.match_id("true")) {
        commit.ipv6 = true;
    } else if (!parser.lexer.match_id("false")) {
        WEFT_ASSIGN(std::string text, parser.string("true or false"));
        commit.ipv6 = text == "true";
    }
    WEFT_TRY(parser.comma());
    if (!parser.key("proto")) return parser.lexer.syntax_error("expecting `proto ='");
    WEFT_ASSIGN(commit.protocol, parse_protocol(parser));
    WEFT_TRY(parser.right_paren());
    WEFT_TRY(parser.require(commit.ipv6 ? "ip6" : "ip4"));
    WEFT_TRY(parser.require(commit.protocol));
    return make_action(std::move(commit));
}

void CommitEcmpNextHop::print(std::string& out) const {
    append(out, "commit_ecmp_nh(ipv6 = {}, proto = {});", ipv6, protocol);
}

void CommitEcmpNextHop::encode(const EncodeContext&, openflow::ActionList& out) const {
    const Protocol& p = *find_protocol(protocol);
    FieldId src = ipv6 ? FieldId::kIpv6Src : FieldId::kIpSrc,
            dst = ipv6 ? FieldId::kIpv6Dst : FieldId::kIpDst;
    auto learn_direction = [&](bool reply) {
        Learn learn;
        learn.table = reply ? kEcmpNextHopTable : kEcmpNextHopMacTable;
        learn.idle_timeout = 20;
        learn.hard_timeout = 30;
        learn.flags = Learn::kDeleteLearned;
        match_field(FieldId::kMetadata, FieldId::kMetadata, learn);
        if (!reply) match_field(FieldId::kEthSrc, FieldId::kEthSrc, learn);
        match_value(FieldId::kEthType, ipv6 ? 0x86dd : 0x800, learn);
        match_field(src, reply ? dst : src, learn);
        match_field(dst, reply ? src : dst, learn);
        match_value(FieldId::kIpProto, p.number, learn);
        match_field(p.src, reply ? p.dst : p.src, learn);
        match_field(p.dst, reply ? p.src : p.dst, learn);
        load_value(flag_bit(kFlagLookupCommitEcmpNh), 1, learn);
        put_learn(std::move(learn), out);
    };
    learn_direction(false);
    learn_direction(true);
}

namespace {

// "10.0.0.1:80", "[fd00::1]:80", "10.0.0.1", "fd00::1".
Result<CommitLbAffinity::Endpoint> parse_endpoint(ActionParser& parser) {
    WEFT_ASSIGN(std::string text, parser.string("\"ADDRESS:PORT\""));
    CommitLbAffinity::Endpoint endpoint;
    std::string_view address = text, port;
    if (address.starts_with('[')) {
        size_t end = address.find(']');
        if (end != std::string_view::npos) {
            if (end + 1 < address.size() && address[end + 1] == ':') port = address.substr(end + 2);
            address = address.substr(1, end - 1);
        }
    } else if (address.find(':') != std::string_view::npos && address.find('.') != std::string_view::npos) {
        port = address.substr(address.find(':') + 1);
        address = address.substr(0, address.find(':'));
    }
    std::optional<Constant> parsed = parse_integer_constant(address);
    std::optional<Constant> number = port.empty() ? make_integer(0) : parse_integer_constant(port);
    bool is_address = parsed && (parsed->format == Format::kIpv4 || parsed->format == Format::kIpv6);
    if (!is_address || !number || number->value > 65535) {
        return Error{fmt::format("{}: expecting an address, or an address and a port.", text)};
    }
    endpoint.address = *parsed;
    endpoint.port = static_cast<uint16_t>(number->value);
    return endpoint;
}

void print_endpoint(const CommitLbAffinity::Endpoint& endpoint, std::string& out) {
    bool bracket = endpoint.port && endpoint.address.format == Format::kIpv6;
    out += bracket ? "\"[" : "\"";
    print_constant(endpoint.address, out);
    if (bracket) out += ']';
    if (endpoint.port) append(out, ":{}", endpoint.port);
    out += '"';
}

}  // namespace

Result<ActionPtr> parse_commit_lb_aff(ActionParser& parser) {
    CommitLbAffinity commit;
    WEFT_TRY(parser.left_paren());
    if (!parser.key("vip")) return parser.lexer.syntax_error("expecting `vip ='");
    WEFT_ASSIGN(commit.vip, parse_endpoint(parser));
    WEFT_TRY(parser.comma());
    if (!parser.key("backend")) return parser.lexer.syntax_error("expecting `backend ='");
    WEFT_ASSIGN(commit.backend, parse_endpoint(parser));
    if (commit.vip.address.format != commit.backend.address.format) {
        return Error{"vip and backend must be of the same address family."};
    }
    WEFT_TRY(parser.comma());
    if (parser.key("proto")) {
        WEFT_ASSIGN(commit.protocol, parse_protocol(parser));
        WEFT_TRY(parser.comma());
    }
    if (!parser.key("timeout")) return parser.lexer.syntax_error("expecting `timeout ='");
    WEFT_ASSIGN(uint64_t timeout, parser.integer(65535, "seconds"));
    commit.timeout = static_cast<uint16_t>(timeout);
    WEFT_TRY(parser.right_paren());
    if (commit.vip.port && commit.protocol.empty()) return Error{"A vip with a port needs proto."};
    WEFT_TRY(parser.require(commit.vip.address.format == Format::kIpv6 ? "ip6" : "ip4"));
    if (!commit.protocol.empty()) WEFT_TRY(parser.require(commit.protocol));
    return make_action(std::move(commit));
}

void CommitLbAffinity::print(std::string& out) const {
    out += "commit_lb_aff(vip = ";
    print_endpoint(vip, out);
    out += ", backend = ";
    print_endpoint(backend, out);
    if (!protocol.empty()) out += ", proto = " + protocol;
    append(out, ", timeout = {});", timeout);
}

void CommitLbAffinity::encode(const EncodeContext&, openflow::ActionList& out) const {
    bool ipv6 = vip.address.format == Format::kIpv6;
    Learn learn;
    learn.table = kLbAffinityTable;
    learn.idle_timeout = timeout;
    learn.flags = Learn::kDeleteLearned;
    match_field(FieldId::kMetadata, FieldId::kMetadata, learn);
    match_value(FieldId::kEthType, ipv6 ? 0x86dd : 0x800, learn);
    FieldId src = ipv6 ? FieldId::kIpv6Src : FieldId::kIpSrc,
            dst = ipv6 ? FieldId::kIpv6Dst : FieldId::kIpDst;
    match_field(src, src, learn);
    match_value(dst, vip.address.value, learn);
    if (const Protocol* p = find_protocol(protocol)) {
        match_value(FieldId::kIpProto, p->number, learn);
        match_value(p->dst, vip.port, learn);
    }
    load_value(flag_bit(kFlagUseLbAffSession), 1, learn);
    load_value(field_bits(ipv6 ? FieldId::kXXReg1 : FieldId::kReg4), backend.address.value, learn);
    if (!protocol.empty()) load_value(Subfield{FieldId::kReg8, 0, 16}, backend.port, learn);
    put_learn(std::move(learn), out);
}

}  // namespace weft::logical
