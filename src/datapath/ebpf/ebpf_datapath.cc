#include "datapath/ebpf/ebpf_datapath.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <set>

#include "base/clock.h"
#include "base/log.h"
#include "datapath/api/forwarder.h"
#include "datapath/conntrack/tracker.h"
#include "datapath/dummy/dummy_port.h"
#include "datapath/ebpf/connection_offload.h"
#include "datapath/ebpf/copy_device.h"
#include "datapath/ebpf/flow_offload.h"
#include "datapath/ebpf/key.h"
#include "datapath/ebpf/predecessor.h"
#include "datapath/ebpf/shared_meters.h"
#include "datapath/ebpf/underlay.h"
#include "datapath/ebpf/upcall_device.h"
#include "datapath/netdev/filter_events.h"
#include "datapath/userspace/datapath_core.h"
#include "datapath/userspace/system_port.h"
#include "datapath/userspace/tap_port.h"
#include "datapath/userspace/tunnel_port.h"

namespace weft::datapath {

namespace {

log::Module lg("ebpf");

constexpr int64_t kTidyMs = 1000;
constexpr size_t kSpareMasks = 16;         // for those that the switch widens
constexpr int64_t kWatchMs = 100;          // how long a capture that is not announced may stay unseen
constexpr int64_t kInheritUsedMs = 10000;  // as long as a switch keeps flows that nobody uses
constexpr const char* kFilterName = "weft_ebpf";

class EbpfDatapath final : public DatapathCore, public Forwarder {
  public:
    // The programs put tunnels on and take them off on the host's own routes.
    Features features() const override {
        Features out = DatapathCore::features();
        out.tunnel_push_pop = false;
        out.masks = ebpf::kMasks - kSpareMasks;
        return out;
    }
    EbpfDatapath(net::Loop& loop, Links& links, std::unique_ptr<ebpf::Kernel> kernel, std::string type,
                 std::string name)
        : DatapathCore(loop, std::move(type), std::move(name)),
          links_(links),
          kernel_(std::move(kernel)),
          flows_(
              *kernel_, [this](PortNo port) { return static_cast<ebpf::PortKind>(kernel_->port(port).kind); },
              [this](const ebpf::TunnelEnds& ends) { underlay_->want(ends); }),
          established_(*kernel_),
          shared_meters_(*kernel_, 0, ebpf::kMeters),
          bit_meters_(*kernel_, ebpf::kBitMeters, ebpf::kPorts),
          packet_meters_(*kernel_, ebpf::kPacketMeters, ebpf::kPorts),
          alive_(std::make_shared<bool>(true)) {
        auto tracker = std::make_unique<conntrack::Tracker>();
        tracker->accelerate(&established_);
        tracker_ = tracker.get();
        set_connections(std::move(tracker));
        share_meters(&shared_meters_, &bit_meters_, &packet_meters_);
        links_.on_change([this, alive = std::weak_ptr<bool>(alive_)](const std::string& device) {
            if (!alive.expired()) device_changed(device);
        });
        timer_ = loop_.timer([this] { tidy(); });
        timer_->arm_in(kTidyMs);
        watch_timer_ = loop_.timer([this] { watch(); });
        turn_ = loop_.each_turn([this] {
            if (!tunnels_.empty() && links_.generation() != links_generation_) look_for_watchers();
        });
    }

    Result<void> start() {
        std::random_device random;
        ebpf::Config& config = kernel_->config();
        config.layout = ebpf::layout_version();
        config.magic = uint64_t{random()} << 32 | random();
        config.seed = uint64_t{random()} << 32 | random();
        set_vlan_limit();
        WEFT_ASSIGN(copies_, ebpf::CopyDevice::create(links_, *kernel_));
        WEFT_ASSIGN(upcalls_, ebpf::UpcallDevice::create(
                                  loop_, links_, *kernel_,
                                  [this](std::vector<ebpf::HandedUp>& packets) { take(packets); }));
        WEFT_ASSIGN(underlay_,
                    ebpf::Underlay::create(loop_, links_, *kernel_, [this](const std::string& device) {
                        auto port = find_port(device);
                        return port && port->type == PortType::kSystem;
                    }));
        WEFT_ASSIGN(filter_events_,
                    FilterEvents::create(loop_, [this](int ifindex) { filters_gone(ifindex); }));
        return {};
    }

