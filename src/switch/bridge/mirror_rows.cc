#include "switch/bridge/mirror_rows.h"

#include <fmt/core.h>

namespace weft::vswitch {

namespace db = schema::vswitch;

std::vector<Mirror> read_mirrors(const db::Bridge& row, const ovsdb::client::Replica& replica,
                                 std::vector<std::string>& warnings) {
    std::vector<Mirror> out;
    for (const Uuid& uuid : row.mirrors) {
        const db::Mirror* config = replica.find<db::Mirror>(uuid);
        if (!config) continue;
        Mirror mirror;
        mirror.name = config->name;
        mirror.all = config->select_all;
        auto names = [&](const auto& ports, auto& into) {
            for (const Uuid& each : ports) {
                if (auto* port = replica.find<db::Port>(each)) into.insert(port->name);
            }
        };
        if (!mirror.all) {
            names(config->select_src_port, mirror.sources);
            names(config->select_dst_port, mirror.destinations);
        }
        mirror.every_vlan = config->select_vlan.empty();
        for (int64_t vlan : config->select_vlan) mirror.vlans.set(static_cast<size_t>(vlan));
        if (config->output_port) {
            if (auto* port = replica.find<db::Port>(*config->output_port)) mirror.output = port->name;
        } else if (config->output_vlan) {
            mirror.output_vlan = static_cast<uint16_t>(*config->output_vlan);
        }
        if (mirror.output.empty() && !mirror.output_vlan) {
            warnings.push_back(
                fmt::format("bridge {}: mirror {} does not specify output; ignoring", row.name, mirror.name));
            continue;
        }
        if (config->filter) {
            warnings.push_back(
                fmt::format("bridge {}: mirror {}: filter is not supported; all that the other "
                            "columns select is copied",
                            row.name, mirror.name));
        }
        if (config->snaplen && *config->snaplen < 65535)
            mirror.snaplen = static_cast<uint16_t>(*config->snaplen);
        if (out.size() == kMaxMirrors) {
            warnings.push_back(fmt::format("bridge {}: more than {} mirrors; {} is ignored", row.name,
                                           kMaxMirrors, mirror.name));
            continue;
        }
        out.push_back(std::move(mirror));
    }
    return out;
}

}  // namespace weft::vswitch
