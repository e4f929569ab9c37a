#include "switch/bridge/shaping.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/append.h"
#include "base/clock.h"
#include "base/log.h"

namespace weft::vswitch {

namespace db = schema::vswitch;

namespace {

log::Module lg("netdev_linux");

constexpr uint32_t kDefaultBurstKbits = 8000, kDefaultBurstKpackets = 16;

uint64_t number(const ovsdb::StringMap& config, std::string_view key) {
    return static_cast<uint64_t>(std::max<int64_t>(0, ovsdb::get_int(config, key, 0)));
}
uint32_t number32(const ovsdb::StringMap& config, std::string_view key) {
    return static_cast<uint32_t>(std::min<uint64_t>(number(config, key), UINT32_MAX));
}

datapath::QosConfig read_qos(const db::QoS& row, const ovsdb::client::Replica& replica) {
    datapath::QosConfig out;
    out.type = row.type;
    out.max_rate = number(row.other_config, "max-rate");
    out.perturb = number32(row.other_config, "perturb");
    out.quantum = number32(row.other_config, "quantum");
    out.limit = number32(row.other_config, "limit");
    out.interval_us = number32(row.other_config, "interval");
    out.target_us = number32(row.other_config, "target");
    out.flows = number32(row.other_config, "flows");
    out.latency_us = number32(row.other_config, "latency");
    out.loss_percent = number32(row.other_config, "loss");
    for (const auto& [id, uuid] : row.queues) {
        const db::Queue* queue = replica.find<db::Queue>(uuid);
        if (!queue) continue;
        datapath::QosQueue q;
        q.min_rate = number(queue->other_config, "min-rate");
        q.max_rate = number(queue->other_config, "max-rate");
        q.burst = number(queue->other_config, "burst");
        q.priority = number32(queue->other_config, "priority");
        out.queues[static_cast<uint32_t>(id)] = q;
    }
    return out;
}

}  // namespace

void Shaping::configure(const db::Port& row, Bundle& bundle, Bridge& bridge,
                        const ovsdb::client::Replica& replica, std::vector<std::string>& warnings) {
    const db::QoS* qos = row.qos ? replica.find<db::QoS>(*row.qos) : nullptr;
    std::map<uint32_t, uint8_t> dscp;
    if (qos) {
        for (const auto& [id, uuid] : qos->queues) {
            const db::Queue* queue = replica.find<db::Queue>(uuid);
            if (queue && queue->dscp) dscp[static_cast<uint32_t>(id)] = static_cast<uint8_t>(*queue->dscp);
        }
    }
    for (OfPort* port : bundle.members) {
        // Only devices have queues.
        std::map<uint32_t, uint8_t> marks = port->ifindex ? dscp : std::map<uint32_t, uint8_t>();
        if (port->queue_dscp != marks) {
            port->queue_dscp = marks;
            bridge.touch();
        }
        auto it = devices_.find(port->name);
        if (!qos || qos->type.empty() || !port->ifindex) {
            if (it != devices_.end()) remove_port(*port);
            continue;
        }
        datapath::QosConfig config = read_qos(*qos, replica);
        if (it != devices_.end() && it->second.config == config) continue;
        const auto& known = datapath::qos_types();
        if (std::find(known.begin(), known.end(), config.type) == known.end()) {
            warnings.push_back(
                fmt::format("port {}: QoS type \"{}\" is not known and is not used", row.name, config.type));
            continue;
        }
        Device& device = devices_[port->name];
        bool had = device.installed;
        device.config = config;
        device.since_ms = clock::monotonic_ms();
        device.queues_since_ms.clear();
        device.installed = false;
        if (auto result = datapath::install_qos(port->name, config); !result) {
            warnings.push_back(result.message());
            if (had) (void)datapath::remove_qos(port->name);
            continue;
        }
        device.installed = config.type != "linux-noop";
        if (!datapath::qos_has_queues(config.type)) continue;
        device.queues_since_ms[0] = device.since_ms;
        for (const auto& [id, queue] : config.queues) {
            if (id >= datapath::kMaxQosQueue) {
                warnings.push_back(fmt::format("port {}: queue {} is not below {} and is not used", row.name,
                                               id, datapath::kMaxQosQueue));
                continue;
            }
            device.queues_since_ms[id] = device.since_ms;
        }
    }
}

void Shaping::police(const db::Interface& row, const OfPort& port, Backer& backer,
                     std::vector<std::string>& warnings) {
    auto limit = [](int64_t value) {
        return static_cast<uint32_t>(std::clamp<int64_t>(value, 0, UINT32_MAX));
    };
    datapath::Policing policing;
    policing.kbps = limit(row.ingress_policing_rate);
    if (policing.kbps) {
        policing.burst_kbits = limit(row.ingress_policing_burst);
        if (!policing.burst_kbits) policing.burst_kbits = kDefaultBurstKbits;
    }
    policing.kpps = limit(row.ingress_policing_kpkts_rate);
    if (policing.kpps) {
        policing.burst_kpackets = limit(row.ingress_policing_kpkts_burst);
        if (!policing.burst_kpackets) policing.burst_kpackets = kDefaultBurstKpackets;
    }
    if (port.is_patch || port.tunnel || port.dp_port == datapath::kNoPort) {
        if (!(policing == datapath::Policing())) {
            warnings.push_back(
                fmt::format("interface {}: ingress policing works on devices only", port.name));
        }
        return;
    }
    if (auto result = backer.datapath().set_policing(port.dp_port, policing); !result)
        warnings.push_back(fmt::format("interface {}: {}", port.name, result.message()));
}

void Shaping::remove_port(const OfPort& port) {
    auto it = devices_.find(port.name);
    if (it == devices_.end()) return;
    if (it->second.installed) {
        if (auto result = datapath::remove_qos(port.name); !result) lg.dbg("{}", result.message());
    }
    devices_.erase(it);
}

const Shaping::Device* Shaping::find(std::string_view interface) const {
    auto it = devices_.find(interface);
    return it == devices_.end() ? nullptr : &it->second;
}

std::string Shaping::show(const OfPort& port) const {
    const Device* device = find(port.name);
    if (!device || !device->installed) {
        std::string kind = port.ifindex ? datapath::qdisc_kind(port.name) : "";
        if (kind.empty() || kind == "noqueue" || kind == "pfifo_fast" || kind == "mq")
            return fmt::format("QoS not configured on {}\n", port.name);
        return fmt::format("QoS: {} linux-other\n", port.name);
    }
    std::string out;
    append(out, "QoS: {} {}\n", port.name, device->config.type);
    if (!datapath::qos_has_queues(device->config.type)) return out;
    append(out, "max-rate: {}\n", datapath::effective_max_rate(device->config, port.name));
    auto statistics = datapath::qos_statistics(port.name);
    for (const auto& [id, since] : device->queues_since_ms) {
        auto row = device->config.queues.find(id);
        datapath::QosQueue queue = datapath::effective_queue(
            device->config, row == device->config.queues.end() ? datapath::QosQueue() : row->second,
            port.name);
        out += "\n";
        out += id ? fmt::format("Queue {}:\n", id) : "Default:\n";
        if (device->config.type == "linux-htb") {
            append(out, "  burst: {}\n", queue.burst);
            if (queue.priority) append(out, "  priority: {}\n", queue.priority);
        }
        append(out, "  min-rate: {}\n  max-rate: {}\n", queue.min_rate, queue.max_rate);
        const datapath::QueueStats& s = statistics[id];
        append(out, "  tx_packets: {}\n  tx_bytes: {}\n  tx_errors: {}\n", s.packets, s.bytes, s.errors);
    }
    return out;
}

}  // namespace weft::vswitch
