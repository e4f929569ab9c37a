// A random history of a northbound database, of what controllers do and of what northd chooses, for tests:
// every feature of northd, valid and not.
//
//     TestHistory history(seed, program.in);
//     history.change();        // one thing, in history.northbound() and in the inputs

#pragma once

#include "northd/test_services.h"

namespace weft::northd {

class TestHistory : public TestServices {
  public:
    TestHistory(unsigned seed, Inputs& follower) : TestServices(seed, follower) {
        insert<nb::NBGlobal>([](auto& row) {
            row.options = {{"svc_monitor_mac", "0e:00:00:00:00:01"}, {"mac_prefix", "0e:00:00"}};
        });
    }

    void change() {
        using H = TestHistory;
        struct Turn {
            int weight;
            void (TestHistory::*operation)();
        };
        static constexpr Turn kTurns[] = {
            {3, &H::add_switch},
            {4, &H::edit_switch},
            {1, &H::remove_switch},
            {12, &H::add_port},
            {6, &H::edit_port},
            {6, &H::edit_port_options},
            {5, &H::edit_references},
            {1, &H::rename_port},
            {1, &H::move_port},
            {3, &H::remove_port},
            {3, &H::add_router},
            {5, &H::edit_router},
            {1, &H::remove_router},
            {8, &H::connect},
            {1, &H::join_routers},
            {1, &H::join_switches},
            {6, &H::edit_router_port},
            {4, &H::edit_gateway},
            {2, &H::edit_ha_group},
            {1, &H::remove_port_pair},
            {2, &H::edit_globals},
            {5, &H::add_acl},
            {4, &H::edit_acl},
            {2, &H::remove_acl},
            {4, &H::edit_group},
            {2, &H::edit_address_set},
            {5, &H::add_balancer},
            {4, &H::edit_balancer},
            {4, &H::check_health},
            {5, &H::attach_balancer},
            {3, &H::edit_balancer_group},
            {6, &H::add_route},
            {4, &H::edit_route},
            {2, &H::remove_route},
            {5, &H::add_policy},
            {4, &H::edit_policy},
            {2, &H::remove_policy},
            {6, &H::add_nat},
            {4, &H::edit_nat},
            {2, &H::remove_nat},
            {3, &H::edit_dhcp},
            {3, &H::edit_relay},
            {4, &H::edit_sample},
            {2, &H::edit_dns},
            {3, &H::edit_meter},
            {3, &H::edit_copp},
            {3, &H::edit_qos},
            {2, &H::edit_forwarding_group},
            {2, &H::edit_binding_row},
            {3, &H::edit_mirror},
            {4, &H::edit_function},
            {2, &H::edit_port_check},
            {2, &H::edit_template},
            {4, &H::edit_bfd},
            {4, &H::remove_something},
            {8, &H::controller_binds},
            {3, &H::controller_learns},
            {3, &H::controller_learns_route},
            {4, &H::controller_reports},
            {5, &H::northd_chooses},
        };
        int total = 0;
        for (const Turn& turn : kTurns) total += turn.weight;
        int at = number(total);
        for (const Turn& turn : kTurns) {
            at -= turn.weight;
            if (at < 0) return (this->*turn.operation)();
        }
    }

