#include "docker/overlay_driver.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/uuid.h"
#include "docker/veth.h"
#include "json/text.h"
#include "packet/address.h"

namespace weft::docker {

namespace {

log::Module lg("docker");

constexpr size_t kMaxDeviceName = 15;
constexpr const char* kDefaultBridge = "br-int";

// The text of a member, "" if there is none.
std::string text_of(const json::Object& object, std::string_view name) {
    const json::Value* value = object.find(name);
    const std::string* text = value ? value->as_string() : nullptr;
    return text ? *text : "";
}

// What Docker names things by goes into commands: words that these would take for something else are none.
bool is_name(std::string_view text) {
    auto fits = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-';
    };
    return !text.empty() && text[0] != '-' && std::all_of(text.begin(), text.end(), fits);
}

std::string_view without_bits(std::string_view address) {
    return address.substr(0, address.find('/'));
}

bool is_ip(std::string_view address) {
    return packet::parse_ipv4(address) || packet::parse_ipv6(address);
}

std::string veth_outside(const std::string& endpoint) {
    return endpoint.substr(0, kMaxDeviceName);
}

std::string veth_inside(const std::string& endpoint) {
    return endpoint.substr(0, kMaxDeviceName - 2) + "_c";
}

// Locally administered, as ovn-nbctl's users know them from Debian's driver.
std::string random_mac() {
    packet::EthAddr mac{};
    std::string random = Uuid::random().to_string();
    for (size_t i = 0; i < mac.size(); ++i)
        mac[i] = static_cast<uint8_t>(std::stoul(random.substr(24 + 2 * i, 2), nullptr, 16));
    mac[0] = 0x02;
    return packet::to_string(mac);
}

// "[\"02:00:00:00:00:01 10.0.0.2 fd00::2\"]", as `get` prints it, to the words.
std::vector<std::string> address_words(std::string_view printed) {
    std::vector<std::string> out;
    std::string word;
    for (char c : printed) {
        if (std::isalnum(static_cast<unsigned char>(c)) || c == ':' || c == '.') {
            word += c;
        } else if (!word.empty()) {
            out.push_back(std::exchange(word, ""));
        }
    }
    return out;
}

}  // namespace

const OverlayDriver::Method OverlayDriver::kMethods[] = {
    {"/Plugin.Activate", &OverlayDriver::activate, false, false, false},
    {"/NetworkDriver.GetCapabilities", &OverlayDriver::capabilities, false, false, false},
    {"/NetworkDriver.DiscoverNew", &OverlayDriver::nothing, false, false, false},
    {"/NetworkDriver.DiscoverDelete", &OverlayDriver::nothing, false, false, false},
    {"/NetworkDriver.CreateNetwork", &OverlayDriver::create_network, true, false, false},
    {"/NetworkDriver.DeleteNetwork", &OverlayDriver::delete_network, true, false, false},
    {"/NetworkDriver.CreateEndpoint", &OverlayDriver::create_endpoint, true, true, false},
    {"/NetworkDriver.DeleteEndpoint", &OverlayDriver::delete_endpoint, true, true, false},
    {"/NetworkDriver.EndpointOperInfo", &OverlayDriver::endpoint_info, true, true, false},
    {"/NetworkDriver.Join", &OverlayDriver::join, true, true, true},
    {"/NetworkDriver.Leave", &OverlayDriver::leave, true, true, false},
};

OverlayDriver::OverlayDriver(net::Loop& loop) : loop_(loop), commands_(loop) {}

void OverlayDriver::prepare(Prepared done) {
    read_setting("ovn-nb", done, [this, done](std::string northbound) {
        if (northbound.empty())
            return done(
                Error{"external_ids:ovn-nb of Open_vSwitch does not say where the northbound database "
                      "is (ovs-vsctl set Open_vSwitch . external_ids:ovn-nb=tcp:ADDRESS:6641)"});
        northbound_ = std::move(northbound);
        read_setting("ovn-bridge", done, [this, done](const std::string& bridge) {
            bridge_ = bridge.empty() ? kDefaultBridge : bridge;
            make_bridge(done);
        });
    });
}

