#include "controller/chassis.h"

#include <algorithm>

#include "base/log.h"

namespace weft::controller {

namespace {

namespace sb = schema::sb;
namespace vs = schema::vswitch;
using ovsdb::client::Replica;
using ovsdb::client::Transaction;

log::Module lg("chassis");

// What ovn-northd and other chassis want to know of this one.
ovsdb::StringMap chassis_other_config(const Configuration& c, const vs::OpenVSwitch& root,
                                      const vs::Bridge* bridge) {
    ovsdb::StringMap config;
    auto copy = [&](const char* key, const char* fallback = "") {
        config.set(key, std::string(chassis_option(root, c.chassis, key, fallback)));
    };
    copy("ovn-bridge-mappings");
    copy("ovn-chassis-mac-mappings");
    copy("ovn-cms-options");
    copy("ovn-monitor-all", "false");
    copy("ovn-enable-lflow-cache", "true");
    copy("ovn-limit-lflow-cache");
    copy("ovn-memlimit-lflow-cache-kb");
    copy("ovn-trim-limit-lflow-cache");
    copy("ovn-trim-wmark-perc-lflow-cache");
    copy("ovn-trim-timeout-ms");
    config.set("is-interconn", c.is_interconn ? "true" : "false");
    config.set("datapath-type", bridge ? bridge->datapath_type : "");
    std::string types;
    for (const std::string& type : root.iface_types) types += (types.empty() ? "" : ",") + type;
    config.set("iface-types", types);
    // Capabilities that ovn-northd looks for before it uses them.
    config.set("port-up-notif", "true");
    config.set("ct-no-masked-label", "true");
    config.set("mac-binding-timestamp", "true");
    config.set("ovn-ct-lb-related", "true");
    return config;
}

// `is-default` tells the others which of several addresses to use where nothing says otherwise.
ovsdb::StringMap encap_options(const Configuration& c, const std::string& ip) {
    ovsdb::StringMap options{{"csum", c.encap_csum ? "true" : "false"}};
    if (!c.encap_tos.empty() && c.encap_tos != "none") options.set("tos", c.encap_tos);
    if (!c.encap_df_default.empty()) options.set("df_default", c.encap_df_default);
    if (c.encap_ips.size() > 1 && ip == c.encap_ip_default) options.set("is-default", "true");
    return options;
}

// The chassis' encapsulation rows as configured.  What is there stays: ports refer to it.
ovsdb::Set<Uuid> keep_encaps(const Replica& southbound, const sb::Chassis* chassis, const Configuration& c,
                             Transaction& txn) {
    ovsdb::Set<Uuid> uuids;
    auto find = [&](const EncapConfiguration& each) -> std::optional<Uuid> {
        if (!chassis) return std::nullopt;
        for (const Uuid& uuid : chassis->encaps) {
            const sb::Encap* encap = southbound.find<sb::Encap>(uuid);
            if (encap && encap->type == each.type && encap->ip == each.ip) return uuid;
        }
        return std::nullopt;
    };
    for (const EncapConfiguration& each : c.encaps) {
        std::optional<Uuid> found = find(each);
        Uuid encap = found ? *found : txn.insert<sb::Encap>();
        if (!found) {
            txn.set(encap, sb::Encap::kType, each.type);
            txn.set(encap, sb::Encap::kIp, each.ip);
        }
        txn.set(encap, sb::Encap::kOptions, encap_options(c, each.ip));
        txn.set(encap, sb::Encap::kChassisName, c.chassis);
        uuids.insert(encap);
    }
    return uuids;
}

// An address belongs to one chassis: rows of a former name of this host would make every host keep a tunnel
// to it twice.
void remove_rivals(const Replica& southbound, const Configuration& c, Transaction& txn) {
    for (const sb::Encap& encap : southbound.table<sb::Encap>()) {
        if (encap.chassis_name == c.chassis) continue;
        if (!is_own_address(c, encap)) continue;
        static log::RateLimit limit(5, 5);
        if (limit.pass(lg)) {
            lg.warn(
                "'{}' already has encap ip '{}' of type {}: that chassis is taken to be a former name of "
                "this one ('{}') and removed",
                encap.chassis_name, encap.ip, encap.type, c.chassis);
        }
        remove_chassis(southbound, encap.chassis_name, txn);
    }
}

void keep_private(const Replica& southbound, const std::string& name, const Uuid& chassis, Transaction& txn) {
    const sb::ChassisPrivate* row = find_chassis_private(southbound, name);
    Uuid uuid = row ? row->uuid : txn.insert<sb::ChassisPrivate>();
    if (!row) txn.set(uuid, sb::ChassisPrivate::kName, name);
    txn.set(uuid, sb::ChassisPrivate::kChassis, chassis);
}

const sb::Chassis* find_chassis(const Replica& southbound, const std::string& name) {
    return southbound.table<sb::Chassis>().find_by(sb::Chassis::kName, name);
}

}  // namespace

const sb::ChassisPrivate* find_chassis_private(const Replica& southbound, const std::string& name) {
    return southbound.table<sb::ChassisPrivate>().find_by(sb::ChassisPrivate::kName, name);
}

bool is_own_address(const Configuration& c, const sb::Encap& encap) {
    return std::binary_search(c.encaps.begin(), c.encaps.end(), EncapConfiguration{encap.type, encap.ip});
}

void keep_chassis(const Replica& southbound, const Configuration& c, const vs::OpenVSwitch& root,
                  const vs::Bridge* bridge, Transaction& txn) {
    if (c.encaps.empty()) {
        static log::RateLimit limit(1, 1);
        if (limit.pass(lg)) lg.info("Need to specify an encap type and ip");
        return;
    }
    const sb::Chassis* chassis = find_chassis(southbound, c.chassis);
    Uuid uuid = chassis ? chassis->uuid : txn.insert<sb::Chassis>();
    if (!chassis) {
        remove_rivals(southbound, c, txn);
        txn.set(uuid, sb::Chassis::kName, c.chassis);
        txn.comment("ovn-controller: registering chassis '" + c.chassis + "'");
    }
    txn.set(uuid, sb::Chassis::kHostname, c.hostname);
    txn.set(uuid, sb::Chassis::kTransportZones, c.transport_zones);
    ovsdb::StringMap config = chassis ? chassis->other_config : ovsdb::StringMap();
    // Told only while it is configured: older controllers never do.
    for (const char* key : {"ovn-evpn-local-ip", "ovn-evpn-vxlan-ports"}) {
        std::string value(chassis_option(root, c.chassis, key));
        if (value.empty())
            config.erase(key);
        else
            config.set(key, value);
    }
    for (const auto& [key, value] : chassis_other_config(c, root, bridge)) config.set(key, value);
    txn.set(uuid, sb::Chassis::kOtherConfig, config);
    txn.set(uuid, sb::Chassis::kEncaps, keep_encaps(southbound, chassis, c, txn));
    keep_private(southbound, c.chassis, uuid, txn);
}

void remove_chassis(const Replica& southbound, const std::string& name, Transaction& txn) {
    if (const sb::ChassisPrivate* row = find_chassis_private(southbound, name))
        txn.erase<sb::ChassisPrivate>(row->uuid);
    if (const sb::Chassis* row = find_chassis(southbound, name)) txn.erase<sb::Chassis>(row->uuid);
}

}  // namespace weft::controller
