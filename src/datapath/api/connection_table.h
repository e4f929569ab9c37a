// Connection tracking as datapaths and the switch see it: zones of connections that the `ct` action looks up,
// commits and translates.
//
// A datapath that tracks connections has one of these and calls track() for every `ct` action; the switch
// manages it (flush, dump, limits, timeout policies).  Where Datapath::connections() is null nothing is
// tracked and flows with `ct` actions are refused.

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

namespace weft::datapath {

// One direction's 5-tuple; ICMP: id in src_port, type in the high and code in the low byte of dst_port.
struct ConnectionTuple {
    bool v6 = false;
    packet::Ipv6Addr src{}, dst{};  // IPv4 in the first 4 bytes
    uint8_t protocol = 0;
    uint16_t src_port = 0, dst_port = 0;
    bool operator==(const ConnectionTuple&) const = default;
};

struct Connection {
    ConnectionTuple original, reply;
    uint16_t zone = 0;
    uint32_t mark = 0;
    packet::Be128 label{};
    int64_t expires_in_ms = 0;
    std::string state;  // TCP's, as ovs-appctl dpctl/dump-conntrack prints it
    uint64_t packets[2] = {0, 0}, bytes[2] = {0, 0};
    uint32_t id = 0;
    std::string helper;
};

class ConnectionTable {
  public:
    virtual ~ConnectionTable() = default;

    // Carries out one `ct` action on a packet: sets the key's ct_... fields, translates addresses if asked.
    // The packet may be held back (a fragment) or given back later; false: it was consumed or dropped.
    virtual bool track(packet::Packet& packet, packet::Layout& layout, packet::Flow& key,
                       const Conntrack& action, int64_t now_ms) = 0;

    virtual void flush(std::optional<uint16_t> zone, const std::optional<ConnectionTuple>& tuple) = 0;
    virtual void dump(std::optional<uint16_t> zone,
                      const std::function<void(const Connection&)>& each) const = 0;
    virtual size_t count(std::optional<uint16_t> zone) const = 0;

    virtual size_t max_connections() const = 0;
    virtual void set_max_connections(size_t limit) = 0;
    virtual void set_zone_limit(std::optional<uint16_t> zone,
                                uint32_t limit) = 0;  // none: the default; 0: no limit
    virtual std::map<uint16_t, uint32_t> zone_limits() const = 0;

    // Timeouts in seconds by name ("tcp_syn_sent", ...), of ovs-vswitchd.conf.db(5) CT_Timeout_Policy.
    virtual Result<void> set_timeout_policy(const std::string& name,
                                            const std::map<std::string, uint32_t>& seconds) = 0;
    virtual void delete_timeout_policy(const std::string& name) = 0;
};

}  // namespace weft::datapath
