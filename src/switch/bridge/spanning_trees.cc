#include "switch/bridge/spanning_trees.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/clock.h"
#include "base/log.h"
#include "datapath/netdev/device_info.h"
#include "packet/bpdu.h"
#include "switch/bridge/tree_options.h"

namespace weft::vswitch {

namespace db = schema::vswitch;

namespace {

log::Module stp_lg("stp"), rstp_lg("rstp");

uint64_t speed_of(const OfPort& port) {
    if (port.is_patch || port.tunnel) return 0;
    auto speed = datapath::link_speed(port.name);
    return speed ? speed->bits_per_second : 0;
}

std::string rstp_id(uint64_t bridge) {
    unsigned priority = packet::bridge_priority(bridge);
    return fmt::format("{:x}.{:03x}.{:012x}", priority >> 12, priority & 0xfff, bridge & 0xffffffffffffULL);
}

// A port keeps the number that was chosen for it; the others get the first that are free.
void choose_numbers(std::vector<StpPort>& ports, const std::map<std::string, uint16_t>& had) {
    std::set<int> taken;
    for (StpPort& port : ports) {
        auto it = had.find(port.options.name);
        if (it != had.end() && taken.insert(it->second).second) port.number = it->second;
    }
    int next = 1;
    for (StpPort& port : ports) {
        if (port.number) continue;
        while (taken.contains(next)) ++next;
        port.number = next++;
    }
}

}  // namespace

SpanningTrees::SpanningTrees(net::Loop& loop, FindBridge find_bridge, FindBacker find_backer,
                             std::function<void()> changed)
    : loop_(loop),
      find_bridge_(std::move(find_bridge)),
      find_backer_(std::move(find_backer)),
      changed_(std::move(changed)) {
    timer_ = loop_.timer([this] { due_ = true; });
}

SpanningTrees::Tree* SpanningTrees::find(std::string_view bridge) {
    auto it = trees_.find(bridge);
    return it == trees_.end() ? nullptr : &it->second;
}
const SpanningTrees::Tree* SpanningTrees::find(std::string_view bridge) const {
    auto it = trees_.find(bridge);
    return it == trees_.end() ? nullptr : &it->second;
}

void SpanningTrees::wake() {
    due_ = true;
    loop_.wake();
}

void SpanningTrees::ports_changed() {
    if (!trees_.empty()) wake();
}

// --- configuration

bool SpanningTrees::takes_part(const db::Port& row, const Bridge& bridge, const char* key, const char* name,
                               std::vector<std::string>& warnings) const {
    if (!ovsdb::get_bool(row.other_config, key, true)) return false;
    const Bundle* bundle = bridge.find_bundle(row.name);
    if (!bundle || bundle->members.empty()) return false;
    if (row.interfaces.size() > 1) {
        warnings.push_back(fmt::format("port {}: cannot enable {} on bonds, disabling", row.name, name));
        return false;
    }
    const OfPort& port = *bundle->members.front();
    return port.number != openflow::kPortLocal && port.type != "internal" && !bridge.mirrors_to(row.name);
}

void SpanningTrees::configure(const db::Bridge& row, Bridge& bridge,
                              const std::vector<const db::Port*>& ports, std::vector<std::string>& warnings) {
    int64_t now = clock::monotonic_ms();
    bool rstp = row.rstp_enable, stp = row.stp_enable && !rstp;
    if (!rstp && !stp) return remove_bridge(row.name);
    auto [it, added] = trees_.try_emplace(row.name);
    Tree& tree = it->second;
    if ((rstp && tree.stp) || (stp && tree.rstp)) {
        leave(tree, bridge);
        tree = {};
    }
    if (stp && !tree.stp)
        tree.stp = std::make_unique<Stp>(parse_stp_options(row, bridge.local_mac, warnings), now);
    if (rstp && !tree.rstp)
        tree.rstp = std::make_unique<Rstp>(parse_rstp_options(row, bridge.local_mac, warnings), now);
    if (!bridge.spanning_tree) {
        bridge.spanning_tree = true;
        bridge.touch();
    }
    if (rstp)
        configure_rstp(tree, row, bridge, ports, warnings);
    else
        configure_stp(tree, row, bridge, ports, warnings);
    // Settings that contradict each other: the bridge does without.
    if (!tree.stp && !tree.rstp) return remove_bridge(row.name);
    wake();
}

void SpanningTrees::configure_stp(Tree& tree, const db::Bridge& row, Bridge& bridge,
                                  const std::vector<const db::Port*>& rows,
                                  std::vector<std::string>& warnings) {
    int64_t now = clock::monotonic_ms();
    std::vector<StpPort> ports;
    size_t numbered = 0;
    for (const db::Port* port : rows) {
        if (!takes_part(*port, bridge, "stp-enable", "STP", warnings)) continue;
        ports.push_back(
            parse_stp_port(*port, speed_of(*bridge.find_bundle(port->name)->members.front()), warnings));
        numbered += ports.back().number != 0;
    }
    if (numbered && numbered != ports.size()) {
        warnings.push_back(
            fmt::format("bridge {}: must manually configure all STP port IDs or none, disabling", row.name));
        tree.stp.reset();
        return;
    }
    if (!numbered) choose_numbers(ports, tree.numbers);
    std::map<uint16_t, StpPort> wanted;
    for (const StpPort& port : ports) {
        if (port.number < 1) continue;  // warned about
        if (port.number > 255)
            warnings.push_back(fmt::format("port {}: too many STP ports, disabling", port.options.name));
        else if (!wanted.emplace(static_cast<uint16_t>(port.number), port).second)
            warnings.push_back(fmt::format("port {}: already configured STP port num {}, disabling",
                                           port.options.name, port.number));
    }
    tree.stp->configure(parse_stp_options(row, bridge.local_mac, warnings), now);
    std::map<uint16_t, std::string> before = std::exchange(tree.ports, {});
    for (const auto& [number, port] : wanted) tree.ports[number] = port.options.name;
    for (const auto& [number, name] : before) {
        auto it = tree.ports.find(number);
        if (it == tree.ports.end() || it->second != name)
            tree.stp->remove_port(static_cast<uint8_t>(number), now);
    }
    tree.numbers.clear();
    for (const auto& [number, port] : wanted) {
        tree.numbers[port.options.name] = number;
        tree.stp->set_port(static_cast<uint8_t>(number), port.options, now);
    }
}

void SpanningTrees::configure_rstp(Tree& tree, const db::Bridge& row, Bridge& bridge,
                                   const std::vector<const db::Port*>& rows,
                                   std::vector<std::string>& warnings) {
    int64_t now = clock::monotonic_ms();
    std::map<uint16_t, RstpPort> wanted;
    std::vector<RstpPort> anywhere;
    for (const db::Port* port : rows) {
        if (!takes_part(*port, bridge, "rstp-enable", "RSTP", warnings)) continue;
        RstpPort parsed =
            parse_rstp_port(*port, speed_of(*bridge.find_bundle(port->name)->members.front()), warnings);
        auto number = static_cast<uint16_t>(parsed.number);
        // A number that is taken, or none: any other will do.
        if (!number || !wanted.try_emplace(number, parsed).second) anywhere.push_back(std::move(parsed));
    }
    for (RstpPort& port : anywhere) {
        auto had = tree.numbers.find(port.options.name);
        uint16_t number = had == tree.numbers.end() ? uint16_t{1} : had->second;
        if (wanted.contains(number)) number = 1;
        while (wanted.contains(number)) ++number;
        if (number > 4095)
            warnings.push_back(fmt::format("port {}: too many RSTP ports, disabling", port.options.name));
        else
            wanted.emplace(number, std::move(port));
    }
    tree.rstp->configure(parse_rstp_options(row, bridge.local_mac, warnings), now);
    std::map<uint16_t, std::string> before = std::exchange(tree.ports, {});
    for (const auto& [number, port] : wanted) tree.ports[number] = port.options.name;
    for (const auto& [number, name] : before) {
        auto it = tree.ports.find(number);
        if (it == tree.ports.end() || it->second != name) tree.rstp->remove_port(number, now);
    }
    tree.numbers.clear();
    for (const auto& [number, port] : wanted) {
        const std::string& name = port.options.name;
        tree.numbers[name] = number;
        tree.rstp->set_port(number, port.options, now);
        bool before_check = std::exchange(tree.mcheck[name], port.check_migration);
        if (port.check_migration && !before_check) tree.rstp->check_migration(number);
    }
    std::erase_if(tree.mcheck, [&](const auto& entry) { return !tree.numbers.contains(entry.first); });
}

void SpanningTrees::leave(Tree& tree, Bridge& bridge) {
    for (const auto& [number, port] : bridge.ports()) set_state(bridge, *port, TreeState::kOff);
    tree.ports.clear();
    bridge.spanning_tree = false;
    bridge.touch();
    changed_();
}

void SpanningTrees::remove_bridge(const std::string& name) {
    auto it = trees_.find(name);
    if (it == trees_.end()) return;
    if (Bridge* bridge = find_bridge_(name)) leave(it->second, *bridge);
    trees_.erase(it);
    changed_();
}

// --- running

// Only notes what came: what follows from it is sent and set in run(), when no packet is being translated.
void SpanningTrees::received(OfPort& port, const packet::Packet& packet) {
    Tree* tree = find(port.bridge->name());
    if (!tree || !port.bundle) return;
    auto number = tree->numbers.find(port.bundle->name);
    if (number == tree->numbers.end()) return;
    int64_t now = clock::monotonic_ms();
    auto bpdu = packet::Bpdu::decode_frame(packet.view());
    if (!bpdu) {
        static log::RateLimit limit(1, 5);
        log::Module& lg = tree->stp ? stp_lg : rstp_lg;
        if (limit.pass(lg)) lg.warn("{}: port {}: {}", port.bridge->name(), port.name, bpdu.message());
        if (tree->stp)
            tree->stp->count_error(static_cast<uint8_t>(number->second));
        else
            tree->rstp->count_error(number->second);
        return;
    }
    if (tree->stp)
        tree->stp->receive(static_cast<uint8_t>(number->second), *bpdu, now);
    else
        tree->rstp->receive(number->second, *bpdu, now);
    wake();
}

void SpanningTrees::run() {
    if (!due_ || trees_.empty()) return;
    due_ = false;
    int64_t now = clock::monotonic_ms();
    int64_t next = INT64_MAX;
    for (auto& [name, tree] : trees_) {
        run(name, tree, now);
        next = std::min(next, tree.stp ? tree.stp->next_wakeup_ms() : tree.rstp->next_wakeup_ms());
    }
    if (next != INT64_MAX) timer_->arm_at(std::max(next, now + 1));
}

void SpanningTrees::run(const std::string& name, Tree& tree, int64_t now_ms) {
    Bridge* bridge = find_bridge_(name);
    if (!bridge) return;
    std::map<const OfPort*, TreeState> states;
    for (const auto& [number, port_name] : tree.ports) {
        const Bundle* bundle = bridge->find_bundle(port_name);
        bool up = bundle && bundle->members.size() == 1 && bundle->members.front()->up();
        if (tree.stp)
            tree.stp->set_up(static_cast<uint8_t>(number), up, now_ms);
        else
            tree.rstp->set_up(number, up, now_ms);
    }
    if (tree.stp) {
        tree.stp->run(now_ms);
        send(*bridge, tree, tree.stp->take_messages());
        if (tree.stp->take_topology_changes()) stp_lg.info("{}: detected topology change.", name);
        if (tree.stp->take_flush()) bridge->flush_learnt();
    } else {
        tree.rstp->run(now_ms);
        send(*bridge, tree, tree.rstp->take_messages());
        for (uint16_t number : tree.rstp->take_flushes()) {
            auto it = tree.ports.find(number);
            const Bundle* bundle = it == tree.ports.end() ? nullptr : bridge->find_bundle(it->second);
            if (bundle) bridge->forget_learnt(bundle);
        }
    }
    for (const auto& [number, port_name] : tree.ports) {
        const Bundle* bundle = bridge->find_bundle(port_name);
        if (!bundle || bundle->members.empty()) continue;
        auto stp = tree.stp ? tree.stp->port(static_cast<uint8_t>(number)) : std::nullopt;
        auto rstp = tree.rstp ? tree.rstp->port(number) : std::nullopt;
        states[bundle->members.front()] = stp ? stp->state : rstp ? rstp->state : TreeState::kOff;
    }
    for (const auto& [number, port] : bridge->ports()) {
        auto it = states.find(port.get());
        set_state(*bridge, *port, it == states.end() ? TreeState::kOff : it->second);
    }
    std::string now_shown = show(name);
    if (now_shown == tree.reported) return;
    tree.reported = std::move(now_shown);
    changed_();
}

void SpanningTrees::set_state(Bridge& bridge, OfPort& port, TreeState state) {
    if (port.tree == state) return;
    port.tree = state;
    bridge.port_changed(port);
}

void SpanningTrees::send(Bridge& bridge, const Tree& tree, const std::vector<TreeMessage>& messages) {
    for (const TreeMessage& message : messages) {
        auto it = tree.ports.find(message.port);
        const Bundle* bundle = it == tree.ports.end() ? nullptr : bridge.find_bundle(it->second);
        if (!bundle || bundle->members.empty()) continue;
        OfPort& port = *bundle->members.front();
        if (Backer* backer = find_backer_(port)) backer->send_bpdu(port, message.bpdu.frame(port.mac));
    }
}

// --- what there is to see

bool SpanningTrees::speaks_stp(std::string_view bridge) const {
    const Tree* tree = find(bridge);
    return tree && tree->stp;
}
bool SpanningTrees::speaks_rstp(std::string_view bridge) const {
    const Tree* tree = find(bridge);
    return tree && tree->rstp;
}

std::vector<std::string> SpanningTrees::bridges() const {
    std::vector<std::string> out;
    for (const auto& [name, tree] : trees_) out.push_back(name);
    return out;
}

std::string SpanningTrees::show(std::string_view bridge) const {
    const Tree* tree = find(bridge);
    if (!tree) return "";
    if (tree->stp) return tree->stp->show().text(std::string(bridge), "  ", 5);
    return tree->rstp->show().text(std::string(bridge), "    ", 8);
}

void SpanningTrees::force_topology_change(std::string_view bridge) {
    Tree* tree = find(bridge);
    if (!tree) return;
    if (tree->stp)
        tree->stp->force_topology_change(clock::monotonic_ms());
    else if (Bridge* of = find_bridge_(bridge))
        of->flush_learnt();
    wake();
}

ovsdb::StringMap SpanningTrees::bridge_status(std::string_view bridge) const {
    ovsdb::StringMap out;
    const Tree* tree = find(bridge);
    if (!tree || !tree->stp) return out;
    auto id = [](uint64_t bridge_id) {
        return fmt::format("{:04x}.{:012x}", packet::bridge_priority(bridge_id),
                           bridge_id & 0xffffffffffffULL);
    };
    out.set("stp_bridge_id", id(tree->stp->options().bridge));
    out.set("stp_designated_root", id(tree->stp->designated_root()));
    out.set("stp_root_path_cost", fmt::format("{}", tree->stp->root_path_cost()));
    return out;
}

ovsdb::StringMap SpanningTrees::bridge_rstp_status(std::string_view bridge) const {
    ovsdb::StringMap out;
    const Tree* tree = find(bridge);
    if (!tree || !tree->rstp) return out;
    const Rstp::PriorityVector& root = tree->rstp->root_priority();
    out.set("rstp_bridge_id", rstp_id(tree->rstp->options().bridge));
    out.set("rstp_bridge_port_id", fmt::format("{:04x}", tree->rstp->root_port_id()));
    out.set("rstp_designated_id", rstp_id(root.bridge));
    out.set("rstp_designated_port_id", fmt::format("{:04x}", root.port));
    out.set("rstp_root_id", rstp_id(root.root));
    out.set("rstp_root_path_cost", fmt::format("{}", root.cost));
    return out;
}

SpanningTrees::PortColumns SpanningTrees::port_columns(std::string_view bridge,
                                                       const std::string& port) const {
    PortColumns out;
    const Tree* tree = find(bridge);
    auto number = tree ? tree->numbers.find(port) : std::map<std::string, uint16_t>::const_iterator();
    if (!tree || number == tree->numbers.end()) return out;
    int64_t now = clock::monotonic_ms();
    constexpr int64_t kSecond = 1000;
    auto count = [](uint64_t value) { return static_cast<int64_t>(value); };
    if (tree->stp) {
        auto status = tree->stp->port(static_cast<uint8_t>(number->second));
        if (!status) return out;
        out.status.set("stp_port_id", fmt::format("{}", status->id));
        out.status.set("stp_state", Stp::state_name(status->state));
        out.status.set("stp_sec_in_state", fmt::format("{}", (now - status->since_ms) / kSecond));
        out.status.set("stp_role", Stp::role_name(status->role));
        out.statistics.set("stp_tx_count", count(status->sent));
        out.statistics.set("stp_rx_count", count(status->received));
        out.statistics.set("stp_error_count", count(status->errors));
        return out;
    }
    auto status = tree->rstp->port(number->second);
    if (!status) return out;
    out.rstp_status.set("rstp_port_id", fmt::format("{:04x}", status->id));
    out.rstp_status.set("rstp_port_role", Rstp::role_name(status->role));
    out.rstp_status.set("rstp_port_state", Rstp::state_name(status->state));
    out.rstp_status.set("rstp_designated_bridge_id", rstp_id(status->designated.bridge));
    out.rstp_status.set("rstp_designated_port_id", fmt::format("{:04x}", status->designated.port));
    out.rstp_status.set("rstp_designated_path_cost", fmt::format("{}", status->designated.cost));
    out.rstp_statistics.set("rstp_tx_count", count(status->sent));
    out.rstp_statistics.set("rstp_rx_count", count(status->received));
    out.rstp_statistics.set("rstp_error_count", count(status->errors));
    out.rstp_statistics.set("rstp_uptime", (now - status->since_ms) / kSecond);
    return out;
}

}  // namespace weft::vswitch
