// How long connections live without packets, and policies that say otherwise for zones
// (ovs-vswitchd.conf.db(5), CT_Timeout_Policy).

#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/hash_map.h"
#include "base/result.h"

namespace weft::datapath::conntrack {

// What a connection is doing, as far as its timeout goes.
enum class Timeout : uint8_t {
    kTcpSynSent,
    kTcpSynReceived,
    kTcpEstablished,
    kTcpFinWait,   // one end has sent FIN
    kTcpTimeWait,  // both have
    kTcpClose,     // reset, or both FINs acknowledged
    kUdpFirst,     // protocols that have none of their own use UDP's
    kUdpSingle,
    kUdpMultiple,
    kIcmpFirst,
    kIcmpReply,
};
inline constexpr size_t kTimeouts = 11;

struct TimeoutPolicy {
    std::array<uint32_t, kTimeouts> seconds;
    uint32_t of(Timeout timeout) const { return seconds[static_cast<size_t>(timeout)]; }
};
TimeoutPolicy default_timeouts();

class TimeoutPolicies {
  public:
    TimeoutPolicies() : default_(std::make_shared<TimeoutPolicy>(default_timeouts())) {}

    // Creates or changes the policy; connections that have it follow.  Keys that only other datapaths know
    // (tcp_unack ...) have no effect, as the manual says; one that no datapath knows is an error.
    Result<void> set(const std::string& name, const std::map<std::string, uint32_t>& seconds);
    // Connections that have it keep it until they end.
    void remove(const std::string& name) { by_name_.erase(name); }
    // The default for names that do not exist.
    std::shared_ptr<const TimeoutPolicy> find(const std::string& name) const;

  private:
    std::shared_ptr<TimeoutPolicy> default_;
    HashMap<std::string, std::shared_ptr<TimeoutPolicy>> by_name_;
};

}  // namespace weft::datapath::conntrack
