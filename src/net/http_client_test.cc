// The client against our own server, and against what is none.

#include "net/http_client.h"

#include <gtest/gtest.h>

#include <optional>

#include "base/clock.h"
#include "net/http_server.h"

namespace weft::net {
namespace {

struct HttpClientTest : testing::Test {
    Loop loop;
    std::unique_ptr<HttpServer> server;
    std::unique_ptr<HttpClient> client;
    std::vector<HttpRequest> asked;

    void SetUp() override {
        auto made =
            HttpServer::create(loop, "127.0.0.1", 0, [this](HttpRequest request, HttpServer::Reply reply) {
                asked.push_back(request);
                if (request.path != "/silent")
                    reply({request.path == "/none" ? 404 : 200, "<" + request.body + ">", "text/x"});
            });
        ASSERT_TRUE(made) << made.message();
        server = std::move(*made);
        client = *HttpClient::create(loop, {.ca_file = "", .verify = true, .timeout_s = 1});
    }

    std::optional<Result<HttpResponse>> wait_for(const HttpQuestion& question) {
        std::optional<Result<HttpResponse>> answer;
        client->ask(question, [&](Result<HttpResponse> response) { answer = std::move(response); });
        int64_t end = clock::monotonic_ms() + 8000;
        while (!answer && clock::monotonic_ms() < end) loop.run_once(10);
        EXPECT_TRUE(answer) << question.url;
        return answer;
    }
    std::string url(std::string_view path) {
        return fmt::format("http://127.0.0.1:{}{}", server->port(), path);
    }
    std::string error(const std::string& where) {
        auto answer = wait_for({.method = "GET", .url = where, .headers = {}, .body = ""});
        return answer && !*answer ? answer->message() : "answered";
    }
};

TEST_F(HttpClientTest, AsksAndHears) {
    auto answer = wait_for({"POST", url("/a/b?c=d"), {{"X-Token", "t"}}, "body"});
    ASSERT_TRUE(answer && *answer);
    EXPECT_EQ((*answer)->status, 200);
    EXPECT_EQ((*answer)->body, "<body>");
    EXPECT_EQ((*answer)->header("content-TYPE"), "text/x");
    EXPECT_EQ((*answer)->header("x-none"), "");
    EXPECT_EQ(asked[0].method, "POST");
    EXPECT_EQ(asked[0].path, "/a/b");
    for (const char* method : {"GET", "PUT", "DELETE"}) {
        auto other = wait_for({method, url(""), {}, ""});
        EXPECT_TRUE(other && *other);
        EXPECT_EQ(asked.back().method, method);
        EXPECT_EQ(asked.back().path, "/");
    }
}

TEST_F(HttpClientTest, AnyStatusIsAnAnswer) {
    auto answer = wait_for({"GET", url("/none"), {}, ""});
    ASSERT_TRUE(answer && *answer);
    EXPECT_EQ((*answer)->status, 404);
}

TEST_F(HttpClientTest, SaysWhyThereIsNone) {
    EXPECT_NE(error("ftp://x/").find("is no URL"), std::string::npos);
    EXPECT_NE(error("x").find("is no URL"), std::string::npos);
    EXPECT_NE(error(url("/silent")).find("/silent: no answer in time"), std::string::npos);
    std::string gone = url("/");
    server.reset();
    EXPECT_NE(error(gone).find(gone), std::string::npos);
    EXPECT_FALSE(HttpClient::create(loop, {.ca_file = "/nonexistent", .verify = true, .timeout_s = 1}));
}

TEST_F(HttpClientTest, NobodyHearsAfterItsEnd) {
    bool heard = false;
    client->ask({"GET", url("/silent"), {}, ""}, [&](const Result<HttpResponse>&) { heard = true; });
    client->ask({"GET", url("/a"), {}, ""}, [&](const Result<HttpResponse>&) { heard = true; });
    loop.run_once(10);
    client.reset();
    for (int i = 0; i < 20; ++i) loop.run_once(5);
    EXPECT_FALSE(heard);
}

TEST(EscapeForUrl, KeepsWhatMayStand) {
    EXPECT_EQ(escape_for_url("aZ0-._~"), "aZ0-._~");
    EXPECT_EQ(escape_for_url("a b&c=/ä"), "a%20b%26c%3D%2F%C3%A4");
}

}  // namespace
}  // namespace weft::net
