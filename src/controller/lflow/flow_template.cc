#include "controller/lflow/flow_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bitset>

#include "base/big_endian.h"
#include "base/bytes.h"
#include "logical/expr.h"
#include "logical/match_set.h"

namespace weft::controller {

namespace {

using logical::Expr;
using Kind = TakenConstant::Kind;

constexpr unsigned kProbes = 2;

// Of a masked address the bits that count.
uint8_t mask_byte(const TakenConstant& constant, size_t index) {
    const size_t before = 8 * index;
    if (constant.prefix <= before) return 0;
    return constant.prefix >= before + 8 ? 0xff : static_cast<uint8_t>(0xff00 >> (constant.prefix - before));
}

PlacedValue placed(const TakenConstant& constant, bool sought) {
    PlacedValue value;
    value.size = static_cast<uint8_t>(size_of(constant.kind));
    for (size_t i = 0; i < value.size; ++i) value.mask[i] = mask_byte(constant, i);
    value.sought = sought;
    return value;
}

// The constants of a shape as they are in one of the probes.
class Probe {
  public:
    Probe(const TakenConstants& like, unsigned number) {
        for (size_t i = 0; i < like.size(); ++i) {
            TakenConstant constant = like[i];
            names_[i] = fmt::format("probe-{}-{}", number, i);
            constant.name = names_[i];
            constant.bytes = probe_value(placed(constant, true), i, number != 0);
            constants_.push_back(constant);
        }
    }
    Probe(const Probe&) = delete;

    const TakenConstants& constants() const { return constants_; }
    std::string text(std::string_view shape, size_t& next) const {
        std::string out;
        for (char c : shape) {
            if (c >= static_cast<char>(Kind::kName) && c <= static_cast<char>(Kind::kIpv6)) {
                print(constants_[next++], out);
            } else {
                out += c;
            }
        }
        return out;
    }

  private:
    static void print(const TakenConstant& constant, std::string& out) {
        U128 value = 0;
        for (size_t i = 0; i < size_of(constant.kind); ++i) value = value << 8 | constant.bytes[i];
        switch (constant.kind) {
            case Kind::kName:
            case Kind::kResident:
                return logical::print_quoted(constant.name, out);
            case Kind::kIpv4:
                return logical::print_integer(value, logical::Format::kIpv4, out);
            case Kind::kEthernet:
                return logical::print_integer(value, logical::Format::kEthernet, out);
            case Kind::kIpv6:
                return logical::print_integer(value, logical::Format::kIpv6, out);
        }
    }

    std::array<std::string, kMostTaken> names_;
    TakenConstants constants_;
};

U128 value_of(const TakenConstant& constant) {
    U128 value = 0;
    for (size_t i = 0; i < size_of(constant.kind); ++i) value = value << 8 | constant.bytes[i];
    return value;
}

// A world that has the probe's ports and nothing else, and notes if anything else is asked for.
class ProbeWorld : public logical::SetLookup, public logical::PortLookup, public logical::EncodeEnvironment {
  public:
    explicit ProbeWorld(const TakenConstants& constants) : constants_(constants) {}
    bool was_asked_more() const { return was_asked_more_; }

    bool address_set(std::string_view, std::vector<logical::Constant>&) const override { return more(false); }
    bool port_group(std::string_view, std::vector<std::string>&) const override { return more(false); }
    std::optional<uint32_t> port(const logical::Symbol&, std::string_view name) const override {
        return port(name);
    }
    bool is_chassis_resident(std::string_view) const override { return more(false); }
    std::optional<uint32_t> port(std::string_view name) const override {
        for (const TakenConstant& constant : constants_) {
            if (constant.kind == Kind::kName && constant.name == name)
                return load_be32(constant.bytes.data());
        }
        return more(std::nullopt);
    }
    std::optional<uint32_t> tunnel_port(std::string_view) const override { return more(std::nullopt); }
    uint32_t group(const logical::GroupRequest&) const override { return more(0u); }
    uint32_t rate_meter(uint64_t, uint64_t) const override { return more(0u); }
    std::optional<uint32_t> named_meter(std::string_view) const override { return more(std::nullopt); }
    bool has_collector_set(uint32_t) const override { return more(false); }

  private:
    template <typename T>
    T more(T answer) const {
        was_asked_more_ = true;
        return answer;
    }

