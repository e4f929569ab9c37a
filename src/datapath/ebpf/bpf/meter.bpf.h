// Meters of flows and ports' policing (../meter_shared.h).

#pragma once

#include "memory.bpf.h"

// Whether the packet passes: kNext, kDone, or kHandUp if that is the daemon's to say.
__noinline int meter(struct __sk_buff* skb, __u32 number) {
    struct MeterSlot* m = bpf_map_lookup_elem(&meters, &number);
    if (!m) return kNext;
    if (m->kind == kMeterOfDaemon) return kHandUp;
    if (pass_meter(m, packet_bytes(skb), bpf_ktime_get_ns())) return kNext;
    count_drop(number < kMeters ? kDropMeter : kDropPolicing);
    return kDone;
}

// Whether what the port has received may come in.
static __always_inline int let_in(struct __sk_buff* skb, __u32 port) {
    return meter(skb, kPacketMeters + port) == kNext && meter(skb, kBitMeters + port) == kNext;
}
