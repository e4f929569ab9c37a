#include "switch/translate/user_action.h"

#include <fmt/core.h>

#include <charconv>

#include "datapath/api/text.h"

namespace weft::vswitch {

const char* slow_path_name(SlowPath reason) {
    switch (reason) {
        case SlowPath::kNone:
            break;
        case SlowPath::kBfd:
            return "bfd";
        case SlowPath::kCfm:
            return "cfm";
        case SlowPath::kLldp:
            return "lldp";
        case SlowPath::kStp:
            return "stp";
        case SlowPath::kLacp:
            return "lacp";
        case SlowPath::kAction:
            return "action";
    }
    return "";
}

Bytes UserAction::encode() const {
    ByteWriter out;
    out.u8(static_cast<uint8_t>(type));
    if (type == Type::kSlowPath) {
        out.u16(static_cast<uint16_t>(slow_reason));
        return out.take();
    }
    if (type != Type::kController) {
        out.u32(output);
        out.u8(dropped);
        out.u16(vlan_tci);
        out.u16(probability);
        out.u32(collector_set_id);
        out.u32(obs_domain_id);
        out.u32(obs_point_id);
        out.u8(static_cast<uint8_t>(direction));
        out.bytes(as_bytes(bridge));
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
        action.slow_reason = static_cast<SlowPath>(in.u16());
    } else if (action.type == Type::kSflow || action.type == Type::kFlowSample ||
               action.type == Type::kIpfix) {
        action.output = in.u32();
        action.dropped = in.u8();
        action.vlan_tci = in.u16();
        action.probability = in.u16();
        action.collector_set_id = in.u32();
        action.obs_domain_id = in.u32();
        action.obs_point_id = in.u32();
        action.direction = static_cast<Direction>(in.u8());
        ByteView name = in.bytes(in.size());
        action.bridge.assign(name.begin(), name.end());
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
    if (type == Type::kSlowPath) return fmt::format("slow_path({})", slow_path_name(slow_reason));
    if (type == Type::kSflow) {
        return fmt::format("sFlow(vid={},pcp={},output={})", vlan_tci & packet::kVlanVidMask, vlan_tci >> 13,
                           output);
    }
    if (type == Type::kIpfix) return fmt::format("ipfix(output_port={})", output);
    if (type == Type::kFlowSample) {
        return fmt::format(
            "flow_sample(probability={},collector_set_id={},obs_domain_id={},obs_point_id={},output_port={}{}"
            ")",
            probability, collector_set_id, obs_domain_id, obs_point_id, output,
            direction == Direction::kIngress  ? ",ingress"
            : direction == Direction::kEgress ? ",egress"
                                              : "");
    }
    return fmt::format(
        "controller(reason={},dont_send={},continuation={},recirc_id={},rule_cookie={},controller_id={},max_"
        "len={})",
        reason, dont_send ? 1 : 0, continuation ? 1 : 0, recirc_id,
        rule_cookie ? fmt::format("{:#x}", rule_cookie) : "0", controller_id, max_len);
}

std::optional<UserAction> UserAction::parse(std::string_view name, std::string_view body) {
    UserAction action;
    if (name == "slow_path") {
        action.type = Type::kSlowPath;
        for (uint16_t reason = 1; reason <= static_cast<uint16_t>(SlowPath::kLldp); ++reason) {
            action.slow_reason = static_cast<SlowPath>(reason);
            if (body == slow_path_name(action.slow_reason)) return action;
        }
        return std::nullopt;
    }
    if (name != "controller") return std::nullopt;
    while (!body.empty()) {
        size_t end = body.find(',');
        std::string_view part = body.substr(0, end);
        body = end == body.npos ? std::string_view() : body.substr(end + 1);
        size_t equals = part.find('=');
        if (equals == part.npos) return std::nullopt;
        std::string_view field = part.substr(0, equals), digits = part.substr(equals + 1);
        int base = digits.starts_with("0x") ? 16 : 10;
        if (base == 16) digits.remove_prefix(2);
        uint64_t value = 0;
        auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
        if (error != std::errc() || rest != digits.data() + digits.size()) return std::nullopt;
        if (field == "reason") {
            action.reason = static_cast<uint8_t>(value);
        } else if (field == "dont_send") {
            action.dont_send = value;
        } else if (field == "continuation") {
            action.continuation = value;
        } else if (field == "recirc_id") {
            action.recirc_id = static_cast<uint32_t>(value);
        } else if (field == "rule_cookie") {
            action.rule_cookie = value;
        } else if (field == "controller_id") {
            action.controller_id = static_cast<uint16_t>(value);
        } else if (field == "max_len") {
            action.max_len = static_cast<uint16_t>(value);
        } else {
            return std::nullopt;
        }
    }
    return action;
}

void install_user_action_text() {
    datapath::UserdataText functions;
    functions.format = [](ByteView userdata) {
        auto action = UserAction::decode(userdata);
        return action ? action->describe() : std::string();
    };
    functions.parse = [](std::string_view name, std::string_view body) {
        auto action = UserAction::parse(name, body);
        return action ? std::optional(action->encode()) : std::nullopt;
    };
    datapath::set_userdata_text(functions);
}

datapath::Actions slow_path_actions(SlowPath reason) {
    UserAction action;
    action.type = UserAction::Type::kSlowPath;
    action.slow_reason = reason;
    datapath::Actions actions;
    actions.push_back(datapath::Userspace{.userdata = action.encode()});
    return actions;
}

}  // namespace weft::vswitch
