// One trace as it is asked for, on the command line or by the daemon's `trace` command: the options of
// ovn-trace(8), "Trace Options", and [DATAPATH] MICROFLOW.

#pragma once

#include <string>
#include <vector>

#include "base/options.h"
#include "base/result.h"
#include "cli/trace/network.h"
#include "cli/trace/walk.h"

namespace weft::cli::trace {

struct Request {
    bool detailed = false, summary = false, minimal = false;
    bool friendly_names = true;
    Settings settings;
    std::string datapath;  // "": that of the port that the microflow comes in at
    std::string microflow;

    void add_to(OptionTable& options);
    Result<void> set_words(const std::vector<std::string>& words);
};

// What the trace prints.  Requests that cannot be traced (a datapath that is not there, a microflow that is
// no packet) say so in the text, as ovn-trace does.
std::string trace(const Network& network, const Request& request);

}  // namespace weft::cli::trace
