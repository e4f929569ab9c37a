#include "net/metrics_server.h"

#include <gtest/gtest.h>

#include "base/metrics.h"
#include "net/stream.h"

namespace weft::net {
namespace {

metrics::Counter served("metrics_test_event");

TEST(MetricsServer, RequestsAreAnsweredOrRefused) {
    std::string whole = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    for (size_t n = 0; n < whole.size(); ++n) EXPECT_EQ(answer_http(whole.substr(0, n), "ovs-x"), "") << n;
    std::string answer = answer_http(whole, "ovs-x");
    EXPECT_TRUE(
        answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
        << answer;
    size_t body = answer.find("\r\n\r\n") + 4;
    EXPECT_NE(answer.find(fmt::format("Content-Length: {}\r\n", answer.size() - body)), std::string::npos)
        << answer;
    EXPECT_NE(answer.find("\novs_up{component=\"ovs-x\"} 1\n"), std::string::npos) << answer;
    for (auto [request, status] :
         {std::pair("HEAD /metrics HTTP/1.1", "200"), std::pair("GET /metrics?a=b HTTP/1.0", "200"),
          std::pair("GET / HTTP/1.1", "404"), std::pair("POST /metrics HTTP/1.1", "405"),
          std::pair("hello", "400"), std::pair("GET /metrics SPDY/3", "400")}) {
        std::string text = answer_http(std::string(request) + "\r\n\r\n", "ovs-x");
        EXPECT_TRUE(text.starts_with(std::string("HTTP/1.1 ") + status)) << request << ": " << text;
    }
    EXPECT_TRUE(answer_http("HEAD /metrics HTTP/1.1\r\n\r\n", "ovs-x").ends_with("\r\n\r\n"));
    EXPECT_TRUE(answer_http(std::string(100000, 'x'), "ovs-x").starts_with("HTTP/1.1 431"));
}

TEST(MetricsServer, ServesWhoeverAsksAndCloses) {
    Loop loop;
    auto server = MetricsServer::create(loop, "ptcp:0:127.0.0.1", "ovn-test");
    ASSERT_TRUE(server) << server.message();
    served.add(3);
    struct Client {
        std::unique_ptr<Stream> stream;
        std::string received;
        bool closed = false;
    };
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 20; ++i) {
        auto stream = connect(loop, "tcp:127.0.0.1:" + std::to_string((*server)->port()));
        ASSERT_TRUE(stream);
        Client* client = clients.emplace_back(std::make_unique<Client>()).get();
        client->stream = *std::move(stream);
        client->stream->set_on_ready([client] {
            if (!client->closed && !client->stream->read(client->received)) client->closed = true;
        });
        client->stream->write(i % 2 ? "GET /metrics HTTP/1.1\r\n\r\n" : "rubbish\r\n\r\n");
    }
    bool timeout = false;
    auto timer = loop.timer([&] { timeout = true; });
    timer->arm_in(5000);
    auto done = [&] {
        for (const auto& client : clients) {
            if (!client->closed) return false;
        }
        return true;
    };
    while (!done() && !timeout) loop.run_once(100);
    for (size_t i = 0; i < clients.size(); ++i) {
        EXPECT_TRUE(clients[i]->closed) << i;
        const char* wanted =
            i % 2 ? "ovn_coverage_total{component=\"ovn-test\",event=\"metrics_test_event\"} 3\n"
                  : "HTTP/1.1 400";
        EXPECT_NE(clients[i]->received.find(wanted), std::string::npos) << clients[i]->received;
    }
    EXPECT_FALSE(MetricsServer::create(loop, "bogus:1", "x"));
}

}  // namespace
}  // namespace weft::net
