// What the switch writes into a datapath's userspace action, to know it again when the packet comes up.
//
// Private to the switch: a type byte, then its fields, big-endian.  describe() gives the text that
// `ofproto/trace` and `dpctl/dump-flows` show.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "datapath/api/action.h"

namespace weft::vswitch {

// Why the switch itself, and not the datapath, handles the packets of a flow: they are a protocol's (kBfd,
// kCfm, kStp, kLacp, kLldp), or the switch has to look at each before it forwards it (kAction).
enum class SlowPath : uint16_t { kNone = 0, kBfd = 1, kStp = 2, kAction = 3, kLacp = 4, kCfm = 5, kLldp = 6 };
const char* slow_path_name(SlowPath reason);  // "stp"

struct UserAction {
    enum class Type : uint8_t { kSflow = 1, kSlowPath = 2, kFlowSample = 3, kIpfix = 4, kController = 5 };
    enum class Direction : uint8_t { kDefault = 0, kIngress = 1, kEgress = 2 };
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
    SlowPath slow_reason = SlowPath::kNone;
    // kSflow, kFlowSample, kIpfix
    std::string bridge;            // whose collectors are told
    uint32_t output = UINT32_MAX;  // the datapath's port, UINT32_MAX: none; of sFlow as its datagrams say it
    bool dropped = false;          // the packet goes nowhere
    // kSflow
    uint16_t vlan_tci = 0;  // with which it leaves
    // kFlowSample
    uint16_t probability = 0;
    uint32_t collector_set_id = 0, obs_domain_id = 0, obs_point_id = 0;
    Direction direction = Direction::kDefault;

    Bytes encode() const;
    static std::optional<UserAction> decode(ByteView bytes);
    std::string describe() const;  // "controller(reason=1,...)"
    // The same text, "NAME(BODY)", back; nullopt if it is none or, as that of samples, does not say all.
    static std::optional<UserAction> parse(std::string_view name, std::string_view body);
};

// From now on actions print, and are read, with such user data spelled out (datapath/api/text.h).
void install_user_action_text();

// What the megaflow of such packets does: it hands them up.
datapath::Actions slow_path_actions(SlowPath reason);

}  // namespace weft::vswitch
