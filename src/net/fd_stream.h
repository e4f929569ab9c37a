// A stream over a non-blocking socket: what the unix and tcp transports share.  Internal to net.
//
// What is written in a turn is sent with one system call at the end of the turn.

#pragma once

#include <memory>
#include <string>

#include "net/send_queue.h"
#include "net/stream.h"

namespace weft::net {

class FdStream : public Stream {
  public:
    // Without a descriptor yet: "connecting" until attach() or fail().
    FdStream(Loop& loop, std::string name);
    // Connected.  Owns `fd`, which must be non-blocking.
    FdStream(Loop& loop, std::string name, int fd);
    ~FdStream() override;

    void set_on_ready(Loop::Callback on_ready) override { on_ready_ = std::move(on_ready); }
    bool connected() const override { return state_ == State::kConnected; }
    bool read(std::string& out) override;
    void set_reading(bool reading) override;
    void write(std::string_view bytes) override;
    void write_shared(std::shared_ptr<const std::string> bytes) override;
    size_t backlog() const override { return queue_.size(); }
    uint64_t sent() const override { return sent_; }
    std::string error() const override { return error_; }
    const std::string& name() const override { return name_; }

  protected:
    // Goes on with a socket whose connect() succeeded or is in progress.
    void attach(int fd, bool connecting);
    // Ends the stream; the owner is told in the next turn, or in this one if it still reads input.
    void fail(std::string reason);
    // Called when an attempt failed with `error_number`: attaches another socket and returns true, or returns
    // false.
    virtual bool connect_next(int error_number);

    Loop& loop() { return loop_; }

  private:
    enum class State { kConnecting, kConnected, kClosed };

    void on_fd(unsigned ready);
    void finish_connecting();
    void flush();
    void schedule_flush();
    void notify();       // calls on_ready_; `this` may be gone afterwards
    void notify_soon();  // the same, from a turn of its own
    void update_events();
    void close_fd();

    Loop& loop_;
    std::string name_, error_;
    int fd_ = -1;
    State state_ = State::kConnecting;
    std::unique_ptr<Loop::Watch> watch_;
    Loop::Callback on_ready_;
    SendQueue queue_;
    uint64_t sent_ = 0;
    bool reading_ = true, flush_scheduled_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for callbacks that outlive the stream
};

}  // namespace weft::net