    const TakenConstants& constants_;
    mutable bool was_asked_more_ = false;
};

// The OpenFlow fields that comparisons in the tree test.
using FieldSet = std::bitset<openflow::kFieldCount>;
void add_fields(const Expr& expr, FieldSet& fields) {
    if (expr.type == Expr::Type::kCompare) {
        Expr whole = expr;
        if (expr.symbol->is_string()) whole.mask = 0xffffffff;
        logical::Conjunct tests;
        tests.add_comparison(whole);
        for (const logical::FieldTest& test : tests.tests()) fields.set(static_cast<size_t>(test.field));
    }
    for (const Expr& child : expr.children) add_fields(child, fields);
}

}  // namespace

class TemplateMaker {
  public:
    TemplateMaker(std::string_view shape, const TakenConstants& constants,
                  const logical::ActionParseContext& context, bool is_switch)
        : shape_(shape), constants_(constants), context_(context), is_switch_(is_switch) {}

    std::unique_ptr<FlowTemplate> make() {
        for (unsigned i = 0; i < kProbes; ++i) {
            if (!translate(i)) return nullptr;
        }
        if (!place_all()) return nullptr;
        return std::make_unique<FlowTemplate>(std::move(made_));
    }

  private:
    bool translate(unsigned number);
    bool check_match(const Expr& whole, const TakenConstants& probe);
    bool check_term(const Expr& term, const TakenConstants& probe, bool in_set);
    bool place_all();
    // Finds the places of constants [begin, end), of which each that is there is there as a whole.
    bool place(const std::string& other, size_t begin, size_t end, FlowTemplate::Filled& out,
               std::vector<unsigned>& seen) const;

    std::string_view shape_;
    const TakenConstants& constants_;
    const logical::ActionParseContext& context_;
    bool is_switch_;

