#include "net/http_server.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "net/address.h"

namespace weft::net {

namespace {

constexpr ssize_t kMaxHeaders = 64 << 10;
constexpr ssize_t kMaxBody = 1 << 20;
constexpr int kSilenceS = 60;
constexpr int kBacklog = 128;

std::string method_of(evhttp_request* request) {
    switch (evhttp_request_get_command(request)) {
        case EVHTTP_REQ_GET:
            return "GET";
        case EVHTTP_REQ_POST:
            return "POST";
        case EVHTTP_REQ_HEAD:
            return "HEAD";
        case EVHTTP_REQ_PUT:
            return "PUT";
        case EVHTTP_REQ_DELETE:
            return "DELETE";
        default:
            return "OPTIONS";
    }
}

HttpRequest read(evhttp_request* request) {
    HttpRequest out;
    out.method = method_of(request);
    const evhttp_uri* uri = evhttp_request_get_evhttp_uri(request);
    const char* path = uri ? evhttp_uri_get_path(uri) : nullptr;
    out.path = path && *path ? path : "/";
    evbuffer* body = evhttp_request_get_input_buffer(request);
    out.body.resize(evbuffer_get_length(body));
    evbuffer_remove(body, out.body.data(), out.body.size());
    return out;
}

// The library's own way looks addresses up and finds none of a family that only the loopback has.  -1: errno
// says why.
int bound_socket(const std::string& address, uint16_t port) {
    std::optional<sockaddr_storage> to = numeric_address(address, port);
    if (!to) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (!bind(fd, reinterpret_cast<const sockaddr*>(&*to), address_size(*to)) && !listen(fd, kBacklog))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

void send(evhttp_request* request, const HttpAnswer& answer) {
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", answer.type.c_str());
    evbuffer* body = evbuffer_new();
    evbuffer_add(body, answer.body.data(), answer.body.size());
    evhttp_send_reply(request, answer.status, nullptr, body);  // nullptr: the status's usual words
    evbuffer_free(body);
}

}  // namespace

struct HttpServer::Impl {
    Loop& loop;
    Handler handler;
    evhttp* http = nullptr;
    evhttp_bound_socket* socket = nullptr;
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);

    Impl(Loop& l, Handler h) : loop(l), handler(std::move(h)) {}
    ~Impl() {
        *alive = false;
        if (http) evhttp_free(http);
    }

    static void on_request(evhttp_request* request, void* self) {
        auto* impl = static_cast<Impl*>(self);
        Reply reply = [request, alive = impl->alive](const HttpAnswer& answer) {
            if (*alive) send(request, answer);
        };
        impl->loop.defer([impl, alive = impl->alive, given = read(request), reply = std::move(reply)] {
            if (*alive) impl->handler(given, reply);
        });
    }
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::create(Loop& loop, const std::string& address, uint16_t port,
                                                       Handler handler) {
    auto impl = std::make_unique<Impl>(loop, std::move(handler));
    impl->http = evhttp_new(loop.library_base());
    if (!impl->http) return Error{"HTTP server: no memory"};
    evhttp_set_max_headers_size(impl->http, kMaxHeaders);
    evhttp_set_max_body_size(impl->http, kMaxBody);
    evhttp_set_timeout(impl->http, kSilenceS);
    evhttp_set_allowed_methods(impl->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
                                               EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS);
    evhttp_set_gencb(impl->http, Impl::on_request, impl.get());
    int fd = bound_socket(address, port);
    impl->socket = fd < 0 ? nullptr : evhttp_accept_socket_with_handle(impl->http, fd);
    if (!impl->socket) {
        int error = errno;
        if (fd >= 0) close(fd);
        return Error{fmt::format("{}:{}: listening for HTTP: {}", address, port, std::strerror(error))};
    }
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

uint16_t HttpServer::port() const {
    sockaddr_storage bound = {};
    socklen_t size = sizeof bound;
    if (getsockname(evhttp_bound_socket_get_fd(impl_->socket), reinterpret_cast<sockaddr*>(&bound), &size))
        return 0;
    if (bound.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(bound).sin_port);
    return ntohs(reinterpret_cast<const sockaddr_in6&>(bound).sin6_port);
}

}  // namespace weft::net
