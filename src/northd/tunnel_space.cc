#include "northd/tunnel_space.h"

#include "schema/nb.h"

namespace weft::northd {

TunnelSpace find_tunnel_space(const ovsdb::client::Replica& northbound, bool any_vxlan) {
    if (!any_vxlan) return {};
    for (const auto& global : northbound.table<schema::nb::NBGlobal>()) {
        if (!ovsdb::get_bool(global.options, "vxlan_mode", true)) return {};
    }
    return {.max_datapath_key = 4095, .max_requested_key = 4095, .max_port_key = 2047};
}

}  // namespace weft::northd
