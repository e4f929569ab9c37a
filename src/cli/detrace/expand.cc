#include "cli/detrace/expand.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/detrace/values.h"
#include "schema/sb.h"
#include "schema/vswitch.h"

namespace weft::cli::detrace {

namespace {

namespace sb = schema::sb;
namespace vs = schema::vswitch;
using ovsdb::client::Replica;

std::string datapath_text(const Replica& southbound, const Uuid& uuid) {
    const auto* row = southbound.find<sb::DatapathBinding>(uuid);
    std::string_view name = row ? ovsdb::get_string(row->external_ids, "name") : std::string_view();
    return fmt::format("\"{}\" ({})", name, uuid.to_string());
}

std::string chassis_text(const sb::Chassis& chassis) {
    return fmt::format("chassis-name \"{}\", chassis-str \"{}\"", chassis.name, chassis.hostname);
}

std::string describe(const Databases& databases, const sb::LogicalFlow& flow) {
    const Replica& southbound = databases.southbound;
    std::vector<Uuid> datapaths;
    if (flow.logical_datapath) datapaths.push_back(*flow.logical_datapath);
    if (flow.logical_dp_group) {
        if (const auto* group = southbound.find<sb::LogicalDPGroup>(*flow.logical_dp_group))
            datapaths.insert(datapaths.end(), group->datapaths.begin(), group->datapaths.end());
    }
    std::string out = "  * Logical datapaths:\n";
    for (const Uuid& uuid : datapaths)
        out += fmt::format("  *     {} [{}]\n", datapath_text(southbound, uuid), flow.pipeline);
    out += fmt::format("  * Logical flow: table={} ({}), priority={}, match=({}), actions=({})\n",
                       flow.table_id, ovsdb::get_string(flow.external_ids, "stage-name"), flow.priority,
                       flow.match, flow.actions);
    return out + expand_hint(databases.northbound, ovsdb::get_string(flow.external_ids, "stage-hint"));
}

std::string describe(const Databases& databases, const sb::PortBinding& port) {
    std::string chassis;
    if (port.chassis) {
        if (const auto* row = databases.southbound.find<sb::Chassis>(*port.chassis))
            chassis = chassis_text(*row);
    }
    return fmt::format("  * Logical datapath: {}\n  * Port Binding: logical_port \"{}\", tunnel_key {}, {}\n",
                       datapath_text(databases.southbound, port.datapath), port.logical_port, port.tunnel_key,
                       chassis);
}

std::string describe(const Databases& databases, const sb::MulticastGroup& group) {
    std::string ports;
    for (const Uuid& uuid : group.ports) {
        const auto* port = databases.southbound.find<sb::PortBinding>(uuid);
        if (port) ports += (ports.empty() ? "" : ", ") + port->logical_port;
    }
    return fmt::format(
        "  * Logical datapath: {}\n  * Multicast Group: name \"{}\", tunnel_key {} ports: ({})\n",
        datapath_text(databases.southbound, group.datapath), group.name, group.tunnel_key, ports);
}

std::string describe(const Databases& databases, const sb::MACBinding& binding) {
    return fmt::format(
        "  * Logical datapath: {}\n  * MAC Binding: ip \"{}\", logical_port \"{}\", mac \"{}\"\n",
        datapath_text(databases.southbound, binding.datapath), binding.ip, binding.logical_port, binding.mac);
}

std::string describe(const Databases&, const sb::LoadBalancer& lb) {
    return fmt::format("  * Load Balancer: {} protocol {} vips {}\n", lb.name, list_text(lb.protocol),
                       map_text(lb.vips));
}

std::string describe(const Databases&, const sb::Chassis& chassis) {
    return "  * Chassis: " + chassis_text(chassis) + "\n";
}

template <typename Row>
void expand_rows(const Databases& databases, std::string_view prefix, std::string& out) {
    for (const Row& row : databases.southbound.table<Row>()) {
        if (row.uuid.to_string().starts_with(prefix)) out += describe(databases, row);
    }
}

}  // namespace

void monitor_southbound(Replica& replica) {
    replica.monitor<sb::DatapathBinding>();
    replica.monitor<sb::LogicalFlow>();
    replica.monitor<sb::LogicalDPGroup>();
    replica.monitor<sb::PortBinding>();
    replica.monitor<sb::MulticastGroup>();
    replica.monitor<sb::MACBinding>();
    replica.monitor<sb::LoadBalancer>();
    replica.monitor<sb::Chassis>();
}

void monitor_local(Replica& replica) {
    replica.monitor<vs::Bridge>(vs::Bridge::kName, vs::Bridge::kPorts);
    replica.monitor<vs::Port>(vs::Port::kInterfaces);
    replica.monitor<vs::Interface>(vs::Interface::kName, vs::Interface::kOfport, vs::Interface::kExternalIds);
}

std::string expand_cookie(const Databases& databases, uint32_t cookie) {
    std::string out, prefix = fmt::format("{:08x}", cookie);
    expand_rows<sb::LogicalFlow>(databases, prefix, out);
    expand_rows<sb::PortBinding>(databases, prefix, out);
    expand_rows<sb::MACBinding>(databases, prefix, out);
    expand_rows<sb::MulticastGroup>(databases, prefix, out);
    expand_rows<sb::Chassis>(databases, prefix, out);
    expand_rows<sb::LoadBalancer>(databases, prefix, out);
    return out;
}

std::string expand_port(const Databases& databases, std::string_view bridge, int64_t ofport) {
    if (!databases.local) return "";
    for (const vs::Bridge& row : databases.local->table<vs::Bridge>()) {
        if (row.name != bridge) continue;
        for (const Uuid& port_uuid : row.ports) {
            const auto* port = databases.local->find<vs::Port>(port_uuid);
            if (!port) continue;
            for (const Uuid& uuid : port->interfaces) {
                const auto* interface = databases.local->find<vs::Interface>(uuid);
                if (!interface || interface->ofport != ofport) continue;
                return fmt::format("  * OVS Interface: {} ({})\n", interface->name,
                                   ovsdb::get_string(interface->external_ids, "iface-id"));
            }
        }
    }
    return "";
}

}  // namespace weft::cli::detrace
