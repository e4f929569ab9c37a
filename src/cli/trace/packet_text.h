// A packet in OpenFlow's syntax, as the first line of a trace and its log entries show it.

#pragma once

#include <string>

#include "packet/flow.h"

namespace weft::cli::trace {

// Every field of the headers that it has, and those registers and marks that are not 0.
std::string packet_text(const packet::Flow& packet);

}  // namespace weft::cli::trace
