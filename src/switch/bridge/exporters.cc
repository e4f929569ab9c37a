#include "switch/bridge/exporters.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>

#include "base/clock.h"
#include "datapath/netdev/device_address.h"
#include "datapath/netdev/device_info.h"
#include "packet/address.h"
#include "packet/extract.h"

namespace weft::vswitch {

namespace db = schema::vswitch;

namespace {

constexpr uint16_t kSflowPort = 6343, kIpfixPort = 4739;
constexpr uint32_t kEthernetInterface = 6;  // ifType

uint32_t probability_of(int64_t one_in) {
    return one_in <= 1 ? UINT32_MAX : static_cast<uint32_t>(UINT32_MAX / one_in);
}

IpfixPort ipfix_port(const OfPort& port) {
    IpfixPort out;
    out.ifindex = port.ifindex;
    out.type = port.ifindex ? kEthernetInterface : 0;
    out.name = port.name;
    return out;
}

// The tunnel header that a packet has, as `port` makes them.  Only underlays of IPv4 have elements.
std::optional<IpfixTunnel> ipfix_tunnel(const OfPort& port, uint32_t src, uint32_t dst, uint64_t id,
                                        uint16_t tp_src, uint16_t tp_dst) {
    if (!port.tunnel || !dst) return std::nullopt;
    IpfixTunnel out;
    out.src = src;
    out.dst = dst;
    size_t key_size = 3;
    switch (port.tunnel->type) {
        case datapath::PortType::kVxlan:
            out.type = IpfixTunnel::kVxlan;
            break;
        case datapath::PortType::kGre:
        case datapath::PortType::kErspan:
            out.type = IpfixTunnel::kGre;
            key_size = 4;
            break;
        case datapath::PortType::kGtpu:  // has no number among the tunnel types
            return std::nullopt;
        default:
            out.type = IpfixTunnel::kGeneve;
            break;
    }
    bool gre = out.type == IpfixTunnel::kGre;
    out.protocol = gre ? 47 : 17;
    if (!gre) {
        out.tp_src = tp_src;
        out.tp_dst = tp_dst ? tp_dst : port.tunnel->dst_port;
    }
    for (size_t i = key_size; i-- > 0;) out.key.push_back(static_cast<uint8_t>(id >> (8 * i)));
    return out;
}

// An address, or that of a device; empty: neither.
Bytes agent_address(const std::string& agent) {
    if (auto v6 = packet::parse_ipv6(agent)) return {v6->begin(), v6->end()};
    auto v4 = packet::parse_ipv4(agent);
    if (auto of_device = datapath::device_address(agent); !v4 && of_device) v4 = of_device->address;
    if (!v4) return {};
    ByteWriter out;
    out.u32(*v4);
    return out.take();
}

uint64_t resident_bytes() {
    std::ifstream in("/proc/self/statm");
    uint64_t total = 0, resident = 0;
    in >> total >> resident;
    return resident * 4096;
}

uint32_t milliseconds(const timeval& time) {
    return static_cast<uint32_t>(time.tv_sec * 1000 + time.tv_usec / 1000);
}

}  // namespace

Exporters::Exporters(net::Loop& loop, FindBacker find_backer)
    : loop_(loop), find_backer_(std::move(find_backer)) {
    timer_ = loop_.timer([] {});  // a turn follows
}

void Exporters::configure(const db::Bridge& row, Bridge& bridge, const ovsdb::client::Replica& replica,
                          std::vector<std::string>& warnings) {
    std::map<uint32_t, const db::IPFIX*> wanted;
    for (const db::FlowSampleCollectorSet& set : replica.table<db::FlowSampleCollectorSet>()) {
        if (set.bridge != row.uuid) continue;
        const db::IPFIX* ipfix = set.ipfix ? replica.find<db::IPFIX>(*set.ipfix) : nullptr;
        if (ipfix) wanted[static_cast<uint32_t>(set.id)] = ipfix;
    }
    auto it = bridges_.find(bridge.name());
    if (!row.netflow && !row.sflow && !row.ipfix && wanted.empty()) {
        if (it != bridges_.end()) remove_bridge(bridge);
        return;
    }
    Exports& exports = bridges_[bridge.name()];
    exports.bridge = &bridge;
    Sampling before = bridge.sampling;
    bool netflow_before = bridge.netflow != nullptr;
    configure_netflow(exports, row.netflow ? replica.find<db::NetFlow>(*row.netflow) : nullptr, warnings);
    configure_sflow(exports, row.sflow ? replica.find<db::SFlow>(*row.sflow) : nullptr, warnings);
    const db::IPFIX* ipfix = row.ipfix ? replica.find<db::IPFIX>(*row.ipfix) : nullptr;
    configure_ipfix(exports.ipfix, ipfix, warnings);
    std::erase_if(exports.sets, [&](const auto& entry) { return !wanted.contains(entry.first); });
    for (const auto& [id, set] : wanted) configure_ipfix(exports.sets[id], set, warnings);

    Sampling sampling;
    if (exports.sflow) sampling.sflow_probability = probability_of(exports.sflow->options().sampling);
    if (exports.ipfix) {
        sampling.ipfix_probability = probability_of(ipfix->sampling.value_or(400));
        sampling.ipfix_input = ovsdb::get_bool(ipfix->other_config, "enable-input-sampling", true);
        sampling.ipfix_output = ovsdb::get_bool(ipfix->other_config, "enable-output-sampling", true);
        sampling.ipfix_tunnels = exports.ipfix->tunnels;
    }
    sampling.collected = exports.ipfix || !exports.sets.empty();
    bridge.sampling = sampling;
    if (!(sampling == before) || netflow_before != (bridge.netflow != nullptr)) bridge.touch();
    loop_.wake();
}

void Exporters::configure_netflow(Exports& exports, const db::NetFlow* row,
                                  std::vector<std::string>& warnings) {
    Bridge& bridge = *exports.bridge;
    if (!row) {
        bridge.netflow.reset();
        return;
    }
    NetflowOptions options;
    options.engine_type = static_cast<uint8_t>(row->engine_type.value_or(0));
    options.engine_id = static_cast<uint8_t>(row->engine_id.value_or(0));
    options.active_timeout_ms = row->active_timeout < 0    ? 0
                                : row->active_timeout == 0 ? 600000
                                                           : row->active_timeout * 1000;
    options.add_id_to_interface = row->add_id_to_interface;
    if (options.add_id_to_interface) {
        for (const auto& [number, port] : bridge.ports()) {
            if (number > 508 && number < openflow::kPortMax10) {
                warnings.push_back(
                    fmt::format("bridge {}: NetFlow port mangling may conflict with another port when more "
                                "than 508 ports "
                                "are used (port {} is {})",
                                bridge.name(), port->name, number));
            }
        }
    }
    if (!bridge.netflow)
        bridge.netflow = std::make_shared<Netflow>(options, clock::monotonic_ms());
    else
        bridge.netflow->configure(options);
    exports.netflow_collectors.set_targets({row->targets.begin(), row->targets.end()}, 0, warnings);
}

void Exporters::configure_sflow(Exports& exports, const db::SFlow* row, std::vector<std::string>& warnings) {
    if (!row) {
        exports.sflow.reset();
        return;
    }
    exports.sflow_collectors.set_targets({row->targets.begin(), row->targets.end()}, kSflowPort, warnings);
    auto positive = [](const std::optional<int64_t>& value, int64_t otherwise) {
        return std::clamp<int64_t>(value.value_or(otherwise), 0, UINT32_MAX);
    };
    SflowOptions options;
    options.sampling = static_cast<uint32_t>(std::max<int64_t>(1, positive(row->sampling, 400)));
    options.header = static_cast<uint32_t>(positive(row->header, 128));
    options.polling_ms = positive(row->polling, 30) * 1000;
    options.agent = row->agent && !row->agent->empty() ? agent_address(*row->agent)
                                                       : exports.sflow_collectors.local_address();
    if (options.agent.empty()) {
        warnings.push_back("could not determine IP address for sFlow agent");
        exports.sflow.reset();
        return;
    }
    int64_t now = clock::monotonic_ms();
    if (!exports.sflow)
        exports.sflow = std::make_unique<Sflow>(options, now);
    else
        exports.sflow->configure(options, now);
}

void Exporters::configure_ipfix(std::unique_ptr<IpfixExporter>& exporter, const db::IPFIX* row,
                                std::vector<std::string>& warnings) {
    if (!row) {
        exporter.reset();
        return;
    }
    IpfixOptions options;
    options.cache_active_timeout_ms = row->cache_active_timeout.value_or(0) * 1000;
    options.cache_max_flows = static_cast<uint32_t>(row->cache_max_flows.value_or(0));
    options.template_interval_ms = row->template_interval.value_or(600) * 1000;
    options.stats_interval_ms = row->stats_interval.value_or(600) * 1000;
    options.virtual_obs_id = ovsdb::get_string(row->other_config, "virtual_obs_id");
    if (options.virtual_obs_id.size() > 254) {
        warnings.push_back("IPFIX: virtual_obs_id is longer than 254 bytes and is not sent");
        options.virtual_obs_id.clear();
    }
    if (!exporter) {
        options.exporter_id = next_exporter_id_++;
        exporter = std::make_unique<IpfixExporter>(options);
    } else {
        options.exporter_id = exporter->ipfix.options().exporter_id;
        exporter->ipfix.configure(options, clock::wall_ms() * 1000);
    }
    exporter->tunnels = ovsdb::get_bool(row->other_config, "enable-tunnel-sampling", true);
    exporter->obs_domain_id = static_cast<uint32_t>(row->obs_domain_id.value_or(0));
    exporter->obs_point_id = static_cast<uint32_t>(row->obs_point_id.value_or(0));
    exporter->collectors.set_targets({row->targets.begin(), row->targets.end()}, kIpfixPort, warnings);
}

void Exporters::remove_bridge(const Bridge& bridge) {
    auto it = bridges_.find(bridge.name());
    if (it == bridges_.end()) return;
    Bridge& told = *it->second.bridge;
    told.netflow.reset();
    told.sampling = {};
    told.touch();
    bridges_.erase(it);
}

void Exporters::sampled(Bridge& bridge, const UserAction& action, const datapath::Upcall& upcall,
                        OfPort* in) {
    auto it = bridges_.find(bridge.name());
    if (it == bridges_.end()) return;
    Exports& exports = it->second;
    if (action.type == UserAction::Type::kSflow) {
        if (exports.sflow) sample_sflow(exports, action, upcall, in);
    } else if (action.type == UserAction::Type::kIpfix) {
        if (exports.ipfix) sample_ipfix(*exports.ipfix, exports, action, upcall, in);
    } else if (action.type == UserAction::Type::kFlowSample) {
        auto set = exports.sets.find(action.collector_set_id);
        if (set != exports.sets.end()) sample_ipfix(*set->second, exports, action, upcall, in);
    }
    loop_.wake();
}

void Exporters::sample_sflow(Exports& exports, const UserAction& action, const datapath::Upcall& upcall,
                             const OfPort* in) {
    SflowSample sample;
    sample.packet = upcall.packet.view();
    sample.input = in ? in->ifindex : 0;
    sample.output = action.output;
    uint16_t tci = upcall.key.vlans[0].tci;
    sample.vlan_in = tci & packet::kVlanVidMask;
    sample.priority_in = static_cast<uint8_t>(tci >> 13);
    sample.vlan_out = action.vlan_tci & packet::kVlanVidMask;
    sample.priority_out = static_cast<uint8_t>(action.vlan_tci >> 13);
    exports.sflow->sample(sample, clock::monotonic_ms());
}

void Exporters::sample_ipfix(IpfixExporter& exporter, Exports& exports, const UserAction& action,
                             const datapath::Upcall& upcall, const OfPort* in) {
    Backer* backer = find_backer_(*exports.bridge);
    IpfixSample sample;
    sample.flow = upcall.key;
    packet::Layout layout = packet::extract(upcall.packet, sample.flow);
    sample.size = static_cast<uint16_t>(std::min<size_t>(upcall.packet.size(), UINT16_MAX));
    if (layout.l3) {
        sample.eth_length = layout.l3;
        if (layout.l3_end > layout.l3) sample.ip_length = static_cast<uint16_t>(layout.l3_end - layout.l3);
    }
    bool of_bridge = action.type == UserAction::Type::kIpfix;
    sample.obs_domain_id = of_bridge ? exporter.obs_domain_id : action.obs_domain_id;
    sample.obs_point_id = of_bridge ? exporter.obs_point_id : action.obs_point_id;
    sample.dropped = action.dropped;
    // A port of a tunnel is known by the key with which the packet leaves.
    const OfPort* out = nullptr;
    if (action.output != UINT32_MAX && backer) {
        packet::Flow key = packet::zero_flow();
        key.in_port = action.output;
        out = backer->port_by_datapath(action.output);
        for (const auto& [number, port] : exports.bridge->ports()) {
            if (!out && port->dp_port == action.output) out = port.get();
        }
    }
    sample.egress = action.direction == UserAction::Direction::kEgress ||
                    (action.direction == UserAction::Direction::kDefault && action.output != UINT32_MAX);
    IpfixPort in_port, out_port;
    if (in) {
        in_port = ipfix_port(*in);
        sample.in = &in_port;
    }
    if (action.direction == UserAction::Direction::kIngress) out = nullptr;
    if (out) {
        out_port = ipfix_port(*out);
        sample.out = &out_port;
    }
    std::optional<IpfixTunnel> tunnel;
    if (exporter.tunnels) {
        const packet::Tunnel& key = upcall.key.tunnel;
        if (upcall.egress_tunnel && out) {
            const datapath::SetTunnel& set = *upcall.egress_tunnel;
            tunnel = ipfix_tunnel(*out, set.src, set.dst, set.id, set.tp_src, set.tp_dst);
        } else if (in && !sample.out) {
            tunnel = ipfix_tunnel(*in, key.src, key.dst, key.id, key.tp_src, key.tp_dst);
        }
    }
    if (tunnel) sample.tunnel = &*tunnel;
    exporter.ipfix.sample(sample, clock::wall_ms() * 1000);
}

void Exporters::poll_counters(Exports& exports, int64_t now_ms) {
    Backer* backer = find_backer_(*exports.bridge);
    if (!backer) return;
    std::vector<SflowPort> ports;
    for (const auto& [number, port] : exports.bridge->ports()) {
        if (!port->ifindex) continue;
        SflowPort out;
        out.ifindex = port->ifindex;
        out.name = port->name;
        out.datapath_id = exports.bridge->datapath_id;
        out.of_port = number == openflow::kPortLocal ? 0xfffe : number;
        out.admin_up = !(port->config & kPortConfigDown);
        out.link_up = port->up();
        out.speed = 10000000000ull;  // of devices that do not say
        if (auto speed = datapath::link_speed(port->name)) {
            out.speed = speed->bits_per_second;
            out.full_duplex = speed->full_duplex;
        }
        if (auto stats = backer->datapath().port_stats(port->dp_port)) {
            auto low = [](uint64_t value) { return static_cast<uint32_t>(value); };
            out.rx_bytes = stats->rx_bytes, out.tx_bytes = stats->tx_bytes;
            out.rx_packets = low(stats->rx_packets), out.tx_packets = low(stats->tx_packets);
            out.rx_dropped = low(stats->rx_dropped), out.tx_dropped = low(stats->tx_dropped);
            out.rx_errors = low(stats->rx_errors), out.tx_errors = low(stats->tx_errors);
        }
        ports.push_back(std::move(out));
    }
    SflowTotals totals;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    totals.user_ms = milliseconds(usage.ru_utime);
    totals.system_ms = milliseconds(usage.ru_stime);
    totals.memory_used = resident_bytes();
    datapath::DatapathStats stats = backer->datapath().stats();
    totals.hits = static_cast<uint32_t>(stats.hits);
    totals.misses = static_cast<uint32_t>(stats.misses);
    totals.lost = static_cast<uint32_t>(stats.lost);
    totals.flows = static_cast<uint32_t>(stats.flows);
    exports.sflow->count(ports, totals, now_ms);
}

void Exporters::run() {
    if (bridges_.empty()) return;
    int64_t now = clock::monotonic_ms(), wall = clock::wall_ms(), next = INT64_MAX;
    for (auto& [name, exports] : bridges_) {
        if (Netflow* netflow = exports.bridge->netflow.get()) {
            for (const Bytes& datagram : netflow->run(now, wall)) exports.netflow_collectors.send(datagram);
            next = std::min(next, netflow->next_wakeup_ms());
        }
        if (exports.sflow) {
            if (exports.sflow->counters_due(now)) poll_counters(exports, now);
            for (const Bytes& datagram : exports.sflow->run(now)) exports.sflow_collectors.send(datagram);
            next = std::min(next, exports.sflow->next_wakeup_ms());
        }
        auto run_ipfix = [&](IpfixExporter& exporter) {
            for (const Bytes& datagram : exporter.ipfix.run(wall * 1000)) {
                net::Datagrams::Outcome outcome = exporter.collectors.send(datagram);
                exporter.ipfix.count_sent(outcome.sent, outcome.failed);
            }
            int64_t due = exporter.ipfix.next_wakeup_us();
            if (due != INT64_MAX) next = std::min(next, now + std::max<int64_t>(0, due / 1000 - wall));
        };
        if (exports.ipfix) run_ipfix(*exports.ipfix);
        for (auto& [id, exporter] : exports.sets) run_ipfix(*exporter);
    }
    if (next != INT64_MAX) timer_->arm_at(std::max(next, now + 1));
}

const Exporters::IpfixExporter* Exporters::bridge_ipfix(const Bridge& bridge) const {
    auto it = bridges_.find(bridge.name());
    return it == bridges_.end() ? nullptr : it->second.ipfix.get();
}

std::map<uint32_t, const Exporters::IpfixExporter*> Exporters::flow_ipfix(const Bridge& bridge) const {
    std::map<uint32_t, const IpfixExporter*> out;
    auto it = bridges_.find(bridge.name());
    if (it == bridges_.end()) return out;
    for (const auto& [id, exporter] : it->second.sets) out[id] = exporter.get();
    return out;
}

}  // namespace weft::vswitch
