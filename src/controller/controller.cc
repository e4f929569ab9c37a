#include "controller/controller.h"

#include "base/clock.h"
#include "base/log.h"
#include "controller/chassis.h"
#include "controller/integration_bridge.h"
#include "controller/southbound_feed.h"
#include "controller/tunnels.h"

namespace weft::controller {

namespace {

namespace sb = schema::sb;
namespace vs = schema::vswitch;
using ovsdb::client::Replica;
using ovsdb::client::Transaction;

log::Module lg("main");

void monitor_vswitch(Replica& vswitch) {
    vswitch.monitor<vs::OpenVSwitch>();
    vswitch.monitor(vs::Bridge::kName, vs::Bridge::kPorts, vs::Bridge::kFailMode, vs::Bridge::kDatapathType,
                    vs::Bridge::kOtherConfig, vs::Bridge::kExternalIds);
    vswitch.monitor(vs::Port::kName, vs::Port::kInterfaces, vs::Port::kExternalIds);
    vswitch.monitor(vs::Interface::kName, vs::Interface::kType, vs::Interface::kOptions,
                    vs::Interface::kExternalIds, vs::Interface::kOfport);
    vswitch.add_index(vs::Bridge::kName);
    vswitch.add_index(vs::Port::kName);
}

// Sets an input's values to exactly these.
template <typename Input, typename Map>
void replace_all(Input& input, const Map& wanted) {
    for (const auto& key : input.keys()) {
        if (!wanted.contains(key)) input.erase(key);
    }
    for (const auto& [key, value] : wanted) input.set(key, value);
}

std::set<std::string> wanted_zones(const std::map<std::string, const sb::PortBinding*>& own,
                                   const std::set<Uuid>& datapaths) {
    std::set<std::string> names;
    for (const auto& [name, port] : own) {
        if (port->type.empty()) names.insert(name);
    }
    for (const Uuid& uuid : datapaths) {
        names.insert(uuid.to_string() + "_dnat");
        names.insert(uuid.to_string() + "_snat");
    }
    return names;
}

}  // namespace

Controller::Controller(net::Loop& loop, Options options)
    : loop_(loop),
      options_(std::move(options)),
      vswitch_(loop, vs::database(), {.remotes = {options_.vswitch_remote}}) {
    monitor_vswitch(vswitch_);
    vswitch_.start();
    bridge_.set_on_change([this] { loop_.wake(); });
    turn_ = loop_.each_turn([this] { turn(); });
}

Controller::~Controller() = default;

void Controller::commit(Replica& replica, std::optional<Transaction>& txn) {
    if (!txn || txn->empty()) return;
    replica.commit(std::move(*txn), [this](const ovsdb::client::CommitOutcome& outcome) {
        if (outcome.status == ovsdb::client::CommitStatus::kError) {
            static log::RateLimit limit(5, 5);
            if (limit.pass(lg)) lg.warn("the database refused a transaction: {}", outcome.error);
        }
        loop_.wake();
    });
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
    binding_.emplace(*southbound_);
    southbound_->start();
}

Controller::Local Controller::keep_rows(Transaction* vswitch_txn, Transaction* southbound_txn) {
    Local local;
    local.root = open_vswitch_row(vswitch_);
    local.bridge = vswitch_txn ? keep_integration_bridge(vswitch_, configuration_, *vswitch_txn)
                               : find_bridge(vswitch_, configuration_.bridge);
    if (!southbound_ || !southbound_->ready() || configuration_.chassis.empty()) return local;
    if (southbound_txn && southbound_->connected()) {
        local.chassis =
            keep_chassis(*southbound_, configuration_, *local.root, local.bridge, *southbound_txn);
    } else {
        local.chassis = southbound_->table<sb::Chassis>().find_by(sb::Chassis::kName, configuration_.chassis);
    }
    if (local.bridge && vswitch_txn)
        keep_tunnels(vswitch_, *southbound_, configuration_, *local.bridge, *vswitch_txn);
    return local;
}

void Controller::update_local_state(const Local& local) {
    interfaces_ = find_local_interfaces(vswitch_, *local.bridge);
    std::map<std::string, const sb::PortBinding*> own;
    if (local.chassis) {
        own = binding_->own_ports(*local.chassis);
        view_.own_chassis.set({}, local.chassis->uuid);
    } else {
        view_.own_chassis.erase({});
    }
    std::set<Uuid> datapaths = binding_->local_datapaths(own, interfaces_);

    if (!zones_restored_) ct_zones_.restore(*local.bridge);
    zones_restored_ = true;
    ct_zones_.assign(wanted_zones(own, datapaths));

    std::map<std::string, LocalPort> ports;
    for (const auto& [name, interface] : interfaces_) ports[name] = {interface.ofport};
    std::map<Uuid, LocalDatapath> local_datapaths;
    for (const Uuid& uuid : datapaths) {
        const sb::DatapathBinding* row = southbound_->find<sb::DatapathBinding>(uuid);
        if (row)
            local_datapaths[uuid] = {static_cast<uint32_t>(row->tunnel_key),
                                     row->external_ids.contains("logical-switch")};
    }
    replace_all(view_.local_ports, ports);
    replace_all(view_.local_datapaths, local_datapaths);
    replace_all(view_.ct_zones, ct_zones_.zones());
    view_.tunnels.set({}, current_tunnels(vswitch_, *local.bridge));
}

void Controller::update_flows() {
    view_.engine.update();
    if (!bridge_.connected()) return;
    for (uint16_t zone : ct_zones_.take_to_flush()) bridge_.flush_ct_zone(zone);
    pushed_ = bridge_.push();
}

// Claimed ports are up once the flows that serve them are confirmed.
void Controller::report_ports(const Local& local, Transaction& vswitch_txn, Transaction& southbound_txn) {
    if (!local.chassis) return;
    auto own = binding_->own_ports(*local.chassis);
    std::erase_if(ports_waiting_, [&](const auto& waiting) { return !own.contains(waiting.first); });
    for (const auto& [name, port] : own) {
        auto parent =
            interfaces_.find(port->parent_port && !port->parent_port->empty() ? *port->parent_port : name);
        if (!port->type.empty() || parent == interfaces_.end()) continue;
        const vs::Interface* interface =
            name == parent->first ? vswitch_.find<vs::Interface>(parent->second.uuid) : nullptr;
        bool installed = !interface || ovsdb::get_bool(interface->external_ids, "ovn-installed");
        if (port->up.value_or(false) && installed) {
            ports_waiting_.erase(name);
            continue;
        }
        uint64_t batch = ports_waiting_.emplace(name, pushed_).first->second;
        if (!bridge_.connected() || bridge_.confirmed() < batch) continue;
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
    for (const auto& [name, each] : interfaces_) {
        const vs::Interface* interface = vswitch_.find<vs::Interface>(each.uuid);
        if (own.contains(name) || !interface || !interface->external_ids.contains("ovn-installed")) continue;
        vswitch_txn.remove_key(interface->uuid, vs::Interface::kExternalIds, "ovn-installed");
        vswitch_txn.remove_key(interface->uuid, vs::Interface::kExternalIds, "ovn-installed-ts");
    }
}

// SB_Global.nb_cfg: the network's configuration number; reported once everything up to it is in the switch.
void Controller::report_configuration(const Local& local, Transaction& vswitch_txn,
                                      Transaction& southbound_txn) {
    auto global = southbound_->table<sb::SBGlobal>();
    if (global.empty() || !local.chassis || !bridge_.connected()) return;
    int64_t nb_cfg = global.begin()->nb_cfg;
    if (!report_ && nb_cfg != reported_nb_cfg_) report_ = Report{nb_cfg, pushed_};
    if (!report_ || bridge_.confirmed() < report_->batch) return;
    const sb::ChassisPrivate* row = find_chassis_private(*southbound_, configuration_.chassis);
    if (!row) return;

    std::string now = std::to_string(clock::wall_ms()), number = std::to_string(report_->nb_cfg);
    if (row->nb_cfg != report_->nb_cfg) {
        southbound_txn.set(row->uuid, sb::ChassisPrivate::kNbCfg, report_->nb_cfg);
        southbound_txn.set(row->uuid, sb::ChassisPrivate::kNbCfgTimestamp, clock::wall_ms());
    }
    ovsdb::StringMap ids = local.bridge->external_ids;
    ids.set("ovn-nb-cfg", number);
    ids.set("ovn-nb-cfg-ts", now);
    for (const char* key : {"ovn-nb-cfg", "ovn-nb-cfg-ts"}) {
        vswitch_txn.remove_key(local.bridge->uuid, vs::Bridge::kExternalIds, key);
        vswitch_txn.set_key(local.bridge->uuid, vs::Bridge::kExternalIds, key, *ids.find(key));
    }
    reported_nb_cfg_ = report_->nb_cfg;
    report_.reset();
    if (nb_cfg != reported_nb_cfg_) loop_.wake();
}

void Controller::turn() {
    if (leaving_ || !vswitch_.ready()) return;
    const vs::OpenVSwitch* root = open_vswitch_row(vswitch_);
    if (!root) return;
    configuration_ = read_configuration(*root, options_.chassis_override);
    // The bridge is made as soon as there is a switch; the rest needs a name for this host.
    if (!configuration_.chassis.empty()) follow_remote();

    std::optional<Transaction> vswitch_txn, southbound_txn;
    if (vswitch_.connected() && !vswitch_.commits_in_flight()) vswitch_txn.emplace(vswitch_.store());
    if (southbound_ && southbound_->connected() && !southbound_->commits_in_flight())
        southbound_txn.emplace(southbound_->store());

    Local local =
        keep_rows(vswitch_txn ? &*vswitch_txn : nullptr, southbound_txn ? &*southbound_txn : nullptr);
    if (local.bridge) bridge_.set_bridge(configuration_.bridge);
    if (local.bridge && southbound_ && southbound_->ready() && !configuration_.chassis.empty()) {
        binding_->note_changes();
        update_local_state(local);
        if (local.chassis && southbound_txn)
            binding_->claim_and_release(interfaces_, *local.chassis, *southbound_txn);
        feed_southbound(*southbound_, view_);
        southbound_->clear_changes();
        update_flows();
        if (vswitch_txn && southbound_txn) {
            report_ports(local, *vswitch_txn, *southbound_txn);
            report_configuration(local, *vswitch_txn, *southbound_txn);
            ct_zones_.save(*local.bridge, *vswitch_txn);
            pinctrl_.write(*southbound_, *southbound_txn);
        }
    }
    vswitch_.clear_changes();
    commit(vswitch_, vswitch_txn);
    if (southbound_) commit(*southbound_, southbound_txn);
}

void Controller::add_commands(net::ControlServer& control) {
    using Arguments = net::ControlServer::Arguments;
    control.add("ct-zone-list", "", 0, 0,
                [this](const Arguments&) -> Result<std::string> { return ct_zones_.to_text(); });
    control.add("connection-status", "", 0, 0, [this](const Arguments&) -> Result<std::string> {
        return southbound_ ? southbound_->connection_status() : "not connected";
    });
    control.add("group-table-list", "", 0, 0, [this](const Arguments&) -> Result<std::string> {
        return logical_.group_numbers().to_text();
    });
    control.add("meter-table-list", "", 0, 0, [this](const Arguments&) -> Result<std::string> {
        return logical_.meter_numbers().to_text();
    });
    // Everything is computed incrementally and equal to a fresh computation, so there is nothing to put
    // right.
    auto recompute = [this](const Arguments&) -> Result<std::string> {
        loop_.wake();
        return std::string();
    };
    control.add("recompute", "[deprecated]", 0, 0, recompute);
    control.add("inc-engine/recompute", "", 0, 0, recompute);
    control.add("inc-engine/show-stats", "", 0, 0, [this](const Arguments&) -> Result<std::string> {
        const auto& s = view_.engine.statistics();
        return fmt::format("runs: {}\ncutoffs: {}\ncells: {}\nreads: {}\n", s.runs, s.cutoffs, s.cells,
                           s.edges);
    });
    control.add("debug/dump-local-bindings", "", 0, 0, [this](const Arguments&) -> Result<std::string> {
        std::string text = "Local bindings:\n";
        for (const auto& [name, interface] : interfaces_) {
            text += fmt::format("name: [{}], OVS interface name : [{}], ofport : [{}]\n", name,
                                interface.name, interface.ofport);
        }
        return text;
    });
}

void Controller::leave(std::function<void()> done) {
    leaving_ = true;
    auto remaining = std::make_shared<int>(1);
    auto one_done = [remaining, done = std::move(done)](const ovsdb::client::CommitOutcome&) {
        if (--*remaining == 0) done();
    };
    if (southbound_ && southbound_->connected()) {
        Transaction txn(southbound_->store());
        const sb::Chassis* chassis =
            southbound_->table<sb::Chassis>().find_by(sb::Chassis::kName, configuration_.chassis);
        if (chassis) binding_->release_all(*chassis, txn);
        remove_chassis(*southbound_, configuration_.chassis, txn);
        ++*remaining;
        southbound_->commit(std::move(txn), one_done);
    }
    const vs::Bridge* bridge = vswitch_.connected() ? find_bridge(vswitch_, configuration_.bridge) : nullptr;
    if (bridge) {
        Transaction txn(vswitch_.store());
        remove_tunnels(vswitch_, *bridge, txn);
        ++*remaining;
        vswitch_.commit(std::move(txn), one_done);
    }
    one_done({});
}

}  // namespace weft::controller