  private:
    // --- switches and their ports
    void add_switch() {
        auto& row = insert<nb::LogicalSwitch>([&](auto& r) { r.name = fresh("sw"); });
        choose_key(row.uuid);
    }
    void edit_switch() {
        edit_any<nb::LogicalSwitch>([&](auto& row) {
            set_any(row.other_config, {{"subnet", {"10.0.0.0/24", "10.0.1.0/29", "x"}},
                                       {"exclude_ips", {"10.0.0.2", "10.0.0.3..10.0.0.9 10.0.0.20", "9..1"}},
                                       {"ipv6_prefix", {"fd01::", "fd02::/64", "none"}},
                                       {"mac_only", {"true", "false"}},
                                       {"mcast_snoop", {"true", "true", "false"}},
                                       {"mcast_flood_unregistered", {"true", "false"}},
                                       {"mcast_querier", {"true", "false"}},
                                       {"mcast_eth_src", {"02:00:00:00:00:99"}},
                                       {"mcast_ip4_src", {"10.0.0.99"}},
                                       {"mcast_ip6_src", {"fe80::9"}},
                                       {"mcast_table_size", {"10", "x"}},
                                       {"mcast_query_interval", {"3", "9999"}},
                                       {"vlan-passthru", {"true", "false"}},
                                       {"broadcast-arps-to-all-routers", {"true", "false"}},
                                       {"fdb_age_threshold", {"5", "x"}},
                                       {"enable-stateless-acl-with-lb", {"true", "false"}},
                                       {"ct-zone-limit", {"100", "0", "-1", "x"}},
                                       {"dynamic-routing-vni", {"10", "20000000"}},
                                       {"dynamic-routing-redistribute", {"ip", "fdb", "x"}},
                                       {"interconn-ts", {"ts1"}}});
            if (one_in(6)) row.external_ids.set("neutron:network_name", fresh("net"));
            if (one_in(8)) row.name = fresh("sw");
            if (one_in(4))
                row.other_config.set("dhcp_relay_port", "to-" + name_of_any<nb::LogicalRouterPort>("rp"));
            if (one_in(4)) refer<nb::Copp>(row, &nb::LogicalSwitch::copp);
            if (one_in(4)) toggle<nb::DNS>(row, &nb::LogicalSwitch::dns_records);
        });
    }
    void remove_switch() {
        auto* row = any<nb::LogicalSwitch>();
        if (!row) return;
        for (const Uuid& port : row->ports) forget_port(port);
        erase_all<nb::LogicalSwitchPort>(*row, &nb::LogicalSwitch::ports);
        erase_all<nb::ACL>(*row, &nb::LogicalSwitch::acls);
        erase_all<nb::QoS>(*row, &nb::LogicalSwitch::qos_rules);
        erase_all<nb::ForwardingGroup>(*row, &nb::LogicalSwitch::forwarding_groups);
        forget_key(row->uuid);
        erase<nb::LogicalSwitch>(Uuid(row->uuid));
    }
    std::string addresses() {
        switch (number(8)) {
            case 0:
                return "unknown";
            case 1:
                return "dynamic";
            case 2:
                return one_in(2) ? "dynamic " + ip4() : mac() + " dynamic";
            case 3:
                return mac() + " " + ip4() + " " + ip6();
            case 4:
                return one_in(2) ? mac() : "02:xx 10.0.0.1";
            default:
                return mac() + " " + ip4();
        }
    }
    void add_port() {
        insert_into<nb::LogicalSwitchPort>(&nb::LogicalSwitch::ports, [&](auto& row) {
            row.name = fresh("p");
            row.addresses.insert(addresses());
            if (one_in(3)) {
                row.type = one_of({"localnet", "localport", "l2gateway", "vtep", "external", "virtual",
                                   "remote", "router", "switch", "switch", "strange"});
            }
            if (row.type == "localnet" || row.type == "switch") row.addresses = {"unknown"};
            if (row.type == "virtual") row.options = {{"virtual-ip", ip()}, {"virtual-parents", two_ports()}};
        });
    }
    std::string two_ports() {
        return name_of_any<nb::LogicalSwitchPort>("p") + "," + name_of_any<nb::LogicalSwitchPort>("p");
    }
    void edit_port() {
        edit_any<nb::LogicalSwitchPort>([&](auto& row) {
            switch (number(8)) {
                case 0:
                    row.enabled = one_in(4) ? std::nullopt : std::optional(one_in(2));
                    break;
                case 1:
                    row.addresses = {addresses()};
                    break;
                case 2:
                    row.addresses.insert(addresses());
                    break;
                case 3:
                    row.port_security = {addresses()};
                    break;
                case 4:
                    row.up = one_in(2);
                    break;
                case 5:
                    row.parent_name = one_in(3) ? "" : name_of_any<nb::LogicalSwitchPort>("p");
                    row.tag_request = number(3);
                    break;
                case 6:
                    row.tag = number(9) + 1;
                    break;
                default:
                    row.external_ids.set("k", fresh("v"));
            }
        });
    }
    void edit_port_options() {
        edit_any<nb::LogicalSwitchPort>([&](auto& row) {
            if (row.type == "router") {
                if (one_in(4)) row.options.set("router-port", name_of_any<nb::LogicalRouterPort>("rp"));
                return set_any(row.options,
                               {{"nat-addresses", {"router", "02:00:00:00:00:77 10.0.0.7"}},
                                {"exclude-lb-vips-from-garp", {"true", "false"}},
                                {"arp_proxy", {"10.0.0.9", "02:00:00:00:00:08 10.0.0.8 fd01::8"}},
                                {"disable_garp_rarp", {"true", "false"}},
                                {"receive_multicast", {"true", "false"}},
                                {"enable_router_port_acl", {"true", "false"}},
                                {"ct-zone-limit", {"100", "x"}},
                                {"mcast_flood", {"true", "false"}}});
            }
            if (one_in(6)) row.options.set("virtual-parents", two_ports());
            set_any(row.options, {{"requested-chassis", {"ch0", "ch1,ch2", "ch9"}},
                                  {"requested-tnl-key", {"77", "x"}},
                                  {"mcast_flood", {"true", "false"}},
                                  {"mcast_flood_reports", {"true", "false"}},
                                  {"qos_max_rate", {"1000", "0"}},
                                  {"qos_min_rate", {"10"}},
                                  {"qos_burst", {"100"}},
                                  {"ct-zone-limit", {"100", "0", "x"}},
                                  {"localnet_learn_fdb", {"true", "false"}},
                                  {"activation-strategy", {"rarp"}},
                                  {"disable_arp_nd_rsp", {"true", "false"}},
                                  {"force_fdb_lookup", {"true", "false"}},
                                  {"pkt_clone_type", {"mc_unknown", "x"}},
                                  {"lsp_learn_fdb", {"true", "false"}},
                                  {"receive_multicast", {"true", "false"}},
                                  {"virtual-ip", {"10.0.0.3", "fd01::3", "x"}},
                                  {"hostname", {"h1", "h2"}}});
        });
    }
    void join_switches() {
        auto *a = any<nb::LogicalSwitchPort>(), *b = any<nb::LogicalSwitchPort>();
        if (!a) return;
        a->type = b->type = "switch";
        a->peer = b->name;
        b->peer = a->name;
        touch(*a);
        touch(*b);
    }
    void edit_references() {
        using Port = nb::LogicalSwitchPort;
        edit_any<Port>([&](auto& row) {
            switch (number(4)) {
                case 0:
                    return refer<nb::DHCPOptions>(row, &Port::dhcpv4_options);
                case 1:
                    return refer<nb::DHCPOptions>(row, &Port::dhcpv6_options);
                case 2:
                    return toggle<nb::Mirror>(row, &Port::mirror_rules);
                default:
                    return refer<nb::HAChassisGroup>(row, &Port::ha_chassis_group);
            }
        });
    }
    void rename_port() {
        edit_any<nb::LogicalSwitchPort>([&](auto& row) { row.name = fresh("p"); });
    }
    void move_port() {
        auto *from = any<nb::LogicalSwitch>(), *to = any<nb::LogicalSwitch>();
        if (!from || from->ports.empty()) return;
        Uuid port = from->ports[pick(from->ports.size())];
        from->ports.erase(port);
        to->ports.insert(port);
        touch(*from);
        touch(*to);
    }
    void forget_port(const Uuid& port) {
        forget(&nb::PortGroup::ports, port);
        erase_fact(n_.dynamic_addresses, in_.dynamic_addresses, port);
        erase_fact(n_.tags, in_.tags, port);
        erase_fact(n_.queues, in_.queues, port);
    }
    void remove_port() {
        Uuid gone = remove_from<nb::LogicalSwitchPort>(&nb::LogicalSwitch::ports);
        forget_port(gone);
    }

