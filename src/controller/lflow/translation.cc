#include "controller/lflow/translation.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "openflow/match.h"

namespace weft::controller {

namespace {

using logical::Expr;
using logical::FlowMatch;
using logical::Pipeline;

}  // namespace

Result<void> Translation::parse_actions() {
    logical::ActionParseContext context;
    context.pipeline = pipeline();
    context.table = static_cast<uint8_t>(row_.table_id);
    Result<logical::ActionProgram> program = logical::parse_actions(row_.actions, context);
    if (!program) {
        return Error{fmt::format("error parsing actions \"{}\": {}", row_.actions, program.message())};
    }
    program_ = *std::move(program);
    parsed_ = true;
    return {};
}

EncodedMatch Translation::encode(const FlowMatch& flow) {
    EncodedMatch out = encode_match(
        flow.tests, flow.conj_id ? std::optional(ids_.id(row_.uuid, flow.conj_id - 1)) : std::nullopt);
    out.is_clause = !flow.clauses.empty();
    if (!out.is_clause) return out;
    if (flow.clauses != clauses_) {  // members of a set have the same
        clauses_ = flow.clauses;
        openflow::ActionList actions;
        for (const FlowMatch::Clause& clause : flow.clauses) {
            actions.push_back(
                openflow::Conjunction{ids_.id(row_.uuid, clause.conj_id - 1), clause.clause, clause.clauses});
        }
        clause_instructions_ = encode_instructions(actions);
    }
    out.clause_instructions = clause_instructions_;
    return out;
}

void Translation::find_template(bool is_switch) {
    if (template_sought_ && template_of_switch_ == is_switch) return;
    template_ = flows_.templates().find(row_, pipeline(), is_switch, constants_);
    template_sought_ = true;
    template_of_switch_ = is_switch;
}

Result<void> Translation::find_matches(const FlowLookup& lookup) {
    if (!template_ || !template_->fill_matches(constants_, lookup, matches_)) {
        if (!parsed_) WEFT_TRY(parse_actions());
        if (template_) return make_matches(lookup);
        TakenConstants constants;
        const FlowTemplate* match =
            flows_.templates().find_match(row_, program_.prerequisites, pipeline(), constants);
        if (!match || !match->fill_matches(constants, lookup, matches_)) return make_matches(lookup);
    }
    matches_shared_ = !lookup.depends_on_datapath();
    return {};
}

Result<void> Translation::make_matches(const FlowLookup& lookup) {
    const logical::SymbolTable& symbols = logical::SymbolTable::standard();
    auto refuse = [&](const Error& error) {
        return Error{fmt::format("error parsing match \"{}\": {}", row_.match, error.message)};
    };
    Result<Expr> parsed = logical::parse_expr(row_.match, symbols, &lookup);
    if (!parsed) return refuse(parsed.error());
    Result<Expr> annotated = logical::annotate(*std::move(parsed), symbols);
    if (!annotated) return refuse(annotated.error());
    Expr whole = *std::move(annotated);
    if (!program_.prerequisites.is_boolean(true)) {
        whole = Expr::combine(Expr::Type::kAnd, std::move(whole), program_.prerequisites);
    }
    Result<logical::MatchSet> set =
        logical::to_match_set(logical::resolve(logical::simplify(std::move(whole)), lookup));
    if (!set) return refuse(set.error());
    matches_.clear();
    matches_.reserve(set->matches.size());
    for (const FlowMatch& flow : set->matches) matches_.push_back(encode(flow));
    conjunctions_ = std::max(conjunctions_, set->conj_ids);
    matches_shared_ = !lookup.depends_on_datapath();
    return {};
}

Result<void> Translation::find_instructions(const FlowLookup& lookup, const LocalDatapath& datapath) {
    if (!template_ || !template_->fill_instructions(constants_, lookup, instructions_)) {
        if (!parsed_) WEFT_TRY(parse_actions());
        make_instructions(lookup, datapath);
    }
    instructions_shared_ = !lookup.depends_on_datapath();
    instructions_of_switch_ = datapath.is_switch;
    return {};
}

void Translation::make_instructions(const FlowLookup& lookup, const LocalDatapath& datapath) {
    logical::EncodeContext context;
    context.environment = &lookup;
    context.pipeline = pipeline();
    context.table = static_cast<uint8_t>(row_.table_id);
    context.is_switch = datapath.is_switch;
    context.datapath_key = datapath.key;
    context.flow = row_.uuid;
    if (row_.controller_meter) context.controller_meter = lookup.named_meter(*row_.controller_meter);
    openflow::ActionList actions;
    logical::encode_actions(program_.actions, context, actions);
    instructions_ = encode_instructions(actions);
}

Result<void> Translation::emit(const Uuid& datapath_uuid, const LocalDatapath& datapath) {
    find_template(datapath.is_switch);
    if (!matches_shared_) {
        FlowLookup lookup(flows_, datapath_uuid, datapath, pipeline());
        WEFT_TRY(find_matches(lookup));
    }
    if (matches_.empty()) return {};
    if (!instructions_shared_ || instructions_of_switch_ != datapath.is_switch) {
        FlowLookup lookup(flows_, datapath_uuid, datapath, pipeline());
        WEFT_TRY(find_instructions(lookup, datapath));
    }
    uint8_t first = pipeline() == Pipeline::kIngress ? logical::kIngressTable : logical::kEgressTable;
    for (const EncodedMatch& match : matches_) {
        DesiredFlow flow;
        flow.table = static_cast<uint8_t>(first + row_.table_id);
        flow.priority = static_cast<uint16_t>(row_.priority);
        flow.match = match.bytes;
        store_be64(reinterpret_cast<uint8_t*>(flow.match.data()) + match.key_offset, datapath.key);
        // Several logical flows may share a clause, so it belongs to none.
        flow.conjunction = match.is_clause;
        flow.cookie = match.is_clause ? 0 : cookie_of(row_.uuid);
        flow.instructions = match.is_clause ? match.clause_instructions : instructions_;
        flows_.view().flows.emit(std::move(flow));
    }
    return {};
}

}  // namespace weft::controller
