#include "controller/configuration.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/log.h"
#include "packet/address.h"

namespace weft::controller {

namespace {

log::Module lg("chassis");

void warn_once(std::string text) {
    static std::set<std::string> said;
    if (said.insert(text).second) lg.warn("{}", text);
}

std::string machine_name() {
    char name[256] = "";
    gethostname(name, sizeof name - 1);
    return name;
}

int64_t probe_interval(std::string_view text, int64_t fallback_ms, int64_t unit_ms, int64_t least_ms) {
    if (text.empty()) return fallback_ms;
    int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0) return fallback_ms;
    value *= unit_ms;
    return value == 0 ? 0 : std::max(value, least_ms);
}

std::vector<EncapConfiguration> read_encaps(std::string_view types, std::string_view ips) {
    std::set<EncapConfiguration> encaps;
    for (const std::string& type : split_words(types)) {
        if (type != "geneve" && type != "vxlan" && type != "stt") {
            warn_once("external_ids:ovn-encap-type: \"" + type +
                      "\" is no tunnel type; geneve, vxlan and stt are");
            continue;
        }
        if (type == "stt") {
            warn_once("external_ids:ovn-encap-type: stt is not supported by this switch; use geneve");
            continue;
        }
        for (const std::string& ip : split_words(ips)) encaps.insert({type, ip});
    }
    return {encaps.begin(), encaps.end()};
}

// The addresses as listed, each once.
std::vector<std::string> distinct_words(std::string_view text) {
    std::vector<std::string> words;
    for (std::string& word : split_words(text)) {
        if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(std::move(word));
    }
    return words;
}

}  // namespace

uint16_t Configuration::encap_id(std::string_view ip) const {
    auto at = std::find(encap_ips.begin(), encap_ips.end(), ip);
    if (at == encap_ips.end()) return 0;
    if (encap_ip_default.empty() ? at == encap_ips.begin() : ip == encap_ip_default) return 0;
    return static_cast<uint16_t>(at - encap_ips.begin() + 1);
}

std::vector<uint16_t> Configuration::other_encap_ids() const {
    std::vector<uint16_t> ids;
    for (const std::string& ip : encap_ips) {
        if (uint16_t id = encap_id(ip)) ids.push_back(id);
    }
    return ids;
}

std::vector<std::string> split_words(std::string_view text, char separator) {
    std::vector<std::string> words;
    while (!text.empty()) {
        size_t end = std::min(text.find(separator), text.size());
        std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        while (!word.empty() && word.front() == ' ') word.remove_prefix(1);
        while (!word.empty() && word.back() == ' ') word.remove_suffix(1);
        if (!word.empty()) words.emplace_back(word);
    }
    return words;
}

std::map<std::string, std::string> parse_mappings(std::string_view text, std::vector<std::string>* bad) {
    std::map<std::string, std::string> mappings;
    for (const std::string& word : split_words(text)) {
        size_t colon = word.find(':');
        if (colon == std::string::npos || colon == 0 || colon + 1 == word.size()) {
            if (bad) bad->push_back(word);
            continue;
        }
        mappings[word.substr(0, colon)] = word.substr(colon + 1);
    }
    return mappings;
}

std::vector<EvpnAddress> parse_evpn_addresses(std::string_view text, std::vector<std::string>* bad) {
    std::vector<EvpnAddress> out;
    for (const std::string& word : split_words(text)) {
        EvpnAddress address;
        std::string_view ip = word;
        bool good = true;
        if (size_t dash = word.find('-'); dash != std::string::npos) {
            uint32_t vni = 0;
            auto [end, error] = std::from_chars(word.data(), word.data() + dash, vni);
            good = error == std::errc() && end == word.data() + dash && vni < 1 << 24;
            address.vni = vni;
            ip.remove_prefix(dash + 1);
        }
        auto v4 = packet::parse_ipv4(ip);
        auto parsed = v4 ? std::optional(packet::map_ipv4(*v4)) : packet::parse_ipv6(ip);
        if (good && parsed) {
            address.ip = *parsed;
            out.push_back(address);
        } else if (bad) {
            bad->push_back(word);
        }
    }
    return out;
}

std::optional<packet::Ipv6Addr> Configuration::evpn_ip(uint32_t vni, bool v4) const {
    std::optional<packet::Ipv6Addr> found;
    for (const EvpnAddress& each : evpn_ips) {
        if (packet::mapped_ipv4(each.ip).has_value() != v4) continue;
        if (each.vni == vni) return each.ip;
        if (!each.vni && !found) found = each.ip;
    }
    return found;
}

const schema::vswitch::OpenVSwitch* open_vswitch_row(const ovsdb::client::Replica& vswitch) {
    auto table = vswitch.table<schema::vswitch::OpenVSwitch>();
    return table.empty() ? nullptr : &*table.begin();
}

