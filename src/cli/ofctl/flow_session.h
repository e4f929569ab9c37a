// A connection for the commands about flows: with the names of the switch's ports, and the format that flows
// are written in.  With --bundle the changes go as one atomic bundle (OpenFlow 1.4).

#pragma once

#include <vector>

#include "cli/ofctl/ofctl.h"

namespace weft::cli::ofctl {

struct FlowSession {
    Switch connection;
    openflow::Names names;
    openflow::FlowFormat format;
};

// Names are needed only by text that is not all numbers; a port list is one request.
Result<FlowSession> open_for_flows(const Options& options, const std::string& target);
// That -F allows a way to write the flow.
Result<void> check_format(const Options& options, const openflow::FlowMod& mod);
Result<void> send_bundle(SwitchConnection& connection, const std::vector<Bytes>& messages);
// As the options say.
Result<void> send_mods(const Options& options, FlowSession& session, const std::vector<Bytes>& messages);

}  // namespace weft::cli::ofctl
