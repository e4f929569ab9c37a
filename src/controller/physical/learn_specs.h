// What a learn action copies, field by field, written as sentences (ovs-actions(7), "The learn action").

#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "openflow/action.h"

namespace weft::controller {

// The learnt flow matches `field` with these bytes, big-endian; a number is one of 16 bits.
openflow::LearnSpec learn_value(openflow::FieldId field, ByteView value);
openflow::LearnSpec learn_number(openflow::FieldId field, uint16_t value);
// It matches `to` with what the packet that is learnt from has in `from`.
openflow::LearnSpec learn_field(openflow::FieldId to, openflow::FieldId from);
// Its action sets `to` to what that packet has in `from`.
openflow::LearnSpec learn_load(openflow::FieldId to, openflow::FieldId from);
// Its action sets one bit of a field.
openflow::LearnSpec learn_bit(openflow::FieldId field, uint16_t bit);

}  // namespace weft::controller
