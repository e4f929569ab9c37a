// ovn-docker-overlay-driver: Docker's networks are logical switches, its containers' interfaces logical
// ports.
//
// Docker (libnetwork) asks over HTTP, as its "remote" driver protocol says: POST /Plugin.Activate and
// /NetworkDriver.METHOD, JSON in and out, {"Err": REASON} for what went wrong.  How its nouns are OVN's, as
// in the howto "Open Virtual Networking With Docker":
//
//   network    a Logical_Switch named as the network, external_ids:subnet and gateway_ip
//   endpoint   a Logical_Switch_Port named as the endpoint, with its Ethernet and IP addresses
//   join       a veth pair; its outer end, named after the endpoint's first 15 characters, is a port of the
//              integration bridge with external_ids:iface-id, attached-mac, vm-id and iface-status; Docker
//              moves the inner end, with "_c" at its name's end, into the container
//   leave      both go
//
// What is changed is changed by the commands of ovn-nbctl and ovs-vsctl (commands.h).  One request is
// answered after the other.  A request changes all that it means to, or nothing (0098).

#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "docker/commands.h"
#include "json/value.h"
#include "net/http_server.h"
#include "net/loop.h"

namespace weft::docker {

class OverlayDriver {
  public:
    explicit OverlayDriver(net::Loop& loop);

    // Reads where the northbound database is and makes the integration bridge; `done` once.
    using Prepared = std::function<void(Result<void>)>;
    void prepare(Prepared done);
    void answer(net::HttpRequest request, net::HttpServer::Reply reply);

  private:
    struct Request {
        net::HttpRequest http;
        net::HttpServer::Reply reply;
        json::Object body;
        // Members of the body that the method needs, checked.
        std::string network, endpoint;
    };
    struct Method {
        std::string_view path;
        void (OverlayDriver::*run)(Request&);
        bool network, endpoint, sandbox;  // what the body must tell
    };
    static const Method kMethods[];

    void read_setting(const std::string& key, const Prepared& done, std::function<void(std::string)> next);
    void make_bridge(const Prepared& done);

    void begin_next();
    void begin(Request& request);
    Result<void> read(Request& request, const Method& method);
    void end(int status, json::Object body);
    void succeed(json::Object body = {}) { end(200, std::move(body)); }
    void fail(std::string reason);  // as who asked it is told, with the status of a success
    // What follows a command that went well; otherwise `what` went wrong.
    Commands::Done then(std::string what, std::function<void(std::string output)> next);

    void activate(Request& request);
    void capabilities(Request& request);
    void nothing(Request& request);
    void create_network(Request& request);
    void delete_network(Request& request);
    void create_endpoint(Request& request);
    void delete_endpoint(Request& request);
    void endpoint_info(Request& request);
    void join(Request& request);
    void leave(Request& request);

    void northbound(const Commands::Words& words, Commands::Done done);
    void create_port(Request& request, const std::string& mac, const std::string& addresses);
    void attach(const Request& request, const std::string& mac);

    net::Loop& loop_;
    Commands commands_;
    std::string northbound_, bridge_;
    std::deque<Request> requests_;  // the first is being answered
    bool busy_ = false;
};

}  // namespace weft::docker
