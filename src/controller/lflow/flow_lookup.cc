#include "controller/lflow/flow_lookup.h"

#include "base/log.h"

namespace weft::controller {

namespace {

log::Module lg("lflow");
log::RateLimit limit(5, 5);

// What outport is while no port has been chosen.
constexpr std::string_view kNoPort = "none";

}  // namespace

bool FlowLookup::address_set(std::string_view name, std::vector<logical::Constant>& members) const {
    SouthboundView& view = flows_.view();
    const Uuid* uuid = view.address_set_by_name.first(std::string(name));
    const schema::sb::AddressSet* row = uuid ? view.value(view.address_sets, *uuid) : nullptr;
    if (!row) return false;
    members.reserve(members.size() + row->addresses.size());
    for (const std::string& text : row->addresses) {
        if (std::optional<logical::Constant> constant = logical::parse_integer_constant(text)) {
            members.push_back(*constant);
        } else if (limit.pass(lg)) {
            lg.warn("address set {} has \"{}\", which is no address", name, text);
        }
    }
    return true;
}

// Port groups are split by datapath in the southbound database: "KEY_NAME".
bool FlowLookup::port_group(std::string_view name, std::vector<std::string>& members) const {
    depends_on_datapath_ = true;
    SouthboundView& view = flows_.view();
    std::string full = std::to_string(datapath_.key) + "_" + std::string(name);
    const Uuid* uuid = view.port_group_by_name.first(full);
    const schema::sb::PortGroup* row = uuid ? view.value(view.port_groups, *uuid) : nullptr;
    // A group without a port in this datapath has no row for it.
    if (row) members.assign(row->ports.begin(), row->ports.end());
    return true;
}

std::optional<uint32_t> FlowLookup::port(const logical::Symbol& field, std::string_view name) const {
    if (name == kNoPort) return 0;
    depends_on_datapath_ = true;
    const std::optional<PortFacts>& facts = flows_.port(std::string(name));
    if (facts) {
        if (facts->datapath != datapath_uuid_) return std::nullopt;
        // A VIF sends into the ingress pipeline only where it is, and there alone packets for it are in the
        // egress pipeline: elsewhere the comparison cannot be true.
        // A closed port of a router lets nothing in nor out here.
        bool never_here = datapath_.is_switch ? facts->is_vif && !facts->is_local : facts->is_closed;
        if (never_here && field.name == (pipeline_ == logical::Pipeline::kIngress ? "inport" : "outport"))
            return std::nullopt;
        return facts->key;
    }
    return port(name);
}

bool FlowLookup::is_chassis_resident(std::string_view name) const {
    return flows_.place(std::string(name)).is_resident;
}

std::optional<uint32_t> FlowLookup::port(std::string_view name) const {
    if (name == kNoPort) return 0;
    depends_on_datapath_ = true;
    const std::optional<PortFacts>& facts = flows_.port(std::string(name));
    if (facts && facts->datapath == datapath_uuid_) return facts->key;
    SouthboundView& view = flows_.view();
    const Uuid* uuid = view.multicast_by_name.first({datapath_uuid_, std::string(name)});
    const schema::sb::MulticastGroup* group = uuid ? view.value(view.multicast_groups, *uuid) : nullptr;
    if (!group) return std::nullopt;
    return static_cast<uint32_t>(group->tunnel_key);
}

std::optional<uint32_t> FlowLookup::tunnel_port(std::string_view name) const {
    const std::optional<Uuid> chassis = flows_.place(std::string(name)).chassis;
    if (!chassis) return std::nullopt;
    const Tunnel* tunnel = flows_.view().tunnel_to(*chassis);
    if (!tunnel) return std::nullopt;
    return tunnel->ofport;
}

uint32_t FlowLookup::group(const logical::GroupRequest& request) const {
    return flows_.want_group(request);
}

uint32_t FlowLookup::rate_meter(uint64_t rate_kbps, uint64_t burst_kbits) const {
    return flows_.want_rate_meter(rate_kbps, burst_kbits);
}

std::optional<uint32_t> FlowLookup::named_meter(std::string_view name) const {
    return flows_.want_named_meter(std::string(name));
}

bool FlowLookup::has_collector_set(uint32_t id) const {
    return flows_.view().collector_sets.find(id) != nullptr;
}

}  // namespace weft::controller
