#include "switch/control/metrics.h"

#include "explain/drop_reason.h"

namespace weft::vswitch {

namespace {

using Kind = metrics::Exposition::Kind;

void collect_datapath(const std::string& type, Backer& backer, metrics::Exposition& out) {
    datapath::Datapath& datapath = backer.datapath();
    datapath::DatapathStats stats = datapath.stats();
    metrics::Exposition::Labels labels{{"datapath", type + "@" + datapath.name()}};
    auto add = [&](const char* name, Kind kind, const char* help, uint64_t value) {
        out.add(name, kind, help, labels, static_cast<double>(value));
    };
    add("ovs_dp_lookups_hit", Kind::kCounter, "Packets that a megaflow matched.", stats.hits);
    add("ovs_dp_lookups_missed", Kind::kCounter, "Packets that none matched, which went up.", stats.misses);
    add("ovs_dp_lookups_lost", Kind::kCounter, "Packets that could not go up.", stats.lost);
    add("ovs_dp_flows", Kind::kGauge, "Megaflows.", stats.flows);
    add("ovs_dp_masks", Kind::kGauge, "Masks of megaflows.", stats.masks);
    add("ovs_dp_if", Kind::kGauge, "Ports.", datapath.ports().size());
    for (size_t reason = 1; reason < stats.drops.size(); ++reason) {
        std::string_view name = explain::drop_reason_name(static_cast<explain::DropReason>(reason));
        if (name.empty() || !stats.drops[reason]) continue;
        metrics::Exposition::Labels of_reason = labels;
        of_reason.emplace_back("reason", name);
        out.add("ovs_dp_drops_total", Kind::kCounter, "Packets that were dropped, by reason.", of_reason,
                static_cast<double>(stats.drops[reason]));
    }
}

void collect_interface(const OfPort& port, Backer& backer, metrics::Exposition& out) {
    metrics::Exposition::Labels labels{{"bridge", port.bridge->name()}, {"interface", port.name}};
    auto add = [&](const char* name, uint64_t value) {
        out.add(std::string("ovs_interface_") + name, Kind::kCounter,
                "As in the column statistics of ovs-vswitchd.conf.db(5).", labels,
                static_cast<double>(value));
    };
    out.add("ovs_interface_link_state", Kind::kGauge, "1: up; 0: down.", labels,
            port.state & kPortStateLinkDown ? 0 : 1);
    if (port.is_patch || port.tunnel) {
        add("rx_packets", port.counted.rx_packets);
        add("rx_bytes", port.counted.rx_bytes);
        add("tx_packets", port.counted.tx_packets);
        add("tx_bytes", port.counted.tx_bytes);
    } else if (auto stats = backer.datapath().port_stats(port.dp_port)) {
        add("rx_packets", stats->rx_packets);
        add("rx_bytes", stats->rx_bytes);
        add("rx_dropped", stats->rx_dropped);
        add("rx_errors", stats->rx_errors);
        add("tx_packets", stats->tx_packets);
        add("tx_bytes", stats->tx_bytes);
        add("tx_dropped", stats->tx_dropped);
        add("tx_errors", stats->tx_errors);
    }
}

}  // namespace

void collect_metrics(const Switch& owner, metrics::Exposition& out) {
    out.add("ovs_dp_total", Kind::kGauge, "Datapaths.", {}, static_cast<double>(owner.backers().size()));
    for (const auto& [type, backer] : owner.backers()) collect_datapath(type, *backer, out);
    std::vector<Bridge*> bridges = owner.bridges();
    out.add("ovs_bridges_total", Kind::kGauge, "Bridges.", {}, static_cast<double>(bridges.size()));
    for (Bridge* bridge : bridges) {
        Backer* backer = owner.backer_of(bridge->name());
        out.add("ovs_bridge_ports", Kind::kGauge, "OpenFlow ports.", {{"bridge", bridge->name()}},
                static_cast<double>(bridge->ports().size()));
        for (const auto& [number, port] : bridge->ports()) collect_interface(*port, *backer, out);
    }
}

}  // namespace weft::vswitch
