// The commands of ovsdb-tool(1): what works on database files without a server.

#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace weft::cli {

// What options say.
struct ToolSettings {
    int more = 0;      // of show-log: 1 rows, 2 values too
    std::string role;  // of query and transact; "" is everybody's superuser
};

struct ToolCommand {
    using Words = std::vector<std::string>;

    std::string usage;  // "[DB [SCHEMA]]"
    std::string help;
    size_t min_words, max_words;
    std::function<Result<int>(const Words&)> run;  // the exit code; what it prints goes to standard output
};

// By name.  `settings` is read when a command runs.
std::map<std::string, ToolCommand> tool_commands(const ToolSettings& settings);

extern const char* const kNoClusters;  // why what makes or needs clusters is refused

}  // namespace weft::cli
