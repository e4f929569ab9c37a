#include "cli/trace/network.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "logical/actions/pipeline.h"
#include "ovsdb/client/containers.h"
#include "packet/address.h"

namespace weft::cli::trace {

namespace {

namespace sb = schema::sb;
using logical::Expr;
using logical::Pipeline;

log::Module lg("ovntrace");

constexpr size_t kShortUuid = 6;  // digits that stand for a uuid used as a name

// What stands for a name that only a program could have given.
std::string shortened(const std::string& name) {
    return Uuid::parse(name) ? name.substr(0, kShortUuid) : name;
}

std::string friendly_port_name(const sb::PortBinding& row) {
    std::string_view name = ovsdb::get_string(row.external_ids, "name");
    return name.empty() ? shortened(row.logical_port) : std::string(name);
}

std::string logical_uuid(const sb::DatapathBinding& row) {
    if (row.nb_uuid) return row.nb_uuid->to_string();
    for (const char* key : {"logical-switch", "logical-router"}) {
        std::string_view text = ovsdb::get_string(row.external_ids, key);
        if (!text.empty()) return std::string(text);
    }
    return "";
}

}  // namespace

void Network::monitor(ovsdb::client::Replica& replica) {
    replica.monitor<sb::DatapathBinding>(sb::DatapathBinding::kTunnelKey, sb::DatapathBinding::kNbUuid,
                                         sb::DatapathBinding::kExternalIds);
    using Port = sb::PortBinding;
    replica.monitor<Port>(Port::kLogicalPort, Port::kType, Port::kOptions, Port::kDatapath, Port::kTunnelKey,
                          Port::kExternalIds, Port::kPortSecurity);
    replica.monitor<sb::MulticastGroup>();
    replica.monitor<sb::LogicalDPGroup>();
    using Flow = sb::LogicalFlow;
    replica.monitor<Flow>(Flow::kLogicalDatapath, Flow::kLogicalDpGroup, Flow::kPipeline, Flow::kTableId,
                          Flow::kPriority, Flow::kMatch, Flow::kActions, Flow::kExternalIds);
    replica.monitor<sb::AddressSet>();
    replica.monitor<sb::PortGroup>();
    replica.monitor<sb::DHCPOptions>();
    replica.monitor<sb::DHCPv6Options>();
    replica.monitor<sb::MACBinding>();
    replica.monitor<sb::StaticMACBinding>();
    replica.monitor<sb::FDB>();
}

Network::Network(const ovsdb::client::Store& store, bool friendly_names)
    : store_(&store), friendly_names_(friendly_names) {
    read_datapaths();
    read_ports();
    read_sets();
    read_bindings();
    read_flows();
}

void Network::read_datapaths() {
    for (const sb::DatapathBinding& row : rows<sb::DatapathBinding>()) {
        auto datapath = std::make_unique<Datapath>();
        datapath->uuid = row.uuid;
        datapath->key = static_cast<uint32_t>(row.tunnel_key);
        datapath->logical_uuid = logical_uuid(row);
        datapath->name = ovsdb::get_string(row.external_ids, "name");
        std::string_view alias = ovsdb::get_string(row.external_ids, "name2");
        if (!friendly_names_ || (datapath->name.empty() && alias.empty())) {
            datapath->friendly =
                datapath->logical_uuid.empty() ? row.uuid.to_string() : datapath->logical_uuid;
        } else {
            datapath->friendly = alias.empty() ? shortened(datapath->name) : std::string(alias);
        }
        datapaths_.emplace(row.uuid, std::move(datapath));
    }
}

void Network::read_ports() {
    for (const sb::PortBinding& row : rows<sb::PortBinding>()) {
        auto found = datapaths_.find(row.datapath);
        if (found == datapaths_.end()) continue;
        Datapath& datapath = *found->second;
        auto port = std::make_unique<Port>();
        port->uuid = row.uuid;
        port->name = row.logical_port;
        port->friendly = friendly_names_ ? friendly_port_name(row) : row.logical_port;
        port->type = row.type;
        port->key = static_cast<uint32_t>(row.tunnel_key);
        port->datapath = &datapath;
        for (const std::string& text : row.port_security) {
            if (auto security = logical::parse_port_security(text))
                port->security.push_back(*std::move(security));
        }
        datapath.is_gateway_router = datapath.is_gateway_router || row.type == "l3gateway";
        datapath.ports[port->key] = port.get();
        datapath.keys[port->name] = port->key;
        ports_.emplace(port->name, std::move(port));
    }
    for (const sb::PortBinding& row : rows<sb::PortBinding>()) {
        auto port = ports_.find(row.logical_port);
        if (port == ports_.end()) continue;
        if (row.type == "patch" || row.type == "l3gateway") {
            port->second->peer = find_port(ovsdb::get_string(row.options, "peer"));
        } else if (row.type == "chassisredirect") {
            const Port* distributed = find_port(ovsdb::get_string(row.options, "distributed-port"));
            if (distributed && distributed->datapath == port->second->datapath)
                port->second->distributed = distributed;
        }
    }
    for (const sb::MulticastGroup& row : rows<sb::MulticastGroup>()) {
        auto datapath = datapaths_.find(row.datapath);
        if (datapath == datapaths_.end()) continue;
        MulticastGroup group{row.name, static_cast<uint32_t>(row.tunnel_key), {}};
        for (const Uuid& uuid : row.ports) {
            const sb::PortBinding* member = rows<sb::PortBinding>().find(uuid);
            if (const Port* port = member ? find_port(member->logical_port) : nullptr)
                group.ports.push_back(port);
        }
        std::sort(group.ports.begin(), group.ports.end(),
                  [](const Port* a, const Port* b) { return a->name < b->name; });
        datapath->second->keys[group.name] = group.key;
        datapath->second->groups[group.key] = std::move(group);
    }
}

void Network::read_sets() {
    for (const sb::AddressSet& row : rows<sb::AddressSet>()) {
        std::vector<logical::Constant>& members = address_sets_[row.name];
        for (const std::string& text : row.addresses) {
            if (std::optional<logical::Constant> constant = logical::parse_integer_constant(text)) {
                members.push_back(*constant);
            } else {
                lg.warn("address set {} has \"{}\", which is no address", row.name, text);
            }
        }
    }
    // "KEY_NAME" holds those members of the group NAME that are ports of the datapath with that key.
    for (const sb::PortGroup& row : rows<sb::PortGroup>()) {
        size_t digits = row.name.find_first_not_of("0123456789");
        bool split = digits != std::string::npos && digits > 0 && row.name[digits] == '_';
        std::vector<std::string>& members = port_groups_[split ? row.name.substr(digits + 1) : row.name];
        members.insert(members.end(), row.ports.begin(), row.ports.end());
    }
    for (const sb::DHCPOptions& row : rows<sb::DHCPOptions>())
        dhcp_.add(row.name, static_cast<uint16_t>(row.code), row.type);
    for (const sb::DHCPv6Options& row : rows<sb::DHCPv6Options>())
        dhcpv6_.add(row.name, static_cast<uint16_t>(row.code), row.type);
}

void Network::read_bindings() {
    auto bind = [this](const auto& row, bool replace) {
        const Port* port = find_port(row.logical_port);
        auto datapath = datapaths_.find(row.datapath);
        std::optional<packet::EthAddr> mac = packet::parse_eth(row.mac);
        if (!port || datapath == datapaths_.end() || !mac) return;
        std::string ip = row.ip;
        if (auto address = packet::parse_ipv6(row.ip)) ip = packet::to_string(*address);
        auto& bindings = datapath->second->mac_bindings;
        if (replace) {
            bindings[{port->key, std::move(ip)}] = *mac;
        } else {
            bindings.emplace(std::pair{port->key, std::move(ip)}, *mac);
        }
    };
    for (const sb::MACBinding& row : rows<sb::MACBinding>()) bind(row, false);
    for (const sb::StaticMACBinding& row : rows<sb::StaticMACBinding>()) bind(row, row.override_dynamic_mac);
    for (const sb::FDB& row : rows<sb::FDB>()) {
        std::optional<packet::EthAddr> mac = packet::parse_eth(row.mac);
        if (!mac) continue;
        for (auto& [uuid, datapath] : datapaths_) {
            if (datapath->key == static_cast<uint32_t>(row.dp_key))
                datapath->fdb[*mac] = static_cast<uint32_t>(row.port_key);
        }
    }
}

std::unique_ptr<LogicalFlow> Network::parse_flow(const sb::LogicalFlow& row) const {
    const logical::SymbolTable& symbols = logical::SymbolTable::standard();
    auto refuse = [&](const std::string& text, const char* what, const std::string& why) {
        lg.warn("{}: parsing {} failed ({})", text, what, why);
        return nullptr;
    };
    auto flow = std::make_unique<LogicalFlow>();
    flow->uuid = row.uuid;
    flow->table = static_cast<uint8_t>(row.table_id);
    flow->priority = static_cast<uint16_t>(row.priority);
    flow->match = row.match;
    flow->stage = ovsdb::get_string(row.external_ids, "stage-name");
    flow->source = ovsdb::get_string(row.external_ids, "source");
    Result<Expr> condition = logical::parse_expr(row.match, symbols, this);
    if (condition) condition = logical::annotate(*std::move(condition), symbols);
    if (!condition) return refuse(row.match, "expression", condition.message());
    logical::ActionParseContext context;
    context.pipeline = row.pipeline == "ingress" ? Pipeline::kIngress : Pipeline::kEgress;
    context.table = flow->table;
    context.dhcp = &dhcp_;
    context.dhcpv6 = &dhcpv6_;
    Result<logical::ActionProgram> program = logical::parse_actions(row.actions, context);
    if (!program) return refuse(row.actions, "actions", program.message());
    flow->program = *std::move(program);
    Expr whole = *std::move(condition);
    if (!flow->program.prerequisites.is_boolean(true))
        whole = Expr::combine(Expr::Type::kAnd, std::move(whole), flow->program.prerequisites);
    flow->condition = logical::simplify(std::move(whole));
    const logical::Actions& actions = flow->program.actions;
    const auto* next = actions.size() == 1 ? dynamic_cast<const logical::Next*>(actions[0].get()) : nullptr;
    flow->trivial = next && next->pipeline == context.pipeline && next->table == flow->table + 1 &&
                    flow->condition.is_boolean(true);
    return flow;
}

void Network::read_flows() {
    for (const sb::LogicalFlow& row : rows<sb::LogicalFlow>()) {
        if (row.table_id < 0 || row.table_id > 255) continue;
        std::unique_ptr<LogicalFlow> flow = parse_flow(row);
        if (!flow) continue;
        auto add = [&](const Uuid& uuid) {
            auto found = datapaths_.find(uuid);
            if (found == datapaths_.end()) return;
            Datapath& datapath = *found->second;
            (row.pipeline == "ingress" ? datapath.ingress : datapath.egress)[flow->table].push_back(
                flow.get());
        };
        if (row.logical_datapath) add(*row.logical_datapath);
        const sb::LogicalDPGroup* group =
            row.logical_dp_group ? rows<sb::LogicalDPGroup>().find(*row.logical_dp_group) : nullptr;
        if (group) std::for_each(group->datapaths.begin(), group->datapaths.end(), add);
        flows_.push_back(std::move(flow));
    }
    // Of equal priority nothing decides but what is the same in every run.
    auto before = [](const LogicalFlow* a, const LogicalFlow* b) {
        return a->priority != b->priority ? a->priority > b->priority : a->uuid < b->uuid;
    };
    for (auto& [uuid, datapath] : datapaths_) {
        for (auto* pipeline : {&datapath->ingress, &datapath->egress}) {
            for (auto& table : *pipeline) std::sort(table.begin(), table.end(), before);
        }
    }
}

const Datapath* Network::find_datapath(std::string_view name) const {
    for (const auto& [uuid, datapath] : datapaths_) {
        if (datapath->name == name || datapath->friendly == name || datapath->logical_uuid == name ||
            uuid.to_string() == name) {
            return datapath.get();
        }
    }
    return nullptr;
}

const Port* Network::find_port(std::string_view name) const {
    auto it = ports_.find(name);
    return it == ports_.end() ? nullptr : it->second.get();
}

std::string Network::friendly_text(std::string_view text) const {
    std::string out;
    while (!text.empty()) {
        size_t begin = text.find('"'), end = begin;
        if (begin != std::string_view::npos) end = text.find('"', begin + 1);
        if (end == std::string_view::npos) break;
        const Port* port = find_port(text.substr(begin + 1, end - begin - 1));
        out += text.substr(0, begin + 1);
        out += port ? std::string_view(port->friendly) : text.substr(begin + 1, end - begin - 1);
        out += '"';
        text.remove_prefix(end + 1);
    }
    return out.append(text);
}

bool Network::address_set(std::string_view name, std::vector<logical::Constant>& members) const {
    auto it = address_sets_.find(name);
    if (it == address_sets_.end()) return false;
    members.insert(members.end(), it->second.begin(), it->second.end());
    return true;
}

bool Network::port_group(std::string_view name, std::vector<std::string>& members) const {
    auto it = port_groups_.find(name);
    if (it == port_groups_.end()) return false;
    members.insert(members.end(), it->second.begin(), it->second.end());
    return true;
}

}  // namespace weft::cli::trace
