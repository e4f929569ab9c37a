#include "datapath/userspace/packet_thread.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "datapath/userspace/processor.h"

namespace weft::datapath {

namespace {

log::Module lg("dpif_netdev");

constexpr int kForgottenAfter = 64;         // empty polls, after which a queue is not busy any more
constexpr size_t kBurst = 8;                // packets after which more are waited for
constexpr int64_t kNapsForUs = 10'000;      // without packets, after which naps end and it waits for one
constexpr size_t kFewPackets = kBatch / 2;  // of a round, after which naps grow longer
constexpr int64_t kListenUs = 50;           // between looks at queues that are not busy, meanwhile
constexpr uint64_t kNews = 0;               // no queue's id

}  // namespace

PacketThread::PacketThread(Forwarding& shared, Seats seats, unsigned lane, unsigned processor,
                           UpcallQueue& upcalls)
    : seats_(seats),
      processor_(processor),
      upcalls_(upcalls),
      lane_(shared, lane, *this, &seats.tables),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      name_(fmt::format("pmd-c{:02}/id:{}", processor, lane)) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u64 = kNews;
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, event_.get(), &event);
}

PacketThread::~PacketThread() {
    stop();
}

void PacketThread::stop() {
    stopping_.store(true, std::memory_order_relaxed);
    wake();
    if (thread_.joinable()) thread_.join();
}

void PacketThread::start(std::optional<uint32_t> max_sleep_us) {
    max_sleep_us_ = max_sleep_us;
    all_busy_ = max_sleep_us.has_value();
    // Signals are the switch's thread's.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void PacketThread::add(ServedQueue& queue) {
    queue.busy = true;
    queue.armed = false;
    queue.empty_polls = 0;
    queues_.push_back(&queue);
    epoll_event event = {};
    event.events = EPOLLONESHOT;
    event.data.u64 = queue.id;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, queue.queue->fd(), &event) < 0)
        lg.warn("{}: queue {} cannot be waited for: {}", queue.port_name, queue.number, std::strerror(errno));
    wake();
}

void PacketThread::remove(ServedQueue& queue) {
    epoll_event none = {};
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, queue.queue->fd(), &none);
    std::erase(queues_, &queue);
}

void PacketThread::wake() {
    uint64_t one = 1;
    (void)!write(event_.get(), &one, sizeof one);
}

bool PacketThread::upcall(Upcall upcall) {
    bool miss = upcall.type == Upcall::Type::kMiss;
    if (miss) {
        lane_.flush();  // what came before it leaves before the switch sends this
        current_->unanswered.fetch_add(1, std::memory_order_relaxed);
    }
    if (upcalls_.push(current_->port, {std::move(upcall), miss ? current_->id : 0})) return true;
    if (miss) current_->unanswered.fetch_sub(1, std::memory_order_relaxed);
    lane_.lose();
    return false;
}

void PacketThread::run() {
    log::set_thread_name(name_.c_str());
    pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
    cpu_set_t processors;
    CPU_ZERO(&processors);
    CPU_SET(processor_, &processors);
    if (sched_setaffinity(0, sizeof processors, &processors) < 0)
        lg.warn("processor {}: a packet thread cannot be pinned to it: {}", processor_, std::strerror(errno));
    if (max_sleep_us_) prctl(PR_SET_TIMERSLACK, 1000);

    int64_t last = 0;
    size_t burst = 0;
    uint32_t nap_us = 0;
    uint64_t began = processor_cycles();
    while (!stopping_.load(std::memory_order_relaxed)) {
        bool held = false;
        size_t got = round(held);
        uint64_t now_cycles = processor_cycles();
        (got ? busy_cycles_ : idle_cycles_) += now_cycles - began;
        began = now_cycles;
        iterations_++;
        if (got) busy_iterations_++;
        if (max_sleep_us_ && !*max_sleep_us_) {  // it was told never to sleep
            if (!got) relax_processor();
            continue;
        }
        int64_t now = machine_us();
        if (got) {
            burst += got;
            last = now;
        }
        if (now - listened_us_ >= kListenUs && !all_busy_) listen(0);  // others may have packets by now
        if (max_sleep_us_) {
            nap_us = got >= kFewPackets ? 0 : std::min(nap_us + 1, *max_sleep_us_);
            if (now - last < kNapsForUs) {
                if (nap_us) sleep_for(nap_us);
                began = processor_cycles();
                continue;
            }
        } else if (got || (burst >= kBurst && now - last < kIdleUs)) {
            if (!got) relax_processor();
            continue;
        }
        wait(held);
        burst = 0;
        began = processor_cycles();
    }
}

