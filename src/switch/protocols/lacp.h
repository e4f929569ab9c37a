// LACP on a port of a switch (IEEE 802.1AX-2014, 6.4; ovs-vswitchd.conf.db(5), "LACP Configuration"): which
// of the port's interfaces lead to one and the same partner, and may therefore carry its packets together.
//
// A member is `current` while the partner's data units arrive, `expired` for three seconds after they ceased
// (and at first, if we speak first), then `defaulted`.  Among members the one of highest priority that is
// current (else, expired) leads; those that see the same partner and key as it are attached.  A member may
// be used if it is attached and the partner says that it is in synchronization.
//
// Pure: data units, carrier changes and `now` go in, data units and states come out.  The owner calls poll()
// when next_wakeup_ms() is reached and after anything else was called, until it gives nothing; changed()
// tells whether negotiated() or some may_enable() could differ since the last call.
//
// A malformed unit changes nothing but a counter.  Memory: one entry a member.
//
// Differences from the standard and from Open vSwitch: docs/decisions/0051-bonds.md.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "packet/lacp.h"

namespace weft::vswitch {

struct LacpOptions {
    bool active = false;       // speaks first
    bool fast = false;         // asks for a unit a second, else every 30 seconds
    bool fallback_ab = false;  // members of a port without partner may be used
    uint16_t sys_priority = 65535;
    packet::EthAddr sys_id{};
    bool operator==(const LacpOptions&) const = default;
};

struct LacpMemberOptions {
    std::string name;
    uint16_t port_id = 0, port_priority = 65535;
    uint16_t key = 0;
    bool operator==(const LacpMemberOptions&) const = default;
};

class Lacp {
  public:
    using Id = uint32_t;  // of a member; the lowest one's key is the port's
    enum class Status : uint8_t { kCurrent, kExpired, kDefaulted };
    struct Counters {
        uint64_t tx = 0, rx = 0, rx_bad = 0, rx_marker = 0;
        uint64_t expired = 0, defaulted = 0, carrier_changed = 0;
    };
    struct Send {
        Id member;
        packet::LacpPdu pdu;
    };

    Lacp(const LacpOptions& options, int64_t now_ms);

    void configure(const LacpOptions& options, int64_t now_ms);
    const LacpOptions& options() const { return options_; }
    void set_member(Id id, const LacpMemberOptions& options, int64_t now_ms);
    void remove_member(Id id);

    // What follows the Ethernet header of a frame of the slow protocols.
    void receive(Id id, ByteView payload, int64_t now_ms);
    void carrier_changed(Id id, int64_t now_ms);
    std::optional<Send> poll(int64_t now_ms);
    int64_t next_wakeup_ms() const;  // INT64_MAX: never
    bool take_changed() { return std::exchange(changed_, false); }

    bool negotiated() const { return negotiated_; }
    bool may_enable(Id id) const;
    // Whether a partner is known: the member is not defaulted.
    bool has_partner(Id id) const;
    std::optional<Status> status(Id id) const;
    const Counters* counters(Id id) const;

    std::string show(const std::string& port) const;        // lacp/show
    std::string show_stats(const std::string& port) const;  // lacp/show-stats

  private:
    struct Member {
        LacpMemberOptions options;
        Status status = Status::kDefaulted;
        packet::LacpInfo partner;
        bool attached = false;
        int64_t expires_ms = INT64_MAX;
        int64_t next_tx_ms = 0;
        bool need_to_transmit = false;
        std::optional<packet::LacpInfo> sent;  // the actor of the last unit
        Counters counters;
    };

    void begin(Member& member, int64_t now_ms);
    void expire(Member& member, int64_t now_ms);
    void select();
    bool usable(const Member& member) const;
    const Member* leader(Status status) const;
    packet::LacpInfo actor(const Member& member) const;
    void run(int64_t now_ms);

    LacpOptions options_;
    std::map<Id, Member> members_;
    bool negotiated_ = false;
    bool changed_ = true;
};

const char* lacp_status_name(Lacp::Status status);

}  // namespace weft::vswitch
