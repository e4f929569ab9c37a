// What is read from the environment, and from Keystone's answers.

#include "docker/openstack.h"

#include <gtest/gtest.h>

#include <map>

#include "json/text.h"

namespace weft::docker {
namespace {

using Environment = std::map<std::string, std::string>;

const Environment kFull{{"OS_AUTH_URL", "http://k:5000/v2.0/"},
                        {"OS_USERNAME", "demo"},
                        {"OS_TENANT_ID", "t"},
                        {"OS_VIF_ID", "v"},
                        {"OS_PASSWORD", "p"}};

Result<OpenstackSettings> read(Environment environment) {
    return openstack_settings([&](const char* name) {
        auto it = environment.find(name);
        return it == environment.end() ? nullptr : it->second.c_str();
    });
}

TEST(OpenstackSettings, NeedsWhatTheManualSays) {
    ASSERT_TRUE(read(kFull));
    for (const char* name : {"OS_AUTH_URL", "OS_USERNAME", "OS_TENANT_ID", "OS_VIF_ID"}) {
        Environment less = kFull;
        less.erase(name);
        auto read_less = read(less);
        ASSERT_FALSE(read_less);
        EXPECT_NE(read_less.message().find(name), std::string::npos);
    }
    Environment project = kFull;
    project.erase("OS_TENANT_ID");
    project["OS_PROJECT_ID"] = "q";
    EXPECT_EQ(read(project)->tenant_id, "q");
}

TEST(OpenstackSettings, KnowsTheVersionByTheUrl) {
    struct Case {
        const char *given, *url;
        bool v3;
    };
    for (const Case& each :
         {Case{"http://k/v2.0", "http://k/v2.0", false}, Case{"http://k/v3/", "http://k/v3", true},
          Case{"https://k/identity", "https://k/identity/v3", true}}) {
        Environment environment = kFull;
        environment["OS_AUTH_URL"] = each.given;
        auto settings = read(environment);
        ASSERT_TRUE(settings);
        EXPECT_EQ(settings->auth_url, each.url);
        EXPECT_EQ(settings->v3, each.v3);
    }
}

TEST(TokenRequest, OfBothVersions) {
    EXPECT_EQ(json::to_text(token_request(*read(kFull))),
              R"({"auth":{"passwordCredentials":{"username":"demo","password":"p"},"tenantId":"t"}})");
    Environment third = kFull;
    third["OS_AUTH_URL"] = "http://k/v3";
    EXPECT_NE(json::to_text(token_request(*read(third))).find(R"("domain":{"id":"default"})"),
              std::string::npos);
    third["OS_USER_DOMAIN_NAME"] = "Customers";
    std::string text = json::to_text(token_request(*read(third)));
    EXPECT_NE(text.find(R"("domain":{"name":"Customers"})"), std::string::npos);
    EXPECT_NE(text.find(R"("scope":{"project":{"id":"t"}})"), std::string::npos);
}

TEST(NetworkEndpoint, IsChosenByRegionAndInterface) {
    auto second = json::parse(
        R"({"access":{"serviceCatalog":[{"type":"compute","endpoints":[{"publicURL":"http://c"}]},
            {"type":"network","endpoints":[{"region":"a","publicURL":"http://a/","internalURL":"http://ai"},
                                           {"region":"b","publicURL":"http://b/v2.0"}]}]}})");
    Environment environment = kFull;
    auto endpoint = [&](const Result<json::Value>& answer) {
        return network_endpoint(*read(environment), *answer->as_object());
    };
    EXPECT_EQ(*endpoint(second), "http://a/v2.0");
    environment["OS_REGION_NAME"] = "b";
    EXPECT_EQ(*endpoint(second), "http://b/v2.0");
    environment["OS_REGION_NAME"] = "c";
    EXPECT_FALSE(endpoint(second));
    environment["OS_REGION_NAME"] = "a";
    environment["OS_ENDPOINT_TYPE"] = "internalURL";
    EXPECT_EQ(*endpoint(second), "http://ai/v2.0");
    environment = kFull;
    environment["OS_AUTH_URL"] = "http://k/v3";
    EXPECT_EQ(
        *endpoint(json::parse(
            R"({"token":{"catalog":[{"type":"network","endpoints":[{"interface":"admin","url":"http://x"},
                      {"interface":"public","url":"http://y"}]}]}})")),
        "http://y/v2.0");
    EXPECT_FALSE(endpoint(json::parse(R"({"token":{}})")));
}

}  // namespace
}  // namespace weft::docker
