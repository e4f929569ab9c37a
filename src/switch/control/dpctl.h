// What the commands dpctl/* share: flags that stand anywhere, how a datapath is named, and their errors,
// which are worded as ovs-dpctl's.

#pragma once

#include <string>
#include <string_view>

#include "datapath/api/text.h"
#include "net/control_server.h"
#include "switch/bridge/switch.h"

namespace weft::vswitch {

// "ovs-vswitchd: WHAT (REASON)"
Error dpctl_error(std::string_view what, std::string_view reason);
inline constexpr std::string_view kInvalidArgument = "Invalid argument";

// Takes the flag out of the arguments; true if it was there.
bool take_flag(net::ControlServer::Arguments& args, std::string_view brief, std::string_view full);
// "NAME=VALUE" out of the arguments: the value.
std::optional<std::string> take_value(net::ControlServer::Arguments& args, std::string_view name);
// An error if a flag is left.
Result<void> no_more_flags(const net::ControlServer::Arguments& args);

// The datapath that the first argument names, which is taken out, if there are more than `rest`; the only one
// if not.
Result<Backer*> take_datapath(const Switch& owner, net::ControlServer::Arguments& args, size_t rest);

class DatapathPortNames : public datapath::PortNames {
  public:
    explicit DatapathPortNames(const datapath::Datapath& datapath) : datapath_(datapath) {}
    std::optional<std::string> name_of(datapath::PortNo port) const override;
    std::optional<datapath::PortNo> port_of(std::string_view name) const override;

  private:
    const datapath::Datapath& datapath_;
};

// "packets:3, bytes:180, used:0.500s, flags:S."
std::string statistics_text(const datapath::FlowStats& stats);
// A line of dpctl/dump-flows and dpif/dump-flows.
struct FlowLineText {
    bool names = false, more = false;
    bool dpctl = true;  // else dpif
};
std::string flow_line_text(const datapath::FlowDump& flow, const datapath::Datapath& datapath,
                           const FlowLineText& options);

void add_flow_commands(net::ControlServer& control, Switch& owner);  // dpctl/*-flow, *-flows
void add_manual_datapath_commands(net::ControlServer& control,
                                  Switch& owner);  // dpctl/add-dp, add-if, …

}  // namespace weft::vswitch
