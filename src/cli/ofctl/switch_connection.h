// ovs-ofctl's connection to a switch: blocking, one request at a time.
//
// `target` is a bridge's name (its socket RUNDIR/NAME.mgmt), a socket's path, unix:PATH, tcp:HOST[:PORT] or
// ssl:HOST[:PORT] (ovs-ofctl(8)).  Errors are worded as ovs-ofctl does.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/loop.h"
#include "net/stream.h"
#include "openflow/connection.h"
#include "openflow/message.h"

namespace weft::cli::ofctl {

class SwitchConnection {
  public:
    // `versions`: version_bit() of each allowed; `suffix`: "mgmt" or "snoop".
    static Result<std::unique_ptr<SwitchConnection>> open(const std::string& target, uint32_t versions,
                                                          const char* suffix = "mgmt");
    ~SwitchConnection();
    SwitchConnection(const SwitchConnection&) = delete;
    SwitchConnection& operator=(const SwitchConnection&) = delete;

    openflow::Version version() const { return *connection_.version(); }
    uint32_t next_xid() { return ++xid_; }
    Result<void> send(ByteView bytes);
    // The next message.
    Result<Bytes> receive();
    // Takes in what has arrived, without waiting; then next() gives it message by message.
    Result<void> poll();
    std::optional<Bytes> next();
    // Of the connection, for who serves other things beside it; a turn follows when there is something to
    // read.
    net::Loop& loop() { return *loop_; }
    // Sends a request and returns its replies' messages: one, or all parts of a multipart reply.
    Result<std::vector<openflow::Message>> request(openflow::Body body);
    // The same, with each message handed over as it comes and not kept; flows of statistics go to `each_flow`
    // before the message that held them.
    using EachFlow = std::function<void(openflow::FlowStats&)>;
    using EachMessage = std::function<void(openflow::Message)>;
    Result<void> request(openflow::Body body, EachFlow each_flow, const EachMessage& each_message);
    // Sends messages, then a barrier; an error among the answers is the failure.
    Result<void> transact(const std::vector<Bytes>& messages);

  private:
    SwitchConnection(std::unique_ptr<net::Loop> loop, std::unique_ptr<net::Stream> stream, std::string target,
                     uint32_t versions);
    Result<void> flush();
    Result<void> fill();  // waits for more

    std::unique_ptr<net::Loop> loop_;
    std::unique_ptr<net::Stream> stream_;
    std::string target_;
    openflow::Connection connection_;
    uint32_t xid_ = 1;
};

}  // namespace weft::cli::ofctl
