#include "vtep/program.h"

#include <fmt/core.h>

#include <algorithm>

#include "incremental/definitions.h"
#include "packet/address.h"

namespace weft::vtep {

using ovsdb::get_string;

namespace {

void gateway(Program& p, const Uuid& uuid) {
    const vt::PhysicalSwitch* row = p.in.physical_switches.get(uuid);
    GatewayRow out;
    out.name = row->name;
    if (!row->tunnel_ips.empty()) out.ip = *row->tunnel_ips.begin();
    for (const Uuid& port_uuid : row->ports) {
        const vt::PhysicalPort* port = p.in.physical_ports.get(port_uuid);
        if (!port) continue;
        for (const auto& [vlan, switch_uuid] : port->vlan_bindings) {
            const vt::LogicalSwitch* bound = p.in.logical_switches.get(switch_uuid);
            if (!bound) continue;
            out.logical_switches.push_back(bound->name);
            p.attachments.emit({row->name, bound->name}, switch_uuid);
        }
    }
    auto& names = out.logical_switches;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    if (out.ip.empty()) {
        p.complaints.emit(fmt::format("Physical_Switch {}: no tunnel_ips, so it is no chassis", row->name));
        return;
    }
    p.gateway_rows.emit(std::move(out));
}

void list_candidate(Program& p, const Uuid& uuid) {
    const sb::PortBinding* row = p.in.ports.get(uuid);
    if (row->type != "vtep") return;
    Attachment attachment{std::string(get_string(row->options, "vtep-physical-switch")),
                          std::string(get_string(row->options, "vtep-logical-switch"))};
    if (!p.attachments.contains(attachment)) return;
    Candidate candidate{row->logical_port, row->datapath};
    p.candidates_of_switch.emit(attachment.logical, candidate);
    p.candidates.emit(attachment, std::move(candidate));
}

// Of the ports that ask for an attachment one has it, and all attachments of a logical switch are to one
// network.
void bind_attachment(Program& p, const Attachment& attachment) {
    const Uuid& network = p.network_of(attachment.logical);
    bool bound = false;
    for (const Candidate& candidate : p.candidates[attachment]) {
        if (candidate.datapath == network && !bound) {
            bound = true;
            p.binding_rows.emit({candidate.port, attachment.physical});
            p.switches_of_network.emit(network, p.attachments[attachment].front());
            continue;
        }
        p.complaints.emit(fmt::format("port {}: logical switch {} of {} is taken by another {}",
                                      candidate.port, attachment.logical, attachment.physical,
                                      candidate.datapath == network ? "port" : "logical network"));
    }
}

void key_of_switch(Program& p, const Uuid& network) {
    const sb::DatapathBinding* row = p.in.datapaths.get(network);
    if (!row) return;
    for (const Uuid& each : p.switches_of_network[network]) p.key_rows.emit({each, row->tunnel_key});
}

std::string compute_tunnel_ip(Program& p, const Uuid& chassis) {
    const sb::Chassis* row = p.in.chassis.get(chassis);
    if (!row) return "";
    std::string ip;
    for (const Uuid& uuid : row->encaps) {
        const sb::Encap* encap = p.in.encaps.get(uuid);
        if (encap && encap->type == "vxlan" && (ip.empty() || encap->ip < ip)) ip = encap->ip;
    }
    return ip;
}

// The switch that the port's addresses are on: of a distributed gateway port, which is where its chassis is,
// the one behind it.  Zero: none.
Uuid network_of_port(Program& p, const sb::PortBinding& row) {
    if (row.type != "chassisredirect") return row.datapath;
    const sb::PortBinding* port = &row;
    for (const char* next : {"distributed-port", "peer"}) {
        const Uuid* uuid = p.port_named.first(std::string(get_string(port->options, next)));
        port = uuid ? p.in.ports.get(*uuid) : nullptr;
        if (!port) return {};
    }
    return port->datapath;
}

void places_of_port(Program& p, const Uuid& uuid) {
    const sb::PortBinding* row = p.in.ports.get(uuid);
    if (row->type == "vtep" || !row->chassis) return;
    Uuid network = network_of_port(p, *row);
    if (!p.switches_of_network.contains(network)) return;
    const std::string& ip = p.tunnel_ip(*row->chassis);
    if (ip.empty()) return;
    for (const Uuid& logical_switch : p.switches_of_network[network]) {
        p.flood_ips.emit(logical_switch, ip);
        for (const std::string& text : row->mac) {
            std::string mac = text.substr(0, text.find(' '));
            if (packet::parse_eth(mac)) p.mac_places.emit({logical_switch, mac}, {row->logical_port, ip});
        }
    }
}

void unicast(Program& p, const MacKey& key) {
    auto places = p.mac_places[key];
    p.unicast_rows.emit({key.logical_switch, key.mac, places.front().ip});
    if (places.size() > 1 && std::next(places.begin())->ip != places.front().ip) {
        p.complaints.emit(fmt::format("address {} is at ports {} and {} of one network", key.mac,
                                      places.front().port, std::next(places.begin())->port));
    }
}

void flood(Program& p, const Uuid& logical_switch) {
    auto ips = p.flood_ips[logical_switch];
    p.flood_rows.emit({logical_switch, std::vector<std::string>(ips.begin(), ips.end())});
}

}  // namespace

Program::~Program() = default;

Program::Program()
    : emit_gateway(engine, "emit_gateway", in.physical_switches,
                   [this](const Uuid& id) { gateway(*this, id); }),
      list_candidates(engine, "list_candidates", in.ports,
                      [this](const Uuid& id) { list_candidate(*this, id); }),
      network_of(engine, "network_of",
                 [this](const std::string& name) {
                     const Candidate* first = candidates_of_switch.first(name);
                     return first ? first->datapath : Uuid();
                 }),
      bind(engine, "bind", candidates, [this](const Attachment& a) { bind_attachment(*this, a); }),
      emit_key(engine, "emit_key", switches_of_network,
               [this](const Uuid& network) { key_of_switch(*this, network); }),
      name_ports(engine, "name_ports", in.ports,
                 [this](const Uuid& id) { port_named.emit(in.ports.get(id)->logical_port, id); }),
      tunnel_ip(engine, "tunnel_ip",
                [this](const Uuid& chassis) { return compute_tunnel_ip(*this, chassis); }),
      list_places(engine, "list_places", in.ports, [this](const Uuid& id) { places_of_port(*this, id); }),
      emit_unicast(engine, "emit_unicast", mac_places, [this](const MacKey& key) { unicast(*this, key); }),
      emit_flood(engine, "emit_flood", flood_ips, [this](const Uuid& id) { flood(*this, id); }) {}

}  // namespace weft::vtep
