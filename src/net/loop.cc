#include "net/loop.h"

#include <event2/event.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cassert>
#include <list>
#include <mutex>
#include <set>
#include <vector>

#include "base/clock.h"
#include "net/slow_turn.h"

namespace weft::net {

namespace {

// What a handle and the loop share.  The loop keeps it alive while its callback runs, so that the callback
// may destroy the handle.
struct WatchState {
    Loop::FdCallback callback;
    event* handle = nullptr;
    bool alive = true;

    ~WatchState() {
        if (handle) event_free(handle);
    }
};

struct SignalState {
    Loop::Callback callback;
    event* handle = nullptr;
    bool alive = true;

    ~SignalState() {
        if (handle) event_free(handle);
    }
};

struct TimerState {
    Loop::Callback callback;
    int64_t due_ms = 0;
    uint64_t order = 0;  // of arming, among timers due at the same time
    bool armed = false;
};

struct TurnState {
    Loop::Callback callback;
    bool alive = true;
};

struct EarlierFirst {
    bool operator()(const std::shared_ptr<TimerState>& a, const std::shared_ptr<TimerState>& b) const {
        return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
    }
};

event_base* make_base() {
    event_config* config = event_config_new();
    // Without it the library's clock may lag ours by milliseconds, and timers would wake us too early.
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    event_base* base = event_base_new_with_config(config);
    event_config_free(config);
    assert(base);
    return base;
}

short library_events(unsigned events) {
    return static_cast<short>((events & Loop::kRead ? EV_READ : 0) | (events & Loop::kWrite ? EV_WRITE : 0));
}

}  // namespace

struct Loop::Impl {
    event_base* base = make_base();
    SlowTurn slow_turn;
    event* wait_timeout = nullptr;  // ends the wait for input
    int post_fd = -1;
    event* post_event = nullptr;

    std::set<std::shared_ptr<TimerState>, EarlierFirst> timers;
    uint64_t next_order = 0;
    std::list<std::shared_ptr<TurnState>> turns;
    std::vector<Callback> deferred;

    std::mutex posted_mutex;
    std::vector<Callback> posted;

    bool in_turn = false, stopping = false, awake = false;

    Impl() {
        wait_timeout = event_new(
            base, -1, 0, [](evutil_socket_t, short, void*) {}, nullptr);
        post_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        assert(post_fd >= 0);
        post_event = event_new(base, post_fd, EV_READ | EV_PERSIST, drain_post_fd, nullptr);
        event_add(post_event, nullptr);
    }
    ~Impl() {
        event_free(wait_timeout);
        event_free(post_event);
        close(post_fd);
        event_base_free(base);
    }

    static void drain_post_fd(evutil_socket_t fd, short, void*) {
        uint64_t count;
        [[maybe_unused]] ssize_t n = read(fd, &count, sizeof count);
    }

    void wait_for_input(int64_t max_wait_ms);
    void run_due_timers();
    void run_posted();
    void run_deferred();
    void run_turn_handlers();
};

void Loop::Impl::wait_for_input(int64_t max_wait_ms) {
    bool now = awake || stopping || !deferred.empty() || max_wait_ms == 0;
    awake = false;
    int64_t wait_ms = max_wait_ms;
    if (!timers.empty()) {
        int64_t until_due = std::max<int64_t>(0, (*timers.begin())->due_ms - clock::monotonic_ms());
        if (until_due == 0) now = true;
        // While the clock is stopped no timer becomes due by waiting.
        if (!clock::stopped() && (wait_ms < 0 || until_due < wait_ms)) wait_ms = until_due;
    }
    if (now) {
        event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        return;
    }
    if (wait_ms >= 0) {
        timeval tv{static_cast<time_t>(wait_ms / 1000), static_cast<suseconds_t>(wait_ms % 1000 * 1000)};
        event_add(wait_timeout, &tv);
    }
    event_base_loop(base, EVLOOP_ONCE);
    event_del(wait_timeout);
}

void Loop::Impl::run_due_timers() {
    // Timers armed by these callbacks wait for the next turn, so a timer that re-arms itself at once cannot
    // hold the loop.
    int64_t now = clock::monotonic_ms();
    uint64_t last_order = next_order;
    auto it = timers.begin();
    while (it != timers.end() && (*it)->due_ms <= now) {
        if ((*it)->order >= last_order) {
            ++it;
            continue;
        }
        std::shared_ptr<TimerState> timer = *it;
        timers.erase(it);
        timer->armed = false;
        timer->callback();
        it = timers.begin();
    }
}

void Loop::Impl::run_posted() {
    std::vector<Callback> batch;
    {
        std::lock_guard lock(posted_mutex);
        batch.swap(posted);
    }
    for (Callback& callback : batch) callback();
}

void Loop::Impl::run_deferred() {
    // What a deferred callback defers still belongs to this turn.
    while (!deferred.empty()) {
        std::vector<Callback> batch;
        batch.swap(deferred);
        for (Callback& callback : batch) callback();
    }
}

void Loop::Impl::run_turn_handlers() {
    for (auto it = turns.begin(); it != turns.end();) {
        std::shared_ptr<TurnState> turn = *it;
        if (turn->alive) turn->callback();
        it = turn->alive ? std::next(it) : turns.erase(it);
    }
}

namespace {

class WatchHandle final : public Loop::Watch {
  public:
    WatchHandle(event_base* base, SlowTurn& turn, int fd, unsigned events, Loop::FdCallback callback)
        : base_(base), turn_(turn), fd_(fd), state_(std::make_shared<WatchState>()) {
        state_->callback = std::move(callback);
        set_events(events);
    }
    ~WatchHandle() override {
        state_->alive = false;
        if (state_->handle) event_del(state_->handle);
    }
    void set_events(unsigned events) override {
        if (events == events_) return;
        events_ = events;
        if (state_->handle) event_del(state_->handle);
        if (events == 0) return;
        if (!state_->handle) {
            state_->handle = event_new(base_, fd_, 0, run, this);
            assert(state_->handle);
        }
        event_assign(state_->handle, base_, fd_, static_cast<short>(library_events(events) | EV_PERSIST), run,
                     this);
        [[maybe_unused]] int rc = event_add(state_->handle, nullptr);
        assert(rc == 0 && "descriptor cannot be watched");
    }