// Some batches of each queue that is busy.
size_t PacketThread::round(bool& held) {
    std::lock_guard seat(seats_.ports);
    size_t packets = 0;
    for (size_t i = 0; i < queues_.size(); i++) {
        // Who changes ports goes first; those that had no turn are the first of the next round.
        if (seats_.ports.wanted()) {
            next_ += i;
            break;
        }
        ServedQueue& queue = *queues_[(next_ + i) % queues_.size()];
        if (!queue.busy && !all_busy_) continue;
        if (!serve(queue, packets)) held = true;
    }
    if (!queues_.empty()) next_ %= queues_.size();
    return packets;
}

// False: it waits for answers.
bool PacketThread::serve(ServedQueue& queue, size_t& packets) {
    if (queue.unanswered.load(std::memory_order_acquire) > 0 && machine_us() < queue.held_until_us)
        return false;
    uint64_t began = processor_cycles();
    current_ = &queue;
    size_t taken = 0;
    for (unsigned n = 0; n < kBatchesAtOnce; ++n) {
        batch_.clear();
        queue.queue->take(batch_);
        taken += batch_.size();
        if (!batch_.empty()) {
            std::lock_guard seat(seats_.tables);
            lane_.received(queue.port, batch_);
        }
        // Nothing is taken behind a miss.
        if (batch_.size() < kBatch || queue.unanswered.load(std::memory_order_relaxed) > 0) break;
    }
    if (!taken) {
        if (++queue.empty_polls > kForgottenAfter) queue.busy = false;
        return true;
    }
    queue.empty_polls = 0;
    packets += taken;
    lane_.flush();
    if (queue.unanswered.load(std::memory_order_relaxed) > 0) queue.held_until_us = machine_us() + kAnswerUs;
    queue.cycles += processor_cycles() - began;
    return true;
}

// Until a queue has packets, or there is news.  `held`: queues wait for answers, which may come late.
void PacketThread::wait(bool held) {
    {
        std::lock_guard seat(seats_.ports);
        for (ServedQueue* queue : queues_) {
            if (queue->unanswered.load(std::memory_order_acquire) > 0 &&
                machine_us() < queue->held_until_us) {
                queue->busy = true;
                held = true;
                continue;
            }
            queue->busy = false;
            if (queue->armed) continue;
            queue->armed = true;
            epoll_event event = {};
            event.events = EPOLLIN | EPOLLONESHOT;
            event.data.u64 = queue->id;
            epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, queue->queue->fd(), &event);
        }
    }
    // The news of it may have been heard already.
    if (stopping_.load(std::memory_order_relaxed)) return;
    int64_t began = machine_us();
    listen(held ? static_cast<int>(kAnswerUs / 1000) : -1);
    sleeps_++;
    sleep_us_ += static_cast<uint64_t>(listened_us_ - began);
}

// Which queues have packets.
void PacketThread::listen(int at_most_ms) {
    epoll_event events[64];
    int count = epoll_wait(epoll_.get(), events, 64, at_most_ms);
    listened_us_ = machine_us();
    if (count <= 0) return;
    std::lock_guard seat(seats_.ports);
    for (int i = 0; i < count; i++) hear(events[i].data.u64, events[i].events);
}

void PacketThread::hear(uint64_t id, uint32_t events) {
    if (id == kNews) {
        uint64_t count;
        (void)!read(event_.get(), &count, sizeof count);
        return;
    }
    for (ServedQueue* queue : queues_) {
        if (queue->id != id) continue;
        if (events & EPOLLERR) queue->queue->clear_error();
        queue->busy = true;
        queue->armed = false;
        queue->empty_polls = 0;
    }
}

void PacketThread::sleep_for(uint32_t us) {
    timespec time = {0, static_cast<long>(us) * 1000};
    nanosleep(&time, nullptr);
    sleeps_++;
    sleep_us_ += us;
}

PacketThread::Counts PacketThread::counts() const {
    return {iterations_, busy_iterations_, sleeps_, sleep_us_, idle_cycles_, busy_cycles_};
}

}  // namespace weft::datapath
