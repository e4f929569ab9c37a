#include "docker/remote_driver.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "json/text.h"
#include "packet/address.h"

namespace weft::docker {

namespace {

log::Module lg("docker");

constexpr size_t kMaxDeviceName = 15;

std::string_view without_bits(std::string_view address) {
    return address.substr(0, address.find('/'));
}

bool is_ip(std::string_view address) {
    return packet::parse_ipv4(address) || packet::parse_ipv6(address);
}

std::string veth_inside(const std::string& endpoint) {
    return endpoint.substr(0, kMaxDeviceName - 2) + "_c";
}

}  // namespace

bool is_name(std::string_view text) {
    auto fits = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-';
    };
    return !text.empty() && text[0] != '-' && std::all_of(text.begin(), text.end(), fits);
}

std::string RemoteDriver::veth_outside(const std::string& endpoint) {
    return endpoint.substr(0, kMaxDeviceName);
}

const RemoteDriver::Method RemoteDriver::kMethods[] = {
    {"/Plugin.Activate", &RemoteDriver::activate, false, false, false},
    {"/NetworkDriver.GetCapabilities", &RemoteDriver::capabilities, false, false, false},
    {"/NetworkDriver.DiscoverNew", &RemoteDriver::nothing, false, false, false},
    {"/NetworkDriver.DiscoverDelete", &RemoteDriver::nothing, false, false, false},
    {"/NetworkDriver.CreateNetwork", &RemoteDriver::create_network, true, false, false},
    {"/NetworkDriver.DeleteNetwork", &RemoteDriver::delete_network, true, false, false},
    {"/NetworkDriver.CreateEndpoint", &RemoteDriver::create_endpoint, true, true, false},
    {"/NetworkDriver.DeleteEndpoint", &RemoteDriver::delete_endpoint, true, true, false},
    {"/NetworkDriver.EndpointOperInfo", &RemoteDriver::endpoint_info, true, true, false},
    {"/NetworkDriver.Join", &RemoteDriver::join, true, true, true},
    {"/NetworkDriver.Leave", &RemoteDriver::leave, true, true, false},
};

RemoteDriver::RemoteDriver(net::Loop& loop) : loop_(loop), commands_(loop) {}

void RemoteDriver::answer(net::HttpRequest request, net::HttpServer::Reply reply) {
    requests_.push_back({std::move(request), std::move(reply), {}, "", ""});
    if (!busy_) begin_next();
}

void RemoteDriver::begin_next() {
    if (requests_.empty()) return;
    busy_ = true;
    begin(requests_.front());
}

void RemoteDriver::begin(Request& request) {
    const Method* method = std::find_if(std::begin(kMethods), std::end(kMethods),
                                        [&](const Method& each) { return each.path == request.http.path; });
    if (method == std::end(kMethods))
        return end(404, {{"Err", request.http.path + " is no method of this driver"}});
    if (request.http.method != "POST")
        return end(405, {{"Err", request.http.path + " is asked with POST, not " + request.http.method}});
    if (Result<void> good = read(request, *method); !good) return end(400, {{"Err", good.message()}});
    lg.dbg("{} {}", request.http.path, request.http.body);
    (this->*method->run)(request);
}

Result<void> RemoteDriver::read(Request& request, const Method& method) {
    if (!method.network) return {};
    Result<json::Value> value = json::parse(request.http.body);
    if (!value) return Error{"the body is not JSON: " + value.message()};
    json::Object* body = value->as_object();
    if (!body) return Error{"the body is to be a JSON object"};
    request.body = std::move(*body);
    auto take = [&](std::string_view member, std::string& into) -> Result<void> {
        into = text_of(request.body, member);
        if (into.empty()) return Error{fmt::format("{} is missing", member)};
        if (!is_name(into)) return Error{fmt::format("{} \"{}\" is not a name", member, into)};
        return {};
    };
    WEFT_TRY(take("NetworkID", request.network));
    if (method.endpoint) WEFT_TRY(take("EndpointID", request.endpoint));
    if (method.sandbox && text_of(request.body, "SandboxKey").empty()) return Error{"SandboxKey is missing"};
    return {};
}

void RemoteDriver::end(int status, json::Object body) {
    Request request = std::move(requests_.front());
    requests_.pop_front();
    busy_ = false;
    request.reply({status, json::to_text(json::with_sorted_members(std::move(body))) + "\n"});
    // Not from within what ended this one.
    loop_.defer([this] {
        if (!busy_) begin_next();
    });
    loop_.wake();
}

void RemoteDriver::fail(std::string reason) {
    lg.warn("{}: {}", requests_.front().http.path, reason);
    end(200, {{"Err", std::move(reason)}});
}

