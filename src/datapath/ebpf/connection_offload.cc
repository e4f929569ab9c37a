#include "datapath/ebpf/connection_offload.h"

#include <algorithm>
#include <cstring>
#include <ctime>

#include "base/big_endian.h"
#include "base/clock.h"

namespace weft::datapath::ebpf {

namespace {

using conntrack::Connection;
using conntrack::TcpTracking;
using conntrack::Tuple;
using DatagramState = conntrack::DatagramTracking::State;

constexpr size_t kRetiredAtOnce = 1024;  // slots that are worth waiting for

TrackedTuple tracked_tuple(const Tuple& tuple) {
    TrackedTuple out;
    std::memset(&out, 0, sizeof out);
    std::memcpy(out.src, tuple.src.data(), sizeof out.src);
    std::memcpy(out.dst, tuple.dst.data(), sizeof out.dst);
    out.src_port = Be16(tuple.src_port).raw();
    out.dst_port = Be16(tuple.dst_port).raw();
    out.zone = tuple.zone;
    out.protocol = tuple.protocol;
    out.v6 = tuple.v6;
    return out;
}

uint64_t kernel_now_ns() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

bool behind(uint32_t a, uint32_t b) {
    return static_cast<int32_t>(a - b) < 0;
}

TcpTracking::Numbers numbers_of(const TrackedEnd& end) {
    TcpTracking::Numbers out;
    out.next = __atomic_load_n(&end.next, __ATOMIC_RELAXED);
    out.limit = __atomic_load_n(&end.limit, __ATOMIC_RELAXED);
    out.max_window = __atomic_load_n(&end.max_window, __ATOMIC_RELAXED);
    out.scale = end.scale;
    out.scales = end.kind & kEndScales;
    out.liberal = end.kind & kEndLiberal;
    out.liberal_scale = end.kind & kEndLiberalScale;
    return out;
}

uint8_t kind_of(const TcpTracking::Numbers& numbers) {
    return static_cast<uint8_t>((numbers.scales ? kEndScales : 0) | (numbers.liberal ? kEndLiberal : 0) |
                                (numbers.liberal_scale ? kEndLiberalScale : 0));
}

Tuple tuple_of(const TrackedTuple& from) {
    Tuple out;
    std::memcpy(out.src.data(), from.src, sizeof from.src);
    std::memcpy(out.dst.data(), from.dst, sizeof from.dst);
    out.src_port = Be16::from_raw(from.src_port);
    out.dst_port = Be16::from_raw(from.dst_port);
    out.zone = from.zone;
    out.protocol = from.protocol;
    out.v6 = from.v6;
    return out;
}

}  // namespace

Connection connection_of(const TrackedConnection& tracked) {
    Connection out;
    out.original = tuple_of(tracked.tuples[0]);
    out.reply = tuple_of(tracked.tuples[1]);
    out.source_nat = tracked.flags & kTrackedSourceNat;
    out.destination_nat = tracked.flags & kTrackedDestinationNat;
    out.mark = Be32::from_raw(tracked.mark);
    std::memcpy(out.label.data(), tracked.label, sizeof tracked.label);
    if (out.original.protocol == 6)
        out.protocol =
            TcpTracking::established_with(numbers_of(tracked.ends[0]), numbers_of(tracked.ends[1]));
    else
        out.protocol = conntrack::DatagramTracking{
            tracked.flags & kTrackedUnanswered ? DatagramState::kRepeated : DatagramState::kAnswered};
    return out;
}

ConnectionOffload::ConnectionOffload(Kernel& kernel) : kernel_(kernel) {
    free_.reserve(kConnections);
    for (uint32_t slot = kConnections; slot > 0; slot--) free_.push_back(slot - 1);
}

bool ConnectionOffload::take(uint32_t& slot) {
    if (free_.empty() && retired_.size() >= kRetiredAtOnce) {
        kernel_.wait_for_programs();
        std::swap(free_, retired_);
    }
    if (free_.empty()) return false;
    slot = free_.back();
    free_.pop_back();
    return true;
}

// Numbers only grow, whoever writes them.
void ConnectionOffload::merge(TrackedConnection& out, const Connection& connection) {
    auto* tcp = std::get_if<TcpTracking>(&connection.protocol);
    if (!tcp) return;
    for (bool reply : {false, true}) {
        TrackedEnd& end = out.ends[reply];
        TcpTracking::Numbers now = tcp->numbers(reply), there = numbers_of(end);
        if (behind(there.next, now.next)) __atomic_store_n(&end.next, now.next, __ATOMIC_RELAXED);
        if (behind(there.limit, now.limit)) __atomic_store_n(&end.limit, now.limit, __ATOMIC_RELAXED);
        if (there.max_window < now.max_window)
            __atomic_store_n(&end.max_window, now.max_window, __ATOMIC_RELAXED);
        end.scale = now.scale;
        end.kind = kind_of(now);
    }
}

void ConnectionOffload::put(Connection& connection, const Terms& terms) {
    if (!connection.accelerated && !terms.used) return;
    uint32_t mark = Be32(connection.mark).raw();
    uint32_t flags = 0;
    if (connection.source_nat) flags |= kTrackedSourceNat;
    if (connection.destination_nat) flags |= kTrackedDestinationNat;
    if (terms.check_sequences) flags |= kTrackedCheckSequences;
    auto* datagrams = std::get_if<conntrack::DatagramTracking>(&connection.protocol);
    if (datagrams && datagrams->state != DatagramState::kAnswered) flags |= kTrackedUnanswered;
    uint64_t timeout_ns = uint64_t{terms.timeout_s} * 1'000'000'000;
    uint64_t used_ns = kernel_now_ns();
    if (connection.accelerated) {
        TrackedConnection& there = kernel_.tracked(connection.accelerated - 1);
        if (there.mark == mark &&
            std::memcmp(there.label, connection.label.data(), sizeof there.label) == 0) {
            merge(there, connection);
            there.flags = flags;
            __atomic_store_n(&there.timeout_ns, timeout_ns, __ATOMIC_RELAXED);
            if (terms.used) __atomic_store_n(&there.used_ns, used_ns, __ATOMIC_RELAXED);
            return;
        }
        if (!terms.used) used_ns = __atomic_load_n(&there.used_ns, __ATOMIC_RELAXED);
        // Nobody may see half of a new label.
        remove(connection);
    }
    uint32_t slot;
    if (!take(slot)) return;
    TrackedConnection& out = kernel_.tracked(slot);
    std::memset(&out, 0, sizeof out);
    out.tuples[0] = tracked_tuple(connection.original);
    out.tuples[1] = tracked_tuple(connection.reply);
    out.flags = flags;
    out.mark = mark;
    std::memcpy(out.label, connection.label.data(), sizeof out.label);
    out.timeout_ns = timeout_ns;
    out.used_ns = used_ns;
    if (auto* tcp = std::get_if<TcpTracking>(&connection.protocol)) {
        for (bool reply : {false, true}) {
            TcpTracking::Numbers now = tcp->numbers(reply);
            out.ends[reply] = {now.next, now.limit, now.max_window, now.scale, kind_of(now)};
        }
    }
    __atomic_store_n(&out.alive, 1, __ATOMIC_RELEASE);
    bool itself = connection.original == connection.reply;  // found as the original
    bool first = kernel_.put_connection(out.tuples[0], slot << 1);
    if (first && (itself || kernel_.put_connection(out.tuples[1], slot << 1 | 1))) {
        connection.accelerated = slot + 1;
        return;
    }
    if (first) kernel_.delete_connection(out.tuples[0]);
    __atomic_store_n(&out.alive, 0, __ATOMIC_RELEASE);
    retired_.push_back(slot);
}

int64_t ConnectionOffload::read(Connection& connection) {
    const TrackedConnection& there = kernel_.tracked(connection.accelerated - 1);
    if (auto* tcp = std::get_if<TcpTracking>(&connection.protocol)) {
        for (bool reply : {false, true}) tcp->advance(reply, numbers_of(there.ends[reply]));
    }
    int64_t ago_ms =
        static_cast<int64_t>(kernel_now_ns() - __atomic_load_n(&there.used_ns, __ATOMIC_RELAXED)) / 1'000'000;
    return clock::monotonic_ms() - std::max<int64_t>(ago_ms, 0);
}

void ConnectionOffload::remove(Connection& connection) {
    uint32_t slot = connection.accelerated - 1;
    TrackedConnection& there = kernel_.tracked(slot);
    __atomic_store_n(&there.alive, 0, __ATOMIC_RELEASE);
    kernel_.delete_connection(there.tuples[0]);
    kernel_.delete_connection(there.tuples[1]);
    // Until all programs that have found it have returned they go on counting there: read it once more.
    read(connection);
    retired_.push_back(slot);
    connection.accelerated = 0;
}

}  // namespace weft::datapath::ebpf
