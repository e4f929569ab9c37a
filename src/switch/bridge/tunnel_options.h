// An Interface row's options as a tunnel's configuration (ovs-vswitchd.conf.db(5), "Tunnel Options").

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ovsdb/client/containers.h"
#include "switch/ofproto/port.h"

namespace weft::vswitch {

bool is_tunnel_type(std::string_view type);  // that we serve: geneve, vxlan, gre, erspan, gtpu

// Errors are what goes into the Interface row, e.g. "gre0: gre type requires valid 'remote_ip' argument".
// What is odd but harmless is appended to `warnings`, a line each.
Result<TunnelConfig> parse_tunnel_options(const std::string& name, std::string_view type,
                                          const ovsdb::StringMap& options,
                                          std::vector<std::string>& warnings);
// Tunnels that receive by one UDP port read the same header: of VXLAN all with group policies (exts=gbp), or
// none.
Result<void> fits_beside(const std::string& name, const TunnelConfig& config,
                         const std::vector<OfPort*>& others);

}  // namespace weft::vswitch
