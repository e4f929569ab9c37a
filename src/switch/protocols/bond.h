// A bond: several interfaces of a switch as one port (ovs-vswitchd.conf.db(5), "Bonding Configuration").
//
// Members are enabled while their link works, with delays; one of the enabled is active.  Packets leave by
// the active member (active-backup), by the member that a hash of their source address and VLAN is assigned
// to (balance-slb), or by that of a hash of their addresses and ports (balance-tcp, which needs a partner
// that negotiated LACP).  Hashes are one of 256 buckets; a bucket gets a member when it is first used, loses
// it when the member is disabled, and is moved from a loaded member to an idle one now and then.
//
// Pure: link states, byte counts and `now` go in, decisions come out.  The owner calls run() when
// next_wakeup_ms() is reached and after it changed anything; what run() tells must be carried out: packets
// decide anew, and neighbours learn where our stations are.
//
// Memory: 256 buckets and one entry a member.  Differences from Open vSwitch: docs/decisions/0051-bonds.md.

#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "packet/flow.h"

namespace weft::vswitch {

enum class BondMode : uint8_t { kActiveBackup, kBalanceSlb, kBalanceTcp };
const char* bond_mode_name(BondMode mode);
// What LACP says of the bond: not used, no partner, or a partner.
enum class BondLacp : uint8_t { kOff, kConfigured, kNegotiated };

struct BondOptions {
    BondMode mode = BondMode::kActiveBackup;
    int64_t updelay_ms = 0, downdelay_ms = 0;
    int64_t rebalance_ms = 10000;  // 0: never
    uint32_t hash_basis = 0;
    std::string primary;  // of active-backup: the member that is active whenever it can be; "": none
    bool all_members_active = false;
    bool fallback_ab = false;       // goes on without a LACP partner: balance-tcp as active-backup
    bool datapath_spreads = false;  // balance-tcp without recirculation, if the datapath can
    bool operator==(const BondOptions&) const = default;
};

class Bond {
  public:
    using Port = uint32_t;  // OpenFlow's number of a member
    static constexpr Port kNone = 0;
    static constexpr size_t kBuckets = 256;
    enum class Admission : uint8_t { kAccept, kDrop, kDropIfMoved };
    struct Outcome {
        std::vector<std::string> log;
        bool changed = false;  // packets may go elsewhere now
        bool teach = false;    // neighbours should hear of our stations on their new way
    };

    Bond(std::string name, const BondOptions& options, int64_t now_ms);

    const std::string& name() const { return name_; }
    const BondOptions& options() const { return options_; }
    void configure(const BondOptions& options, int64_t now_ms);
    void set_member(Port port, const std::string& name, const packet::EthAddr& mac);
    void remove_member(Port port);
    std::vector<Port> members() const;
    void set_lacp(BondLacp lacp);
    BondLacp lacp() const { return lacp_; }
    // Whether the link works, and whether LACP, if it is used, lets the member carry packets.
    void set_link(Port port, bool up, bool negotiated = true);

    bool rebalance_due(int64_t now_ms) const;  // the next run() does it, so byte counts should be fresh
    Outcome run(int64_t now_ms);
    int64_t next_wakeup_ms() const;  // INT64_MAX: never

    // --- packets
    // kDropIfMoved: drop it if its source was learned on another port of the bridge.
    Admission admit(Port port, bool multicast) const;
    // How the member is found: by dp_hash, by the source, or neither, and it is the active one.
    bool by_packet_hash() const { return mode() == BondMode::kBalanceTcp && lacp_ == BondLacp::kNegotiated; }
    bool by_source() const { return mode() == BondMode::kBalanceSlb; }
    uint8_t source_bucket(const packet::EthAddr& source, uint16_t vlan) const {
        return hash_source(source, vlan, options_.hash_basis);
    }
    static uint8_t hash_source(const packet::EthAddr& source, uint16_t vlan, uint32_t basis);
    Port member_of(uint8_t bucket);  // kNone: no member is enabled
    Port active() const;             // kNone: none, or packets must not leave without a partner
    void account(uint8_t bucket, uint64_t bytes) { buckets_[bucket].bytes += bytes; }

    // --- by hand
    std::optional<Port> find(std::string_view member) const;
    bool enabled(Port port) const;
    bool set_active(Port port);  // which is enabled; false: it was
    void set_enabled(Port port, bool enabled);
    void migrate(uint8_t bucket, Port port);
    packet::EthAddr active_mac() const;  // zeros: none

    // bond/show; `datapath_bond`: the one that spreads the packets, none if they recirculate.
    std::string show(uint32_t recirc_id, std::optional<uint32_t> datapath_bond, int64_t now_ms) const;

  private:
    struct Member {
        std::string name;
        packet::EthAddr mac{};
        bool link_up = false, may_enable = false, enabled = false;
        bool fresh = true;  // it begins as its link is
        std::optional<int64_t> delay_until_ms;
    };
    struct Bucket {
        Port member = kNone;
        uint64_t bytes = 0;
    };

    // balance-tcp alone cannot do without a partner.
    BondMode mode() const {
        bool falls_back = lacp_ == BondLacp::kConfigured && options_.fallback_ab;
        return falls_back && options_.mode == BondMode::kBalanceTcp ? BondMode::kActiveBackup : options_.mode;
    }
    bool has_primary() const {
        return !options_.primary.empty() &&
               (options_.mode == BondMode::kActiveBackup || options_.fallback_ab);
    }
    bool balances() const { return mode() != BondMode::kActiveBackup && options_.rebalance_ms > 0; }
    void follow_link(Member& member, int64_t now_ms);
    void enable(Member& member, bool enabled);
    void choose_active(int64_t now_ms);
    void rebalance();
    template <typename... Args>
    void say(const char* format, const Args&... args);

    std::string name_;
    BondOptions options_;
    BondLacp lacp_ = BondLacp::kOff;
    std::map<Port, Member> members_;
    Port active_ = kNone;
    std::array<Bucket, kBuckets> buckets_;
    int64_t next_rebalance_ms_ = 0;
    Outcome result_;  // gathers until run() gives it
};

}  // namespace weft::vswitch
