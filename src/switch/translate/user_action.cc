#include "switch/translate/user_action.h"

#include <fmt/core.h>

namespace weft::vswitch {

Bytes UserAction::encode() const {
    ByteWriter out;
    out.u8(static_cast<uint8_t>(type));
    if (type == Type::kSlowPath) {
        out.u16(slow_reason);
        return out.take();
    }
    out.u8(reason);
    out.u8(static_cast<uint8_t>(dont_send | continuation << 1));
    out.u8(table);
    out.u32(recirc_id);
    out.u64(rule_cookie);
    out.u16(controller_id);
    out.u16(max_len);
    return out.take();
}

std::optional<UserAction> UserAction::decode(ByteView bytes) {
    ByteReader in(bytes);
    UserAction action;
    action.type = static_cast<Type>(in.u8());
    if (action.type == Type::kSlowPath) {
        action.slow_reason = in.u16();
    } else if (action.type == Type::kController) {
        action.reason = in.u8();
        uint8_t flags = in.u8();
        action.dont_send = flags & 1;
        action.continuation = flags & 2;
        action.table = in.u8();
        action.recirc_id = in.u32();
        action.rule_cookie = in.u64();
        action.controller_id = in.u16();
        action.max_len = in.u16();
    } else {
        return std::nullopt;
    }
    if (!in.ok() || !in.empty()) return std::nullopt;
    return action;
}

std::string UserAction::describe() const {
    if (type == Type::kSlowPath) return "slow_path(action)";
    return fmt::format(
        "controller(reason={},dont_send={},continuation={},recirc_id={},rule_cookie={},controller_id={},max_"
        "len={})",
        reason, dont_send ? 1 : 0, continuation ? 1 : 0, recirc_id,
        rule_cookie ? fmt::format("{:#x}", rule_cookie) : "0", controller_id, max_len);
}

}  // namespace weft::vswitch
