// What lflow-list can show beside logical flows: OpenFlow flows (--ovs, --stats) and the other rows that
// ovn-controller makes flows from (--vflows).

#pragma once

#include <memory>
#include <string>

#include "cli/ctl/command.h"
#include "cli/ofctl/cookie_flows.h"
#include "schema/sb.h"

namespace weft::cli::sbctl {

class FlowRows {
  public:
    // What --vflows reads; once before any command runs.
    static void need(CtlContext& context);

    explicit FlowRows(CtlContext& context);

    // The flows made from a row, indented, a line each; "" without --ovs.
    std::string openflow(const Uuid& row) const;
    // "uuid=0x1234abcd, " with --uuid.
    std::string uuid_text(const Uuid& row) const;
    // Ports, MAC bindings, multicast groups, chassis and load balancers; of one datapath if `only`.
    std::string other_rows(const schema::sb::DatapathBinding* only) const;

  private:
    CtlContext& context_;
    std::unique_ptr<ofctl::CookieFlows> flows_;
};

}  // namespace weft::cli::sbctl