std::string_view chassis_option(const schema::vswitch::OpenVSwitch& row, std::string_view chassis,
                                std::string_view key, std::string_view fallback) {
    if (!chassis.empty()) {
        std::string own = std::string(key) + "-" + std::string(chassis);
        if (const std::string* value = row.external_ids.find(own)) return *value;
    }
    return ovsdb::get_string(row.external_ids, key, fallback);
}

Configuration read_configuration(const schema::vswitch::OpenVSwitch& row,
                                 const std::string& chassis_override) {
    Configuration c;
    c.chassis = chassis_override.empty() ? std::string(ovsdb::get_string(row.external_ids, "system-id"))
                                         : chassis_override;
    auto option = [&](std::string_view key, std::string_view fallback = {}) {
        return chassis_option(row, c.chassis, key, fallback);
    };
    if (c.chassis.empty()) warn_once("'system-id' in Open_vSwitch database is missing.");

    c.hostname = option("hostname");
    if (c.hostname.empty()) c.hostname = machine_name();
    c.remotes = split_words(option("ovn-remote"));
    c.bridge = option("ovn-bridge", "br-int");
    c.bridge_datapath_type = option("ovn-bridge-datapath-type");
    c.encaps = read_encaps(option("ovn-encap-type"), option("ovn-encap-ip"));
    if (!c.encaps.empty()) c.encap_ips = distinct_words(option("ovn-encap-ip"));
    c.encap_ip_default = option("ovn-encap-ip-default");
    if (!c.encap_ip_default.empty() &&
        std::find(c.encap_ips.begin(), c.encap_ips.end(), c.encap_ip_default) == c.encap_ips.end()) {
        warn_once("external_ids:ovn-encap-ip-default: " + c.encap_ip_default +
                  " is none of the addresses of ovn-encap-ip; the first of those is the default");
        c.encap_ip_default.clear();
    }
    c.encap_csum = option("ovn-encap-csum", "true") != "false";
    c.encap_tos = option("ovn-encap-tos");
    c.encap_df_default = option("ovn-encap-df_default");
    std::vector<std::string> bad;
    c.bridge_mappings = parse_mappings(option("ovn-bridge-mappings"), &bad);
    for (const std::string& word : bad) {
        warn_once("external_ids:ovn-bridge-mappings: \"" + word + "\" is not of the form NETWORK:BRIDGE");
    }
    bad.clear();
    c.mac_mappings = parse_mappings(option("ovn-chassis-mac-mappings"), &bad);
    for (const auto& [network, mac] : c.mac_mappings) {
        if (!packet::parse_eth(mac)) bad.push_back(network + ":" + mac);
    }
    for (const std::string& word : bad) {
        warn_once("external_ids:ovn-chassis-mac-mappings: \"" + word + "\" is not of the form NETWORK:MAC");
    }
    bad.clear();
    c.evpn_ips = parse_evpn_addresses(option("ovn-evpn-local-ip"), &bad);
    for (const std::string& word : bad) {
        warn_once("external_ids:ovn-evpn-local-ip: \"" + word + "\" is neither an address nor VNI-ADDRESS");
    }
    for (const std::string& word : distinct_words(option("ovn-evpn-vxlan-ports"))) {
        uint16_t port = 0;
        auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), port);
        if (error == std::errc() && end == word.data() + word.size() && port) {
            c.evpn_ports.push_back(port);
        } else {
            warn_once("external_ids:ovn-evpn-vxlan-ports: \"" + word + "\" is no UDP port");
        }
    }
    c.set_local_ip = option("ovn-set-local-ip") == "true";
    c.match_northd_version = option("ovn-match-northd-version") == "true";
    c.wait_before_clear_ms = probe_interval(option("ovn-ofctrl-wait-before-clear"), 0, 1, 0);
    c.garp_max_interval_ms = probe_interval(option("garp-max-timeout-sec"), 0, 1000, 0);
    // Logical flows are kept translated by the incremental engine, of which there is nothing to limit or
    // trim.
    for (const char* key :
         {"ovn-limit-lflow-cache", "ovn-memlimit-lflow-cache-kb", "ovn-trim-limit-lflow-cache",
          "ovn-trim-wmark-perc-lflow-cache", "ovn-trim-timeout-ms"}) {
        if (!option(key).empty())
            warn_once(std::string("external_ids:") + key +
                      " has no effect: this controller has no flow cache");
    }
    if (option("ovn-enable-lflow-cache") == "false")
        warn_once("external_ids:ovn-enable-lflow-cache has no effect: this controller has no flow cache");
    c.transport_zones = split_words(option("ovn-transport-zones"));
    c.is_interconn = option("ovn-is-interconn") == "true";
    c.monitor_all = option("ovn-monitor-all") == "true";
    c.remote_probe_interval_ms = probe_interval(option("ovn-remote-probe-interval"), 60000, 1, 1000);
    c.openflow_probe_interval_ms = probe_interval(option("ovn-openflow-probe-interval"), 0, 1000, 5000);
    return c;
}

}  // namespace weft::controller
