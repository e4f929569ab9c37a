// OpenFlow actions that several logical actions are made of.

#include <cassert>

#include "logical/actions/parser.h"

namespace weft::logical {

namespace {

using openflow::FieldId;
using openflow::Subfield;

openflow::FieldValue to_value(const openflow::Field& field, U128 v) {
    openflow::FieldValue out;
    for (unsigned i = 0; i < field.bytes && i < 16; ++i) {
        out.bytes[field.bytes - 1 - i] = static_cast<uint8_t>(v >> (8 * i));
    }
    return out;
}

// Registers 0 to 7 are parts of xxreg0 and xxreg1, 8 and 9 of xreg4.
Subfield widest(FieldId id, unsigned offset, unsigned bits) {
    unsigned n = static_cast<unsigned>(id);
    unsigned reg = n - static_cast<unsigned>(FieldId::kReg0),
             xreg = n - static_cast<unsigned>(FieldId::kXReg0);
    auto make = [&](FieldId field, unsigned at) {
        return Subfield{field, static_cast<uint16_t>(at), static_cast<uint16_t>(bits)};
    };
    if (n >= static_cast<unsigned>(FieldId::kReg0) && reg < 8) {
        return make(openflow::xxreg_field(reg / 4), (3 - reg % 4) * 32 + offset);
    }
    if (n >= static_cast<unsigned>(FieldId::kReg0) && reg < 10) {
        return make(openflow::xreg_field(4), (9 - reg) * 32 + offset);
    }
    if (n >= static_cast<unsigned>(FieldId::kXReg0) && xreg < 4) {
        return make(openflow::xxreg_field(xreg / 2), (1 - xreg % 2) * 64 + offset);
    }
    return make(id, offset);
}

}  // namespace

Subfield to_subfield(const FieldRef& ref) {
    const openflow::Field* field = openflow::field_by_name(ref.symbol->field);
    assert(field && "an OVN field has no place in OpenFlow");
    if (ref.symbol->is_string()) return openflow::whole_field(field->id);
    return widest(field->id, ref.symbol->offset + ref.offset, ref.width);
}

Subfield field_bits(FieldId field) {
    return openflow::whole_field(field);
}

void put_resubmit(uint8_t table, openflow::ActionList& out) {
    openflow::Resubmit resubmit;
    resubmit.table = table;
    out.push_back(resubmit);
}

void put_set(const FieldRef& ref, U128 value, U128 mask, openflow::ActionList& out) {
    Subfield dst = to_subfield(ref);
    const openflow::Field& field = openflow::field(dst.field);
    out.push_back(openflow::SetField::make(dst.field, to_value(field, value << dst.offset),
                                           to_value(field, mask << dst.offset)));
}

void put_set(const Subfield& dst, U128 value, openflow::ActionList& out) {
    const openflow::Field& field = openflow::field(dst.field);
    out.push_back(openflow::SetField::make(dst.field, to_value(field, value << dst.offset),
                                           to_value(field, low_bits(dst.bits) << dst.offset)));
}

void put_flag(int bit, bool value, openflow::ActionList& out) {
    put_set(Subfield{kRegFlags, static_cast<uint16_t>(bit), 1}, value ? 1 : 0, out);
}

void put_move(const Subfield& src, const Subfield& dst, openflow::ActionList& out) {
    out.push_back(openflow::RegMove{src, dst});
}

void put_push(const Subfield& field, openflow::ActionList& out) {
    out.push_back(openflow::StackPush{field});
}

void put_pop(const Subfield& field, openflow::ActionList& out) {
    out.push_back(openflow::StackPop{field});
}

void put_exchange(const Subfield& a, const Subfield& b, openflow::ActionList& out) {
    put_push(b, out);
    put_push(a, out);
    put_pop(b, out);
    put_pop(a, out);
}

ByteWriter begin_userdata(ControllerOpcode opcode) {
    ByteWriter out;
    out.u32(static_cast<uint32_t>(opcode));
    out.u32(0);
    return out;
}

void put_controller(const EncodeContext& context, ByteWriter userdata, bool pause,
                    openflow::ActionList& out) {
    openflow::Controller controller;
    controller.pause = pause;
    controller.userdata = userdata.take();
    if (context.controller_meter) controller.meter_id = *context.controller_meter;
    out.push_back(openflow::Action(Boxed<openflow::Controller>(std::move(controller))));
}

void put_result_field(const FieldRef& result, ByteWriter& userdata) {
    Subfield dst = to_subfield(result);
    const openflow::Field& field = openflow::field(dst.field);
    openflow::encode_oxm_header(field.wire(openflow::Version::k15), false, field.bytes, userdata);
    userdata.u32(dst.offset);
}

FieldId zone_field(const EncodeContext& context) {
    return context.is_switch ? kRegPortZone : kRegDnatZone;
}

bool Arguments::needed(const Move& move) const {
    return !(move.src.field == move.dst && move.src.whole());
}

void Arguments::save(openflow::ActionList& out) const {
    for (const Move& move : moves_) {
        if (needed(move)) put_push(field_bits(move.dst), out);
    }
    // All sources are read before any destination is written: one may be another's.
    for (auto it = moves_.rbegin(); it != moves_.rend(); ++it) {
        if (needed(*it)) put_push(it->src, out);
    }
    for (const Move& move : moves_) {
        if (needed(move)) put_pop(field_bits(move.dst), out);
    }
}

void Arguments::restore(openflow::ActionList& out) const {
    for (auto it = moves_.rbegin(); it != moves_.rend(); ++it) {
        if (needed(*it)) put_pop(field_bits(it->dst), out);
    }
}

}  // namespace weft::logical
