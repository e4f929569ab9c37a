#include "switch/bridge/vlan_options.h"

#include <fmt/core.h>

namespace weft::vswitch {

VlanConfig parse_vlan_options(const schema::vswitch::Port& port, std::vector<std::string>& warnings) {
    VlanConfig config;
    int64_t tag = port.tag.value_or(-1);
    if (tag < 0 || tag > 4095) tag = -1;
    const std::string mode = port.vlan_mode.value_or("");
    if (mode == "access") {
        config.mode = VlanMode::kAccess;
    } else if (mode == "trunk") {
        config.mode = VlanMode::kTrunk;
    } else if (mode == "native-tagged") {
        config.mode = VlanMode::kNativeTagged;
    } else if (mode == "native-untagged") {
        config.mode = VlanMode::kNativeUntagged;
    } else if (mode == "dot1q-tunnel") {
        config.mode = VlanMode::kDot1qTunnel;
    } else {
        if (!mode.empty())
            warnings.push_back(
                fmt::format("port {}: unknown VLAN mode `{}', falling back to trunk mode", port.name, mode));
        // Not told: a tag makes an access port.
        config.mode = tag >= 0 && port.trunks.empty() ? VlanMode::kAccess : VlanMode::kTrunk;
        if (tag >= 0 && !port.trunks.empty()) {
            warnings.push_back(
                fmt::format("port {}: both tag and trunks are set; ignoring trunks", port.name));
            config.mode = VlanMode::kAccess;
        }
    }
    config.tag = tag >= 0 ? static_cast<uint16_t>(tag) : 0;
    const auto& carried = config.mode == VlanMode::kDot1qTunnel ? port.cvlans : port.trunks;
    if (config.mode != VlanMode::kAccess && !carried.empty()) {
        config.all_trunks = false;
        for (int64_t vlan : carried) {
            if (vlan >= 0 && vlan < 4096) config.trunks.set(static_cast<size_t>(vlan));
        }
    }
    std::string_view priority = ovsdb::get_string(port.other_config, "priority-tags");
    if (priority == "if-nonzero" || priority == "true")
        config.priority_tags = PriorityTags::kIfNonzero;
    else if (priority == "always")
        config.priority_tags = PriorityTags::kAlways;
    if (ovsdb::get_string(port.other_config, "qinq-ethtype") == "802.1q") config.outer_tpid = 0x8100;
    return config;
}

}  // namespace weft::vswitch