void OverlayDriver::read_setting(const std::string& key, const Prepared& done,
                                 std::function<void(std::string)> next) {
    commands_.host({"--if-exists", "get", "Open_vSwitch", ".", "external_ids:" + key},
                   [done, next = std::move(next)](Result<std::string> output) {
                       if (!output) return done(Error{output.message()});
                       std::erase_if(*output, [](char c) { return c == '"' || c == '\n'; });
                       next(*std::move(output));
                   });
}

void OverlayDriver::make_bridge(const Prepared& done) {
    commands_.host({"list-br"}, [this, done](const Result<std::string>& bridges) {
        if (!bridges) return done(Error{bridges.message()});
        Commands::Words words = {"set", "open_vswitch", ".", "external_ids:ovn-bridge=" + bridge_};
        if (("\n" + *bridges).find("\n" + bridge_ + "\n") == std::string::npos) {
            Commands::Words make = {"--",
                                    "add-br",
                                    bridge_,
                                    "--",
                                    "set",
                                    "bridge",
                                    bridge_,
                                    "external_ids:bridge-id=" + bridge_,
                                    "other-config:disable-in-band=true",
                                    "fail-mode=secure"};
            words.insert(words.end(), make.begin(), make.end());
        }
        commands_.host(words, [done](const Result<std::string>& output) {
            done(output ? Result<void>() : Result<void>(Error{output.message()}));
        });
    });
}

void OverlayDriver::answer(net::HttpRequest request, net::HttpServer::Reply reply) {
    requests_.push_back({std::move(request), std::move(reply), {}, "", ""});
    if (!busy_) begin_next();
}

void OverlayDriver::begin_next() {
    if (requests_.empty()) return;
    busy_ = true;
    begin(requests_.front());
}

