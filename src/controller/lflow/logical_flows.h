// Logical flows as OpenFlow: the southbound Logical_Flow table in, flows of tables 8–36 and 42–62 of the
// integration bridge out, with the groups and meters that they use.
//
// Each logical flow is one call of a rule: it runs again when the row changed, or the datapath group, an
// address set, a port group or a port that it looked at; so a change costs what it concerns.  A flow is
// translated for the datapaths that are local to this chassis, and once for all of them where it names no
// ports.
//
// A row that cannot be translated is logged (a warning, since packets meet with a hole in the pipeline) and
// skipped.

#pragma once

#include <optional>
#include <string>

#include "controller/desired_group.h"
#include "controller/lflow/conjunction_ids.h"
#include "controller/lflow/flow_template.h"
#include "controller/southbound_view.h"

namespace weft::controller {

// What translation wants to know of a logical port.
struct PortFacts {
    Uuid datapath;
    uint32_t key = 0;
    bool is_vif = false;     // lives behind an interface somewhere
    bool is_local = false;   // of a VIF: here
    bool is_closed = false;  // local_datapaths.h
    bool operator==(const PortFacts&) const = default;
};

// Which chassis has a port: apart from its facts, since few flows ask for it, and a port that comes is first
// seen as an interface and bound some time later.
struct PortPlace {
    std::optional<Uuid> chassis;
    bool is_resident = false;  // it is this one
    bool operator==(const PortPlace&) const = default;
};

class LogicalFlows {
  public:
    explicit LogicalFlows(SouthboundView& view);
    ~LogicalFlows();

    GroupOutput& groups() { return groups_; }
    MeterOutput& meters() { return meters_; }
    NumberTable& group_numbers() { return group_numbers_; }
    NumberTable& meter_numbers() { return meter_numbers_; }
    const ConjunctionIds& conjunction_ids() const { return conjunction_ids_; }

    // For translation.cc.
    SouthboundView& view() { return view_; }
    FlowTemplates& templates() { return templates_; }
    const std::optional<PortFacts>& port(const std::string& name) { return ports_(name); }
    const PortPlace& place(const std::string& name) { return places_(name); }
    uint32_t want_group(const logical::GroupRequest& request);
    uint32_t want_rate_meter(uint64_t rate_kbps, uint64_t burst_kbits);
    std::optional<uint32_t> want_named_meter(const std::string& name);

  private:
    std::optional<PortFacts> facts_of(const std::string& name);
    PortPlace place_of(const std::string& name);
    // Calls function(datapath) for the flow's local datapaths while it returns true.
    template <typename F>
    void for_each_datapath(const schema::sb::LogicalFlow& row, F&& function);
    bool concerns_this_chassis(const schema::sb::LogicalFlow& row, const LocalDatapath& datapath);
    void translate(const Uuid& uuid);

    SouthboundView& view_;
    NumberTable group_numbers_, meter_numbers_;
    ConjunctionIds conjunction_ids_;
    FlowTemplates templates_;
    GroupOutput groups_{view_.engine, "group"};
    MeterOutput meters_{view_.engine, "meter"};
    incremental::Query<std::string, std::optional<PortFacts>> ports_{
        view_.engine, "port facts", [this](const std::string& name) { return facts_of(name); }};
    incremental::Query<std::string, PortPlace> places_{
        view_.engine, "chassis of a port", [this](const std::string& name) { return place_of(name); }};
    incremental::Rule<Uuid> rule_{view_.engine, "logical flow", view_.logical_flows,
                                  [this](const Uuid& uuid) { translate(uuid); }};
};

}  // namespace weft::controller
