#include "cli/trace/packet_text.h"

#include "openflow/flow_text.h"

namespace weft::cli::trace {

std::string packet_text(const packet::Flow& packet) {
    openflow::FlowText options;
    options.in_port = false;
    options.both_nd_addresses = true;
    return openflow::format_flow(packet, options);
}

}  // namespace weft::cli::trace
