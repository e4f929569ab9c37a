#include "datapath/api/text.h"
#include "openflow/flow_text.h"
#include "switch/control/commands.h"
#include "switch/control/dpctl.h"

namespace weft::vswitch {

std::string describe_actions(const datapath::Actions& actions, const datapath::Datapath* names_of) {
    std::optional<DatapathPortNames> names;
    if (names_of) names.emplace(*names_of);
    return datapath::format_actions(actions, names ? &*names : nullptr);
}

std::string describe_match(const packet::Flow& key, const packet::Flow& mask,
                           const datapath::Datapath* names_of, bool verbose) {
    std::optional<DatapathPortNames> names;
    if (names_of) names.emplace(*names_of);
    return datapath::format_match(key, mask, names ? &*names : nullptr, verbose);
}

std::string format_flow(const packet::Flow& flow, const openflow::TunnelTableRef& tunnel_table,
                        const openflow::Names* names) {
    openflow::FlowText options;
    options.tunnel_table = tunnel_table;
    options.names = names;
    options.both_nd_addresses = true;
    return openflow::format_flow(flow, options);
}

}  // namespace weft::vswitch
