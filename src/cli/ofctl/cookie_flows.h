// The OpenFlow flows of a switch by the row of the southbound database that they were made from: a flow's
// cookie is the beginning of that row's uuid (ovn-architecture(7)).  For --ovs of ovn-trace and ovn-sbctl.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "cli/ofctl/switch_connection.h"

namespace weft::cli::ofctl {

class CookieFlows {
  public:
    // `remote`: unix:FILE, tcp:HOST[:PORT] or ssl:HOST[:PORT].
    static Result<std::unique_ptr<CookieFlows>> open(const std::string& remote);
    static std::string default_remote();  // unix:RUNDIR/br-int.mgmt

    // A line for each flow: as `ovs-ofctl dump-flows` prints it, or table, match and actions alone.
    std::vector<std::string> of(const Uuid& row, bool with_statistics) const;

  private:
    explicit CookieFlows(std::unique_ptr<SwitchConnection> connection) : connection_(std::move(connection)) {}
    std::unique_ptr<SwitchConnection> connection_;
};

}  // namespace weft::cli::ofctl
