// What the switch writes into a datapath's userspace action, to know it again when the packet comes up.
//
// Private to the switch: a type byte, then its fields, big-endian.  describe() gives the text that
// `ofproto/trace` and `dpctl/dump-flows` show.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace weft::vswitch {

struct UserAction {
    enum class Type : uint8_t { kSlowPath = 2, kController = 5 };
    Type type = Type::kController;
    // kController
    uint8_t reason = 0;
    bool dont_send = false;     // made by a translation without side effects
    bool continuation = false;  // the packet waits for the controller to give it back
    uint32_t recirc_id = 0;     // of the FrozenState that holds metadata and userdata
    uint64_t rule_cookie = 0;
    uint16_t controller_id = 0;
    uint16_t max_len = 0xffff;
    uint8_t table = 0;
    // kSlowPath
    uint16_t slow_reason = 0;

    Bytes encode() const;
    static std::optional<UserAction> decode(ByteView bytes);
    std::string describe() const;  // "controller(reason=1,...)"
};

}  // namespace weft::vswitch
