// A connection to a database server that waits for its answers: what ovsdb-client's commands are written
// with.

#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "json/value.h"
#include "net/json_rpc.h"
#include "net/loop.h"
#include "ovsdb/data/schema.h"

namespace weft::cli {

class Client {
  public:
    // Waits until it is connected.  `server`: a method, active or passive, or several with commas between, of
    // which the first that answers is taken.  `timeout_ms` (0: none) is for the whole life of the program,
    // which SIGALRM ends then, as it does any program of the field.
    static Result<std::unique_ptr<Client>> connect(const std::string& server, int64_t timeout_ms);

    // The result of a request; an error of the server's is the Error, as JSON text.
    Result<json::Value> request(const std::string& method, json::Array params);
    // The reply, whatever it is: a result or an error.
    Result<net::Message> ask(const std::string& method, json::Array params);
    // The next notification (update, locked, …).
    Result<net::Message> next_notification();

    // For commands that go on in the background: the loop that waits runs whatever else is on it, and stop()
    // makes next_notification() return an error that stopped() tells apart.
    net::Loop& loop() { return loop_; }
    void stop() { stopped_ = true; }
    bool stopped() const { return stopped_; }
    // A request whose reply nobody waits for here.
    void send(const std::string& method, json::Array params,
              std::function<void(const net::Message& reply)> on_reply);

    const std::string& server() const { return server_; }
    Result<std::shared_ptr<const ovsdb::DatabaseSchema>> schema(const std::string& database);

  private:
    Client() = default;
    void received(net::Message message);
    void wait();  // for the next message
    Error lost() const;

    std::string server_;
    net::Loop loop_;
    std::unique_ptr<net::RpcSession> session_;
    std::deque<net::Message> replies_, notifications_;
    std::map<int64_t, std::function<void(const net::Message&)>> asked_;  // by send()
    std::string closed_;                                                 // why
    bool ended_ = false, stopped_ = false;
    int64_t deadline_ms_ = 0;
    int64_t next_id_ = 0;
};

}  // namespace weft::cli
