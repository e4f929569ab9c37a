#include "logical/dhcp_options.h"

#include <algorithm>

namespace weft::logical {

namespace {

struct Row {
    const char* name;
    uint16_t code;
    const char* type;
};

DhcpOptionTable make(std::initializer_list<Row> rows) {
    DhcpOptionTable table;
    for (const Row& row : rows) table.add(row.name, row.code, row.type);
    return table;
}

}  // namespace

const DhcpOptionTable& DhcpOptionTable::standard_v4() {
    static const DhcpOptionTable table = make({{"offerip", kDhcpOfferIp, "ipv4"},
                                               {"netmask", 1, "ipv4"},
                                               {"router", 3, "ipv4"},
                                               {"dns_server", 6, "ipv4"},
                                               {"log_server", 7, "ipv4"},
                                               {"lpr_server", 9, "ipv4"},
                                               {"hostname", 12, "str"},
                                               {"domain_name", 15, "str"},
                                               {"swap_server", 16, "ipv4"},
                                               {"ip_forward_enable", 19, "bool"},
                                               {"policy_filter", 21, "ipv4"},
                                               {"default_ttl", 23, "uint8"},
                                               {"mtu", 26, "uint16"},
                                               {"broadcast_address", 28, "ipv4"},
                                               {"router_discovery", 31, "bool"},
                                               {"router_solicitation", 32, "ipv4"},
                                               {"arp_cache_timeout", 35, "uint32"},
                                               {"ethernet_encap", 36, "bool"},
                                               {"tcp_ttl", 37, "uint8"},
                                               {"tcp_keepalive_interval", 38, "uint32"},
                                               {"nis_server", 41, "ipv4"},
                                               {"ntp_server", 42, "ipv4"},
                                               {"netbios_name_server", 44, "ipv4"},
                                               {"netbios_node_type", 46, "uint8"},
                                               {"lease_time", 51, "uint32"},
                                               {"server_id", 54, "ipv4"},
                                               {"T1", 58, "uint32"},
                                               {"T2", 59, "uint32"},
                                               {"tftp_server", 66, "host_id"},
                                               {"bootfile_name", 67, "str"},
                                               {"domain_search_list", 119, "domains"},
                                               {"classless_static_route", 121, "static_routes"},
                                               {"tftp_server_address", 150, "ipv4"},
                                               {"path_prefix", 210, "str"},
                                               {"ms_classless_static_route", 249, "static_routes"},
                                               {"wpad", 252, "str"},
                                               {"next_server", 253, "ipv4"},
                                               {"bootfile_name_alt", 254, "str"}});
    return table;
}

const DhcpOptionTable& DhcpOptionTable::standard_v6() {
    static const DhcpOptionTable table = make({{"server_id", 2, "mac"},
                                               {"ia_addr", 5, "ipv6"},
                                               {"dns_server", 23, "ipv6"},
                                               {"domain_search", 24, "str"},
                                               {"fqdn", 39, "domain"},
                                               {"bootfile_name", 59, "str"},
                                               {"bootfile_name_alt", 254, "str"}});
    return table;
}

void DhcpOptionTable::add(std::string_view name, uint16_t code, std::string_view type) {
    options_.push_back({std::string(name), code, std::string(type)});
}

const DhcpOption* DhcpOptionTable::find(std::string_view name) const {
    auto it =
        std::find_if(options_.begin(), options_.end(), [&](const DhcpOption& o) { return o.name == name; });
    return it == options_.end() ? nullptr : &*it;
}

}  // namespace weft::logical
