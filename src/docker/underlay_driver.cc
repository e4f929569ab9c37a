#include "docker/underlay_driver.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "packet/address.h"

namespace weft::docker {

namespace {

constexpr int kMaxTag = 4094;

std::string subnet_name(const std::string& network) {
    return "docker-" + network;
}

// "\"1,2\"\n", as `get` prints it.
std::vector<int> parse_tags(std::string_view printed) {
    std::vector<int> out;
    for (size_t i = 0; i < printed.size();) {
        int tag = 0;
        auto [end, error] = std::from_chars(printed.data() + i, printed.data() + printed.size(), tag);
        if (error == std::errc()) out.push_back(tag);
        i = std::max(static_cast<size_t>(end - printed.data()), i + 1);
    }
    return out;
}

int unused_tag(const std::vector<int>& tags) {
    for (int tag = 1; tag <= kMaxTag; ++tag) {
        if (std::find(tags.begin(), tags.end(), tag) == tags.end()) return tag;
    }
    return 0;
}

std::string tag_key(const std::string& endpoint) {
    return endpoint + "_vlan";
}

// The first of a port's addresses.
std::string ip_of(const json::Object& port) {
    const json::Array* addresses = array_in(port, "fixed_ips");
    const json::Object* first = addresses && !addresses->empty() ? addresses->front().as_object() : nullptr;
    return first ? text_of(*first, "ip_address") : "";
}

json::Value or_null(std::string text) {
    return text.empty() ? json::Value() : json::Value(std::move(text));
}

}  // namespace

UnderlayDriver::UnderlayDriver(net::Loop& loop, std::string bridge, const OpenstackSettings& settings)
    : RemoteDriver(loop), bridge_(std::move(bridge)), vif_id_(settings.vif_id), openstack_(settings) {}

void UnderlayDriver::prepare(Prepared done) {
    if (Result<void> started = openstack_.start(loop_); !started) return done(std::move(started));
    commands_.host({"list-br"}, [this, done](const Result<std::string>& bridges) {
        if (!bridges) return done(Error{bridges.message()});
        if (("\n" + *bridges).find("\n" + bridge_ + "\n") != std::string::npos) return done({});
        done(Error{
            fmt::format("there is no bridge {} (ovs-vsctl add-br {}, with the interface by which containers "
                        "are to send as its port)",
                        bridge_, bridge_)});
    });
}

void UnderlayDriver::create_network(Request& request) {
    Result<Pool> pool = pool_of(request);
    if (!pool) return fail(pool.message());
    openstack_.find("networks", request.network, [=, this, &request](const auto& found) {
        if (!found) return fail("create_network: neutron net-list: " + found.message());
        if (*found) return fail("create_network: network has already been created");
        openstack_.create("networks", "network", {{"name", request.network}, {"admin_state_up", true}},
                          [=, this, &request](const Result<json::Object>& made) {
                              if (!made) return fail("create_network: neutron net-create: " + made.message());
                              make_subnet(request, *pool, text_of(*made, "id"));
                          });
    });
}

void UnderlayDriver::make_subnet(const Request& request, const Pool& pool, const std::string& network) {
    bool v4 = packet::parse_ipv4(pool.gateway).has_value();
    json::Object subnet{{"network_id", network},
                        {"ip_version", v4 ? 4 : 6},
                        {"cidr", pool.subnet},
                        {"gateway_ip", pool.gateway},
                        {"name", subnet_name(request.network)}};
    openstack_.create("subnets", "subnet", std::move(subnet), [=, this](const Result<json::Object>& made) {
        if (made) return succeed();
        std::string reason = "create_network: neutron subnet-create: " + made.message();
        openstack_.remove("networks", network, [=, this](const Result<void>&) { fail(reason); });
    });
}

void UnderlayDriver::delete_network(Request& request) {
    openstack_.find("networks", request.network, [this, &request](const auto& found) {
        if (!found) return fail("delete_network: neutron net-list: " + found.message());
        if (!*found)
            return fail(fmt::format("delete_network: failed in network by name. ({})", request.network));
        openstack_.remove("networks", text_of(**found, "id"), [this](const Result<void>& removed) {
            removed ? succeed() : fail("delete_network: neutron net-delete: " + removed.message());
        });
    });
}

void UnderlayDriver::with_tags(const std::string& what, std::function<void(std::vector<int>)> next) {
    commands_.host(
        {"--if-exists", "get", "Open_vSwitch", ".", "external_ids:vlans"},
        then(what, [next = std::move(next)](const std::string& output) { next(parse_tags(output)); }));
}

void UnderlayDriver::with_port(const std::string& endpoint, const std::string& what,
                               std::function<void(const json::Object&)> next) {
    openstack_.find("ports", endpoint, [=, this, next = std::move(next)](const auto& found) {
        if (!found) return fail(fmt::format("{}: neutron port-list: {}", what, found.message()));
        if (!*found) return fail(what + ": Failed to get endpoint by name");
        next(**found);
    });
}

void UnderlayDriver::create_endpoint(Request& request) {
    Result<Addresses> given = addresses_of(request);
    if (!given) return fail(given.message());
    openstack_.find("ports", request.endpoint, [=, this, &request](const auto& port) {
        if (!port) return fail("create_endpoint: neutron port-list: " + port.message());
        if (*port) return fail("create_endpoint: endpoint has already been created");
        openstack_.find("networks", request.network, [=, this, &request](const auto& network) {
            if (!network) return fail("create_endpoint: neutron net-list: " + network.message());
            if (!*network)
                return fail(fmt::format("Failed to get neutron network record for ({})", request.network));
            make_port(request, *given, text_of(**network, "id"));
        });
    });
}

void UnderlayDriver::make_port(const Request& request, const Addresses& given, const std::string& network) {
    with_tags("create_endpoint: failed to get vlans:", [=, this, &request](const std::vector<int>& tags) {
        int tag = unused_tag(tags);
        if (!tag)
            return fail(fmt::format("create_endpoint: all {} VLANs of this machine are in use", kMaxTag));
        json::Array addresses = json::array_of(json::Object{{"ip_address", given.ip}});
        if (!given.ip6.empty()) addresses.emplace_back(json::Object{{"ip_address", given.ip6}});
        json::Object port{{"network_id", network},
                          {"binding:profile", json::Object{{"parent_name", vif_id_}, {"tag", tag}}},
                          {"fixed_ips", std::move(addresses)},
                          {"name", request.endpoint},
                          {"admin_state_up", true}};
        if (!given.mac.empty()) port.add("mac_address", given.mac);
        openstack_.create("ports", "port", std::move(port),
                          [=, this, &request](const Result<json::Object>& made) {
                              if (!made)
                                  return fail("create_endpoint: neutron port-create: " + made.message());
                              keep_tag(request, tags, tag, *made);
                          });
    });
}

void UnderlayDriver::keep_tag(const Request& request, const std::vector<int>& tags, int tag,
                              const json::Object& port) {
    std::vector<int> all = tags;
    all.push_back(tag);
    std::string told = text_of(*object_in(request.body, "Interface"), "MacAddress");
    std::string chosen = told.empty() ? text_of(port, "mac_address") : "";
    commands_.host({"set", "Open_vSwitch", ".", fmt::format("external_ids:vlans=\"{}\"", fmt::join(all, ",")),
                    fmt::format("external_ids:{}={}", tag_key(request.endpoint), tag)},
                   [=, this, id = text_of(port, "id")](const Result<std::string>& output) {
                       if (output) return tell_endpoint(chosen);
                       std::string reason = "create_endpoint: failed to set vlans: " + output.message();
                       openstack_.remove("ports", id, [=, this](const Result<void>&) { fail(reason); });
                   });
}

void UnderlayDriver::delete_endpoint(Request& request) {
    openstack_.find("ports", request.endpoint, [this, &request](const auto& port) {
        if (!port) return fail("delete_endpoint: neutron port-list: " + port.message());
        // One that is gone already is no reason to keep its tag.
        auto forget = [this, endpoint = request.endpoint](const Result<void>& removed) {
            if (!removed) return fail("delete_endpoint: neutron port-delete: " + removed.message());
            with_tags("delete_endpoint: failed to get vlans:",
                      [this, endpoint](const std::vector<int>& tags) { forget_tag(endpoint, tags); });
        };
        if (!*port) return forget({});
        openstack_.remove("ports", text_of(**port, "id"), forget);
    });
}

void UnderlayDriver::forget_tag(const std::string& endpoint, const std::vector<int>& tags) {
    std::string key = tag_key(endpoint);
    commands_.host(
        {"--if-exists", "get", "Open_vSwitch", ".", "external_ids:" + key},
        then("delete_endpoint: failed to get vlan:", [=, this](const std::string& output) {
            std::vector<int> ours = parse_tags(output);
            if (ours.empty()) return succeed();
            std::vector<int> left = tags;
            std::erase(left, ours[0]);
            Commands::Words words{"remove", "Open_vSwitch", ".", "external_ids", key, "--"};
            if (left.empty()) {
                words.insert(words.end(), {"remove", "Open_vSwitch", ".", "external_ids", "vlans"});
            } else {
                words.insert(words.end(), {"set", "Open_vSwitch", ".",
                                           fmt::format("external_ids:vlans=\"{}\"", fmt::join(left, ","))});
            }
            commands_.host(words, then("delete_endpoint: failed to set vlans:",
                                       [this](const std::string&) { succeed(); }));
        }));
}

void UnderlayDriver::endpoint_info(Request& request) {
    with_port(request.endpoint, "show_endpoint", [this, &request](const json::Object& port) {
        succeed({{"Value", json::Object{{"ip_address", or_null(ip_of(port))},
                                        {"mac_address", or_null(text_of(port, "mac_address"))},
                                        {"veth_outside", veth_outside(request.endpoint)}}}});
    });
}

void UnderlayDriver::join(Request& request) {
    openstack_.find("subnets", subnet_name(request.network), [this, &request](const auto& subnet) {
        if (!subnet) return fail("network_join: neutron subnet-list: " + subnet.message());
        if (!*subnet) return fail("network_join: Failed to get subnet by name");
        with_port(request.endpoint, "network_join",
                  [this, &request, gateway = text_of(**subnet, "gateway_ip")](const json::Object& port) {
                      attach(request, gateway, text_of(port, "mac_address"));
                  });
    });
}

void UnderlayDriver::attach(const Request& request, const std::string& gateway, const std::string& mac) {
    commands_.host({"--if-exists", "get", "Open_vSwitch", ".", "external_ids:" + tag_key(request.endpoint)},
                   then("network_join: failed to get vlan:", [=, this, &request](const std::string& output) {
                       std::vector<int> tag = parse_tags(output);
                       if (tag.empty())
                           return fail(
                               fmt::format("network_join: endpoint {} has no VLAN on this machine "
                                           "(it was created on another)",
                                           request.endpoint));
                       plug(request, bridge_, mac, {fmt::format("tag={}", tag[0])}, gateway);
                   }));
}

}  // namespace weft::docker
