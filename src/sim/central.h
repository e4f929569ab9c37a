// The centre of a simulated deployment: two database servers and northd, real programs in a folder of their
// own.

#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "sim/process.h"

namespace weft::sim {

class Central {
  public:
    // The servers of two empty databases.  `programs`: the folders in which ovsdb-tool, ovsdb-server and
    // ovn-northd are, as in $PATH; "": this binary's own.  The folder is made in $TMPDIR and is removed with
    // the object, the programs' logs with it.
    static Result<std::unique_ptr<Central>> start(const std::string& programs);
    Result<void> start_northd();
    ~Central();

    std::string northbound() const { return "unix:" + folder_ + "/nb.sock"; }
    std::string southbound() const { return "unix:" + folder_ + "/sb.sock"; }
    const Process& northbound_server() const { return *nb_; }
    const Process& southbound_server() const { return *sb_; }
    const Process& northd() const { return *northd_; }
    // Says which program has ended though it should not, "" if none has.
    std::string casualty() const;

  private:
    Central() = default;
    Result<void> serve(const char* database, const char* name, std::unique_ptr<Process>& server);

    std::string programs_, folder_;
    std::unique_ptr<Process> nb_, sb_, northd_;
};

}  // namespace weft::sim
