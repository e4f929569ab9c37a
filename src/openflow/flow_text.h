// A packet's whole key as text: what a packet of this kind has, whether zero or not; of the pipeline's own
// fields (registers, metadata, marks) those that are not zero.

#pragma once

#include <string>

#include "openflow/match.h"
#include "packet/flow.h"

namespace weft::openflow {

class Names;

struct FlowText {
    TunnelTableRef tunnel_table;  // where tun_metadata fields lie; null: none
    const Names* names = nullptr;
    bool in_port = true;
    // Source and target address of neighbour discovery, whichever of them the message carries.
    bool both_nd_addresses = false;
};

std::string format_flow(const packet::Flow& flow, const FlowText& options);

}  // namespace weft::openflow
