#include "net/http_server.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "net/stream.h"

namespace weft::net {
namespace {

// A client that says something and keeps what it hears.
struct Client {
    Client(Loop& loop, uint16_t port, std::string_view says) {
        auto opened = connect(loop, fmt::format("tcp:127.0.0.1:{}", port));
        EXPECT_TRUE(opened) << opened.message();
        stream = std::move(*opened);
        stream->write(says);
        stream->set_on_ready([this] { open = stream->read(heard); });
    }
    std::unique_ptr<Stream> stream;
    std::string heard;
    bool open = true;
};

void run_until(Loop& loop, const std::function<bool()>& done) {
    int64_t end = clock::monotonic_ms() + 5000;
    while (!done() && clock::monotonic_ms() < end) loop.run_once(10);
    EXPECT_TRUE(done());
}

std::string post(std::string_view path, std::string_view body) {
    return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}", path, body.size(),
                       body);
}

struct HttpServerTest : testing::Test {
    Loop loop;
    std::vector<std::pair<HttpRequest, HttpServer::Reply>> asked;
    std::unique_ptr<HttpServer> server;

    void SetUp() override {
        auto made =
            HttpServer::create(loop, "127.0.0.1", 0, [this](HttpRequest request, HttpServer::Reply reply) {
                asked.emplace_back(std::move(request), std::move(reply));
            });
        ASSERT_TRUE(made) << made.message();
        server = std::move(*made);
    }
};

TEST_F(HttpServerTest, AnswersWhenItLikes) {
    Client first(loop, server->port(), post("/a?x=1", "one"));
    Client second(loop, server->port(), "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    run_until(loop, [&] { return asked.size() == 2; });
    std::sort(asked.begin(), asked.end(), [](auto& a, auto& b) { return a.first.path < b.first.path; });
    EXPECT_EQ(asked[0].first.method, "POST");
    EXPECT_EQ(asked[0].first.path, "/a");
    EXPECT_EQ(asked[0].first.body, "one");
    EXPECT_EQ(asked[1].first.method, "GET");
    EXPECT_EQ(asked[1].first.path, "/b");
    asked[1].second({404, "no", "text/plain"});
    run_until(loop, [&] { return second.heard.ends_with("no"); });
    EXPECT_TRUE(second.heard.starts_with("HTTP/1.1 404 Not Found\r\n")) << second.heard;
    EXPECT_EQ(first.heard, "");
    asked[0].second({200, "{}"});
    run_until(loop, [&] { return first.heard.ends_with("{}"); });
    EXPECT_NE(first.heard.find("Content-Type: application/json\r\n"), std::string::npos) << first.heard;
    // The connection goes on.
    first.stream->write(post("/c", ""));
    run_until(loop, [&] { return asked.size() == 3; });
    EXPECT_EQ(asked[2].first.path, "/c");
}

TEST_F(HttpServerTest, WhoLeavesIsNotAnswered) {
    {
        Client client(loop, server->port(), post("/a", "x"));
        run_until(loop, [&] { return asked.size() == 1; });
    }
    for (int i = 0; i < 5; ++i) loop.run_once(5);
    asked[0].second({200, "{}"});
    for (int i = 0; i < 5; ++i) loop.run_once(5);
    Client next(loop, server->port(), post("/b", "x"));
    run_until(loop, [&] { return asked.size() == 2; });
}

TEST_F(HttpServerTest, RepliesAfterItsEndAreNone) {
    Client client(loop, server->port(), post("/a", "x"));
    run_until(loop, [&] { return asked.size() == 1; });
    server.reset();
    asked[0].second({200, "{}"});
    run_until(loop, [&] { return !client.open; });
    EXPECT_EQ(client.heard, "");
}

TEST_F(HttpServerTest, WhatIsNoRequestIsRefused) {
    Client words(loop, server->port(), "hello\r\n\r\n");
    Client large(loop, server->port(), "POST / HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n");
    run_until(loop, [&] { return !words.open && large.heard.find("413") != std::string::npos; });
    Client cut(loop, server->port(), "POST / HTTP/1.1\r\nContent-Length: 20\r\n\r\nabc");
    for (int i = 0; i < 5; ++i) loop.run_once(5);
    EXPECT_TRUE(asked.empty());
    EXPECT_FALSE(HttpServer::create(loop, "127.0.0.1", server->port(), nullptr));
    EXPECT_FALSE(HttpServer::create(loop, "nonsense", 0, nullptr));
}

}  // namespace
}  // namespace weft::net
