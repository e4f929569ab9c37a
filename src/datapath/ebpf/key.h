// packet::Flow to the key of the programs in the kernel, and back.
//
// The programs' key has no room for fields of packets that they hand up in any case (MPLS, NSH, neighbour
// discovery, ...): of the packets that they look up these are always zero.  So a megaflow that wants one of
// them to be zero is content with any such packet, and one that wants it otherwise never matches one.

#pragma once

#include <optional>

#include "datapath/ebpf/layout_shared.h"
#include "packet/flow.h"

namespace weft::datapath::ebpf {

struct KeyPair {
    Key key, mask;  // key is masked
};
// nullopt: no packet that the programs look up matches, or it cannot be told by their key whether one does.
std::optional<KeyPair> megaflow_key(const packet::Flow& key, const packet::Flow& mask);

// The metadata part of a packet's key (the first kMetadataWords words) into a flow's fields.
void metadata_to_flow(const Key& key, packet::Flow& flow);
// All of a packet's key: for tests.
packet::Flow key_to_flow(const Key& key);

}  // namespace weft::datapath::ebpf
