#include "datapath/ebpf/predecessor.h"

#include <bpf/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <string_view>

#include "base/log.h"

namespace weft::datapath::ebpf {

namespace {

log::Module lg("ebpf");

constexpr uint32_t kMaxMaps = 64;  // of a program

struct OpenMap {
    explicit OpenMap(uint32_t id) : fd(bpf_map_get_fd_by_id(id)) {
        uint32_t size = sizeof info;
        if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size)) info = {};
    }
    ~OpenMap() {
        if (fd >= 0) close(fd);
    }
    OpenMap(const OpenMap&) = delete;
    OpenMap& operator=(const OpenMap&) = delete;
    // An array of at least so many.
    bool is(std::string_view name, size_t value, uint32_t entries) const {
        return fd >= 0 && name == info.name && info.type == BPF_MAP_TYPE_ARRAY && info.value_size == value &&
               info.max_entries >= entries && info.map_flags & BPF_F_MMAPABLE;
    }
    int fd;
    bpf_map_info info = {};
};

std::vector<uint32_t> maps_of(uint32_t program) {
    std::vector<uint32_t> ids(kMaxMaps);
    int fd = bpf_prog_get_fd_by_id(program);
    if (fd < 0) return {};
    bpf_prog_info info = {};
    info.nr_map_ids = kMaxMaps;
    info.map_ids = reinterpret_cast<uint64_t>(ids.data());
    uint32_t size = sizeof info;
    bool read = bpf_obj_get_info_by_fd(fd, &info, &size) == 0;
    close(fd);
    ids.resize(read ? std::min(info.nr_map_ids, kMaxMaps) : 0);
    return ids;
}

uint64_t kernel_now_ns() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

template <typename T>
void Predecessor::View<T>::open(int map, size_t count) {
    void* at = mmap(nullptr, sizeof(T) * count, PROT_READ, MAP_SHARED, map, 0);
    if (at == MAP_FAILED) return;
    at_ = static_cast<T*>(at);
    count_ = count;
}

template <typename T>
Predecessor::View<T>::~View() {
    if (at_) munmap(at_, sizeof(T) * count_);
}

Predecessor::Predecessor(Predecessor&& other) noexcept = default;
Predecessor::~Predecessor() = default;

std::optional<Predecessor> Predecessor::find(int ifindex, TcFilter::Hook hook) {
    auto program = TcFilter::program_id(ifindex, hook);
    if (!program) return std::nullopt;
    bool same_layout = false;
    Predecessor out;
    for (uint32_t id : maps_of(*program)) {
        OpenMap map(id);
        if (map.is("config", sizeof(Config), 1)) {
            uint32_t zero = 0;
            Config config;
            same_layout =
                bpf_map_lookup_elem(map.fd, &zero, &config) == 0 && config.layout == layout_version();
        } else if (map.is("tracked", sizeof(TrackedConnection), kConnections)) {
            out.tracked_.open(map.fd, kConnections);
        } else if (map.is("flows", sizeof(FlowSlot), kFlowSlots)) {
            out.flows_.open(map.fd, kFlowSlots);
        } else if (map.is("ports", sizeof(PortEntry), kPorts)) {
            out.ports_.open(map.fd, kPorts);
        } else if (map.is("flow_counters", sizeof(FlowCounters), kFlowSlots)) {
            out.counters_.open(map.fd, map.info.max_entries);
        }
    }
    if (same_layout && out.tracked_.size() && out.flows_.size() && out.ports_.size() && out.counters_.size())
        return out;
    lg.info("flows are learnt anew and connections forgotten: the process before is of another version");
    return std::nullopt;
}

void Predecessor::each_connection(const std::function<void(const TrackedConnection&)>& callback) const {
    uint64_t now_ns = kernel_now_ns();
    for (uint32_t i = 0; i < kConnections; i++) {
        const TrackedConnection& there = tracked_[i];
        if (!__atomic_load_n(&there.alive, __ATOMIC_ACQUIRE)) continue;
        TrackedConnection one;
        std::memcpy(&one, &there, sizeof one);
        if (static_cast<int64_t>(now_ns - one.used_ns) < static_cast<int64_t>(one.timeout_ns)) callback(one);
    }
}

void Predecessor::each_flow(int64_t most_unused_ms, const std::function<void(const Flow&)>& callback) const {
    uint64_t now_ns = kernel_now_ns();
    for (uint32_t slot = 0; slot < kFlowSlots; slot++) {
        if (!__atomic_load_n(&flows_[slot].alive, __ATOMIC_ACQUIRE)) continue;
        // Its time may be some milliseconds old, or from after now_ns.
        int64_t unused_ms = static_cast<int64_t>(now_ns - used_ns(slot)) / 1'000'000;
        if (unused_ms > most_unused_ms) continue;
        callback({flows_[slot].key, recirculations(slot), unused_ms});
    }
}

const PortEntry* Predecessor::port(uint32_t number) const {
    return number < kPorts && ports_[number].kind != kPortNone ? &ports_[number] : nullptr;
}

std::vector<uint32_t> Predecessor::recirculations(uint32_t slot) const {
    std::vector<uint32_t> out;
    for (int slots = 0; slots < kMaxActions && slot < kFlowSlots; slots++) {
        uint32_t next = kFlowSlots;
        for (const FlowAction& action : flows_[slot].actions) {
            if (action.kind == kActionRecirculate) out.push_back(action.argument);
            if (action.kind == kActionContinue) next = action.argument;
        }
        slot = next;
    }
    return out;
}

uint64_t Predecessor::used_ns(uint32_t slot) const {
    uint64_t out = 0;
    for (size_t at = slot; at < counters_.size(); at += kFlowSlots)
        out = std::max<uint64_t>(out, __atomic_load_n(&counters_[at].used_ns, __ATOMIC_RELAXED));
    return out;
}

}  // namespace weft::datapath::ebpf
