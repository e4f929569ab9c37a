#include "controller/physical/physical_flows.h"

#include "incremental/definitions.h"

namespace weft::controller {

PhysicalFlows::PhysicalFlows(SouthboundView& view) : view_(view) {}
PhysicalFlows::~PhysicalFlows() = default;

}  // namespace weft::controller
