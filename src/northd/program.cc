#include "northd/program.h"

#include "northd/compute.h"
#include "northd/features.h"

namespace weft::northd {

namespace {

void emit_switch_flows(Program& p, const Uuid& uuid) {
    const Switch& sw = p.switch_(uuid);
    FlowWriter flows(p.flows, uuid);
    port_security_of_switch(p, flows, sw);
    fdb_of_switch(p, flows, sw);
    conntrack_of_switch(p, flows, sw);
    acl_defaults_of_switch(p, flows, sw);
    load_balancing_of_switch(p, flows, sw);
    arp_responder_of_switch(p, flows, sw);
    dhcp_of_switch(p, flows, sw);
    dns_of_switch(p, flows, sw);
    external_ports_of_switch(p, flows, sw);
    lookup_of_switch(p, flows, sw);
    rows_of_switch(p, sw);
}

void emit_switch_port_flows(Program& p, const Uuid& uuid) {
    const SwitchPort& port = p.port(uuid);
    FlowWriter flows(p.flows, port.switch_uuid, uuid);
    port_security_of_port(p, flows, port);
    fdb_of_port(p, flows, port);
    conntrack_of_port(p, flows, port);
    arp_responder_of_port(p, flows, port);
    dhcp_of_port(p, flows, port);
    external_port(p, flows, port);
    lookup_of_port(p, flows, port);
    arp_resolve_of_switch_port(p, port);
    rows_of_switch_port(p, port);
}

void emit_router_flows(Program& p, const Uuid& uuid) {
    const Router& router = p.router(uuid);
    if (!router.enabled) return;
    FlowWriter flows(p.flows, uuid);
    admission_of_router(p, flows, router);
    neighbors_of_router(p, flows, router);
    input_of_router(p, flows, router);
    router_advertisement_of_router(p, flows, router);
    routing_of_router(p, flows, router);
    policies_of_router(p, flows, router);
    arp_resolve_of_router(p, flows, router);
    gateway_of_router(p, flows, router);
    nat_of_router(p, flows, router);
    load_balancing_of_router(p, flows, router);
    delivery_of_router(p, flows, router);
    rows_of_router(p, router);
}

void emit_router_port_flows(Program& p, const Uuid& uuid) {
    const RouterPort& port = p.router_port(uuid);
    const Router& router = p.router(port.router);
    if (!router.enabled) return;
    if (port.addresses.mac.empty()) {
        p.complaints.emit("Logical_Router_Port " + port.name +
                          ": mac or networks cannot be parsed; the port is left out");
        return;
    }
    FlowWriter flows(p.flows, port.router, uuid);
    admission_of_port(p, flows, port);
    neighbors_of_port(p, flows, router, port);
    input_of_port(p, flows, router, port);
    router_advertisement_of_port(p, flows, port);
    routing_of_port(p, flows, port);
    arp_resolve_of_router_port(p, flows, router, port);
    gateway_of_port(p, flows, router, port);
    delivery_of_port(p, flows, port);
    rows_of_router_port(p, router, port);
}

void emit_load_balancer_flows(Program& p, const Uuid& uuid) {
    const LoadBalancerFacts& lb = p.load_balancer(uuid);
    switch_flows_of_load_balancer(p, lb);
    router_flows_of_load_balancer(p, lb);
    rows_of_load_balancer(p, lb);
}

void relate_port(Program& p, const Uuid& uuid) {
    const SwitchPort& port = p.port(uuid);
    const Uuid& sw = port.switch_uuid;
    if (port.type == PortType::kRouter) {
        if (!port.peer.is_zero()) {
            p.switch_ports_at.emit(port.peer, uuid);
            p.router_ports_of_switch.emit(sw, uuid);
        }
    } else {
        p.plain_ports.emit(sw, uuid);
    }
    if (port.unknown && port.enabled) p.unknown_ports.emit(sw, uuid);
    if (port.type == PortType::kLocalnet) p.localnet_ports.emit(sw, uuid);
    if (port.type == PortType::kVtep) p.vtep_ports.emit(sw, uuid);
}

RouteKey route_key(const Uuid& router, const nb::LogicalRouterStaticRoute& row) {
    RouteKey key;
    key.router = router;
    if (auto ip4 = parse_ip4(row.ip_prefix)) {
        key.prefix = ip4->network_text();
    } else if (auto ip6 = parse_ip6(row.ip_prefix)) {
        key.prefix = ip6->network_text();
    }
    key.table = row.route_table;
    key.by_source = row.policy && *row.policy == "src-ip";
    return key;
}

}  // namespace

Program::Program()
    : list_switch_ports(engine, "list_switch_ports", in.switches,
                        [this](const Uuid& sw) {
                            for (const Uuid& port : in.switches.get(sw)->ports) switch_of.emit(port, sw);
                        }),
      list_router_ports(engine, "list_router_ports", in.routers,
                        [this](const Uuid& router) {
                            for (const Uuid& port : in.routers.get(router)->ports) {
                                router_of.emit(port, router);
                            }
                        }),
      name_switch_ports(
          engine, "name_switch_ports", in.switch_ports,
          [this](const Uuid& port) { switch_port_named.emit(in.switch_ports.get(port)->name, port); }),
      name_router_ports(
          engine, "name_router_ports", in.router_ports,
          [this](const Uuid& port) { router_port_named.emit(in.router_ports.get(port)->name, port); }),