  private:
    static void run(evutil_socket_t, short what, void* self) {
        auto* handle = static_cast<WatchHandle*>(self);
        handle->turn_.begin();
        std::shared_ptr<WatchState> state = handle->state_;
        unsigned ready = (what & EV_READ ? Loop::kRead : 0u) | (what & EV_WRITE ? Loop::kWrite : 0u);
        if (state->alive) state->callback(ready);
    }

    event_base* base_;
    SlowTurn& turn_;
    int fd_;
    unsigned events_ = 0;
    std::shared_ptr<WatchState> state_;
};

class SignalHandle final : public Loop::Signal {
  public:
    SignalHandle(event_base* base, int number, Loop::Callback callback)
        : state_(std::make_shared<SignalState>()) {
        state_->callback = std::move(callback);
        state_->handle = event_new(base, number, EV_SIGNAL | EV_PERSIST, run, this);
        [[maybe_unused]] int rc = event_add(state_->handle, nullptr);
        assert(rc == 0);
    }
    ~SignalHandle() override {
        state_->alive = false;
        event_del(state_->handle);
    }

  private:
    static void run(evutil_socket_t, short, void* self) {
        std::shared_ptr<SignalState> state = static_cast<SignalHandle*>(self)->state_;
        if (state->alive) state->callback();
    }

    std::shared_ptr<SignalState> state_;
};

}  // namespace

struct Loop::TimerHandle final : Loop::Timer {
    TimerHandle(Impl& loop, Callback callback) : loop_(loop), state_(std::make_shared<TimerState>()) {
        state_->callback = std::move(callback);
    }
    ~TimerHandle() override { disarm(); }
    void arm_at(int64_t monotonic_ms) override {
        disarm();
        state_->due_ms = monotonic_ms;
        state_->order = loop_.next_order++;
        state_->armed = true;
        loop_.timers.insert(state_);
    }
    void arm_in(int64_t ms) override { arm_at(clock::monotonic_ms() + ms); }
    void disarm() override {
        if (state_->armed) loop_.timers.erase(state_);
        state_->armed = false;
    }
    bool armed() const override { return state_->armed; }

    Impl& loop_;
    std::shared_ptr<TimerState> state_;
};

struct Loop::TurnHandle final : Loop::Turn {
    TurnHandle(Impl& loop, Callback callback) : loop_(loop), state_(std::make_shared<TurnState>()) {
        state_->callback = std::move(callback);
        loop_.turns.push_back(state_);
    }
    ~TurnHandle() override {
        state_->alive = false;
        // In a turn the list is being walked, and the walk removes it.
        if (!loop_.in_turn) loop_.turns.remove(state_);
    }

    Impl& loop_;
    std::shared_ptr<TurnState> state_;
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

std::unique_ptr<Loop::Watch> Loop::watch(int fd, unsigned events, FdCallback callback) {
    return std::make_unique<WatchHandle>(impl_->base, impl_->slow_turn, fd, events, std::move(callback));
}

std::unique_ptr<Loop::Signal> Loop::on_signal(int number, Callback callback) {
    return std::make_unique<SignalHandle>(impl_->base, number, std::move(callback));
}

std::unique_ptr<Loop::Timer> Loop::timer(Callback callback) {
    return std::make_unique<TimerHandle>(*impl_, std::move(callback));
}

std::unique_ptr<Loop::Turn> Loop::each_turn(Callback callback) {
    return std::make_unique<TurnHandle>(*impl_, std::move(callback));
}

void Loop::defer(Callback callback) {
    impl_->deferred.push_back(std::move(callback));
}

void Loop::post(Callback callback) {
    {
        std::lock_guard lock(impl_->posted_mutex);
        impl_->posted.push_back(std::move(callback));
    }
    uint64_t one = 1;
    [[maybe_unused]] ssize_t n = write(impl_->post_fd, &one, sizeof one);
}

event_base* Loop::library_base() {
    return impl_->base;
}

void Loop::wake() {
    impl_->awake = true;
}

void Loop::run() {
    impl_->stopping = false;
    while (!impl_->stopping) run_once(-1);
}

void Loop::stop() {
    impl_->stopping = true;
}

void Loop::run_once(int64_t max_wait_ms) {
    assert(!impl_->in_turn && "a turn inside a turn");
    impl_->in_turn = true;
    impl_->wait_for_input(max_wait_ms);
    impl_->slow_turn.begin();
    impl_->run_due_timers();
    impl_->run_posted();
    impl_->run_deferred();
    impl_->run_turn_handlers();
    impl_->slow_turn.end();
    impl_->in_turn = false;
}

}  // namespace weft::net
