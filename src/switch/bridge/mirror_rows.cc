#include "switch/bridge/mirror_rows.h"

#include <fmt/core.h>

#include "openflow/text.h"

namespace weft::vswitch {

namespace db = schema::vswitch;

namespace {

// A match as ovs-ofctl takes it.  What would match nothing in particular is refused, so that a slip does not
// copy everything.
Result<openflow::Match> parse_filter(std::string_view text) {
    openflow::Match match;
    openflow::text::Term term;
    while (openflow::text::next_term(text, term)) {
        WEFT_ASSIGN(bool known,
                    openflow::parse_match_term(term.key, term.value, term.delimiter != 0, nullptr, match));
        if (!known) return Error{fmt::format("unknown keyword {}", term.key)};
    }
    if (match.tunnel_table) return Error{"tun_metadata fields cannot be matched"};
    if (!match.prerequisites_met())
        return Error{"a field needs another one matched first (ovs-fields(7), Prerequisites)"};
    return match;
}

}  // namespace

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
            auto filter = parse_filter(*config->filter);
            if (!filter) {
                warnings.push_back(
                    fmt::format("bridge {}: mirror {}: filter \"{}\" is invalid, nothing is "
                                "copied: {}",
                                row.name, mirror.name, *config->filter, filter.message()));
                continue;
            }
            if (!filter->is_catch_all()) mirror.filter = *std::move(filter);
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
