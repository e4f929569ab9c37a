#include "datapath/userspace/datapath_core.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "datapath/api/set_fields.h"
#include "datapath/conntrack/tracker.h"
#include "datapath/userspace/tunnel_header.h"
#include "packet/geneve.h"
#include "packet/gtpu.h"
#include "packet/segment.h"
#include "packet/vxlan.h"

namespace weft::datapath {

namespace {

using explain::DropReason;
using packet::Flow;

constexpr size_t kMaxQueuedUpcalls = 4096;
constexpr int kMaxUpcallRounds = 64;  // upcalls that cause upcalls, before other work gets its turn
constexpr uint8_t kMaxRecirculations = 6;
constexpr PortNo kMaxPort = 65535;
constexpr size_t kDirectPorts = 4096;
constexpr int64_t kSweepMs = 1000, kBusySweepMs = 5;  // forgetting connections that are over

std::array<const Actions*, 2> nested_in(const Action& action) {
    if (auto* a = action.get_if<Clone>()) return {&a->actions, nullptr};
    if (auto* a = action.get_if<Sample>()) return {&a->actions, nullptr};
    if (auto* a = action.get_if<CheckPacketLength>()) return {&a->if_greater, &a->if_not_greater};
    return {nullptr, nullptr};
}

bool is_helper(const std::string& name) {
    return name.empty() || name == "ftp" || name == "tftp";
}

// The first `ct` action that this datapath cannot carry out.
const Conntrack* find_conntrack(const Actions& actions, bool with_helper) {
    for (const Action& action : actions) {
        auto* ct = action.get_if<Conntrack>();
        if (ct && (!with_helper || !is_helper(ct->helper))) return ct;
        for (const Actions* nested : nested_in(action)) {
            if (!nested) continue;
            if (auto* found = find_conntrack(*nested, with_helper)) return found;
        }
    }
    return nullptr;
}

Result<void> check_actions(const Actions& actions, bool conntrack) {
    if (!conntrack && find_conntrack(actions, false)) {
        return Error{"this datapath does not track connections: the ct action is not supported"};
    }
    if (auto* ct = find_conntrack(actions, true)) {
        return Error{fmt::format("the ct action's helper \"{}\" is not supported: there are ftp and tftp",
                                 ct->helper)};
    }
    return {};
}

}  // namespace

std::string_view port_type_name(PortType type) {
    switch (type) {
        case PortType::kSystem:
            return "system";
        case PortType::kInternal:
            return "internal";
        case PortType::kGeneve:
            return "geneve";
        case PortType::kVxlan:
            return "vxlan";
        case PortType::kGre:
            return "gre";
        case PortType::kDummy:
            return "dummy";
        case PortType::kErspan:
            return "erspan";
        case PortType::kGtpu:
            return "gtpu";
        case PortType::kAfxdp:
            return "afxdp";
    }
    return "";
}

std::optional<PortType> parse_port_type(std::string_view name) {
    for (PortType type :
         {PortType::kSystem, PortType::kInternal, PortType::kGeneve, PortType::kVxlan, PortType::kGre,
          PortType::kDummy, PortType::kErspan, PortType::kGtpu, PortType::kAfxdp}) {
        if (name == port_type_name(type)) return type;
    }
    return std::nullopt;
}

DatapathCore::DatapathCore(net::Loop& loop, std::string type, std::string name)
    : loop_(loop),
      type_(std::move(type)),
      name_(std::move(name)),
      by_number_(kDirectPorts),
      executor_(*this, meters_, bonds_),
      drops_(explain::kDropReasons) {
    set_connections(std::make_unique<conntrack::Tracker>());
    conntrack_timer_ = loop_.timer([this] {
        conntrack_timer_->arm_in(connections_->run(clock::monotonic_ms()) ? kBusySweepMs : kSweepMs);
    });
    conntrack_timer_->arm_in(kSweepMs);
}

DatapathCore::~DatapathCore() = default;

void DatapathCore::set_connections(std::unique_ptr<ConnectionTable> connections) {
    connections_ = std::move(connections);
    executor_.set_connections(connections_.get());
}

// Ports.

Result<PortNo> DatapathCore::choose_number(const PortSpec& spec) const {
    if (spec.number != kNoPort) {
        if (spec.number > kMaxPort)
            return Error{fmt::format("port number {} is not below {}", spec.number, kMaxPort + 1)};
        auto it = ports_.find(spec.number);
        if (it != ports_.end()) {
            return Error{fmt::format("port {} is {} already", spec.number, it->second->info().name)};
        }
        return spec.number;
    }
    for (PortNo number = 1; number <= kMaxPort; number++) {
        if (!ports_.contains(number)) return number;
    }
    return Error{fmt::format("all {} ports are in use", kMaxPort)};
}

Result<PortNo> DatapathCore::add_port(const PortSpec& spec) {
    if (find_port(spec.name)) return Error{fmt::format("{} is a port of this datapath already", spec.name)};
    WEFT_ASSIGN(PortNo number, choose_number(spec));
    PortInfo info{number, spec.name, spec.type, spec.tunnel_port};
    if (!info.tunnel_port) {
        if (spec.type == PortType::kGeneve) info.tunnel_port = packet::geneve::kPort;
        if (spec.type == PortType::kVxlan) info.tunnel_port = packet::vxlan::kPort;
        if (spec.type == PortType::kGtpu) info.tunnel_port = packet::gtpu::kPort;
    }
    WEFT_ASSIGN(std::unique_ptr<Port> port, open_port(info, spec));
    if (number < kDirectPorts) by_number_[number] = port.get();
    ports_.emplace(number, std::move(port));
    return number;
}

Result<void> DatapathCore::delete_port(PortNo number) {
    auto it = ports_.find(number);
    if (it == ports_.end()) return Error{fmt::format("there is no port {}", number)};
    (void)set_policing(number, {});
    std::erase(to_flush_, it->second.get());
    it->second->remove();
    if (number < kDirectPorts) by_number_[number] = nullptr;
    ports_.erase(it);
    return {};
}

std::vector<PortInfo> DatapathCore::ports() const {
    std::vector<PortInfo> out;
    for (const auto& [number, port] : ports_) out.push_back(port->info());
    return out;
}

std::optional<PortInfo> DatapathCore::find_port(PortNo number) const {
    auto it = ports_.find(number);
    if (it == ports_.end()) return std::nullopt;
    return it->second->info();
}

std::optional<PortInfo> DatapathCore::find_port(std::string_view name) const {
    for (const auto& [number, port] : ports_) {
        if (port->info().name == name) return port->info();
    }
    return std::nullopt;
}

Result<void> DatapathCore::set_policing(PortNo port, const Policing& policing) {
    auto it = policing_.find(port);
    if (policing == (it == policing_.end() ? Policing() : it->second)) return {};
    auto limit = [&](MeterTable& table, bool packets, uint64_t rate, uint64_t burst) -> Result<void> {
        (void)table.remove(port);
        if (!rate) return {};
        MeterConfig meter;
        meter.id = port;
        meter.packets_per_second = packets;
        MeterBand band;
        band.rate = static_cast<uint32_t>(std::min<uint64_t>(rate, UINT32_MAX));
        band.burst = static_cast<uint32_t>(std::min<uint64_t>(burst, UINT32_MAX));
        meter.bands.push_back(band);
        return table.set(meter, clock::monotonic_ms());
    };
    policing_[port] = policing;
    if (policing == Policing()) policing_.erase(port);
    WEFT_TRY(limit(police_bits_, false, policing.kbps, policing.burst_kbits));
    return limit(police_packets_, true, uint64_t{policing.kpps} * 1000,
                 uint64_t{policing.burst_kpackets} * 1000);
}

Result<PortStats> DatapathCore::port_stats(PortNo number) const {
    auto it = ports_.find(number);
    if (it == ports_.end()) return Error{fmt::format("there is no port {}", number)};
    return it->second->stats();
}

// Flows.

Result<void> DatapathCore::put_flow(FlowPut put) {
    WEFT_TRY(check_actions(put.actions, connections_ != nullptr));
    return table_.put(std::move(put));
}

FlowDump DatapathCore::dump_of(const Megaflow& flow, const Flow& mask) const {
    return FlowDump{flow.ufid, flow.key.expand(), mask, *flow.actions, flow.stats};
}

Result<FlowDump> DatapathCore::get_flow(const Ufid& ufid) const {
    auto flow = table_.find(ufid);
    if (!flow) return Error{"no such flow"};
    return dump_of(*flow, table_.mask_of(*flow));
}

std::optional<Ufid> DatapathCore::flow_of(const Flow& key) const {
    const Megaflow* flow = table_.peek(key);
    return flow ? std::optional(flow->ufid) : std::nullopt;
}

Result<FlowStats> DatapathCore::delete_flow(const Ufid& ufid) {
    auto flow = table_.find(ufid);
    if (!flow) return Error{"no such flow"};
    table_.remove(ufid);
    return flow->stats;
}

void DatapathCore::dump_flows(const std::function<void(const FlowDump&)>& each) const {
    table_.each([&](const Megaflow& flow, const Flow& mask) { each(dump_of(flow, mask)); });
}

void DatapathCore::each_flow_stats(const std::function<void(const Ufid&, const FlowStats&)>& each) const {
    table_.each([&](const Megaflow& flow, const Flow&) { each(flow.ufid, flow.stats); });
}

// Packets.

void DatapathCore::received(PortNo port, std::vector<Received>& packets) {
    now_ms_ = clock::monotonic_ms();
    bool policed = !policing_.empty() && policing_.contains(port);
    Work work;
    for (Received& in : packets) {
        if (policed && !(police_packets_.pass(port, in.packet.size(), now_ms_) &&
                         police_bits_.pass(port, in.packet.size(), now_ms_))) {
            dropped(DropReason::kPolicing);
            continue;
        }
        work.begin(std::move(in.packet), port);
        if (in.tunnel) work.key.tunnel = *in.tunnel;
        work.key.packet_type = in.packet_type;
        work.layout = packet::extract(work.packet, work.key);
        process(std::move(work), now_ms_);
    }
    finish_batch();
}

void DatapathCore::resume(std::vector<Resumed>& packets) {
    now_ms_ = clock::monotonic_ms();
    for (Resumed& one : packets) {
        one.work.layout = packet::extract(one.work.packet, one.work.key);
        if (one.all)
            executor_.go_on(std::move(one.work), one.rest, *one.all, now_ms_);
        else
            process(std::move(one.work), now_ms_);
    }
    finish_batch();
}

void DatapathCore::receive(PortNo in_port, packet::Packet packet) {
    std::vector<Received> one(1);
    one[0].packet = std::move(packet);
    received(in_port, one);
}

void DatapathCore::process(Work&& work, int64_t now_ms) {
    Megaflow* flow = table_.lookup(work.key);
    if (!flow) {
        misses_++;
        Upcall up;
        up.type = Upcall::Type::kMiss;
        up.packet = std::move(work.packet);
        up.key = work.key;
        return queue_upcall(std::move(up));
    }
    hits_++;
    flow->stats.packets++;
    flow->stats.bytes += work.packet.size();
    flow->stats.used_ms = now_ms;
    flow->stats.tcp_flags |= work.key.tcp_flags;
    std::shared_ptr<const Actions> actions = flow->actions;  // the flow may go while they are carried out
    executor_.run(std::move(work), *actions, now_ms);
}

Port* DatapathCore::port_at(PortNo number) {
    if (number < kDirectPorts) return by_number_[number];
    auto it = ports_.find(number);
    return it == ports_.end() ? nullptr : it->second.get();
}

void DatapathCore::output(PortNo number, Work&& work) {
    Port* port = port_at(number);
    if (!port) return dropped(DropReason::kNoSuchPort);
    if (std::find(to_flush_.begin(), to_flush_.end(), port) == to_flush_.end()) to_flush_.push_back(port);
    port->send(std::move(work));
}

void DatapathCore::recirculate(Work&& work) {
    if (work.depth > kMaxRecirculations) return dropped(DropReason::kRecursionTooDeep);
    work.stale = true;
    work.refresh();
    process(std::move(work), now_ms_);
}

void DatapathCore::upcall(const Userspace& action, Work&& work, const Actions& all) {
    Upcall up;
    up.type = Upcall::Type::kAction;
    up.userdata = action.userdata;
    up.key = work.key;
    if (action.actions) up.actions = all;
    auto egress = ports_.find(action.tunnel_egress);
    if (egress != ports_.end() && work.tunnel_set) {
        up.egress_tunnel = tunnel_from_key(work.key.tunnel);
        if (!up.egress_tunnel->tp_dst) up.egress_tunnel->tp_dst = egress->second->info().tunnel_port;
    }
    up.truncated_to = work.truncate;
    // What the controller sees are packets as on a wire.
    for (packet::Packet& one : packet::segment(std::move(work.packet), work.key.packet_type)) {
        Upcall each = up;
        if (work.truncate) one.truncate(work.truncate);
        each.packet = std::move(one);
        queue_upcall(std::move(each));
    }
}

std::optional<std::pair<PortNo, PortType>> DatapathCore::tunnel_receiver(PortNo number, ByteView bytes) {
    Port* port = port_at(number);
    if (!port) return std::nullopt;
    PortType type = port->info().type;
    if (!is_gre(type) || is_for(bytes, type)) return std::pair(number, type);
    for (const auto& [other, one] : ports_) {
        if (is_gre(one->info().type) && is_for(bytes, one->info().type))
            return std::pair(other, one->info().type);
    }
    return std::nullopt;
}

void DatapathCore::queue_upcall(Upcall upcall) {
    if (!handler_) return dropped(DropReason::kNoHandler);
    if (upcalls_.size() >= kMaxQueuedUpcalls) {
        lost_++;
        return dropped(DropReason::kUpcallLost);
    }
    upcalls_.push_back(std::move(upcall));
}

void DatapathCore::finish_batch() {
    if (!upcalling_) {
        upcalling_ = true;
        for (int round = 0; !upcalls_.empty() && handler_; round++) {
            if (round == kMaxUpcallRounds) {
                loop_.defer([this] { finish_batch(); });
                break;
            }
            std::vector<Upcall> batch = std::move(upcalls_);
            upcalls_.clear();
            handler_->handle(std::move(batch));
        }
        upcalling_ = false;
    } else {
        return;  // the outer call goes on with what was queued and flushes
    }
    std::vector<Port*> ports = std::move(to_flush_);
    to_flush_.clear();
    for (Port* port : ports) port->flush();
}

Result<void> DatapathCore::execute(Execute request) {
    WEFT_TRY(check_actions(*request.actions, connections_ != nullptr));
    now_ms_ = clock::monotonic_ms();
    Work work;
    work.packet = std::move(request.packet);
    work.key = request.key;
    work.layout = packet::extract(work.packet, work.key);
    executor_.run(std::move(work), *request.actions, now_ms_);
    finish_batch();
    return {};
}

// The rest.

DatapathStats DatapathCore::stats() const {
    DatapathStats out;
    out.hits = hits_;
    out.misses = misses_;
    out.lost = lost_;
    out.exact_hits = table_.exact_hits();
    out.masks_tried = table_.masks_tried();
    out.flows = table_.flows();
    out.masks = table_.masks();
    out.drops = drops_;
    return out;
}

Result<void> DatapathCore::set_meter(const MeterConfig& meter) {
    return meters_.set(meter, clock::monotonic_ms());
}

Result<void> DatapathCore::set_bond(uint32_t id, const BondBuckets& buckets) {
    bonds_.set(id, buckets);
    return {};
}

Datapath::Features DatapathCore::features() const {
    Features features;
    features.tunnel_push_pop = true;
    if (connections_) {
        features.ct = features.ct_clear = features.ct_eventmask = features.ct_timeout =
            features.ct_zero_snat = true;
    }
    return features;
}

}  // namespace weft::datapath