      globals(engine, "globals", [this](Unit) { return compute_globals(*this); }),
      switch_(engine, "switch", [this](const Uuid& sw) { return compute_switch(*this, sw); }),
      router(engine, "router", [this](const Uuid& id) { return compute_router(*this, id); }),
      router_port(engine, "router_port", [this](const Uuid& id) { return compute_router_port(*this, id); }),
      port(engine, "port", [this](const Uuid& id) { return compute_port(*this, id); }),
      router_ports(engine, "router_ports",
                   [this](const Uuid& id) { return compute_router_ports(*this, id); }),

      relate_switch_ports(engine, "relate_switch_ports", switch_of,
                          [this](const Uuid& port) { relate_port(*this, port); }),
      relate_router_ports(engine, "relate_router_ports", router_of,
                          [this](const Uuid& id) {
                              const RouterPort& port = router_port(id);
                              if (port.is_distributed_gateway) gateway_ports.emit(port.router, id);
                          }),
      has_plain_ports(engine, "has_plain_ports", [this](const Uuid& sw) { return plain_ports.contains(sw); }),
      has_unknown_ports(engine, "has_unknown_ports",
                        [this](const Uuid& sw) { return unknown_ports.contains(sw); }),
      has_localnet_ports(engine, "has_localnet_ports",
                         [this](const Uuid& sw) { return localnet_ports.contains(sw); }),
      gateway_port_list(engine, "gateway_port_list",
                        [this](const Uuid& router) {
                            auto ports = gateway_ports[router];
                            return std::vector<Uuid>(ports.begin(), ports.end());
                        }),

      list_switch_dns(engine, "list_switch_dns", in.switches,
                      [this](const Uuid& sw) {
                          for (const Uuid& dns : in.switches.get(sw)->dns_records)
                              switches_of_dns.emit(dns, sw);
                      }),

      list_group_lbs(engine, "list_group_lbs", in.load_balancer_groups,
                     [this](const Uuid& group) {
                         for (const Uuid& lb : in.load_balancer_groups.get(group)->load_balancer) {
                             groups_of_lb.emit(lb, group);
                         }
                     }),
      list_switch_lbs(engine, "list_switch_lbs", in.switches,
                      [this](const Uuid& sw) {
                          const nb::LogicalSwitch* row = in.switches.get(sw);
                          for (const Uuid& lb : row->load_balancer) direct_switches_of_lb.emit(lb, sw);
                          for (const Uuid& g : row->load_balancer_group) switches_of_lb_group.emit(g, sw);
                      }),
      list_router_lbs(engine, "list_router_lbs", in.routers,
                      [this](const Uuid& router) {
                          const nb::LogicalRouter* row = in.routers.get(router);
                          if (!row->enabled.value_or(true)) return;
                          for (const Uuid& lb : row->load_balancer) direct_routers_of_lb.emit(lb, router);
                          for (const Uuid& g : row->load_balancer_group) routers_of_lb_group.emit(g, router);
                      }),
      load_balancer(engine, "load_balancer",
                    [this](const Uuid& lb) { return compute_load_balancer(*this, lb); }),
      lb_vips(engine, "lb_vips", [this](const Uuid& lb) { return compute_lb_vips(*this, lb); }),
      lb_group_vips(engine, "lb_group_vips",
                    [this](const Uuid& group) { return compute_lb_group_vips(*this, group); }),
      switch_vips(engine, "switch_vips", [this](const Uuid& sw) { return compute_switch_vips(*this, sw); }),
      router_vips(engine, "router_vips", [this](const Uuid& id) { return compute_router_vips(*this, id); }),
      switches_of_lb(engine, "switches_of_lb",
                     [this](const Uuid& lb) { return compute_switches_of_lb(*this, lb); }),
      routers_of_lb(engine, "routers_of_lb",
                    [this](const Uuid& lb) { return compute_routers_of_lb(*this, lb); }),

