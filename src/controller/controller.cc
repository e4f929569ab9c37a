#include "controller/controller.h"

#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/version.h"
#include "controller/chassis.h"
#include "controller/ct_zone_limits.h"
#include "controller/egress_qos.h"
#include "controller/evpn_tunnels.h"
#include "controller/ha_chassis.h"
#include "controller/integration_bridge.h"
#include "controller/local_datapaths.h"
#include "controller/local_feed.h"
#include "controller/mirrors.h"
#include "controller/patch_ports.h"
#include "controller/physical/action_builder.h"
#include "controller/southbound_feed.h"
#include "controller/tunnel_bfd.h"
#include "controller/tunnels.h"

namespace weft::controller {

namespace {

namespace sb = schema::sb;
namespace vs = schema::vswitch;
using ovsdb::client::Replica;
using ovsdb::client::Transaction;

log::Module lg("main");

// Of the steps of a turn, by the names that scripts know.
metrics::Stopwatch generation_watch("flow-generation"), installation_watch("flow-installation"),
    pinctrl_watch("pinctrl-run");

constexpr int64_t kSessionComesUpMs = 5000;  // of BFD between chassis that have just met
constexpr int64_t kProven = -1;

void monitor_vswitch(Replica& vswitch) {
    vswitch.monitor<vs::OpenVSwitch>();
    vswitch.monitor(vs::Bridge::kName, vs::Bridge::kPorts, vs::Bridge::kFailMode, vs::Bridge::kDatapathType,
                    vs::Bridge::kOtherConfig, vs::Bridge::kExternalIds, vs::Bridge::kMirrors);
    vswitch.monitor(vs::Mirror::kName, vs::Mirror::kSelectSrcPort, vs::Mirror::kSelectDstPort,
                    vs::Mirror::kOutputPort, vs::Mirror::kExternalIds);
    vswitch.monitor(vs::Port::kName, vs::Port::kInterfaces, vs::Port::kExternalIds, vs::Port::kQos);
    vswitch.monitor<vs::QoS>();
    vswitch.monitor<vs::Queue>();
    vswitch.monitor<vs::SSL>();
    vswitch.monitor(vs::Datapath::kCtZones);
    vswitch.monitor<vs::CTZone>();
    vswitch.monitor(vs::Interface::kName, vs::Interface::kType, vs::Interface::kOptions,
                    vs::Interface::kExternalIds, vs::Interface::kOfport, vs::Interface::kBfd,
                    vs::Interface::kBfdStatus, vs::Interface::kMtuRequest);
    vswitch.add_index(vs::Bridge::kName);
    vswitch.add_index(vs::Port::kName);
}

// Sets an input's values to exactly these.  `before`: those that this made it last time.
template <typename Input, typename Map>
void replace_all(Input& input, Map& before, Map wanted) {
    auto old = before.begin();
    for (const auto& [key, value] : wanted) {
        for (; old != before.end() && old->first < key; ++old) input.erase(old->first);
        bool same = old != before.end() && old->first == key && old->second == value;
        if (old != before.end() && old->first == key) ++old;
        if (!same) input.set(key, value);
    }
    for (; old != before.end(); ++old) input.erase(old->first);
    before = std::move(wanted);
}

// Ports of physical networks that want a pair of patch ports here.
std::map<std::string, PatchWanted> wanted_patches(OwnPorts& own) {
    SouthboundView& view = own.view;
    std::map<std::string, PatchWanted> wanted;
    auto network = [](const sb::PortBinding& port) {
        return std::string(ovsdb::get_string(port.options, "network_name"));
    };
    for (const Uuid& datapath : view.local_datapaths.keys()) {
        for (const Uuid& uuid : view.ports_by_type[{datapath, "localnet"}]) {
            const sb::PortBinding* port = view.port(uuid);
            wanted[port->logical_port] = {"ovn-localnet-port", network(*port)};
        }
    }
    for (const Uuid& uuid : own.with[OwnPorts::Trait::kL2Gateway]) {
        const sb::PortBinding* port = view.port(uuid);
        wanted[port->logical_port] = {"ovn-l2gateway-port", network(*port)};
    }
    return wanted;
}

}  // namespace

Controller::Controller(net::Loop& loop, Options options)
    : loop_(loop),
      options_(std::move(options)),
      started_wall_ms_(clock::wall_ms()),
      vswitch_(loop, vs::database(), {.remotes = {options_.vswitch_remote}}) {
    monitor_vswitch(vswitch_);
    vswitch_.start();
    bridge_.set_on_flow_statistics(
        [this](const openflow::FlowStats& flow) { address_use_.note(flow, clock::wall_ms()); });
    bridge_.set_on_change([this] { loop_.wake(); });
    auto tables = net::kernel_routing_tables(loop_, [this] {
        if (routes_) routes_->note_kernel_change();
        loop_.wake();
    });
    if (!tables) lg.warn("routes cannot be exchanged with the kernel: {}", tables.message());
    routes_.emplace(tables ? *std::move(tables) : nullptr);
    auto neighbors = net::kernel_neighbor_tables(loop_, [this] {
        if (evpn_) evpn_->note_kernel_change();
        loop_.wake();
    });
    if (!neighbors) lg.warn("EVPNs cannot be exchanged with the kernel: {}", neighbors.message());
    evpn_.emplace(neighbors ? *std::move(neighbors) : nullptr);
    alarm_ = loop_.timer([this] { loop_.wake(); });
    turn_ = loop_.each_turn([this] { turn(); });
}

Controller::~Controller() = default;

void Controller::commit(Replica& replica, std::optional<Transaction>& txn) {
    if (!txn || txn->empty()) return;
    replica.commit(std::move(*txn), [this](const ovsdb::client::CommitOutcome& outcome) {
        if (!outcome.ok()) steps_.repeat_writes();
        if (outcome.status == ovsdb::client::CommitStatus::kError) {
            static log::RateLimit limit(5, 5);
            if (limit.pass(lg)) lg.warn("the database refused a transaction: {}", outcome.error);
        }
        loop_.wake();
    });
}

// The files that the local database names go before those of the command line (ovn-controller(8)).
void Controller::follow_tls(const vs::OpenVSwitch& root) {
    const vs::SSL* row = root.ssl ? vswitch_.find<vs::SSL>(*root.ssl) : nullptr;
    if (!row || (vswitch_.changes<vs::SSL>().empty() && vswitch_.changes<vs::OpenVSwitch>().empty())) return;
    net::TlsConfig config = options_.tls;
    config.private_key = row->private_key;
    config.certificate = row->certificate;
    config.ca_cert = row->ca_cert;
    config.bootstrap_ca_cert = row->bootstrap_ca_cert;
    net::set_tls_config(std::move(config));
}

// The southbound database is the one that external_ids:ovn-remote names now.
void Controller::follow_remote() {
    if (southbound_ && configuration_.remotes == southbound_remotes_) {
        southbound_->set_probe_interval(configuration_.remote_probe_interval_ms);
        return;
    }
    if (configuration_.remotes.empty()) return;
    southbound_remotes_ = configuration_.remotes;
    if (southbound_) {
        southbound_->set_remotes(southbound_remotes_);
        return;
    }
    southbound_ = std::make_unique<Replica>(
        loop_, sb::database(),
        Replica::Options{.remotes = southbound_remotes_,
                         .probe_interval_ms = configuration_.remote_probe_interval_ms});
    monitor_southbound(*southbound_);
    conditions_.emplace(*southbound_, view_);
    conditions_->begin(configuration_);
    southbound_->start();
}

// external_ids:ovn-startup-ts of the bridge: since when this controller runs.
void Controller::note_start(const vs::Bridge& bridge, Transaction& vswitch_txn) const {
    constexpr const char* kKey = "ovn-startup-ts";
    std::string now = std::to_string(started_wall_ms_);
    if (ovsdb::get_string(bridge.external_ids, kKey) == now) return;
    vswitch_txn.remove_key(bridge.uuid, vs::Bridge::kExternalIds, kKey);
    vswitch_txn.set_key(bridge.uuid, vs::Bridge::kExternalIds, kKey, now);
}

Controller::Local Controller::keep_rows(Transaction* vswitch_txn, Transaction* southbound_txn) {
    Local local;
    local.root = open_vswitch_row(vswitch_);
    if (vswitch_txn) {
        steps_.bridge.run([&] {
            view_.depend_on({Outside::kRoot, Outside::kBridges, Outside::kBridgeIds});
            const vs::Bridge* bridge = keep_integration_bridge(vswitch_, configured(), *vswitch_txn);
            if (bridge) note_start(*bridge, *vswitch_txn);
        });
    }
    local.bridge = find_bridge(vswitch_, configuration_.bridge);
    // Another one, by external_ids:ovn-bridge, is as if all of it had changed.
    if (local.bridge && local.bridge->uuid != std::exchange(bridge_row_, local.bridge->uuid)) {
        for (Outside part :
             {Outside::kBridges, Outside::kTunnelPorts, Outside::kPatchPorts, Outside::kOtherPorts})
            view_.note_change(part);
    }
    if (!southbound_ || !southbound_->ready() || configuration_.chassis.empty()) return local;
    if (southbound_txn && southbound_->connected()) {
        steps_.chassis.run([&] {
            view_.depend_on({Outside::kRoot, Outside::kBridges, Outside::kChassis});
            conditions_->update_private_rows(configured());
            // Who had our addresses before goes with all its rows, so these have to be here.
            if (!conditions_->settled()) return steps_.chassis.repeat();
            keep_chassis(*southbound_, configured(), *local.root, local.bridge, *southbound_txn);
        });
    }
    if (!configuration_.encaps.empty())
        local.chassis = southbound_->table<sb::Chassis>().find_by(sb::Chassis::kName, configuration_.chassis);
    return local;
}

void Controller::keep_tunnel_rows(const Local& local, Transaction& vswitch_txn) {
    steps_.tunnels.run([&] {
        view_.depend_on({Outside::kBridges});
        (void)configured();
        chassis_due_ = all_chassis(*southbound_, switch_ports_);
    });
    steps_.evpn_tunnels.run([&] {
        view_.depend_on({Outside::kBridges, Outside::kOtherPorts});
        keep_evpn_tunnels(vswitch_, configured(), *local.bridge, vswitch_txn);
    });
    if (chassis_due_.empty()) return;
    keep_tunnels(vswitch_, *southbound_, configuration_, *local.bridge, switch_ports_,
                 std::exchange(chassis_due_, {}), vswitch_txn);
}

// Southbound rows and interfaces first, for the indexes; then what is local because of them.
void Controller::update_local_state(const Local& local) {
    find_bridge_ports();
    view_.mac_mappings.set({}, configuration_.mac_mappings);
    view_.other_encaps.set({}, configuration_.other_encap_ids());
    if (local.chassis) {
        view_.own_chassis.set({}, local.chassis->uuid);
    } else {
        view_.own_chassis.erase({});
    }
    view_.engine.update();

    find_datapaths();
    find_evpns();
    conditions_->update(configuration_);
    update_zones(local);
    view_.engine.update();
}

void Controller::find_bridge_ports() {
    SwitchPorts::Changed changed = switch_ports_.take_changed();
    changed.chassis.merge(std::exchange(changed_chassis_, {}));
    steps_.bridge_ports.run([&] {
        (void)configured();  // encap_id(), and which kinds of tunnels
        changed.interfaces.merge(switch_ports_.logical_ports());
        changed.chassis.merge(all_chassis(*southbound_, switch_ports_));
    });
    for (const std::string& name : changed.interfaces) {
        const LocalInterface* interface = switch_ports_.interface(name);
        const vs::Interface* row = interface ? vswitch_.find<vs::Interface>(interface->uuid) : nullptr;
        if (!row) {
            view_.local_interfaces.erase(name);
            view_.local_ports.erase(name);
            view_.installed.erase(name);
            continue;
        }
        view_.local_interfaces.set(name, *interface);
        view_.local_ports.set(name, {interface->ofport, configuration_.encap_id(interface->encap_ip)});
        if (row->external_ids.contains("ovn-installed")) {
            view_.installed.set(name, ovsdb::get_bool(row->external_ids, "ovn-installed"));
        } else {
            view_.installed.erase(name);
        }
    }
    for (const std::string& name : changed.patches) {
        if (uint32_t ofport = switch_ports_.patch_port(name)) {
            view_.physical_ports.set(name, ofport);
        } else {
            view_.physical_ports.erase(name);
        }
    }
    find_tunnels(std::move(changed.chassis));
}

void Controller::find_tunnels(std::set<std::string> chassis) {
    for (const std::string& name : chassis) {
        auto tunnels = tunnels_to(vswitch_, *southbound_, configuration_, switch_ports_, name);
        if (tunnels.empty()) {
            view_.tunnels.erase(name);
        } else {
            view_.tunnels.set(name, std::move(tunnels));
        }
    }
    chassis_due_.merge(chassis);
}

void Controller::find_datapaths() {
    std::map<Uuid, LocalDatapath> datapaths;
    std::map<Uuid, Uuid> localnets;
    bool found = steps_.local_datapaths.run([&] {
        datapaths = find_local_datapaths(own_);
        localnets = find_localnets(view_, datapaths, configured().bridge_mappings);
    });
    if (!found) return;
    replace_all(view_.local_datapaths, last_.datapaths, std::move(datapaths));
    replace_all(view_.localnets, last_.localnets, std::move(localnets));
}

// What routing daemons wrote into the kernel's tables for switches in an EVPN.
void Controller::find_evpns() {
    if (evpn_->take_kernel_change()) {
        steps_.evpn.repeat();
        steps_.evpn_told.repeat();
    }
    bool learnt = steps_.evpn.run([&] {
        view_.depend_on({Outside::kBridges, Outside::kOtherPorts});
        const Configuration& configuration = configured();
        evpn_->learn(view_, configuration, evpn_tunnels(vswitch_, configuration), *southbound_);
    });
    if (learnt) evpn_->show(view_);
}

void Controller::update_zones(const Local& local) {
    if (!zones_restored_) ct_zones_.restore(*local.bridge);
    zones_restored_ = true;
    own_.zone_names.take_changes([&](const std::string& name, bool wanted) { ct_zones_.want(name, wanted); });
    steps_.requested_zones.run([&] {
        requested_zones_.clear();
        for (const std::string& name : own_.requested_zones.keys())
            requested_zones_[name] = *own_.requested_zones.first(name);
    });
    // Before all is known, a zone that seems to have no owner may have one.
    ct_zones_.assign(requested_zones_, was_settled_);
    for (const std::string& name : ct_zones_.take_changed()) {
        auto zone = ct_zones_.zones().find(name);
        if (zone == ct_zones_.zones().end()) {
            view_.ct_zones.erase(name);
        } else {
            view_.ct_zones.set(name, zone->second);
        }
    }
}

// What follows from the local datapaths in both databases.
void Controller::keep_ports(const Local& local, Transaction* vswitch_txn, Transaction* southbound_txn) {
    if (!local.chassis) return;
    if (southbound_txn) keep_bindings(*southbound_txn);
    settled_ = settled_ && conditions_->settled();
    if (settled_ && !was_settled_) {
        was_settled_ = true;
        settled_first_ms_ = clock::monotonic_ms();
        steps_.bindings.repeat();
        loop_.wake();
    }
    if (!vswitch_txn || !was_settled_) return;
    keep_local_rows(local, *vswitch_txn);
    keep_sessions(*vswitch_txn);
}

void Controller::keep_local_rows(const Local& local, Transaction& vswitch_txn) {
    constexpr auto kBridges = Outside::kBridges, kTunnelPorts = Outside::kTunnelPorts,
                   kOtherPorts = Outside::kOtherPorts;
    steps_.patch_ports.run([&] {
        view_.depend_on({kBridges, Outside::kPatchPorts});
        keep_patch_ports(vswitch_, configured(), *local.bridge, wanted_patches(own_), vswitch_txn);
    });
    int64_t now = clock::monotonic_ms();
    if (plug_again_ms_ && now >= *plug_again_ms_) steps_.plugs.repeat();
    steps_.plugs.run([&] {
        view_.depend_on({kBridges, kTunnelPorts, Outside::kPatchPorts, kOtherPorts});
        plug_again_ms_ = vif_plugs_.keep(view_, vswitch_, switch_ports_, *local.bridge, vswitch_txn, now);
    });
    if (plug_again_ms_) wake_at(*plug_again_ms_);
    steps_.egress_qos.run([&] { keep_egress_qos(vswitch_, own_, vswitch_txn); });
    steps_.mirrors.run([&] { keep_mirrors(vswitch_, *southbound_, *local.bridge, own_, vswitch_txn); });
    steps_.zone_limits.run([&] {
        view_.depend_on({Outside::kRoot, kBridges, Outside::kZoneLimits});
        keep_zone_limits(vswitch_, *local.root, *local.bridge, wanted_zone_limits(own_), vswitch_txn);
    });
}

// BFD on the tunnels to those whose being alive matters here.
void Controller::keep_sessions(Transaction& vswitch_txn) {
    auto global = southbound_->table<sb::SBGlobal>();
    if (global.empty()) return;
    steps_.watched.run([&] {
        std::set<std::string> watched = chassis_to_watch(view_, *view_.own_chassis.find({}));
        std::erase_if(watched_since_ms_, [&](const auto& entry) { return !watched.contains(entry.first); });
        for (const std::string& name : watched) watched_since_ms_.try_emplace(name, clock::monotonic_ms());
        steps_.tunnel_bfd.repeat();
    });
    steps_.tunnel_bfd.run([&] {
        view_.depend_on(
            {Outside::kBridges, Outside::kTunnelPorts, Outside::kInterfaceBfd, Outside::kGlobalOptions});
        std::set<std::string> watched;
        for (const auto& [name, since] : watched_since_ms_) watched.insert(name);
        keep_tunnel_bfd(vswitch_, switch_ports_, watched, global.begin()->options, vswitch_txn);
    });
}

// A session that was never up since it was asked for may just be coming up.
void Controller::note_sessions(BindingFacts& facts) {
    for (auto& [name, since] : watched_since_ms_) {
        if (facts.alive.contains(name)) since = kProven;
        if (since == kProven || facts.now_ms >= since + kSessionComesUpMs) continue;
        facts.unproven.insert(name);
        facts.unproven_until_ms = std::max(facts.unproven_until_ms, since + kSessionComesUpMs);
    }
}

void Controller::keep_bindings(Transaction& southbound_txn) {
    BindingFacts facts{.alive = switch_ports_.alive(),
                       .unproven = {},
                       .now_ms = clock::monotonic_ms(),
                       .switch_is_there = bridge_.connected()};
    note_sessions(facts);
    auto due = binding_.next_decision_ms();
    if (facts.alive != alive_ || facts.unproven != unproven_ || facts.switch_is_there != switch_was_there_ ||
        (due && facts.now_ms >= *due)) {
        binding_.begin_anew();
        steps_.bindings.repeat();
        alive_ = facts.alive;
        unproven_ = facts.unproven;
        switch_was_there_ = facts.switch_is_there;
    }
    steps_.bindings.run([&](const Uuid& port) {
        std::vector<BindingChange> changes = binding_.decide(port, facts);
        // A gateway is released only by who knows all that speaks for keeping it.
        if (!was_settled_) {
            std::erase_if(changes, [](const BindingChange& change) {
                return change.kind == BindingChange::Kind::kRelease ||
                       change.kind == BindingChange::Kind::kReleaseAdditional;
            });
        }
        if (changes.empty()) {
            unbound_.erase(port);
        } else {
            unbound_.insert(port);
        }
        binding_.apply(port, changes, southbound_txn);
    });
    settled_ = unbound_.empty();
    if (auto next = binding_.next_decision_ms()) wake_at(*next);
}

// Another turn by then; the earliest of a turn's wishes counts.
void Controller::wake_at(int64_t monotonic_ms) {
    if (alarm_ms_ && *alarm_ms_ <= monotonic_ms) return;
    alarm_ms_ = monotonic_ms;
    alarm_->arm_at(monotonic_ms);
}

void Controller::update_flows(const Local& local) {
    if (!was_settled_) return;
    metrics::Timing timing(installation_watch);
    // The first flows take the place of what an earlier controller left, at once.
    int64_t due = settled_first_ms_ + configuration_.wait_before_clear_ms;
    if (clock::monotonic_ms() < due && !ignore_startup_delay_) return wake_at(due);
    bridge_.set_bridge(local.bridge->name);
    if (!bridge_.connected()) return;
    for (uint16_t zone : ct_zones_.take_to_flush()) bridge_.flush_ct_zone(zone);
    pushed_ = bridge_.push();
    for (openflow::CtFlush& flush : balanced_.take_to_flush()) bridge_.flush_connections(std::move(flush));
    for (openflow::CtFlush& flush : ecmp_nexthops_.take_to_flush())
        bridge_.flush_connections(std::move(flush));
}

void Controller::compute_afresh() {
    if (!std::exchange(recompute_, false)) return;
    size_t pending = view_.flows.count_changes();
    view_.engine.invalidate();
    view_.engine.update();
    ++recomputes_;
    size_t differ = view_.flows.count_changes() - pending;
    if (differ) {
        lg.err("computed everything afresh: {} flows were not as they should have been, and are mended",
               differ);
    } else {
        lg.info("computed everything afresh: all {} flows were as they should be", view_.flows.size());
    }
    loop_.wake();
}

// Learnt addresses that are in use are not to age.
void Controller::watch_use() {
    if (!was_settled_ || !bridge_.connected()) return;
    if (address_use_.begin_poll(clock::monotonic_ms())) {
        for (uint8_t table : AddressUse::kTables) bridge_.ask_flow_statistics(table);
    }
    if (auto next = address_use_.next_poll_ms()) wake_at(*next);
}

// Once the flows that carry it are in the switch.
void Controller::announce() {
    int64_t now = clock::monotonic_ms();
    if (!was_settled_ || !bridge_.connected() || bridge_.confirmed() < pushed_) return;
    announcer_.set_max_interval_ms(configuration_.garp_max_interval_ms);
    steps_.announcements.run([&] { announcer_.set(find_announcements(view_), now); });
    for (const Announcement& each : announcer_.take_due(now)) {
        ActionBuilder actions;
        actions.load(kFieldDatapath, each.datapath_key).load_reg(kRegInport, each.port_key);
        actions.add(openflow::Resubmit{openflow::kPortController, kTableIngress});
        packet::Packet packet = make_announcement(each);
        ByteView bytes = packet.view();
        bridge_.send_packet(Bytes(bytes.begin(), bytes.end()), openflow::kPortController, actions.take());
    }
    if (auto next = announcer_.next_ms()) wake_at(*next);
}

void Controller::note_reported() {
    for (const auto& change : southbound_->changes<sb::PortBinding>()) {
        if (change.modified() && change.columns.has(sb::PortBinding::kUp) &&
            own_.by_name.contains(change.after->logical_port))
            steps_.port_reports.repeat(change.after->logical_port);
    }
}

// A claimed port is up once the flows that serve it are confirmed.
void Controller::report_port(const std::string& name, Transaction& vswitch_txn, Transaction& southbound_txn) {
    const sb::PortBinding* port = own_.row_named(name);
    if (!port || !view_.is_own_chassis(port->chassis)) {  // here in addition, or not at all
        ports_waiting_.erase(name);
        return;
    }
    const bool nested = port->parent_port && !port->parent_port->empty();
    const LocalInterface* carrier = view_.local_interfaces.find(nested ? *port->parent_port : name);
    if (port->type.empty() && !carrier) return;
    const vs::Interface* interface = carrier && !(nested && *port->parent_port != name)
                                         ? vswitch_.find<vs::Interface>(carrier->uuid)
                                         : nullptr;
    const bool* mark = interface ? view_.installed.find(name) : nullptr;
    const bool installed = !interface || (mark && *mark);
    if (port->up.value_or(false) && installed) {
        ports_waiting_.erase(name);
        return;
    }
    uint64_t batch = ports_waiting_.emplace(name, pushed_).first->second;
    if (!bridge_.connected() || bridge_.confirmed() < batch) return;
    if (!port->up.value_or(false)) {
        lg.info("Setting lport {} up in Southbound", name);
        southbound_txn.set(port->uuid, sb::PortBinding::kUp, true);
    }
    if (!installed) {
        lg.info("Setting lport {} ovn-installed in OVS", name);
        vswitch_txn.set_key(interface->uuid, vs::Interface::kExternalIds, "ovn-installed", "true");
        vswitch_txn.remove_key(interface->uuid, vs::Interface::kExternalIds, "ovn-installed-ts");
        vswitch_txn.set_key(interface->uuid, vs::Interface::kExternalIds, "ovn-installed-ts",
                            std::to_string(clock::wall_ms()));
    }
}

// An interface that lost its port is not installed any more.
void Controller::take_back_installed(const std::string& name, Transaction& vswitch_txn) {
    const LocalInterface* interface = view_.local_interfaces.find(name);
    if (!interface || !view_.installed.find(name) || own_.by_name.contains(name)) return;
    vswitch_txn.remove_key(interface->uuid, vs::Interface::kExternalIds, "ovn-installed");
    vswitch_txn.remove_key(interface->uuid, vs::Interface::kExternalIds, "ovn-installed-ts");
}

void Controller::report_ports(Transaction& vswitch_txn, Transaction& southbound_txn) {
    if (bridge_.connected()) {
        for (const auto& [name, batch] : ports_waiting_) {
            if (bridge_.confirmed() >= batch) steps_.port_reports.repeat(name);
        }
    }
    steps_.port_reports.run([&](const std::string& name) { report_port(name, vswitch_txn, southbound_txn); });
    steps_.installed.run([&](const std::string& name) { take_back_installed(name, vswitch_txn); });
}

void Controller::save_zones(const vs::Bridge& bridge, Transaction& vswitch_txn) {
    steps_.all_saved_zones.run([&] {
        view_.depend_on({Outside::kBridges});
        ct_zones_.save_all(bridge, vswitch_txn);
    });
    steps_.saved_zones.run([&](const std::string& name) {
        view_.ct_zones.find(name);
        view_.saved_zones.find(name);
        ct_zones_.save(name, bridge, vswitch_txn);
    });
}

// SB_Global.nb_cfg: the network's configuration number; reported once everything up to it is in the switch.
void Controller::report_configuration(const Local& local, Transaction& vswitch_txn,
                                      Transaction& southbound_txn) {
    auto global = southbound_->table<sb::SBGlobal>();
    if (global.empty() || !local.chassis || !bridge_.connected()) return;
    int64_t nb_cfg = global.begin()->nb_cfg;
    // What was asked for may need a port to be bound, or rows to be fetched, before its flows can be there.
    if (!report_ && nb_cfg != reported_nb_cfg_ && settled_)
        report_ = Report{nb_cfg, pushed_, clock::monotonic_ms() + report_delay_ms_};
    if (!report_ || bridge_.confirmed() < report_->batch) return;
    if (clock::monotonic_ms() < report_->not_before_ms) return wake_at(report_->not_before_ms);
    const sb::ChassisPrivate* row = find_chassis_private(*southbound_, configuration_.chassis);
    if (!row) return;

    std::string now = std::to_string(clock::wall_ms()), number = std::to_string(report_->nb_cfg);
    // Without it nobody learns when all hosts have followed, and the database has fewer writes.
    bool tells = ovsdb::get_bool(global.begin()->options, "enable_chassis_nb_cfg_update", true);
    if (tells && row->nb_cfg != report_->nb_cfg) {
        southbound_txn.set(row->uuid, sb::ChassisPrivate::kNbCfg, report_->nb_cfg);
        southbound_txn.set(row->uuid, sb::ChassisPrivate::kNbCfgTimestamp, clock::wall_ms());
    }
    for (const auto& [key, value] : {std::pair("ovn-nb-cfg", number), std::pair("ovn-nb-cfg-ts", now)}) {
        vswitch_txn.remove_key(local.bridge->uuid, vs::Bridge::kExternalIds, key);
        vswitch_txn.set_key(local.bridge->uuid, vs::Bridge::kExternalIds, key, value);
    }
    reported_nb_cfg_ = report_->nb_cfg;
    report_.reset();
    if (nb_cfg != reported_nb_cfg_) loop_.wake();
}

void Controller::write_reports(const Local& local, Transaction& vswitch_txn, Transaction& southbound_txn) {
    if (local.chassis) report_ports(vswitch_txn, southbound_txn);
    report_configuration(local, vswitch_txn, southbound_txn);
    save_zones(*local.bridge, vswitch_txn);
    if (!local.chassis || !was_settled_) return;
    steps_.nexthops.run([&] {
        view_.depend_on({Outside::kNexthops});
        ecmp_nexthops_.write_addresses(*southbound_, southbound_txn);
    });
    address_use_.write(*southbound_, southbound_txn, clock::wall_ms());
    steps_.evpn_told.run([&] {
        view_.depend_on({Outside::kMacsToTell});
        evpn_->advertise(view_, *southbound_);
    });
    if (routes_->kernel_changed()) steps_.routes.repeat();
    steps_.routes.run([&] {
        view_.depend_on({Outside::kRoutes});
        routes_->run(view_, *southbound_, southbound_txn);
    });
}

// external_ids:ovn-match-northd-version: what a newer northd wrote is not understood, so nothing is touched.
bool Controller::northd_fits() {
    if (!configuration_.match_northd_version || !southbound_ || !southbound_->ready()) return true;
    auto global = southbound_->table<sb::SBGlobal>();
    std::string_view northd =
        global.empty() ? "" : ovsdb::get_string(global.begin()->options, "northd_internal_version");
    if (northd == kOvnInternalVersion) return true;
    static log::RateLimit limit(1, 1);
    if (limit.pass(lg)) {
        lg.warn(
            "controller version - {} mismatch with northd version - {}: nothing is processed until "
            "external_ids:ovn-match-northd-version is unset or they agree",
            kOvnInternalVersion, northd);
    }
    return false;
}

void Controller::follow_configuration(const vs::OpenVSwitch& root) {
    bool changed = false;
    steps_.configuration.run([&] {
        view_.depend_on({Outside::kRoot});
        Configuration fresh = read_configuration(root, options_.chassis_override);
        changed = fresh != configuration_;
        if (changed) configuration_ = std::move(fresh);
    });
    if (changed) view_.note_change(Outside::kConfiguration);
}

const Configuration& Controller::configured() {
    view_.depend_on({Outside::kConfiguration});
    return configuration_;
}

void Controller::turn() {
    if (leaving_ || paused_ || !vswitch_.ready()) return;
    const vs::OpenVSwitch* root = open_vswitch_row(vswitch_);
    if (!root) return;
    feed_local(vswitch_, view_);
    follow_configuration(*root);
    switch_ports_.follow(vswitch_.store(), find_bridge(vswitch_, configuration_.bridge));
    follow_tls(*root);
    bridge_.set_probe_interval_ms(configuration_.openflow_probe_interval_ms);
    // The bridge is made as soon as there is a switch; the rest needs a name for this host.
    if (!configuration_.chassis.empty()) follow_remote();
    if (!northd_fits()) return;

    std::optional<Transaction> vswitch_txn, southbound_txn;
    if (vswitch_.connected() && !vswitch_.commits_in_flight()) vswitch_txn.emplace(vswitch_.store());
    if (southbound_ && southbound_->connected() && !southbound_->commits_in_flight())
        southbound_txn.emplace(southbound_->store());

    Local local =
        keep_rows(vswitch_txn ? &*vswitch_txn : nullptr, southbound_txn ? &*southbound_txn : nullptr);
    if (local.bridge && southbound_ && southbound_->ready() && !configuration_.chassis.empty()) {
        feed_southbound(*southbound_, view_);
        note_reported();
        note_chassis(*southbound_, changed_chassis_);
        pinctrl_.note_changes(*southbound_);
        southbound_->clear_changes();
        settled_ = false;
        alarm_ms_.reset();
        {
            metrics::Timing timing(generation_watch);
            uint64_t before = view_.engine.statistics().runs;
            update_local_state(local);
            if (view_.engine.statistics().runs != before) ++computes_;
        }
        if (vswitch_txn) keep_tunnel_rows(local, *vswitch_txn);
        keep_ports(local, vswitch_txn ? &*vswitch_txn : nullptr, southbound_txn ? &*southbound_txn : nullptr);
        update_flows(local);
        compute_afresh();
        announce();
        watch_use();
        {
            metrics::Timing timing(pinctrl_watch);
            pinctrl_.run(*southbound_, local.chassis);
        }
        if (vswitch_txn && southbound_txn) {
            write_reports(local, *vswitch_txn, *southbound_txn);
            if (local.chassis) pinctrl_.write(*southbound_, *local.chassis, *southbound_txn);
        }
    }
    vswitch_.clear_changes();
    commit(vswitch_, vswitch_txn);
    if (southbound_) commit(*southbound_, southbound_txn);
}

void Controller::leave(std::function<void()> done) {
    leaving_ = true;
    routes_->leave();
    evpn_->leave();
    auto remaining = std::make_shared<int>(1);
    auto one_done = [remaining, done = std::move(done)](const ovsdb::client::CommitOutcome&) {
        if (--*remaining == 0) done();
    };
    if (southbound_ && southbound_->connected()) {
        Transaction txn(southbound_->store());
        const sb::Chassis* chassis =
            southbound_->table<sb::Chassis>().find_by(sb::Chassis::kName, configuration_.chassis);
        if (chassis) {
            for (const Uuid& uuid : own_.rows.keys()) {
                const sb::PortBinding* port = view_.port(uuid);
                if (!port) continue;
                if (port->chassis && *port->chassis == chassis->uuid) {
                    txn.set(port->uuid, sb::PortBinding::kChassis, std::nullopt);
                    if (port->up.has_value()) txn.set(port->uuid, sb::PortBinding::kUp, false);
                } else {
                    txn.remove(port->uuid, sb::PortBinding::kAdditionalChassis, chassis->uuid);
                }
            }
        }
        remove_chassis(*southbound_, configuration_.chassis, txn);
        ++*remaining;
        southbound_->commit(std::move(txn), one_done);
    }
    const vs::Bridge* bridge = vswitch_.connected() ? find_bridge(vswitch_, configuration_.bridge) : nullptr;
    if (bridge) {
        Transaction txn(vswitch_.store());
        remove_tunnels(vswitch_, *bridge, txn);
        remove_evpn_tunnels(vswitch_, *bridge, txn);
        remove_patch_ports(vswitch_, txn);
        remove_mirrors(vswitch_, *bridge, txn);
        ++*remaining;
        vswitch_.commit(std::move(txn), one_done);
    }
    one_done({});
}

}  // namespace weft::controller
