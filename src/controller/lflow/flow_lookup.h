// The world as one logical flow sees it from one datapath: names of sets, ports, groups and meters.  All of
// it are tracked reads.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/lflow/logical_flows.h"
#include "logical/action.h"
#include "logical/expr.h"

namespace weft::controller {

class FlowLookup : public logical::SetLookup, public logical::PortLookup, public logical::EncodeEnvironment {
  public:
    FlowLookup(LogicalFlows& flows, const Uuid& datapath_uuid, const LocalDatapath& datapath,
               logical::Pipeline pipeline)
        : flows_(flows), datapath_uuid_(datapath_uuid), datapath_(datapath), pipeline_(pipeline) {}

    bool address_set(std::string_view name, std::vector<logical::Constant>& members) const override;
    bool port_group(std::string_view name, std::vector<std::string>& members) const override;
    std::optional<uint32_t> port(const logical::Symbol& field, std::string_view name) const override;
    bool is_chassis_resident(std::string_view name) const override;
    std::optional<uint32_t> port(std::string_view name) const override;
    std::optional<uint32_t> tunnel_port(std::string_view name) const override;
    uint32_t group(const logical::GroupRequest& request) const override;
    uint32_t rate_meter(uint64_t rate_kbps, uint64_t burst_kbits) const override;
    std::optional<uint32_t> named_meter(std::string_view name) const override;
    bool has_collector_set(uint32_t id) const override;

    // Something was asked whose answer depends on the datapath.
    bool depends_on_datapath() const { return depends_on_datapath_; }

  private:
    LogicalFlows& flows_;
    Uuid datapath_uuid_;
    LocalDatapath datapath_;
    logical::Pipeline pipeline_;
    mutable bool depends_on_datapath_ = false;
};

}  // namespace weft::controller