      switches_of_group(engine, "switches_of_group",
                        [this](const Uuid& group) { return compute_switches_of_group(*this, group); }),
      list_switch_acls(engine, "list_switch_acls", in.switches,
                       [this](const Uuid& sw) {
                           for (const Uuid& acl : in.switches.get(sw)->acls) acl_uses.emit(acl, {sw, false});
                       }),
      list_group_acls(engine, "list_group_acls", in.port_groups,
                      [this](const Uuid& group) {
                          const auto& acls = in.port_groups.get(group)->acls;
                          if (acls.empty()) return;
                          for (const Uuid& sw : switches_of_group(group)) {
                              for (const Uuid& acl : acls) acl_uses.emit(acl, {sw, true});
                          }
                      }),
      collect_acl_kinds(engine, "collect_acl_kinds", acl_uses,
                        [this](const Uuid& acl) {
                            const nb::ACL* row = in.acls.get(acl);
                            if (!row) return;
                            for (const AclUse& use : acl_uses[acl])
                                acl_kinds.emit(use.switch_uuid, row->action);
                        }),
      switch_state(engine, "switch_state",
                   [this](const Uuid& sw) { return compute_switch_state(*this, sw); }),

      nat(engine, "nat", [this](const Uuid& id) { return compute_nat(*this, id); }),
      router_nats(engine, "router_nats",
                  [this](const Uuid& id) {
                      std::vector<Uuid> out;
                      const nb::LogicalRouter* row = in.routers.get(id);
                      if (!row) return out;
                      for (const Uuid& each : row->nat) {
                          if (nat(each).error.empty()) out.push_back(each);
                      }
                      return out;
                  }),
      list_router_nats(engine, "list_router_nats", in.routers,
                       [this](const Uuid& id) {
                           if (!router(id).enabled) return;
                           for (const Uuid& each : in.routers.get(id)->nat) router_of_nat.emit(each, id);
                       }),
      router_state(engine, "router_state",
                   [this](const Uuid& id) { return compute_router_state(*this, id); }),

      list_router_routes(engine, "list_router_routes", in.routers,
                         [this](const Uuid& id) {
                             if (!router(id).enabled) return;
                             for (const Uuid& each : in.routers.get(id)->static_routes) {
                                 const auto* row = in.routes.get(each);
                                 if (row) routes_by_key.emit(route_key(id, *row), each);
                             }
                         }),
      find_ecmp_keys(engine, "find_ecmp_keys", routes_by_key,
                     [this](const RouteKey& key) {
                         if (routes_by_key[key].size() > 1) ecmp_keys.emit(key.router, key);
                     }),
      list_router_policies(engine, "list_router_policies", in.routers,
                           [this](const Uuid& id) {
                               if (!router(id).enabled) return;
                               for (const Uuid& each : in.routers.get(id)->policies) {
                                   router_of_policy.emit(each, id);
                               }
                           }),

      emit_switch(engine, "emit_switch", in.switches,
                  [this](const Uuid& sw) { emit_switch_flows(*this, sw); }),
      emit_switch_port(engine, "emit_switch_port", switch_of,
                       [this](const Uuid& port) { emit_switch_port_flows(*this, port); }),
      emit_router(engine, "emit_router", in.routers,
                  [this](const Uuid& id) { emit_router_flows(*this, id); }),
      emit_router_port(engine, "emit_router_port", router_of,
                       [this](const Uuid& port) { emit_router_port_flows(*this, port); }),
      emit_route(engine, "emit_route", routes_by_key,
                 [this](const RouteKey& key) { flows_of_route(*this, key); }),
      emit_policy(engine, "emit_policy", router_of_policy,
                  [this](const Uuid& policy) { flows_of_policy(*this, policy); }),
      emit_nat(engine, "emit_nat", router_of_nat, [this](const Uuid& id) { flows_of_nat(*this, id); }),
      emit_load_balancer(engine, "emit_load_balancer", in.load_balancers,
                         [this](const Uuid& lb) { emit_load_balancer_flows(*this, lb); }),
      emit_acl(engine, "emit_acl", acl_uses, [this](const Uuid& acl) { flows_of_acl(*this, acl); }),
      emit_qos_of_switch(engine, "emit_qos", in.switches,
                         [this](const Uuid& sw) { qos_of_switch(*this, switch_(sw)); }),
      emit_address_set(engine, "emit_address_set", in.address_sets,
                       [this](const Uuid& id) { rows_of_address_set(*this, id); }),
      emit_port_group(engine, "emit_port_group", in.port_groups,
                      [this](const Uuid& id) { rows_of_port_group(*this, id); }),
      emit_meter(engine, "emit_meter", in.meters, [this](const Uuid& id) { rows_of_meter(*this, id); }),
      emit_dns(engine, "emit_dns", in.dns, [this](const Uuid& id) { rows_of_dns(*this, id); }),
      emit_static_mac_binding(engine, "emit_static_mac_binding", in.static_mac_bindings,
                              [this](const Uuid& id) { rows_of_static_mac_binding(*this, id); }),
      emit_globals(engine, "emit_globals", [this](Unit) { rows_of_globals(*this); }) {}

}  // namespace weft::northd
