// JSON-RPC 1.0 as OVSDB and the control sockets use it (RFC 7047, 4): messages on a Stream.
//
// A connection answers "echo" requests itself.  Session adds reconnection with back-off and the inactivity
// probe (connector.h): it is what clients keep for their lifetime.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "json/value.h"
#include "net/connector.h"
#include "net/loop.h"
#include "net/stream.h"

namespace weft::net {

struct Message {
    enum class Type { kRequest, kNotification, kReply, kError };
    Type type;
    std::string method;       // of requests and notifications
    json::Value params;       // an array; of requests and notifications
    json::Value result;       // of replies
    json::Value error;        // of errors
    json::Value id;           // not of notifications
    std::string params_text;  // of requests to be sent, instead of params: the same, serialised

    static Message request(std::string method, json::Value params, json::Value id);
    static Message request_text(std::string method, std::string params, json::Value id);
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

    // Bytes that were received and not handed out yet, of all connections that share it.
    struct Budget {
        size_t max = SIZE_MAX;
        size_t used = 0;
    };
    // Is shown the text of each message before it is read, and says whether it took it.  Behind it are
    // kTextPadding bytes that may be read (json/view.h).
    static constexpr size_t kTextPadding = 64;
    void set_on_text(std::function<bool(std::string_view text)> on_text);
    // For servers, who must bear any client.  While more than `max_backlog` bytes wait to be sent nothing is
    // read, and after `turn_us` of handing out messages the rest waits for the next turn: it is the client
    // that waits.  One that sends a message of more than `max_message` bytes, or a long one while the budget
    // is used up, is told so in an error whose id is "limit", and is closed.
    struct Limits {
        size_t max_backlog = SIZE_MAX;
        int64_t turn_us = INT64_MAX;
        size_t max_message = size_t{1} << 30;
        std::shared_ptr<Budget> budget = nullptr;
    };
    void set_limits(Limits limits);
    // False: from now on nothing is read or handed out, until true; what is sent leaves all the same.
    void set_reading(bool reading);

    void send(const Message& message);
    void send_text(std::string_view text);  // a message already serialised, or a part of one
    void send_shared(std::shared_ptr<const std::string> text);  // the same, for fan-out: kept once
    // The same, but it waits for the next text that is sent, or for send_held().
    void send_text_later(std::string_view text);
    void send_held();
    size_t backlog() const;  // bytes waiting to be sent
    uint64_t sent() const;   // bytes that are
    size_t unread() const;   // bytes received and not handed out yet
    const std::string& name() const;
    std::string peer_id() const;       // Stream::peer_id()
    int64_t last_received_ms() const;  // clock::monotonic_ms() of the last bytes

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

class RpcSession {
  public:
    using Options = Connector::Options;
    struct Handler {
        std::function<void()> on_connected;
        std::function<void(Message)> on_message;
        // A connection ended, or (give_up_at_first_failure) none could be made and none will be tried.
        std::function<void(std::string reason)> on_disconnected;
        // RpcConnection::set_on_text(); may be empty.
        std::function<bool(std::string_view text)> on_text = {};
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
