#include "controller/responders/buffered_packets.h"

#include <iterator>

namespace weft::controller {

void BufferedPackets::add(const NextHop& next_hop, WaitingPacket packet, int64_t now_ms) {
    auto it = waiting_.find(next_hop);
    if (it == waiting_.end()) {
        if (waiting_.size() >= kMostNextHops) forget_old(now_ms);
        if (waiting_.size() >= kMostNextHops) return;
        it = waiting_.emplace(next_hop, Queue()).first;
    }
    Queue& queue = it->second;
    if (queue.until_ms <= now_ms) queue.packets.clear();
    if (queue.packets.size() >= kDepth) queue.packets.pop_front();
    queue.packets.push_back(std::move(packet));
    queue.until_ms = now_ms + kWaitMs;
}

std::vector<WaitingPacket> BufferedPackets::take(const NextHop& next_hop, int64_t now_ms) {
    auto it = waiting_.find(next_hop);
    if (it == waiting_.end()) return {};
    std::vector<WaitingPacket> packets;
    if (it->second.until_ms > now_ms) {
        packets.assign(std::make_move_iterator(it->second.packets.begin()),
                       std::make_move_iterator(it->second.packets.end()));
    }
    waiting_.erase(it);
    return packets;
}

void BufferedPackets::forget_old(int64_t now_ms) {
    std::erase_if(waiting_, [&](const auto& each) { return each.second.until_ms <= now_ms; });
}

}  // namespace weft::controller
