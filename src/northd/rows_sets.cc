// Southbound rows that are mostly northbound rows again: address sets, port groups, meters, DNS, load
// balancers.

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "northd/features.h"

namespace weft::northd {

namespace {

std::vector<std::string> sorted(std::vector<std::string> list) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    return list;
}

}  // namespace

void rows_of_globals(Program& p) {
    const Globals& globals = p.globals({});
    if (!globals.svc_monitor_mac.empty()) {
        p.address_set_rows.emit({"svc_monitor_mac", {globals.svc_monitor_mac}});
    }
}

void rows_of_address_set(Program& p, const Uuid& uuid) {
    const nb::AddressSet* row = p.in.address_sets.get(uuid);
    p.address_set_rows.emit(
        {row->name, std::vector<std::string>(row->addresses.begin(), row->addresses.end())});
}

void rows_of_port_group(Program& p, const Uuid& uuid) {
    const nb::PortGroup* row = p.in.port_groups.get(uuid);
    std::vector<std::string> ip4, ip6;
    std::map<Uuid, std::vector<std::string>> by_switch;
    for (const Uuid& port_uuid : row->ports) {
        const SwitchPort& port = p.port(port_uuid);
        if (port.name.empty() || port.switch_uuid.is_zero()) continue;
        by_switch[port.switch_uuid].push_back(port.name);
        for (const PortAddresses& a : port.addresses) {
            for (const Ip4& ip : a.ip4) ip4.push_back(ip.address);
            for (const Ip6Net& ip : a.ip6) ip6.push_back(ip.address);
        }
    }
    for (auto& [sw, ports] : by_switch) {
        if (const int64_t* key = p.in.tunnel_keys.find(sw)) {
            p.port_group_rows.emit({fmt::format("{}_{}", *key, row->name), sorted(std::move(ports))});
        }
    }
    p.address_set_rows.emit({row->name + "_ip4", sorted(std::move(ip4))});
    p.address_set_rows.emit({row->name + "_ip6", sorted(std::move(ip6))});
}

namespace {

void meter_row(Program& p, const nb::Meter& row, std::string name) {
    MeterRow out;
    out.name = std::move(name);
    out.unit = row.unit;
    for (const Uuid& band_uuid : row.bands) {
        if (const nb::MeterBand* band = p.in.meter_bands.get(band_uuid)) {
            out.bands.push_back({band->action, band->rate, band->burst_size});
        }
    }
    std::sort(out.bands.begin(), out.bands.end());
    if (!out.bands.empty()) p.meter_rows.emit(std::move(out));
}

}  // namespace

void rows_of_meter(Program& p, const Uuid& uuid) {
    const nb::Meter* row = p.in.meters.get(uuid);
    meter_row(p, *row, row->name);
}

std::string acl_meter(Program& p, const nb::ACL& acl) {
    if (!acl.log || !acl.meter) return "";
    const Uuid* uuid = p.meter_named.first(*acl.meter);
    bool fair = uuid && p.in.meters.get(*uuid)->fair.value_or(false);
    return fair ? fmt::format("{}__{}", *acl.meter, acl.uuid.to_string()) : *acl.meter;
}

void rows_of_acl_meter(Program& p, const Uuid& uuid) {
    const nb::ACL& acl = *p.in.acls.get(uuid);
    std::string name = acl_meter(p, acl);
    if (name.empty() || name == *acl.meter) return;
    meter_row(p, *p.in.meters.get(*p.meter_named.first(*acl.meter)), std::move(name));
}

void rows_of_mirror(Program& p, const Uuid& uuid) {
    const nb::Mirror* row = p.in.mirrors.get(uuid);
    if (is_logical(*row)) return;
    p.mirror_rows.emit({row->name, row->filter, row->sink, row->type, row->index});
}

void rows_of_template_var(Program& p, const Uuid& uuid) {
    const nb::ChassisTemplateVar* row = p.in.template_vars.get(uuid);
    p.template_var_rows.emit({row->chassis, row->variables});
}

void rows_of_dns(Program& p, const Uuid& uuid) {
    const nb::DNS* row = p.in.dns.get(uuid);
    DnsRow out;
    out.dns = uuid;
    for (const Uuid& sw : p.switches_of_dns[uuid]) out.datapaths.push_back(sw);
    if (out.datapaths.empty()) return;
    for (const auto& [name, value] : row->records) {  // names are compared without case
        std::string lower = name;
        std::transform(lower.begin(), lower.end(), lower.begin(),
                       [](char c) { return 'A' <= c && c <= 'Z' ? c + 32 : c; });
        out.records.set(std::move(lower), value);
    }
    out.options = row->options;
    p.dns_rows.emit(std::move(out));
}

void rows_of_static_mac_binding(Program& p, const Uuid& uuid) {
    const nb::StaticMACBinding* row = p.in.static_mac_bindings.get(uuid);
    const Uuid* port = p.router_port_named.first(row->logical_port);
    if (!port || p.router_port(*port).router.is_zero()) return;
    p.mac_binding_rows.emit(
        {row->logical_port, row->ip, row->mac, row->override_dynamic_mac, p.router_port(*port).router});
}

void rows_of_load_balancer(Program& p, const LoadBalancerFacts& lb) {
    LoadBalancerRow out;
    out.switches = p.switches_of_lb(lb.uuid);
    // Of routers' load balancers controllers know by their flows, but for whose connections are to end with
    // them.
    if (ovsdb::get_bool(lb.options, "ct_flush")) out.routers = p.routers_of_lb(lb.uuid);
    if (out.switches.empty() && out.routers.empty()) return;
    const nb::LoadBalancer* row = p.in.load_balancers.get(lb.uuid);
    out.load_balancer = lb.uuid;
    out.name = row->name;
    out.vips = row->vips;
    out.protocol = row->protocol;
    out.options = row->options;
    out.options.set("hairpin_orig_tuple", "true");
    p.load_balancer_rows.emit(std::move(out));
}

void rows_of_health_checks(Program& p, const LoadBalancerFacts& lb) {
    for (const std::string& vip : lb.bad_vips) {
        p.complaints.emit(
            fmt::format("Load_Balancer {}: vip '{}' is not valid; it is left out", lb.name, vip));
    }
    for (const Vip& vip : lb.vips) {
        for (const Backend& b : vip.backends) {
            if (lb.distributed && b.port_name.empty()) {
                p.complaints.emit(
                    fmt::format("Load_Balancer {}: options:distributed needs the logical port of every back "
                                "end in ip_port_mappings; {} has none and is left out",
                                lb.name, b.text));
            }
            if (!b.is_monitored) continue;
            const Uuid* port = p.switch_port_named.first(b.monitor_port);
            if (!port || !p.port(*port).enabled) continue;  // nobody would answer
            ServiceMonitorRow row;
            row.ip = b.endpoint.address;
            row.protocol = lb.protocol;
            row.port_name = b.monitor_port;
            row.port = port_number(b);
            row.src_ip = b.monitor_src;
            row.src_mac = p.globals({}).svc_monitor_mac;
            row.options = vip.health_options;
            row.type = "load-balancer";
            p.service_monitor_rows.emit(std::move(row));
        }
    }
}

}  // namespace weft::northd
