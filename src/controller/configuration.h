// What this host's operator has configured, from Open_vSwitch.external_ids of the local database
// (ovn-controller(8), "CONFIGURATION").
//
// Every key may also be given for one chassis alone, as KEY-CHASSIS, which goes before KEY: several
// controllers can so share a database.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ovsdb/client/replica.h"
#include "packet/flow.h"
#include "schema/vswitch.h"

namespace weft::controller {

struct EncapConfiguration {
    std::string type;  // "geneve", "vxlan" or "stt"
    std::string ip;
    auto operator<=>(const EncapConfiguration&) const = default;
};

// An address of ours for VTEPs of EVPNs: of those of one VNI, or of all that have none of their own.
struct EvpnAddress {
    std::optional<uint32_t> vni;
    packet::Ipv6Addr ip{};  // IPv4 in mapped form
    bool operator==(const EvpnAddress&) const = default;
};

struct Configuration {
    std::string chassis;   // the chassis' name; "" if none is configured, and then there is nothing to do
    std::string hostname;  // of external_ids:hostname, else the machine's
    std::vector<std::string> remotes;
    std::string bridge = "br-int";
    std::string bridge_datapath_type;        // "" leaves the bridge's type alone
    std::vector<EncapConfiguration> encaps;  // sorted, distinct: every type with every address
    std::vector<std::string> encap_ips;      // as listed; empty if there is no type
    std::string encap_ip_default;            // ovn-encap-ip-default, if it is one of them
    bool encap_csum = true;
    std::string encap_tos, encap_df_default;             // "" if not given
    bool set_local_ip = false;                           // tunnels say from which address they are sent
    std::map<std::string, std::string> bridge_mappings;  // physical network -> bridge
    std::map<std::string, std::string> mac_mappings;     // physical network -> MAC address
    std::vector<std::string> transport_zones;
    bool monitor_all = false;
    bool is_interconn = false;  // a gateway between deployments: keeps tunnels to remote chassis
    int64_t remote_probe_interval_ms = 60000;
    int64_t openflow_probe_interval_ms = 0;
    bool match_northd_version = false;
    int64_t garp_max_interval_ms = 0;  // 0: announcements end
    std::vector<uint16_t> evpn_ports;  // UDP ports by which VTEPs are reached
    std::vector<EvpnAddress> evpn_ips;
    int64_t wait_before_clear_ms = 0;  // after the start, before the switch's flows are replaced

    bool operator==(const Configuration&) const = default;

    // Which of several own addresses, by a number that packets can carry from table to table: 0 for the
    // default one (encap_ip_default, else the first that is listed) and for what is none of them.
    uint16_t encap_id(std::string_view ip) const;
    // The address of ours that VTEPs of that VNI see, if there is one of the family.
    std::optional<packet::Ipv6Addr> evpn_ip(uint32_t vni, bool v4) const;
    // The numbers of all but the default one.
    std::vector<uint16_t> other_encap_ids() const;
};

// The only row of the table, or nullptr before the database is there.
const schema::vswitch::OpenVSwitch* open_vswitch_row(const ovsdb::client::Replica& vswitch);

// external_ids:KEY-CHASSIS, else external_ids:KEY, else the fallback.
std::string_view chassis_option(const schema::vswitch::OpenVSwitch& row, std::string_view chassis,
                                std::string_view key, std::string_view fallback = {});

// `chassis_override`: from the command line or the system-id-override file, else "".  Values that make no
// sense are logged once each and count as absent.
Configuration read_configuration(const schema::vswitch::OpenVSwitch& row,
                                 const std::string& chassis_override);

// "a:b,c:d" -> map; words without a colon are given to `bad`.
std::map<std::string, std::string> parse_mappings(std::string_view text,
                                                  std::vector<std::string>* bad = nullptr);
// "VNI-IP,IP,…": external_ids:ovn-evpn-local-ip; words that are none are given to `bad`.
std::vector<EvpnAddress> parse_evpn_addresses(std::string_view text, std::vector<std::string>* bad = nullptr);
// "a,b, c" -> {a, b, c}; empty words are dropped.
std::vector<std::string> split_words(std::string_view text, char separator = ',');

}  // namespace weft::controller
