#include "datapath/ebpf/predecessor.h"

#include <bpf/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"

namespace weft::datapath::ebpf {

namespace {

log::Module lg("ebpf");

constexpr size_t kTrackedBytes = sizeof(TrackedConnection) * kConnections;
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
    bool is(std::string_view name, size_t value, uint32_t entries) const {
        return fd >= 0 && name == info.name && info.type == BPF_MAP_TYPE_ARRAY && info.value_size == value &&
               info.max_entries == entries && info.map_flags & BPF_F_MMAPABLE;
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

}  // namespace

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
            same_layout = bpf_map_lookup_elem(map.fd, &zero, &config) == 0 && config.layout == kLayoutVersion;
        } else if (map.is("tracked", sizeof(TrackedConnection), kConnections)) {
            void* at = mmap(nullptr, kTrackedBytes, PROT_READ, MAP_SHARED, map.fd, 0);
            if (at != MAP_FAILED) out.tracked_ = static_cast<TrackedConnection*>(at);
        }
    }
    if (same_layout && out.tracked_) return std::move(out);
    lg.info("connections of the process before are forgotten: its programs are of another version");
    return std::nullopt;
}

Predecessor::Predecessor(Predecessor&& other) noexcept : tracked_(std::exchange(other.tracked_, nullptr)) {}

Predecessor::~Predecessor() {
    if (tracked_) munmap(tracked_, kTrackedBytes);
}

void Predecessor::each_connection(const std::function<void(const TrackedConnection&)>& callback) const {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    auto now_ns = static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
    for (uint32_t i = 0; i < kConnections; i++) {
        const TrackedConnection& there = tracked_[i];
        if (!__atomic_load_n(&there.alive, __ATOMIC_ACQUIRE)) continue;
        TrackedConnection one;
        std::memcpy(&one, &there, sizeof one);
        if (static_cast<int64_t>(now_ns - one.used_ns) < static_cast<int64_t>(one.timeout_ns)) callback(one);
    }
}

}  // namespace weft::datapath::ebpf
