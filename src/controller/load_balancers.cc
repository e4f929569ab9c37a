#include "controller/load_balancers.h"

#include <algorithm>
#include <charconv>

#include "controller/configuration.h"
#include "controller/template_vars.h"

namespace weft::controller {

namespace sb = schema::sb;

std::optional<LbEndpoint> parse_lb_address(std::string_view text) {
    LbEndpoint endpoint;
    if (auto v4 = packet::parse_ipv4(text)) {
        store_be32(endpoint.address.data(), *v4);
        return endpoint;
    }
    auto v6 = packet::parse_ipv6(text);
    if (!v6) return std::nullopt;
    endpoint.v6 = true;
    endpoint.address = *v6;
    return endpoint;
}

std::optional<LbEndpoint> parse_lb_endpoint(std::string_view text) {
    std::string_view address = text, port;
    if (!text.empty() && text.front() == '[') {
        size_t end = text.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        address = text.substr(1, end - 1);
        if (end + 1 < text.size()) {
            if (text[end + 1] != ':') return std::nullopt;
            port = text.substr(end + 2);
        }
    } else if (std::count(text.begin(), text.end(), ':') == 1) {
        address = text.substr(0, text.find(':'));
        port = text.substr(text.find(':') + 1);
    }
    auto endpoint = parse_lb_address(address);
    if (!endpoint || port.empty()) return endpoint;
    auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint->port);
    if (error != std::errc() || end != port.data() + port.size()) return std::nullopt;
    return endpoint;
}

std::vector<LbVip> vips_of(SouthboundView& view, const sb::LoadBalancer& row) {
    std::vector<LbVip> out;
    for (const auto& [vip_text, backends] : row.vips) {
        auto vip = parse_lb_endpoint(expand_template_vars(view, vip_text));
        if (!vip) continue;
        out.push_back({*vip, {}});
        for (const std::string& word : split_words(expand_template_vars(view, backends))) {
            auto backend = parse_lb_endpoint(word);
            if (backend && backend->v6 == vip->v6) out.back().backends.push_back(*backend);
        }
    }
    return out;
}

uint8_t protocol_of(const sb::LoadBalancer& row) {
    std::string_view name = row.protocol ? std::string_view(*row.protocol) : "tcp";
    return name == "udp" ? 17 : name == "sctp" ? 132 : 6;
}

std::set<Uuid> datapaths_of(SouthboundView& view, const sb::LoadBalancer& row) {
    std::set<Uuid> uuids(row.datapaths.begin(), row.datapaths.end());
    for (const auto& group : {row.datapath_group, row.ls_datapath_group, row.lr_datapath_group}) {
        const sb::LogicalDPGroup* members = group ? view.value(view.datapath_groups, *group) : nullptr;
        if (members) uuids.insert(members->datapaths.begin(), members->datapaths.end());
    }
    return uuids;
}

}  // namespace weft::controller
