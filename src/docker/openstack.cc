#include "docker/openstack.h"

#include <fmt/format.h>

#include "base/log.h"
#include "docker/members.h"
#include "json/text.h"

namespace weft::docker {

namespace {

log::Module lg("openstack");

constexpr const char* kDefaultDomain = "default";

bool ends_with(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

std::string without_slashes(std::string url) {
    while (ends_with(url, "/")) url.pop_back();
    return url;
}

// {"NeutronError": {"message": …}}, {"NeutronError": …}, {"error": {"message": …}}.
std::string reason_of(const net::HttpResponse& response) {
    if (Result<json::Value> value = json::parse(response.body); value && value->as_object()) {
        for (const char* member : {"NeutronError", "error"}) {
            const json::Value* told = value->as_object()->find(member);
            if (!told) continue;
            if (const std::string* text = told->as_string()) return *text;
            if (told->as_object()) return text_of(*told->as_object(), "message");
        }
    }
    return fmt::format("status {}", response.status);
}

json::Object domain(const std::string& id, const std::string& name) {
    if (!id.empty() || name.empty()) return {{"id", id.empty() ? kDefaultDomain : id}};
    return {{"name", name}};
}

Result<json::Object> body_of(const net::HttpResponse& response) {
    Result<json::Value> value = json::parse(response.body);
    if (!value) return Error{"the answer is not JSON: " + value.message()};
    if (!value->as_object()) return Error{"the answer is no JSON object"};
    return std::move(*value->as_object());
}

}  // namespace

Result<OpenstackSettings> openstack_settings(const std::function<const char*(const char*)>& variable) {
    auto either = [&](const char* first, const char* second) {
        const char* value = variable(first);
        if ((!value || !*value) && second) value = variable(second);
        return std::string(value ? value : "");
    };
    OpenstackSettings out;
    auto take = [&](std::string& into, const char* name, const char* other = nullptr) -> Result<void> {
        into = either(name, other);
        if (into.empty())
            return Error{fmt::format("env {} not set (it comes from OpenStack's RC file, openrc.sh)", name)};
        return {};
    };
    WEFT_TRY(take(out.auth_url, "OS_AUTH_URL"));
    WEFT_TRY(take(out.user, "OS_USERNAME"));
    WEFT_TRY(take(out.tenant_id, "OS_TENANT_ID", "OS_PROJECT_ID"));
    WEFT_TRY(take(out.vif_id, "OS_VIF_ID"));
    out.password = either("OS_PASSWORD", nullptr);
    out.user_domain_id = either("OS_USER_DOMAIN_ID", nullptr);
    out.user_domain_name = either("OS_USER_DOMAIN_NAME", nullptr);
    out.region = either("OS_REGION_NAME", nullptr);
    if (std::string interface = either("OS_INTERFACE", "OS_ENDPOINT_TYPE"); !interface.empty())
        out.interface = ends_with(interface, "URL") ? interface.substr(0, interface.size() - 3) : interface;
    out.http.ca_file = either("OS_CACERT", nullptr);
    std::string insecure = either("OS_INSECURE", nullptr);
    out.http.verify = insecure.empty() || insecure == "0" || insecure == "false" || insecure == "False";
    out.auth_url = without_slashes(std::move(out.auth_url));
    out.v3 = !ends_with(out.auth_url, "/v2.0");
    // Without a version the newest is meant.
    if (out.v3 && !ends_with(out.auth_url, "/v3")) out.auth_url += "/v3";
    return out;
}

json::Object token_request(const OpenstackSettings& s) {
    if (!s.v3) {
        return {{"auth", json::Object{{"passwordCredentials",
                                       json::Object{{"username", s.user}, {"password", s.password}}},
                                      {"tenantId", s.tenant_id}}}};
    }
    json::Object user{
        {"name", s.user}, {"domain", domain(s.user_domain_id, s.user_domain_name)}, {"password", s.password}};
    json::Object identity{{"methods", json::array_of("password")},
                          {"password", json::Object{{"user", std::move(user)}}}};
    return {{"auth", json::Object{{"identity", std::move(identity)},
                                  {"scope", json::Object{{"project", json::Object{{"id", s.tenant_id}}}}}}}};
}

Result<std::string> network_endpoint(const OpenstackSettings& s, const json::Object& answer) {
    const json::Object* token = object_in(answer, s.v3 ? "token" : "access");
    const json::Array* catalog = token ? array_in(*token, s.v3 ? "catalog" : "serviceCatalog") : nullptr;
    std::string url;
    auto look = [&](const json::Object& endpoint) {
        std::string region = text_of(endpoint, "region");
        if (region.empty()) region = text_of(endpoint, "region_id");
        if (!url.empty() || (!s.region.empty() && region != s.region)) return;
        if (!s.v3)
            url = text_of(endpoint, s.interface + "URL");
        else if (text_of(endpoint, "interface") == s.interface)
            url = text_of(endpoint, "url");
    };
    for (const json::Value& each : catalog ? *catalog : json::Array()) {
        const json::Object* service = each.as_object();
        if (!service || text_of(*service, "type") != "network") continue;
        const json::Array* endpoints = array_in(*service, "endpoints");
        for (const json::Value& endpoint : endpoints ? *endpoints : json::Array()) {
            if (endpoint.as_object()) look(*endpoint.as_object());
        }
    }
    if (url.empty()) {
        return Error{fmt::format("the service catalogue has no {} endpoint of type \"network\"{}{}",
                                 s.interface, s.region.empty() ? "" : " in region ", s.region)};
    }
    url = without_slashes(std::move(url));
    return ends_with(url, "/v2.0") ? url : url + "/v2.0";
}

Openstack::Openstack(OpenstackSettings settings) : settings_(std::move(settings)) {}

Result<void> Openstack::start(net::Loop& loop) {
    WEFT_ASSIGN(http_, net::HttpClient::create(loop, settings_.http));
    return {};
}

void Openstack::authenticate(Authenticated done) {
    net::HttpQuestion question;
    question.method = "POST";
    question.url = settings_.auth_url + (settings_.v3 ? "/auth/tokens" : "/tokens");
    question.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
    question.body = json::to_text(token_request(settings_));
    http_->ask(question, [this, done = std::move(done)](Result<net::HttpResponse> response) {
        if (!response) return done(Error{response.message()});
        done(take_token(*response));
    });
}

Result<void> Openstack::take_token(const net::HttpResponse& response) {
    if (response.status / 100 != 2)
        return Error{fmt::format("{} gives no token: {}", settings_.auth_url, reason_of(response))};
    WEFT_ASSIGN(json::Object answer, body_of(response));
    std::string token(response.header("X-Subject-Token"));
    if (!settings_.v3) {
        const json::Object* access = object_in(answer, "access");
        const json::Object* told = access ? object_in(*access, "token") : nullptr;
        token = told ? text_of(*told, "id") : "";
    }
    if (token.empty()) return Error{settings_.auth_url + ": there is no token in the answer"};
    WEFT_ASSIGN(network_url_, network_endpoint(settings_, answer));
    token_ = std::move(token);
    return {};
}

void Openstack::ask(const std::string& method, const std::string& path, const std::string& body,
                    Answered done) {
    if (!token_.empty()) return ask_with_token(method, path, body, true, std::move(done));
    authenticate([=, this, done = std::move(done)](const Result<void>& known) {
        if (!known) return done(Error{known.message()});
        ask_with_token(method, path, body, false, done);
    });
}

void Openstack::ask_with_token(const std::string& method, const std::string& path, const std::string& body,
                               bool again, Answered done) {
    net::HttpQuestion question;
    question.method = method;
    question.url = network_url_ + path;
    question.headers = {{"X-Auth-Token", token_}, {"Accept", "application/json"}};
    if (!body.empty()) question.headers.emplace_back("Content-Type", "application/json");
    question.body = body;
    http_->ask(question, [=, this, done = std::move(done)](Result<net::HttpResponse> response) {
        if (!response) return done(Error{response.message()});
        lg.dbg("{} {}{}: {}", method, network_url_, path, response->status);
        if (response->status == 401) {
            token_.clear();
            if (again) return ask(method, path, body, done);
        }
        if (response->status / 100 != 2) return done(Error{reason_of(*response)});
        if (response->body.empty()) return done(json::Value());
        done(json::parse(response->body));
    });
}

void Openstack::find(const std::string& kind, const std::string& name, Found done) {
    ask("GET", fmt::format("/{}?name={}", kind, net::escape_for_url(name)), "",
        [kind, done = std::move(done)](Result<json::Value> answer) {
            if (!answer) return done(Error{answer.message()});
            const json::Array* list = answer->as_object() ? array_in(*answer->as_object(), kind) : nullptr;
            if (!list) return done(Error{fmt::format("Neutron's answer has no \"{}\"", kind)});
            const json::Object* first = list->empty() ? nullptr : list->front().as_object();
            done(first ? std::optional<json::Object>(*first) : std::nullopt);
        });
}

void Openstack::create(const std::string& kind, const std::string& one, json::Object members, Made done) {
    ask("POST", "/" + kind, json::to_text(json::Object{{one, std::move(members)}}),
        [one, done = std::move(done)](Result<json::Value> answer) {
            if (!answer) return done(Error{answer.message()});
            const json::Object* made = answer->as_object() ? object_in(*answer->as_object(), one) : nullptr;
            if (!made) return done(Error{fmt::format("Neutron's answer has no \"{}\"", one)});
            done(*made);
        });
}

void Openstack::remove(const std::string& kind, const std::string& id, Removed done) {
    ask("DELETE", fmt::format("/{}/{}", kind, net::escape_for_url(id)), "",
        [done = std::move(done)](const Result<json::Value>& answer) {
            done(answer ? Result<void>() : Result<void>(Error{answer.message()}));
        });
}

}  // namespace weft::docker
