// A program's figures over HTTP, for Prometheus: GET /metrics (RFC 9110, RFC 9112) is answered with
// metrics::exposition() of that moment.  While nobody asks it costs a listening socket.
//
// One request a connection; what is not a request, or takes longer than ten seconds, is dropped.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/loop.h"

namespace weft::net {

class MetricsServer {
  public:
    // `remote`: ptcp:[PORT][:HOST] (port 9476 if left out), pssl: or punix:.
    static Result<std::unique_ptr<MetricsServer>> create(Loop& loop, const std::string& remote,
                                                         std::string program);
    ~MetricsServer();

    uint16_t port() const;

  private:
    struct Impl;
    explicit MetricsServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// The answer to what a client has sent so far: "" if the request is not all there.
std::string answer_http(std::string_view received, const std::string& program);

}  // namespace weft::net
