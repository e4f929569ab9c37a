#include "northd/tunnel_space.h"

#include "schema/nb.h"
#include "schema/sb.h"

namespace weft::northd {

TunnelSpace find_tunnel_space(const ovsdb::client::Replica& northbound,
                              const ovsdb::client::Replica& southbound) {
    for (const auto& global : northbound.table<schema::nb::NBGlobal>()) {
        if (!ovsdb::get_bool(global.options, "vxlan_mode", true)) return {};
    }
    bool vxlan = false;
    for (const auto& encap : southbound.table<schema::sb::Encap>()) vxlan |= encap.type == "vxlan";
    if (!vxlan) return {};
    return {.max_datapath_key = 4095, .max_requested_key = 4095, .max_port_key = 2047};
}

}  // namespace weft::northd
