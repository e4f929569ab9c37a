// Connection tracking as datapaths and the switch see it: zones of connections that the `ct` action looks up,
// commits and translates (ovs-actions(7), "The ct action").
//
// A datapath that tracks connections has one of these and calls track() for every `ct` action; the switch
// manages it (flush, dump, limits, timeout policies).  Where Datapath::connections() is null nothing is
// tracked and flows with `ct` actions are refused.
//
// What may go wrong: packets that are no part of any connection's life, or lie about themselves, get
// ct_state +inv+trk and go on; a connection that cannot be kept (the table or its zone is full) leaves its
// packet +new, uncommitted; one for which no address and port is left to translate to is dropped.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "datapath/api/action.h"
#include "packet/extract.h"
#include "packet/packet.h"

namespace weft::datapath {

// One direction's 5-tuple; ICMP: id in src_port, type in the high and code in the low byte of dst_port.
struct ConnectionTuple {
    bool v6 = false;
    packet::Ipv6Addr src{}, dst{};  // IPv4 in the first 4 bytes
    uint8_t protocol = 0;
    uint16_t src_port = 0, dst_port = 0;
    bool operator==(const ConnectionTuple&) const = default;
};

// Some fields of a tuple: those that are given must be equal.
struct PartialTuple {
    std::optional<bool> v6;
    std::optional<packet::Ipv6Addr> src, dst;
    std::optional<uint8_t> protocol;
    std::optional<uint16_t> src_port, dst_port;  // not of ICMP
    std::optional<uint8_t> icmp_type, icmp_code;
    std::optional<uint16_t> icmp_id;

    bool empty() const { return *this == PartialTuple{}; }
    bool matches(const ConnectionTuple& tuple) const;
    bool operator==(const PartialTuple&) const = default;
};

// Bits of a connection's mark and label: those of the masks must be equal.
struct PartialMarks {
    uint32_t mark = 0, mark_mask = 0;
    packet::Be128 label{}, label_mask{};

    bool empty() const { return !mark_mask && label_mask == packet::Be128{}; }
    bool match(uint32_t its_mark, const packet::Be128& its_label) const;
};

struct Connection {
    ConnectionTuple original, reply;
    uint16_t zone = 0;
    uint32_t mark = 0;
    packet::Be128 label{};
    int64_t expires_in_ms = 0;
    // TCP's states, as ovs-appctl dpctl/dump-conntrack prints them; "" for other protocols.
    std::string state, original_state, reply_state;
    bool liberal[2] = {false, false};             // TCP: sequence numbers of this direction are not checked
    std::optional<uint8_t> window_scale[2] = {};  // TCP: of the direction, if it sent the option
    std::string helper;
    std::optional<ConnectionTuple> parent;  // of a related connection: original tuple of what it belongs to
};

// Reassembly of IP fragments: dpctl/ipf-... of ovs-dpctl(8).  Index 0: IPv4, 1: IPv6.
struct FragmentConfig {
    struct Family {
        bool enabled = true;
        uint32_t minimum = 0;  // bytes of a fragment that is not the last
    };
    Family family[2] = {{true, 1200}, {true, 1280}};
    uint32_t max_fragments = 1000;
};
struct FragmentStatus {
    struct Counters {
        uint64_t accepted = 0, completed = 0, expired = 0, too_small = 0, overlapped = 0, purged = 0;
    };
    FragmentConfig config;
    Counters counters[2];
    size_t fragments = 0;            // held now
    std::vector<std::string> lists;  // what is incomplete, a line each
};

// The fields of connection tracking are those of a packet that was not tracked.
void clear_connection_fields(packet::Flow& key);

// What became of a packet.
enum class Tracked : uint8_t {
    kGoOn,       // the packet, changed or not, and its key's ct_... fields
    kFragments,  // the packet was the last missing fragment: all of them go on, with the key's ct_... fields
    kHeld,       // a fragment that waits for others
    kDropped,
};

class ConnectionTable {
  public:
    virtual ~ConnectionTable() = default;

    // Carries out one `ct` action on a packet: sets the key's ct_... fields, translates addresses if asked.
    // The key's and layout's other fields are those from before the translation.
    // kFragments: `fragments` has the packets.  kDropped: `reason` says why.
    virtual Tracked track(packet::Packet& packet, const packet::Layout& layout, packet::Flow& key,
                          const Conntrack& action, int64_t now_ms, std::vector<packet::Packet>& fragments,
                          explain::DropReason& reason) = 0;
    // Forgets what is over, a bounded step; true if there is more to do.  To be called now and then.
    virtual bool run(int64_t now_ms) = 0;

    // Forgets all connections, or those of the zone, or those that match; the number of them.
    virtual size_t flush(std::optional<uint16_t> zone, const PartialTuple& original,
                         const PartialTuple& reply, const PartialMarks& marks) = 0;
    size_t flush(std::optional<uint16_t> zone, const PartialTuple& original, const PartialTuple& reply) {
        return flush(zone, original, reply, {});
    }
    virtual void dump(std::optional<uint16_t> zone, int64_t now_ms,
                      const std::function<void(const Connection&)>& each) const = 0;
    virtual size_t count(std::optional<uint16_t> zone) const = 0;

    virtual size_t max_connections() const = 0;
    virtual void set_max_connections(size_t limit) = 0;
    // Of zones that have none of their own; 0: no limit.
    virtual uint32_t default_limit() const = 0;
    virtual void set_default_limit(uint32_t limit) = 0;
    virtual void set_zone_limit(uint16_t zone, std::optional<uint32_t> limit) = 0;  // nullopt: the default
    virtual std::map<uint16_t, uint32_t> zone_limits() const = 0;

    virtual bool checks_tcp_sequences() const = 0;
    virtual void check_tcp_sequences(bool on) = 0;

    virtual FragmentStatus fragment_status(bool with_lists) const = 0;
    virtual Result<void> configure_fragments(const FragmentConfig& config) = 0;

    // Timeouts in seconds by name ("tcp_syn_sent", ...), of ovs-vswitchd.conf.db(5) CT_Timeout_Policy.
    virtual Result<void> set_timeout_policy(const std::string& name,
                                            const std::map<std::string, uint32_t>& seconds) = 0;
    virtual void delete_timeout_policy(const std::string& name) = 0;
};

}  // namespace weft::datapath
