#include "vtep/gateway_controller.h"

#include <utility>

#include "base/log.h"
#include "base/version.h"
#include "northd/sync/feed_rows.h"

namespace weft::vtep {

using northd::feed_rows;
using ovsdb::client::CommitOutcome;
using ovsdb::client::CommitStatus;
using ovsdb::client::Replica;
using ovsdb::client::Transaction;

namespace {

log::Module lg("vtep");
constexpr int64_t kRetryMs = 1000;

}  // namespace

GatewayController::GatewayController(net::Loop& loop, Options options)
    : loop_(loop),
      vtep_(loop, vt::database(), {.remotes = std::move(options.hardware)}),
      sb_(loop, sb::database(), {.remotes = std::move(options.southbound)}) {
    hardware_.choose_columns();
    southbound_.choose_columns();
    vtep_.start();
    sb_.start();
    turn_ = loop.each_turn([this] { turn(); });
    retry_ = loop.timer([this] {
        look_again();
        loop_.wake();
    });
}

GatewayController::~GatewayController() = default;

void GatewayController::look_again() {
    vtep_writing_.again = sb_writing_.again = true;
}

void GatewayController::feed() {
    Inputs& in = program_.in;
    feed_rows(in.physical_switches, vtep_);
    feed_rows(in.physical_ports, vtep_);
    feed_rows(in.logical_switches, vtep_);
    feed_rows(in.chassis, sb_);
    feed_rows(in.encaps, sb_);
    feed_rows(in.datapaths, sb_);
    feed_rows(in.ports, sb_);
}

// What a newer northd wrote is not understood.
bool GatewayController::northd_fits() {
    bool match = false;
    for (const auto& row : vtep_.table<vt::Global>())
        match = ovsdb::get_bool(row.other_config, "ovn-match-northd-version");
    if (!match) return true;
    std::string_view northd;
    for (const auto& row : sb_.table<sb::SBGlobal>())
        northd = ovsdb::get_string(row.options, "northd_internal_version");
    if (northd == kOvnInternalVersion) return true;
    static log::RateLimit limit(1, 1);
    if (limit.pass(lg)) {
        lg.warn("controller version - {} mismatch with northd version - {}: nothing is processed",
                kOvnInternalVersion, northd);
    }
    return false;
}

void GatewayController::turn() {
    if (leaving_ || !vtep_.ready() || !sb_.ready() || !northd_fits()) return;
    bool news = std::exchange(vtep_seen_, vtep_.sequence()) != vtep_.sequence();
    news |= std::exchange(sb_seen_, sb_.sequence()) != sb_.sequence();
    if (news) {
        feed();
        hardware_.have();
        southbound_.have();
        vtep_.clear_changes();
        sb_.clear_changes();
        look_again();
    }
    if (!vtep_writing_.again && !sb_writing_.again) return;
    program_.engine.update();
    hardware_.want(program_);
    southbound_.want(program_);
    program_.complaints.take_changes([](const std::string& text, bool added) {
        if (added) lg.warn("{}", text);
    });
    write(sb_, sb_writing_, southbound_, "southbound");
    write(vtep_, vtep_writing_, hardware_, "hardware_vtep");
}

// One transaction, if there is none under way.
template <typename Side>
void GatewayController::write(Replica& replica, Writing& state, Side& side, const char* what) {
    if (state.under_way || !state.again || !replica.connected()) return;
    state.again = false;
    Transaction txn(replica.store());
    side.write(txn);
    if (txn.empty()) {
        state.failures = 0;
        return side.done(CommitOutcome());
    }
    txn.comment("ovn-controller-vtep");
    state.under_way = true;
    replica.commit(std::move(txn), [this, &state, &side, what](const CommitOutcome& outcome) {
        state.under_way = false;
        side.done(outcome);
        state.failures = outcome.ok() ? 0 : state.failures + 1;
        if (outcome.status == CommitStatus::kError) {
            static log::RateLimit limit(1, 5);
            if (limit.pass(lg)) lg.warn("{}: transaction failed: {}", what, outcome.error);
        }
        // A change that came between is a reason to look again at once; what stays wrong is not.
        state.again = state.failures < 2;
        if (!state.again) retry_->arm_in(kRetryMs);
        loop_.wake();
    });
}

void GatewayController::leave(std::function<void()> done) {
    leaving_ = true;
    auto remaining = std::make_shared<int>(1);
    auto one_done = [remaining, done = std::move(done)](const CommitOutcome&) {
        if (--*remaining == 0) done();
    };
    auto clean_up = [&](Replica& replica, auto& side) {
        if (!replica.connected() || !replica.ready()) return;
        Transaction txn(replica.store());
        side.clean_up(txn);
        if (txn.empty()) return;
        txn.comment("ovn-controller-vtep: cleaning up");
        ++*remaining;
        replica.commit(std::move(txn), one_done);
    };
    clean_up(sb_, southbound_);
    clean_up(vtep_, hardware_);
    one_done({});
}

}  // namespace weft::vtep