void OverlayDriver::begin(Request& request) {
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

Result<void> OverlayDriver::read(Request& request, const Method& method) {
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

void OverlayDriver::end(int status, json::Object body) {
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

void OverlayDriver::fail(std::string reason) {
    lg.warn("{}: {}", requests_.front().http.path, reason);
    end(200, {{"Err", std::move(reason)}});
}

Commands::Done OverlayDriver::then(std::string what, std::function<void(std::string)> next) {
    return [this, what = std::move(what), next = std::move(next)](Result<std::string> output) {
        if (!output) return fail(what + " " + output.message());
        next(*std::move(output));
    };
}

void OverlayDriver::northbound(const Commands::Words& words, Commands::Done done) {
    commands_.northbound(northbound_, words, std::move(done));
}

void OverlayDriver::activate(Request&) {
    succeed({{"Implements", json::array_of("NetworkDriver")}});
}

void OverlayDriver::capabilities(Request&) {
    succeed({{"Scope", "global"}});
}

void OverlayDriver::nothing(Request&) {
    succeed();
}

void OverlayDriver::create_network(Request& request) {
    const json::Value* data = request.body.find("IPv4Data");
    const json::Array* list = data ? data->as_array() : nullptr;
    const json::Object* first = list && !list->empty() ? list->front().as_object() : nullptr;
    if (!first) return fail("create_network: No ipv4 subnet provided");
    std::string subnet = text_of(*first, "Pool"), gateway = text_of(*first, "Gateway");
    if (subnet.empty()) return fail("create_network: no subnet in ipv4 data from libnetwork");
    if (gateway.empty()) return fail("create_network: no gateway in ipv4 data from libnetwork");
    gateway = without_bits(gateway);
    std::string_view bits = std::string_view(subnet).substr(without_bits(subnet).size());
    if (!is_ip(without_bits(subnet)) || bits.find_first_not_of("/0123456789") != std::string_view::npos)
        return fail(fmt::format("create_network: subnet \"{}\" is not ADDRESS/BITS", subnet));
    if (!is_ip(gateway)) return fail(fmt::format("create_network: gateway \"{}\" is no address", gateway));
    northbound({"ls-add", request.network, "--", "set", "Logical_Switch", request.network,
                "external_ids:subnet=" + subnet, "external_ids:gateway_ip=" + gateway},
               then("create_network: ls-add", [this](const std::string&) { succeed(); }));
}

void OverlayDriver::delete_network(Request& request) {
    northbound({"ls-del", request.network},
               then("delete_network: ls-del", [this](const std::string&) { succeed(); }));
}

void OverlayDriver::create_endpoint(Request& request) {
    const json::Value* value = request.body.find("Interface");
    const json::Object* interface = value ? value->as_object() : nullptr;
    if (!interface || interface->empty())
        return fail("create_endpoint: no interfaces structure supplied by libnetwork");
    std::string mac = text_of(*interface, "MacAddress");
    std::string ip(without_bits(text_of(*interface, "Address")));
    std::string ip6(without_bits(text_of(*interface, "AddressIPv6")));
    if (ip.empty()) return fail("create_endpoint: ip address not provided by libnetwork");
    for (const std::string& each : {ip, ip6}) {
        if (!each.empty() && !is_ip(each))
            return fail(fmt::format("create_endpoint: \"{}\" is no IP address", each));
    }
    if (!mac.empty() && !packet::parse_eth(mac))
        return fail(fmt::format("create_endpoint: \"{}\" is no Ethernet address", mac));
    std::string chosen = mac.empty() ? random_mac() : mac;
    create_port(request, mac.empty() ? chosen : "", chosen + " " + ip + (ip6.empty() ? "" : " " + ip6));
}

void OverlayDriver::create_port(Request& request, const std::string& told_mac, const std::string& addresses) {
    northbound({"lsp-add", request.network, request.endpoint, "--", "lsp-set-addresses", request.endpoint,
                addresses},
               then("create_endpoint: lsp-add", [this, told_mac](const std::string&) {
                   // Only what Docker did not choose itself is told to it.
                   succeed({{"Interface",
                             json::Object{{"Address", ""}, {"AddressIPv6", ""}, {"MacAddress", told_mac}}}});
               }));
}

void OverlayDriver::delete_endpoint(Request& request) {
    northbound({"lsp-del", request.endpoint},
               then("delete_endpoint: lsp-del", [this](const std::string&) { succeed(); }));
}

void OverlayDriver::endpoint_info(Request& request) {
    northbound({"--if-exists", "get", "Logical_Switch_Port", request.endpoint, "addresses"},
               then("show_endpoint: get port", [this, &request](const std::string& output) {
                   std::vector<std::string> words = address_words(output);
                   auto word = [&](size_t i) {
                       return i < words.size() ? json::Value(words[i]) : json::Value();
                   };
                   succeed({{"Value", json::Object{{"ip_address", word(1)},
                                                   {"mac_address", word(0)},
                                                   {"veth_outside", veth_outside(request.endpoint)}}}});
               }));
}

void OverlayDriver::join(Request& request) {
    northbound({"--if-exists", "get", "Logical_Switch_Port", request.endpoint, "addresses"},
               then("network_join: get port", [this, &request](const std::string& output) {
                   std::vector<std::string> words = address_words(output);
                   if (words.empty())
                       return fail(
                           fmt::format("network_join: the northbound database has no addresses of "
                                       "endpoint {}",
                                       request.endpoint));
                   attach(request, words[0]);
               }));
}

void OverlayDriver::attach(const Request& request, const std::string& mac) {
    std::string sandbox = text_of(request.body, "SandboxKey");
    sandbox = sandbox.substr(sandbox.rfind('/') + 1);
    std::optional<packet::EthAddr> parsed = packet::parse_eth(mac);
    if (!parsed) return fail(fmt::format("network_join: \"{}\" is no Ethernet address", mac));
    if (!is_name(sandbox)) return fail(fmt::format("network_join: sandbox \"{}\" is not a name", sandbox));
    VethPair pair{veth_outside(request.endpoint), veth_inside(request.endpoint), *parsed};
    if (Result<void> made = make_veth_pair(pair); !made)
        return fail("network_join: failed to create veth pair: " + made.message());
    commands_.host(
        {"add-port", bridge_, pair.outside, "--", "set", "interface", pair.outside,
         "external_ids:attached-mac=" + mac, "external_ids:iface-id=" + request.endpoint,
         "external_ids:vm-id=" + sandbox, "external_ids:iface-status=active"},
        [this, pair](const Result<std::string>& output) {
            if (!output) {
                (void)remove_veth_pair(pair.outside);
                return fail("network_join: failed to create a port: " + output.message());
            }
            succeed({{"Gateway", ""},
                     {"GatewayIPv6", ""},
                     {"InterfaceName", json::Object{{"DstPrefix", "eth"}, {"SrcName", pair.inside}}}});
        });
}

void OverlayDriver::leave(Request& request) {
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
