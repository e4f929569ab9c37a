// A program and a copy of all its outputs, as lines of text, kept by their changes alone: what is in it is
// what would be in the databases.

#pragma once

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "northd/program.h"

namespace weft::northd {

class Follower {
  public:
    static std::vector<Uuid> uuids(const Datapaths& datapaths) {
        return {datapaths.begin(), datapaths.end()};
    }

    Program program;
    std::set<std::string> mirror;

    void update() {
        program.engine.update();
        Program& p = program;
        take(p.flows, [](const LogicalFlow& f) {
            return line("flow", std::string(stage_info(f.body.stage).name), f.body.priority,
                        f.body.match.str(), f.body.actions.str(), f.body.port.str(), f.body.meter.str(),
                        f.hint, f.source.text(), uuids(f.datapaths));
        });
        take(p.datapath_rows,
             [](const auto& r) { return line("datapath", r.datapath, r.key, r.external_ids); });
        take(p.port_rows, [](const auto& r) {
            return line("port", r.name, r.datapath, r.type, r.options, r.external_ids, r.mac, r.nat_addresses,
                        r.port_security, r.tag, r.parent, r.requested_chassis, r.additional_chassis,
                        r.ha_group, r.requested_key, r.mirrors, r.mirror_port);
        });
        take(p.advertised_rows,
             [](const auto& r) { return line("advertised", r.router, r.port, r.prefix, r.tracked); });
        take(p.advertised_mac_rows,
             [](const auto& r) { return line("advertised MAC", r.switch_uuid, r.port, r.ip, r.mac); });
        take(p.ecmp_nexthop_rows,
             [](const auto& r) { return line("ECMP next hop", r.router, r.port, r.nexthop, r.mac); });
        take(p.function_status_rows,
             [](const auto& r) { return line("function status", r.group, r.active); });
        take(p.port_health_rows, [](const auto& r) { return line("port health", r.check, r.status); });
        take(p.multicast_rows,
             [](const auto& r) { return line("multicast", r.datapath, r.name, r.key, r.ports); });
        take(p.ip_multicast_rows, [](const auto& r) {
            return line("IP multicast", r.datapath, r.enabled, r.querier, r.eth_src, r.ip4_src, r.ip6_src,
                        r.table_size, r.idle_timeout, r.query_interval, r.query_max_response);
        });
        take(p.mirror_rows,
             [](const auto& r) { return line("mirror", r.name, r.filter, r.sink, r.type, r.index); });
        take(p.address_set_rows, [](const auto& r) { return line("address set", r.name, r.addresses); });
        take(p.port_group_rows, [](const auto& r) { return line("port group", r.name, r.ports); });
        take(p.load_balancer_rows, [](const auto& r) {
            return line("load balancer", r.load_balancer, r.name, r.vips, r.options, r.protocol,
                        uuids(r.switches), uuids(r.routers));
        });
        take(p.ha_group_rows, [](const HaGroupRow& r) {
            std::vector<std::string> members;
            for (const auto& m : r.members) members.push_back(fmt::format("{}={}", m.chassis, m.priority));
            return line("HA group", r.name, members, r.external_ids);
        });
        take(p.ha_use_rows, [](const auto& r) { return line("HA use", r.router, r.group); });
        take(p.link_rows, [](const auto& r) { return line("link", r.a, r.b); });
        take(p.bound_rows, [](const auto& r) { return line("bound", r.datapath, r.chassis); });
        take(p.age_rows, [](const auto& r) { return line("age", r.datapath, r.threshold); });
        take(p.dns_rows, [](const auto& r) { return line("DNS", r.dns, r.records, r.options, r.datapaths); });
        take(p.meter_rows, [](const MeterRow& r) {
            std::vector<std::string> bands;
            for (const auto& b : r.bands) bands.push_back(line(b.action, b.rate, b.burst));
            return line("meter", r.name, r.unit, bands);
        });
        take(p.mac_binding_rows, [](const auto& r) {
            return line("MAC binding", r.port, r.ip, r.mac, r.override_dynamic, r.datapath);
        });
        take(p.service_monitor_rows, [](const auto& r) {
            return line("monitor", r.ip, r.protocol, r.port_name, r.port, r.src_ip, r.src_mac, r.options,
                        r.type, r.input_port, r.mac);
        });
        take(p.bfd_rows, [](const auto& r) {
            return line("BFD", r.port, r.dst_ip, r.chassis, r.min_tx, r.min_rx, r.detect_mult, r.used);
        });
        take(p.template_var_rows, [](const auto& r) { return line("template", r.chassis, r.variables); });
        take(p.port_status_rows, [](const auto& r) { return line("port status", r.port, r.up); });
        take(p.gateway_status_rows, [](const auto& r) { return line("gateway status", r.port, r.chassis); });
        take(p.bfd_status_rows, [](const auto& r) { return line("BFD status", r.bfd, r.status); });
        take_claims();
        take(p.complaints, [](const std::string& complaint) { return line("complaint", complaint); });
    }

  private:
    void take_claims() {
        Program& p = program;
        take(p.address_pools, [](const PoolRow& r) {
            std::vector<std::string> excluded;
            for (const auto& [first, last] : r.pool.excluded)
                excluded.push_back(ip4_text(first) + ".." + ip4_text(last));
            return line(
                "pool", r.switch_uuid,
                r.pool.subnet ? fmt::format("{}/{}", r.pool.subnet->address, r.pool.subnet->prefix) : "",
                excluded, r.pool.prefix, r.pool.mac_only);
        });
        take(p.address_claims, [](const AddressClaim& c) {
            std::string request = "none";
            if (c.request) request = line(c.request->mac, c.request->ip4, c.request->ip6);
            return line("claim", c.owner, c.switch_uuid, c.name, c.macs, c.ip4, c.ip6, request);
        });
        auto tag = [](const char* what) {
            return [what](const TagClaim& c) { return line(what, c.port, c.name, c.parent, c.request); };
        };
        take(p.tag_claims, tag("tag"));
        take(p.queue_claims, tag("queue"));
    }

    template <typename Row, typename Text>
    void take(incremental::Output<Row>& output, Text text) {
        output.take_changes([&](const Row& row, bool added) {
            std::string line = text(row);
            if (added) {
                EXPECT_TRUE(mirror.insert(line).second) << "twice: " << line;
            } else {
                EXPECT_EQ(mirror.erase(line), 1u) << "was not there: " << line;
            }
        });
    }

    static std::string text(const std::string& s) { return s; }
    static std::string text(const char* s) { return s; }
    static std::string text(const Uuid& uuid) { return uuid.to_string(); }
    static std::string text(const Ip6& ip) { return ip6_text(ip); }
    template <typename Number>
        requires std::is_arithmetic_v<Number>
    static std::string text(Number n) {
        return fmt::format("{}", n);
    }
    template <typename T>
    static std::string text(const std::vector<T>& list) {
        std::string out;
        for (const T& each : list) out += text(each) + ",";
        return out;
    }
    template <typename T>
    static std::string text(const std::optional<T>& value) {
        return value ? text(*value) : "-";
    }
    static std::string text(const StringMap& map) {
        std::string out;
        for (const auto& [key, value] : map) out += key + "=" + value + ",";
        return out;
    }
    template <typename... T>
    static std::string line(const T&... words) {
        std::string out;
        ((out += text(words) + "|"), ...);
        return out;
    }
};

}  // namespace weft::northd
