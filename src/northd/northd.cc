#include "northd/northd.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/version.h"
#include "incremental/statistics.h"
#include "northd/sync/feed_rows.h"

namespace weft::northd {

using ovsdb::client::CommitOutcome;
using ovsdb::client::CommitStatus;
using ovsdb::client::Replica;
using ovsdb::client::Transaction;

namespace {

log::Module lg("northd");

// Of the steps of a turn, by the names that scripts know.
metrics::Stopwatch loop_watch("ovn-northd-loop"), compute_watch("ovnnb_db_run"),
    southbound_watch("ovnsb_db_run"), write_watch("lflows_to_sb");

// So many rows, handed to their keeper, leave much memory behind; the replica gives it back later, too, but
// not before others hear that the work is done.
constexpr size_t kManyFlows = 2000;
constexpr int kMostWrites = 2;  // transactions under way at a time, of those that fill the southbound

template <typename... Row>
void monitor_all(Replica& replica) {
    (replica.monitor<Row>(), ...);
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
                nb::Mirror, nb::MirrorRule, nb::BFD, nb::ChassisTemplateVar, nb::DHCPRelay, nb::Sample,
                nb::SampleCollector, nb::SamplingApp, nb::LogicalSwitchPortHealthCheck, nb::NetworkFunction,
                nb::NetworkFunctionGroup, nb::NetworkFunctionHealthCheck>(nb_);
    choose_southbound_columns(sb_);
    if (!paused_) sb_.set_lock("ovn_northd");
    nb_.start();
    sb_.start();
    turn_ = loop.each_turn([this] { turn(); });
    rest_timer_ = loop.timer([this] { loop_.wake(); });
    aging_timer_ = loop.timer([this] {
        aging_armed_ = 0;  // it may be a little early: wall time is not the loop's
        sb_again_ = true;
        loop_.wake();
    });
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

std::string Northd::statistics(const std::string& function, const std::string& counter) const {
    return incremental::statistics_text(program_.engine, {"northd", recomputes_, computes_}, function,
                                        counter);
}

void Northd::clear_statistics() {
    recomputes_ = computes_ = 0;
    program_.engine.clear_runs();
}

void Northd::recompute() {
    recompute_ = true;
    loop_.wake();
}

std::string Northd::chassis_features() const {
    // What a controller lacks is what one chassis does not announce.
    auto all_have = [&](const char* key) {
        for (const auto& chassis : sb_.table<sb::Chassis>()) {
            if (ovsdb::get_bool(chassis.other_config, "is-remote")) continue;
            if (!ovsdb::get_bool(chassis.other_config, key)) return "false";
        }
        return "true";
    };
    return fmt::format("ct_no_masked_label:    {}\nct_lb_related:         {}\nmac_binding_timestamp: {}\n",
                       all_have("ct-no-masked-label"), all_have("ovn-ct-lb-related"),
                       all_have("mac-binding-timestamp"));
}

// --- a turn

void Northd::turn() {
    uint64_t nb_now = nb_.sequence(), sb_now = sb_.sequence();
    bool news = nb_now != nb_seen_ || sb_now != sb_seen_ || recompute_;
    if (!nb_.ready() || !sb_.ready() || (news && is_resting())) return;
    int64_t start = clock::monotonic_ms();
    bool may_write = !paused_ && sb_.has_lock();
    if (may_write && !active_) {
        become_active();
        news = true;
    }
    if (!may_write && active_) {
        lg.info("ovn-northd lock lost. This ovn-northd instance is now on standby.");
        active_ = false;
    }
    if (news && active_ && !recompute_ && nb_now == nb_seen_ && ChassisFacts::only_reports(sb_)) {
        sb_seen_ = sb_now;
        take_reports();
        news = false;
    }
    std::optional<metrics::Timing> timing;
    if (news) {
        timing.emplace(loop_watch);
        nb_seen_ = nb_now;
        sb_seen_ = sb_now;
        feed();
        follow_probe_interval();
        chassis_.update(sb_);
        tunnel_space_ = find_tunnel_space(nb_, chassis_.any_vxlan());
        if (active_) {
            tunnel_keys_.update(nb_, sb_, tunnel_space_);
            acl_ids_.update(nb_, sb_);
        }
        southbound_.set_max_port_key(tunnel_space_.max_port_key);
        southbound_.set_drop_action(drop_action());
        metrics::Timing southbound(southbound_watch);
        southbound_.have();
    }
    bool compared = false;
    if (active_) {
        if (news) {
            compute();
            report_complaints();
            nb_again_ = sb_again_ = true;
        }
        if (sb_again_ && !sb_writing_) {
            write_southbound();
            compared = true;
        }
        while (0 < sb_writing_ && sb_writing_ < kMostWrites && southbound_.can_write_more()) {
            write_more_flows();
            compared = true;
        }
        if (nb_again_ && !nb_writing_) write_northbound();
    }
    // What was compared has perhaps been taken from the rows' keeper.
    had_many_flows_ |= sb_.changes<sb::LogicalFlow>().size() >= kManyFlows;
    if (news || compared) sb_.clear_changes();
    if (had_many_flows_ && !southbound_.is_filling()) {
        return_freed_memory();
        had_many_flows_ = false;
    }
    if (news) {
        nb_.clear_changes();
        rest_after(clock::monotonic_ms() - start);
    }
}

// A thousand chassis report after every change, one after the other.  What they say together is news when the
// last one has said it.
void Northd::take_reports() {
    chassis_.update(sb_);
    sb_.clear_changes();
    nb_again_ |= !(chassis_.reached(sb_cfg_) == reached_);
}

// ovn-nb(5), NB_Global:options:northd-backoff-interval-ms: after a turn nothing is looked at for as long as
// the turn took, at most so many ms, so that more changes are taken up at once.
void Northd::rest_after(int64_t took_ms) {
    int64_t most = 0;
    for (const auto& global : nb_.table<nb::NBGlobal>())
        most = ovsdb::get_int(global.options, "northd-backoff-interval-ms");
    rests_until_ms_ = most > 0 ? clock::monotonic_ms() + std::min(most, took_ms) : 0;
}

bool Northd::is_resting() {
    if (clock::monotonic_ms() >= rests_until_ms_) return false;
    rest_timer_->arm_at(rests_until_ms_);
    return true;
}

void Northd::compute() {
    metrics::Timing timing(compute_watch);
    int64_t start = clock::monotonic_ms();
    if (recompute_) {
        program_.engine.invalidate();
        southbound_.compare_all();
    }
    ++(recompute_ || !computed_ ? recomputes_ : computes_);
    recompute_ = false;
    computed_ = true;
    program_.engine.update();
    if (allocations_.update(nb_)) program_.engine.update();
    int64_t took = clock::monotonic_ms() - start;
    if (took >= compute_log_timeout_ms_) lg.info("computing took {} ms", took);
}

// ovn-nb(5), NB_Global:options:northd_probe_interval.
void Northd::follow_probe_interval() {
    int64_t wanted = -1;
    for (const auto& global : nb_.table<nb::NBGlobal>()) {
        wanted = ovsdb::get_int(global.options, "northd_probe_interval", -1);
    }
    if (wanted == probe_interval_ms_ || wanted < 0) return;
    probe_interval_ms_ = wanted;
    nb_.set_probe_interval(wanted > 0 ? std::max<int64_t>(wanted, 1000) : 0);
    sb_.set_probe_interval(wanted > 0 ? std::max<int64_t>(wanted, 1000) : 0);
}

void Northd::become_active() {
    lg.info("ovn-northd lock acquired. This ovn-northd instance is now active.");
    active_ = true;
    tunnel_keys_.forget();
    acl_ids_.forget();
    allocations_.forget();
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
    feed_rows(in.port_health_checks, nb_);
    feed_rows(in.network_functions, nb_);
    feed_rows(in.network_function_groups, nb_);
    feed_rows(in.function_health_checks, nb_);
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
    feed_rows(in.mirror_rules, nb_);
    feed_rows(in.bfd, nb_);
    feed_rows(in.template_vars, nb_);
    feed_rows(in.dhcp_relays, nb_);
    feed_rows(in.samples, nb_);
    feed_rows(in.sample_collectors, nb_);
    feed_rows(in.sampling_apps, nb_);
    feed_remote_chassis();
    feed_bindings();
    feed_igmp_groups();
    feed_learned_routes();
    feed_sessions();
    // Who else changes `up` is corrected.
    for (const auto& change : nb_.changes<nb::LogicalSwitchPort>())
        port_status_dirty_.insert(change.row().uuid);
}

void Northd::feed_remote_chassis() {
    auto each_name = [&](const sb::Chassis* row, auto&& f) {
        if (!row || !ovsdb::get_bool(row->other_config, "is-remote")) return;
        f(row->name);
        if (!row->hostname.empty()) f(row->hostname);
    };
    auto& names = program_.in.remote_chassis;
    for (const auto& change : sb_.changes<sb::Chassis>())
        each_name(change.before, [&](const std::string& name) { names.erase(name); });
    for (const auto& change : sb_.changes<sb::Chassis>())
        each_name(change.after, [&](const std::string& name) { names.set(name, true); });
}

void Northd::feed_bindings() {
    for (const auto& change : sb_.changes<sb::PortBinding>()) {
        if (change.before && (!change.after || change.after->logical_port != change.before->logical_port)) {
            program_.in.bindings.erase(change.before->logical_port);
        }
        if (!change.after) continue;
        const sb::PortBinding& row = *change.after;
        program_.in.bindings.set(
            row.logical_port,
            {row.up.value_or(false), row.chassis.value_or(Uuid()), row.tunnel_key,
             ovsdb::get_int(row.options, "qdisc_queue_id"), row.virtual_parent.value_or("")});
    }
}

void Northd::feed_igmp_groups() {
    for (const auto& change : sb_.changes<sb::IGMPGroup>()) {
        if (!change.after) {
            program_.in.igmp_groups.erase(change.before->uuid);
            continue;
        }
        const sb::IGMPGroup& row = *change.after;
        IgmpGroup group;
        group.address = row.address;
        const auto* datapath = row.datapath ? sb_.find<sb::DatapathBinding>(*row.datapath) : nullptr;
        if (datapath) {
            std::string_view owner = ovsdb::get_string(datapath->external_ids, "logical-switch");
            group.switch_uuid = Uuid::parse(owner).value_or(Uuid());
        }
        for (const Uuid& uuid : row.ports) {
            if (const auto* port = sb_.find<sb::PortBinding>(uuid)) group.ports.push_back(port->logical_port);
        }
        program_.in.igmp_groups.set(row.uuid, std::move(group));
    }
}

void Northd::feed_learned_routes() {
    for (const auto& change : sb_.changes<sb::LearnedRoute>()) {
        if (!change.after) {
            program_.in.learned_routes.erase(change.before->uuid);
            continue;
        }
        const sb::LearnedRoute& row = *change.after;
        LearnedRoute route{{}, "", row.ip_prefix, row.nexthop};
        if (const auto* datapath = sb_.find<sb::DatapathBinding>(row.datapath)) {
            std::string_view owner = ovsdb::get_string(datapath->external_ids, "logical-router");
            route.router = Uuid::parse(owner).value_or(Uuid());
        }
        if (const auto* port = sb_.find<sb::PortBinding>(row.logical_port)) route.port = port->logical_port;
        program_.in.learned_routes.set(row.uuid, std::move(route));
    }
}

void Northd::feed_sessions() {
    for (const auto& change : sb_.changes<sb::BFD>()) {
        if (change.before) program_.in.bfd_states.erase({change.before->logical_port, change.before->dst_ip});
        if (change.after) {
            program_.in.bfd_states.set({change.after->logical_port, change.after->dst_ip},
                                       change.after->status);
        }
    }
    auto key = [](const sb::ServiceMonitor& row) {
        return MonitorKey{row.ip, row.logical_port, row.protocol.value_or(""), row.port};
    };
    for (const auto& change : sb_.changes<sb::ServiceMonitor>()) {
        if (change.before) program_.in.monitor_states.erase(key(*change.before));
        if (change.after)
            program_.in.monitor_states.set(key(*change.after), change.after->status.value_or(""));
    }
    for (const auto& change : nb_.changes<nb::BFD>()) bfd_status_dirty_.insert(change.row().uuid);
    active_functions_.have(nb_);
    port_health_.have(nb_);
}

void Northd::report_complaints() {
    program_.complaints.take_changes([](const std::string& text, bool added) {
        if (added) lg.warn("{}", text);
    });
}

// --- southbound

void Northd::expire_learnt(Transaction& txn) {
    aging_.want(program_);
    int64_t now = clock::wall_ms();
    if (aging_.due() && aging_.due() <= now) {
        ovsdb::StringMap options;
        for (const auto& global : nb_.table<nb::NBGlobal>()) options = global.options;
        aging_.expire(txn, sb_, southbound_.datapath_of_binding(), options, now);
    }
    if (aging_.due() == aging_armed_) return;
    aging_armed_ = aging_.due();
    if (aging_armed_) {
        aging_timer_->arm_in(std::max<int64_t>(aging_armed_ - now, 1));
    } else {
        aging_timer_->disarm();
    }
}

std::string Northd::drop_action() const {
    int64_t app = 0;
    for (const auto& row : nb_.table<nb::SamplingApp>()) {
        if (row.type == "drop") app = row.id;
    }
    for (const auto& global : nb_.table<nb::NBGlobal>()) {
        std::string sample = drop_sample(global.options, app);
        if (!sample.empty()) return sample + kAclDrop;
    }
    return "";
}

void Northd::write_southbound() {
    metrics::Timing timing(write_watch);
    sb_again_ = false;
    southbound_.want(program_);
    Transaction txn(sb_.store());
    bool whole = southbound_.write(txn);
    while (!whole && txn.empty()) whole = southbound_.write(txn);
    acl_ids_.write(txn, sb_);
    expire_learnt(txn);
    const nb::NBGlobal* global = nullptr;
    for (const auto& row : nb_.table<nb::NBGlobal>()) global = &row;
    int64_t nb_cfg = global ? global->nb_cfg : 0;
    if (global) {
        Uuid sb_global;
        for (const auto& row : sb_.table<sb::SBGlobal>()) sb_global = row.uuid;
        if (sb_global.is_zero()) sb_global = txn.insert<sb::SBGlobal>();
        if (whole) txn.set(sb_global, sb::SBGlobal::kNbCfg, nb_cfg);
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
    commit_southbound(std::move(txn), [this](bool ok) { acl_ids_.written(ok); });
}

void Northd::write_more_flows() {
    metrics::Timing timing(write_watch);
    Transaction txn(sb_.store());
    southbound_.write_more(txn);
    if (!txn.empty()) commit_southbound(std::move(txn), [](bool) {});
}

void Northd::commit_southbound(Transaction txn, std::function<void(bool ok)> done) {
    txn.comment("ovn-northd");
    ++sb_writing_;
    sb_.commit(std::move(txn), [this, done = std::move(done)](const CommitOutcome& outcome) {
        --sb_writing_;
        southbound_.done(outcome);
        done(outcome.ok());
        // What the new rows' keys and names make possible is written before the work counts as done.
        sb_again_ = true;
        if (!outcome.ok()) {
            if (outcome.status == CommitStatus::kError) {
                static log::RateLimit limit(1, 5);
                if (limit.pass(lg)) lg.warn("southbound transaction failed: {}", outcome.error);
            }
        }
        loop_.wake();
    });
}

// --- northbound

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
    options.set("max_tunid", std::to_string(tunnel_space_.max_datapath_key));
    options.set("northd_internal_version", std::string(kOvnInternalVersion));
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
    reached_ = chassis_.reached(sb_cfg_);
    if (reached_.nb_cfg != row.hv_cfg) {
        txn.set(uuid, Global::kHvCfg, reached_.nb_cfg);
        txn.set(uuid, Global::kHvCfgTimestamp, reached_.timestamp);
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
    port_status_dirty_.insert(allocations_.changed().begin(), allocations_.changed().end());
    allocations_.clear_changed();
    for (const Uuid& uuid : port_status_dirty_) {
        if (!nb_.find<nb::LogicalSwitchPort>(uuid)) continue;
        allocations_.write(txn, uuid);
        auto it = port_status_.find(uuid);
        if (it != port_status_.end()) txn.set(uuid, nb::LogicalSwitchPort::kUp, it->second.front().up);
    }
}

void Northd::write_bfd_status(Transaction& txn) {
    program_.bfd_status_rows.take_changes([&](const BfdStatusRow& row, bool added) {
        if (added) {
            bfd_status_[row.bfd] = row.status;
        } else if (auto it = bfd_status_.find(row.bfd); it != bfd_status_.end() && it->second == row.status) {
            bfd_status_.erase(it);
        }
        bfd_status_dirty_.insert(row.bfd);
    });
    for (const Uuid& uuid : bfd_status_dirty_) {
        auto it = bfd_status_.find(uuid);
        if (it == bfd_status_.end() || !nb_.find<nb::BFD>(uuid)) continue;
        txn.set(uuid, nb::BFD::kStatus, std::optional(it->second));
    }
}

void Northd::write_gateway_status(Transaction& txn) {
    using Port = nb::LogicalRouterPort;
    std::vector<GatewayStatusRow> gone;
    bool known = nb_.server_has(Port::kStatus);
    program_.gateway_status_rows.take_changes([&](const GatewayStatusRow& row, bool added) {
        if (!added) return gone.push_back(row);
        gateway_status_[row.port] = row.chassis;
        gateway_dirty_.insert(row.port);
    });
    for (const GatewayStatusRow& row : gone) {
        auto it = gateway_status_.find(row.port);
        if (it == gateway_status_.end() || it->second != row.chassis) continue;
        gateway_status_.erase(it);
        gateway_dirty_.insert(row.port);
    }
    if (!known) return gateway_dirty_.clear();
    for (const Uuid& uuid : gateway_dirty_) {
        const Port* port = nb_.find<Port>(uuid);
        if (!port) continue;
        auto it = gateway_status_.find(uuid);
        const sb::Chassis* chassis =
            it == gateway_status_.end() ? nullptr : sb_.find<sb::Chassis>(it->second);
        ovsdb::StringMap status = port->status;
        if (chassis) {
            status.set("hosting-chassis", chassis->name);
        } else {
            status.erase(std::string("hosting-chassis"));
        }
        txn.set(uuid, Port::kStatus, status);
    }
}

void Northd::write_northbound() {
    nb_again_ = false;
    Transaction txn(nb_.store());
    write_global(txn);
    write_port_status(txn);
    write_bfd_status(txn);
    write_gateway_status(txn);
    active_functions_.want(program_.function_status_rows, [](const FunctionStatusRow& row) {
        return std::pair(row.group, row.active.is_zero() ? std::nullopt : std::optional(row.active));
    });
    active_functions_.write(nb_, txn);
    port_health_.want(program_.port_health_rows, [](const PortHealthRow& row) {
        return std::pair(row.check, row.status.empty() ? std::nullopt : std::optional(row.status));
    });
    port_health_.write(nb_, txn);
    HashSet<Uuid> written_bfd, written_gateways;
    std::swap(written_bfd, bfd_status_dirty_);
    std::swap(written_gateways, gateway_dirty_);
    HashSet<Uuid> written;
    std::swap(written, port_status_dirty_);
    if (txn.empty()) return;
    txn.comment("ovn-northd");
    nb_writing_ = true;
    nb_.commit(std::move(txn),
               [this, written = std::move(written), written_bfd = std::move(written_bfd),
                written_gateways = std::move(written_gateways)](const CommitOutcome& outcome) {
                   nb_writing_ = false;
                   if (!outcome.ok()) {
                       nb_again_ = true;
                       port_status_dirty_.insert(written.begin(), written.end());
                       bfd_status_dirty_.insert(written_bfd.begin(), written_bfd.end());
                       gateway_dirty_.insert(written_gateways.begin(), written_gateways.end());
                       active_functions_.mark_all();
                       port_health_.mark_all();
                       if (outcome.status == CommitStatus::kError) {
                           static log::RateLimit limit(1, 5);
                           if (limit.pass(lg)) lg.warn("northbound transaction failed: {}", outcome.error);
                       }
                   }
                   loop_.wake();
               });
}

}  // namespace weft::northd
