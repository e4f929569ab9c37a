#include "switch/connection/packet_in_limit.h"

#include <algorithm>

namespace weft::vswitch {

namespace {

constexpr uint64_t kPacketTokens = 1000;

}  // namespace

void PacketInLimit::set_rate(const PacketInRate& rate, int64_t now_ms) {
    rate_ = rate;
    tokens_ = kPacketTokens * rate.burst;
    filled_ms_ = now_ms;
    while (statistics_.backlog > rate_.burst) drop_one();
}

bool PacketInLimit::take_token(int64_t now_ms) {
    uint64_t most = kPacketTokens * std::max<uint64_t>(rate_.burst, 1);
    if (now_ms > filled_ms_) {
        uint64_t more = static_cast<uint64_t>(now_ms - filled_ms_) * rate_.per_second;
        tokens_ = std::min(most, tokens_ + more);
        filled_ms_ = now_ms;
    }
    if (tokens_ < kPacketTokens) return false;
    tokens_ -= kPacketTokens;
    return true;
}

void PacketInLimit::drop_one() {
    auto longest = std::max_element(queues_.begin(), queues_.end(), [](const auto& a, const auto& b) {
        return a.second.size() < b.second.size();
    });
    if (longest == queues_.end()) return;
    longest->second.pop_front();
    if (longest->second.empty()) queues_.erase(longest);
    statistics_.dropped++;
    statistics_.backlog--;
}

std::optional<Bytes> PacketInLimit::admit(uint32_t port, Bytes message, int64_t now_ms) {
    if (queues_.empty() && take_token(now_ms)) {
        statistics_.bypassed++;
        return message;
    }
    if (statistics_.backlog >= rate_.burst) drop_one();
    queues_[port].push_back(std::move(message));
    statistics_.queued++;
    statistics_.backlog++;
    return std::nullopt;
}

std::optional<Bytes> PacketInLimit::next(int64_t now_ms) {
    if (queues_.empty() || !take_token(now_ms)) return std::nullopt;
    auto turn = queues_.upper_bound(last_port_);
    if (turn == queues_.end()) turn = queues_.begin();
    last_port_ = turn->first;
    Bytes out = std::move(turn->second.front());
    turn->second.pop_front();
    if (turn->second.empty()) queues_.erase(turn);
    statistics_.backlog--;
    return out;
}

std::optional<int64_t> PacketInLimit::next_ms() const {
    if (queues_.empty()) return std::nullopt;
    uint64_t missing = tokens_ < kPacketTokens ? kPacketTokens - tokens_ : 0;
    return filled_ms_ + static_cast<int64_t>((missing + rate_.per_second - 1) / rate_.per_second);
}

}  // namespace weft::vswitch
