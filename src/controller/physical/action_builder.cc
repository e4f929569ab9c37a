#include "controller/physical/action_builder.h"

namespace weft::controller {

namespace {

openflow::Subfield subfield(openflow::FieldId field, uint16_t offset, uint16_t bits) {
    if (!bits) bits = static_cast<uint16_t>(openflow::field(field).bits - offset);
    return {field, offset, bits};
}

}  // namespace

ActionBuilder& ActionBuilder::load(openflow::FieldId field, uint64_t value, uint16_t offset, uint16_t bits) {
    return add(openflow::SetField::make_load(subfield(field, offset, bits), value));
}

ActionBuilder& ActionBuilder::move(openflow::FieldId from, uint16_t from_offset, openflow::FieldId to,
                                   uint16_t to_offset, uint16_t bits) {
    return add(openflow::RegMove{{from, from_offset, bits}, {to, to_offset, bits}});
}

ActionBuilder& ActionBuilder::push(openflow::FieldId field) {
    return add(openflow::StackPush{subfield(field, 0, 0)});
}
ActionBuilder& ActionBuilder::pop(openflow::FieldId field) {
    return add(openflow::StackPop{subfield(field, 0, 0)});
}
ActionBuilder& ActionBuilder::resubmit(uint8_t table) {
    return add(openflow::Resubmit{openflow::kPortInPort, table});
}
ActionBuilder& ActionBuilder::output(uint32_t port) {
    return add(openflow::Output{port});
}

}  // namespace weft::controller
