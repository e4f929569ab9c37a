#include "logical/actions/conntrack.h"

#include <fmt/format.h>

#include "base/append.h"
#include "logical/actions/parser.h"
#include "logical/actions/pipeline.h"

namespace weft::logical {

namespace {

openflow::Ct make_ct(openflow::FieldId zone) {
    openflow::Ct ct;
    ct.zone_src = openflow::Subfield{zone, 0, 16};
    return ct;
}

void put_ct(openflow::Ct ct, openflow::ActionList& out) {
    out.push_back(openflow::Action(Boxed<openflow::Ct>(std::move(ct))));
}

uint8_t next_table(const EncodeContext& context, uint8_t table) {
    return context.openflow_table(context.pipeline, static_cast<uint8_t>(table + 1));
}

openflow::Nat make_nat(const Constant& address, uint16_t flags) {
    openflow::Nat nat;
    nat.flags = flags;
    nat.family =
        address.format == Format::kIpv4 ? openflow::Nat::Family::kIpv4 : openflow::Nat::Family::kIpv6;
    unsigned size = address.format == Format::kIpv4 ? 4 : 16;
    for (unsigned i = 0; i < size; ++i)
        nat.min[size - 1 - i] = static_cast<uint8_t>(address.value >> (8 * i));
    return nat;
}

bool is_address(const Constant& c) {
    return !c.is_string && !c.masked && (c.format == Format::kIpv4 || c.format == Format::kIpv6);
}

Result<ActionPtr> simple(ActionParser& parser, CtSimple::Kind kind) {
    CtSimple ct;
    ct.kind = kind;
    ct.table = parser.context.table;
    bool moves_on = kind == CtSimple::Kind::kNext || kind == CtSimple::Kind::kCommitNat;
    if (moves_on) {
        WEFT_TRY(parser.require("ip"));
        if (parser.context.table + 1 >= parser.context.tables) {
            return Error{
                "A connection tracking action that moves on to the next table is not allowed in the last "
                "table."};
        }
    }
    return make_action(ct);
}

}  // namespace

Result<ActionPtr> parse_ct_next(ActionParser& parser) {
    return simple(parser, CtSimple::Kind::kNext);
}
Result<ActionPtr> parse_ct_clear(ActionParser& parser) {
    return simple(parser, CtSimple::Kind::kClear);
}
Result<ActionPtr> parse_ct_commit_nat(ActionParser& parser) {
    return simple(parser, CtSimple::Kind::kCommitNat);
}
Result<ActionPtr> parse_ct_snat_to_vip(ActionParser& parser) {
    return simple(parser, CtSimple::Kind::kSnatToVip);
}

void CtSimple::print(std::string& out) const {
    switch (kind) {
        case Kind::kNext:
            out += "ct_next;";
            return;
        case Kind::kClear:
            out += "ct_clear;";
            return;
        case Kind::kCommitNat:
            out += "ct_commit_nat;";
            return;
        case Kind::kSnatToVip:
            out += "ct_snat_to_vip;";
            return;
    }
}

void CtSimple::encode(const EncodeContext& context, openflow::ActionList& out) const {
    if (kind == Kind::kClear) {
        out.push_back(openflow::CtClear());
        return;
    }
    if (kind == Kind::kSnatToVip) return put_resubmit(kSnatToVipTable, out);
    openflow::Ct ct = make_ct(zone_field(context));
    ct.recirc_table = next_table(context, table);
    if (kind == Kind::kCommitNat) {
        ct.commit = true;
        ct.actions.push_back(openflow::Nat());
    }
    put_ct(std::move(ct), out);
}

namespace {

// The older form: ct_commit(ct_mark=VALUE[/MASK], ct_label=VALUE[/MASK]), said as assignments.
Result<void> parse_commit_arguments(ActionParser& parser, CtCommit& commit) {
    std::string assignments = "{ ";
    while (!parser.lexer.match(TokenType::kRightParen)) {
        std::string name(parser.lexer.token().text);
        if (parser.lexer.type() != TokenType::kId || (name != "ct_mark" && name != "ct_label")) {
            return parser.lexer.syntax_error("expecting \"ct_mark\" or \"ct_label\"");
        }
        parser.lexer.next();
        WEFT_TRY(parser.equals());
        WEFT_ASSIGN(Constant value, parser.constant("integer"));
        assignments += name + " = ";
        print_constant(value, assignments);
        assignments += "; ";
        parser.lexer.match(TokenType::kComma);
        if (parser.lexer.type() == TokenType::kEnd) return parser.lexer.syntax_error("expecting `)'");
    }
    assignments += "}";
    ActionParser nested(assignments, parser.context);
    WEFT_ASSIGN(commit.nested, nested.block());
    commit.has_block = !commit.nested.empty();
    return {};
}

}  // namespace

Result<ActionPtr> parse_ct_commit(ActionParser& parser) {
    CtCommit commit;
    WEFT_TRY(parser.require("ip"));
    if (parser.lexer.match(TokenType::kLeftParen)) {
        WEFT_TRY(parse_commit_arguments(parser, commit));
    } else if (parser.lexer.type() == TokenType::kLeftBrace) {
        WEFT_ASSIGN(commit.nested, parser.block());
        commit.has_block = true;
    }
    for (const ActionPtr& action : commit.nested) {
        std::string text;
        action->print(text);
        if (!text.starts_with("ct_mark") && !text.starts_with("ct_label")) {
            return Error{fmt::format("ct_commit may only set ct_mark and ct_label, not: {}", text)};
        }
    }
    return make_action(std::move(commit));
}

void CtCommit::print(std::string& out) const {
    if (!nested.empty()) return print_block("ct_commit", nested, out);
    out += "ct_commit;";
}

void CtCommit::encode(const EncodeContext& context, openflow::ActionList& out) const {
    openflow::Ct ct = make_ct(zone_field(context));
    ct.commit = true;
    // A source NAT without an address lets the switch change the source port if two connections would meet.
    openflow::Nat nat;
    nat.flags = openflow::Nat::kSrc;
    ct.actions.push_back(nat);
    encode_actions(nested, context, ct.actions);
    put_ct(std::move(ct), out);
}

namespace {

Result<ActionPtr> parse_nat(ActionParser& parser, bool source, bool common_zone) {
    CtNat nat;
    nat.source = source;
    nat.common_zone = common_zone;
    nat.table = parser.context.table;
    WEFT_TRY(parser.require("ip"));
    if (parser.lexer.match(TokenType::kLeftParen)) {
        WEFT_ASSIGN(Constant address, parser.constant("IPv4 or IPv6 address"));
        if (!is_address(address)) return parser.lexer.syntax_error("expecting IPv4 or IPv6 address");
        nat.address = address;
        if (parser.lexer.match(TokenType::kComma)) {
            WEFT_ASSIGN(uint64_t low, parser.integer(65535, "port range"));
            nat.port_low = nat.port_high = static_cast<uint16_t>(low);
            if (parser.lexer.match(TokenType::kDash)) {
                WEFT_ASSIGN(uint64_t high, parser.integer(65535, "port range"));
                nat.port_high = static_cast<uint16_t>(high);
            }
            if (nat.port_low == 0 || nat.port_low > nat.port_high) {
                return Error{fmt::format("Invalid port range {}-{}.", nat.port_low, nat.port_high)};
            }
        }
        WEFT_TRY(parser.right_paren());
    }
    return make_action(std::move(nat));
}

}  // namespace

Result<ActionPtr> parse_ct_dnat(ActionParser& parser) {
    return parse_nat(parser, false, false);
}
Result<ActionPtr> parse_ct_snat(ActionParser& parser) {
    return parse_nat(parser, true, false);
}
Result<ActionPtr> parse_ct_dnat_in_czone(ActionParser& parser) {
    return parse_nat(parser, false, true);
}
Result<ActionPtr> parse_ct_snat_in_czone(ActionParser& parser) {
    return parse_nat(parser, true, true);
}

void CtNat::print(std::string& out) const {
    out += source ? "ct_snat" : "ct_dnat";
    if (common_zone) out += "_in_czone";
    if (address) {
        out += '(';
        print_constant(*address, out);
        if (port_low) {
            append(out, ",{}", port_low);
            if (port_high != port_low) append(out, "-{}", port_high);
        }
        out += ')';
    }
    out += ';';
}

void CtNat::encode(const EncodeContext& context, openflow::ActionList& out) const {
    openflow::Ct ct = make_ct(source && !common_zone ? kRegSnatZone : kRegDnatZone);
    ct.recirc_table = next_table(context, table);
    openflow::Nat nat;
    if (address) {
        nat = make_nat(*address, source ? openflow::Nat::kSrc : openflow::Nat::kDst);
        nat.port_min = port_low;
        nat.port_max = port_high != port_low ? port_high : 0;
        ct.commit = true;
    }
    ct.actions.push_back(nat);
    put_ct(std::move(ct), out);
}

namespace {

Result<CtLb::Backend> parse_backend(ActionParser& parser, bool local) {
    CtLb::Backend backend;
    if (local) {
        WEFT_ASSIGN(backend.logical_port, parser.string("quoted name of a logical port"));
        WEFT_TRY(parser.lexer.expect(TokenType::kColon, "`:'"));
    }
    bool bracket = parser.lexer.match(TokenType::kLeftBracket);
    WEFT_ASSIGN(backend.address, parser.constant("IP address"));
    if (!is_address(backend.address) || (bracket && backend.address.format != Format::kIpv6)) {
        return parser.lexer.syntax_error("expecting IP address");
    }
    if (bracket) WEFT_TRY(parser.lexer.expect(TokenType::kRightBracket, "`]'"));
    if (parser.lexer.match(TokenType::kColon)) {
        WEFT_ASSIGN(uint64_t port, parser.integer(65535, "port number"));
        backend.port = static_cast<uint16_t>(port);
    }
    return backend;
}

Result<void> parse_hash_fields(ActionParser& parser, CtLb& lb) {
    WEFT_ASSIGN(lb.hash_fields, parser.string("quoted list of fields"));
    std::string_view rest = lb.hash_fields;
    while (!rest.empty()) {
        size_t comma = rest.find(',');
        std::string_view name = rest.substr(0, comma);
        const openflow::Field* field = openflow::field_by_name(name);
        if (!field) return Error{fmt::format("hash_fields: {} is not a field.", name)};
        lb.hash_field_ids.push_back(field->id);
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
    return {};
}

Result<ActionPtr> parse_lb(ActionParser& parser, bool use_mark, bool local = false) {
    CtLb lb;
    lb.use_mark = use_mark;
    lb.local = local;
    lb.table = parser.context.table;
    WEFT_TRY(parser.require("ip"));
    Lexer& lexer = parser.lexer;
    if (!local && !lexer.match(TokenType::kLeftParen)) return make_action(std::move(lb));
    if (local) WEFT_TRY(lexer.expect(TokenType::kLeftParen, "`('"));
    lb.has_backends = true;
    while (!lexer.match(TokenType::kRightParen)) {
        if (parser.key("backends")) {
            do {
                WEFT_ASSIGN(CtLb::Backend backend, parse_backend(parser, local));
                lb.backends.push_back(std::move(backend));
            } while (lexer.match(TokenType::kComma));
        } else if (parser.key("hash_fields")) {
            WEFT_TRY(parse_hash_fields(parser, lb));
        } else if (lexer.match_id("skip_snat")) {
            lb.flag = CtLb::Flag::kSkipSnat;
        } else if (lexer.match_id("force_snat")) {
            lb.flag = CtLb::Flag::kForceSnat;
        } else {
            return lexer.syntax_error("expecting backends, hash_fields, skip_snat or force_snat");
        }
        lexer.match(TokenType::kSemicolon);
    }
    if (lb.backends.empty()) return Error{"Load balancing needs at least one backend."};
    return make_action(std::move(lb));
}

}  // namespace

Result<ActionPtr> parse_ct_lb(ActionParser& parser) {
    return parse_lb(parser, false);
}
Result<ActionPtr> parse_ct_lb_mark(ActionParser& parser) {
    return parse_lb(parser, true);
}
Result<ActionPtr> parse_ct_lb_mark_local(ActionParser& parser) {
    return parse_lb(parser, true, true);
}

void CtLb::print(std::string& out) const {
    out += name();
    if (!has_backends) {
        out += ';';
        return;
    }
    out += "(backends=";
    for (size_t i = 0; i < backends.size(); ++i) {
        if (i) out += ',';
        if (local) {
            print_quoted(backends[i].logical_port, out);
            out += ':';
        }
        bool bracket = backends[i].port && backends[i].address.format == Format::kIpv6;
        if (bracket) out += '[';
        print_constant(backends[i].address, out);
        if (bracket) out += ']';
        if (backends[i].port) append(out, ":{}", backends[i].port);
    }
    if (!hash_fields.empty()) {
        out += "; hash_fields=";
        print_quoted(hash_fields, out);
    }
    if (flag == Flag::kSkipSnat) out += "; skip_snat";
    if (flag == Flag::kForceSnat) out += "; force_snat";
    out += ");";
}

void CtLb::encode(const EncodeContext& context, openflow::ActionList& out) const {
    openflow::FieldId zone = zone_field(context);
    uint8_t recirc = next_table(context, table);
    if (!has_backends) {
        openflow::Ct ct = make_ct(zone);
        ct.recirc_table = recirc;
        ct.actions.push_back(openflow::Nat());
        return put_ct(std::move(ct), out);
    }
    openflow::FieldId note = use_mark ? openflow::FieldId::kCtMark : openflow::FieldId::kCtLabel;
    GroupRequest request;
    if (!hash_field_ids.empty()) {
        request.selection_method = "hash";
        request.hash_fields = hash_field_ids;
    }
    for (const Backend& backend : backends) {
        if (local && !context.environment->is_chassis_resident(backend.logical_port)) continue;
        openflow::Ct ct = make_ct(zone);
        ct.recirc_table = recirc;
        ct.commit = true;
        openflow::Nat nat = make_nat(backend.address, openflow::Nat::kDst);
        nat.port_min = backend.port;
        ct.actions.push_back(nat);
        // Bits that later stages look at: natted, skip_snat, force_snat.
        put_set(openflow::Subfield{note, 1, 1}, 1, ct.actions);
        if (flag == Flag::kSkipSnat) put_set(openflow::Subfield{note, 2, 1}, 1, ct.actions);
        if (flag == Flag::kForceSnat) put_set(openflow::Subfield{note, 3, 1}, 1, ct.actions);
        GroupRequest::Bucket bucket;
        put_ct(std::move(ct), bucket.actions);
        request.buckets.push_back(std::move(bucket));
    }
    if (!request.buckets.empty()) out.push_back(openflow::Group{context.environment->group(request)});
}

}  // namespace weft::logical
