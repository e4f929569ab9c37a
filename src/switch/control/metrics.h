// The switch's figures for --metrics: datapaths, bridges and interfaces, under the names that users of the
// exporters for Open vSwitch know where they have one.

#pragma once

#include "base/exposition.h"
#include "switch/bridge/switch.h"

namespace weft::vswitch {

void collect_metrics(const Switch& owner, metrics::Exposition& out);

}  // namespace weft::vswitch
