// OpenStack's Networking service (Neutron, API v2.0), asked as a tenant whom the Identity service (Keystone,
// API v2.0 or v3) knows by name and password.
//
// Who asks, and where, is told by the environment variables of OpenStack's RC files (openstack_settings()).
// A token is kept until Neutron refuses it; then another is asked for, once.  Neutron's address comes from
// the token's service catalogue.  Errors are the services' own words.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/value.h"
#include "net/http_client.h"

namespace weft::docker {

struct OpenstackSettings {
    std::string auth_url;  // of Keystone, with its version
    bool v3 = false;
    std::string user, password;
    std::string tenant_id;                         // in v3 the project
    std::string user_domain_id, user_domain_name;  // v3
    std::string region, interface = "public";
    std::string vif_id;  // Neutron's port of this VM by which containers send
    net::HttpClient::Settings http;
};

// From OS_AUTH_URL, OS_USERNAME, OS_TENANT_ID (or OS_PROJECT_ID) and OS_VIF_ID, which have to be there, and
// OS_PASSWORD, OS_USER_DOMAIN_ID, OS_USER_DOMAIN_NAME, OS_REGION_NAME, OS_INTERFACE or OS_ENDPOINT_TYPE,
// OS_CACERT, OS_INSECURE.  `variable`: as getenv(3).
Result<OpenstackSettings> openstack_settings(const std::function<const char*(const char*)>& variable);

class Openstack {
  public:
    explicit Openstack(OpenstackSettings settings);
    Result<void> start(net::Loop& loop);

    // The first thing of `kind` ("networks", "subnets", "ports") with that name, or nothing.
    using Found = std::function<void(Result<std::optional<json::Object>>)>;
    void find(const std::string& kind, const std::string& name, Found done);
    // `one` is the kind's singular, by which Neutron wraps its members.
    using Made = std::function<void(Result<json::Object>)>;
    void create(const std::string& kind, const std::string& one, json::Object members, Made done);
    using Removed = std::function<void(Result<void>)>;
    void remove(const std::string& kind, const std::string& id, Removed done);

  private:
    using Answered = std::function<void(Result<json::Value>)>;
    void ask(const std::string& method, const std::string& path, const std::string& body, Answered done);
    void ask_with_token(const std::string& method, const std::string& path, const std::string& body,
                        bool again, Answered done);
    using Authenticated = std::function<void(Result<void>)>;
    void authenticate(Authenticated done);
    Result<void> take_token(const net::HttpResponse& response);

    OpenstackSettings settings_;
    std::unique_ptr<net::HttpClient> http_;
    std::string token_, network_url_;
};

// The body that asks Keystone for a token.
json::Object token_request(const OpenstackSettings& settings);
// Where the catalogue of a token (the answer's body) has the Networking service.
Result<std::string> network_endpoint(const OpenstackSettings& settings, const json::Object& answer);

}  // namespace weft::docker
