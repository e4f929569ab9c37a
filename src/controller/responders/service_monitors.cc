#include "controller/responders/service_monitors.h"

#include <algorithm>
#include <random>

#include "controller/responders/datagram.h"
#include "controller/responders/service_answer.h"
#include "packet/address.h"
#include "packet/icmp.h"
#include "packet/tcp.h"
#include "packet/udp.h"

namespace weft::controller {

namespace sb = schema::sb;

namespace {

constexpr uint8_t kTtl = 63;
constexpr uint16_t kWindow = 65160;
constexpr uint8_t kIcmpv6EchoRequest = 128;
constexpr uint16_t kFirstEphemeral = 1024;

uint32_t random_number() {
    static std::mt19937 generator{std::random_device{}()};
    return static_cast<uint32_t>(generator());
}

uint16_t random_port() {
    return static_cast<uint16_t>(kFirstEphemeral + random_number() % (65536 - kFirstEphemeral));
}

// Seconds of the option, 0 or what is no number: the default.
int64_t option(const ovsdb::StringMap& options, const char* key, int64_t fallback) {
    int64_t value = ovsdb::get_int(options, key, fallback);
    return value > 0 ? std::min<int64_t>(value, 86400) : fallback;
}

ServiceCheck::Settings settings_of(const sb::ServiceMonitor& row) {
    ServiceCheck::Settings settings;
    settings.udp = row.protocol == "udp";
    settings.interval_ms = option(row.options, "interval", 5) * 1000;
    settings.timeout_ms = option(row.options, "timeout", 3) * 1000;
    settings.success_count = static_cast<int>(option(row.options, "success_count", 1));
    settings.failure_count = static_cast<int>(option(row.options, "failure_count", 1));
    return settings;
}

// The port's address that goes with the service's.
std::optional<packet::EthAddr> mac_of(const sb::PortBinding& port) {
    for (const std::string& addresses : port.mac) {
        if (auto mac = packet::parse_eth(std::string_view(addresses).substr(0, addresses.find(' '))))
            return mac;
    }
    return std::nullopt;
}

std::optional<packet::IpEndpoints> endpoints_of(const sb::ServiceMonitor& row, const sb::PortBinding& port) {
    packet::IpEndpoints ip;
    auto to_mac = row.mac.empty() ? mac_of(port) : packet::parse_eth(row.mac),
         from_mac = packet::parse_eth(row.src_mac);
    if (!to_mac || !from_mac) return std::nullopt;
    ip.eth_dst = *to_mac;
    ip.eth_src = *from_mac;
    ip.ttl = kTtl;
    auto to4 = packet::parse_ipv4(row.ip), from4 = packet::parse_ipv4(row.src_ip);
    auto to6 = packet::parse_ipv6(row.ip), from6 = packet::parse_ipv6(row.src_ip);
    if (to4 && from4) {
        ip.dst = *to4;
        ip.src = *from4;
    } else if (to6 && from6) {
        ip.v6 = true;
        ip.ipv6_dst = *to6;
        ip.ipv6_src = *from6;
    } else {
        return std::nullopt;
    }
    return ip;
}

const char* status_name(ServiceCheck::Status status) {
    return status == ServiceCheck::Status::kOnline ? "online" : "offline";
}

}  // namespace

void ServiceMonitors::update(const ovsdb::client::Replica& southbound, SouthboundView& view,
                             const Uuid& chassis, int64_t now_ms) {
    std::map<Uuid, Monitor> kept;
    for (const sb::ServiceMonitor& row : southbound.table<sb::ServiceMonitor>()) {
        const sb::PortBinding* port = view.port_named(row.logical_port);
        const LocalDatapath* datapath = port ? view.local_datapath(port->datapath) : nullptr;
        if (!port || !datapath || port->chassis != chassis || !port->up.value_or(true)) continue;
        if (row.protocol != "tcp" && row.protocol != "udp" && row.protocol != "icmp") continue;
        const sb::PortBinding* input =
            row.logical_input_port.empty() ? port : view.port_named(row.logical_input_port);
        if (!input || input->datapath != port->datapath || input->chassis != chassis) continue;
        std::optional<packet::IpEndpoints> ip = endpoints_of(row, *port);
        if (!ip) continue;
        auto old = monitors_.find(row.uuid);
        Monitor monitor = old != monitors_.end()
                              ? old->second
                              : Monitor{.check = ServiceCheck(settings_of(row), now_ms), .ip = {}};
        monitor.check.set(settings_of(row));
        monitor.datapath_key = datapath->key;
        monitor.port_key = static_cast<uint32_t>(port->tunnel_key);
        monitor.input_key = static_cast<uint32_t>(input->tunnel_key);
        monitor.ip = *ip;
        monitor.udp = row.protocol == "udp";
        monitor.icmp = row.protocol == "icmp";
        monitor.port = static_cast<uint16_t>(row.port);
        kept.emplace(row.uuid, monitor);
    }
    monitors_ = std::move(kept);
}

packet::Packet ServiceMonitors::probe(Monitor& monitor) {
    packet::Packet made;
    if (monitor.icmp) {
        if (!monitor.source_port) monitor.source_port = random_port();
        monitor.sequence = (monitor.sequence + 1) & 0xffff;
        uint8_t request = monitor.ip.v6 ? kIcmpv6EchoRequest : packet::icmp::kEchoRequest;
        made = packet::compose_icmp(monitor.ip, request, 0,
                                    uint32_t{monitor.source_port} << 16 | monitor.sequence, {});
    } else if (monitor.udp) {
        constexpr uint8_t kNothing[8] = {};
        if (!monitor.source_port) monitor.source_port = random_port();
        made = packet::compose_udp(monitor.ip, monitor.source_port, monitor.port, kNothing);
    } else {
        monitor.source_port = random_port();
        monitor.sequence = random_number();
        made = packet::compose_tcp(monitor.ip, monitor.source_port, monitor.port, monitor.sequence, 0,
                                   packet::tcp::kSyn, kWindow, {});
    }
    return dont_fragment(std::move(made));
}

void ServiceMonitors::run(int64_t now_ms, const Send& send) {
    for (auto& [uuid, monitor] : monitors_) {
        if (monitor.check.run(now_ms)) send(monitor.datapath_key, monitor.input_key, probe(monitor));
    }
}

std::optional<int64_t> ServiceMonitors::due_ms() const {
    std::optional<int64_t> due;
    for (const auto& [uuid, monitor] : monitors_) {
        if (!due || monitor.check.due_ms() < *due) due = monitor.check.due_ms();
    }
    return due;
}

void ServiceMonitors::received(uint32_t datapath_key, uint32_t port_key, ByteView frame, int64_t now_ms,
                               const Send& send) {
    std::optional<ServiceAnswer> answer = read_service_answer(frame);
    if (!answer) return;
    using Kind = ServiceAnswer::Kind;
    for (auto& [uuid, monitor] : monitors_) {
        if (monitor.datapath_key != datapath_key || monitor.port_key != port_key) continue;
        const packet::IpEndpoints& ip = monitor.ip;
        if (monitor.icmp != (answer->kind == Kind::kEcho)) continue;
        bool ours = monitor.udp == (answer->kind == Kind::kUnreachable) && answer->v6 == ip.v6 &&
                    answer->src == ip.src && answer->dst == ip.dst && answer->ipv6_src == ip.ipv6_src &&
                    answer->ipv6_dst == ip.ipv6_dst && answer->port == monitor.port;
        if (!ours || !monitor.check.waiting()) continue;
        if (monitor.icmp) {
            bool through = monitor.input_key != monitor.port_key;
            if (answer->is_request == through && answer->source_port == monitor.source_port &&
                answer->sequence == monitor.sequence)
                monitor.check.answered(true, now_ms);
            continue;
        }
        if (monitor.udp) {
            monitor.check.answered(false, now_ms);
            continue;
        }
        if (answer->source_port != monitor.source_port || answer->acknowledged != monitor.sequence + 1)
            continue;
        monitor.check.answered(answer->kind == Kind::kAccepted, now_ms);
        if (answer->kind == Kind::kReset) continue;
        // Nothing is to be said over the connection.
        send(datapath_key, port_key,
             dont_fragment(packet::compose_tcp(ip, monitor.source_port, monitor.port, answer->acknowledged,
                                               answer->sequence + 1, packet::tcp::kRst | packet::tcp::kAck,
                                               kWindow, {})));
    }
}

void ServiceMonitors::write(const ovsdb::client::Replica& southbound, ovsdb::client::Transaction& txn) {
    for (const auto& [uuid, monitor] : monitors_) {
        if (monitor.check.status() == ServiceCheck::Status::kUnknown) continue;
        const sb::ServiceMonitor* row = southbound.find<sb::ServiceMonitor>(uuid);
        const char* status = status_name(monitor.check.status());
        if (row && row->status != status) txn.set(uuid, sb::ServiceMonitor::kStatus, std::string(status));
    }
}

}  // namespace weft::controller
