// The controller's control commands (ovn-controller(8), "RUNTIME MANAGEMENT COMMANDS").

#include <fmt/format.h>

#include <charconv>

#include "base/clock.h"
#include "controller/controller.h"
#include "controller/physical/action_builder.h"
#include "incremental/statistics.h"
#include "logical/microflow.h"
#include "packet/compose.h"

namespace weft::controller {

namespace {

namespace sb = schema::sb;
using Arguments = net::ControlServer::Arguments;

constexpr const char* kRule = "----------------------------------------\n";

// Names in a microflow: everything that is known; the ingress port decides about the datapath.
class MicroflowNames : public logical::SetLookup, public logical::PortLookup {
  public:
    explicit MicroflowNames(SouthboundView& view) : view_(view) {}

    bool address_set(std::string_view name, std::vector<logical::Constant>& members) const override {
        const Uuid* uuid = view_.address_set_by_name.first(std::string(name));
        const sb::AddressSet* row = uuid ? view_.value(view_.address_sets, *uuid) : nullptr;
        if (!row) return false;
        for (const std::string& text : row->addresses) {
            if (auto constant = logical::parse_integer_constant(text)) members.push_back(*constant);
        }
        return true;
    }
    bool port_group(std::string_view name, std::vector<std::string>& members) const override {
        const Uuid* uuid = view_.port_group_by_name.first(std::string(name));
        const sb::PortGroup* row = uuid ? view_.value(view_.port_groups, *uuid) : nullptr;
        if (row) members.assign(row->ports.begin(), row->ports.end());
        return row != nullptr;
    }
    std::optional<uint32_t> port(const logical::Symbol& field, std::string_view name) const override {
        const sb::PortBinding* row = view_.port_named(std::string(name));
        if (!row) return std::nullopt;
        if (field.name == "inport") inport_ = row;
        return static_cast<uint32_t>(row->tunnel_key);
    }
    bool is_chassis_resident(std::string_view name) const override {
        const sb::PortBinding* row = view_.port_named(std::string(name));
        return row && view_.is_own_chassis(row->chassis);
    }
    const sb::PortBinding* inport() const { return inport_; }