    // --- routers and their ports
    void add_router() {
        auto& row = insert<nb::LogicalRouter>([&](auto& r) {
            r.name = fresh("lr");
            if (one_in(2)) r.options.set("chassis", "ch1");
        });
        choose_key(row.uuid);
    }
    void edit_router() {
        edit_any<nb::LogicalRouter>([&](auto& row) {
            if (one_in(6)) row.enabled = !row.enabled.value_or(true);
            if (one_in(4)) refer<nb::Copp>(row, &nb::LogicalRouter::copp);
            set_any(row.options, {{"chassis", {"ch1", "ch2"}},
                                  {"always_learn_from_arp_request", {"true", "false"}},
                                  {"dynamic_neigh_routers", {"true", "false"}},
                                  {"mcast_relay", {"true", "true", "false"}},
                                  {"lb_force_snat_ip", {"router_ip", "10.9.9.9", "10.9.9.9 fd09::9"}},
                                  {"dnat_force_snat_ip", {"10.9.8.8", "x"}},
                                  {"snat-ct-zone", {"7"}},
                                  {"ct-zone-limit", {"100", "x"}},
                                  {"dynamic-routing", {"true", "true", "false"}},
                                  {"dynamic-routing-redistribute",
                                   {"connected,static", "nat lb", "connected-as-host,lb,nat,static", "x"}},
                                  {"disable_garp_rarp", {"true", "false"}},
                                  {"mac_binding_age_threshold", {"9", "10.0.0.0/24:5;9", "x"}}});
        });
    }
    void remove_router() {
        auto* row = any<nb::LogicalRouter>();
        if (!row) return;
        for (const Uuid& port : row->ports) forget_router_port(port);
        erase_all<nb::LogicalRouterPort>(*row, &nb::LogicalRouter::ports);
        erase_all<nb::LogicalRouterStaticRoute>(*row, &nb::LogicalRouter::static_routes);
        erase_all<nb::LogicalRouterPolicy>(*row, &nb::LogicalRouter::policies);
        erase_all<nb::NAT>(*row, &nb::LogicalRouter::nat);
        forget_key(row->uuid);
        erase<nb::LogicalRouter>(Uuid(row->uuid));
    }
    void forget_router_port(const Uuid& port) {
        forget(&nb::NAT::gateway_port, port);
        forget(&nb::LogicalRouterPolicy::output_port, port);
        auto& row = *n_.router_ports.at(port);
        erase_all<nb::GatewayChassis>(row, &nb::LogicalRouterPort::gateway_chassis);
        row.gateway_chassis.clear();
    }
    std::string network() { return one_in(4) ? ip6() + "/64" : ip4() + "/24"; }
    void connect() {
        std::string name = fresh("rp");
        if (!any<nb::LogicalRouter>()) return;
        insert_into<nb::LogicalRouterPort>(&nb::LogicalRouter::ports, [&](auto& row) {
            row.name = name;
            row.mac = fmt::format("02:00:00:00:aa:{:02x}", number(256));
            row.networks = {network()};
            if (one_in(3)) row.networks.insert(network());
        });
        insert_into<nb::LogicalSwitchPort>(&nb::LogicalSwitch::ports, [&](auto& row) {
            row.name = "to-" + name;
            row.type = "router";
            row.addresses = {one_in(3) ? addresses() : "router"};
            row.options.set("router-port", name);
        });
    }
    void join_routers() {
        auto *a = any<nb::LogicalRouterPort>(), *b = any<nb::LogicalRouterPort>();
        if (!a) return;
        a->peer = b->name;
        b->peer = a->name;
        touch(*a);
        touch(*b);
    }
    void edit_router_port() {
        edit_any<nb::LogicalRouterPort>([&](auto& row) {
            switch (number(8)) {
                case 0:
                    row.networks = {network(), network()};
                    return;
                case 1:
                    row.mac = one_in(8) ? "x" : mac();
                    return;
                case 2:
                    row.enabled = !row.enabled.value_or(true);
                    return;
                case 3:
                    return set_any(row.ipv6_ra_configs, {{"address_mode", {"slaac", "dhcpv6_stateful", "x"}},
                                                         {"send_periodic", {"true", "false"}},
                                                         {"mtu", {"1000", "9"}},
                                                         {"max_interval", {"5", "5000"}},
                                                         {"router_preference", {"HIGH", "LOW"}},
                                                         {"rdnss", {"fd00::53"}}});
                case 4:
                    row.peer =
                        one_in(2) ? std::nullopt : std::optional(name_of_any<nb::LogicalRouterPort>("rp"));
                    return;
                case 5:
                    row.ipv6_prefix = {"fd0a::/64"};
                    return;
                default:
                    if (one_in(6))
                        row.options.set("routing-protocol-redirect", name_of_any<nb::LogicalSwitchPort>("p"));
                    return set_any(row.options,
                                   {{"routing-protocols", {"BGP", "BGP,BFD", "x"}},
                                    {"requested-chassis", {"ch0", "ch1"}},
                                    {"interconn-neighbors",
                                     {"02:00:00:00:00:07 10.0.0.7", "02:00:00:00:00:07 fd00::7,x,y z"}},
                                    {"redirect-type", {"bridged", "overlay"}},
                                    {"gateway_mtu", {"1400", "x"}},
                                    {"gateway_mtu_bypass", {"tcp"}},
                                    {"reside-on-redirect-chassis", {"true", "false"}},
                                    {"mcast_flood", {"true", "false"}},
                                    {"route_table", {"rt1", "rt2"}},
                                    {"dynamic-routing-redistribute", {"connected-as-host", "nat"}},
                                    {"dynamic-routing-no-learning", {"true", "false"}},
                                    {"prefix_delegation", {"true"}},
                                    {"prefix", {"true"}}});
            }
        });
    }
    void edit_gateway() {
        using Port = nb::LogicalRouterPort;
        if (one_in(4)) {
            remove_from<nb::GatewayChassis>(&Port::gateway_chassis);
        } else if (one_in(4)) {
            edit_any<Port>([&](auto& row) { refer<nb::HAChassisGroup>(row, &Port::ha_chassis_group); });
        } else if (one_in(4)) {
            edit_any<nb::GatewayChassis>([&](auto& row) { row.priority = number(99); });
        } else {
            insert_into<nb::GatewayChassis>(&Port::gateway_chassis, [&](auto& row) {
                row.name = fresh("gc");
                row.chassis_name = chassis();
                row.priority = number(9);
            });
        }
    }
    void edit_ha_group() {
        using Group = nb::HAChassisGroup;
        if (!any<Group>() || one_in(3)) insert<Group>([&](auto& row) { row.name = fresh("ha"); });
        if (one_in(4)) {
            remove_from<nb::HAChassis>(&Group::ha_chassis);
        } else {
            insert_into<nb::HAChassis>(&Group::ha_chassis, [&](auto& row) {
                row.chassis_name = chassis();
                row.priority = number(9);
            });
        }
    }
    void remove_port_pair() {
        auto* router = any<nb::LogicalRouter>();
        if (!router || router->ports.empty()) return;
        Uuid port = router->ports[pick(router->ports.size())];
        forget_router_port(port);
        router->ports.erase(port);
        touch(*router);
        erase<nb::LogicalRouterPort>(port);
    }
    void edit_globals() {
        edit_any<nb::NBGlobal>([&](auto& row) {
            set_any(row.options, {{"use_ct_inv_match", {"true", "false"}},
                                  {"ignore_lsp_down", {"true", "false"}},
                                  {"default_acl_drop", {"true", "false"}},
                                  {"controller_event", {"true", "false"}},
                                  {"install_ls_lb_from_router", {"true", "false"}},
                                  {"ls_dnat_mod_dl_dst", {"true", "false"}},
                                  {"ecmp_nexthop_monitor_enable", {"true", "false"}},
                                  {"debug_drop_collector_set", {"7", "0"}},
                                  {"svc_monitor_mac", {"0e:00:00:00:00:01", "0e:00:00:00:00:02"}},
                                  {"mac_prefix", {"0e:00:00", "02:00:00"}}});
        });
    }

