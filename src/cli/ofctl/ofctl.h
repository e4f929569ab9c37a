// ovs-ofctl(8): the options and the commands.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/ofctl/switch_connection.h"
#include "openflow/names.h"

namespace weft::cli::ofctl {

struct Options {
    uint32_t versions = 0;  // -O; 0: OpenFlow 1.0, then 1.3, 1.4 and 1.5
    bool strict = false, bundle = false, stats = true;
    int names = -1;  // --names 1, --no-names 0, else by whether output is a terminal
    int verbosity = 0;
    bool sort = false, reverse = false;
    std::string sort_field;  // "" sorts by priority
    uint32_t allowed() const;
};

using Words = std::vector<std::string>;  // the command's arguments, without its name
struct Command {
    const char* name;
    const char* arguments;  // as list-commands shows them
    size_t min, max;
    Result<void> (*run)(const Options& options, const Words& words);
};
const std::vector<Command>& flow_commands();
const std::vector<Command>& switch_commands();
const std::vector<Command>& test_commands();

using Switch = std::unique_ptr<SwitchConnection>;
Result<Switch> open_switch(const Options& options, const std::string& target);
// Ports and tables by name, as the options ask.
Result<openflow::Names> names_of(SwitchConnection& connection);
bool prints_names(const Options& options);
// Lines of FILE or "-", comments and empty ones left out; the message names file and line.
Result<void> for_each_line(const std::string& file,
                           const std::function<Result<void>(std::string_view)>& line);
void write_out(std::string_view text);

}  // namespace weft::cli::ofctl
