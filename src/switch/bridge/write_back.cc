// What came of the configuration, written to the database.

#include <fmt/core.h>

#include "base/log.h"
#include "datapath/dummy/dummy_device.h"
#include "datapath/netdev/device_info.h"
#include "datapath/netdev/routes.h"
#include "net/directories.h"
#include "packet/address.h"
#include "switch/bridge/datapath_options.h"
#include "switch/bridge/switch.h"
#include "switch/bridge/system_statistics.h"
#include "switch/connection/connection_manager.h"

namespace weft::vswitch {

namespace db = schema::vswitch;
using ovsdb::client::CommitOutcome;

namespace {

log::Module lg("bridge");

}  // namespace

ovsdb::Map<std::string, int64_t> Switch::interface_statistics(const OfPort& port) const {
    ovsdb::Map<std::string, int64_t> out;
    auto add = [&](const char* name, uint64_t value) { out.set(name, static_cast<int64_t>(value)); };
    if (port.is_patch || port.tunnel) {
        add("rx_packets", port.counted.rx_packets);
        add("rx_bytes", port.counted.rx_bytes);
        add("tx_packets", port.counted.tx_packets);
        add("tx_bytes", port.counted.tx_bytes);
        return out;
    }
    Backer* backer = backer_of(port.bridge->name());
    if (!backer) return out;
    if (auto stats = backer->datapath().port_stats(port.dp_port)) {
        add("rx_packets", stats->rx_packets);
        add("rx_bytes", stats->rx_bytes);
        add("rx_dropped", stats->rx_dropped);
        add("rx_errors", stats->rx_errors);
        add("tx_packets", stats->tx_packets);
        add("tx_bytes", stats->tx_bytes);
        add("tx_dropped", stats->tx_dropped);
        add("tx_errors", stats->tx_errors);
    }
    if (!links_ || port.type == "internal" || port.number == openflow::kPortLocal ||
        backer->type() == "dummy") {
        return out;
    }
    if (auto device = links_->stats(port.name)) {
        add("rx_crc_err", device->rx_crc_err);
        add("rx_frame_err", device->rx_frame_err);
        add("rx_over_err", device->rx_over_err);
        add("rx_missed_errors", device->rx_missed_errors);
        add("collisions", device->collisions);
    }
    return out;
}

// No device has that name: it was looked for, and there is no route.
constexpr std::string_view kNowhere = "/";

void Switch::look_for_egress(const OfPort& port, Interface& state) const {
    state.egress = kNowhere;
    if (!port.tunnel || port.tunnel->remote_flow || !links_) return;
    const TunnelConfig& tunnel = *port.tunnel;
    auto end = [&](uint32_t v4, const packet::Ipv6Addr& v6) {
        return tunnel.v6 || v4 == 0 ? v6 : packet::map_ipv4(v4);
    };
    auto route = datapath::find_route(end(tunnel.remote, tunnel.remote6), end(tunnel.local, tunnel.local6));
    const datapath::Link* link = route ? links_->find(route->ifindex) : nullptr;
    if (link) state.egress = link->name;
}

void Switch::write_interface(ovsdb::client::Transaction& txn, const db::Interface& row, bool statistics) {
    auto it = interfaces_.find(row.name);
    if (it == interfaces_.end()) return;
    Interface& state = it->second;
    Bridge* bridge = this->bridge(state.bridge);
    OfPort* port = bridge ? bridge->port(row.name) : nullptr;
    std::optional<std::string> error;
    if (!state.error.empty()) error = state.error;
    txn.set(row.uuid, db::Interface::kError, error);
    if (!port) {
        txn.set(row.uuid, db::Interface::kOfport, std::optional<int64_t>(-1));
        txn.set(row.uuid, db::Interface::kMacInUse, std::nullopt);
        txn.set(row.uuid, db::Interface::kAdminState, std::nullopt);
        txn.set(row.uuid, db::Interface::kLinkState, std::nullopt);
        txn.set(row.uuid, db::Interface::kIfindex, std::nullopt);
        txn.set(row.uuid, db::Interface::kStatistics, {});
        txn.set(row.uuid, db::Interface::kStatus, {});
        txn.set(row.uuid, db::Interface::kBfdStatus, {});
        continuity_.write(txn, row);
        txn.set(row.uuid, db::Interface::kLacpCurrent, std::nullopt);
        return;
    }
    int64_t number = port->number == openflow::kPortLocal ? 65534 : static_cast<int64_t>(port->number);
    txn.set(row.uuid, db::Interface::kOfport, std::optional<int64_t>(number));
    txn.set(row.uuid, db::Interface::kMacInUse, std::optional<std::string>(packet::to_string(port->mac)));
    const datapath::Link* link =
        links_ && backer_of(state.bridge)->type() != "dummy" ? links_->find(row.name) : nullptr;
    bool admin_up = true, carrier = true;
    int64_t ifindex = 0;
    ovsdb::StringMap status;
    if (link) {
        admin_up = link->admin_up;
        carrier = link->carrier;
        ifindex = link->ifindex;
        txn.set(row.uuid, db::Interface::kLinkResets,
                std::optional<int64_t>(static_cast<int64_t>(link->carrier_changes)));
        if (auto info = datapath::driver_info(row.name)) {
            status.set("driver_name", info->driver);
            if (!info->version.empty()) status.set("driver_version", info->version);
            if (!info->firmware.empty()) status.set("firmware_version", info->firmware);
        }
        if (auto speed = datapath::link_speed(row.name)) {
            txn.set(row.uuid, db::Interface::kLinkSpeed,
                    std::optional<int64_t>(static_cast<int64_t>(speed->bits_per_second)));
            txn.set(row.uuid, db::Interface::kDuplex,
                    std::optional<std::string>(speed->full_duplex ? "full" : "half"));
        }
    } else if (auto* device = datapath::find_dummy_device(row.name)) {
        admin_up = device->admin_up();
        carrier = device->carrier();
        txn.set(row.uuid, db::Interface::kLinkResets, std::optional<int64_t>(0));
    } else {
        txn.set(row.uuid, db::Interface::kLinkResets, std::optional<int64_t>(0));
    }
    txn.set(row.uuid, db::Interface::kIfindex, std::optional<int64_t>(ifindex));
    txn.set(row.uuid, db::Interface::kAdminState, std::optional<std::string>(admin_up ? "up" : "down"));
    txn.set(row.uuid, db::Interface::kLinkState, std::optional<std::string>(carrier ? "up" : "down"));
    if (port->tunnel) {
        // Asking the kernel for the routes of all tunnels costs more than all else that is done when one is
        // added: once for each, and then as often as there are statistics.
        if (statistics || state.egress.empty()) look_for_egress(*port, state);
        const datapath::Link* egress =
            links_ && state.egress != kNowhere ? links_->find(state.egress) : nullptr;
        if (egress) {
            status.set("tunnel_egress_iface", egress->name);
            status.set("tunnel_egress_iface_carrier", egress->carrier ? "up" : "down");
        }
    }
    if (port->mtu > 0) txn.set(row.uuid, db::Interface::kMtu, std::optional<int64_t>(port->mtu));
    txn.set(row.uuid, db::Interface::kStatus, status);
    txn.set(row.uuid, db::Interface::kBfdStatus, monitors_.status(row.name));
    continuity_.write(txn, row);
    txn.set(row.uuid, db::Interface::kLacpCurrent, bonds_.lacp_current(*port));
    if (statistics || row.statistics.empty())
        txn.set(row.uuid, db::Interface::kStatistics, interface_statistics(*port));
}

void Switch::write_bridge(ovsdb::client::Transaction& txn, const db::Bridge& row, bool statistics) {
    Bridge* bridge = this->bridge(row.name);
    if (!bridge) return;
    txn.set(row.uuid, db::Bridge::kDatapathId,
            std::optional<std::string>(fmt::format("{:016x}", bridge->datapath_id)));
    txn.set(row.uuid, db::Bridge::kDatapathVersion, std::string("<built-in>"));
    txn.set(row.uuid, db::Bridge::kStatus, trees_.bridge_status(row.name));
    txn.set(row.uuid, db::Bridge::kRstpStatus, trees_.bridge_rstp_status(row.name));
    write_ports(txn, row, statistics);
    for (const Uuid& uuid : row.ports) {
        if (const db::Port* port = replica_->find<db::Port>(uuid))
            txn.set(uuid, db::Port::kBondActiveSlave, bonds_.active_mac(port->name));
    }
    if (!statistics) return;
    for (const Uuid& uuid : row.mirrors) {
        const db::Mirror* mirror = replica_->find<db::Mirror>(uuid);
        if (!mirror) continue;
        MirrorCounts counts = bridge->mirrored(mirror->name);
        ovsdb::Map<std::string, int64_t> out;
        out.set("tx_packets", static_cast<int64_t>(counts.packets));
        out.set("tx_bytes", static_cast<int64_t>(counts.bytes));
        txn.set(uuid, db::Mirror::kStatistics, out);
    }
}

void Switch::write_ports(ovsdb::client::Transaction& txn, const db::Bridge& row, bool statistics) {
    bool tree = trees_.speaks_stp(row.name) || trees_.speaks_rstp(row.name);
    for (const Uuid& uuid : row.ports) {
        const db::Port* port = replica_->find<db::Port>(uuid);
        if (!port || (!tree && port->status.empty() && port->rstp_status.empty())) continue;
        SpanningTrees::PortColumns columns = trees_.port_columns(row.name, port->name);
        txn.set(uuid, db::Port::kStatus, columns.status);
        txn.set(uuid, db::Port::kRstpStatus, columns.rstp_status);
        bool told = !port->statistics.empty() || !port->rstp_statistics.empty();
        if (tree && told && !statistics) continue;
        txn.set(uuid, db::Port::kStatistics, columns.statistics);
        txn.set(uuid, db::Port::kRstpStatistics, columns.rstp_statistics);
    }
}

void Switch::write_back(bool statistics) {
    if (!configured_ || !replica_->connected() || !replica_->has_lock() || committing_) {
        write_pending_ = write_pending_ || statistics;
        return;
    }
    write_pending_ = false;
    auto roots = replica_->table<db::OpenVSwitch>();
    if (roots.empty()) return;
    ovsdb::client::Transaction txn(replica_->store());
    const db::OpenVSwitch& root = *roots.begin();
    txn.set(root.uuid, db::OpenVSwitch::kCurCfg, applied_cfg_);
    if (!settings_.system_statistics)
        txn.set(root.uuid, db::OpenVSwitch::kStatistics, {});
    else if (statistics || root.statistics.empty())
        txn.set(root.uuid, db::OpenVSwitch::kStatistics, system_statistics(net::ovs_rundir()));
    ovsdb::Set<std::string> types{"ebpf", "netdev", "system"},
        interfaces{"erspan", "geneve", "gre",    "internal", "ip6erspan",
                   "ip6gre", "patch",  "system", "tap",      "vxlan"};
    if (options_.dummy != SwitchOptions::Dummy::kNone) {
        types.insert("dummy");
        interfaces.insert("dummy");
        interfaces.insert("dummy-internal");
    }
    if (!options_.system) types.erase("system");
    txn.set(root.uuid, db::OpenVSwitch::kDatapathTypes, types);
    txn.set(root.uuid, db::OpenVSwitch::kIfaceTypes, interfaces);
    txn.set(root.uuid, db::OpenVSwitch::kDpdkInitialized, false);
    txn.set(root.uuid, db::OpenVSwitch::kDpdkVersion, std::optional<std::string>("none"));
    for (const auto& [type, uuid] : root.datapaths) {
        auto backer = backers_.find(datapath_type(type));
        if (backer == backers_.end() || !replica_->find<db::Datapath>(uuid)) continue;
        txn.set(uuid, db::Datapath::kCapabilities, capabilities(backer->second->datapath().features()));
    }
    for (const db::Bridge& row : replica_->table<db::Bridge>()) write_bridge(txn, row, statistics);
    for (const db::Interface& row : replica_->table<db::Interface>()) write_interface(txn, row, statistics);
    connections_->write_status(txn, *replica_);
    discovery_.write_trunks(txn, *replica_);
    if (txn.empty()) return;
    committing_ = true;
    replica_->commit(std::move(txn), [this](const CommitOutcome& outcome) {
        committing_ = false;
        if (outcome.status == ovsdb::client::CommitStatus::kTryAgain) write_pending_ = true, loop_.wake();
        if (outcome.status == ovsdb::client::CommitStatus::kError)
            lg.warn("the database refused our status: {}", outcome.error);
    });
}

}  // namespace weft::vswitch
