// What ovn-controller-vtep computes from: rows of the hardware_vtep database and of the southbound one.
//
// Rows are those of the replicas, by pointer: they change in place, and who feeds the inputs touches the row
// then.

#pragma once

#include <string>

#include "incremental/input.h"
#include "schema/sb.h"
#include "schema/vtep.h"

namespace weft::vtep {

namespace sb = schema::sb;
namespace vt = schema::vtep;

using incremental::Rows;

struct Inputs {
    explicit Inputs(incremental::Engine& e);
    ~Inputs();
    incremental::Engine& engine;

    // hardware_vtep
    Rows<vt::PhysicalSwitch> physical_switches{engine, "Physical_Switch"};
    Rows<vt::PhysicalPort> physical_ports{engine, "Physical_Port"};
    Rows<vt::LogicalSwitch> logical_switches{engine, "Logical_Switch"};

    // Southbound
    Rows<sb::Chassis> chassis{engine, "Chassis"};
    Rows<sb::Encap> encaps{engine, "Encap"};
    Rows<sb::DatapathBinding> datapaths{engine, "Datapath_Binding"};
    Rows<sb::PortBinding> ports{engine, "Port_Binding"};
};

}  // namespace weft::vtep