    // --- ACLs and groups
    void add_acl() {
        auto fill = [&](auto& row) {
            row.priority = number(1000);
            row.direction = one_of({"from-lport", "to-lport"});
            row.match = fmt::format("ip4.src == 1.1.1.{}", number(9));
            row.action = one_of({"allow", "allow-related", "drop", "reject", "allow-stateless", "pass"});
        };
        if (one_in(2)) {
            insert_into<nb::ACL>(&nb::PortGroup::acls, fill);
        } else {
            insert_into<nb::ACL>(&nb::LogicalSwitch::acls, fill);
        }
    }
    void edit_acl() {
        edit_any<nb::ACL>([&](auto& row) {
            switch (number(8)) {
                case 0:
                    row.tier = number(4);
                    return;
                case 1:
                    row.log = !row.log;
                    return;
                case 2:
                    row.meter = name_of_any<nb::Meter>("m");
                    row.log = true;
                    return;
                case 3:
                    row.label = number(3);
                    return;
                case 4:
                    row.options.set("apply-after-lb", one_of({"true", "false"}));
                    row.options.set("log-related", one_of({"true", "false"}));
                    return;
                case 5:
                    row.name = fresh("acl");
                    row.severity = one_of({"alert", "debug"});
                    return;
                case 6:
                    row.direction = one_of({"from-lport", "to-lport"});
                    return;
                default:
                    row.action = one_of({"allow", "allow-related", "drop", "pass"});
            }
        });
    }
    void remove_acl() {
        if (one_in(2)) {
            remove_from<nb::ACL>(&nb::PortGroup::acls);
        } else {
            remove_from<nb::ACL>(&nb::LogicalSwitch::acls);
        }
    }
    void edit_group() {
        using Group = nb::PortGroup;
        if (!any<Group>() || one_in(4)) insert<Group>([&](auto& row) { row.name = fresh("pg"); });
        edit_any<Group>([&](auto& row) { toggle<nb::LogicalSwitchPort>(row, &Group::ports); });
        if (one_in(12)) {
            auto* row = any<Group>();
            erase_all<nb::ACL>(*row, &Group::acls);
            erase<Group>(Uuid(row->uuid));
        }
    }
    void edit_address_set() {
        using AddressSet = nb::AddressSet;
        if (!any<AddressSet>() || one_in(3)) insert<AddressSet>([&](auto& r) { r.name = fresh("as"); });
        edit_any<AddressSet>([&](auto& row) { row.addresses.insert(ip()); });
    }