    FlowTemplate made_;
    size_t in_match_ = 0;          // of the constants
    std::vector<unsigned> terms_;  // how many compare each of them
    uint8_t sets_ = 0;
    struct Translated {
        std::vector<EncodedMatch> matches;
        std::string instructions;
    };
    std::array<Translated, kProbes> translated_;
};

bool TemplateMaker::translate(unsigned number) {
    const Probe probe(constants_, number);
    const ProbeWorld world(probe.constants());
    const logical::SymbolTable& symbols = logical::SymbolTable::standard();
    const size_t split = shape_.find(kEndOfMatch);
    in_match_ = 0;
    const std::string match = probe.text(shape_.substr(0, split), in_match_);
    size_t next = in_match_;
    const std::string actions = probe.text(shape_.substr(split + 1), next);

    Result<logical::ActionProgram> program = logical::parse_actions(actions, context_);
    Result<Expr> parsed = logical::parse_expr(match, symbols, &world);
    if (!program || !parsed) return false;
    Result<Expr> annotated = logical::annotate(*std::move(parsed), symbols);
    if (!annotated) return false;
    Expr whole = *std::move(annotated);
    if (!program->prerequisites.is_boolean(true))
        whole = Expr::combine(Expr::Type::kAnd, std::move(whole), program->prerequisites);
    whole = logical::simplify(std::move(whole));
    if (!check_match(whole, probe.constants())) return false;
    // is_chassis_resident() is looked at when the template is filled.
    auto is_resident = [](const Expr& term) { return term.type == Expr::Type::kResident; };
    if (is_resident(whole)) whole = Expr::boolean(true);
    if (whole.type == Expr::Type::kAnd) std::erase_if(whole.children, is_resident);
    Result<logical::MatchSet> set = logical::to_match_set(logical::resolve(std::move(whole), world));
    if (!set || set->conj_ids || set->matches.empty()) return false;

    Translated& out = translated_[number];
    for (const logical::FlowMatch& flow : set->matches) out.matches.push_back(encode_match(flow.tests));
    logical::EncodeContext context;
    context.environment = &world;
    context.pipeline = context_.pipeline;
    context.table = context_.table;
    context.is_switch = is_switch_;
    context.datapath_key = number;  // if it mattered, it would be found to be no constant's
    context.flow.bytes.fill(static_cast<uint8_t>(number));
    openflow::ActionList encoded;
    logical::encode_actions(program->actions, context, encoded);
    out.instructions = encode_instructions(encoded);
    return !world.was_asked_more();
}

// The constants of the match are terms of their own (flow_template.h).
bool TemplateMaker::check_match(const Expr& whole, const TakenConstants& probe) {
    made_.tested_.assign(in_match_, {});
    terms_.assign(in_match_, 0);
    sets_ = 0;
    const Expr* terms = &whole;
    size_t count = 1;
    if (whole.type == Expr::Type::kAnd) {
        terms = whole.children.data();
        count = whole.children.size();
    }
    FieldSet taken, all;
    for (size_t i = 0; i < count; ++i) {
        const Expr& term = terms[i];
        FieldSet fields;
        add_fields(term, fields);
        bool is_constant = check_term(term, probe, false);
        if (term.type == Expr::Type::kOr && !is_constant) {
            ++sets_;
            const auto of_constants =
                std::count_if(term.children.begin(), term.children.end(), [&](const Expr& child) {
                    return child.symbol == term.children[0].symbol && check_term(child, probe, true);
                });
            is_constant = of_constants == static_cast<ptrdiff_t>(term.children.size());
            if (of_constants && !is_constant) return false;
            if (!of_constants) --sets_;  // only those of constants have numbers, of which there are few
        }
        if ((fields & taken).any() || (is_constant && (fields & all).any())) return false;
        all |= fields;
        if (is_constant) taken |= fields;
    }
    return std::all_of(terms_.begin(), terms_.end(), [](unsigned times) { return times == 1; });
}

// Whether the term is a test for equality with one of the constants.
bool TemplateMaker::check_term(const Expr& term, const TakenConstants& probe, bool in_set) {
    const bool is_name =
        term.type == Expr::Type::kResident || (term.type == Expr::Type::kCompare && term.symbol->is_string());
    if (term.type != Expr::Type::kCompare && !is_name) return false;
    if (term.type == Expr::Type::kCompare && term.relop != logical::Relop::kEqual) return false;
    if (in_set && is_name) return false;
    for (size_t i = 0; i < in_match_; ++i) {
        const TakenConstant& constant = probe[i];
        if (is_name) {
            const Kind kind = term.type == Expr::Type::kResident ? Kind::kResident : Kind::kName;
            if (constant.kind != kind || constant.name != term.text) continue;
        } else {
            if (size_of(constant.kind) == 0 || constant.kind == Kind::kName) continue;
            const unsigned bits = static_cast<unsigned>(8 * size_of(constant.kind));
            const unsigned rest = constant.prefix < bits ? bits - constant.prefix : 0;
            const U128 mask = low_bits(bits) & ~low_bits(rest);
            if (term.value != value_of(constant) || (term.mask & low_bits(bits)) != mask) continue;
            if (in_set && rest) return false;  // prefixes that differ may still overlap
        }
        ++terms_[i];
        made_.tested_[i] = {is_name ? term.symbol : nullptr, term.truth,
                            static_cast<uint8_t>(in_set ? sets_ : 0)};
        return true;
    }
    return false;
}

bool TemplateMaker::place_all() {
    const auto& [first, second] = translated_;
    if (first.matches.size() != second.matches.size()) return false;
    std::vector<unsigned> seen(constants_.size());
    for (size_t i = 0; i < first.matches.size(); ++i) {
        FlowTemplate::Match match;
        match.bytes = first.matches[i].bytes;
        match.key_offset = first.matches[i].key_offset;
        if (!place(second.matches[i].bytes, 0, in_match_, match, seen)) return false;
        made_.matches_.push_back(std::move(match));
    }
    for (size_t i = 0; i < in_match_; ++i) {
        if (!seen[i] && mask_byte(constants_[i], 0) && size_of(constants_[i].kind)) return false;
    }
    made_.instructions_.bytes = first.instructions;
    if (!place(second.instructions, in_match_, constants_.size(), made_.instructions_, seen)) return false;
    return std::all_of(seen.begin() + static_cast<ptrdiff_t>(in_match_), seen.end(),
                       [](unsigned times) { return times == 1; });
}

bool TemplateMaker::place(const std::string& other, size_t begin, size_t end, FlowTemplate::Filled& out,
                          std::vector<unsigned>& seen) const {
    std::vector<PlacedValue> values;
    for (size_t i = 0; i < constants_.size(); ++i)
        values.push_back(placed(constants_[i], i >= begin && i < end));
    std::optional<std::vector<BytePlace>> places = find_places(out.bytes, other, values);
    if (!places) return false;
    out.places = *std::move(places);
    for (size_t i = begin; i < end; ++i) {
        seen[i] += std::any_of(out.places.begin(), out.places.end(),
                               [&](const BytePlace& place) { return place.value == i; });
    }
    return true;
}

std::unique_ptr<FlowTemplate> FlowTemplate::make(std::string_view shape, const TakenConstants& constants,
                                                 const logical::ActionParseContext& context, bool is_switch) {
    return TemplateMaker(shape, constants, context, is_switch).make();
}

std::string FlowTemplate::Filled::with(const TakenConstants& constants) const {
    std::string out = bytes;
    if (!places.empty()) fill_places(places, &constants[0].bytes, sizeof(TakenConstant), out);
    return out;
}

bool FlowTemplate::fill_matches(const TakenConstants& constants, const logical::PortLookup& ports,
                                std::vector<EncodedMatch>& out) const {
    TakenConstants filled(constants.begin(), constants.begin() + static_cast<ptrdiff_t>(tested_.size()));
    out.clear();
    for (size_t i = 0; i < filled.size(); ++i) {
        TakenConstant& constant = filled[i];
        if (constant.kind == Kind::kResident) {
            if (ports.is_chassis_resident(constant.name) != tested_[i].resident) return true;
        } else if (constant.kind == Kind::kName) {
            const std::optional<uint32_t> key = ports.port(*tested_[i].port, constant.name);
            if (!key) return true;
            store_be32(constant.bytes.data(), *key);
        } else if (tested_[i].set) {
            for (size_t j = 0; j < i; ++j) {
                if (tested_[j].set == tested_[i].set && filled[j].bytes == constant.bytes) return false;
            }
        }
    }
    out.reserve(matches_.size());
    for (const Match& match : matches_) {
        EncodedMatch& each = out.emplace_back();
        each.bytes = match.with(filled);
        each.key_offset = match.key_offset;
    }
    return true;
}

bool FlowTemplate::fill_instructions(const TakenConstants& constants,
                                     const logical::EncodeEnvironment& environment, std::string& out) const {
    if (instructions_.places.empty()) {
        out = instructions_.bytes;
        return true;
    }
    TakenConstants filled = constants;
    for (size_t i = tested_.size(); i < filled.size(); ++i) {
        if (filled[i].kind != Kind::kName) continue;
        const std::optional<uint32_t> key =
            filled[i].name.empty() ? std::nullopt : environment.port(filled[i].name);
        if (!key) return false;
        store_be32(filled[i].bytes.data(), *key);
    }
    out = instructions_.with(filled);
    return true;
}

const FlowTemplate* FlowTemplates::find(const schema::sb::LogicalFlow& row, logical::Pipeline pipeline,
                                        bool is_switch, TakenConstants& constants) {
    constants.clear();
    if (row.controller_meter) return nullptr;
    shape_.clear();
    if (!take_match(row.match, shape_, constants)) return nullptr;
    shape_ += kEndOfMatch;
    if (!take_actions(row.actions, shape_, constants)) return nullptr;
    return known(row, pipeline, is_switch, constants);
}

const FlowTemplate* FlowTemplates::find_match(const schema::sb::LogicalFlow& row,
                                              const logical::Expr& prerequisites, logical::Pipeline pipeline,
                                              TakenConstants& constants) {
    constants.clear();
    shape_ = "(";
    if (!take_match(row.match, shape_, constants)) return nullptr;
    shape_.append(") && (").append(logical::to_string(prerequisites)).append(")");
    shape_ += kEndOfMatch;
    shape_ += "drop;";
    return known(row, pipeline, false, constants);
}

const FlowTemplate* FlowTemplates::known(const schema::sb::LogicalFlow& row, logical::Pipeline pipeline,
                                         bool is_switch, const TakenConstants& constants) {
    const size_t text = shape_.size();
    shape_ += static_cast<char>('0' + 2 * (pipeline == logical::Pipeline::kEgress) + is_switch);
    shape_ += static_cast<char>(row.table_id);
    auto it = shapes_.find(shape_);
    if (it == shapes_.end()) {
        if (shapes_.size() >= kMostShapes)
            absl::erase_if(shapes_, [](const auto& each) { return !each.second.made; });
        if (shapes_.size() >= kMostShapes) return nullptr;
        it = shapes_.try_emplace(shape_).first;
    }
    Known& found = it->second;
    if (found.seen < threshold_ && ++found.seen == threshold_) {
        logical::ActionParseContext context;
        context.pipeline = pipeline;
        context.table = static_cast<uint8_t>(row.table_id);
        found.made =
            FlowTemplate::make(std::string_view(shape_).substr(0, text), constants, context, is_switch);
        made_ += found.made != nullptr;
    }
    return found.made.get();
}

}  // namespace weft::controller
