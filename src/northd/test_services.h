// The part of a random history (test_history.h) that is about services: DHCP, DNS, samples, meters, quality
// of service, mirrors, template variables, BFD.

#pragma once

#include "northd/test_rows.h"

namespace weft::northd {

class TestServices : public TestRows {
  protected:
    using TestRows::TestRows;

    void edit_dhcp() {
        using Options = nb::DHCPOptions;
        if (!any<Options>() || one_in(3)) {
            insert<Options>([&](auto& row) {
                row.cidr = one_of({"10.0.0.0/24", "10.0.1.0/24", "fd01::/64", "x"});
                row.options = {{"server_id", row.cidr[0] == 'f' ? "02:00:00:00:dd:01" : "10.0.0.1"},
                               {"server_mac", "02:00:00:00:dd:01"},
                               {"lease_time", "3600"}};
            });
        }
        edit_any<Options>([&](auto& row) {
            set_any(row.options, {{"router", {"10.0.0.1"}}, {"server_id", {"10.0.0.2"}}, {"mtu", {"1400"}}});
        });
    }
    void edit_relay() {
        using Relay = nb::DHCPRelay;
        if (!any<Relay>() || one_in(3)) {
            insert<Relay>([&](auto& row) {
                row.name = fresh("relay");
                row.servers = one_in(4) ? std::nullopt : std::optional(ip4());
            });
        }
        if (one_in(3)) edit_any<Relay>([&](auto& row) { row.servers = ip(); });
        edit_any<nb::LogicalRouterPort>(
            [&](auto& row) { refer<Relay>(row, &nb::LogicalRouterPort::dhcp_relay); });
    }
    void edit_sample() {
        using Sample = nb::Sample;
        using Collector = nb::SampleCollector;
        std::string type = one_of({"drop", "acl-new", "acl-est"});
        bool taken = std::any_of(n_.sampling_apps.begin(), n_.sampling_apps.end(),
                                 [&](const auto& entry) { return entry.second->type == type; });
        if (!taken) insert<nb::SamplingApp>([&](auto& row) { row.type = type; });
        edit_any<nb::SamplingApp>([&](auto& row) { row.id = number(3) + 1; });
        if (!any<Collector>() || one_in(4)) {
            insert<Collector>([&](auto& row) {
                row.id = count_;
                row.probability = one_in(4) ? 0 : 65535;
                row.set_id = number(5) + 1;
            });
        }
        if (!any<Sample>() || one_in(3)) insert<Sample>([&](auto& row) { row.metadata = ++count_; });
        edit_any<Sample>([&](auto& row) { toggle<Collector>(row, &Sample::collectors); });
        edit_any<nb::ACL>(
            [&](auto& row) { refer<Sample>(row, one_in(2) ? &nb::ACL::sample_new : &nb::ACL::sample_est); });
    }
    void edit_dns() {
        using DNS = nb::DNS;
        if (!any<DNS>() || one_in(3)) insert<DNS>([](auto&) {});
        edit_any<DNS>([&](auto& row) {
            if (one_in(4)) return row.records.clear();
            row.records.set(fresh("H") + ".example", ip4());
        });
        edit_any<nb::LogicalSwitch>([&](auto& r) { toggle<DNS>(r, &nb::LogicalSwitch::dns_records); });
    }
    void edit_meter() {
        using Meter = nb::Meter;
        auto band = [&](auto& row) {
            row.action = "drop";
            row.rate = number(99) + 1;
        };
        if (!any<Meter>() || one_in(3)) {
            auto& meter = insert<Meter>([&](auto& row) {
                row.name = fmt::format("m{}", number(6) + count_);
                row.unit = one_of({"kbps", "pktps"});
            });
            give(meter, &Meter::bands, insert<nb::MeterBand>(band));
            ++count_;
        }
        if (one_in(2)) {
            edit_any<Meter>([&](auto& row) { row.fair = one_in(2); });
        } else {
            edit_any<nb::MeterBand>(band);
        }
    }
    void edit_copp() {
        using Copp = nb::Copp;
        if (!any<Copp>() || one_in(4)) insert<Copp>([&](auto& row) { row.name = fresh("copp"); });
        edit_any<Copp>([&](auto& row) {
            std::string protocol =
                one_of({"arp", "arp-resolve", "dhcpv4-opts", "dhcpv6-opts", "dns", "icmp4-error",
                        "icmp6-error", "igmp", "nd-na", "nd-ns", "nd-ns-resolve", "nd-ra-opts", "tcp-reset",
                        "reject", "bfd", "event-elb", "svc-monitor"});
            row.meters.set(protocol, name_of_any<nb::Meter>("m"));
        });
    }
    void edit_qos() {
        if (one_in(4)) {
            remove_from<nb::QoS>(&nb::LogicalSwitch::qos_rules);
            return;
        }
        insert_into<nb::QoS>(&nb::LogicalSwitch::qos_rules, [&](auto& row) {
            row.priority = number(100);
            row.direction = one_of({"from-lport", "to-lport"});
            row.match = "ip4";
            if (one_in(2)) row.action.set(one_of({"dscp", "mark"}), number(60));
            if (one_in(2)) row.bandwidth.set("rate", number(99) + 1);
            if (one_in(4)) row.bandwidth.set("burst", number(99) + 1);
        });
    }
    void edit_forwarding_group() {
        if (one_in(3)) {
            remove_from<nb::ForwardingGroup>(&nb::LogicalSwitch::forwarding_groups);
            return;
        }
        insert_into<nb::ForwardingGroup>(&nb::LogicalSwitch::forwarding_groups, [&](auto& row) {
            row.name = fresh("fg");
            row.vip = ip4();
            row.vmac = mac();
            row.liveness = one_in(2);
            row.child_port = {name_of_any<nb::LogicalSwitchPort>("p")};
        });
    }
    void edit_binding_row() {
        insert<nb::StaticMACBinding>([&](auto& row) {
            row.logical_port = name_of_any<nb::LogicalRouterPort>("rp");
            row.ip = ip();
            row.mac = mac();
            row.override_dynamic_mac = one_in(2);
        });
    }
    void edit_function() {
        using Function = nb::NetworkFunction;
        using Group = nb::NetworkFunctionGroup;
        using Check = nb::NetworkFunctionHealthCheck;
        auto *in = any<nb::LogicalSwitchPort>(), *out = any<nb::LogicalSwitchPort>();
        if (!in) return;
        if (!any<Function>() || one_in(3)) {
            insert<Function>([&](auto& row) {
                row.name = fresh("nf");
                row.id = number(200) + 1;
                row.inport = in->uuid;
                if (!one_in(4)) row.outport = out->uuid;
            });
        }
        if (!any<Group>() || one_in(4)) {
            insert<Group>([&](auto& row) {
                row.name = fresh("nfg");
                row.id = number(200) + 1;
                row.mode = one_of({"inline", "vtap"});
            });
        }
        if (one_in(3)) edit_any<Function>([&](auto& row) { row.outport = out->uuid; });
        edit_any<Group>([&](auto& row) {
            toggle<Function>(row, &Group::network_function);
            if (one_in(4)) row.fallback = one_of({"fail-open", "fail-close"});
            if (one_in(3)) refer<Function>(row, &Group::network_function_active);
        });
        if (one_in(3)) {
            insert<Check>([&](auto& row) { row.name = fresh("check"); });
            edit_any<Function>([&](auto& row) { refer<Check>(row, &Function::health_check); });
        }
        edit_any<nb::ACL>([&](auto& row) { refer<Group>(row, &nb::ACL::network_function_group); });
    }
    void edit_port_check() {
        using Port = nb::LogicalSwitchPort;
        if (one_in(3)) {
            remove_from<nb::LogicalSwitchPortHealthCheck>(&Port::health_checks);
            return;
        }
        insert_into<nb::LogicalSwitchPortHealthCheck>(&Port::health_checks, [&](auto& row) {
            row.protocol = one_of({"tcp", "udp", "icmp"});
            row.src_ip = one_in(5) ? "x" : ip();
            row.port = row.protocol == "icmp" ? 0 : 80;
            if (one_in(3)) row.address = ip();
        });
    }
    void edit_mirror() {
        using Mirror = nb::Mirror;
        if (!any<Mirror>() || one_in(3)) {
            insert<Mirror>([&](auto& row) {
                row.name = fresh("mi");
                row.filter = one_of({"from-lport", "to-lport", "both"});
                row.type = one_of({"gre", "erspan", "local", "lport", "lport", "lport"});
                row.sink = row.type == "lport" ? name_of_any<nb::LogicalSwitchPort>("p") : ip4();
            });
        }
        edit_any<Mirror>([&](auto& row) {
            if (one_in(4)) row.name = fresh("mi");
            row.index = number(9);
        });
        if (one_in(2)) {
            insert_into<nb::MirrorRule>(&Mirror::mirror_rules, [&](auto& row) {
                row.match = fmt::format("ip4.src == 10.0.0.{}", number(9));
                row.action = one_of({"mirror", "skip"});
                row.priority = number(99);
            });
        } else if (one_in(3)) {
            remove_from<nb::MirrorRule>(&Mirror::mirror_rules);
        }
    }
    void edit_template() {
        using Variables = nb::ChassisTemplateVar;
        if (!any<Variables>() || one_in(3)) insert<Variables>([&](auto& row) { row.chassis = fresh("ch"); });
        edit_any<Variables>([&](auto& row) {
            set_any(row.variables, {{"vip", {"30.0.0.1", "30.0.0.2"}}, {"backends", {"10.0.0.5:81"}}});
        });
    }
    void edit_bfd() {
        using BFD = nb::BFD;
        if (!any<BFD>() || one_in(2)) {
            insert<BFD>([&](auto& row) {
                row.logical_port = name_of_any<nb::LogicalRouterPort>("rp");
                row.dst_ip = ip4();
            });
        }
        edit_any<BFD>([&](auto& row) { row.min_tx = number(3) + 1; });
        edit_any<nb::LogicalRouterStaticRoute>(
            [&](auto& row) { refer<BFD>(row, &nb::LogicalRouterStaticRoute::bfd); });
    }
};

}  // namespace weft::northd