    // --- load balancers
    std::string back_ends() {
        std::string out;
        for (int i = number(4); i > 0; --i) out += (out.empty() ? "" : ",") + ip4() + ":81";
        return out;
    }
    void add_balancer() {
        insert<nb::LoadBalancer>([&](auto& lb) {
            lb.name = fresh("lb");
            if (one_in(5)) {
                lb.options = {{"template", "true"}, {"address-family", "ipv4"}};
                lb.vips = {{"^vip:80", one_of({"^backends", "10.0.0.5:81"})}};
            } else if (one_in(5)) {
                lb.vips = {{"[" + ip6() + "]:80", "[fd01::5]:81"}};
            } else {
                lb.vips = {{ip4() + (one_in(4) ? "" : ":80"), back_ends()}};
            }
            if (one_in(2)) lb.protocol = one_of({"tcp", "udp", "sctp"});
        });
        attach_balancer();
    }
    void edit_balancer() {
        edit_any<nb::LoadBalancer>([&](auto& lb) {
            switch (number(5)) {
                case 0:
                    lb.vips.clear();
                    return;
                case 1:
                case 2:
                    return lb.vips.set(one_in(6) ? "nonsense" : ip4() + ":80", back_ends());
                case 3:
                    lb.selection_fields = {one_of({"ip_src", "tp_dst"})};
                    return;
                default:
                    return set_any(lb.options, {{"skip_snat", {"true", "false"}},
                                                {"reject", {"true", "false"}},
                                                {"event", {"true", "false"}},
                                                {"add_route", {"true"}},
                                                {"ct_flush", {"true", "false"}},
                                                {"distributed", {"true", "false"}},
                                                {"use_stateless_nat", {"true", "false"}},
                                                {"affinity_timeout", {"30", "0"}},
                                                {"neighbor_responder", {"all", "none", "reachable"}}});
            }
        });
    }
    void check_health() {
        using Balancer = nb::LoadBalancer;
        auto* lb = any<Balancer>();
        if (!lb || lb->vips.empty()) return;
        const auto& [vip, back_ends] =
            *std::next(lb->vips.begin(), number(static_cast<int>(lb->vips.size())));
        if (one_in(4)) {
            remove_from<nb::LoadBalancerHealthCheck>(&Balancer::health_check);
        } else if (lb->health_check.empty()) {
            give(*lb, &Balancer::health_check, insert<nb::LoadBalancerHealthCheck>([&](auto& row) {
                row.vip = vip;
                row.options.set("interval", "5");
            }));
        }
        lb->ip_port_mappings.set(ip4(), name_of_any<nb::LogicalSwitchPort>("p") + ":10.0.0.254");
        for (std::string_view word : split(back_ends, ",")) {
            std::string address(word.substr(0, word.find(':')));
            lb->ip_port_mappings.set(address, name_of_any<nb::LogicalSwitchPort>("p") + ":10.0.0.254");
        }
        touch(*lb);
    }
    void attach_balancer() {
        if (one_in(2)) {
            edit_any<nb::LogicalSwitch>(
                [&](auto& row) { toggle<nb::LoadBalancer>(row, &nb::LogicalSwitch::load_balancer); });
        } else {
            edit_any<nb::LogicalRouter>(
                [&](auto& row) { toggle<nb::LoadBalancer>(row, &nb::LogicalRouter::load_balancer); });
        }
    }
    void edit_balancer_group() {
        using Group = nb::LoadBalancerGroup;
        if (!any<Group>() || one_in(4)) insert<Group>([&](auto& row) { row.name = fresh("lbg"); });
        edit_any<Group>([&](auto& row) { toggle<nb::LoadBalancer>(row, &Group::load_balancer); });
        if (one_in(2)) {
            edit_any<nb::LogicalSwitch>(
                [&](auto& row) { toggle<Group>(row, &nb::LogicalSwitch::load_balancer_group); });
        } else {
            edit_any<nb::LogicalRouter>(
                [&](auto& row) { toggle<Group>(row, &nb::LogicalRouter::load_balancer_group); });
        }
    }

