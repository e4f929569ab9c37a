// What the database asks for and this switch does not do: a line for each, so that nobody waits for the
// effect of a setting.  Settings with a place of their own (tunnel options, bonds, trees …) are warned of
// there.

#pragma once

#include <string>
#include <vector>

#include "ovsdb/client/replica.h"

namespace weft::vswitch {

std::vector<std::string> unserved_settings(const ovsdb::client::Replica& replica);

}  // namespace weft::vswitch
