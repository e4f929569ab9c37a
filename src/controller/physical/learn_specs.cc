#include "controller/physical/learn_specs.h"

namespace weft::controller {

using openflow::FieldId;
using openflow::LearnSpec;

LearnSpec learn_value(FieldId field, ByteView value) {
    LearnSpec spec;
    spec.immediate = true;
    spec.bits = openflow::field(field).bits;
    spec.value.assign(value.begin(), value.end());
    spec.dst = {field, 0, spec.bits};
    return spec;
}

LearnSpec learn_number(FieldId field, uint16_t value) {
    uint8_t bytes[2];
    store_be16(bytes, value);
    return learn_value(field, bytes);
}

LearnSpec learn_field(FieldId to, FieldId from) {
    LearnSpec spec;
    spec.bits = openflow::field(to).bits;
    spec.src = {from, 0, spec.bits};
    spec.dst = {to, 0, spec.bits};
    return spec;
}

LearnSpec learn_load(FieldId to, FieldId from) {
    LearnSpec spec = learn_field(to, from);
    spec.destination = LearnSpec::Destination::kLoad;
    return spec;
}

LearnSpec learn_bit(FieldId field, uint16_t bit) {
    LearnSpec spec;
    spec.destination = LearnSpec::Destination::kLoad;
    spec.immediate = true;
    spec.bits = 1;
    spec.value = {0, 1};
    spec.dst = {field, bit, 1};
    return spec;
}

}  // namespace weft::controller
