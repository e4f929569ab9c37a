// Lists of OpenFlow actions, written as sentences:
//
//     ActionBuilder().load_reg(kRegZone, zone).load(kFieldDatapath, key).resubmit(kTableIngress).take()

#pragma once

#include <cstdint>

#include "controller/flow_tables.h"
#include "openflow/action.h"

namespace weft::controller {

class ActionBuilder {
  public:
    // Of a field the bits [offset, offset + bits); bits 0: to its end.
    ActionBuilder& load(openflow::FieldId field, uint64_t value, uint16_t offset = 0, uint16_t bits = 0);
    ActionBuilder& load_reg(unsigned n, uint32_t value) { return load(openflow::reg_field(n), value); }
    ActionBuilder& load_flag(unsigned bit, bool value) {
        return load(openflow::reg_field(kRegFlags), value, static_cast<uint16_t>(bit), 1);
    }
    ActionBuilder& move(openflow::FieldId from, uint16_t from_offset, openflow::FieldId to,
                        uint16_t to_offset, uint16_t bits);
    ActionBuilder& push(openflow::FieldId field);
    ActionBuilder& pop(openflow::FieldId field);
    ActionBuilder& resubmit(uint8_t table);
    ActionBuilder& output(uint32_t port);
    template <typename T>
    ActionBuilder& add(T action) {
        list_.emplace_back(std::move(action));
        return *this;
    }
    openflow::ActionList take() { return std::move(list_); }
    const openflow::ActionList& list() const { return list_; }
    bool empty() const { return list_.empty(); }

  private:
    openflow::ActionList list_;
};

}  // namespace weft::controller
