// Set actions as pairs of flow keys, which text, execution and composition share.

#pragma once

#include <optional>
#include <string_view>

#include "datapath/api/action.h"

namespace weft::datapath {

// The group of a set action in text: "eth", "ipv4", ...; "" if `action` is none (SetTunnel is none here).
std::string_view set_group(const Action& action);
// Value and mask of a set action, spread into the fields of `value` and `mask` (zeroed by the caller).
void set_to_flow(const Action& action, packet::Flow& value, packet::Flow& mask);
// The other way: a set action of the group `name` with the fields' values.
std::optional<Action> set_from_flow(std::string_view name, const packet::Flow& value,
                                    const packet::Flow& mask);

SetTunnel tunnel_from_key(const packet::Tunnel& key);
void tunnel_to_key(const SetTunnel& tunnel, packet::Tunnel& key);

}  // namespace weft::datapath
