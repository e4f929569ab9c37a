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
#include "schema/vswitch.h"

namespace weft::controller {

struct EncapConfiguration {
    std::string type;  // "geneve", "vxlan" or "stt"
    std::string ip;
    auto operator<=>(const EncapConfiguration&) const = default;
};

struct Configuration {
    std::string chassis;   // the chassis' name; "" if none is configured, and then there is nothing to do
    std::string hostname;  // of external_ids:hostname, else the machine's
    std::vector<std::string> remotes;
    std::string bridge = "br-int";
    std::string bridge_datapath_type;        // "" leaves the bridge's type alone
    std::vector<EncapConfiguration> encaps;  // sorted, distinct
    bool encap_csum = true;
    std::string encap_tos, encap_df_default;             // "" if not given
    std::map<std::string, std::string> bridge_mappings;  // physical network -> bridge
    std::vector<std::string> transport_zones;
    bool monitor_all = false;
    bool is_interconn = false;  // a gateway between deployments: keeps tunnels to remote chassis
    int64_t remote_probe_interval_ms = 60000;
    int64_t openflow_probe_interval_ms = 0;

    bool operator==(const Configuration&) const = default;
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
// "a,b, c" -> {a, b, c}; empty words are dropped.
std::vector<std::string> split_words(std::string_view text, char separator = ',');

}  // namespace weft::controller
