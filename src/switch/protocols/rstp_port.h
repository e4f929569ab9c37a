// The variables of an RSTP port (IEEE 802.1D-2004, 17.17 and 17.19).  Private to rstp*.cc.

#pragma once

#include "switch/protocols/rstp.h"

namespace weft::vswitch {

inline constexpr uint16_t kMigrateTime = 3;  // s; 17.13.9

struct Rstp::Port {
    uint16_t number = 0;
    PortOptions options;
    bool enabled = false;

    enum class InfoIs : uint8_t { kDisabled, kAged, kMine, kReceived };
    InfoIs info_is = InfoIs::kDisabled;
    PriorityVector port_priority, designated_priority, message_priority;
    Times port_times, designated_times, message_times;
    packet::Bpdu received_bpdu;

    Role role = Role::kDisabled, selected_role = Role::kDisabled;
    bool learn = false, learning = false, forward = false, forwarding = false;
    bool agree = false, agreed = false, proposed = false, proposing = false, disputed = false;
    bool sync = false, synced = false, re_root = false, reselect = false, selected = false, updt_info = false;
    bool rcvd_bpdu = false, rcvd_msg = false, rcvd_rstp = false, rcvd_stp = false;
    bool rcvd_tc = false, rcvd_tcn = false, rcvd_tc_ack = false, tc_ack = false, tc_prop = false;
    bool new_info = false, oper_edge = false, send_rstp = true, mcheck = false;
    unsigned tx_count = 0;

    // Timers, s.
    uint16_t edge_delay_while = 0, fd_while = 0, hello_when = 0, mdelay_while = 0, rb_while = 0,
             rcvd_info_while = 0, rr_while = 0, tc_while = 0;

    enum class Migration : uint8_t {
        kCheckingRstp,
        kSelectingStp,
        kSensing
    } migration = Migration::kCheckingRstp;
    enum class Information : uint8_t { kDisabled, kAged, kCurrent } information = Information::kDisabled;
    enum class TopologyChange : uint8_t {
        kInactive,
        kLearning,
        kActive
    } topology = TopologyChange::kInactive;
    bool receiving = false;     // of the receive machine: it left DISCARD
    bool edge_state = false;    // of the bridge detection machine: EDGE
    bool role_blocked = false;  // of the role machine: the blocked or disabled role has settled

    uint64_t sent = 0, received = 0, errors = 0;
    int64_t since_ms = 0;

    uint16_t id() const { return static_cast<uint16_t>((options.priority & 0xf0) << 8 | number); }
    bool designated_or_root() const { return role == Role::kDesignated || role == Role::kRoot; }
    bool settled() const { return selected && !updt_info; }
};

}  // namespace weft::vswitch