Commands::Done RemoteDriver::then(std::string what, std::function<void(std::string)> next) {
    return [this, what = std::move(what), next = std::move(next)](Result<std::string> output) {
        if (!output) return fail(what + " " + output.message());
        next(*std::move(output));
    };
}

void RemoteDriver::activate(Request&) {
    succeed({{"Implements", json::array_of("NetworkDriver")}});
}

void RemoteDriver::capabilities(Request&) {
    succeed({{"Scope", "global"}});
}

void RemoteDriver::nothing(Request&) {
    succeed();
}

Result<RemoteDriver::Pool> RemoteDriver::pool_of(const Request& request) {
    const json::Array* list = array_in(request.body, "IPv4Data");
    const json::Object* first = list && !list->empty() ? list->front().as_object() : nullptr;
    if (!first) return Error{"create_network: No ipv4 subnet provided"};
    Pool out{text_of(*first, "Pool"), text_of(*first, "Gateway")};
    if (out.subnet.empty()) return Error{"create_network: no subnet in ipv4 data from libnetwork"};
    if (out.gateway.empty()) return Error{"create_network: no gateway in ipv4 data from libnetwork"};
    out.gateway = without_bits(out.gateway);
    std::string_view bits = std::string_view(out.subnet).substr(without_bits(out.subnet).size());
    if (!is_ip(without_bits(out.subnet)) || bits.find_first_not_of("/0123456789") != std::string_view::npos)
        return Error{fmt::format("create_network: subnet \"{}\" is not ADDRESS/BITS", out.subnet)};
    if (!is_ip(out.gateway))
        return Error{fmt::format("create_network: gateway \"{}\" is no address", out.gateway)};
    return out;
}

Result<RemoteDriver::Addresses> RemoteDriver::addresses_of(const Request& request) {
    const json::Object* interface = object_in(request.body, "Interface");
    if (!interface || interface->empty())
        return Error{"create_endpoint: no interfaces structure supplied by libnetwork"};
    Addresses out;
    out.mac = text_of(*interface, "MacAddress");
    out.ip = without_bits(text_of(*interface, "Address"));
    out.ip6 = without_bits(text_of(*interface, "AddressIPv6"));
    if (out.ip.empty()) return Error{"create_endpoint: ip address not provided by libnetwork"};
    for (const std::string& each : {out.ip, out.ip6}) {
        if (!each.empty() && !is_ip(each))
            return Error{fmt::format("create_endpoint: \"{}\" is no IP address", each)};
    }
    if (!out.mac.empty() && !packet::parse_eth(out.mac))
        return Error{fmt::format("create_endpoint: \"{}\" is no Ethernet address", out.mac)};
    return out;
}

void RemoteDriver::tell_endpoint(const std::string& chosen_mac) {
    succeed({{"Interface", json::Object{{"Address", ""}, {"AddressIPv6", ""}, {"MacAddress", chosen_mac}}}});
}

void RemoteDriver::plug(const Request& request, const std::string& bridge, const std::string& mac,
                        const Commands::Words& words, const std::string& gateway) {
    std::optional<packet::EthAddr> parsed = packet::parse_eth(mac);
    if (!parsed) return fail(fmt::format("network_join: \"{}\" is no Ethernet address", mac));
    VethPair pair{veth_outside(request.endpoint), veth_inside(request.endpoint), *parsed};
    if (Result<void> made = make_veth_pair(pair); !made)
        return fail("network_join: failed to create veth pair: " + made.message());
    Commands::Words all{"add-port", bridge, pair.outside};
    all.insert(all.end(), words.begin(), words.end());
    commands_.host(all, [this, pair, gateway](const Result<std::string>& output) {
        if (!output) {
            (void)remove_veth_pair(pair.outside);
            return fail("network_join: failed to create a port: " + output.message());
        }
        succeed({{"Gateway", gateway},
                 {"GatewayIPv6", ""},
                 {"InterfaceName", json::Object{{"DstPrefix", "eth"}, {"SrcName", pair.inside}}}});
    });
}

void RemoteDriver::leave(Request& request) {
    std::string outside = veth_outside(request.endpoint);
    // A device that is gone already is no reason to keep its port.
    Result<void> removed = remove_veth_pair(outside);
    std::string missing = removed ? "" : "network_leave: failed to delete veth pair: " + removed.message();
    commands_.host({"--if-exists", "del-port", outside},
                   then("network_leave: failed to delete port:", [this, missing](const std::string&) {
                       missing.empty() ? succeed() : fail(missing);
                   }));
}

}  // namespace weft::docker
