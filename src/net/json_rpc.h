// JSON-RPC 1.0 as OVSDB and the control sockets use it (RFC 7047, 4): messages on a Stream.
//
// A connection answers "echo" requests itself.  Session adds reconnection with back-off and the inactivity
// probe (reconnect.h, a pure state machine): it is what clients keep for their lifetime.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "json/value.h"
#include "net/loop.h"
#include "net/stream.h"

namespace weft::net {

struct Message {
    enum class Type { kRequest, kNotification, kReply, kError };
    Type type;
    std::string method;  // of requests and notifications
    json::Value params;  // an array; of requests and notifications
    json::Value result;  // of replies
    json::Value error;   // of errors
    json::Value id;      // not of notifications

    static Message request(std::string method, json::Value params, json::Value id);
    static Message notification(std::string method, json::Value params);
    static Message reply(json::Value result, json::Value id);
    static Message failure(json::Value error, json::Value id);
    static Result<Message> from_json(json::Value value);
    std::string to_text() const;
};

class RpcConnection {
  public:
    // Messages arrive by `on_message`, `on_close` is called once, with the reason ("" for an orderly close).
    // Either may destroy the connection.
    RpcConnection(Loop& loop, std::unique_ptr<Stream> stream, std::function<void(Message)> on_message,
                  std::function<void(std::string reason)> on_close);
    ~RpcConnection();

    void send(const Message& message);
    void send_text(std::string_view text);  // a message already serialised, for fan-out
    size_t backlog() const;
    const std::string& name() const;
    int64_t last_received_ms() const;  // clock::monotonic_ms() of the last bytes

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

class RpcSession {
  public:
    struct Options {
        std::vector<std::string> remotes;  // tried in turn, e.g. {"tcp:10.0.0.1:6642", "tcp:10.0.0.2:6642"}
        int64_t probe_interval_ms = 5000;  // 0: never probe
        int64_t min_backoff_ms = 1000, max_backoff_ms = 8000;
        bool shuffle_remotes = false;
        // Each remote is tried once, and nothing is tried after a connection was lost: clients like ovs-vsctl
        // without retries.
        bool give_up_at_first_failure = false;
    };
    struct Handler {
        std::function<void()> on_connected;
        std::function<void(Message)> on_message;
        // A connection ended, or (give_up_at_first_failure) none could be made and none will be tried.
        std::function<void(std::string reason)> on_disconnected;
    };
    // The session may be destroyed in any of its callbacks.
    RpcSession(Loop& loop, Options options, Handler handler);
    ~RpcSession();

    bool connected() const;
    bool gave_up() const;
    const std::string& remote() const;      // the one in use or tried last
    const std::string& last_error() const;  // why the last attempt or connection ended
    void send(const Message& message);      // dropped while not connected
    size_t backlog() const;
    void set_remotes(std::vector<std::string> remotes);
    void set_probe_interval(int64_t ms);
    void reconnect();            // drops the connection and goes to the next remote
    std::string status() const;  // for connection-status: "connected", "not connected"

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace weft::net
