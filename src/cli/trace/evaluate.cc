#include "cli/trace/evaluate.h"

#include <algorithm>

#include "base/hash_map.h"
#include "logical/openflow_map.h"

namespace weft::cli::trace {

namespace {

using logical::Expr;

// What outport is while no port has been chosen.
constexpr std::string_view kNoPort = "none";

// Where each symbol lies; looked up once.
const openflow::Subfield& place_of(const logical::Symbol& symbol) {
    static const HashMap<const logical::Symbol*, openflow::Subfield> places = [] {
        HashMap<const logical::Symbol*, openflow::Subfield> out;
        for (const auto& each : logical::SymbolTable::standard().symbols()) {
            if (each->is_predicate() || each->is_ovn_field) continue;
            out.emplace(each.get(), logical::to_subfield({each.get(), 0, each->width}));
        }
        return out;
    }();
    return places.find(&symbol)->second;
}

bool compare(const Expr& expr, const packet::Flow& packet, const Datapath& datapath) {
    const openflow::Subfield& place = place_of(*expr.symbol);
    U128 value = get_bits(packet, place);
    if (!expr.symbol->is_string()) return (value & expr.mask) == expr.value;
    auto key = datapath.keys.find(expr.text);
    if (key != datapath.keys.end()) return value == key->second;
    return expr.text == kNoPort && value == 0;
}

}  // namespace

U128 get_bits(const packet::Flow& packet, const openflow::Subfield& bits) {
    const openflow::Field& field = openflow::field(bits.field);
    openflow::FieldValue value = openflow::get_field(packet, field);
    U128 out = 0;
    for (size_t i = 0; i < field.bytes && i < 16; ++i) out = out << 8 | value.bytes[i];
    return out >> bits.offset & low_bits(bits.bits);
}

void set_bits(packet::Flow& packet, const openflow::Subfield& bits, U128 value) {
    const openflow::Field& field = openflow::field(bits.field);
    openflow::FieldValue shifted, mask;
    U128 ones = low_bits(bits.bits) << bits.offset;
    value = value << bits.offset & ones;
    for (unsigned i = 0; i < field.bytes && i < 16; ++i) {
        shifted.bytes[field.bytes - 1 - i] = static_cast<uint8_t>(value >> (8 * i));
        mask.bytes[field.bytes - 1 - i] = static_cast<uint8_t>(ones >> (8 * i));
    }
    openflow::set_field_masked(packet, field, shifted, mask);
}

U128 get_field(const packet::Flow& packet, const logical::FieldRef& field) {
    return get_bits(packet, logical::to_subfield(field));
}

void set_field(packet::Flow& packet, const logical::FieldRef& field, U128 value) {
    set_bits(packet, logical::to_subfield(field), value);
}

bool is_true(const Expr& expr, const packet::Flow& packet, const Network& network, const Datapath& datapath) {
    auto holds = [&](const Expr& child) { return is_true(child, packet, network, datapath); };
    switch (expr.type) {
        case Expr::Type::kBoolean:
            return expr.truth;
        case Expr::Type::kCompare:
            return compare(expr, packet, datapath);
        case Expr::Type::kAnd:
            return std::all_of(expr.children.begin(), expr.children.end(), holds);
        case Expr::Type::kOr:
            return std::any_of(expr.children.begin(), expr.children.end(), holds);
        case Expr::Type::kResident:
            return (network.find_port(expr.text) != nullptr) == expr.truth;
    }
    return false;
}

}  // namespace weft::cli::trace
