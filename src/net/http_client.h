// An HTTP/1.1 client (RFC 9110, RFC 9112) for programs that ask services over HTTP or HTTPS (TLS 1.2 or
// later, the host name checked as RFC 6125 says).
//
// Each question has a connection of its own, ended after its answer.  Names of hosts are looked up without
// blocking, in /etc/hosts and by the servers of /etc/resolv.conf.  The library underneath (libevent's evhttp
// over bufferevent_openssl) is confined to http_client.cc; it limits an answer to 64 kB of headers and 16 MB
// of body. Any status is an answer; errors are what kept one from coming: a URL that is none, no such host,
// no connection, a certificate that is not trusted, silence.  Redirections are not followed.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/loop.h"

namespace weft::net {

struct HttpQuestion {
    std::string method = "GET";  // or "POST", "PUT", "DELETE"
    std::string url;             // "https://HOST[:PORT]/PATH[?QUERY]"
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
};

struct HttpResponse {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;

    std::string_view header(std::string_view name) const;  // "" if there is none; case does not count
};

class HttpClient {
  public:
    struct Settings {
        std::string ca_file;  // trusted authorities in PEM; "": those of the system
        bool verify = true;   // false: whoever answers is believed
        int timeout_s = 10;   // of silence
    };

    static Result<std::unique_ptr<HttpClient>> create(Loop& loop, const Settings& settings);
    ~HttpClient();  // what is still asked is not answered any more

    using Done = std::function<void(Result<HttpResponse>)>;
    void ask(const HttpQuestion& question, Done done);  // `done` in a later turn

  private:
    struct Impl;
    explicit HttpClient(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Text as it may stand in a query (RFC 3986: all but unreserved characters escaped).
std::string escape_for_url(std::string_view text);

}  // namespace weft::net
