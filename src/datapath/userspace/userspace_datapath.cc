#include "datapath/userspace/userspace_datapath.h"
#include "datapath/api/forwarder.h"

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

class UserspaceDatapath final : public DatapathCore, public Forwarder {
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

    std::string forwarder() const override { return forwarder_; }
    Features features() const override { return with_lb_output(DatapathCore::features()); }

  protected:
    Result<std::unique_ptr<Port>> open_port(PortInfo info, const PortSpec& spec) override {
        switch (spec.type) {
            case PortType::kSystem:
                return open_system_port(loop_, poller_, *this, std::move(info));
            case PortType::kAfxdp:
                return open_afxdp_port(loop_, poller_, *this, std::move(info), spec);
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
