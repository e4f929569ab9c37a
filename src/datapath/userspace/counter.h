// Counts of packets that one thread at a time changes and that any thread may read: no locked instruction
// where they are changed, no torn value where they are read.

#pragma once

#include <atomic>
#include <cstdint>

#include "datapath/api/datapath.h"

namespace weft::datapath {

template <typename T>
class CounterOf {
  public:
    CounterOf() = default;
    CounterOf(T value) : value_(value) {}
    CounterOf(const CounterOf& other) : value_(other.get()) {}
    CounterOf& operator=(const CounterOf& other) {
        set(other.get());
        return *this;
    }

    T get() const { return value_.load(std::memory_order_relaxed); }
    operator T() const { return get(); }
    void set(T value) { value_.store(value, std::memory_order_relaxed); }
    CounterOf& operator+=(T by) {
        set(static_cast<T>(get() + by));
        return *this;
    }
    void operator++(int) { set(static_cast<T>(get() + 1)); }

  private:
    std::atomic<T> value_{};
};
using Counter = CounterOf<uint64_t>;

// Of a port, or of the part of it that one thread serves.
struct PortCounters {
    Counter rx_packets, rx_bytes, rx_dropped, rx_errors;
    Counter tx_packets, tx_bytes, tx_dropped, tx_errors;

    void add_to(PortStats& out) const {
        out.rx_packets += rx_packets, out.rx_bytes += rx_bytes;
        out.rx_dropped += rx_dropped, out.rx_errors += rx_errors;
        out.tx_packets += tx_packets, out.tx_bytes += tx_bytes;
        out.tx_dropped += tx_dropped, out.tx_errors += tx_errors;
    }
};

// Of a flow, or of what one thread has seen of it.
struct FlowCounters {
    Counter packets, bytes;
    CounterOf<int64_t> used_ms;
    CounterOf<uint16_t> tcp_flags;

    void count(size_t size, int64_t now_ms, uint16_t flags) {
        packets++;
        bytes += size;
        used_ms.set(now_ms);
        tcp_flags.set(static_cast<uint16_t>(tcp_flags.get() | flags));
    }
    void add_to(FlowStats& out) const {
        out.packets += packets;
        out.bytes += bytes;
        if (used_ms > out.used_ms) out.used_ms = used_ms;
        out.tcp_flags = static_cast<uint16_t>(out.tcp_flags | tcp_flags);
    }
};

}  // namespace weft::datapath
