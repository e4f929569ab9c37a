#include "docker/overlay_driver.h"

#include <fmt/format.h>

#include <utility>

#include "base/uuid.h"
#include "packet/address.h"

namespace weft::docker {

namespace {

constexpr const char* kDefaultBridge = "br-int";

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

void OverlayDriver::northbound(const Commands::Words& words, Commands::Done done) {
    commands_.northbound(northbound_, words, std::move(done));
}

void OverlayDriver::create_network(Request& request) {
    Result<Pool> pool = pool_of(request);
    if (!pool) return fail(pool.message());
    northbound({"ls-add", request.network, "--", "set", "Logical_Switch", request.network,
                "external_ids:subnet=" + pool->subnet, "external_ids:gateway_ip=" + pool->gateway},
               then("create_network: ls-add", [this](const std::string&) { succeed(); }));
}

void OverlayDriver::delete_network(Request& request) {
    northbound({"ls-del", request.network},
               then("delete_network: ls-del", [this](const std::string&) { succeed(); }));
}

void OverlayDriver::create_endpoint(Request& request) {
    Result<Addresses> given = addresses_of(request);
    if (!given) return fail(given.message());
    std::string chosen = given->mac.empty() ? random_mac() : "";
    std::string addresses = (given->mac.empty() ? chosen : given->mac) + " " + given->ip;
    if (!given->ip6.empty()) addresses += " " + given->ip6;
    northbound(
        {"lsp-add", request.network, request.endpoint, "--", "lsp-set-addresses", request.endpoint,
         addresses},
        then("create_endpoint: lsp-add", [this, chosen](const std::string&) { tell_endpoint(chosen); }));
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
    if (!is_name(sandbox)) return fail(fmt::format("network_join: sandbox \"{}\" is not a name", sandbox));
    plug(request, bridge_, mac,
         {"--", "set", "interface", veth_outside(request.endpoint), "external_ids:attached-mac=" + mac,
          "external_ids:iface-id=" + request.endpoint, "external_ids:vm-id=" + sandbox,
          "external_ids:iface-status=active"},
         "");
}

}  // namespace weft::docker
