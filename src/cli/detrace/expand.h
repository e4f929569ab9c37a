// What a flow's cookie stands for (ovn-detrace(1)): the cookie is the beginning of the uuid of the southbound
// row that the flow was made from, and a logical flow's "stage-hint" that of the northbound row behind it.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ovsdb/client/replica.h"

namespace weft::cli::detrace {

struct Databases {
    const ovsdb::client::Replica& southbound;
    const ovsdb::client::Replica& northbound;
    const ovsdb::client::Replica* local = nullptr;  // Open_vSwitch, with --ovs
};

// What to fetch.
void monitor_southbound(ovsdb::client::Replica& replica);
void monitor_northbound(ovsdb::client::Replica& replica);
void monitor_local(ovsdb::client::Replica& replica);

// Lines, each with its newline; "" if no row has such a uuid.
std::string expand_cookie(const Databases& databases, uint32_t cookie);
// The interface with that OpenFlow port on the bridge; "" if there is none.
std::string expand_port(const Databases& databases, std::string_view bridge, int64_t ofport);

// `  * KIND: …` of the northbound rows whose uuids begin so.
std::string expand_hint(const ovsdb::client::Replica& northbound, std::string_view hint);

}  // namespace weft::cli::detrace
