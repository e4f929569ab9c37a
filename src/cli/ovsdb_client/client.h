// A connection to a database server that waits for its answers: what ovsdb-client's commands are written
// with.

#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "json/value.h"
#include "net/json_rpc.h"
#include "net/loop.h"
#include "ovsdb/data/schema.h"

namespace weft::cli {

class Client {
  public:
    // Waits until it is connected.  `timeout_ms` (0: none) is for the whole life of the program.
    static Result<std::unique_ptr<Client>> connect(const std::string& server, int64_t timeout_ms);

    // The result of a request; an error of the server's is the Error, as JSON text.
    Result<json::Value> request(const std::string& method, json::Array params);
    // The next notification (update, locked, …).
    Result<net::Message> next_notification();
    // A notification that is there already.
    std::optional<net::Message> take_notification();

    const std::string& server() const { return server_; }
    Result<std::shared_ptr<const ovsdb::DatabaseSchema>> schema(const std::string& database);

  private:
    Client() = default;
    Result<void> wait();  // for the next message

    std::string server_;
    net::Loop loop_;
    std::unique_ptr<net::RpcSession> session_;
    std::deque<net::Message> replies_, notifications_;
    std::string closed_;  // why
    bool ended_ = false;
    int64_t deadline_ms_ = 0;
    int64_t next_id_ = 0;
};

}  // namespace weft::cli