  private:
    SouthboundView& view_;
    mutable const sb::PortBinding* inport_ = nullptr;
};

std::string binding_text(SouthboundView& view, const std::string& name, const std::string& interface) {
    std::vector<const sb::PortBinding*> children;
    for (const Uuid& uuid : view.children[name]) children.push_back(view.port(uuid));
    std::vector<const sb::PortBinding*> virtual_ports;
    for (const Uuid& uuid : view.virtual_ports[name]) virtual_ports.push_back(view.port(uuid));
    const sb::PortBinding* primary = view.port_named(name);
    std::string text = fmt::format("name: [{}], OVS interface name : [{}], num binding lports : [{}]\n", name,
                                   interface.empty() ? "NULL" : interface,
                                   (primary ? 1 : 0) + children.size() + virtual_ports.size());
    text += primary ? fmt::format("primary lport : [{}]\n", name) : "no primary lport\n";
    size_t n = 0;
    for (const sb::PortBinding* child : children)
        text += fmt::format("child lport[{}] : [{}], type : [CONTAINER]\n", ++n, child->logical_port);
    for (const sb::PortBinding* child : virtual_ports)
        text += fmt::format("child lport[{}] : [{}], type : [VIRTUAL]\n", ++n, child->logical_port);
    return text + kRule;
}

}  // namespace

Result<std::string> Controller::inject_packet(const std::string& microflow) {
    MicroflowNames names(view_);
    Result<packet::Flow> flow =
        logical::parse_microflow(microflow, logical::SymbolTable::standard(), &names, names);
    if (!flow) return Error{flow.message()};
    const sb::PortBinding* port = names.inport();
    const LocalDatapath* datapath = port ? view_.local_datapath(port->datapath) : nullptr;
    if (!datapath || !local_ofport(view_, *port)) return Error{"ingress port not found on hypervisor."};
    if (!bridge_.connected()) return Error{"the integration bridge is not connected"};
    ActionBuilder actions;
    enter_pipeline(actions, keys_of(view_, *port, datapath->key));
    packet::Packet packet = packet::compose(*flow);
    ByteView bytes = packet.view();
    bridge_.send_packet(Bytes(bytes.begin(), bytes.end()), openflow::kPortController,
                        actions.resubmit(kTableIngress).take());
    return std::string();
}

void Controller::add_commands(net::ControlServer& control) {
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
    control.add("inject-pkt", "MICROFLOW", 1, 1,
                [this](const Arguments& arguments) { return inject_packet(arguments.front()); });
    auto recompute = [this](const Arguments&) -> Result<std::string> {
        recompute_ = true;
        loop_.wake();
        return std::string();
    };
    control.add("recompute", "[deprecated]", 0, 0, recompute);
    control.add("inc-engine/recompute", "", 0, 0, recompute);
    control.add("inc-engine/show-stats", "[NODE [COUNTER]]", 0, 2,
                [this](const Arguments& arguments) -> Result<std::string> {
                    return incremental::statistics_text(view_.engine, {"flow_output", recomputes_, computes_},
                                                        arguments.empty() ? "" : arguments[0],
                                                        arguments.size() < 2 ? "" : arguments[1]);
                });
    control.add("inc-engine/clear-stats", "", 0, 0, [this](const Arguments&) -> Result<std::string> {
        recomputes_ = computes_ = 0;
        view_.engine.clear_runs();
        return std::string();
    });
    control.add("sb-cluster-state-reset", "", 0, 0, [this](const Arguments&) -> Result<std::string> {
        if (southbound_) southbound_->force_reconnect();
        return std::string();
    });
    // There is no cache beside the engine's results.
    auto flush = [](const Arguments&) -> Result<std::string> { return std::string(); };
    control.add("lflow-cache/flush", "", 0, 0, flush);
    control.add("flush-lflow-cache", "[deprecated]", 0, 0, flush);
    control.add("lflow-cache/show-stats", "", 0, 0, [](const Arguments&) -> Result<std::string> {
        return std::string(
            "Enabled: false\nhigh-watermark  : 0\ntotal           : 0\ncache-expr      : 0\n"
            "cache-matches   : 0\ntrim count      : 0\nMem usage (KB)  : 0\n");
    });
    add_debug_commands(control);
    add_evpn_commands(control);
}

void Controller::add_debug_commands(net::ControlServer& control) {
    control.add("debug/pause", "", 0, 0, [this](const Arguments&) -> Result<std::string> {
        paused_ = true;
        return std::string();
    });
    control.add("debug/resume", "", 0, 0, [this](const Arguments&) -> Result<std::string> {
        paused_ = false;
        loop_.wake();
        return std::string();
    });
    control.add("debug/status", "", 0, 0, [this](const Arguments&) -> Result<std::string> {
        return std::string(paused_ ? "paused" : "running");
    });
    control.add("debug/delay-nb-cfg-report", "SECONDS", 1, 1,
                [this](const Arguments& arguments) -> Result<std::string> {
                    const std::string& text = arguments.front();
                    uint32_t seconds = 0;
                    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
                    if (error != std::errc() || end != text.data() + text.size())
                        return Error{"unsigned integer required"};
                    report_delay_ms_ = int64_t{seconds} * 1000;
                    return seconds ? fmt::format("delay nb_cfg report for {} seconds.", seconds)
                                   : std::string("no delay for nb_cfg report.");
                });
    // Flows wait for nothing but external_ids:ovn-ofctrl-wait-before-clear.
    control.add("debug/ignore-startup-delay", "", 0, 0, [this](const Arguments&) -> Result<std::string> {
        ignore_startup_delay_ = true;
        loop_.wake();
        return std::string();
    });
    control.add("debug/dump-lflow-conj-ids", "", 0, 0, [this](const Arguments&) -> Result<std::string> {
        return logical_.conjunction_ids().to_text();
    });
    control.add("debug/dump-local-template-vars", "", 0, 0, [this](const Arguments&) -> Result<std::string> {
        std::string text = "Local template vars:\n";
        const Uuid* uuid = view_.template_vars_by_chassis.first(configuration_.chassis);
        const sb::ChassisTemplateVar* row = uuid ? view_.value(view_.template_vars, *uuid) : nullptr;
        if (!row) return text;
        for (const auto& [name, value] : row->variables)
            text += fmt::format("name: '{}' value: '{}'\n", name, value);
        return text;
    });
    control.add("debug/dump-local-bindings", "", 0, 0, [this](const Arguments&) -> Result<std::string> {
        std::string text = "Local bindings:\n";
        for (const std::string& name : view_.local_interfaces.keys()) {
            if (view_.port_named(name))
                text += binding_text(view_, name, view_.local_interfaces.find(name)->name);
        }
        return text;
    });
    control.add("debug/dump-related-ports", "", 0, 0, [this](const Arguments&) -> Result<std::string> {
        std::string text = "Related lports:\n";
        std::set<std::string> names;
        for (const std::string& name : own_.by_name.keys()) names.insert(name);
        for (const std::string& name : view_.local_interfaces.keys()) {
            if (view_.port_named(name)) names.insert(name);
        }
        for (const Uuid& datapath : view_.local_datapaths.keys()) {
            for (const Uuid& uuid : view_.ports_by_type[{datapath, "localnet"}])
                names.insert(view_.port(uuid)->logical_port);
        }
        for (const std::string& name : names) text += name + "\n";
        return text;
    });
}

}  // namespace weft::controller
