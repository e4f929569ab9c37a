// ovs-ofctl(8): the options and the commands.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/ofctl/switch_connection.h"
#include "net/daemon.h"
#include "openflow/names.h"

namespace weft::cli::ofctl {

struct Options {
    uint32_t versions = 0;  // -O; 0: OpenFlow 1.0, then 1.3, 1.4 and 1.5
    uint32_t formats = 0;   // -F: of flows (flow_formats.h); 0: any
    bool strict = false, bundle = false, stats = true;
    bool read_only = false;   // refuse what changes the switch
    bool may_create = false;  // mod-group adds a group that is missing
    bool readd = false;       // replace-flows sends flows that are there already, too
    std::optional<openflow::PacketInFormat> packet_in;  // of monitor; else the best that the switch has
    int names = -1;  // --names 1, --no-names 0, else by whether output is a terminal
    int verbosity = 0;
    bool sort = false, reverse = false;
    std::string sort_field;  // "" sorts by priority
    bool timestamp = false;
    net::DaemonOptions* daemon = nullptr;  // of monitor and snoop, which may detach
    uint32_t allowed() const;
};

using Words = std::vector<std::string>;  // the command's arguments, without its name
struct Command {
    const char* name;
    const char* arguments;  // as list-commands shows them
    size_t min, max;
    Result<void> (*run)(const Options& options, const Words& words);
    bool changes = false;  // refused with --read-only
};
const std::vector<Command>& flow_commands();
const std::vector<Command>& flow_set_commands();
const std::vector<Command>& bundle_commands();
const std::vector<Command>& switch_commands();
const std::vector<Command>& monitor_commands();
const std::vector<Command>& pcap_commands();
const std::vector<Command>& test_commands();

using Switch = std::unique_ptr<SwitchConnection>;
Result<Switch> open_switch(const Options& options, const std::string& target);
// Ports by name.
Result<openflow::Names> names_of(SwitchConnection& connection);
// Tables, too: of their features, or of their statistics before OpenFlow 1.3.
Result<void> add_table_names(SwitchConnection& connection, openflow::Names& names);
Result<openflow::SwitchConfig> config_of(SwitchConnection& connection);
bool prints_names(const Options& options);
// Lines of FILE or "-", comments and empty ones left out; the message names file and line.
Result<void> for_each_line(const std::string& file,
                           const std::function<Result<void>(std::string_view)>& line);
void write_out(std::string_view text);

}  // namespace weft::cli::ofctl
