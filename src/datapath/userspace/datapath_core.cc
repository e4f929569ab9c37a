#include "datapath/userspace/datapath_core.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "datapath/conntrack/tracker.h"
#include "packet/geneve.h"
#include "packet/gtpu.h"
#include "packet/vxlan.h"

namespace weft::datapath {

namespace {

using explain::DropReason;
using packet::Flow;

constexpr size_t kMaxQueuedUpcalls = 4096;
constexpr int kMaxUpcallRounds = 64;  // upcalls that cause upcalls, before other work gets its turn
constexpr PortNo kMaxPort = 65535;
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
      lane_(shared_, 0, *this),
      drops_(explain::kDropReasons),
      threads_(loop_, poller_, shared_, *this,
               [this](std::vector<UpcallQueue::Item> items) { answer(std::move(items)); }) {
    set_connections(std::make_unique<conntrack::Tracker>());
    conntrack_timer_ = loop_.timer([this] {
        conntrack_timer_->arm_in(shared_.connections->run(clock::monotonic_ms()) ? kBusySweepMs : kSweepMs);
    });
    conntrack_timer_->arm_in(kSweepMs);
}

DatapathCore::~DatapathCore() = default;

void DatapathCore::set_connections(std::unique_ptr<ConnectionTable> connections) {
    shared_.connections = std::move(connections);
    lane_.set_connections();
}

// Ports.

Result<PortNo> DatapathCore::choose_number(const PortSpec& spec) const {
    if (spec.number != kNoPort) {
        if (spec.number > kMaxPort)
            return Error{fmt::format("port number {} is not below {}", spec.number, kMaxPort + 1)};
        if (const Port* port = shared_.ports.find(spec.number))
            return Error{fmt::format("port {} is {} already", spec.number, port->info().name)};
        return spec.number;
    }
    for (PortNo number = 1; number <= kMaxPort; number++) {
        if (!shared_.ports.find(number)) return number;
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
    Port& added = *port;
    shared_.ports_lock.lock();
    shared_.ports.add(number, std::move(port));
    shared_.ports_lock.unlock();
    threads_.add_port(added);
    return number;
}

Result<void> DatapathCore::delete_port(PortNo number) {
    Port* port = port_at(number);
    if (!port) return Error{fmt::format("there is no port {}", number)};
    (void)set_policing(number, {});
    shared_.ports_lock.lock();
    threads_.remove_port(number);
    lane_.forget(*port);
    port->remove();
    shared_.ports.remove(number);
    shared_.ports_lock.unlock();
    return {};
}

std::vector<PortInfo> DatapathCore::ports() const {
    std::vector<PortInfo> out;
    for (const auto& [number, port] : shared_.ports.all()) out.push_back(port->info());
    return out;
}

std::optional<PortInfo> DatapathCore::find_port(PortNo number) const {
    const Port* port = shared_.ports.find(number);
    if (!port) return std::nullopt;
    return port->info();
}

std::optional<PortInfo> DatapathCore::find_port(std::string_view name) const {
    for (const auto& [number, port] : shared_.ports.all()) {
        if (port->info().name == name) return port->info();
    }
    return std::nullopt;
}

Result<void> DatapathCore::set_policing(PortNo port, const Policing& policing) {
    auto it = shared_.policing.find(port);
    if (policing == (it == shared_.policing.end() ? Policing() : it->second)) return {};
    std::lock_guard lock(shared_.tables_lock);
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
    shared_.policing[port] = policing;
    if (policing == Policing()) shared_.policing.erase(port);
    WEFT_TRY(limit(shared_.police_bits, false, policing.kbps, policing.burst_kbits));
    return limit(shared_.police_packets, true, uint64_t{policing.kpps} * 1000,
                 uint64_t{policing.burst_kpackets} * 1000);
}

Result<PortStats> DatapathCore::port_stats(PortNo number) const {
    const Port* port = shared_.ports.find(number);
    if (!port) return Error{fmt::format("there is no port {}", number)};
    return port->stats();
}

// Flows.

Result<void> DatapathCore::put_flow(FlowPut put) {
    WEFT_TRY(check_actions(put.actions, shared_.connections != nullptr));
    std::lock_guard lock(shared_.tables_lock);
    return shared_.megaflows.put(std::move(put));
}

FlowDump DatapathCore::dump_of(const Megaflow& flow, const Flow& mask) const {
    return FlowDump{flow.ufid, flow.key.expand(), mask, *flow.actions, flow.stats()};
}

Result<FlowDump> DatapathCore::get_flow(const Ufid& ufid) const {
    auto flow = shared_.megaflows.find(ufid);
    if (!flow) return Error{"no such flow"};
    return dump_of(*flow, shared_.megaflows.mask_of(*flow));
}

std::optional<Ufid> DatapathCore::flow_of(const Flow& key) const {
    const Megaflow* flow = shared_.megaflows.peek(key);
    return flow ? std::optional(flow->ufid) : std::nullopt;
}

Result<FlowStats> DatapathCore::delete_flow(const Ufid& ufid) {
    auto flow = shared_.megaflows.find(ufid);
    if (!flow) return Error{"no such flow"};
    std::lock_guard lock(shared_.tables_lock);
    shared_.megaflows.remove(ufid);
    return flow->stats();
}

void DatapathCore::flush_flows() {
    std::lock_guard lock(shared_.tables_lock);
    shared_.megaflows.clear();
    lane_.clear_cache();
    threads_.each_lane([](Lane& lane) { lane.clear_cache(); });
}

void DatapathCore::dump_flows(const std::function<void(const FlowDump&)>& each) const {
    shared_.megaflows.each([&](const Megaflow& flow, const Flow& mask) { each(dump_of(flow, mask)); });
}

void DatapathCore::each_flow_stats(const std::function<void(const Ufid&, const FlowStats&)>& each) const {
    shared_.megaflows.each([&](const Megaflow& flow, const Flow&) { each(flow.ufid, flow.stats()); });
}

// Packets.

void DatapathCore::received(PortNo port, std::vector<Received>& packets, bool more) {
    lane_.received(port, packets);
    if (!more || !upcalls_.empty()) finish_batch();
}

void DatapathCore::resume(std::vector<Resumed>& packets) {
    for (Resumed& one : packets) {
        if (one.all)
            lane_.go_on(std::move(one.work), one.rest, *one.all);
        else
            lane_.receive(std::move(one.work));
    }
    finish_batch();
}

void DatapathCore::receive(PortNo in_port, packet::Packet packet) {
    std::vector<Received> one(1);
    one[0].packet = std::move(packet);
    received(in_port, one, false);
}

bool DatapathCore::upcall(Upcall upcall) {
    if (!handler_) {
        lane_.dropped(DropReason::kNoHandler);
        return false;
    }
    if (upcalls_.size() >= kMaxQueuedUpcalls) {
        lane_.lose();
        return false;
    }
    upcalls_.push_back(std::move(upcall));
    return true;
}

// Packets that threads have sent up, in their order.  One for whose flow an earlier one has brought the
// answer needs no other.
void DatapathCore::answer(std::vector<UpcallQueue::Item> items) {
    bool outermost = !upcalling_;
    upcalling_ = true;
    for (UpcallQueue::Item& item : items) {
        if (item.upcall.type == Upcall::Type::kMiss && lane_.answer(item.upcall)) continue;
        if (!handler_) {
            lane_.dropped(DropReason::kNoHandler);
            continue;
        }
        std::vector<Upcall> one;
        one.push_back(std::move(item.upcall));
        handler_->handle(std::move(one));
    }
    if (outermost) upcalling_ = false;
    finish_batch();
}

void DatapathCore::handle_upcalls() {
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
}

void DatapathCore::finish_batch() {
    if (upcalling_) return;  // the outer call goes on with what was queued and flushes
    handle_upcalls();
    lane_.flush();
    sort_if_wanted();
}

void DatapathCore::sort_if_wanted() {
    if (!lane_.wants_sort()) return;
    std::lock_guard lock(shared_.tables_lock);
    shared_.megaflows.sort();
}

Result<void> DatapathCore::execute(Execute request) {
    WEFT_TRY(check_actions(*request.actions, shared_.connections != nullptr));
    Work work;
    work.packet = std::move(request.packet);
    work.key = request.key;
    lane_.go_on(std::move(work), *request.actions, *request.actions);
    finish_batch();
    return {};
}

// The rest.

DatapathStats DatapathCore::stats() const {
    DatapathStats out;
    LaneStats own = lane_.stats();
    out.hits = own.exact_hits + own.megaflow_hits;
    out.misses = own.misses;
    out.lost = own.lost;
    out.exact_hits = own.exact_hits;
    out.masks_tried = own.masks_tried;
    out.flows = shared_.megaflows.flows();
    out.masks = shared_.megaflows.masks();
    for (const auto& count : drops_) out.drops.push_back(count.load(std::memory_order_relaxed));
    lane_.add_drops(out.drops);
    threads_.add_to(out);
    return out;
}

PacketThreadReport DatapathCore::own_report() const {
    PacketThreadReport out;
    fill_report(out, lane_.stats(), cleared_);
    return out;
}

Result<void> DatapathCore::set_meter(const MeterConfig& meter) {
    std::lock_guard lock(shared_.tables_lock);
    return shared_.meters.set(meter, clock::monotonic_ms());
}

Result<MeterConfig> DatapathCore::delete_meter(uint32_t id) {
    std::lock_guard lock(shared_.tables_lock);
    return shared_.meters.remove(id);
}

Result<void> DatapathCore::set_bond(uint32_t id, const BondBuckets& buckets) {
    std::lock_guard lock(shared_.tables_lock);
    shared_.bonds.set(id, buckets);
    return {};
}

void DatapathCore::delete_bond(uint32_t id) {
    std::lock_guard lock(shared_.tables_lock);
    shared_.bonds.remove(id);
}

Datapath::Features DatapathCore::features() const {
    Features features;
    features.tunnel_push_pop = true;
    if (shared_.connections) {
        features.ct = features.ct_clear = features.ct_eventmask = features.ct_timeout =
            features.ct_zero_snat = true;
    }
    return features;
}

}  // namespace weft::datapath
