// What set_field and load write, as values and bits of a field.  Their codec is in header.cc.

#include <algorithm>
#include <cstring>

#include "openflow/actions/header.h"

namespace weft::openflow {

namespace {
unsigned value_size(const Field& f, const FieldValue& value, const FieldValue& mask) {
    if (!f.is_tun_metadata()) return f.bytes;
    bool exact = is_all_ones(f, mask);
    for (unsigned i = 0; i < f.bytes; i++) {
        if (value.bytes[i] || (!exact && mask.bytes[i])) return f.bytes - i;
    }
    return 1;
}
}  // namespace

SetField SetField::make(FieldId id, const FieldValue& value, const FieldValue& mask) {
    const Field& f = openflow::field(id);
    SetField out;
    out.field = id;
    unsigned size = value_size(f, value, mask);
    out.bytes.resize(2 * size);
    for (unsigned i = 0; i < size; i++) {
        uint8_t bits = mask.bytes[f.bytes - size + i];
        out.bytes[i] = value.bytes[f.bytes - size + i] & bits;
        out.bytes[size + i] = bits;
    }
    return out;
}

SetField SetField::make(FieldId id, uint64_t value) {
    const Field& f = openflow::field(id);
    FieldValue ones = FieldValue::all_ones(f);
    if (!f.is_tun_metadata()) return make(id, FieldValue::from_u64(f, value), ones);
    SetField out;
    out.field = id;
    unsigned size = value >> 32 ? 8 : 4;
    out.bytes.assign(2 * size, 0xff);
    for (unsigned i = 0; i < size; i++) out.bytes[i] = static_cast<uint8_t>(value >> 8 * (size - 1 - i));
    return out;
}

SetField SetField::make_load(const Subfield& dst, uint64_t number) {
    const Field& f = openflow::field(dst.field);
    FieldValue source = FieldValue::from_u64(f, number), ones, value, mask;
    ones.bytes.fill(0xff);
    copy_bits(source.bytes.data(), f.bytes, 0, value.bytes.data(), f.bytes, dst.offset, dst.bits);
    copy_bits(ones.bytes.data(), f.bytes, 0, mask.bytes.data(), f.bytes, dst.offset, dst.bits);
    SetField out = make(dst.field, value, mask);
    out.load = true;
    return out;
}

void SetField::get(FieldValue& v, FieldValue& m) const {
    const Field& f = openflow::field(field);
    v = FieldValue();
    m = FieldValue();
    std::ranges::copy(value(), v.bytes.begin() + static_cast<long>(f.bytes - size()));
    std::ranges::copy(mask(), m.bytes.begin() + static_cast<long>(f.bytes - size()));
    if (f.is_tun_metadata() && !load) {
        bool exact = true;
        for (uint8_t byte : mask()) exact &= byte == 0xff;
        if (exact) std::memset(m.bytes.data(), 0xff, f.bytes);
    }
}

}  // namespace weft::openflow