    // --- routes, policies, NAT
    void add_route() {
        insert_into<nb::LogicalRouterStaticRoute>(&nb::LogicalRouter::static_routes, [&](auto& row) {
            row.ip_prefix = one_of({"0.0.0.0/0", "20.1.0.0/16", "20.1.2.0/24", "fd99::/64", "20.1.2.3/24"});
            row.nexthop = one_in(8) ? "discard" : row.ip_prefix[0] == 'f' ? ip6() : ip4();
            if (one_in(3)) row.route_table = one_of({"rt1", "rt2", "rt3"});
            if (one_in(3)) row.options.set("ecmp_symmetric_reply", "true");
        });
    }
    void edit_route() {
        using Route = nb::LogicalRouterStaticRoute;
        edit_any<Route>([&](auto& row) {
            switch (number(6)) {
                case 0:
                    row.nexthop = one_in(6) ? "nowhere" : ip();
                    return;
                case 1:
                    row.output_port =
                        one_in(3) ? std::nullopt : std::optional(name_of_any<nb::LogicalRouterPort>("rp"));
                    return;
                case 2:
                    row.policy = one_of({"src-ip", "dst-ip"});
                    return;
                case 3:
                    row.selection_fields = {"ip_src"};
                    return;
                case 4:
                    row.ip_prefix = one_of({"20.1.0.0/16", "30.0.0.0/8", "bad"});
                    return;
                default:
                    return refer<nb::BFD>(row, &Route::bfd);
            }
        });
    }
    void remove_route() { remove_from<nb::LogicalRouterStaticRoute>(&nb::LogicalRouter::static_routes); }
    void add_policy() {
        insert_into<nb::LogicalRouterPolicy>(&nb::LogicalRouter::policies, [&](auto& row) {
            row.priority = number(1000);
            row.match = fmt::format("ip4.dst == 2.2.2.{}", number(9));
            edit(row);
        });
    }
    void edit(nb::LogicalRouterPolicy& row) {
        row.action = one_of({"allow", "drop", "reroute", "reroute", "jump"});
        row.nexthops.clear();
        row.nexthop.reset();
        row.jump_chain.reset();
        if (row.action == "reroute" && one_in(3)) row.nexthop = ip4();
        if (row.action == "reroute" && !row.nexthop) row.nexthops = {ip4(), ip()};
        if (row.action == "jump") row.jump_chain = one_of({"a", "b", "c", "d"});
        if (one_in(2)) row.chain = one_of({"a", "b", "c", ""});
        if (one_in(3)) row.options.set("pkt_mark", fmt::format("{}", number(9)));
        row.output_port.reset();
        if (auto* port = any<nb::LogicalRouterPort>(); port && one_in(3)) row.output_port = port->uuid;
        row.bfd_sessions.clear();
        if (auto* session = any<nb::BFD>(); session && one_in(3)) {
            row.bfd_sessions.insert(session->uuid);
            if (one_in(2)) row.nexthops.insert(session->dst_ip);
        }
    }
    void edit_policy() {
        edit_any<nb::LogicalRouterPolicy>([&](auto& row) { edit(row); });
    }
    void remove_policy() { remove_from<nb::LogicalRouterPolicy>(&nb::LogicalRouter::policies); }
    void add_nat() {
        insert_into<nb::NAT>(&nb::LogicalRouter::nat, [&](auto& row) {
            row.type = one_of({"snat", "dnat", "dnat_and_snat", "dnat_and_snat"});
            bool is_ip6 = one_in(4);
            row.external_ip = is_ip6 ? ip6() : ip4();
            row.logical_ip = is_ip6 ? ip6() : ip4();
            if (row.type == "snat" && one_in(2)) row.logical_ip += is_ip6 ? "/64" : "/24";
            if (row.type == "dnat_and_snat" && one_in(2)) {
                row.logical_port = name_of_any<nb::LogicalSwitchPort>("p");
                row.external_mac = mac();
            }
            if (one_in(4)) row.external_port_range = "1000-2000";
            if (one_in(3)) row.match = fmt::format("{}.dst == 99", one_of({"tcp", "udp"}));
            if (one_in(2)) row.priority = number(9);
            if (one_in(3)) row.options.set("add_route", "true");
        });
    }
    void edit_nat() {
        edit_any<nb::NAT>([&](auto& row) {
            switch (number(6)) {
                case 0:
                    row.options.set("stateless", one_of({"true", "false"}));
                    return;
                case 1:
                    row.exempted_ext_ips.reset();
                    return refer<nb::AddressSet>(row, &nb::NAT::allowed_ext_ips);
                case 2:
                    row.allowed_ext_ips.reset();
                    return refer<nb::AddressSet>(row, &nb::NAT::exempted_ext_ips);
                case 3:
                    return refer<nb::LogicalRouterPort>(row, &nb::NAT::gateway_port);
                case 4:
                    row.external_mac.reset();
                    return;
                default:
                    row.external_ip = one_in(8) ? "x" : ip4();
            }
        });
    }
    void remove_nat() { remove_from<nb::NAT>(&nb::LogicalRouter::nat); }

