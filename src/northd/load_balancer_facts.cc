#include "northd/load_balancer_facts.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "northd/compute.h"
#include "northd/program.h"

namespace weft::northd {

using ovsdb::get_bool;
using ovsdb::get_int;
using ovsdb::get_string;

namespace {

// The lists of a VipSummary while they are collected; those of IPv6 follow those of IPv4.
constexpr AddressList VipSummary::*kLists[] = {&VipSummary::ip4,
                                               &VipSummary::ip6,
                                               &VipSummary::ip4_reachable,
                                               &VipSummary::ip6_reachable,
                                               &VipSummary::ip4_routable,
                                               &VipSummary::ip6_routable,
                                               &VipSummary::ip4_all_responder,
                                               &VipSummary::ip6_all_responder};
enum : size_t { kAll = 0, kReachable = 2, kRoutable = 4, kAllResponder = 6 };
using Lists = std::array<std::vector<std::string>, std::size(kLists)>;

void set_lists(VipSummary& summary, Lists&& lists) {
    for (size_t i = 0; i < lists.size(); ++i) summary.*kLists[i] = AddressList(std::move(lists[i]));
}

// "PORT_NAME:SOURCE_IP" of ip_port_mappings.
void attach_port(Program& p, const nb::LoadBalancer& row, const Vip& vip, Backend& backend) {
    const std::string* mapping = row.ip_port_mappings.find(
        backend.endpoint.is_ip6 ? "[" + backend.endpoint.address + "]" : backend.endpoint.address);
    if (!mapping) mapping = row.ip_port_mappings.find(backend.endpoint.address);
    if (mapping) backend.port_name = mapping->substr(0, mapping->find(':'));
    if (!vip.has_health_check) return;
    backend.is_online = false;  // as long as nobody can check it
    if (!mapping) return;
    size_t colon = mapping->find(':');
    if (colon == mapping->npos) return;
    auto source = parse_endpoint(mapping->substr(colon + 1));
    if (!source) return;
    backend.monitor_port = backend.port_name;
    const Uuid* port = p.switch_port_named.first(backend.monitor_port);
    if (!port) return;
    backend.is_monitored = true;
    backend.monitor_src = source->address;
    if (!p.port(*port).enabled) return;  // nobody would answer
    const std::string* status = p.in.monitor_states.find(
        {backend.endpoint.address, backend.monitor_port, row.protocol.value_or("tcp"), port_number(backend)});
    backend.is_online = !status || status->empty() || *status == "online";
}

std::vector<Backend> parse_backends(Program& p, const nb::LoadBalancer& row, const Vip& vip,
                                    bool is_template) {
    std::vector<Backend> out;
    for (std::string_view word : split(vip.backends_text, ", ")) {
        auto endpoint =
            is_template ? parse_template_endpoint(word, vip.endpoint.is_ip6) : parse_endpoint(word);
        if (!endpoint || endpoint->is_ip6 != vip.endpoint.is_ip6) continue;
        Backend backend;
        backend.endpoint = *endpoint;
        backend.text = endpoint_text(*endpoint);
        if (!is_template) attach_port(p, row, vip, backend);
        out.push_back(std::move(backend));
    }
    return out;
}

}  // namespace

int64_t port_number(const Backend& backend) {
    int64_t value = 0;
    for (char c : backend.endpoint.port) value = value * 10 + (c - '0');
    return value;
}

const std::vector<std::string> AddressList::kNone;

AddressList::AddressList(std::vector<std::string> addresses) {
    std::sort(addresses.begin(), addresses.end());
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
    if (addresses.empty()) return;
    addresses.shrink_to_fit();
    list_ = std::make_shared<const Shared>(Shared{std::move(addresses), {}, {}});
}

namespace {

// Of the texts those whose value is in one of the networks.  `places` are filled at the first call.  A
// network's addresses lie together, on both sides of its own.
template <typename Places, typename Network, typename Parse>
std::vector<std::string> those_within(const std::vector<std::string>& texts, Places& places,
                                      const std::vector<Network>& networks, Parse parse) {
    if (networks.empty()) return {};
    if (places.empty()) {
        for (uint32_t i = 0; i < texts.size(); ++i) places.emplace_back(parse(texts[i])->value, i);
        std::sort(places.begin(), places.end());
    }
    std::vector<uint32_t> found;
    for (const Network& network : networks) {
        auto middle = std::lower_bound(places.begin(), places.end(), std::pair(network.value, uint32_t{0}));
        for (auto at = middle; at != places.end() && network.contains(at->first); ++at)
            found.push_back(at->second);
        for (auto at = middle; at != places.begin() && network.contains(std::prev(at)->first); --at)
            found.push_back(std::prev(at)->second);
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    std::vector<std::string> out;
    for (uint32_t place : found) out.push_back(texts[place]);
    return out;
}

}  // namespace

bool AddressList::contains(const std::string& address) const {
    return std::binary_search(begin(), end(), address);
}

std::vector<std::string> AddressList::within(const std::vector<Ip4>& networks) const {
    if (!list_) return {};
    return those_within(list_->texts, list_->ip4, networks, parse_ip4);
}

std::vector<std::string> AddressList::within(const std::vector<Ip6Net>& networks) const {
    if (!list_) return {};
    return those_within(list_->texts, list_->ip6, networks, parse_ip6);
}

void AddressList::add(const AddressList& other) {
    if (list_ == other.list_ || other.empty()) return;
    if (empty()) {
        list_ = other.list_;
        return;
    }
    std::vector<std::string> both;
    std::set_union(begin(), end(), other.begin(), other.end(), std::back_inserter(both));
    *this = AddressList(std::move(both));
}

void VipSummary::add(const VipSummary& other) {
    any |= other.any;
    any_skip_snat |= other.any_skip_snat;
    any_distributed |= other.any_distributed;
    ip4.add(other.ip4);
    ip6.add(other.ip6);
    ip4_reachable.add(other.ip4_reachable);
    ip6_reachable.add(other.ip6_reachable);
    ip4_routable.add(other.ip4_routable);
    ip6_routable.add(other.ip6_routable);
    ip4_all_responder.add(other.ip4_all_responder);
    ip6_all_responder.add(other.ip6_all_responder);
}

LoadBalancerFacts compute_load_balancer(Program& p, const Uuid& uuid) {
    LoadBalancerFacts out;
    const nb::LoadBalancer* row = p.in.load_balancers.get(uuid);
    if (!row) return out;
    out.uuid = uuid;
    out.name = row->name;
    out.protocol = row->protocol.value_or("tcp");
    out.options = row->options;
    out.reject = get_bool(row->options, "reject");
    out.event = get_bool(row->options, "event");
    out.skip_snat = get_bool(row->options, "skip_snat");
    out.routable = get_bool(row->options, "add_route");
    out.affinity_timeout = get_int(row->options, "affinity_timeout");
    out.neighbor_responder = get_string(row->options, "neighbor_responder", "reachable");
    for (const std::string& field : row->selection_fields) out.selection_fields.push_back(field);
    out.is_template = get_bool(row->options, "template");
    out.distributed = get_bool(row->options, "distributed");
    out.stateless_nat = get_bool(row->options, "use_stateless_nat") && !out.is_template;
    bool is_ip6 = get_string(row->options, "address-family") == "ipv6";
    for (const auto& [key, backends] : row->vips) {
        auto endpoint = out.is_template ? parse_template_endpoint(key, is_ip6) : parse_endpoint(key);
        if (!endpoint) {
            out.bad_vips.push_back(key);
            continue;
        }
        Vip vip;
        vip.endpoint = *endpoint;
        vip.backends_text = backends;
        for (const Uuid& check : row->health_check) {
            const nb::LoadBalancerHealthCheck* health = p.in.health_checks.get(check);
            if (health && health->vip == key) {
                vip.has_health_check = true;
                vip.health_options = health->options;
            }
        }
        vip.backends = parse_backends(p, *row, vip, out.is_template);
        out.vips.push_back(std::move(vip));
    }
    return out;
}

VipSummary compute_lb_vips(Program& p, const Uuid& uuid) {
    const LoadBalancerFacts& lb = p.load_balancer(uuid);
    VipSummary out;
    Lists lists;
    for (const Vip& vip : lb.vips) {
        out.any = true;
        if (lb.is_template) continue;  // each chassis has its own addresses
        bool is_ip6 = vip.endpoint.is_ip6;
        auto put = [&](size_t of_ip4) { lists[of_ip4 + is_ip6].push_back(vip.endpoint.address); };
        put(kAll);
        if (lb.neighbor_responder == "all") {
            put(kAllResponder);
        } else if (lb.neighbor_responder != "none") {
            put(kReachable);
        }
        if (lb.routable) put(kRoutable);
    }
    out.any_skip_snat = out.any && lb.skip_snat;
    out.any_distributed = out.any && lb.distributed;
    set_lists(out, std::move(lists));
    return out;
}

VipSummary compute_lb_group_vips(Program& p, const Uuid& group) {
    VipSummary out;
    const nb::LoadBalancerGroup* row = p.in.load_balancer_groups.get(group);
    if (!row) return out;
    Lists lists;
    for (const Uuid& lb : row->load_balancer) {
        const VipSummary& each = p.lb_vips(lb);
        out.any |= each.any;
        out.any_skip_snat |= each.any_skip_snat;
        out.any_distributed |= each.any_distributed;
        for (size_t i = 0; i < lists.size(); ++i) {
            const AddressList& list = each.*kLists[i];
            lists[i].insert(lists[i].end(), list.begin(), list.end());
        }
    }
    set_lists(out, std::move(lists));
    return out;
}

VipSummary compute_switch_vips(Program& p, const Uuid& sw) {
    VipSummary out;
    const nb::LogicalSwitch* row = p.in.switches.get(sw);
    if (!row) return out;
    // A switch only wants to know whether there are any.
    for (const Uuid& lb : row->load_balancer) out.any |= p.lb_vips(lb).any;
    for (const Uuid& group : row->load_balancer_group) out.any |= p.lb_group_vips(group).any;
    return out;
}

VipSummary compute_router_vips(Program& p, const Uuid& router) {
    VipSummary out;
    const nb::LogicalRouter* row = p.in.routers.get(router);
    if (!row) return out;
    for (const Uuid& lb : row->load_balancer) out.add(p.lb_vips(lb));
    for (const Uuid& group : row->load_balancer_group) out.add(p.lb_group_vips(group));
    return out;
}

VipSets compute_vip_sets(Program& p, const Uuid& router) {
    const VipSummary& vips = p.router_vips(router);
    VipSets out{vips.ip4_all_responder, vips.ip6_all_responder};
    for (const Uuid& uuid : p.router_ports(router)) {
        const PortAddresses& networks = p.router_port(uuid).addresses;
        out.ip4.add(AddressList(vips.ip4_reachable.within(networks.ip4)));
        out.ip6.add(AddressList(vips.ip6_reachable.within(networks.ip6)));
    }
    return out;
}

VipKinds compute_vip_kinds(Program& p, const Uuid& router) {
    const VipSets& sets = p.vip_sets(router);
    return {!sets.ip4.empty(), !sets.ip6.empty()};
}

NearVips compute_near_vips(Program& p, const Uuid& router_port) {
    const RouterPort& port = p.router_port(router_port);
    const VipSummary& vips = p.router_vips(port.router);
    NearVips out;
    for (const AddressList* list : {&vips.ip4_reachable, &vips.ip4_all_responder}) {
        for (std::string& ip : list->within(port.addresses.ip4)) out.ip4.push_back(std::move(ip));
    }
    for (const AddressList* list : {&vips.ip6_reachable, &vips.ip6_all_responder}) {
        for (std::string& ip : list->within(port.addresses.ip6)) out.ip6.push_back(std::move(ip));
    }
    return out;
}

std::vector<std::string> compute_own_vips(Program& p, const Uuid& router_port) {
    const RouterPort& port = p.router_port(router_port);
    const VipSummary& vips = p.router_vips(port.router);
    std::vector<std::string> out;
    for (const Ip4& ip : port.addresses.ip4) {
        if (vips.ip4.contains(ip.address)) out.push_back(ip.address);
    }
    for (const Ip6Net& ip : port.addresses.ip6) {
        if (vips.ip6.contains(ip.address)) out.push_back(ip.address);
    }
    return out;
}

Datapaths compute_switches_of_lb(Program& p, const Uuid& lb) {
    std::vector<Uuid> out;
    for (const Uuid& sw : p.direct_switches_of_lb[lb]) out.push_back(sw);
    for (const Uuid& group : p.groups_of_lb[lb]) {
        for (const Uuid& sw : p.switches_of_lb_group[group]) out.push_back(sw);
    }
    return Datapaths(std::move(out));
}

Datapaths compute_routers_of_lb(Program& p, const Uuid& lb) {
    std::vector<Uuid> out;
    for (const Uuid& router : p.direct_routers_of_lb[lb]) out.push_back(router);
    for (const Uuid& group : p.groups_of_lb[lb]) {
        for (const Uuid& router : p.routers_of_lb_group[group]) out.push_back(router);
    }
    return Datapaths(std::move(out));
}

}  // namespace weft::northd
