#include "datapath/userspace/userspace_datapath.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "datapath/api/forwarder.h"
#include "datapath/api/packet_threads.h"
#include "datapath/dummy/dummy_port.h"
#include "datapath/ebpf/underlay.h"
#include "datapath/netdev/tc_filter.h"
#include "datapath/userspace/afxdp_port.h"
#include "datapath/userspace/datapath_core.h"
#include "datapath/userspace/system_port.h"
#include "datapath/userspace/tap_port.h"
#include "datapath/userspace/tunnel_port.h"

namespace weft::datapath {

namespace {

// Every datapath carries the action out, but one with something faster in front of it recirculates there.
Datapath::Features with_lb_output(Datapath::Features features) {
    features.lb_output = true;
    return features;
}

log::Module lg("dpif_netdev");

constexpr unsigned kMaxQueues = 64;

// options:n_rxq of a system port.
Result<unsigned> queues_of(const PortSpec& spec) {
    auto it = spec.options.find("n_rxq");
    if (it == spec.options.end()) return 1u;
    unsigned out = 0;
    const char* end = it->second.data() + it->second.size();
    auto [at, error] = std::from_chars(it->second.data(), end, out);
    if (error != std::errc() || at != end || !out || out > kMaxQueues) {
        return Error{
            fmt::format("{}: options:n_rxq is \"{}\": it can be 1 to {}", spec.name, it->second, kMaxQueues)};
    }
    return out;
}

// Those of `wanted` that this process may run on, as it was started.
std::vector<unsigned> allowed(const std::vector<unsigned>& wanted) {
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    std::vector<unsigned> out;
    for (unsigned one : wanted) {
        if (one < CPU_SETSIZE && CPU_ISSET(one, &set))
            out.push_back(one);
        else
            lg.warn("pmd-cpu-mask: there is no processor {} that this process may run on", one);
    }
    return out;
}

class UserspaceDatapath final : public DatapathCore, public Forwarder, public PacketThreads {
  public:
    UserspaceDatapath(net::Loop& loop, Links& links, std::string type, std::string name,
                      std::string forwarder)
        : DatapathCore(loop, std::move(type), std::move(name)),
          links_(links),
          forwarder_(std::move(forwarder)),
          alive_(std::make_shared<bool>(true)) {
        links_.on_change([this, alive = std::weak_ptr<bool>(alive_)](const std::string& device) {
            if (alive.expired()) return;
            if (auto port = find_port(device)) port_changed(port->number);
        });
    }

    ~UserspaceDatapath() override { threads().configure({}); }

    std::string forwarder() const override { return forwarder_; }
    Features features() const override { return with_lb_output(DatapathCore::features()); }

    void set_packet_threads(const PacketThreadSettings& settings) override {
        if (settings == asked_) return;
        asked_ = settings;
        PacketThreadSettings can = settings;
        can.processors = allowed(settings.processors);
        threads().configure(can);
    }
    void pin_queues(PortNo port, const std::map<unsigned, unsigned>& processors) override {
        threads().pin(port, processors);
    }
    void rebalance_queues() override { threads().rebalance(); }
    std::vector<PacketThreadReport> packet_threads(unsigned seconds) const override {
        std::vector<PacketThreadReport> out = threads().report(seconds);
        out.push_back(own_report());
        return out;
    }
    void clear_thread_counts(std::optional<unsigned> processor) override {
        threads().clear_counts(processor);
        if (!processor) clear_own_counts();
    }
    PacketThreadSettings packet_thread_settings() const override { return threads().settings(); }

  protected:
    Result<std::unique_ptr<Port>> open_port(PortInfo info, const PortSpec& spec) override {
        switch (spec.type) {
            case PortType::kSystem: {
                WEFT_ASSIGN(unsigned queues, queues_of(spec));
                return open_system_port(*this, std::move(info), queues);
            }
            case PortType::kAfxdp:
                return open_afxdp_port(*this, std::move(info), spec);
            case PortType::kInternal:
                return open_internal(std::move(info), spec);
            case PortType::kGeneve:
            case PortType::kVxlan:
            case PortType::kGre:
            case PortType::kErspan:
            case PortType::kGtpu:
                // Where an eBPF datapath was, its programs would go on taking the tunnels' packets.
                ebpf::Underlay::remove_programs(links_);
                return open_tunnel_port(loop_, *this, std::move(info), &links_);
            case PortType::kDummy:
                return open_dummy_port(loop_, *this, std::move(info), spec);
        }
        return Error{"unknown port type"};
    }

  private:
    Result<std::unique_ptr<Port>> open_internal(PortInfo info, const PortSpec& spec) {
        std::string name = info.name;
        WEFT_ASSIGN(std::unique_ptr<Port> port, open_tap_port(loop_, links_, *this, std::move(info), spec));
        // The device may have been a port of an eBPF datapath, whose program would go on forwarding.
        if (const Link* link = links_.find(name))
            TcFilter::adopt(link->ifindex, TcFilter::Hook::kEgress).remove();
        return port;
    }

    Links& links_;
    std::string forwarder_;
    std::shared_ptr<bool> alive_;
    PacketThreadSettings asked_;  // whatever of it can be had
};

class DummyDatapath final : public DatapathCore {
  public:
    DummyDatapath(net::Loop& loop, std::string name) : DatapathCore(loop, "dummy", std::move(name)) {}

    Features features() const override { return with_lb_output(DatapathCore::features()); }

  protected:
    Result<std::unique_ptr<Port>> open_port(PortInfo info, const PortSpec& spec) override {
        switch (spec.type) {
            case PortType::kGeneve:
            case PortType::kVxlan:
            case PortType::kGre:
            case PortType::kErspan:
            case PortType::kGtpu:
                return open_tunnel_port(loop_, *this, std::move(info));
            default:
                return open_dummy_port(loop_, *this, std::move(info), spec);
        }
    }
};

Result<std::unique_ptr<Datapath>> with_local_port(std::unique_ptr<Datapath> datapath) {
    PortSpec local;
    local.name = datapath->name();
    local.type = PortType::kInternal;
    local.number = 0;
    WEFT_ASSIGN(PortNo number, datapath->add_port(local));
    (void)number;
    return datapath;
}

}  // namespace

Result<std::unique_ptr<Datapath>> create_userspace_datapath(net::Loop& loop, Links& links, std::string type,
                                                            std::string name, std::string forwarder) {
    return with_local_port(std::make_unique<UserspaceDatapath>(loop, links, std::move(type), std::move(name),
                                                               std::move(forwarder)));
}

Result<std::unique_ptr<Datapath>> create_dummy_datapath(net::Loop& loop, std::string name) {
    return with_local_port(std::make_unique<DummyDatapath>(loop, std::move(name)));
}

}  // namespace weft::datapath
