#include "ic/interconnection_controller.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/metrics.h"
#include "incremental/statistics.h"
#include "northd/sync/feed_rows.h"

namespace weft::ic {

using northd::feed_rows;
using ovsdb::client::CommitOutcome;
using ovsdb::client::CommitStatus;
using ovsdb::client::Replica;

namespace {

log::Module lg("ovn_ic");
constexpr const char* kLock = "ovn_ic";
constexpr const char* kZoneLock = "ovn_ic_zone_";  // before the zone's name, in the IC-SB
constexpr int64_t kRetryMs = 1000;

// Of a turn as a whole and its parts.
metrics::Stopwatch loop_watch("ovn-ic-loop"), compute_watch("ovn-ic-compute"), write_watch("ovn-ic-write");

}  // namespace

InterconnectionController::InterconnectionController(net::Loop& loop, Options options)
    : loop_(loop),
      nb_(loop, nb::database(), {.remotes = options.northbound}),
      sb_(loop, sb::database(), {.remotes = options.southbound}),
      icnb_(loop, icnb::database(), {.remotes = options.ic_northbound}),
      icsb_(loop, icsb::database(), {.remotes = options.ic_southbound}) {
    northbound_.choose_columns();
    southbound_.choose_columns();
    interconnection_.choose_columns();
    icnb_.monitor<icnb::TransitSwitch>(icnb::TransitSwitch::kName);
    icnb_.monitor<icnb::TransitRouter>(icnb::TransitRouter::kName, icnb::TransitRouter::kPorts);
    icnb_.monitor<icnb::TransitRouterPort>(icnb::TransitRouterPort::kName, icnb::TransitRouterPort::kMac,
                                           icnb::TransitRouterPort::kChassis,
                                           icnb::TransitRouterPort::kNetworks);
    icnb_.monitor<icnb::ICNBGlobal>(icnb::ICNBGlobal::kNbIcCfg, icnb::ICNBGlobal::kSbIcCfg);
    sb_.set_lock(kLock);
    for (Replica* replica : {&nb_, &sb_, &icnb_, &icsb_}) replica->start();
    turn_ = loop.each_turn([this] { turn(); });
    retry_ = loop.timer([this] {
        look_again();
        loop_.wake();
    });
}

InterconnectionController::~InterconnectionController() = default;

void InterconnectionController::pause() {
    paused_ = true;
    sb_.set_lock("");
    loop_.wake();
}

void InterconnectionController::resume() {
    paused_ = false;
    sb_.set_lock(kLock);
    loop_.wake();
}

std::string InterconnectionController::status() const {
    return paused_ ? "paused" : sb_.has_lock() ? "active" : "standby";
}

std::string InterconnectionController::statistics(std::string_view function, std::string_view counter) const {
    return incremental::statistics_text(program_.engine, {"ic", recomputes_, computes_}, function, counter);
}

void InterconnectionController::clear_statistics() {
    recomputes_ = computes_ = 0;
    program_.engine.clear_runs();
}

void InterconnectionController::recompute() {
    program_.engine.invalidate();
    computed_ = false;
    look_again();
    loop_.wake();
}

// --- a turn

bool InterconnectionController::has_news() {
    bool news = false;
    uint64_t* seen = seen_;
    for (const Replica* replica : {&nb_, &sb_, &icnb_, &icsb_}) {
        news |= std::exchange(*seen++, replica->sequence()) != replica->sequence();
    }
    return news;
}

void InterconnectionController::turn() {
    for (const Replica* replica : {&nb_, &sb_, &icnb_, &icsb_}) {
        if (!replica->ready()) return;
    }
    bool may_write = !paused_ && sb_.has_lock();
    if (may_write != active_) {
        active_ = may_write;
        if (active_) {
            lg.info("ovn-ic lock acquired. This ovn-ic instance is now active.");
        } else {
            lg.info("ovn-ic lock lost. This ovn-ic instance is now on standby.");
        }
        look_again();
    }
    if (has_news()) {
        metrics::Timing timing(loop_watch);
        feed();
        northbound_.have();
        southbound_.have();
        interconnection_.have();
        for (Replica* replica : {&nb_, &sb_, &icnb_, &icsb_}) replica->clear_changes();
        look_again();
    }
    bool due = nb_writing_.again || sb_writing_.again || icsb_writing_.again;
    if (!owns_name() || !due || !find_zone()) return;
    write_all();
    report_configuration();
}

void InterconnectionController::look_again() {
    for (Writing* each : {&nb_writing_, &sb_writing_, &icsb_writing_}) each->again = true;
}

void InterconnectionController::feed() {
    Inputs& in = program_.in;
    feed_rows(in.global, nb_);
    feed_rows(in.switches, nb_);
    feed_rows(in.switch_ports, nb_);
    feed_rows(in.routers, nb_);
    feed_rows(in.router_ports, nb_);
    feed_rows(in.routes, nb_);
    feed_rows(in.chassis, sb_);
    feed_rows(in.encaps, sb_);
    feed_rows(in.transit_switches, icnb_);
    feed_rows(in.transit_routers, icnb_);
    feed_rows(in.transit_router_ports, icnb_);
    feed_rows(in.neighbors, sb_);
    if (!icnb_.changes<icnb::TransitRouterPort>().empty()) {
        std::set<std::string> ports;
        for (const auto& row : icnb_.table<icnb::TransitRouterPort>()) ports.insert(row.name);
        southbound_.watch_neighbors(ports);
    }
    feed_rows(in.gateways, icsb_);
    feed_rows(in.gateway_encaps, icsb_);
    feed_rows(in.datapaths, icsb_);
    feed_rows(in.ports, icsb_);
    feed_rows(in.advertised, icsb_);
    feed_bindings();
    if (icsb_.changes<icsb::PortBinding>().empty()) return;
    std::set<std::string> names;
    for (const auto& row : icsb_.table<icsb::PortBinding>()) names.insert(row.logical_port);
    northbound_.watch_names(names);
}

void InterconnectionController::feed_bindings() {
    auto feed = [&](const sb::PortBinding& row) {
        const sb::Chassis* chassis = row.chassis ? sb_.find<sb::Chassis>(*row.chassis) : nullptr;
        if (chassis && row.type != "remote") {
            program_.in.bindings.set(row.logical_port, chassis->name);
        } else {
            program_.in.bindings.erase(row.logical_port);
        }
    };
    for (const auto& change : sb_.changes<sb::PortBinding>()) {
        if (change.before && (!change.after || change.after->logical_port != change.before->logical_port))
            program_.in.bindings.erase(change.before->logical_port);
        if (change.after) feed(*change.after);
    }
    // References are weak: a binding's row does not change when its chassis changes its name.
    if (sb_.changes<sb::Chassis>().empty()) return;
    for (const auto& row : sb_.table<sb::PortBinding>()) feed(row);
}

// Nobody else's zone has our name: we hold its lock.
bool InterconnectionController::owns_name() {
    std::string name;
    if (active_) {
        for (const auto& global : nb_.table<nb::NBGlobal>()) name = global.name;
    }
    // A name that another zone has is not taken: ours stays what it was (find_zone()).
    bool is_taken = false;
    for (const auto& row : icsb_.table<icsb::AvailabilityZone>())
        is_taken |= row.name == name && row.uuid != zone_;
    bool has_name = !locked_name_.empty() && icsb_.find<icsb::AvailabilityZone>(zone_);
    if (name != locked_name_ && (name.empty() || !has_name || !is_taken)) {
        locked_name_ = name;
        icsb_.set_lock(name.empty() ? std::string() : kZoneLock + name);
        look_again();
    }
    if (name.empty()) return false;
    if (icsb_.has_lock()) return true;
    static log::RateLimit limit(1, 60);
    if (icsb_.lock_contended() && limit.pass(lg)) {
        lg.warn(
            "another deployment has the name {} (NB_Global:name): zones need names of their own, and nothing "
            "is written while this one has none",
            name);
    }
    return false;
}

// The zone's row, made or renamed if need be; false while there is none.
bool InterconnectionController::find_zone() {
    std::string name;
    for (const auto& global : nb_.table<nb::NBGlobal>()) name = global.name;
    if (name.empty()) return false;
    const auto* former = icsb_.find<icsb::AvailabilityZone>(zone_);
    Uuid found;
    for (const auto& row : icsb_.table<icsb::AvailabilityZone>()) {
        if (row.name == name) found = row.uuid;
    }
    if (former && !found.is_zero() && found != zone_) {
        static log::RateLimit limit(1, 60);
        if (limit.pass(lg)) {
            lg.warn("NB_Global:name {} is the name of another availability zone; this one stays {}", name,
                    former->name);
        }
        return true;
    }
    if (!found.is_zero()) {
        zone_ = found;
        program_.in.zone.set({}, found);
        interconnection_.set_zone(found);
        return true;
    }
    write(
        icsb_, icsb_writing_, "availability zone",
        [&](Transaction& txn) {
            Uuid row = former ? former->uuid : txn.insert<icsb::AvailabilityZone>();
            txn.set(row, icsb::AvailabilityZone::kName, name);
        },
        [](const CommitOutcome&) {});
    return false;
}

// One transaction of `fill`, if there is none under way.
template <typename Fill, typename Done>
void InterconnectionController::write(Replica& replica, Writing& state, const char* what, Fill fill,
                                      Done done) {
    if (state.under_way || !state.again) return;
    state.again = false;
    Transaction txn(replica.store());
    fill(txn);
    if (txn.empty()) {
        state.failures = 0;
        return done(CommitOutcome());
    }
    txn.comment("ovn-ic");
    state.under_way = true;
    replica.commit(std::move(txn), [this, &state, what, done](const CommitOutcome& outcome) {
        state.under_way = false;
        done(outcome);
        state.failures = outcome.ok() ? 0 : state.failures + 1;
        if (outcome.status == CommitStatus::kError) {
            static log::RateLimit limit(1, 5);
            if (limit.pass(lg)) lg.warn("{}: transaction failed: {}", what, outcome.error);
        }
        // Another zone that was quicker is a reason to look again at once; what stays wrong is not.
        state.again = state.failures < 2;
        if (!state.again) retry_->arm_in(kRetryMs);
        loop_.wake();
    });
}

void InterconnectionController::write_all() {
    {
        metrics::Timing timing(compute_watch);
        ++(std::exchange(computed_, true) ? computes_ : recomputes_);
        program_.engine.update();
        northbound_.want(program_);
        southbound_.want(program_);
        interconnection_.want(program_);
        program_.complaints.take_changes([](const std::string& text, bool added) {
            if (added) lg.warn("{}", text);
        });
    }
    metrics::Timing timing(write_watch);
    write(
        icsb_, icsb_writing_, "interconnection southbound",
        [&](Transaction& txn) { interconnection_.write(txn); },
        [this](const CommitOutcome& outcome) { interconnection_.done(outcome); });
    write(
        sb_, sb_writing_, "southbound", [&](Transaction& txn) { southbound_.write(txn); },
        [this](const CommitOutcome& outcome) { southbound_.done(outcome); });
    write(
        nb_, nb_writing_, "northbound", [&](Transaction& txn) { northbound_.write(txn); },
        [this](const CommitOutcome& outcome) { northbound_.done(outcome); });
}

void InterconnectionController::report_configuration() {
    using Global = icnb::ICNBGlobal;
    using Zone = icsb::AvailabilityZone;
    if (!icnb_.server_has(Global::kNbIcCfg) || !icsb_.server_has(Zone::kNbIcCfg)) return;
    for (const Writing* each : {&nb_writing_, &sb_writing_, &icsb_writing_}) {
        if (each->under_way || each->again || each->failures) return;
    }
    const Global* global = nullptr;
    for (const auto& row : icnb_.table<Global>()) global = &row;
    const Zone* zone = icsb_.find<Zone>(zone_);
    if (!global || !zone) return;
    const int64_t number = global->nb_ic_cfg;
    if (zone->nb_ic_cfg != number) {
        icsb_writing_.again = true;
        return write(
            icsb_, icsb_writing_, "interconnection southbound",
            [&](Transaction& txn) {
                txn.set(zone_, Zone::kNbIcCfg, number);
                for (const auto& row : icsb_.table<icsb::ICSBGlobal>())
                    txn.set(row.uuid, icsb::ICSBGlobal::kNbIcCfg, number);
            },
            [](const CommitOutcome&) {});
    }
    int64_t slowest = number;
    for (const auto& row : icsb_.table<Zone>()) slowest = std::min(slowest, row.nb_ic_cfg);
    if (slowest == global->sb_ic_cfg) return;
    icnb_writing_.again = true;
    write(
        icnb_, icnb_writing_, "interconnection northbound",
        [&](Transaction& txn) { txn.set(global->uuid, Global::kSbIcCfg, slowest); },
        [](const CommitOutcome&) {});
}

}  // namespace weft::ic