    // --- everything else of the northbound: test_services.h
    void remove_something() {
        switch (number(14)) {
            case 0:
                if (auto* lb = any<nb::LoadBalancer>()) {
                    erase_all<nb::LoadBalancerHealthCheck>(*lb, &nb::LoadBalancer::health_check);
                    lb->health_check.clear();
                    touch(*lb);
                }
                return remove_root<nb::LoadBalancer>(&nb::LogicalSwitch::load_balancer,
                                                     &nb::LogicalRouter::load_balancer,
                                                     &nb::LoadBalancerGroup::load_balancer);
            case 1:
                return remove_root<nb::DHCPOptions>(&nb::LogicalSwitchPort::dhcpv4_options,
                                                    &nb::LogicalSwitchPort::dhcpv6_options);
            case 2:
                return remove_root<nb::DNS>(&nb::LogicalSwitch::dns_records);
            case 3:
                return remove_root<nb::Mirror>(&nb::LogicalSwitchPort::mirror_rules);
            case 4:
                return remove_root<nb::BFD>(&nb::LogicalRouterStaticRoute::bfd,
                                            &nb::LogicalRouterPolicy::bfd_sessions);
            case 5:
                return remove_root<nb::Copp>(&nb::LogicalSwitch::copp, &nb::LogicalRouter::copp);
            case 6:
                return remove_root<nb::StaticMACBinding>();
            case 7:
                return remove_root<nb::ChassisTemplateVar>();
            case 9:
                return remove_root<nb::DHCPRelay>(&nb::LogicalRouterPort::dhcp_relay);
            case 10:
                return remove_root<nb::Sample>(&nb::ACL::sample_new, &nb::ACL::sample_est);
            case 11:
                return remove_root<nb::SampleCollector>(&nb::Sample::collectors);
            case 12:
                return remove_root<nb::SamplingApp>();
            case 8:
                return remove_root<nb::AddressSet>(&nb::NAT::allowed_ext_ips, &nb::NAT::exempted_ext_ips);
            default:
                if (auto* meter = any<nb::Meter>(); meter && one_in(3)) {
                    erase_all<nb::MeterBand>(*meter, &nb::Meter::bands);
                    erase<nb::Meter>(Uuid(meter->uuid));
                }
        }
    }

