#include "net/metrics_server.h"

#include <fmt/core.h>

#include <list>

#include "base/clock.h"
#include "base/metrics.h"
#include "net/stream.h"

namespace weft::net {

namespace {

constexpr uint16_t kDefaultPort = 9476;
constexpr size_t kMaxRequest = 16 << 10;
constexpr size_t kMaxClients = 64;
constexpr int64_t kMaxMs = 10000;
constexpr int64_t kDrainMs = 20;

std::string response(std::string_view status, std::string_view type, std::string_view body, bool head) {
    std::string out =
        fmt::format("HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    status, type, body.size());
    if (!head) out += body;
    return out;
}

}  // namespace

std::string answer_http(std::string_view received, const std::string& program) {
    constexpr std::string_view kText = "text/plain; charset=utf-8";
    size_t line_end = received.find("\r\n");
    if (line_end == std::string_view::npos || received.find("\r\n\r\n") == std::string_view::npos) {
        if (received.size() <= kMaxRequest) return "";
        return response("431 Request Header Fields Too Large", kText, "The request is too long.\n", false);
    }
    std::string_view line = received.substr(0, line_end);
    size_t first = line.find(' '), second = line.find(' ', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos ||
        !line.substr(second + 1).starts_with("HTTP/1."))
        return response("400 Bad Request", kText, "This is not an HTTP/1.1 request.\n", false);
    std::string_view method = line.substr(0, first), path = line.substr(first + 1, second - first - 1);
    path = path.substr(0, path.find('?'));
    bool head = method == "HEAD";
    if (!head && method != "GET")
        return response("405 Method Not Allowed", kText, "GET is what can be done here.\n", false);
    if (path != "/metrics") return response("404 Not Found", kText, "The metrics are at /metrics.\n", head);
    return response("200 OK", "text/plain; version=0.0.4; charset=utf-8", metrics::exposition(program), head);
}

struct MetricsServer::Impl {
    struct Client {
        std::unique_ptr<Stream> stream;
        std::unique_ptr<Loop::Timer> timer;
        std::string received;
        int64_t since_ms = clock::monotonic_ms();
        bool answered = false;
        bool done = false;
    };

    Loop& loop;
    std::string program;
    std::unique_ptr<Listener> listener;
    std::list<Client> clients;

    Impl(Loop& l, std::string p) : loop(l), program(std::move(p)) {}

    void accept(std::unique_ptr<Stream> stream) {
        clients.remove_if([](const Client& client) { return client.done; });
        if (clients.size() >= kMaxClients) return;
        Client& client = clients.emplace_back();
        client.stream = std::move(stream);
        client.stream->set_on_ready([this, &client] { read(client); });
        client.timer = loop.timer([this, &client] { tick(client); });
        client.timer->arm_in(kMaxMs);
    }

    void read(Client& client) {
        if (client.done) return;
        bool open = client.stream->read(client.received);
        if (!client.answered) {
            std::string answer = answer_http(client.received, program);
            if (!answer.empty()) {
                client.stream->write(answer);
                client.answered = true;
                client.timer->arm_in(kDrainMs);
            }
        }
        client.received.resize(std::min(client.received.size(), kMaxRequest + 1));
        if (!open) end(client);
    }

    // Waits until the answer has left.
    void tick(Client& client) {
        bool over = clock::monotonic_ms() - client.since_ms >= kMaxMs;
        if (over || (client.answered && client.stream->backlog() == 0)) return end(client);
        client.timer->arm_in(kDrainMs);
    }

    // Not from inside the stream's own call.
    void end(Client& client) {
        if (std::exchange(client.done, true)) return;
        loop.post([&client, this, still = alive] {
            if (*still) clients.remove_if([&](const Client& each) { return &each == &client; });
        });
    }

    std::shared_ptr<bool> alive = std::make_shared<bool>(true);
    ~Impl() { *alive = false; }
};

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

MetricsServer::~MetricsServer() = default;

Result<std::unique_ptr<MetricsServer>> MetricsServer::create(Loop& loop, const std::string& remote,
                                                             std::string program) {
    auto impl = std::make_unique<Impl>(loop, std::move(program));
    Impl* self = impl.get();
    WEFT_ASSIGN(impl->listener,
                listen(loop, with_default_port(remote, kDefaultPort),
                       [self](std::unique_ptr<Stream> stream) { self->accept(std::move(stream)); }));
    return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(impl)));
}

uint16_t MetricsServer::port() const {
    return impl_->listener->port();
}

}  // namespace weft::net
