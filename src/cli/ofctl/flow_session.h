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
// Tells the switch in which of the formats of OpenFlow 1.0 flows come.
Result<void> announce_format(FlowSession& session);

// The messages that change flows, all in the simplest format that can say each of them (ovs-ofctl(8), -F): in
// OpenFlow 1.0 without Nicira's extensions, as long as no flow needs them.
class FlowChanges {
  public:
    FlowChanges(const Options& options, FlowSession& session);
    // Error: no format that is allowed can say it.
    Result<void> add(const openflow::FlowMod& mod);
    Result<void> send();

  private:
    void use(uint32_t formats);

    const Options& options_;
    FlowSession& session_;
    uint32_t formats_;  // those that can say all so far
    std::vector<Bytes> messages_;
};

Result<void> send_bundle(SwitchConnection& connection, const std::vector<Bytes>& messages);
// As the options say.
Result<void> send_mods(const Options& options, FlowSession& session, const std::vector<Bytes>& messages);

}  // namespace weft::cli::ofctl