    std::string forwarder() const override {
        return "programs in the kernel, the daemon for what they cannot do";
    }

    bool outlives_process() const override { return true; }
    std::vector<InheritedFlow> inherited_flows() override {
        find_predecessor();
        std::vector<std::pair<int64_t, InheritedFlow>> found;
        std::map<PortNo, std::optional<PortNo>> ours;  // of the ports there
        if (before_) {
            before_->each_flow(kInheritUsedMs, [&](const ebpf::Predecessor::Flow& flow) {
                InheritedFlow one{ebpf::key_to_flow(flow.key), flow.recirculations};
                auto [port, fresh] = ours.try_emplace(one.key.in_port);
                const ebpf::PortEntry* there = before_->port(one.key.in_port);
                if (fresh && there) port->second = port_like(*there);
                if (!port->second) return;
                one.key.in_port = *port->second;
                found.emplace_back(-flow.unused_ms, std::move(one));
            });
        }
        std::stable_sort(found.begin(), found.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
        std::vector<InheritedFlow> out;
        for (auto& [used, flow] : found) out.push_back(std::move(flow));
        return out;
    }
    // Until now the programs of the process before have forwarded, with its flows.
    void take_over() override {
        if (taken_over_) return;
        find_predecessor();
        taken_over_ = true;
        if (before_) adopt_connections(*before_);
        if (!waiting_.empty()) upcalls_->expect_many();
        for (const Waiting& one : waiting_) {
            auto filter =
                TcFilter::install(one.ifindex, one.device, one.hook, kernel_->port_program(), kFilterName);
            if (!filter) lg.warn("{}", filter.message());
        }
        if (!waiting_.empty()) lg.info("{}: {} ports taken over", name(), waiting_.size());
        waiting_.clear();
        underlay_->take_over();
        // Once more: packets have passed meanwhile.
        if (before_) lg.info("{}: {} connections adopted", name(), adopt_connections(*before_));
        before_.reset();
        copies_->take_over();
        remove_forgotten();
    }

    Result<void> delete_port(PortNo port) override {
        std::erase_if(waiting_, [&](const Waiting& one) { return one.number == port; });
        detach(port);
        filters_.erase(port);
        if (auto info = find_port(port); info && promiscuous_.erase(port))
            (void)links_.set_promiscuous(info->name, false).ok();  // the device may be gone
        auto done = DatapathCore::delete_port(port);
        if (done) flows_.port_changed(port);
        return done;
    }

    Result<PortNo> add_port(const PortSpec& spec) override {
        auto added = DatapathCore::add_port(spec);
        if (added) flows_.port_changed(*added);
        return added;
    }

    Result<void> set_policing(PortNo port, const Policing& policing) override {
        auto done = DatapathCore::set_policing(port, policing);
        if (port < ebpf::kPorts)
            __atomic_store_n(&kernel_->port(port).policed, policing != Policing(), __ATOMIC_RELEASE);
        return done;
    }

    Result<PortStats> port_stats(PortNo number) const override {
        WEFT_ASSIGN(PortStats stats, DatapathCore::port_stats(number));
        if (number >= ebpf::kPorts) return stats;
        for (uint32_t cpu = 0; cpu < kernel_->cpus(); cpu++) {
            const ebpf::PortCounters& counters = kernel_->port_counters(cpu, number);
            stats.rx_packets += counters.rx_packets;
            stats.rx_bytes += counters.rx_bytes;
            stats.tx_packets += counters.tx_packets;
            stats.tx_bytes += counters.tx_bytes;
            stats.tx_dropped += counters.tx_dropped;
        }
        return stats;
    }

    Result<void> put_flow(FlowPut put) override {
        Ufid ufid = put.ufid;
        bool zero = put.zero_stats;
        set_vlan_limit();
        WEFT_TRY(DatapathCore::put_flow(std::move(put)));
        flows_.put(megaflow(ufid), zero);
        return {};
    }
    Result<FlowStats> delete_flow(const Ufid& ufid) override {
        FlowStats in_kernel = flows_.remove(ufid);
        WEFT_ASSIGN(FlowStats stats, DatapathCore::delete_flow(ufid));
        add(stats, in_kernel);
        return stats;
    }
    void flush_flows() override {
        flows_.clear();
        DatapathCore::flush_flows();
    }
    Result<FlowDump> get_flow(const Ufid& ufid) const override {
        WEFT_ASSIGN(FlowDump dump, DatapathCore::get_flow(ufid));
        complete(dump);
        return dump;
    }
    void dump_flows(const std::function<void(const FlowDump&)>& each) const override {
        DatapathCore::dump_flows([&](const FlowDump& dump) {
            FlowDump whole = dump;
            complete(whole);
            each(whole);
        });
    }
    void each_flow_stats(const std::function<void(const Ufid&, const FlowStats&)>& each) const override {
        DatapathCore::each_flow_stats([&](const Ufid& ufid, const FlowStats& stats) {
            FlowStats sum = stats;
            add(sum, flows_.state(ufid).stats);
            each(ufid, sum);
        });
    }

    DatapathStats stats() const override {
        DatapathStats out = DatapathCore::stats();
        for (uint32_t cpu = 0; cpu < kernel_->cpus(); cpu++) {
            const ebpf::Totals& totals = kernel_->totals(cpu);
            out.hits += totals.hits;
            out.exact_hits += totals.cache_hits;
            out.masks_tried += totals.masks_tried;
            out.lost += totals.upcalls_lost;
            for (size_t i = 0; i < out.drops.size() && i < ebpf::kDropReasons; i++)
                out.drops[i] += totals.drops[i];
        }
        return out;
    }

  protected:
    Result<std::unique_ptr<Port>> open_port(PortInfo info, const PortSpec& spec) override {
        switch (spec.type) {
            case PortType::kSystem:
                return open_device(std::move(info));
            case PortType::kInternal:
                return open_internal(std::move(info), spec);
            case PortType::kGeneve:
            case PortType::kVxlan:
            case PortType::kGre:
                return open_tunnel(std::move(info));
            case PortType::kErspan:  // the programs know nothing of them
            case PortType::kGtpu:
                return open_tunnel_port(loop_, *this, std::move(info), &links_);
            case PortType::kDummy:
                return open_dummy_port(loop_, *this, std::move(info), spec);
            case PortType::kAfxdp:  // the kernel's programs would see none of its packets
                return Error{
                    fmt::format("{}: afxdp ports are for bridges with datapath_type=netdev, where packets "
                                "are the daemon's",
                                info.name)};
        }
        return Error{"unknown port type"};
    }

  private:
    static void add(FlowStats& sum, const FlowStats& more) {
        sum.packets += more.packets;
        sum.bytes += more.bytes;
        sum.used_ms = std::max(sum.used_ms, more.used_ms);
        sum.tcp_flags |= more.tcp_flags;
    }
    void complete(FlowDump& dump) const {
        auto state = flows_.state(dump.ufid);
        add(dump.stats, state.stats);
        dump.offloaded = state.in_kernel;
    }

    void find_predecessor() {
        if (looked_before_ || waiting_.empty()) return;
        looked_before_ = true;
        auto found = ebpf::Predecessor::find(waiting_[0].ifindex, waiting_[0].hook);
        if (found) before_.emplace(std::move(*found));
    }
    // Ours for what was a port of the process before.
    std::optional<PortNo> port_like(const ebpf::PortEntry& there) const {
        for (const PortInfo& info : ports()) {
            if (info.number >= ebpf::kPorts) continue;
            const ebpf::PortEntry& ours = kernel_->port(info.number);
            bool tunnel = there.kind == ebpf::kPortTunnel;
            if (ours.kind == there.kind &&
                (tunnel ? ours.tunnel == there.tunnel && ours.tunnel_port == there.tunnel_port
                        : ours.ifindex == there.ifindex))
                return info.number;
        }
        return std::nullopt;
    }

    size_t adopt_connections(const ebpf::Predecessor& before) {
        size_t count = 0;
        int64_t now = clock::monotonic_ms();
        before.each_connection([&](const ebpf::TrackedConnection& one) {
            tracker_->adopt(ebpf::connection_of(one), static_cast<uint32_t>(one.timeout_ns / 1'000'000'000),
                            now);
            count++;
        });
        return count;
    }

    // By a program of its own.
    bool served(PortNo port) const {
        return port < ebpf::kPorts && kernel_->port(port).kind != ebpf::kPortNone;
    }

    // What the programs leave to it comes through its sockets, as without them.
    Result<std::unique_ptr<Port>> open_tunnel(PortInfo info) {
        PortInfo copy = info;
        WEFT_ASSIGN(std::unique_ptr<Port> port, open_tunnel_port(loop_, *this, std::move(info), &links_));
        if (copy.number < ebpf::kPorts) {
            clear_counters(copy.number);
            underlay_->add_tunnel(copy);
            tunnels_.insert(copy.number);
            if (!watch_timer_->armed()) watch_timer_->arm_in(0);
        }
        return port;
    }

    Result<std::unique_ptr<Port>> open_device(PortInfo info) {
        if (info.number >= ebpf::kPorts) return open_system_port(*this, std::move(info));
        links_.refresh();
        const Link* link = links_.find(info.name);
        if (!link) return Error{fmt::format("{}: no such network device", info.name)};
        int ifindex = link->ifindex;
        PortNo number = info.number;
        std::string name = info.name;
        // The port's number first, so that the program knows the device from its first packet on.
        WEFT_TRY(attach(number, ebpf::kPortDevice, ifindex));
        keep_promiscuous(number, *link);
        auto filter = put_program(number, ifindex, name, TcFilter::Hook::kIngress);
        Result<std::unique_ptr<Port>> port =
            filter ? open_sending_system_port(*this, std::move(info), ifindex, std::move(*filter))
                   : Result<std::unique_ptr<Port>>(filter.error());
        if (!port) detach(number);
        return port;
    }

    // A device that drops what is for other addresses than its own must go on taking it in when the process,
    // and with it the packet socket that asked for it, has gone.
    void keep_promiscuous(PortNo number, const Link& link) {
        if (link.kind == "veth" || link.kind == "tun") return;  // they take everything
        bool before_us =
            link.promiscuous && TcFilter::find(link.ifindex, TcFilter::Hook::kIngress) != kFilterName;
        if (before_us) return;
        promiscuous_.insert(number);
        if (link.promiscuous) return;
        std::string name = link.name;  // links_ reads anew
        auto done = links_.set_promiscuous(name, true);
        if (!done) lg.warn("{}", done.message());
    }

    Result<std::unique_ptr<Port>> open_internal(PortInfo info, const PortSpec& spec) {
        PortNo number = info.number;
        std::string name = info.name;
        WEFT_ASSIGN(std::unique_ptr<Port> port, open_tap_port(loop_, links_, *this, std::move(info), spec));
        const Link* link = links_.find(name);
        if (!link || number >= ebpf::kPorts) return port;
        // What the host sends leaves it at the device's egress.  Without the program it goes to the TAP's
        // descriptor, and the daemon forwards it.
        WEFT_TRY(attach(number, ebpf::kPortInternal, link->ifindex));
        auto filter = put_program(number, link->ifindex, name, TcFilter::Hook::kEgress);
        if (!filter) {
            detach(number);
            lg.warn("{}: packets of the host go through the daemon: {}", name, filter.message());
            return port;
        }
        filters_[number] = *filter;
        return port;
    }

    // Programs of an earlier process on devices that are no ports any more.
    void remove_forgotten() {
        links_.refresh();
        for (const auto& [ifindex, link] : links_.all()) {
            auto port = find_port(link.name);
            bool ours = port && served(port->number);
            if (ours) continue;
            for (auto hook : {TcFilter::Hook::kIngress, TcFilter::Hook::kEgress}) {
                if (TcFilter::find(ifindex, hook) != kFilterName) continue;
                lg.info("{}: {} is no port any more", name(), link.name);
                TcFilter::adopt(ifindex, hook).remove();
            }
        }
    }

    // Where an earlier process's program forwards, it goes on to until take_over().
    Result<TcFilter> put_program(PortNo number, int ifindex, const std::string& device, TcFilter::Hook hook) {
        if (!taken_over_ && TcFilter::find(ifindex, hook) == kFilterName) {
            waiting_.push_back({number, ifindex, device, hook});
            return TcFilter::adopt(ifindex, hook);
        }
        return TcFilter::install(ifindex, device, hook, kernel_->port_program(), kFilterName);
    }

    Result<void> attach(PortNo number, ebpf::PortKind kind, int ifindex) {
        ebpf::PortEntry& entry = kernel_->port(number);
        clear_counters(number);
        WEFT_TRY(kernel_->put_device(static_cast<uint32_t>(ifindex), number));
        entry.ifindex = static_cast<uint32_t>(ifindex);
        __atomic_store_n(&entry.kind, static_cast<uint32_t>(kind), __ATOMIC_RELEASE);
        return {};
    }
    void clear_counters(PortNo number) {
        for (uint32_t cpu = 0; cpu < kernel_->cpus(); cpu++)
            std::memset(&kernel_->port_counters(cpu, number), 0, sizeof(ebpf::PortCounters));
    }
    void detach(PortNo number) {
        if (number >= ebpf::kPorts) return;
        ebpf::PortEntry& entry = kernel_->port(number);
        if (entry.kind == ebpf::kPortNone) return;
        if (entry.kind == ebpf::kPortTunnel) {
            underlay_->remove_tunnel(number);
            tunnels_.erase(number);
            return flows_.port_changed(number);
        }
        __atomic_store_n(&entry.kind, static_cast<uint32_t>(ebpf::kPortNone), __ATOMIC_RELEASE);
        kernel_->delete_device(entry.ifindex);
        flows_.port_changed(number);
    }

    // A device that has gone, or moved to another namespace, must not be found under its old index.
    void device_changed(const std::string& device) {
        underlay_->changed();
        auto port = find_port(device);
        if (!port) return;
        const Link* link = links_.find(device);
        if (port->number < ebpf::kPorts) {
            const ebpf::PortEntry& entry = kernel_->port(port->number);
            if (entry.kind != ebpf::kPortNone && entry.kind != ebpf::kPortTunnel &&
                (!link || static_cast<uint32_t>(link->ifindex) != entry.ifindex))
                detach(port->number);
        }
        port_changed(port->number);
    }

    // From one device, or (0) nobody knows from which.
    void filters_gone(int ifindex) {
        links_.refresh();  // those that went with their device are not missed
        underlay_->filters_gone(ifindex);
        for (const auto& [index, link] : links_.all()) {
            if (ifindex && index != ifindex) continue;
            auto port = find_port(link.name);
            if (!port || !served(port->number)) continue;
            auto hook =
                port->type == PortType::kInternal ? TcFilter::Hook::kEgress : TcFilter::Hook::kIngress;
            if (TcFilter::find(index, hook) == kFilterName) continue;
            lg.warn("{}: {}: somebody has taken the datapath's filter off; it is put back", name(),
                    link.name);
            auto filter = TcFilter::install(index, link.name, hook, kernel_->port_program(), kFilterName);
            if (!filter) lg.warn("{}", filter.message());
        }
    }

    void take(std::vector<ebpf::HandedUp>& packets) {
        std::vector<Resumed> resumed;
        resumed.reserve(packets.size());
        for (ebpf::HandedUp& up : packets) {
            Resumed one;
            if (up.list) {
                ebpf::FlowOffload::Place place = flows_.place(up.list, up.at);
                if (!place.all) {  // it has been on its way for longer than lists are kept
                    dropped(explain::DropReason::kUpcallLost);
                    continue;
                }
                one.all = std::move(place.all);
                one.rest = place.rest;
            } else if (!up.work.depth && !up.work.tunnel_set && tunnels_.contains(up.work.key.in_port)) {
                if (Port* port = port_at(up.work.key.in_port)) port->seen(up.work.packet);
            }
            one.work = std::move(up.work);
            resumed.push_back(std::move(one));
        }
        resume(resumed);
    }

    // Whoever captures at a tunnel's device sees all packets: the programs hand them up meanwhile.
    void look_for_watchers() {
        links_generation_ = links_.generation();
        for (PortNo number : tunnels_) {
            Port* port = port_at(number);
            uint32_t watched = port && port->watched();
            __atomic_store_n(&kernel_->port(number).watched, watched, __ATOMIC_RELAXED);
        }
    }

    // Listeners that are not promiscuous are not announced by the kernel.
    void watch() {
        look_for_watchers();
        if (!tunnels_.empty()) watch_timer_->arm_in(kWatchMs);
    }

    void tidy() {
        flows_.tidy();
        if (!watch_timer_->armed()) watch();
        set_vlan_limit();
        timer_->arm_in(kTidyMs);
    }
    // The whole process's: the programs are to see packets as the daemon does.
    void set_vlan_limit() {
        __atomic_store_n(&kernel_->config().vlan_limit, static_cast<uint32_t>(packet::vlan_limit()),
                         __ATOMIC_RELAXED);
    }

    Links& links_;
    std::unique_ptr<ebpf::Kernel> kernel_;
    std::unique_ptr<ebpf::Underlay> underlay_;
    std::unique_ptr<ebpf::CopyDevice> copies_;
    std::unique_ptr<FilterEvents> filter_events_;
    ebpf::FlowOffload flows_;
    ebpf::ConnectionOffload established_;
    conntrack::Tracker* tracker_ = nullptr;  // the core's
    ebpf::SharedMeters shared_meters_, bit_meters_, packet_meters_;
    std::unique_ptr<ebpf::UpcallDevice> upcalls_;
    std::map<PortNo, TcFilter> filters_;  // of internal ports
    std::set<PortNo> promiscuous_;        // whose devices we made so
    struct Waiting {
        PortNo number;
        int ifindex;
        std::string device;
        TcFilter::Hook hook;
    };
    std::vector<Waiting> waiting_;  // ports with an earlier process's program
    bool taken_over_ = false;
    std::optional<ebpf::Predecessor> before_;  // until take_over(), if it is of our version
    bool looked_before_ = false;
    std::unique_ptr<net::Loop::Timer> timer_, watch_timer_;
    std::set<PortNo> tunnels_;
    uint64_t links_generation_ = 0;
    std::unique_ptr<net::Loop::Turn> turn_;
    std::shared_ptr<bool> alive_;
};

}  // namespace

Result<std::unique_ptr<Datapath>> create_ebpf_datapath(net::Loop& loop, Links& links, std::string type,
                                                       std::string name) {
    WEFT_ASSIGN(std::unique_ptr<ebpf::Kernel> kernel, ebpf::Kernel::load());
    auto datapath = std::make_unique<EbpfDatapath>(loop, links, std::move(kernel), std::move(type), name);
    WEFT_TRY(datapath->start());
    PortSpec local;
    local.name = std::move(name);
    local.type = PortType::kInternal;
    local.number = 0;
    WEFT_ASSIGN(PortNo number, datapath->add_port(local));
    (void)number;
    return std::unique_ptr<Datapath>(std::move(datapath));
}

}  // namespace weft::datapath
