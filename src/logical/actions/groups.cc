#include "logical/actions/groups.h"

#include <fmt/format.h>

#include "base/append.h"
#include "logical/actions/parser.h"

namespace weft::logical {

std::string GroupRequest::to_string() const {
    std::string out = "type=select,selection_method=" + selection_method;
    if (selection_parameter) append(out, ",selection_method_param=0x{:x}", selection_parameter);
    if (!hash_fields.empty()) {
        out += ",fields(";
        for (size_t i = 0; i < hash_fields.size(); ++i) {
            if (i) out += ',';
            out += openflow::field(hash_fields[i]).name;
        }
        out += ')';
    }
    for (size_t i = 0; i < buckets.size(); ++i) {
        append(out, ",bucket=bucket_id={},weight:{}", i, buckets[i].weight);
        if (buckets[i].watch_port != openflow::kPortNone) {
            append(out, ",watch_port:{}", buckets[i].watch_port);
        }
        out += ",actions=";
        openflow::format_actions(buckets[i].actions, nullptr, out);
    }
    return out;
}

Result<ActionPtr> parse_select(ActionParser& parser, const FieldRef& result) {
    Select select;
    select.result = result;
    select.table = parser.context.table;
    WEFT_TRY(parser.left_paren());
    do {
        Select::Choice choice;
        WEFT_ASSIGN(uint64_t id, parser.integer(65535, "id"));
        choice.id = static_cast<uint16_t>(id);
        if (bit_length(id) > result.width)
            return Error{fmt::format("Id {} does not fit into the result field.", id)};
        if (parser.lexer.match(TokenType::kAssign)) {
            WEFT_ASSIGN(uint64_t weight, parser.integer(65535, "weight"));
            if (weight == 0) return parser.lexer.syntax_error("expecting weight, which is at least 1");
            choice.weight = static_cast<uint16_t>(weight);
        }
        select.choices.push_back(choice);
    } while (parser.lexer.match(TokenType::kComma));
    WEFT_TRY(parser.right_paren());
    if (select.choices.size() < 2) return Error{"\"select\" needs at least two ids to choose from."};
    if (parser.context.table + 1 >= parser.context.tables) {
        return Error{"\"select\" action not allowed in last table."};
    }
    return make_action(std::move(select));
}

void Select::print(std::string& out) const {
    print_field(result, out);
    out += " = select(";
    for (size_t i = 0; i < choices.size(); ++i) {
        if (i) out += ", ";
        append(out, "{}={}", choices[i].id, choices[i].weight);
    }
    out += ");";
}

void Select::encode(const EncodeContext& context, openflow::ActionList& out) const {
    GroupRequest request;
    request.selection_parameter = uint64_t{1}
                                  << 32;  // a hash of the five-tuple (dp_hash algorithm 1, basis 0)
    for (const Choice& choice : choices) {
        GroupRequest::Bucket bucket;
        bucket.weight = choice.weight;
        put_set(to_subfield(result), choice.id, bucket.actions);
        put_resubmit(context.openflow_table(context.pipeline, static_cast<uint8_t>(table + 1)),
                     bucket.actions);
        request.buckets.push_back(std::move(bucket));
    }
    out.push_back(openflow::Group{context.environment->group(request)});
}

Result<ActionPtr> parse_fwd_group(ActionParser& parser) {
    ForwardGroup group;
    Lexer& lexer = parser.lexer;
    WEFT_TRY(parser.left_paren());
    if (parser.key("liveness")) {
        bool yes = lexer.match_id("true"), no = !yes && lexer.match_id("false");
        if (!yes && !no) {
            WEFT_ASSIGN(std::string text, parser.string("true or false"));
            if (text != "true" && text != "false") return lexer.syntax_error("expecting true or false");
            yes = text == "true";
        }
        group.liveness = yes;
        WEFT_TRY(parser.comma());
    }
    if (!parser.key("childports")) return lexer.syntax_error("expecting childports");
    do {
        WEFT_ASSIGN(std::string port, parser.string("logical switch port"));
        group.children.push_back(std::move(port));
    } while (lexer.match(TokenType::kComma));
    WEFT_TRY(parser.right_paren());
    return make_action(std::move(group));
}

void ForwardGroup::print(std::string& out) const {
    out += "fwd_group(";
    if (liveness) out += "liveness=\"true\", ";
    out += "childports=";
    for (size_t i = 0; i < children.size(); ++i) {
        if (i) out += ", ";
        print_quoted(children[i], out);
    }
    out += ");";
}

void ForwardGroup::encode(const EncodeContext& context, openflow::ActionList& out) const {
    GroupRequest request;
    for (const std::string& child : children) {
        std::optional<uint32_t> key = context.environment->port(child);
        if (!key) continue;
        GroupRequest::Bucket bucket;
        if (liveness)
            bucket.watch_port = context.environment->tunnel_port(child).value_or(openflow::kPortNone);
        put_set(field_bits(kRegOutport), *key, bucket.actions);
        put_resubmit(kOutputTable, bucket.actions);
        request.buckets.push_back(std::move(bucket));
    }
    if (request.buckets.empty()) return;
    out.push_back(openflow::Group{context.environment->group(request)});
}

}  // namespace weft::logical
