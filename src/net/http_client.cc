#include "net/http_client.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <strings.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <set>

#include "net/address.h"
#include "net/http_server.h"
#include "net/tls_context.h"

namespace weft::net {

namespace {

constexpr ssize_t kMaxHeaders = 64 << 10;
constexpr ssize_t kMaxBody = 16 << 20;

struct Target {
    bool tls = false;
    std::string host;  // without brackets
    uint16_t port = 0;
    std::string resource;   // path and query
    std::string authority;  // for "Host"
};

Result<Target> parse_url(const std::string& url) {
    std::unique_ptr<evhttp_uri, decltype(&evhttp_uri_free)> uri(evhttp_uri_parse(url.c_str()),
                                                                evhttp_uri_free);
    const char* scheme = uri ? evhttp_uri_get_scheme(uri.get()) : nullptr;
    const char* host = uri ? evhttp_uri_get_host(uri.get()) : nullptr;
    Target out;
    out.tls = scheme && !strcasecmp(scheme, "https");
    if (!host || !*host || !scheme || (!out.tls && strcasecmp(scheme, "http")))
        return Error{fmt::format("\"{}\" is no URL (http://HOST[:PORT]/PATH or https://…)", url)};
    int port = evhttp_uri_get_port(uri.get());
    out.port = static_cast<uint16_t>(port < 0 ? (out.tls ? 443 : 80) : port);
    out.authority = port < 0 ? host : fmt::format("{}:{}", host, port);
    out.host = host;
    if (out.host.front() == '[' && out.host.back() == ']') out.host = out.host.substr(1, out.host.size() - 2);
    const char* path = evhttp_uri_get_path(uri.get());
    const char* query = evhttp_uri_get_query(uri.get());
    out.resource = path && *path ? path : "/";
    if (query) out.resource += fmt::format("?{}", query);
    return out;
}

std::optional<evhttp_cmd_type> command_of(std::string_view method) {
    if (method == "GET") return EVHTTP_REQ_GET;
    if (method == "POST") return EVHTTP_REQ_POST;
    if (method == "PUT") return EVHTTP_REQ_PUT;
    if (method == "DELETE") return EVHTTP_REQ_DELETE;
    return std::nullopt;
}

HttpResponse read(evhttp_request* request) {
    HttpResponse out;
    out.status = evhttp_request_get_response_code(request);
    const evkeyvalq* headers = evhttp_request_get_input_headers(request);
    for (const evkeyval* each = headers->tqh_first; each; each = each->next.tqe_next)
        out.headers.emplace_back(each->key, each->value);
    evbuffer* body = evhttp_request_get_input_buffer(request);
    out.body.resize(evbuffer_get_length(body));
    evbuffer_remove(body, out.body.data(), out.body.size());
    return out;
}

const char* words_of(evhttp_request_error error) {
    switch (error) {
        case EVREQ_HTTP_TIMEOUT:
            return "no answer in time";
        case EVREQ_HTTP_EOF:
            return "the connection ended before the answer";
        case EVREQ_HTTP_INVALID_HEADER:
            return "the answer is not HTTP";
        case EVREQ_HTTP_BUFFER_ERROR:
            return "the connection was lost";
        case EVREQ_HTTP_REQUEST_CANCEL:
            return "given up";
        case EVREQ_HTTP_DATA_TOO_LONG:
            return "the answer is too long";
    }
    return "failed";
}

}  // namespace

struct HttpClient::Impl {
    struct Pending {
        Impl* client;
        std::string url;
        Done done;
        evhttp_connection* connection = nullptr;
        bufferevent* stream = nullptr;
        std::optional<evhttp_request_error> error;
        bool ended = false;
    };

    Loop& loop;
    event_base* base;
    Settings settings;
    evdns_base* dns = nullptr;
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> tls{nullptr, SSL_CTX_free};
    std::set<Pending*> pending;
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);

    Impl(Loop& l, event_base* b, Settings s) : loop(l), base(b), settings(std::move(s)) {}
    ~Impl() {
        *alive = false;
        for (Pending* each : pending) {
            evhttp_connection_free(each->connection);
            delete each;
        }
        if (dns) evdns_base_free(dns, 0);
    }

    void answer(Done done, Result<HttpResponse> result) {
        loop.defer([alive = alive, done = std::move(done), result = std::move(result)]() mutable {
            if (*alive) done(std::move(result));
        });
        loop.wake();
    }

