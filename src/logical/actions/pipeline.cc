#include "logical/actions/pipeline.h"

#include <fmt/format.h>

#include "base/append.h"
#include "logical/actions/parser.h"

namespace weft::logical {

Result<ActionPtr> parse_next(ActionParser& parser) {
    Next next;
    next.pipeline = next.own_pipeline = parser.context.pipeline;
    next.table = next.own_table = parser.context.table;
    bool table_given = false;
    Lexer& lexer = parser.lexer;
    if (lexer.match(TokenType::kLeftParen)) {
        while (!lexer.match(TokenType::kRightParen)) {
            if (parser.key("pipeline")) {
                if (lexer.match_id("ingress")) {
                    next.pipeline = Pipeline::kIngress;
                } else if (lexer.match_id("egress")) {
                    next.pipeline = Pipeline::kEgress;
                } else {
                    return lexer.syntax_error("expecting \"ingress\" or \"egress\"");
                }
            } else {
                parser.key("table");
                WEFT_ASSIGN(uint64_t table, parser.integer(255, "table number"));
                next.table = static_cast<uint8_t>(table);
                table_given = true;
            }
            if (!lexer.match(TokenType::kComma) && lexer.type() != TokenType::kRightParen) {
                return lexer.syntax_error("expecting `)'");
            }
        }
    }
    if (!table_given) ++next.table;
    if (next.table >= parser.context.tables) {
        return Error{
            fmt::format("\"next\" action cannot advance beyond table {}.", parser.context.tables - 1)};
    }
    return make_action(next);
}

void Next::print(std::string& out) const {
    if (pipeline != own_pipeline) {
        append(out, "next(pipeline={}, table={});", pipeline == Pipeline::kIngress ? "ingress" : "egress",
               table);
    } else if (table != own_table + 1) {
        append(out, "next({});", table);
    } else {
        out += "next;";
    }
}

void Next::encode(const EncodeContext& context, openflow::ActionList& out) const {
    put_resubmit(context.openflow_table(pipeline, table), out);
}

Result<ActionPtr> parse_output(ActionParser&) {
    return make_action(Output());
}

void Output::print(std::string& out) const {
    out += "output;";
}

void Output::encode(const EncodeContext& context, openflow::ActionList& out) const {
    put_resubmit(context.pipeline == Pipeline::kIngress ? kOutputTable : kSaveInportTable, out);
}

Result<ActionPtr> parse_drop(ActionParser&) {
    return make_action(Drop());
}

void Drop::print(std::string& out) const {
    out += "drop;";
}

void Drop::encode(const EncodeContext&, openflow::ActionList&) const {}

Result<ActionPtr> parse_clone(ActionParser& parser) {
    Clone clone;
    WEFT_ASSIGN(clone.nested, parser.block());
    return make_action(std::move(clone));
}

void print_block(std::string_view name, const Actions& nested, std::string& out) {
    out += name;
    out += " { ";
    if (nested.empty()) {
        out += "drop;";
    } else {
        print_actions(nested, out);
    }
    out += " };";
}

void Clone::print(std::string& out) const {
    print_block("clone", nested, out);
}

void Clone::encode(const EncodeContext& context, openflow::ActionList& out) const {
    openflow::Clone clone;
    encode_actions(nested, context, clone.actions);
    out.push_back(std::move(clone));
}

}  // namespace weft::logical
