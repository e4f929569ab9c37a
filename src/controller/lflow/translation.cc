#include "controller/lflow/translation.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "openflow/match.h"

namespace weft::controller {

namespace {

using logical::Expr;
using logical::FlowMatch;
using logical::Pipeline;

std::string to_text(const ByteWriter& writer) {
    ByteView bytes = writer.view();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string encode(const openflow::ActionList& actions) {
    ByteWriter writer;
    openflow::encode_instructions(actions, openflow::Version::k15, writer);
    return to_text(writer);
}

// Where the value of OXM_OF_METADATA begins in an encoded match (OpenFlow 1.5, 7.2.3): after the match's
// header come entries of class, field and length.
size_t find_metadata(const std::string& match) {
    static constexpr uint32_t kMetadataHeader = 0x80000408;
    const auto* bytes = reinterpret_cast<const uint8_t*>(match.data());
    for (size_t at = 4; at + 4 <= match.size();) {
        if (load_be32(bytes + at) == kMetadataHeader) return at + 4;
        at += 4 + size_t{bytes[at + 3]};
    }
    assert(!"a logical flow's match has no datapath");
    return 0;
}

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

Translation::Match Translation::encode_match(const FlowMatch& flow) {
    openflow::Match match;
    flow.tests.to_match(match);
    match.set_metadata(0);
    if (flow.conj_id) match.set(openflow::FieldId::kConjId, ids_.id(row_.uuid, flow.conj_id - 1));
    ByteWriter writer;
    openflow::encode_oxm_match(match, openflow::Version::k15, writer);
    Match out;
    out.bytes = to_text(writer);
    out.key_offset = find_metadata(out.bytes);
    out.is_clause = !flow.clauses.empty();
    if (out.is_clause) {
        openflow::ActionList actions;
        for (const FlowMatch::Clause& clause : flow.clauses) {
            actions.push_back(
                openflow::Conjunction{ids_.id(row_.uuid, clause.conj_id - 1), clause.clause, clause.clauses});
        }
        out.clause_instructions = encode(actions);
    }
    return out;
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
    for (const FlowMatch& flow : set->matches) matches_.push_back(encode_match(flow));
    conjunctions_ = std::max(conjunctions_, set->conj_ids);
    matches_shared_ = !lookup.depends_on_datapath();
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
    instructions_ = encode(actions);
    instructions_shared_ = !lookup.depends_on_datapath();
    instructions_of_switch_ = datapath.is_switch;
}

Result<void> Translation::emit(const Uuid& datapath_uuid, const LocalDatapath& datapath) {
    if (!parsed_) WEFT_TRY(parse_actions());
    if (!matches_shared_) {
        FlowLookup lookup(flows_, datapath_uuid, datapath, pipeline());
        WEFT_TRY(make_matches(lookup));
    }
    if (matches_.empty()) return {};
    if (!instructions_shared_ || instructions_of_switch_ != datapath.is_switch) {
        FlowLookup lookup(flows_, datapath_uuid, datapath, pipeline());
        make_instructions(lookup, datapath);
    }
    uint8_t first = pipeline() == Pipeline::kIngress ? logical::kIngressTable : logical::kEgressTable;
    for (const Match& match : matches_) {
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
