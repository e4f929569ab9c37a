#include "datapath/userspace/meter_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace weft::datapath {

namespace {

// Units: kilobit meters count bits, packet meters thousandths of packets, so that a rate of one (kilobit or
// packet per second) is one unit per millisecond in both.
uint64_t capacity(const MeterBand& band) {
    return uint64_t{band.burst ? band.burst : band.rate} * 1000;
}

Error unknown(uint32_t id) {
    return Error{fmt::format("there is no meter {}", id)};
}

}  // namespace

Result<void> MeterTable::set(const MeterConfig& config, int64_t now_ms) {
    if (config.id >= kMax) return Error{fmt::format("meter {} is not below {}", config.id, kMax)};
    auto made = std::make_unique<State>();
    State& state = *made;
    state.config = config;
    state.config.packets = state.config.bytes = 0;
    state.config.created_ms = now_ms;
    state.filled_ms = now_ms;
    for (MeterBand& band : state.config.bands) {
        band.packets = band.bytes = 0;
        state.tokens.push_back(capacity(band));
    }
    state.shared = buckets_ && buckets_->put(state.config);
    meters_[config.id] = std::move(made);
    return {};
}

Result<MeterConfig> MeterTable::get(uint32_t id) const {
    auto it = meters_.find(id);
    if (it == meters_.end()) return unknown(id);
    return read(*it->second);
}

MeterConfig MeterTable::read(const State& state) const {
    std::lock_guard lock(state.mutex);
    MeterConfig config = state.config;
    if (state.shared) buckets_->read(config);
    return config;
}

Result<MeterConfig> MeterTable::remove(uint32_t id) {
    auto it = meters_.find(id);
    if (it == meters_.end()) return unknown(id);
    MeterConfig config = read(*it->second);
    if (buckets_) buckets_->remove(id);
    meters_.erase(it);
    return config;
}

bool MeterTable::pass(uint32_t id, size_t bytes, int64_t now_ms) {
    auto it = meters_.find(id);
    if (it == meters_.end()) return true;
    State& state = *it->second;
    if (state.shared) return buckets_->pass(id, bytes);
    std::lock_guard lock(state.mutex);
    state.config.packets++;
    state.config.bytes += bytes;
    uint64_t elapsed = now_ms > state.filled_ms ? static_cast<uint64_t>(now_ms - state.filled_ms) : 0;
    state.filled_ms = std::max(state.filled_ms, now_ms);
    uint64_t cost = state.config.packets_per_second ? 1000 : bytes * 8;
    MeterBand* exceeded = nullptr;  // of those exceeded, the one with the highest rate drops (section 5.7.1)
    for (size_t i = 0; i < state.config.bands.size(); i++) {
        MeterBand& band = state.config.bands[i];
        uint64_t& tokens = state.tokens[i];
        tokens = std::min(capacity(band), tokens + std::min<uint64_t>(elapsed, 1 << 30) * band.rate);
        if (tokens >= cost) {
            tokens -= cost;
        } else if (!exceeded || band.rate > exceeded->rate) {
            exceeded = &band;
        }
    }
    if (!exceeded) return true;
    exceeded->packets++;
    exceeded->bytes += bytes;
    return false;
}

}  // namespace weft::datapath
