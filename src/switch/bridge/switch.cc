#include "switch/bridge/switch.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "datapath/api/forwarder.h"
#include "datapath/dummy/dummy_device.h"
#include "datapath/ebpf/ebpf_datapath.h"
#include "datapath/netdev/leftovers.h"
#include "datapath/userspace/userspace_datapath.h"
#include "net/directories.h"
#include "packet/address.h"
#include "packet/extract.h"
#include "switch/bridge/contents.h"
#include "switch/bridge/datapath_options.h"
#include "switch/bridge/link_features.h"
#include "switch/bridge/mirror_rows.h"
#include "switch/bridge/thread_settings.h"
#include "switch/bridge/tunnel_options.h"
#include "switch/bridge/unserved.h"
#include "switch/connection/connection_manager.h"

namespace weft::vswitch {

namespace db = schema::vswitch;

namespace {

log::Module lg("bridge");

constexpr std::string_view kEbpf = "ebpf";

// The kernel's programs, or where they do not load the daemon alone
// (docs/decisions/0080-the-default-datapath.md).
Result<std::unique_ptr<datapath::Datapath>> create_system_datapath(net::Loop& loop, datapath::Links& links) {
    auto made = datapath::create_ebpf_datapath(loop, links, "system", "ovs-system");
    if (made) return made;
    lg.warn("the eBPF datapath cannot be used here, userspace forwards in its place: {}", made.message());
    return datapath::create_userspace_datapath(
        loop, links, "system", "ovs-system",
        fmt::format("the daemon, since the programs do not load: {}", made.message()));
}

}  // namespace

Switch::Switch(net::Loop& loop, SwitchOptions options)
    : loop_(loop),
      options_(std::move(options)),
      underlay_(loop, options_.system_routes),
      tls_(options_.tls),
      monitors_(
          loop, [this](const OfPort& port) { return backer_of(port.bridge->name()); },
          [this] { write_pending_ = true; }),
      continuity_(
          loop, [this](const OfPort& port) { return backer_of(port.bridge->name()); },
          [this] { write_pending_ = true; }),
      discovery_(loop, [this](const OfPort& port) { return backer_of(port.bridge->name()); }),
      trees_(
          loop, [this](std::string_view name) { return bridge(name); },
          [this](const OfPort& port) { return backer_of(port.bridge->name()); },
          [this] { write_pending_ = true; }),
      bonds_(
          loop, [this](const Bridge& bridge) { return backer_of(bridge.name()); },
          [this] { write_pending_ = true; }),
      exporters_(loop, [this](const Bridge& bridge) { return backer_of(bridge.name()); }),
      in_band_(loop, [this](const std::string& name) { return bridge(name); }) {
    connections_ = std::make_unique<ConnectionManager>(loop_, *this);
}

Switch::~Switch() {
    turn_.reset();
    connections_.reset();
    bonds_.clear();
    exporters_.clear();
    backers_.clear();
}

Result<void> Switch::start() {
    ovsdb::client::Replica::Options replica_options;
    std::string remote =
        options_.database.empty() ? "unix:" + net::ovs_rundir() + "/db.sock" : options_.database;
    replica_options.remotes = ovsdb::client::split_remotes(remote);
    replica_options.leader_only = false;
    replica_options.probe_interval_ms = 0;
    replica_ = std::make_unique<ovsdb::client::Replica>(loop_, db::database(), replica_options);
    monitor_contents(*replica_);
    replica_->set_lock("ovs_vswitchd");
    if (auto links = datapath::Links::create(&loop_)) {
        links_ = std::move(*links);
        links_->on_change([this](const std::string& name) {
            for (auto& [type, backer] : backers_) {
                for (auto& [bridge_name, bridge] : backer->bridges()) {
                    if (OfPort* port = bridge->port(name)) refresh_port(*port);
                }
            }
            // A device that is wished for may be there now, or one that was used may be gone.
            auto it = interfaces_.find(name);
            if (it != interfaces_.end()) {
                bool there = links_->find(name) != nullptr;
                if (it->second.retry == there) dirty_ = true;
            }
            write_pending_ = true;
        });
    } else if (options_.system) {
        return links.error();
    }
    turn_ = loop_.each_turn([this] { turn(); });
    statistics_timer_ = loop_.timer([this] {
        write_back(true);
        statistics_timer_->arm_in(settings_.statistics_interval_ms);
    });
    statistics_timer_->arm_in(settings_.statistics_interval_ms);
    replica_->start();
    return {};
}

void Switch::turn() {
    if (replica_->ready() && replica_->has_lock()) {
        had_lock_ = true;
        bool changed = take_contents_changed(*replica_);
        if (dirty_ || changed) {
            dirty_ = false;
            reconfigure();
            write_pending_ = true;
        }
    } else if (replica_->ready() && replica_->lock_contended()) {
        say_once(
            "another ovs-vswitchd process is running, disabling this process (pid unknown) until it goes "
            "away",
            true);
    }
    if (options_.dummy != SwitchOptions::Dummy::kNone) refresh_dummies();
    monitors_.run();
    continuity_.run();
    discovery_.run();
    trees_.run();
    bonds_.run();
    exporters_.run();
    if (write_pending_) write_back(false);
}

void Switch::say_once(const std::string& line, bool error) {
    if (!said_.insert(line).second) return;
    if (error)
        lg.err("{}", line);
    else
        lg.warn("{}", line);
}

std::string Switch::datapath_type(const std::string& wanted) const {
    using Dummy = SwitchOptions::Dummy;
    // "ebpf" is what "system" comes to wherever its programs load: one datapath, by two names.
    std::string type = wanted.empty() || wanted == kEbpf ? "system" : wanted;
    if (options_.dummy == Dummy::kOverride) return "dummy";
    if (type == "system" && (options_.dummy == Dummy::kSystem)) return "dummy";
    return type;
}

// `name` "": the one that carries the bridges of this type.
Result<std::unique_ptr<datapath::Datapath>> Switch::make_datapath(const std::string& type,
                                                                  const std::string& name) {
    std::string its_name = name.empty() ? "ovs-" + type : name;
    if (type == "dummy" && options_.dummy != SwitchOptions::Dummy::kNone)
        return datapath::create_dummy_datapath(loop_, its_name);
    if (type == "netdev" && links_)
        return datapath::create_userspace_datapath(loop_, *links_, type, its_name);
    if (type == "system" && links_) {
        if (!options_.system) return Error{"datapath type system is disabled (--disable-system)"};
        if (name.empty()) return create_system_datapath(loop_, *links_);
        // The programs in the kernel are the bridges'.
        return datapath::create_userspace_datapath(loop_, *links_, type, its_name);
    }
    return Error{fmt::format("unknown datapath type `{}'; there are {}system, netdev, ebpf", type,
                             options_.dummy == SwitchOptions::Dummy::kNone ? "" : "dummy, ")};
}

Result<Backer*> Switch::add_manual_datapath(const std::string& type, const std::string& name) {
    if (name.empty()) return Error{"the datapath has no name"};
    WEFT_ASSIGN(auto made, make_datapath(datapath_type(type), name));
    auto backer = std::make_unique<Backer>(loop_, type, std::move(made));
    backer->pause_revalidation(true);  // its flows are the operator's
    auto& slot = manual_datapaths_[fmt::format("{}@{}", type, name)];
    slot = std::move(backer);
    return slot.get();
}

void Switch::remove_manual_datapath(const std::string& full_name) {
    manual_datapaths_.erase(full_name);
}

Result<Backer*> Switch::backer(const std::string& type) {
    auto it = backers_.find(type);
    if (it != backers_.end()) return it->second.get();
    WEFT_ASSIGN(auto made, make_datapath(type, ""));
    auto backer = std::make_unique<Backer>(loop_, type, std::move(made));
    if (std::string forwarder = datapath::forwarder_of(backer->datapath()); !forwarder.empty())
        lg.info("{}@{}: packets are forwarded by {}", type, backer->datapath().name(), forwarder);
    backer->set_packet_in_sink([this](PacketIn packet) { connections_->packet_in(std::move(packet)); });
    backer->set_underlay(&underlay_);
    backer->set_protocol_sink(
        [this](OfPort& port, SlowPath protocol, const packet::Packet& packet, const packet::Flow& key) {
            if (protocol == SlowPath::kStp)
                trees_.received(port, packet);
            else if (protocol == SlowPath::kLacp)
                bonds_.received(port, packet);
            else if (protocol == SlowPath::kCfm)
                continuity_.received(port, packet);
            else if (protocol == SlowPath::kLldp)
                discovery_.received(port, packet);
            else
                monitors_.received(port, packet, key);
        });
    backer->set_sample_sink([this](Bridge& bridge, const UserAction& action, const datapath::Upcall& upcall,
                                   OfPort* in) { exporters_.sampled(bridge, action, upcall, in); });
    backer->datapath().on_port_change([this](datapath::PortNo) { dirty_ = true; });
    apply_settings(*backer);
    Backer* result = backer.get();
    backers_[type] = std::move(backer);
    return result;
}

Bridge* Switch::bridge(std::string_view name) const {
    for (const auto& [type, backer] : backers_) {
        if (Bridge* bridge = backer->bridge(name)) return bridge;
    }
    return nullptr;
}

Backer* Switch::backer_of(std::string_view name) const {
    for (const auto& [type, backer] : backers_) {
        if (backer->bridge(name)) return backer.get();
    }
    return nullptr;
}

std::vector<Bridge*> Switch::bridges() const {
    std::map<std::string, Bridge*> by_name;
    for (const auto& [type, backer] : backers_) {
        for (const auto& [name, bridge] : backer->bridges()) by_name[name] = bridge.get();
    }
    std::vector<Bridge*> out;
    for (auto& [name, bridge] : by_name) out.push_back(bridge);
    return out;
}

Backer* Switch::find_datapath(std::string_view name) const {
    bool alone = backers_.size() + manual_datapaths_.size() == 1;
    for (const auto* map : {&backers_, &manual_datapaths_}) {
        for (const auto& [key, backer] : *map) {
            std::string full = fmt::format("{}@{}", backer->type(), backer->datapath().name());
            if (name == full || name == backer->datapath().name() || (name.empty() && alone))
                return backer.get();
        }
    }
    return nullptr;
}

// --- the comparison

void Switch::reconfigure() {
    auto roots = replica_->table<db::OpenVSwitch>();
    const db::OpenVSwitch* root = roots.empty() ? nullptr : &*roots.begin();
    tls_.follow(root, *replica_);  // before controllers are connected to
    follow_settings(root);
    int64_t vlans = root ? ovsdb::get_int(root->other_config, "vlan-limit", 1) : 1;
    packet::set_vlan_limit(vlans > 0 ? static_cast<size_t>(vlans) : packet::kMaxVlans);
    std::map<std::string, const db::Bridge*> wanted;
    if (root) {
        for (const Uuid& uuid : root->bridges) {
            const db::Bridge* row = replica_->find<db::Bridge>(uuid);
            if (!row) continue;
            if (row->name.empty() || row->name.find('/') != std::string::npos) {
                say_once(fmt::format("ignoring bridge with invalid name \"{}\"", row->name));
                continue;
            }
            if (!wanted.emplace(row->name, row).second)
                say_once(fmt::format("bridge {} specified twice", row->name));
        }
    }
    // Bridges that are not wanted any more, or of another datapath now.
    for (auto it = bridge_types_.begin(); it != bridge_types_.end();) {
        auto row = wanted.find(it->first);
        if (row != wanted.end() && datapath_type(row->second->datapath_type) == it->second) {
            ++it;
            continue;
        }
        std::vector<std::string> names;
        for (const auto& [name, interface] : interfaces_) {
            if (interface.bridge == it->first) names.push_back(name);
        }
        for (const std::string& name : names) remove_interface(name);
        internal_mtus_.erase(it->first);
        trees_.remove_bridge(it->first);
        connections_->remove_bridge(it->first);
        in_band_.remove_bridge(it->first);
        if (Bridge* bridge = this->bridge(it->first)) {
            bonds_.remove_bridge(*bridge);
            exporters_.remove_bridge(*bridge);
        }
        backers_[it->second]->remove_bridge(it->first);
        it = bridge_types_.erase(it);
    }
    // Ports move between bridges: those that go must be gone before they come.
    std::map<std::string, std::string> place;  // interface -> bridge
    for (const auto& [name, row] : wanted) {
        place.emplace(name, name);
        for (const Uuid& port_uuid : row->ports) {
            const db::Port* port = replica_->find<db::Port>(port_uuid);
            if (!port) continue;
            for (const Uuid& uuid : port->interfaces) {
                if (auto* interface = replica_->find<db::Interface>(uuid))
                    place.emplace(interface->name, name);
            }
        }
    }
    std::vector<std::string> gone;
    for (const auto& [name, interface] : interfaces_) {
        auto it = place.find(name);
        if (it == place.end() || it->second != interface.bridge) gone.push_back(name);
    }
    for (const std::string& name : gone) remove_interface(name);

    for (const auto& [name, row] : wanted) {
        std::string type = datapath_type(row->datapath_type);
        auto backer = this->backer(type);
        if (!backer) {
            say_once(fmt::format("failed to create bridge {}: {}", name, backer.message()), true);
            continue;
        }
        Bridge* bridge = (*backer)->bridge(name);
        bool fresh = !bridge;
        if (fresh) {
            bridge = &(*backer)->add_bridge(name);
            bridge_types_[name] = type;
        }
        configure_bridge(*row, *bridge, **backer);
        connections_->configure(*row, *bridge, **backer, *replica_, fresh);
    }
    for (const auto& [type, backer] : backers_) {
        const Uuid* uuid = root ? root->datapaths.find(type) : nullptr;
        if (root && !uuid && type == "system") uuid = root->datapaths.find(std::string(kEbpf));
        configure_zones(*replica_, uuid ? replica_->find<db::Datapath>(*uuid) : nullptr, *backer);
    }
    if (root) applied_cfg_ = root->next_cfg;
    if (!configured_) {
        configured_ = true;
        if (on_configured_) on_configured_();
    }
}

void Switch::follow_settings(const db::OpenVSwitch* root) {
    std::vector<std::string> warnings;
    SwitchSettings settings;
    if (root) settings = parse_switch_settings(root->other_config, warnings);
    if (configured_ && !settings_.restoring_flows)
        settings.restoring_flows = false;  // only from the start on
    for (const std::string& line : unserved_settings(*replica_)) warnings.push_back(line);
    for (const std::string& line : warnings) say_once(line);
    if (settings == settings_) return;
    SwitchSettings before = std::exchange(settings_, settings);
    if (settings.statistics_interval_ms != before.statistics_interval_ms)
        statistics_timer_->arm_in(settings.statistics_interval_ms);
    for (const auto& [type, backer] : backers_) apply_settings(*backer);
    connections_->hold(settings.restoring_flows);
    connections_->set_bundle_idle(settings.bundle_idle_ms);
}

void Switch::apply_settings(Backer& backer) const {
    backer.set_flow_limit(settings_.flow_limit);
    backer.max_idle_ms = settings_.max_idle_ms;
    backer.revalidation_ms = settings_.revalidation_ms;
    backer.set_waiting(settings_.restoring_flows);
    if (auto* threads = packet_threads(backer)) threads->set_packet_threads(settings_.packet_threads);
}

void Switch::configure_bridge(const db::Bridge& row, Bridge& bridge, Backer& backer) {
    FailMode fail_mode =
        row.fail_mode && *row.fail_mode == "secure" ? FailMode::kSecure : FailMode::kStandalone;
    bridge.fail_mode = fail_mode;
    bool forward_bpdu = ovsdb::get_bool(row.other_config, "forward-bpdu");
    if (std::exchange(bridge.forward_bpdu, forward_bpdu) != forward_bpdu) bridge.touch();
    int64_t aging = ovsdb::get_int(row.other_config, "mac-aging-time", 300);
    int64_t size = ovsdb::get_int(row.other_config, "mac-table-size", 8192);
    bridge.mac_table.set_limits(std::clamp<int64_t>(aging, 15, 3600),
                                static_cast<size_t>(std::clamp<int64_t>(size, 10, 1000000)));
    bridge.dp_desc = ovsdb::get_string(row.other_config, "dp-desc");
    bridge.serial_desc = ovsdb::get_string(row.other_config, "dp-sn");
    configure_multicast(row, bridge);
    configure_tables(row, bridge);

    std::set<std::string> bundles;
    bool has_local = false;
    // The bridge's own port first: it must be there before others take its name.
    std::vector<const db::Port*> ports;
    for (const Uuid& uuid : row.ports) {
        const db::Port* port = replica_->find<db::Port>(uuid);
        if (!port) continue;
        if (port->name == row.name)
            has_local = true, ports.insert(ports.begin(), port);
        else
            ports.push_back(port);
    }
    std::sort(ports.begin() + (has_local ? 1 : 0), ports.end(),
              [](auto* a, auto* b) { return a->name < b->name; });
    db::Port local_port;
    if (!has_local) {
        local_port.name = row.name;
        ports.insert(ports.begin(), &local_port);
    }
    const db::AutoAttach* attach =
        row.auto_attach ? replica_->find<db::AutoAttach>(*row.auto_attach) : nullptr;
    for (const db::Port* port : ports) {
        bundles.insert(port->name);
        configure_port(*port, bridge, backer, attach);
    }
    std::vector<std::string> gone;
    for (const auto& [name, bundle] : bridge.bundles()) {
        if (!bundles.contains(name)) gone.push_back(name);
    }
    for (const std::string& name : gone) {
        bonds_.remove_bundle(bridge, name);
        bridge.remove_bundle(name);
    }
    choose_local_mac(row, bridge);
    follow_mtus(bridge);
    for (const db::Port* port : ports) configure_bond(*port, bridge);
    std::vector<std::string> warnings;
    exporters_.configure(row, bridge, *replica_, warnings);
    bridge.set_mirrors(read_mirrors(row, *replica_, warnings));
    trees_.configure(row, bridge, ports, warnings);
    in_band_.configure(row, bridge, *replica_, warnings);
    for (const std::string& line : warnings) say_once(line);
    std::bitset<4096> flooded;
    for (int64_t vlan : row.flood_vlans) flooded.set(static_cast<size_t>(vlan));
    if (flooded != bridge.flood_vlans) {
        bridge.flood_vlans = flooded;
        bridge.mac_table.flush();
        bridge.touch();
    }
}

void Switch::configure_multicast(const db::Bridge& row, Bridge& bridge) {
    MulticastTable& table = bridge.multicast;
    table.set_enabled(row.mcast_snooping_enable);
    int64_t aging = ovsdb::get_int(row.other_config, "mcast-snooping-aging-time", 300);
    int64_t size = ovsdb::get_int(row.other_config, "mcast-snooping-table-size", 2048);
    table.set_limits(std::clamp<int64_t>(aging, 15, 3600),
                     static_cast<size_t>(std::clamp<int64_t>(size, 10, 1'000'000)));
    table.set_flood_unregistered(
        !ovsdb::get_bool(row.other_config, "mcast-snooping-disable-flood-unregistered"));
}

void Switch::configure_tables(const db::Bridge& row, Bridge& bridge) {
    for (size_t i = 0; i < kInternalTable; ++i) {
        FlowTable& table = bridge.table(static_cast<uint8_t>(i));
        const Uuid* uuid = row.flow_tables.find(static_cast<int64_t>(i));
        const db::FlowTable* config = uuid ? replica_->find<db::FlowTable>(*uuid) : nullptr;
        bool named = config && config->name;
        if (named || table.named) table.name = named ? *config->name : "";  // else what controllers chose
        table.named = named;
        table.max_flows =
            config && config->flow_limit ? static_cast<uint32_t>(*config->flow_limit) : UINT32_MAX;
        table.evict = config && config->overflow_policy && *config->overflow_policy == "evict";
    }
}

void Switch::configure_port(const db::Port& port, Bridge& bridge, Backer& backer,
                            const db::AutoAttach* attach) {
    std::vector<std::string> warnings;
    Bundle& bundle = bridge.bundle(port.name);
    VlanConfig vlan = parse_vlan_options(port, warnings);
    if (!(bundle.vlan == vlan) || bundle.is_protected != port.protected_) {
        backer.pull_statistics();  // or what earlier packets teach would be learnt after it is forgotten
        bundle.vlan = vlan;
        bundle.is_protected = port.protected_;
        bridge.forget_learnt(&bundle);
        bridge.touch();
    }
    bool flood = ovsdb::get_bool(port.other_config, "mcast-snooping-flood");
    bool flood_reports = ovsdb::get_bool(port.other_config, "mcast-snooping-flood-reports");
    if (bundle.multicast_flood != flood || bundle.multicast_flood_reports != flood_reports) {
        bundle.multicast_flood = flood;
        bundle.multicast_flood_reports = flood_reports;
        bridge.touch();
    }
    for (const std::string& line : warnings) say_once(line);

    db::Interface local;
    std::vector<const db::Interface*> rows;
    for (const Uuid& uuid : port.interfaces) {
        if (auto* row = replica_->find<db::Interface>(uuid)) rows.push_back(row);
    }
    if (rows.empty() && port.name == bridge.name()) {
        local.name = bridge.name();
        local.type = "internal";
        rows.push_back(&local);
    }
    // Interfaces that are another port's now.
    std::erase_if(bundle.members, [&](OfPort* member) {
        bool stays =
            std::any_of(rows.begin(), rows.end(), [&](auto* row) { return row->name == member->name; });
        if (stays) return false;
        bonds_.remove_port(*member);
        member->bundle = nullptr;
        bridge.mac_table.forget(&bundle);
        bridge.touch();
        return true;
    });
    for (const db::Interface* row : rows) {
        std::optional<packet::EthAddr> mac = row->mac ? packet::parse_eth(*row->mac) : std::nullopt;
        int mtu_request = static_cast<int>(std::clamp<int64_t>(row->mtu_request.value_or(0), 0, INT32_MAX));
        auto it = interfaces_.find(row->name);
        if (it != interfaces_.end()) {
            Interface& have = it->second;
            bool device_gone = have.error.empty() && row->type != "patch" && !is_tunnel_type(row->type) &&
                               links_ && backer.type() != "dummy" && !links_->find(row->name);
            bool renumber = row->ofport_request && have.number && *row->ofport_request != have.number &&
                            !bridge.port(static_cast<uint32_t>(*row->ofport_request));
            // A tunnel that was refused may have room now.
            bool retry = (have.retry && links_ && links_->find(row->name)) ||
                         (!have.error.empty() && is_tunnel_type(row->type));
            if (have.type == row->type && have.options == row->options && !device_gone && !retry &&
                !renumber && have.mac == mac) {
                if (OfPort* of_port = bridge.port(row->name); of_port && of_port->bundle != &bundle) {
                    if (of_port->bundle) {
                        bonds_.remove_port(*of_port);
                        std::erase(of_port->bundle->members, of_port);
                    }
                    of_port->bundle = &bundle;
                    bundle.members.push_back(of_port);
                }
                have.mtu_request = mtu_request;
                configure_monitors(*row, bridge, attach);
                continue;
            }
            remove_interface(row->name);
        }
        Interface state;
        state.bridge = bridge.name();
        state.type = row->type;
        state.options = row->options;
        state.mac = mac;
        state.mtu_request = mtu_request;
        auto added = add_interface(*row, bridge, backer, state);
        if (!added) {
            state.error = added.message();
            say_once(state.error);
        } else if (OfPort* of_port = bridge.port(row->name)) {
            of_port->bundle = &bundle;
            bundle.members.push_back(of_port);
            backer.map_port(*of_port);
            lg.info("bridge {}: added interface {} on port {}", bridge.name(), row->name, of_port->number);
        }
        interfaces_[row->name] = std::move(state);
        configure_monitors(*row, bridge, attach);
    }
}

void Switch::configure_bond(const db::Port& port, Bridge& bridge) {
    Bundle* bundle = bridge.find_bundle(port.name);
    if (!bundle) return;
    std::vector<const db::Interface*> rows;
    for (const Uuid& uuid : port.interfaces) {
        if (auto* row = replica_->find<db::Interface>(uuid)) rows.push_back(row);
    }
    std::vector<std::string> warnings;
    bonds_.configure(port, rows, *bundle, bridge, warnings);
    shaping_.configure(port, *bundle, bridge, *replica_, warnings);
    for (const std::string& line : warnings) say_once(line);
}

void Switch::configure_monitors(const db::Interface& row, Bridge& bridge, const db::AutoAttach* attach) {
    OfPort* port = bridge.port(row.name);
    if (!port) return;
    std::vector<std::string> warnings;
    monitors_.configure(*port, row.bfd, warnings);
    continuity_.configure(*port, row, warnings);
    discovery_.configure(*port, row, attach);
    if (Backer* backer = backer_of(bridge.name())) {
        shaping_.police(row, *port, *backer, warnings);
        pin_queues(row, *port, *backer, warnings);
    }
    for (const std::string& line : warnings) say_once(line);
}

uint32_t Switch::wanted_number(const db::Interface& row, const Bridge& bridge) const {
    if (row.name == bridge.name()) return openflow::kPortLocal;
    auto usable = [&](const std::optional<int64_t>& number) {
        return number && *number > 0 && *number < openflow::kPortMax10 &&
               !bridge.port(static_cast<uint32_t>(*number));
    };
    if (usable(row.ofport_request)) return static_cast<uint32_t>(*row.ofport_request);
    if (usable(row.ofport))
        return static_cast<uint32_t>(*row.ofport);  // what it had before we were restarted
    // Not one that another row asks for or had.
    std::set<int64_t> reserved;
    for (const db::Interface& other : replica_->table<db::Interface>()) {
        if (other.ofport_request) reserved.insert(*other.ofport_request);
        if (other.ofport) reserved.insert(*other.ofport);
    }
    for (;;) {
        uint32_t number = bridge.free_port_number();
        if (number == openflow::kPortNone || !reserved.contains(number)) return number;
    }
}

Result<datapath::PortNo> Switch::tunnel_vport(Backer& backer, const TunnelConfig& config, std::string& name) {
    std::string_view type = datapath::port_type_name(config.type);
    name = config.type == datapath::PortType::kGre      ? "gre_sys"
           : config.type == datapath::PortType::kErspan ? "erspan_sys"
           : config.type == datapath::PortType::kGeneve ? fmt::format("genev_sys_{}", config.dst_port)
                                                        : fmt::format("{}_sys_{}", type, config.dst_port);
    std::string key = backer.type() + "/" + name;
    auto existing = backer.datapath().find_port(name);
    if (existing) {
        ++vports_[key];
        return existing->number;
    }
    datapath::PortSpec spec;
    spec.name = name;
    spec.type = config.type;
    spec.tunnel_port = config.dst_port;
    if (backer.type() == "dummy")
        spec.number = config.dst_port                              ? config.dst_port
                      : config.type == datapath::PortType::kErspan ? 1001u
                                                                   : 1000u;
    WEFT_ASSIGN(datapath::PortNo number, backer.datapath().add_port(spec));
    ++vports_[key];
    return number;
}

void Switch::release_vport(Backer& backer, const std::string& name) {
    auto it = vports_.find(backer.type() + "/" + name);
    if (it == vports_.end() || --it->second > 0) return;
    vports_.erase(it);
    if (auto port = backer.datapath().find_port(name)) (void)backer.datapath().delete_port(port->number);
}

Result<void> Switch::add_interface(const db::Interface& row, Bridge& bridge, Backer& backer,
                                   Interface& state) {
    OfPort port;
    port.name = row.name;
    port.type = row.type;
    port.number = wanted_number(row, bridge);
    port.created_ms = clock::monotonic_ms();
    if (port.number == openflow::kPortNone)
        return Error{fmt::format("{}: no OpenFlow port number is left", row.name)};
    bool local = row.name == bridge.name();
    bool dummy = backer.type() == "dummy";
    std::string type = local ? "internal" : row.type.empty() ? "system" : row.type;
    if (type == "patch") {
        const std::string* peer = row.options.find("peer");
        if (!peer || peer->empty())
            return Error{fmt::format("{}: patch type requires valid 'peer' argument", row.name)};
        if (*peer == row.name) return Error{fmt::format("{}: patch peer must not be self", row.name)};
        port.is_patch = true;
        port.peer_name = *peer;
        Uuid random = Uuid::random();
        std::copy_n(random.bytes.begin(), 6, port.mac.begin());
        port.mac[0] = static_cast<uint8_t>((port.mac[0] & 0xfe) | 2);
    } else if (is_tunnel_type(type)) {
        std::vector<std::string> warnings;
        WEFT_ASSIGN(TunnelConfig config, parse_tunnel_options(row.name, type, row.options, warnings));
        for (const std::string& line : warnings) say_once(line);
        if (!options_.system_routes && !dummy) {
            return Error{fmt::format(
                "{}: tunnels follow the host's routes, which --disable-system-route forbids", row.name)};
        }
        WEFT_TRY(fits_beside(row.name, config, backer.tunnels().ports()));
        WEFT_ASSIGN(port.dp_port, tunnel_vport(backer, config, state.vport));
        port.tunnel = config;
        Uuid random = Uuid::random();
        std::copy_n(random.bytes.begin(), 6, port.mac.begin());
        port.mac[0] = static_cast<uint8_t>((port.mac[0] & 0xfe) | 2);
        for (OfPort* other : backer.tunnels().ports()) {
            OfPort probe = port;
            TunnelConfig a = *other->tunnel, b = *probe.tunnel;
            if (other->dp_port == port.dp_port && a.in_key == b.in_key && a.in_key_flow == b.in_key_flow &&
                a.remote == b.remote && a.remote6 == b.remote6 && a.remote_flow == b.remote_flow &&
                a.packets == b.packets && a.local == b.local && a.local6 == b.local6 &&
                a.local_flow == b.local_flow) {
                release_vport(backer, state.vport);
                return Error{fmt::format("{}: attempting to add tunnel port with same config as port '{}'",
                                         row.name, other->name)};
            }
        }
    } else {
        datapath::PortSpec spec;
        spec.name = row.name;
        if (dummy &&
            (type == "dummy" || type == "system" || type == "internal" || type == "dummy-internal")) {
            bool internal = type == "internal" || type == "dummy-internal";
            spec.type = internal ? datapath::PortType::kInternal : datapath::PortType::kDummy;
            for (const auto& [key, value] : row.options) spec.options[key] = value;
            // pN is datapath port N, and internal ports are from 100 on: tests rely on it.
            size_t digits = row.name.find_last_not_of("0123456789");
            if (!internal && digits != std::string::npos && digits + 1 < row.name.size()) {
                unsigned long number = std::strtoul(row.name.c_str() + digits + 1, nullptr, 10);
                if (number && number < 65536 &&
                    !backer.datapath().find_port(static_cast<datapath::PortNo>(number))) {
                    spec.number = static_cast<datapath::PortNo>(number);
                }
            }
            if (spec.number == datapath::kNoPort && internal) {
                for (datapath::PortNo n = 100; n < 65536; ++n) {
                    if (!backer.datapath().find_port(n)) {
                        spec.number = n;
                        break;
                    }
                }
            }
        } else if (type == "internal" || type == "tap") {
            spec.type = datapath::PortType::kInternal;
        } else if (type == "system" || type == "afxdp") {
            spec.type = type == "afxdp" ? datapath::PortType::kAfxdp : datapath::PortType::kSystem;
            for (const auto& [key, value] : row.options) spec.options[key] = value;
            if (!links_ || !links_->find(row.name)) {
                state.retry = true;
                return Error{fmt::format("could not open network device {} (No such device)", row.name)};
            }
        } else {
            return Error{fmt::format(
                "could not open network device {} (Address family not supported by protocol)", row.name)};
        }
        if (state.mac) spec.mac = *state.mac;
        spec.mtu = state.mtu_request;
        // A port of that name that is there already (ours of before, or the datapath's) is taken over.
        if (auto existing = backer.datapath().find_port(row.name)) {
            port.dp_port = existing->number;
        } else {
            WEFT_ASSIGN(port.dp_port, backer.datapath().add_port(spec));
        }
    }
    state.number = port.number;
    OfPort& added = bridge.add_port(std::move(port));
    refresh_port(added);
    return {};
}

void Switch::remove_interface(const std::string& name) {
    auto it = interfaces_.find(name);
    if (it == interfaces_.end()) return;
    Interface state = std::move(it->second);
    interfaces_.erase(it);
    Bridge* bridge = this->bridge(state.bridge);
    Backer* backer = backer_of(state.bridge);
    if (!bridge || !backer) return;
    OfPort* port = bridge->port(name);
    if (!port) return;
    lg.info("bridge {}: deleted interface {} on port {}", bridge->name(), name, port->number);
    datapath::PortNo dp_port = port->dp_port;
    bool device = !port->is_patch && !port->tunnel;
    monitors_.remove(*port);
    continuity_.remove(*port);
    discovery_.remove(*port);
    bonds_.remove_port(*port);
    shaping_.remove_port(*port);
    backer->unmap_port(*port);
    bridge->remove_port(port->number);
    if (device && dp_port != datapath::kNoPort) (void)backer->datapath().delete_port(dp_port);
    if (!state.vport.empty()) release_vport(*backer, state.vport);
}

// What the device says of itself: address, MTU, state.
void Switch::refresh_port(OfPort& port) {
    OfPort before = port;
    if (!port.is_patch && !port.tunnel) {
        if (auto* device = datapath::find_dummy_device(port.name)) {
            port.mac = device->mac();
            port.mtu = device->mtu();
            port.state = device->carrier() ? 0 : kPortStateLinkDown;
            if (device->admin_up())
                port.config &= ~kPortConfigDown;
            else
                port.config |= kPortConfigDown;
        } else if (const datapath::Link* link = links_ ? links_->find(port.name) : nullptr) {
            port.mac = link->mac;
            port.mtu = link->mtu;
            port.ifindex = static_cast<uint32_t>(link->ifindex);
            auto modes = datapath::link_modes(port.name);
            port.features = modes ? features_of(*modes) : LinkFeatures{};
            port.state = link->carrier ? 0 : kPortStateLinkDown;
            if (port.state != before.state) bonds_.carrier_changed(port);
            if (link->admin_up)
                port.config &= ~kPortConfigDown;
            else
                port.config |= kPortConfigDown;
        }
        if (port.number == openflow::kPortLocal) port.bridge->local_mac = port.mac;
    }
    if (before.mtu != port.mtu) dirty_ = true;  // internal ports follow
    if (before.state != port.state || before.config != port.config || before.mac != port.mac ||
        before.features != port.features) {
        port.bridge->port_changed(port);
        trees_.ports_changed();
        write_pending_ = true;
    }
}

namespace {

// Sixteen hexadecimal digits, or 0x and at most as many; not zero.
std::optional<uint64_t> parse_datapath_id(std::string_view text) {
    bool prefixed = text.starts_with("0x");
    if (prefixed) text.remove_prefix(2);
    if (text.size() > 16 || (!prefixed && text.size() != 16)) return std::nullopt;
    uint64_t id = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
    if (error != std::errc() || end != text.data() + text.size() || !id) return std::nullopt;
    return id;
}

}  // namespace

// other_config:hwaddr, else the lowest globally unique address among the ports, else what the device came
// with.
void Switch::choose_local_mac(const db::Bridge& row, Bridge& bridge) {
    OfPort* local = bridge.port(openflow::kPortLocal);
    if (local) bridge.local_mac = local->mac;
    std::optional<packet::EthAddr> wanted;
    if (const std::string* text = row.other_config.find("hwaddr")) wanted = packet::parse_eth(*text);
    if (!wanted) {
        for (const auto& [number, port] : bridge.ports()) {
            if (number == openflow::kPortLocal || port->is_patch || port->tunnel || port->type == "internal")
                continue;
            if ((port->mac[0] & 3) || packet::is_zero(port->mac)) continue;  // multicast or made up
            if (!wanted || port->mac < *wanted) wanted = port->mac;
        }
    }
    if (wanted && *wanted != bridge.local_mac && local) {
        if (auto* device = datapath::find_dummy_device(local->name))
            device->set_mac(*wanted);
        else if (links_) {
            if (auto set = links_->set_mac(local->name, *wanted); !set) say_once(set.message());
        }
        bridge.local_mac = *wanted;
        refresh_port(*local);
        bridge.local_mac = *wanted;
    }
    uint64_t id = 0;
    for (uint8_t byte : bridge.local_mac) id = id << 8 | byte;
    std::string_view configured = ovsdb::get_string(row.other_config, "datapath-id");
    if (!configured.empty()) {
        auto given = parse_datapath_id(configured);
        if (given) id = *given;
    }
    bridge.datapath_id = id;
}

std::string Switch::device_type(const OfPort& port) const {
    if (port.is_patch) return "patch";
    if (port.tunnel) return std::string(datapath::port_type_name(port.tunnel->type));
    Backer* backer = backer_of(port.bridge->name());
    bool dummy = backer && backer->type() == "dummy";
    if (port.number == openflow::kPortLocal || port.type == "internal")
        return dummy ? "dummy-internal" : backer && backer->type() == "netdev" ? "tap" : "internal";
    return dummy ? "dummy" : port.type.empty() ? "system" : port.type;
}

std::string Switch::port_options(const OfPort& port) const {
    auto it = interfaces_.find(port.name);
    std::string out;
    if (it == interfaces_.end() || (!port.is_patch && !port.tunnel)) return out;
    for (const auto& [key, value] : it->second.options) out += (out.empty() ? "" : ", ") + key + "=" + value;
    return out;
}

void Switch::set_port_up(const OfPort& port, bool up) {
    if (port.is_patch || port.tunnel) return;
    if (auto* device = datapath::find_dummy_device(port.name))
        device->set_admin_up(up);
    else if (links_)
        (void)links_->set_up(port.name, up);
}

void Switch::clean_up() {
    std::vector<std::string> names;
    for (const auto& [name, interface] : interfaces_) names.push_back(name);
    for (const std::string& name : names) remove_interface(name);
    for (auto& [type, backer] : backers_) {
        for (const datapath::PortInfo& port : backer->datapath().ports())
            (void)backer->datapath().delete_port(port.number).ok();
    }
    if (links_) datapath::remove_leftovers(*links_);
}

}  // namespace weft::vswitch
