#include "switch/bridge/switch_settings.h"

#include <fmt/core.h>

#include <algorithm>

#include "switch/bridge/thread_settings.h"

namespace weft::vswitch {

namespace {

struct Without {
    std::string_view prefix, why;
};
constexpr std::string_view kNoDpdk = "there is no DPDK here", kOneThread = "flows have one thread here",
                           kNoCache = "the datapath has its own cache";
constexpr Without kWithout[] = {
    {"dpdk-", kNoDpdk},
    {"per-port-memory", kNoDpdk},
    {"shared-mempool-config", kNoDpdk},
    {"vhost-", kNoDpdk},
    {"hw-offload", "there is no offload to hardware here; datapath_type=system forwards in the kernel"},
    {"offload-rebalance", "there is no offload to hardware here"},
    {"n-offload-threads", "there is no offload to hardware here"},
    {"tc-policy", "there is no offload to hardware here"},
    {"n-handler-threads", kOneThread},
    {"n-revalidator-threads", kOneThread},
    {"pmd-auto-lb", "ovs-appctl dpif-netdev/pmd-rxq-rebalance spreads queues anew"},
    {"pmd-perf-metrics", "what single rounds of packet threads did is not recorded"},
    {"tx-flush-interval", "packets leave with the batch that they came in"},
    {"emc-", kNoCache},
    {"smc-enable", kNoCache},
};

}  // namespace

SwitchSettings parse_switch_settings(const ovsdb::StringMap& other_config,
                                     std::vector<std::string>& warnings) {
    SwitchSettings out;
    out.statistics_interval_ms =
        std::max<int64_t>(5000, ovsdb::get_int(other_config, "stats-update-interval", 5000));
    out.flow_limit =
        static_cast<size_t>(std::max<int64_t>(0, ovsdb::get_int(other_config, "flow-limit", 200000)));
    out.max_idle_ms = std::max<int64_t>(500, ovsdb::get_int(other_config, "max-idle", 10000));
    int64_t look = std::max<int64_t>(100, ovsdb::get_int(other_config, "max-revalidator", 500));
    out.revalidation_ms = std::min(out.max_idle_ms, look);
    int64_t bundle_idle = ovsdb::get_int(other_config, "bundle-idle-timeout", 0);
    if (bundle_idle > 0) out.bundle_idle_ms = std::min<int64_t>(bundle_idle, INT32_MAX) * 1000;
    out.system_statistics = ovsdb::get_bool(other_config, "enable-statistics");
    out.restoring_flows = ovsdb::get_bool(other_config, "flow-restore-wait");
    out.packet_threads = parse_thread_settings(other_config, warnings);
    for (const auto& [key, value] : other_config) {
        if (value == "false") continue;
        for (const auto& [prefix, why] : kWithout) {
            if (key.starts_with(prefix))
                warnings.push_back(fmt::format("other_config:{} says nothing: {}", key, why));
        }
    }
    return out;
}

}  // namespace weft::vswitch
