#include "northd/northd.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "base/log.h"

namespace weft::northd {

using ovsdb::client::CommitOutcome;
using ovsdb::client::CommitStatus;
using ovsdb::client::Replica;
using ovsdb::client::Transaction;

namespace {

log::Module lg("northd");

// What controllers may compare with their own (options:ovn-match-northd-version): the OVN whose logical flows
// these are.
constexpr const char* kInternalVersion = "23.03.1-20.27.0-70.6";
constexpr const char* kMaxTunnelId = "16711680";

template <typename... Row>
void monitor_all(Replica& replica) {
    (replica.monitor<Row>(), ...);
}

template <typename Row>
void feed_rows(Rows<Row>& input, const Replica& replica) {
    for (const auto& change : replica.changes<Row>()) {
        if (!change.after) {
            input.erase(change.before->uuid);
            continue;
        }
        input.set(change.after->uuid, change.after);
        if (change.before) input.touch(change.after->uuid);
    }
}

std::string random_mac(size_t bytes) {
    Uuid random = Uuid::random();
    random.bytes[0] = static_cast<uint8_t>((random.bytes[0] & 0xfc) | 0x02);  // locally administered, unicast
    std::string out;
    for (size_t i = 0; i < bytes; ++i) out += fmt::format("{}{:02x}", i ? ":" : "", random.bytes[i]);
    return out;
}

}  // namespace

Northd::Northd(net::Loop& loop, Options options)
    : loop_(loop),
      nb_(loop, nb::database(), {.remotes = options.northbound}),
      sb_(loop, sb::database(), {.remotes = options.southbound}),
      paused_(options.paused) {
    monitor_all<nb::NBGlobal, nb::LogicalSwitch, nb::LogicalSwitchPort, nb::LogicalRouter,
                nb::LogicalRouterPort, nb::LogicalRouterStaticRoute, nb::LogicalRouterPolicy, nb::NAT,
                nb::ACL, nb::QoS, nb::PortGroup, nb::AddressSet, nb::LoadBalancer, nb::LoadBalancerGroup,
                nb::LoadBalancerHealthCheck, nb::DHCPOptions, nb::DNS, nb::GatewayChassis, nb::HAChassisGroup,
                nb::HAChassis, nb::Meter, nb::MeterBand, nb::Copp, nb::ForwardingGroup, nb::StaticMACBinding,
                nb::Mirror>(nb_);
    choose_southbound_columns(sb_);
    if (!paused_) sb_.set_lock("ovn_northd");
    nb_.start();
    sb_.start();
    turn_ = loop.each_turn([this] { turn(); });
}

Northd::~Northd() = default;

void Northd::pause() {
    paused_ = true;
    sb_.set_lock("");
    loop_.wake();
}

void Northd::resume() {
    paused_ = false;
    sb_.set_lock("ovn_northd");
    loop_.wake();
}

std::string Northd::status() const {
    return paused_ ? "paused" : sb_.has_lock() ? "active" : "standby";
}

std::string Northd::statistics() const {
    const auto& s = program_.engine.statistics();
    return fmt::format("cells: {}\nedges: {}\nruns: {}\ncutoffs: {}\n", s.cells, s.edges, s.runs, s.cutoffs);
}

// --- a turn

void Northd::turn() {
    uint64_t nb_now = nb_.sequence(), sb_now = sb_.sequence();
    bool news = nb_now != nb_seen_ || sb_now != sb_seen_;
    if (!nb_.ready() || !sb_.ready()) return;
    bool may_write = !paused_ && sb_.has_lock();
    if (may_write && !active_) {
        become_active();
        news = true;
    }
    if (!may_write && active_) {
        lg.info("ovn-northd lock lost. This ovn-northd instance is now on standby.");
        active_ = false;
    }
    if (news) {
        nb_seen_ = nb_now;
        sb_seen_ = sb_now;
        feed();
        if (active_) tunnel_keys_.update(nb_, sb_);
        southbound_.have();
    }
    if (active_) {
        if (news) {
            program_.engine.update();
            report_complaints();
            nb_again_ = sb_again_ = true;
        }
        if (sb_again_ && !sb_writing_) write_southbound();
        if (nb_again_ && !nb_writing_) write_northbound();
    }
    if (news) {
        nb_.clear_changes();
        sb_.clear_changes();
    }
}

void Northd::become_active() {
    lg.info("ovn-northd lock acquired. This ovn-northd instance is now active.");
    active_ = true;
    tunnel_keys_.forget();
}

void Northd::feed() {
    Inputs& in = program_.in;
    feed_rows(in.global, nb_);
    feed_rows(in.switches, nb_);
    feed_rows(in.switch_ports, nb_);
    feed_rows(in.routers, nb_);
    feed_rows(in.router_ports, nb_);
    feed_rows(in.routes, nb_);
    feed_rows(in.policies, nb_);
    feed_rows(in.nats, nb_);
    feed_rows(in.acls, nb_);
    feed_rows(in.qos, nb_);
    feed_rows(in.port_groups, nb_);
    feed_rows(in.address_sets, nb_);
    feed_rows(in.load_balancers, nb_);
    feed_rows(in.load_balancer_groups, nb_);
    feed_rows(in.health_checks, nb_);
    feed_rows(in.dhcp_options, nb_);
    feed_rows(in.dns, nb_);
    feed_rows(in.gateway_chassis, nb_);
    feed_rows(in.ha_groups, nb_);
    feed_rows(in.ha_chassis, nb_);
    feed_rows(in.meters, nb_);
    feed_rows(in.meter_bands, nb_);
    feed_rows(in.copp, nb_);
    feed_rows(in.forwarding_groups, nb_);
    feed_rows(in.static_mac_bindings, nb_);
    feed_rows(in.mirrors, nb_);
    feed_bindings();
    // Who else changes `up` is corrected.
    for (const auto& change : nb_.changes<nb::LogicalSwitchPort>())
        port_status_dirty_.insert(change.row().uuid);
}

void Northd::feed_bindings() {
    for (const auto& change : sb_.changes<sb::PortBinding>()) {
        if (change.before && (!change.after || change.after->logical_port != change.before->logical_port)) {
            program_.in.bindings.erase(change.before->logical_port);
        }
        if (!change.after) continue;
        const sb::PortBinding& row = *change.after;
        program_.in.bindings.set(row.logical_port, {row.up.value_or(false), row.chassis.value_or(Uuid()),
                                                    row.virtual_parent.value_or("")});
    }
}

void Northd::report_complaints() {
    program_.complaints.take_changes([](const std::string& text, bool added) {
        if (added) lg.warn("{}", text);
    });
}

// --- southbound

void Northd::write_southbound() {
    sb_again_ = false;
    southbound_.want(program_);
    Transaction txn(sb_.store());
    southbound_.write(txn, program_);
    const nb::NBGlobal* global = nullptr;
    for (const auto& row : nb_.table<nb::NBGlobal>()) global = &row;
    int64_t nb_cfg = global ? global->nb_cfg : 0;
    if (global) {
        Uuid sb_global;
        for (const auto& row : sb_.table<sb::SBGlobal>()) sb_global = row.uuid;
        if (sb_global.is_zero()) sb_global = txn.insert<sb::SBGlobal>();
        txn.set(sb_global, sb::SBGlobal::kNbCfg, nb_cfg);
        txn.set(sb_global, sb::SBGlobal::kOptions, global->options);
        txn.set(sb_global, sb::SBGlobal::kIpsec, global->ipsec);
    }
    auto reached = [this, nb_cfg] {
        if (sb_cfg_ != nb_cfg) sb_cfg_timestamp_ = clock::wall_ms();
        sb_cfg_ = nb_cfg;
        nb_again_ = true;
    };
    if (txn.empty()) {
        southbound_.done({});
        return reached();
    }
    txn.comment("ovn-northd");
    sb_writing_ = true;
    sb_.commit(std::move(txn), [this, reached](const CommitOutcome& outcome) {
        sb_writing_ = false;
        southbound_.done(outcome);
        if (outcome.ok()) {
            reached();
        } else {
            sb_again_ = true;
            if (outcome.status == CommitStatus::kError) {
                static log::RateLimit limit(1, 5);
                if (limit.pass(lg)) lg.warn("southbound transaction failed: {}", outcome.error);
            }
        }
        loop_.wake();
    });
}

// --- northbound

int64_t Northd::hypervisor_cfg(int64_t& timestamp) const {
    int64_t cfg = sb_cfg_;
    timestamp = 0;
    for (const auto& chassis : sb_.table<sb::ChassisPrivate>()) {
        if (chassis.chassis) {
            const sb::Chassis* row = sb_.find<sb::Chassis>(*chassis.chassis);
            if (row && ovsdb::get_bool(row->other_config, "is-remote")) continue;
        }
        if (chassis.nb_cfg < cfg) {
            cfg = chassis.nb_cfg;
            timestamp = chassis.nb_cfg_timestamp;
        } else if (chassis.nb_cfg == cfg) {
            timestamp = std::max(timestamp, chassis.nb_cfg_timestamp);
        }
    }
    return cfg;
}

void Northd::write_global(Transaction& txn) {
    using Global = nb::NBGlobal;
    Uuid uuid;
    for (const auto& row : nb_.table<Global>()) uuid = row.uuid;
    if (uuid.is_zero()) uuid = txn.insert<Global>();
    const Global row = *txn.row<Global>(uuid);
    ovsdb::StringMap options = row.options;
    if (!options.contains("mac_prefix") || ovsdb::get_string(options, "mac_prefix").empty()) {
        options.set("mac_prefix", random_mac(3));
    }
    if (!parse_mac(ovsdb::get_string(options, "svc_monitor_mac")))
        options.set("svc_monitor_mac", random_mac(6));
    options.set("max_tunid", kMaxTunnelId);
    options.set("northd_internal_version", kInternalVersion);
    txn.set(uuid, Global::kOptions, options);

    if (row.nb_cfg != nb_cfg_seen_) {
        nb_cfg_seen_ = row.nb_cfg;
        nb_cfg_timestamp_ = clock::wall_ms();
        if (row.nb_cfg) txn.set(uuid, Global::kNbCfgTimestamp, nb_cfg_timestamp_);
    }
    if (sb_cfg_ != row.sb_cfg) {
        txn.set(uuid, Global::kSbCfg, sb_cfg_);
        txn.set(uuid, Global::kSbCfgTimestamp, sb_cfg_timestamp_);
    }
    int64_t timestamp = 0, hv_cfg = hypervisor_cfg(timestamp);
    if (hv_cfg != row.hv_cfg) {
        txn.set(uuid, Global::kHvCfg, hv_cfg);
        txn.set(uuid, Global::kHvCfgTimestamp, timestamp);
    }
}

void Northd::write_port_status(Transaction& txn) {
    program_.port_status_rows.take_changes([&](const PortStatusRow& row, bool added) {
        std::vector<PortStatusRow>& list = port_status_[row.port];
        if (added) {
            list.push_back(row);
        } else {
            list.erase(std::find(list.begin(), list.end(), row));
            if (list.empty()) port_status_.erase(row.port);
        }
        port_status_dirty_.insert(row.port);
    });
    for (const Uuid& uuid : port_status_dirty_) {
        auto it = port_status_.find(uuid);
        if (it == port_status_.end() || !nb_.find<nb::LogicalSwitchPort>(uuid)) continue;
        const PortStatusRow& status = it->second.front();
        txn.set(uuid, nb::LogicalSwitchPort::kUp, status.up);
        if (status.tag) txn.set(uuid, nb::LogicalSwitchPort::kTag, status.tag);
    }
}

void Northd::write_northbound() {
    nb_again_ = false;
    Transaction txn(nb_.store());
    write_global(txn);
    write_port_status(txn);
    HashSet<Uuid> written;
    std::swap(written, port_status_dirty_);
    if (txn.empty()) return;
    txn.comment("ovn-northd");
    nb_writing_ = true;
    nb_.commit(std::move(txn), [this, written = std::move(written)](const CommitOutcome& outcome) {
        nb_writing_ = false;
        if (!outcome.ok()) {
            nb_again_ = true;
            port_status_dirty_.insert(written.begin(), written.end());
            if (outcome.status == CommitStatus::kError) {
                static log::RateLimit limit(1, 5);
                if (limit.pass(lg)) lg.warn("northbound transaction failed: {}", outcome.error);
            }
        }
        loop_.wake();
    });
}

}  // namespace weft::northd
