#include "switch/bridge/continuity_checks.h"

#include <fmt/core.h>

#include <algorithm>
#include <random>

#include "base/clock.h"
#include "base/log.h"
#include "packet/ethernet.h"
#include "packet/extract.h"
#include "packet/vlan.h"

namespace weft::vswitch {

namespace db = schema::vswitch;

namespace {

log::Module lg("cfm");

// A frame around the message.
Bytes frame(const packet::EthAddr& source, const Cfm::Send& send, bool extended) {
    ByteWriter out;
    out.bytes(extended ? packet::kCcmExtendedAddress : packet::kCcmAddress);
    out.bytes(source);
    if (send.tag) {
        out.u16(packet::ethernet::kVlan);
        out.u16(*send.tag);
    }
    out.u16(packet::kCfm);
    out.bytes(send.message.encode());
    return out.take();
}

}  // namespace

ContinuityChecks::ContinuityChecks(net::Loop& loop, FindBacker find_backer, std::function<void()> changed)
    : loop_(loop), find_backer_(std::move(find_backer)), changed_(std::move(changed)) {
    timer_ = loop_.timer([this] { due_ = true; });
}

void ContinuityChecks::configure(OfPort& port, const db::Interface& row, std::vector<std::string>& warnings) {
    if (!row.cfm_mpid || port.is_patch) return remove(port);
    bool extended = ovsdb::get_bool(row.other_config, "cfm_extended");
    if (*row.cfm_mpid == 0 || (!extended && (*row.cfm_mpid < 0 || *row.cfm_mpid > packet::kMostMpid))) {
        warnings.push_back(
            fmt::format("interface {}: cfm_mpid={} is not from 1 to {}, or, with cfm_extended, any "
                        "but 0",
                        port.name, *row.cfm_mpid, packet::kMostMpid));
        return remove(port);
    }
    bool keyless = port.tunnel && (!port.tunnel->in_key_present || port.tunnel->in_key_flow);
    CfmOptions options = parse_cfm_options(port.name, *row.cfm_mpid, row.other_config, keyless, warnings);
    int64_t now = clock::monotonic_ms();
    auto [it, added] = points_.try_emplace(port.name);
    Point& point = it->second;
    point.port = &port;
    if (added) {
        auto random = [engine = std::minstd_rand(std::random_device()())]() mutable {
            return static_cast<uint32_t>(engine());
        };
        point.cfm = std::make_unique<Cfm>(options, std::move(random), now);
        changed_();
    } else {
        point.cfm->configure(options, now);
    }
    CfmFilter filter(options);
    if (!port.cfm || !(*port.cfm == filter)) {
        port.cfm = filter;
        port.bridge->touch();
    }
    due_ = true;
    loop_.wake();
}

void ContinuityChecks::remove(const OfPort& port) {
    auto it = points_.find(port.name);
    if (it == points_.end()) return;
    OfPort& watched = *it->second.port;
    points_.erase(it);
    watched.cfm.reset();
    bool was_up = std::exchange(watched.continuous, true);
    if (!was_up)
        watched.bridge->port_changed(watched);
    else
        watched.bridge->touch();
    changed_();
}

void ContinuityChecks::received(OfPort& port, const packet::Packet& packet) {
    auto it = points_.find(port.name);
    if (it == points_.end()) return;
    packet::Flow flow = packet::zero_flow();
    packet::extract(packet, flow);
    size_t start = packet::ethernet::kHeader;
    for (const packet::Vlan& vlan : flow.vlans) start += vlan.tci ? packet::vlan::kHeader : 0;
    start = std::min(start, packet.size());
    it->second.cfm->receive(packet.view().subspan(start), clock::monotonic_ms());
    due_ = true;
}

void ContinuityChecks::run() {
    if (!due_ || points_.empty()) return;
    due_ = false;
    int64_t now = clock::monotonic_ms(), next = INT64_MAX;
    for (auto& [name, point] : points_) {
        run(point, now);
        next = std::min(next, point.cfm->next_wakeup_ms());
    }
    timer_->arm_at(std::max(next, now + 1));
}

void ContinuityChecks::run(Point& point, int64_t now_ms) {
    if (point.cfm->wants_count(now_ms)) count(point);
    while (auto message = point.cfm->poll(now_ms)) send(point, *message);
    OfPort& port = *point.port;
    for (const std::string& event : point.cfm->take_events()) {
        static log::RateLimit limit(1, 20);  // the other end makes them
        if (limit.pass(lg)) lg.info("{}: {}", port.name, event);
    }
    if (port.continuous != point.cfm->forwarding()) {
        port.continuous = point.cfm->forwarding();
        port.bridge->port_changed(port);
        loop_.wake();
    }
    Reported now{point.cfm->faults(), point.cfm->remote_up(), point.cfm->health(), point.cfm->remote_mpids(),
                 point.cfm->flaps()};
    if (now == point.reported) return;
    point.reported = std::move(now);
    changed_();
}

void ContinuityChecks::count(Point& point) {
    const OfPort& port = *point.port;
    Backer* backer = find_backer_(port);
    if (!backer) return;
    if (port.tunnel) {  // counted by the flows of the shared port
        backer->pull_statistics();
        point.cfm->count_received(port.counted.rx_packets);
    } else if (auto stats = backer->datapath().port_stats(port.dp_port)) {
        point.cfm->count_received(stats->rx_packets);
    }
}

void ContinuityChecks::send(Point& point, const Cfm::Send& message) {
    OfPort& port = *point.port;
    Backer* backer = find_backer_(port);
    if (!backer) return;
    packet::Packet packet(frame(port.mac, message, point.cfm->options().extended));
    packet::Flow metadata = packet::zero_flow();
    metadata.in_port = openflow::kPortNone;
    openflow::Output output;
    output.port = port.number;
    backer->packet_out(*port.bridge, std::move(packet), metadata, {openflow::Action(output)});
}

const Cfm* ContinuityChecks::find(std::string_view interface) const {
    auto it = points_.find(interface);
    return it == points_.end() ? nullptr : it->second.cfm.get();
}

std::vector<std::string> ContinuityChecks::names() const {
    std::vector<std::string> out;
    for (const auto& [name, point] : points_) out.push_back(name);
    return out;
}

void ContinuityChecks::override_fault(std::string_view interface, std::optional<bool> fault) {
    auto it = points_.find(interface);
    if (it == points_.end()) return;
    it->second.cfm->override_fault(fault);
    due_ = true;
    loop_.wake();
}

void ContinuityChecks::write(ovsdb::client::Transaction& txn, const db::Interface& row) const {
    const Cfm* cfm = find(row.name);
    std::optional<bool> fault;
    std::optional<int64_t> flaps, health;
    std::optional<std::string> opstate;
    ovsdb::Set<std::string> faults;
    std::vector<int64_t> remotes;
    if (cfm) {
        fault = cfm->faults() != 0;
        flaps = static_cast<int64_t>(cfm->flaps());
        if (cfm->health()) health = *cfm->health();
        if (cfm->options().extended) opstate = cfm->remote_up() ? "up" : "down";
        faults = Cfm::fault_names(cfm->faults());
        for (uint64_t mpid : cfm->remote_mpids()) remotes.push_back(static_cast<int64_t>(mpid));
    }
    txn.set(row.uuid, db::Interface::kCfmFault, fault);
    txn.set(row.uuid, db::Interface::kCfmFaultStatus, faults);
    txn.set(row.uuid, db::Interface::kCfmFlapCount, flaps);
    txn.set(row.uuid, db::Interface::kCfmHealth, health);
    txn.set(row.uuid, db::Interface::kCfmRemoteMpids, ovsdb::Set<int64_t>(std::move(remotes)));
    txn.set(row.uuid, db::Interface::kCfmRemoteOpstate, opstate);
}

}  // namespace weft::vswitch