    Result<bufferevent*> stream_to(const Target& target) const {
        if (!target.tls) {
            return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
        }
        SSL* ssl = SSL_new(tls.get());
        if (!ssl) return Error{tls_error()};
        if (numeric_address(target.host, target.port)) {
            X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), target.host.c_str());
        } else {
            SSL_set_tlsext_host_name(ssl, target.host.c_str());
            SSL_set1_host(ssl, target.host.c_str());
        }
        bufferevent* stream =
            bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
        if (!stream) {
            SSL_free(ssl);
            return Error{"no memory"};
        }
        // Many servers end without a closing alert; the length of the answer says whether it is whole.
        bufferevent_openssl_set_allow_dirty_shutdown(stream, 1);
        return stream;
    }

    // Why no answer came, in the words of the layer that knows.
    static std::string reason(const Pending& pending) {
        if (SSL* ssl = bufferevent_openssl_get_ssl(pending.stream)) {
            long verdict = SSL_get_verify_result(ssl);
            if (pending.client->settings.verify && verdict != X509_V_OK)
                return fmt::format("the certificate is not trusted: {}",
                                   X509_verify_cert_error_string(verdict));
            if (unsigned long error = bufferevent_get_openssl_error(pending.stream)) {
                const char* words = ERR_reason_error_string(error);
                return fmt::format("TLS: {}", words ? words : "failed");
            }
        }
        if (int error = bufferevent_socket_get_dns_error(pending.stream))
            return fmt::format("looking up the host: {}", evutil_gai_strerror(error));
        if (pending.error) return words_of(*pending.error);
        return "no connection";
    }

    static void on_error(evhttp_request_error error, void* arg) { static_cast<Pending*>(arg)->error = error; }

    static void on_answer(evhttp_request* request, void* arg) {
        auto* self = static_cast<Pending*>(arg);
        Impl* client = self->client;
        if (request && evhttp_request_get_response_code(request) != 0) {
            client->answer(std::move(self->done), read(request));
        } else {
            client->answer(std::move(self->done), Error{fmt::format("{}: {}", self->url, reason(*self))});
        }
        client->forget_later(self);
    }

    // The library still has the connection on its stack, and frees it itself in some cases only.
    void forget_later(Pending* ended) {
        ended->ended = true;
        loop.defer([this, alive = alive, ended] {
            if (!*alive || !pending.erase(ended)) return;
            evhttp_connection_free(ended->connection);
            delete ended;
        });
        loop.wake();
    }
};

std::string_view HttpResponse::header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
        if (key.size() == name.size() && !strncasecmp(key.data(), name.data(), name.size())) return value;
    }
    return "";
}

std::string escape_for_url(std::string_view text) {
    std::string out;
    for (char c : text) {
        if (std::isalnum(static_cast<unsigned char>(c)) || std::strchr("-._~", c))
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

HttpClient::HttpClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient>> HttpClient::create(Loop& loop, const Settings& settings) {
    auto impl = std::make_unique<Impl>(loop, HttpServer::base_of(loop), settings);
    // Without servers names of /etc/hosts are still found.
    impl->dns =
        evdns_base_new(impl->base, EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    impl->tls.reset(SSL_CTX_new(TLS_client_method()));
    if (!impl->tls) return Error{"HTTP client: " + tls_error()};
    SSL_CTX_set_min_proto_version(impl->tls.get(), TLS1_2_VERSION);
    SSL_CTX_set_verify(impl->tls.get(), settings.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    if (settings.ca_file.empty()) {
        SSL_CTX_set_default_verify_paths(impl->tls.get());
    } else if (SSL_CTX_load_verify_locations(impl->tls.get(), settings.ca_file.c_str(), nullptr) != 1) {
        return Error{fmt::format("{}: certificates of trusted authorities cannot be read: {}",
                                 settings.ca_file, tls_error())};
    }
    return std::unique_ptr<HttpClient>(new HttpClient(std::move(impl)));
}

void HttpClient::ask(const HttpQuestion& question, Done done) {
    Result<Target> target = parse_url(question.url);
    if (!target) return impl_->answer(std::move(done), Error{target.message()});
    std::optional<evhttp_cmd_type> command = command_of(question.method);
    if (!command)
        return impl_->answer(std::move(done), Error{question.method + " is not asked by this client"});
    Result<bufferevent*> stream = impl_->stream_to(*target);
    if (!stream) return impl_->answer(std::move(done), Error{question.url + ": " + stream.message()});

    auto pending = std::make_unique<Impl::Pending>();
    pending->client = impl_.get();
    pending->url = question.url;
    pending->done = std::move(done);
    pending->stream = *stream;
    pending->connection = evhttp_connection_base_bufferevent_new(impl_->base, impl_->dns, *stream,
                                                                 target->host.c_str(), target->port);
    // Told what family it is, the library does not ask whether some other interface has an address of it.
    if (auto numeric = numeric_address(target->host, target->port))
        evhttp_connection_set_family(pending->connection, numeric->ss_family);
    evhttp_connection_set_timeout(pending->connection, impl_->settings.timeout_s);
    evhttp_connection_set_max_headers_size(pending->connection, kMaxHeaders);
    evhttp_connection_set_max_body_size(pending->connection, kMaxBody);
    evhttp_request* request = evhttp_request_new(Impl::on_answer, pending.get());
    evhttp_request_set_error_cb(request, Impl::on_error);
    evkeyvalq* headers = evhttp_request_get_output_headers(request);
    evhttp_add_header(headers, "Host", target->authority.c_str());
    evhttp_add_header(headers, "Connection", "close");
    for (const auto& [name, value] : question.headers)
        evhttp_add_header(headers, name.c_str(), value.c_str());
    evbuffer_add(evhttp_request_get_output_buffer(request), question.body.data(), question.body.size());
    Impl::Pending* kept = pending.release();
    impl_->pending.insert(kept);
    if (evhttp_make_request(kept->connection, request, *command, target->resource.c_str()) && !kept->ended) {
        impl_->answer(std::move(kept->done), Error{question.url + ": no connection"});
        impl_->forget_later(kept);
    }
}

}  // namespace weft::net