    // --- what controllers do
    void controller_binds() {
        if (one_in(8)) {
            std::string gateway = one_of({"ch0", "ch1"});
            if (one_in(3)) return erase_fact(n_.remote_chassis, in_.remote_chassis, gateway);
            return set_fact(n_.remote_chassis, in_.remote_chassis, gateway, true);
        }
        std::string name = one_in(4) ? "cr-" + name_of_any<nb::LogicalRouterPort>("rp")
                                     : name_of_any<nb::LogicalSwitchPort>("p");
        if (one_in(6)) return erase_fact(n_.bindings, in_.bindings, name);
        BindingState state;
        state.chassis.bytes = {0xcc, static_cast<uint8_t>(number(3))};
        state.up = one_in(2);
        state.tunnel_key = number(99) + 1;
        state.queue = one_in(3) ? number(5) : 0;
        if (one_in(3)) state.virtual_parent = name_of_any<nb::LogicalSwitchPort>("p");
        set_fact(n_.bindings, in_.bindings, name, state);
    }
    void controller_learns() {
        if (!n_.igmp_groups.empty() && one_in(3)) {
            return erase_fact(n_.igmp_groups, in_.igmp_groups, Uuid(n_.igmp_groups.begin()->first));
        }
        auto* sw = any<nb::LogicalSwitch>();
        if (!sw) return;
        IgmpGroup group{
            sw->uuid, one_of({"239.0.0.1", "239.0.0.2", "224.0.0.9", "ff0a::1", "ff02::1", "x"}), {}};
        for (int i = number(3) + 1; i > 0 && !sw->ports.empty(); --i) {
            group.ports.push_back(n_.switch_ports.at(sw->ports[pick(sw->ports.size())])->name);
        }
        set_fact(n_.igmp_groups, in_.igmp_groups, uuid(), group);
    }
    void controller_learns_route() {
        auto& known = n_.learned_routes;
        if (!known.empty() && one_in(3))
            return erase_fact(known, in_.learned_routes, Uuid(known.begin()->first));
        auto* router = any<nb::LogicalRouter>();
        if (!router) return;
        set_fact(known, in_.learned_routes, uuid(),
                 LearnedRoute{router->uuid, name_of_any<nb::LogicalRouterPort>("rp"),
                              one_of({"20.1.0.0/16", "20.1.2.0/24", "40.0.0.0/8", "fd99::/64", "x"}),
                              one_in(3) ? ip6() : ip4()});
    }
    void controller_reports() {
        if (auto* bfd = any<nb::BFD>(); bfd && one_in(2)) {
            return set_fact(n_.bfd_states, in_.bfd_states, BfdKey{bfd->logical_port, bfd->dst_ip},
                            one_of({"up", "down", "init", "admin_down"}));
        }
        auto* lb = any<nb::LoadBalancer>();
        if (!lb || lb->ip_port_mappings.empty()) return;
        const auto& [address, mapping] = *lb->ip_port_mappings.begin();
        MonitorKey key{address, mapping.substr(0, mapping.find(':')), lb->protocol.value_or("tcp"), 81};
        set_fact(n_.monitor_states, in_.monitor_states, key, one_of({"online", "offline", "error"}));
    }
    // --- what northd chooses outside of the program
    void choose_key(const Uuid& datapath) {
        set_fact(n_.tunnel_keys, in_.tunnel_keys, datapath, int64_t{++count_});
    }
    void forget_key(const Uuid& datapath) { erase_fact(n_.tunnel_keys, in_.tunnel_keys, datapath); }
    void northd_chooses() {
        auto* port = any<nb::LogicalSwitchPort>();
        if (auto* acl = any<nb::ACL>(); acl && one_in(5)) {
            if (one_in(3)) return erase_fact(n_.acl_ids, in_.acl_ids, acl->uuid);
            return set_fact(n_.acl_ids, in_.acl_ids, acl->uuid, int64_t{number(9) + 1});
        }
        if (!port) return;
        switch (number(4)) {
            case 0:
                return set_fact(n_.dynamic_addresses, in_.dynamic_addresses, port->uuid,
                                "0e:00:00:00:00:0" + std::to_string(number(9)) + " " + ip4());
            case 1:
                return set_fact(n_.tags, in_.tags, port->uuid, int64_t{number(9) + 1});
            case 2:
                return set_fact(n_.queues, in_.queues, port->uuid, int64_t{number(9) + 1});
            default:
                if (auto* router = any<nb::LogicalRouter>()) choose_key(router->uuid);
        }
    }
};

}  // namespace weft::northd
