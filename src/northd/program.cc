#include "northd/program.h"

#include "incremental/definitions.h"
#include "northd/compute.h"
#include "northd/features.h"

namespace weft::northd {

using ovsdb::get_bool;

namespace {

void emit_switch_flows(Program& p, const Uuid& uuid) {
    const Switch& sw = p.switch_(uuid);
    FlowWriter flows(p.flows, uuid);
    port_security_of_switch(p, flows, sw);
    mirrors_of_switch(p, flows, sw);
    fdb_of_switch(p, flows, sw);
    conntrack_of_switch(p, flows, sw);
    acl_defaults_of_switch(p, flows, sw);
    load_balancing_of_switch(p, flows, sw);
    arp_responder_of_switch(p, flows, sw);
    dhcp_of_switch(p, flows, sw);
    dns_of_switch(p, flows, sw);
    external_ports_of_switch(p, flows, sw);
    lookup_of_switch(p, flows, sw);
    multicast_of_switch(p, flows, sw);
    rows_of_switch(p, sw);
    address_pool_of_switch(p, sw);
    check_dynamic_routing_of_switch(p, uuid);
}

void emit_switch_port_flows(Program& p, const Uuid& uuid) {
    const SwitchPort& port = p.port(uuid);
    FlowWriter flows(p.flows, port.switch_uuid, uuid);
    port_security_of_port(p, flows, port);
    mirrors_of_port(p, flows, port);
    fdb_of_port(p, flows, port);
    conntrack_of_port(p, flows, port);
    ethernet_of_balanced(p, flows, port);
    arp_responder_of_port(p, flows, port);
    dhcp_of_port(p, flows, port);
    dhcp_relay_of_client(p, flows, port);
    external_port(p, flows, port);
    lookup_of_port(p, flows, port);
    health_checks_of_port(p, flows, port);
    arp_resolve_of_switch_port(p, port);
    routables_of_neighbors(p, port);
    advertise_of_switch_port(p, port);
    advertise_macs_of_port(p, port);
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
    multicast_of_router(p, flows, router);
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
    dhcp_relay_of_port(p, flows, router, port);
    router_advertisement_of_port(p, flows, port);
    routing_of_port(p, flows, port);
    routing_protocols_of_port(p, port);
    bfd_of_router_port(p, flows, router, port);
    arp_resolve_of_router_port(p, flows, router, port);
    gateway_of_port(p, flows, router, port);
    delivery_of_port(p, flows, port);
    multicast_of_port(p, flows, router, port);
    advertise_of_router_port(p, router, port);
    rows_of_router_port(p, router, port);
}

void emit_load_balancer_flows(Program& p, const Uuid& uuid) {
    const LoadBalancerFacts& lb = p.load_balancer(uuid);
    switch_flows_of_load_balancer(p, lb);
    router_flows_of_load_balancer(p, lb);
    rows_of_load_balancer(p, lb);
    rows_of_health_checks(p, lb);
}

void list_addresses(Program& p, const SwitchPort& port) {
    auto all_of = [&](const PortAddresses& addresses) {
        for (const Ip4& ip : addresses.ip4) p.macs_at.emit({port.switch_uuid, ip.address}, addresses.mac);
        for (const Ip6Net& ip : addresses.ip6) p.macs_at.emit({port.switch_uuid, ip.address}, addresses.mac);
    };
    for (const PortAddresses& addresses : port.addresses) all_of(addresses);
    if (port.type == PortType::kRouter && !port.peer.is_zero()) all_of(p.router_port(port.peer).addresses);
}

void relate_port(Program& p, const Uuid& uuid) {
    const SwitchPort& port = p.port(uuid);
    const Uuid& sw = port.switch_uuid;
    if (port.type == PortType::kRouter) {
        if (!port.peer.is_zero()) {
            p.switch_ports_at.emit(port.peer, uuid);
            p.router_ports_of_switch.emit(sw, uuid);
            p.link_rows.emit({sw, p.router_port(port.peer).router});
        }
    } else {
        p.plain_ports.emit(sw, uuid);
    }
    if (port.type != PortType::kRouter && port.enabled) {
        if (get_bool(port.options, "mcast_flood")) p.multicast_flood_ports.emit(sw, port.name);
        if (get_bool(port.options, "mcast_flood_reports")) p.multicast_report_ports.emit(sw, port.name);
    }
    if (port.type == PortType::kSwitch && !port.peer_name.empty())
        p.link_rows.emit({sw, p.port(*p.switch_port_named.first(port.peer_name)).switch_uuid});
    if (p.globals({}).watch_ecmp_nexthops) list_addresses(p, port);
    if (!logical_mirrors(p, uuid).empty()) p.mirrored_ports.emit(sw, uuid);
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

Program::~Program() = default;

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
      name_meters(engine, "name_meters", in.meters,
                  [this](const Uuid& meter) { meter_named.emit(in.meters.get(meter)->name, meter); }),

      sampling_apps(engine, "sampling_apps", [this](Unit) { return compute_sampling_apps(*this); }),
      globals(engine, "globals", [this](Unit) { return compute_globals(*this); }),
      switch_(engine, "switch", [this](const Uuid& sw) { return compute_switch(*this, sw); }),
      router(engine, "router", [this](const Uuid& id) { return compute_router(*this, id); }),
      router_port(engine, "router_port", [this](const Uuid& id) { return compute_router_port(*this, id); }),
      port(engine, "port", [this](const Uuid& id) { return compute_port(*this, id); }),
      router_ports(engine, "router_ports",
                   [this](const Uuid& id) { return compute_router_ports(*this, id); }),
      address_pool(engine, "address_pool",
                   [this](const Uuid& sw) { return compute_address_pool(*this, sw); }),
      claim_addresses(engine, "claim_addresses", switch_of,
                      [this](const Uuid& port) { address_claim_of_port(*this, port); }),
      claim_tags(engine, "claim_tags", in.switch_ports,
                 [this](const Uuid& port) { tag_claim_of_port(*this, port); }),
      claim_queues(engine, "claim_queues", in.switch_ports,
                   [this](const Uuid& port) { queue_claim_of_port(*this, port); }),

      relate_switch_ports(engine, "relate_switch_ports", switch_of,
                          [this](const Uuid& port) { relate_port(*this, port); }),
      relate_router_ports(engine, "relate_router_ports", router_of,
                          [this](const Uuid& id) {
                              const RouterPort& port = router_port(id);
                              if (port.is_distributed_gateway) gateway_ports.emit(port.router, id);
                              if (get_bool(port.options, "mcast_flood")) {
                                  multicast_flood_ports.emit(port.router, port.is_distributed_gateway
                                                                              ? port.redirect_name
                                                                              : port.name);
                              }
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

      switch_multicast(engine, "switch_multicast",
                       [this](const Uuid& sw) { return compute_switch_multicast(*this, sw); }),
      learn_groups(engine, "learn_groups", in.igmp_groups,
                   [this](const Uuid& group) { learn_group(*this, group); }),
      relay_groups(engine, "relay_groups", switch_groups,
                   [this](const GroupKey& key) { relay_group(*this, key); }),

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
      vip_sets(engine, "vip_sets", [this](const Uuid& id) { return compute_vip_sets(*this, id); }),
      vip_kinds(engine, "vip_kinds", [this](const Uuid& id) { return compute_vip_kinds(*this, id); }),
      near_vips(engine, "near_vips", [this](const Uuid& id) { return compute_near_vips(*this, id); }),
      own_vips(engine, "own_vips", [this](const Uuid& id) { return compute_own_vips(*this, id); }),
      switches_of_lb(engine, "switches_of_lb",
                     [this](const Uuid& lb) { return compute_switches_of_lb(*this, lb); }),
      routers_of_lb(engine, "routers_of_lb",
                    [this](const Uuid& lb) { return compute_routers_of_lb(*this, lb); }),

      list_function_ports_rule(engine, "list_function_ports", in.network_functions,
                               [this](const Uuid& id) { list_function_ports(*this, id); }),
      function_group(engine, "function_group",
                     [this](const Uuid& id) { return compute_function_group(*this, id); }),

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
                            int64_t tier = row->tier + (row->action == "pass" ? 1 : 0);
                            for (const AclUse& use : acl_uses[acl]) {
                                acl_kinds.emit(use.switch_uuid, row->action);
                                if (in.acl_ids.find(acl)) acl_kinds.emit(use.switch_uuid, kPersistent);
                                if (tier) acl_tiers.emit(use.switch_uuid, tier);
                            }
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
      routables(engine, "routables", [this](const Uuid& id) { return compute_routables(*this, id); }),

      list_router_routes(engine, "list_router_routes", in.routers,
                         [this](const Uuid& id) {
                             if (!router(id).enabled) return;
                             for (const Uuid& each : in.routers.get(id)->static_routes) {
                                 const auto* row = in.routes.get(each);
                                 if (!row) continue;
                                 routes_by_key.emit(route_key(id, *row), each);
                                 if (!row->route_table.empty()) route_tables.emit(id, row->route_table);
                                 if (row->bfd) routes_of_bfd.emit(*row->bfd, each);
                             }
                         }),
      list_learned_routes(engine, "list_learned_routes", in.learned_routes,
                          [this](const Uuid& id) { list_learned_route(*this, id); }),
      list_port_tables(engine, "list_port_tables", router_of,
                       [this](const Uuid& id) {
                           const RouterPort& port = router_port(id);
                           std::string table(ovsdb::get_string(port.options, "route_table"));
                           if (!table.empty()) route_tables.emit(port.router, table);
                       }),
      list_router_policies(engine, "list_router_policies", in.routers,
                           [this](const Uuid& id) {
                               if (!router(id).enabled) return;
                               for (const Uuid& each : in.routers.get(id)->policies)
                                   router_of_policy.emit(each, id);
                           }),
      read_policies(engine, "read_policies", router_of_policy,
                    [this](const Uuid& policy) {
                        const auto* row = in.policies.get(policy);
                        if (!row) return;
                        std::string chain = row->chain.value_or("");
                        for (const Uuid& id : router_of_policy[policy]) {
                            if (row->action == "jump")
                                policy_jumps.emit(id, {chain, row->jump_chain.value_or("")});
                            if (!chain.empty()) policy_chains.emit(id, chain);
                        }
                        if (row->action != "reroute") return;
                        for (const Uuid& bfd : row->bfd_sessions) policies_of_bfd.emit(bfd, policy);
                    }),
      list_bfd(engine, "list_bfd", in.bfd,
               [this](const Uuid& id) { bfd_of_port.emit(in.bfd.get(id)->logical_port, id); }),
      bfd_status(engine, "bfd_status", [this](const Uuid& id) { return compute_bfd_status(*this, id); }),
      find_ecmp_keys(engine, "find_ecmp_keys", routes_by_key,
                     [this](const RouteKey& key) {
                         if (routes_by_key[key].size() > 1) ecmp_keys.emit(key.router, key);
                     }),

      emit_switch(engine, "emit_switch", in.switches,
                  [this](const Uuid& sw) { emit_switch_flows(*this, sw); }),
      emit_switch_port(engine, "emit_switch_port", switch_of,
                       [this](const Uuid& port) { emit_switch_port_flows(*this, port); }),
      emit_router(engine, "emit_router", in.routers,
                  [this](const Uuid& id) { emit_router_flows(*this, id); }),
      emit_router_vips(engine, "emit_router_vips", in.routers,
                       [this](const Uuid& id) { rows_of_router_vips(*this, router(id)); }),
      emit_near_vips(engine, "emit_near_vips", switch_ports_at,
                     [this](const Uuid& id) { lookup_of_near_vips(*this, id); }),
      emit_router_port(engine, "emit_router_port", router_of,
                       [this](const Uuid& port) { emit_router_port_flows(*this, port); }),
      emit_route(engine, "emit_route", routes_by_key,
                 [this](const RouteKey& key) { flows_of_route(*this, key); }),
      emit_policy(engine, "emit_policy", router_of_policy,
                  [this](const Uuid& policy) { flows_of_policy(*this, policy); }),
      emit_nat(engine, "emit_nat", router_of_nat, [this](const Uuid& id) { flows_of_nat(*this, id); }),
      emit_load_balancer(engine, "emit_load_balancer", in.load_balancers,
                         [this](const Uuid& lb) { emit_load_balancer_flows(*this, lb); }),
      emit_function(engine, "emit_function", in.network_functions,
                    [this](const Uuid& id) { flows_of_function(*this, id); }),
      emit_function_group(engine, "emit_function_group", in.network_function_groups,
                          [this](const Uuid& id) { flows_of_function_group(*this, id); }),
      emit_acl(engine, "emit_acl", acl_uses, [this](const Uuid& acl) { flows_of_acl(*this, acl); }),
      emit_acl_meter(engine, "emit_acl_meter", in.acls,
                     [this](const Uuid& acl) { rows_of_acl_meter(*this, acl); }),
      emit_qos_of_switch(engine, "emit_qos", in.switches,
                         [this](const Uuid& sw) { qos_of_switch(*this, switch_(sw)); }),
      emit_address_set(engine, "emit_address_set", in.address_sets,
                       [this](const Uuid& id) { rows_of_address_set(*this, id); }),
      emit_port_group(engine, "emit_port_group", in.port_groups,
                      [this](const Uuid& id) { rows_of_port_group(*this, id); }),
      emit_meter(engine, "emit_meter", in.meters, [this](const Uuid& id) { rows_of_meter(*this, id); }),
      emit_mirror(engine, "emit_mirror", in.mirrors, [this](const Uuid& id) { rows_of_mirror(*this, id); }),
      emit_bfd(engine, "emit_bfd", in.bfd, [this](const Uuid& id) { rows_of_bfd(*this, id); }),
      emit_template_var(engine, "emit_template_var", in.template_vars,
                        [this](const Uuid& id) { rows_of_template_var(*this, id); }),
      emit_switch_group(engine, "emit_switch_group", switch_groups,
                        [this](const GroupKey& key) { flows_of_switch_group(*this, key); }),
      emit_router_group(engine, "emit_router_group", router_groups,
                        [this](const GroupKey& key) { flows_of_router_group(*this, key); }),
      emit_dns(engine, "emit_dns", in.dns, [this](const Uuid& id) { rows_of_dns(*this, id); }),
      emit_static_mac_binding(engine, "emit_static_mac_binding", in.static_mac_bindings,
                              [this](const Uuid& id) { rows_of_static_mac_binding(*this, id); }),
      emit_globals(engine, "emit_globals", [this](Unit) { rows_of_globals(*this); }) {}

}  // namespace weft::northd
