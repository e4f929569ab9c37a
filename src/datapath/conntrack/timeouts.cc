#include "datapath/conntrack/timeouts.h"

#include <fmt/core.h>

#include <optional>

namespace weft::datapath::conntrack {

namespace {

struct Key {
    const char* name;
    std::optional<Timeout> timeout;  // nullopt: of other datapaths
};
constexpr Key kKeys[] = {
    {"tcp_syn_sent", Timeout::kTcpSynSent},
    {"tcp_syn_recv", Timeout::kTcpSynReceived},
    {"tcp_established", Timeout::kTcpEstablished},
    {"tcp_fin_wait", Timeout::kTcpFinWait},
    {"tcp_time_wait", Timeout::kTcpTimeWait},
    {"tcp_close", Timeout::kTcpClose},
    {"udp_first", Timeout::kUdpFirst},
    {"udp_single", Timeout::kUdpSingle},
    {"udp_multiple", Timeout::kUdpMultiple},
    {"icmp_first", Timeout::kIcmpFirst},
    {"icmp_reply", Timeout::kIcmpReply},
    {"tcp_close_wait", std::nullopt},
    {"tcp_last_ack", std::nullopt},
    {"tcp_syn_sent2", std::nullopt},
    {"tcp_retransmit", std::nullopt},
    {"tcp_unack", std::nullopt},
};

}  // namespace

TimeoutPolicy default_timeouts() {
    // What ovs-vswitchd's userspace datapath uses.
    return {{30, 30, 24 * 60 * 60, 15 * 60, 45, 30, 60, 60, 30, 60, 30}};
}

Result<void> TimeoutPolicies::set(const std::string& name, const std::map<std::string, uint32_t>& seconds) {
    TimeoutPolicy policy = default_timeouts();
    for (const auto& [key, value] : seconds) {
        bool known = false;
        for (const Key& one : kKeys) {
            if (key != one.name) continue;
            known = true;
            if (one.timeout) policy.seconds[static_cast<size_t>(*one.timeout)] = value;
        }
        if (!known) {
            return Error{
                fmt::format("timeout policy {}: \"{}\" is not a timeout; there are tcp_established, "
                            "udp_single and the others "
                            "of CT_Timeout_Policy in ovs-vswitchd.conf.db(5)",
                            name, key)};
        }
    }
    auto& slot = by_name_[name];
    if (!slot) slot = std::make_shared<TimeoutPolicy>();
    *slot = policy;
    return {};
}

std::shared_ptr<const TimeoutPolicy> TimeoutPolicies::find(const std::string& name) const {
    if (!name.empty()) {
        auto it = by_name_.find(name);
        if (it != by_name_.end()) return it->second;
    }
    return default_;
}

}  // namespace weft::datapath::conntrack
