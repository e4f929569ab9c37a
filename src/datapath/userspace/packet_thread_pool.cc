#include "datapath/userspace/packet_thread_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <tuple>

#include "base/log.h"
#include "datapath/userspace/processor.h"

namespace weft::datapath {

namespace {

log::Module lg("dpif_netdev");

constexpr size_t kUpcallsPerTurn = kBatch;
constexpr int64_t kLookMs = 1000;

std::string_view spread_name(QueueSpread spread) {
    return spread == QueueSpread::kGroup        ? "group"
           : spread == QueueSpread::kRoundRobin ? "roundrobin"
                                                : "cycles";
}

unsigned numa_node_of(unsigned processor) {
    std::error_code none;
    for (const auto& entry :
         std::filesystem::directory_iterator(fmt::format("/sys/devices/system/cpu/cpu{}", processor), none)) {
        std::string name = entry.path().filename();
        if (name.starts_with("node") && name.size() > 4 && name[4] >= '0' && name[4] <= '9')
            return static_cast<unsigned>(std::strtoul(name.c_str() + 4, nullptr, 10));
    }
    return 0;
}

LaneStats since(const LaneStats& now, const LaneStats& then) {
    LaneStats out;
    out.received = now.received - then.received;
    out.recirculated = now.recirculated - then.recirculated;
    out.exact_hits = now.exact_hits - then.exact_hits;
    out.megaflow_hits = now.megaflow_hits - then.megaflow_hits;
    out.misses = now.misses - then.misses;
    out.lost = now.lost - then.lost;
    out.masks_tried = now.masks_tried - then.masks_tried;
    out.sent = now.sent - then.sent;
    out.flushes = now.flushes - then.flushes;
    return out;
}

}  // namespace

void fill_report(PacketThreadReport& out, const LaneStats& now, const LaneStats& then) {
    LaneStats stats = since(now, then);
    out.received = stats.received;
    out.recirculated = stats.recirculated;
    out.exact_hits = stats.exact_hits;
    out.megaflow_hits = stats.megaflow_hits;
    out.masks_tried = stats.masks_tried;
    out.misses = stats.misses;
    out.lost = stats.lost;
    out.sent = stats.sent;
    out.flushes = stats.flushes;
}

void PacketThreadPool::History::add(uint64_t now) {
    std::copy_backward(at.begin(), at.end() - 1, at.end());
    at[0] = now;
    known = std::min(known + 1, at.size());
}

std::optional<uint64_t> PacketThreadPool::History::grown(size_t spans) const {
    if (known < 2) return std::nullopt;
    return at[0] - at[std::min(spans, known - 1)];
}

PacketThreadPool::PacketThreadPool(net::Loop& loop, PacketPoller& poller, Forwarding& shared,
                                   PacketSink& sink, Answer answer)
    : loop_(loop), poller_(poller), shared_(shared), sink_(sink), answer_(std::move(answer)) {
    ended_.drops.resize(explain::kDropReasons);
    watch_ = loop_.watch(upcalls_.fd(), net::Loop::kRead, [this](unsigned) { take(); });
    timer_ = loop_.timer([this] { look(); });
}

PacketThreadPool::~PacketThreadPool() {
    threads_.clear();
}

void PacketThreadPool::configure(const PacketThreadSettings& settings) {
    if (settings == settings_) return;
    bool anew =
        settings.processors != settings_.processors || settings.max_sleep_us != settings_.max_sleep_us;
    settings_ = settings;
    if (!anew) return spread();
    shared_.ports_lock.lock();
    for (auto& [id, queue] : queues_) {
        if (queue->thread) queue->thread->remove(queue->served);
        queue->thread = nullptr;
    }
    shared_.ports_lock.unlock();
    for (const Thread& one : threads_)
        lg.info("PMD thread on numa_id: {}, core id: {:2} destroyed.", numa_node_of(one.thread->processor()),
                one.thread->processor());
    for (Thread& one : threads_) one.thread->stop();
    DatapathStats ended = ended_;
    add_threads_to(ended);
    ended_ = std::move(ended);
    threads_.clear();
    shared_.ports_lock.remove_seats();
    shared_.tables_lock.remove_seats();
    for (const auto& [number, port] : shared_.ports.all())
        port->set_lanes(static_cast<unsigned>(settings_.processors.size()) + 1);
    for (unsigned processor : settings_.processors) {
        Thread one;
        PacketThread::Seats seats{shared_.ports_lock.add_seat(), shared_.tables_lock.add_seat()};
        one.thread = std::make_unique<PacketThread>(shared_, seats, lanes(), processor, upcalls_);
        one.clear();
        lg.info("PMD thread on numa_id: {}, core id: {:2} created.", numa_node_of(processor), processor);
        threads_.push_back(std::move(one));
    }
    spread();
    for (Thread& one : threads_) one.thread->start(settings_.max_sleep_us);
    looks_ = 0;
    if (threads_.empty())
        timer_->disarm();
    else
        timer_->arm_in(kLookMs);
}

void PacketThreadPool::add_port(Port& port) {
    port.set_lanes(lanes());
    unsigned number = 0;
    for (ReceiveQueue* one : port.queues()) {
        auto queue = std::make_unique<Queue>();
        queue->served.id = ++last_id_;
        queue->served.port = port.info().number;
        queue->served.port_name = port.info().name;
        queue->served.number = number++;
        queue->served.queue = one;
        queues_.emplace(last_id_, std::move(queue));
    }
    if (number) spread();
}

void PacketThreadPool::remove_port(PortNo port) {
    bool any = false;
    for (auto it = queues_.begin(); it != queues_.end();) {
        Queue& queue = *it->second;
        if (queue.served.port != port) {
            ++it;
            continue;
        }
        if (queue.thread) queue.thread->remove(queue.served);
        any = true;
        it = queues_.erase(it);
    }
    if (any) spread();
}

void PacketThreadPool::pin(PortNo port, const std::map<unsigned, unsigned>& processors) {
    bool changed = false;
    for (auto& [id, queue] : queues_) {
        if (queue->served.port != port) continue;
        auto it = processors.find(queue->served.number);
        auto pinned = it == processors.end() ? std::nullopt : std::optional(it->second);
        changed = changed || pinned != queue->pinned;
        queue->pinned = pinned;
    }
    if (changed && !threads_.empty()) spread();
}

void PacketThreadPool::spread() {
    std::vector<Queue*> queues;
    std::vector<QueueToSpread> asked;
    for (auto& [id, queue] : queues_) {
        queues.push_back(queue.get());
        asked.push_back({queue->history.grown(kSpans).value_or(0), queue->pinned});
    }
    SpreadQueues spread = spread_queues(settings_, asked);
    for (size_t i : spread.pinned_elsewhere) {
        if (threads_.empty()) break;
        lg.warn(
            "Core {:2} cannot be pinned with port '{}' rx queue {}. Use pmd-cpu-mask to enable a pmd on core "
            "{}. An alternative core will be assigned.",
            *queues[i]->pinned, queues[i]->served.port_name, queues[i]->served.number, *queues[i]->pinned);
    }
    if (!threads_.empty())
        lg.info("Performing pmd to rx queue assignment using {} algorithm.", spread_name(settings_.spread));
    shared_.ports_lock.lock();
    for (size_t i = 0; i < threads_.size(); i++) threads_[i].isolated = spread.isolated[i];
    for (size_t i = 0; i < queues.size(); i++) {
        size_t thread = spread.thread[i];
        give(*queues[i], thread == SpreadQueues::kNone ? nullptr : threads_[thread].thread.get());
    }
    shared_.ports_lock.unlock();
    for (Thread& one : threads_) one.thread->wake();
}

void PacketThreadPool::give(Queue& queue, PacketThread* thread) {
    if (thread ? queue.thread == thread : queue.watch != nullptr) return;
    if (queue.thread) queue.thread->remove(queue.served);
    queue.watch.reset();
    queue.thread = thread;
    if (!thread) {
        queue.watch =
            std::make_unique<QueueWatch>(loop_, poller_, *queue.served.queue, queue.served.port, sink_);
        return;
    }
    thread->add(queue.served);
    lg.info("Core {:2} on numa node {} {} port '{}' rx queue {} (measured processing cycles {}).",
            thread->processor(), numa_node_of(thread->processor()),
            queue.pinned == thread->processor() ? "is pinned with" : "assigned", queue.served.port_name,
            queue.served.number, queue.history.grown(kSpans).value_or(0));
}

// Every second: subtables in their order, and how busy everybody was.
void PacketThreadPool::look() {
    timer_->arm_in(kLookMs);
    bool sort = false;
    for (Thread& one : threads_) sort = one.thread->lane().wants_sort() || sort;
    if (sort) {
        shared_.tables_lock.lock();
        shared_.megaflows.sort();
        shared_.tables_lock.unlock();
    }
    if (looks_++ % kSpanS) return;
    uint64_t now = processor_cycles();
    for (Thread& one : threads_) {
        one.elapsed.add(now);
        one.busy.add(one.thread->counts().busy_cycles);
    }
    for (auto& [id, queue] : queues_) queue->history.add(queue->served.cycles);
}

void PacketThreadPool::take() {
    std::vector<UpcallQueue::Item> items = upcalls_.take(kUpcallsPerTurn);
    if (items.empty()) return;
    std::vector<uint64_t> queues;
    for (const UpcallQueue::Item& item : items) {
        if (item.queue) queues.push_back(item.queue);
    }
    answer_(std::move(items));
    answered(queues);
}

void PacketThreadPool::answered(const std::vector<uint64_t>& queues) {
    for (uint64_t id : queues) {
        auto it = queues_.find(id);
        if (it == queues_.end()) continue;
        Queue& queue = *it->second;
        if (queue.served.unanswered.fetch_sub(1, std::memory_order_release) == 1 && queue.thread)
            queue.thread->wake();
    }
}

void PacketThreadPool::each_lane(const std::function<void(Lane&)>& callback) {
    for (Thread& one : threads_) callback(one.thread->lane());
}

void PacketThreadPool::add_to(DatapathStats& out) const {
    out.hits += ended_.hits;
    out.misses += ended_.misses;
    out.lost += ended_.lost;
    out.exact_hits += ended_.exact_hits;
    out.masks_tried += ended_.masks_tried;
    for (size_t i = 0; i < out.drops.size(); i++) out.drops[i] += ended_.drops[i];
    add_threads_to(out);
}

void PacketThreadPool::add_threads_to(DatapathStats& out) const {
    for (const Thread& one : threads_) {
        LaneStats stats = one.thread->lane().stats();
        out.hits += stats.exact_hits + stats.megaflow_hits;
        out.misses += stats.misses;
        out.lost += stats.lost;
        out.exact_hits += stats.exact_hits;
        out.masks_tried += stats.masks_tried;
        one.thread->lane().add_drops(out.drops);
    }
}

std::vector<PacketThreadReport> PacketThreadPool::report(unsigned seconds) const {
    size_t spans = std::clamp<size_t>((seconds + kSpanS - 1) / kSpanS, 1, kSpans);
    std::vector<PacketThreadReport> out;
    for (const Thread& one : threads_) {
        PacketThreadReport report;
        report.processor = one.thread->processor();
        report.numa_node = numa_node_of(one.thread->processor());
        report.isolated = one.isolated;
        auto elapsed = one.elapsed.grown(spans), busy = one.busy.grown(spans);
        auto percent = [&](std::optional<uint64_t> cycles) -> std::optional<unsigned> {
            if (!cycles || !elapsed || !*elapsed) return std::nullopt;
            return static_cast<unsigned>(std::min<uint64_t>(100, *cycles * 100 / *elapsed));
        };
        uint64_t of_queues = 0;
        for (const auto& [id, queue] : queues_) {
            if (queue->thread != one.thread.get()) continue;
            auto cycles = queue->history.grown(spans);
            of_queues += cycles.value_or(0);
            report.queues.push_back({queue->served.port_name, queue->served.number, percent(cycles)});
        }
        std::ranges::stable_sort(report.queues, [](const QueueReport& a, const QueueReport& b) {
            return std::tie(a.port, a.queue) < std::tie(b.port, b.queue);
        });
        report.overhead_percent = percent(busy ? std::optional(*busy - std::min(*busy, of_queues)) : busy);
        fill_report(report, one.thread->lane().stats(), one.cleared);
        PacketThread::Counts now = one.thread->counts();
        const PacketThread::Counts& then = one.cleared_counts;
        report.idle_cycles = now.idle_cycles - then.idle_cycles;
        report.busy_cycles = now.busy_cycles - then.busy_cycles;
        report.iterations = now.iterations - then.iterations;
        report.busy_iterations = now.busy_iterations - then.busy_iterations;
        report.sleeps = now.sleeps - then.sleeps;
        report.sleep_us = now.sleep_us - then.sleep_us;
        report.cycles_in_all = processor_cycles() - one.cleared_cycles;
        report.seconds = static_cast<double>(machine_us() - one.cleared_us) / 1e6;
        out.push_back(std::move(report));
    }
    return out;
}

void PacketThreadPool::Thread::clear() {
    cleared = thread->lane().stats();
    cleared_counts = thread->counts();
    cleared_cycles = processor_cycles();
    cleared_us = machine_us();
}

void PacketThreadPool::clear_counts(std::optional<unsigned> processor) {
    for (Thread& one : threads_) {
        if (processor && *processor != one.thread->processor()) continue;
        one.clear();
    }
}

}  // namespace weft::datapath
