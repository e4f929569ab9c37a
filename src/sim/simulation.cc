#include "sim/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>

#include "base/clock.h"
#include "schema/nb.h"
#include "sim/central.h"
#include "sim/chassis.h"

namespace weft::sim {

namespace nb = schema::nb;
using ovsdb::client::CommitOutcome;
using ovsdb::client::Replica;
using ovsdb::client::Transaction;

namespace {

// Of this machine, finer than clock::monotonic_ms(): what is measured are real programs.
double now_ms() {
    using Milliseconds = std::chrono::duration<double, std::milli>;
    return Milliseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Simulation {
  public:
    Simulation(const SimulationOptions& options, Central& central)
        : options_(options),
          central_(central),
          nb_(loop_, nb::database(),
              {.remotes = {central.northbound()}, .track_changes = false, .probe_interval_ms = 0}) {}

    Result<void> begin();
    Result<void> build();
    Result<void> start_chassis();
    Result<void> change(const Operation& operation, size_t number, Sample& sample);
    Shape& shape() { return *shape_; }

    // Does `step` and measures it.
    template <typename Step>
    Result<Phase> measured(const char* name, Step step) {
        Phase phase{name, 0, {}, {}};
        ByProgram before = cpu();
        double began = now_ms();
        WEFT_TRY(step());
        phase.ms = now_ms() - began;
        phase.cpu = since(before);
        phase.memory = {central_.northd().resident_bytes(), central_.northbound_server().resident_bytes(),
                        central_.southbound_server().resident_bytes()};
        return phase;
    }

  private:
    // Runs the loop until `done`; `what` says for people what that means.
    Result<void> until(const std::string& what, const std::function<bool()>& done);
    Result<void> commit(Transaction txn);
    void write_nb_cfg(Transaction& txn);
    void made_progress(size_t chassis);
    size_t ports_up() const;
    const nb::NBGlobal& global() const { return *nb_.table<nb::NBGlobal>().begin(); }
    ByProgram cpu() const {
        return {central_.northd().cpu_ms(), central_.northbound_server().cpu_ms(),
                central_.southbound_server().cpu_ms()};
    }
    ByProgram since(const ByProgram& before) const {
        ByProgram now = cpu();
        for (size_t i = 0; i < kPrograms; ++i) now[i] -= before[i];
        return now;
    }

    const SimulationOptions& options_;
    Central& central_;
    net::Loop loop_;
    Replica nb_;
    std::unique_ptr<Shape> shape_;
    std::vector<Placement> placements_;
    Topology topology_;
    std::vector<std::unique_ptr<Chassis>> chassis_;
    int64_t nb_cfg_ = 0;                 // the last that was written
    std::vector<int64_t> had_;           // the last that each chassis acknowledged
    size_t have_ = 0;                    // how many have the last one
    double first_ms_ = 0, last_ms_ = 0;  // when the first and the last of them had it
    std::string trouble_;
    std::unique_ptr<net::Loop::Signal> interrupt_ =
        loop_.on_signal(SIGINT, [this] { trouble_ = "interrupted"; });
    std::unique_ptr<net::Loop::Signal> terminate_ =
        loop_.on_signal(SIGTERM, [this] { trouble_ = "terminated"; });
};

Result<void> Simulation::until(const std::string& what, const std::function<bool()>& done) {
    int64_t deadline = clock::monotonic_ms() + options_.patience_s * 1000;
    while (!done()) {
        std::string casualty = central_.casualty();
        if (!casualty.empty()) return Error{casualty};
        if (!trouble_.empty()) return Error{trouble_};
        if (clock::monotonic_ms() > deadline) {
            return Error{fmt::format(
                "after {} s it was not yet so that {} ({} of {} chassis have nb_cfg {}, {} of {} ports are "
                "up)",
                options_.patience_s, what, have_, chassis_.size(), nb_cfg_, ports_up(), placements_.size())};
        }
        loop_.run_once(100);
    }
    return {};
}

Result<void> Simulation::commit(Transaction txn) {
    bool answered = false;
    CommitOutcome outcome;
    nb_.commit(std::move(txn), [&](const CommitOutcome& result) {
        answered = true;
        outcome = result;
    });
    WEFT_TRY(until("a transaction was answered", [&] { return answered; }));
    if (outcome.ok()) return {};
    return Error{fmt::format("the northbound database refused a change: {} {}", to_string(outcome.status),
                             outcome.error)};
}

void Simulation::write_nb_cfg(Transaction& txn) {
    txn.set(global().uuid, nb::NBGlobal::kNbCfg, ++nb_cfg_);
    have_ = 0;
}

void Simulation::made_progress(size_t number) {
    const Chassis& chassis = *chassis_[number];
    if (!chassis.trouble().empty()) trouble_ = fmt::format("{}: {}", chassis.name(), chassis.trouble());
    if (chassis.nb_cfg() == had_[number]) return;
    had_[number] = chassis.nb_cfg();
    if (had_[number] != nb_cfg_) return;
    last_ms_ = now_ms();
    if (have_++ == 0) first_ms_ = last_ms_;
}

size_t Simulation::ports_up() const {
    size_t up = 0;
    for (const auto& chassis : chassis_) up += chassis->up();
    return up;
}

Result<void> Simulation::begin() {
    nb_.monitor_everything();
    WEFT_ASSIGN(shape_, make_shape(options_.shape, options_.size, nb_));
    nb_.start();
    WEFT_TRY(until("the northbound database was read", [&] { return nb_.ready(); }));
    Transaction txn(nb_.store());
    txn.insert<nb::NBGlobal>();
    WEFT_TRY(commit(std::move(txn)));
    return central_.start_northd();
}

Result<void> Simulation::build() {
    Transaction shared(nb_.store());
    shape_->add_shared(shared);
    WEFT_TRY(commit(std::move(shared)));
    for (size_t node = 0; node < options_.size.nodes; ++node) {
        Transaction txn(nb_.store());
        std::vector<Placement> ports = shape_->add_node(txn, node);
        placements_.insert(placements_.end(), ports.begin(), ports.end());
        WEFT_TRY(commit(std::move(txn)));
    }
    Transaction txn(nb_.store());
    write_nb_cfg(txn);
    WEFT_TRY(commit(std::move(txn)));
    return until("northd has caught up", [&] { return global().sb_cfg >= nb_cfg_; });
}

Result<void> Simulation::start_chassis() {
    // Some at a time, as hosts do that are upgraded or powered on: what each asks for is megabytes, and all
    // at once they would measure how much of that fits into the server's queues.
    std::vector<std::vector<std::string>> ports(options_.size.nodes);
    for (const Placement& placement : placements_) ports[placement.node].push_back(placement.port);
    std::vector<const Chassis*> coming;
    had_.resize(options_.size.nodes);
    for (size_t node = 0; node < options_.size.nodes; ++node) {
        Chassis::Options chassis{central_.southbound(), node_name(node),
                                 address_text(10u << 24 | 64u << 16 | static_cast<uint32_t>(node + 1)),
                                 options_.hops};
        chassis_.push_back(std::make_unique<Chassis>(loop_, std::move(chassis), topology_,
                                                     [this, node] { made_progress(node); }));
        for (const std::string& port : ports[node]) chassis_[node]->plug(port);
        coming.push_back(chassis_[node].get());
        WEFT_TRY(until("the ports of the chassis that came before are up", [&] {
            std::erase_if(coming, [](const Chassis* each) { return each->settled(); });
            return coming.size() < options_.at_once;
        }));
    }
    WEFT_TRY(until("all ports are up", [&] { return ports_up() == placements_.size(); }));
    Transaction txn(nb_.store());
    write_nb_cfg(txn);
    WEFT_TRY(commit(std::move(txn)));
    return until("all chassis have caught up", [&] { return global().hv_cfg >= nb_cfg_; });
}

Result<void> Simulation::change(const Operation& operation, size_t number, Sample& sample) {
    Transaction txn(nb_.store());
    Operation::Effect effect = operation.write(txn, number);
    write_nb_cfg(txn);
    ByProgram before = cpu();
    double began = now_ms(), up_ms = 0;
    size_t ports = ports_up() + (effect.plug ? 1 : 0) - (effect.unplug ? 1 : 0);
    if (effect.plug) chassis_[effect.plug->node]->plug(effect.plug->port);
    if (effect.unplug) chassis_[effect.unplug->node]->unplug(effect.unplug->port);
    WEFT_TRY(commit(std::move(txn)));
    WEFT_TRY(until("all chassis have the change", [&] {
        if (up_ms == 0 && ports_up() == ports) up_ms = now_ms();
        return up_ms > 0 && global().hv_cfg >= nb_cfg_;
    }));
    sample.hv_cfg_ms = now_ms() - began;
    sample.first_ms = first_ms_ - began;
    sample.all_ms = (effect.plug ? std::max(last_ms_, up_ms) : last_ms_) - began;
    sample.cpu = since(before);
    return {};
}

}  // namespace

Result<Measurements> simulate(const SimulationOptions& options,
                              const std::function<void(const std::string&)>& say) {
    WEFT_ASSIGN(auto central, Central::start(options.programs));
    Simulation simulation(options, *central);
    WEFT_TRY(simulation.begin());
    Measurements measurements;
    measurements.title =
        fmt::format("{}: {} nodes of {} ports, {}; chassis follow {} patch ports; {}", options.shape,
                    options.size.nodes, options.size.ports, simulation.shape().summary(), options.hops,
                    options.programs.empty() ? "Weft" : options.programs);
    say("building the network");
    WEFT_ASSIGN(Phase build, simulation.measured("building", [&] { return simulation.build(); }));
    measurements.phases.push_back(build);
    say("starting the chassis");
    WEFT_ASSIGN(Phase chassis,
                simulation.measured("chassis coming", [&] { return simulation.start_chassis(); }));
    measurements.phases.push_back(chassis);
    std::vector<Operation> operations = simulation.shape().operations();
    for (const Operation& operation : operations) measurements.operations.push_back({operation.name, {}});
    say("changing it");
    auto change_all = [&]() -> Result<void> {
        for (size_t round = 0; round < options.rounds; ++round) {
            for (size_t i = 0; i < operations.size(); ++i) {
                Sample sample;
                WEFT_TRY(simulation.change(operations[i], round, sample));
                measurements.operations[i].samples.push_back(sample);
            }
        }
        return {};
    };
    WEFT_ASSIGN(Phase changes, simulation.measured("changes", change_all));
    measurements.phases.push_back(changes);
    return measurements;
}

}  // namespace weft::sim
