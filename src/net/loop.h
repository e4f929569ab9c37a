// The event loop: one thread, one turn at a time.
//
// A turn reads all input that is there (file descriptors, then timers that are due, then what other threads
// posted); the callbacks only store and mark.  When all input of the turn is read, the turn handlers run
// once, in the order in which they were added, and compute and write.  A handler that has more to do calls
// wake(), and another turn follows at once.  So a burst of input costs one computation.
//
// The library underneath is confined to loop.cc and http_server.cc.  Time is clock::monotonic_ms(), so a
// stopped clock stops the timers. Not thread-safe, except post().  Handles must not outlive the loop.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>

struct event_base;

namespace weft::net {

class HttpServer;

class Loop {
  public:
    using Callback = std::function<void()>;
    enum Events : unsigned { kRead = 1, kWrite = 2 };
    using FdCallback = std::function<void(unsigned ready)>;

    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // Handles.  Destroying one cancels it; that is allowed inside any callback, its own included.
    class Watch;
    class Timer;
    class Turn;
    class Signal;

    // Calls back while `fd` is ready for one of `events`.  The caller keeps the descriptor open for as long
    // as the watch lives.  Errors and hang-ups count as ready.  It must be a kind that epoll(7) can wait for:
    // sockets, pipes, terminals, eventfds; not regular files.
    std::unique_ptr<Watch> watch(int fd, unsigned events, FdCallback callback);
    // A timer that is not armed yet.
    std::unique_ptr<Timer> timer(Callback callback);
    // Calls back, in the next turn, after the process was sent signal `number`.  Only one loop of a process
    // may watch signals at a time.
    std::unique_ptr<Signal> on_signal(int number, Callback callback);
    // Runs once in every turn, after all input was read.
    std::unique_ptr<Turn> each_turn(Callback callback);

    // Runs in this turn (or the next one, when called outside of turns), after the input and before the turn
    // handlers.
    void defer(Callback callback);
    // The same, from any thread.
    void post(Callback callback);
    // Another turn follows without waiting.
    void wake();

    void run();                          // turns until stop()
    void stop();                         // after the current turn
    void run_once(int64_t max_wait_ms);  // one turn, waiting for input at most so long (-1: for ever)

  private:
    friend class HttpServer;  // the library's own servers run on its base
    event_base* library_base();

    struct Impl;
    struct TimerHandle;
    struct TurnHandle;
    std::unique_ptr<Impl> impl_;
};

class Loop::Watch {
  public:
    virtual ~Watch() = default;
    virtual void set_events(unsigned events) = 0;  // 0: none for now
};

class Loop::Timer {
  public:
    virtual ~Timer() = default;
    virtual void arm_at(int64_t monotonic_ms) = 0;  // replaces an earlier time
    virtual void arm_in(int64_t ms) = 0;
    virtual void disarm() = 0;
    virtual bool armed() const = 0;
};

class Loop::Turn {
  public:
    virtual ~Turn() = default;
};

class Loop::Signal {
  public:
    virtual ~Signal() = default;
};

}  // namespace weft::net
