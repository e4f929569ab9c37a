#include <algorithm>
#include <cassert>

#include "logical/match_set.h"

namespace weft::logical {

namespace {

using openflow::FieldId;

// Where the bits of a symbol's field lie: a field of the registry, or several registers.
struct Place {
    FieldId field = FieldId::kCount;
    unsigned registers = 1;  // xreg: 2, xxreg: 4, most significant first
    unsigned first = 0;      // the first register's number
};

Place place_of(const Symbol& symbol) {
    const openflow::Field* field = openflow::field_by_name(symbol.field);
    assert(field && "a symbol names a field that does not exist");
    unsigned id = static_cast<unsigned>(field->id);
    unsigned xreg = static_cast<unsigned>(FieldId::kXReg0), xxreg = static_cast<unsigned>(FieldId::kXXReg0);
    if (id >= xreg && id < xreg + 8) return {field->id, 2, 2 * (id - xreg)};
    if (id >= xxreg && id < xxreg + 4) return {field->id, 4, 4 * (id - xxreg)};
    return {field->id, 1, 0};
}

openflow::FieldValue to_field_value(const openflow::Field& field, U128 v) {
    openflow::FieldValue out;
    for (unsigned i = 0; i < field.bytes && i < 16; ++i) {
        out.bytes[field.bytes - 1 - i] = static_cast<uint8_t>(v >> (8 * i));
    }
    return out;
}

}  // namespace

bool Conjunct::add(FieldId field, U128 value, U128 mask) {
    if (!mask) return true;
    auto it = std::lower_bound(tests_.begin(), tests_.end(), field,
                               [](const FieldTest& test, FieldId f) { return test.field < f; });
    if (it == tests_.end() || it->field != field) {
        tests_.insert(it, FieldTest{value, mask, field});
        return true;
    }
    if ((it->value ^ value) & it->mask & mask) return false;
    it->value |= value;
    it->mask |= mask;
    return true;
}

bool Conjunct::add(const Conjunct& other) {
    for (const FieldTest& test : other.tests_) {
        if (!add(test.field, test.value, test.mask)) return false;
    }
    return true;
}

bool Conjunct::add_comparison(const Expr& comparison) {
    const Symbol& symbol = *comparison.symbol;
    Place place = place_of(symbol);
    U128 value = comparison.value << symbol.offset, mask = comparison.mask << symbol.offset;
    if (place.registers == 1) return add(place.field, value, mask);
    for (unsigned i = 0; i < place.registers; ++i) {
        unsigned shift = 32 * (place.registers - 1 - i);
        if (!add(openflow::reg_field(place.first + i), (value >> shift) & 0xffffffff,
                 (mask >> shift) & 0xffffffff)) {
            return false;
        }
    }
    return true;
}

void Conjunct::to_match(openflow::Match& match) const {
    for (const FieldTest& test : tests_) {
        const openflow::Field& field = openflow::field(test.field);
        match.set(field, to_field_value(field, test.value), to_field_value(field, test.mask));
    }
}

}  // namespace weft::logical
