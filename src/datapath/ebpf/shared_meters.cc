#include "datapath/ebpf/shared_meters.h"

#include <algorithm>
#include <cstring>
#include <ctime>

namespace weft::datapath::ebpf {

namespace {

constexpr uint64_t kTicksPerSecond = 1'000'000'000ull * kTicksPerNs;
using Wide = unsigned __int128;
constexpr uint64_t kLongestFill = 1ull << 60;  // two years

uint64_t kernel_now_ns() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// Rates are kilobits or packets in a second, as are bursts; units are bits or packets.
void fill(MeterBucket& out, const MeterBand& band, bool packets, uint64_t now_ticks) {
    uint64_t units = packets ? 1 : 1000;
    uint64_t rate = std::max<uint64_t>(band.rate, 1) * units;
    out.cost = static_cast<uint64_t>((Wide{kTicksPerSecond} << kCostShift) / rate);
    Wide full = Wide{band.burst ? band.burst : band.rate} * units * kTicksPerSecond / rate;
    out.full = static_cast<uint64_t>(std::min<Wide>(full, kLongestFill));
    out.rate = band.rate;
    out.packets = out.bytes = 0;
    __atomic_store_n(&out.empty_at, now_ticks - out.full, __ATOMIC_RELAXED);
}

}  // namespace

bool SharedMeters::put(const MeterConfig& config) {
    if (config.id >= count_) return false;
    MeterSlot& out = slot(config.id);
    bool fits = config.bands.size() <= kMeterBands && std::all_of(config.bands.begin(), config.bands.end(),
                                                                  [](auto& band) { return band.rate > 0; });
    // Until it is whole it passes everything.
    __atomic_store_n(&out.kind, uint32_t{fits ? kMeterNone : kMeterOfDaemon}, __ATOMIC_RELEASE);
    if (!fits) return false;
    out.packets = out.bytes = 0;
    uint64_t now = kernel_now_ns() * kTicksPerNs;
    for (size_t i = 0; i < config.bands.size(); i++)
        fill(out.band[i], config.bands[i], config.packets_per_second, now);
    out.bands = static_cast<uint32_t>(config.bands.size());
    __atomic_store_n(&out.kind, uint32_t{config.packets_per_second ? kMeterPackets : kMeterBits},
                     __ATOMIC_RELEASE);
    return true;
}

void SharedMeters::remove(uint32_t id) {
    if (id < count_) __atomic_store_n(&slot(id).kind, uint32_t{kMeterNone}, __ATOMIC_RELEASE);
}

bool SharedMeters::pass(uint32_t id, size_t bytes) {
    return pass_meter(&slot(id), static_cast<uint32_t>(bytes), kernel_now_ns());
}

void SharedMeters::read(MeterConfig& config) const {
    const MeterSlot& from = slot(config.id);
    config.packets = __atomic_load_n(&from.packets, __ATOMIC_RELAXED);
    config.bytes = __atomic_load_n(&from.bytes, __ATOMIC_RELAXED);
    for (size_t i = 0; i < config.bands.size(); i++) {
        config.bands[i].packets = __atomic_load_n(&from.band[i].packets, __ATOMIC_RELAXED);
        config.bands[i].bytes = __atomic_load_n(&from.band[i].bytes, __ATOMIC_RELAXED);
    }
}

}  // namespace weft::datapath::ebpf
