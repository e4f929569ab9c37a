// Meters and ports' policing, as the programs and the daemon both hold packets to them: token buckets without
// a lock (OpenFlow 1.3 section 5.7), userspace/meter_table.h in shared memory.
//
// A bucket is one word: the time at which it was or will be empty, if nothing is taken meanwhile.  So filling
// costs nothing, and taking is one exchange.  Times are CLOCK_MONOTONIC in ticks, 16 a nanosecond.

#pragma once

#ifdef __cplusplus  // the programs have it by another path
#include "datapath/ebpf/layout_shared.h"
#endif

#ifdef __cplusplus
namespace weft::datapath::ebpf {
#endif

enum {
    kMeters = 4096,  // numbers that the programs know; flows with others are carried out by the daemon
    // Behind them, of each port: of its bits, and of its packets.
    kBitMeters = kMeters,
    kPacketMeters = kBitMeters + kPorts,
    kMeterSlots = kPacketMeters + kPorts,
    kMeterBands = 2,
    kTicksPerNs = 16,
    kCostShift = 20,
    kMeterTries = 16,  // of CPUs that take from one bucket at the same moment
};
enum { kMeterNone = 0, kMeterBits, kMeterPackets, kMeterOfDaemon };  // the last: its form is not for here

struct MeterBucket {
    __u64 cost;      // ticks that a bit or a packet takes to flow in, << kCostShift
    __u64 full;      // ticks until an empty bucket is full
    __u64 empty_at;  // written by both sides, as are the counters
    __u64 rate;
    __u64 packets, bytes;  // dropped
};
struct MeterSlot {
    __u32 kind;
    __u32 bands;
    __u64 packets, bytes;  // that came by
    struct MeterBucket band[kMeterBands];
};

// 1: a packet of so many bytes may pass; a meter that does not exist passes everything.
static inline __attribute__((always_inline)) int pass_meter(struct MeterSlot* m, __u32 bytes, __u64 now_ns) {
    __u32 kind = *(volatile __u32*)&m->kind, bands = m->bands;
    if (kind != kMeterBits && kind != kMeterPackets) return 1;
    __sync_fetch_and_add(&m->packets, 1);
    __sync_fetch_and_add(&m->bytes, (__u64)bytes);
    __u64 now = now_ns * kTicksPerNs, units = kind == kMeterPackets ? 1 : (__u64)bytes * 8;
    struct MeterBucket* exceeded = 0;  // of those, the one with the highest rate counts (section 5.7.1)
    for (int i = 0; i < kMeterBands; i++) {
        if ((__u32)i >= bands) break;
        struct MeterBucket* b = &m->band[i];
        __u64 cost = (b->cost * units) >> kCostShift;
        int taken = 0;
        for (int tries = 0; tries < kMeterTries; tries++) {
            __u64 was = *(volatile __u64*)&b->empty_at, from = was;
            if ((__s64)(now - from) > (__s64)b->full) from = now - b->full;
            if ((__s64)(now - from) < (__s64)cost) break;
            if (__sync_val_compare_and_swap(&b->empty_at, was, from + cost) == was) {
                taken = 1;
                break;
            }
        }
        if (!taken && (!exceeded || b->rate > exceeded->rate)) exceeded = b;
    }
    if (!exceeded) return 1;
    __sync_fetch_and_add(&exceeded->packets, 1);
    __sync_fetch_and_add(&exceeded->bytes, (__u64)bytes);
    return 0;
}

#ifdef __cplusplus
}  // namespace weft::datapath::ebpf
#endif
