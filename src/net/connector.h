// Keeps a stream to one of several remotes: attempts in turn with back-off (reconnect.h, a pure state
// machine), the moments to probe a silent peer, and the log lines that go with all that.
//
// It makes streams and hands them over; whoever takes one tells when it ended.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/loop.h"
#include "net/stream.h"

namespace weft::net {

class Connector {
  public:
    struct Options {
        std::vector<std::string> remotes;  // tried in turn, e.g. {"tcp:10.0.0.1:6642", "tcp:10.0.0.2:6642"}
        int64_t probe_interval_ms = 5000;  // 0: never probe
        int64_t min_backoff_ms = 1000, max_backoff_ms = 8000;
        bool shuffle_remotes = false;
        // Each remote is tried once, and nothing is tried after a stream ended: clients like ovs-vsctl
        // without retries.
        bool give_up_at_first_failure = false;
    };
    // The connector may be destroyed in any of them.
    struct Handler {
        std::function<void(std::unique_ptr<Stream>)> on_connected;
        // The stream has been silent for the probe interval: something is to be sent that the peer answers.
        std::function<void()> on_probe;
        // It did not answer, or reconnect() was called: the stream is to be given up, and then ended()
        // called.
        std::function<void(std::string reason)> on_drop;
        // When the stream was heard last (clock::monotonic_ms()).
        std::function<int64_t()> last_received_ms;
        std::function<void(std::string reason)> on_gave_up;
    };

    Connector(Loop& loop, Options options, Handler handler);
    ~Connector();

    // The stream ended; `reason` "": closed by the peer.
    void ended(const std::string& reason);

    bool connected() const;  // a stream was handed over and has not ended
    bool gave_up() const;
    const char* state_name() const;         // as in the column `status` of the tables of remotes: "BACKOFF"
    const std::string& remote() const;      // the one in use or tried last
    const std::string& last_error() const;  // why the last attempt or stream ended
    void set_remotes(std::vector<std::string> remotes);
    void set_probe_interval(int64_t ms);
    void set_max_backoff(int64_t ms);
    void reconnect();  // gives up what there is and goes to the next remote

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace weft::net
