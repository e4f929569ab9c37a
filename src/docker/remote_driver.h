// What Docker's drivers have in common: libnetwork's "remote" driver protocol, and containers' interfaces.
//
// Docker (libnetwork) asks over HTTP: POST /Plugin.Activate and /NetworkDriver.METHOD, JSON in and out,
// {"Err": REASON} for what went wrong.  One request is answered after the other.  A request changes all that
// it means to, or nothing (0098).  A container's interface is a veth pair: its outer end, named after the
// endpoint's first 15 characters, is a port of a bridge; Docker moves the inner end, with "_c" at its name's
// end, into the container. What networks and endpoints are is the derived driver's.

#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "docker/commands.h"
#include "docker/members.h"
#include "docker/veth.h"
#include "json/value.h"
#include "net/http_server.h"
#include "net/loop.h"

namespace weft::docker {

class RemoteDriver {
  public:
    virtual ~RemoteDriver() = default;

    // What has to be there before Docker may ask; `done` once.
    using Prepared = std::function<void(Result<void>)>;
    virtual void prepare(Prepared done) = 0;
    void answer(net::HttpRequest request, net::HttpServer::Reply reply);

  protected:
    explicit RemoteDriver(net::Loop& loop);

    struct Request {
        net::HttpRequest http;
        net::HttpServer::Reply reply;
        json::Object body;
        // Members of the body that the method needs, checked.
        std::string network, endpoint;
    };

    // A network's subnet and gateway, and an endpoint's addresses, of which all but `ip` may be "".
    struct Pool {
        std::string subnet, gateway;
    };
    struct Addresses {
        std::string mac, ip, ip6;
    };
    static Result<Pool> pool_of(const Request& request);
    static Result<Addresses> addresses_of(const Request& request);

    // Each ends by succeed() or fail(), at once or later; until then `request` stays.
    virtual void create_network(Request& request) = 0;
    virtual void delete_network(Request& request) = 0;
    virtual void create_endpoint(Request& request) = 0;
    virtual void delete_endpoint(Request& request) = 0;
    virtual void endpoint_info(Request& request) = 0;
    virtual void join(Request& request) = 0;

    void succeed(json::Object body = {}) { end(200, std::move(body)); }
    void fail(std::string reason);  // as who asked it is told, with the status of a success
    // What follows a command that went well; otherwise `what` went wrong.
    Commands::Done then(std::string what, std::function<void(std::string output)> next);

    // Ends create_endpoint; only what Docker did not choose itself is told to it.
    void tell_endpoint(const std::string& chosen_mac);
    // Ends join: a veth pair whose outer end is a port of `bridge`, added by add-port with `words` behind.
    void plug(const Request& request, const std::string& bridge, const std::string& mac,
              const Commands::Words& words, const std::string& gateway);
    static std::string veth_outside(const std::string& endpoint);

    net::Loop& loop_;
    Commands commands_;

  private:
    struct Method {
        std::string_view path;
        void (RemoteDriver::*run)(Request&);
        bool network, endpoint, sandbox;  // what the body must tell
    };
    static const Method kMethods[];

    void begin_next();
    void begin(Request& request);
    Result<void> read(Request& request, const Method& method);
    void end(int status, json::Object body);

    void activate(Request& request);
    void capabilities(Request& request);
    void nothing(Request& request);
    void leave(Request& request);

    std::deque<Request> requests_;  // the first is being answered
    bool busy_ = false;
};

// What Docker names things by goes into commands: words that these would take for something else are none.
bool is_name(std::string_view text);

}  // namespace weft::docker
