#include "switch/bridge/datapath_options.h"

#include <fmt/core.h>

#include "base/log.h"

namespace weft::vswitch {

namespace db = schema::vswitch;

namespace {

log::Module lg("bridge");

}  // namespace

void configure_zones(const ovsdb::client::Replica& replica, const db::Datapath* row, Backer& backer) {
    datapath::ConnectionTable* table = backer.datapath().connections();
    if (!table) return;
    std::map<uint16_t, std::map<std::string, uint32_t>> policies;
    std::map<uint16_t, uint32_t> limits;
    std::optional<uint32_t> default_limit;
    if (row) {
        if (row->ct_zone_default_limit) default_limit = static_cast<uint32_t>(*row->ct_zone_default_limit);
        for (const auto& [number, uuid] : row->ct_zones) {
            auto zone = static_cast<uint16_t>(number);
            const auto* config = replica.find<db::CTZone>(uuid);
            if (!config) continue;
            if (config->limit) limits[zone] = static_cast<uint32_t>(*config->limit);
            const auto* policy =
                config->timeout_policy ? replica.find<db::CTTimeoutPolicy>(*config->timeout_policy) : nullptr;
            if (!policy) continue;
            auto& timeouts = policies[zone];
            for (const auto& [name, seconds] : policy->timeouts)
                timeouts[std::string(name)] = static_cast<uint32_t>(seconds);
        }
    }
    backer.set_zone_limits(default_limit, limits);
    if (auto result = backer.set_zone_timeouts(std::move(policies)); !result) lg.warn("{}", result.message());
}

ovsdb::StringMap capabilities(const datapath::Datapath::Features& f) {
    ovsdb::StringMap out;
    auto flag = [&](const char* name, bool on) { out.set(name, on ? "true" : "false"); };
    auto number = [&](const char* name, int value) { out.set(name, fmt::format("{}", value)); };
    number("max_vlan_headers", f.max_vlan_headers);
    number("max_mpls_depth", f.max_mpls_depth);
    number("max_hash_alg", f.max_hash_algorithm);
    flag("recirc", f.recirculation);
    flag("lb_output_action", f.lb_output);
    for (const char* name : {"ct_state", "ct_state_nat", "ct_zone", "ct_mark", "ct_label", "ct_orig_tuple",
                             "ct_orig_tuple6", "ct_flush"}) {
        flag(name, f.ct);
    }
    flag("ct_eventmask", f.ct_eventmask);
    flag("ct_clear", f.ct_clear);
    flag("ct_timeout", f.ct_timeout);
    flag("ct_zero_snat", f.ct_zero_snat);
    flag("masked_set_action", f.masked_set);
    flag("tnl_push_pop", f.tunnel_push_pop);
    flag("ufid", f.ufid);
    flag("trunc", f.truncate);
    flag("nd_ext", true);
    flag("clone", f.clone);
    out.set("sample_nesting", f.sample_nesting ? "10" : "0");
    flag("check_pkt_len", f.check_pkt_len);
    flag("explicit_drop_action", f.explicit_drop);
    flag("add_mpls", false);
    return out;
}

}  // namespace weft::vswitch
