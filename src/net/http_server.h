// An HTTP/1.1 server (RFC 9110, RFC 9112) on a TCP port, for programs whose clients speak HTTP: who answers
// gets whole requests and replies when it likes, in the order that it likes.
//
// The library underneath (libevent's evhttp) keeps connections, frames bodies and limits what a client may
// send: 64 kB of headers, 1 MB of body, a minute of silence.  It is confined to http_server.cc.  A client
// that goes away before its answer is told nothing, and the reply is lost.  (The endpoint of metrics,
// metrics_server.h, answers one question over any kind of stream, TLS among them, and has no need of this.)

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/loop.h"

namespace weft::net {

struct HttpRequest {
    std::string method;  // "POST"
    std::string path;    // without the query
    std::string body;
};

struct HttpAnswer {
    int status = 200;
    std::string body;
    std::string type = "application/json";
};

class HttpServer {
  public:
    // To be called once, at any time, from the loop's thread; after the server's end it does nothing.
    using Reply = std::function<void(HttpAnswer)>;
    using Handler = std::function<void(HttpRequest, Reply)>;

    // `address`: numeric; port 0: one that is free.
    static Result<std::unique_ptr<HttpServer>> create(Loop& loop, const std::string& address, uint16_t port,
                                                      Handler handler);
    ~HttpServer();

    uint16_t port() const;

  private:
    friend class HttpClient;  // the library's client, which runs on the same base
    static event_base* base_of(Loop& loop) { return loop.library_base(); }

    struct Impl;
    explicit HttpServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace weft::net
