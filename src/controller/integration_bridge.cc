#include "controller/integration_bridge.h"

#include "base/log.h"

namespace weft::controller {

namespace {

namespace vs = schema::vswitch;
log::Module lg("main");

void create_bridge(const vs::OpenVSwitch& root, const Configuration& configuration,
                   ovsdb::client::Transaction& txn) {
    lg.info("integration bridge {} is not there: creating it", configuration.bridge);
    txn.comment("ovn-controller: creating integration bridge '" + configuration.bridge + "'");

    Uuid interface = txn.insert<vs::Interface>();
    txn.set(interface, vs::Interface::kName, configuration.bridge);
    txn.set(interface, vs::Interface::kType, "internal");
    Uuid port = txn.insert<vs::Port>();
    txn.set(port, vs::Port::kName, configuration.bridge);
    txn.set(port, vs::Port::kInterfaces, {interface});

    Uuid bridge = txn.insert<vs::Bridge>();
    txn.set(bridge, vs::Bridge::kName, configuration.bridge);
    txn.set(bridge, vs::Bridge::kFailMode, "secure");
    txn.set(bridge, vs::Bridge::kDatapathType,
            configuration.bridge_datapath_type.empty() ? "system" : configuration.bridge_datapath_type);
    txn.set(bridge, vs::Bridge::kOtherConfig, {{"disable-in-band", "true"}});
    txn.set(bridge, vs::Bridge::kPorts, {port});
    txn.verify(root.uuid, vs::OpenVSwitch::kBridges);
    txn.add(root.uuid, vs::OpenVSwitch::kBridges, bridge);
    txn.increment(root.uuid, vs::OpenVSwitch::kNextCfg);
}

}  // namespace

const vs::Bridge* find_bridge(const ovsdb::client::Replica& vswitch, std::string_view name) {
    return vswitch.table<vs::Bridge>().find_by(vs::Bridge::kName, std::string(name));
}

const vs::Bridge* keep_integration_bridge(const ovsdb::client::Replica& vswitch,
                                          const Configuration& configuration,
                                          ovsdb::client::Transaction& txn) {
    const vs::OpenVSwitch* root = open_vswitch_row(vswitch);
    if (!root) return nullptr;
    const vs::Bridge* bridge = find_bridge(vswitch, configuration.bridge);
    if (!bridge) {
        create_bridge(*root, configuration, txn);
        return nullptr;
    }
    const std::string& wanted = configuration.bridge_datapath_type;
    if (!wanted.empty() && bridge->datapath_type != wanted)
        txn.set(bridge->uuid, vs::Bridge::kDatapathType, wanted);
    if (bridge->fail_mode != "secure") txn.set(bridge->uuid, vs::Bridge::kFailMode, "secure");
    return bridge;
}

}  // namespace weft::controller
