#include "datapath/userspace/queue_spread.h"

#include <algorithm>
#include <numeric>

namespace weft::datapath {

SpreadQueues spread_queues(const PacketThreadSettings& settings, const std::vector<QueueToSpread>& queues) {
    SpreadQueues out;
    out.thread.assign(queues.size(), SpreadQueues::kNone);
    out.isolated.assign(settings.processors.size(), false);
    std::vector<uint64_t> load(settings.processors.size());
    std::vector<size_t> count(settings.processors.size());
    auto give = [&](size_t queue, size_t thread) {
        out.thread[queue] = thread;
        load[thread] += queues[queue].cycles;
        count[thread]++;
    };
    std::vector<size_t> free_queues;
    for (size_t i = 0; i < queues.size(); i++) {
        if (!queues[i].pinned) {
            free_queues.push_back(i);
            continue;
        }
        auto at = std::ranges::find(settings.processors, *queues[i].pinned);
        if (at == settings.processors.end()) {
            out.pinned_elsewhere.push_back(i);
            free_queues.push_back(i);
            continue;
        }
        size_t thread = static_cast<size_t>(at - settings.processors.begin());
        give(i, thread);
        out.isolated[thread] = settings.isolate;
    }
    std::vector<size_t> threads;
    for (size_t i = 0; i < settings.processors.size(); i++) {
        if (!out.isolated[i]) threads.push_back(i);
    }
    if (threads.empty()) return out;
    if (settings.spread != QueueSpread::kRoundRobin) {
        std::ranges::stable_sort(free_queues,
                                 [&](size_t a, size_t b) { return queues[a].cycles > queues[b].cycles; });
    }
    for (size_t i = 0; i < free_queues.size(); i++) {
        size_t turn = i % threads.size(), round = i / threads.size();
        switch (settings.spread) {
            case QueueSpread::kRoundRobin:
                give(free_queues[i], threads[turn]);
                break;
            case QueueSpread::kCycles:
                give(free_queues[i], threads[round % 2 ? threads.size() - 1 - turn : turn]);
                break;
            case QueueSpread::kGroup:
                give(free_queues[i], *std::ranges::min_element(threads, [&](size_t a, size_t b) {
                         return std::pair(load[a], count[a]) < std::pair(load[b], count[b]);
                     }));
                break;
        }
    }
    return out;
}

}  // namespace weft::datapath
