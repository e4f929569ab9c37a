#include "datapath/ebpf/kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/big_endian.h"
#include "base/log.h"
#include "datapath/ebpf/object.h"
#include "packet/address.h"

namespace weft::datapath::ebpf {

namespace {

log::Module lg("ebpf");

// What libbpf says while loading, kept for the error.
std::string& said() {
    static std::string text;
    return text;
}

int listen_to_libbpf(libbpf_print_level level, const char* format, va_list arguments) {
    if (level == LIBBPF_DEBUG) return 0;
    char line[4096];
    int size = vsnprintf(line, sizeof line, format, arguments);
    if (size <= 0) return 0;
    said() += line;
    if (said().size() > 16384) said().erase(0, said().size() - 8192);
    return size;
}

// The last lines, in one.
std::string last_words() {
    std::string text = said();
    while (!text.empty() && text.back() == '\n') text.pop_back();
    size_t from = text.size();
    for (int lines = 0; lines < 6 && from != std::string::npos && from > 0; lines++)
        from = text.rfind('\n', from - 1);
    if (from != std::string::npos && from > 0) text.erase(0, from + 1);
    for (char& c : text) {
        if (c == '\n') c = ' ';
    }
    return text;
}

Error os_error(std::string_view what) {
    return Error{fmt::format("{}: {}", what, std::strerror(errno))};
}

}  // namespace

Result<std::unique_ptr<Kernel>> Kernel::load() {
    std::unique_ptr<Kernel> kernel(new Kernel);
    WEFT_TRY(kernel->start());
    return kernel;
}

Result<void> Kernel::start() {
    said().clear();
    libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
    libbpf_set_print(listen_to_libbpf);
    int cpus = libbpf_num_possible_cpus();
    if (cpus <= 0) return Error{"the number of CPUs is unknown"};
    cpus_ = static_cast<uint32_t>(cpus);

    ByteView file = object_file();
    bpf_object_open_opts options = {};
    options.sz = sizeof options;
    options.object_name = "weft";
    object_ = bpf_object__open_mem(file.data(), file.size(), &options);
    if (!object_) return os_error("reading the programs");
    for (auto [name, each] : {std::pair("flow_counters", uint32_t{kFlowSlots}),
                              std::pair("port_counters", uint32_t{kPorts}), std::pair("totals", 1u)}) {
        bpf_map* map = bpf_object__find_map_by_name(object_, name);
        if (!map || bpf_map__set_max_entries(map, each * cpus_)) return os_error(name);
    }
    if (bpf_object__load(object_)) {
        Error error{
            fmt::format("the kernel does not take the programs: {}: {}", std::strerror(errno), last_words())};
        lg.dbg("{}", said());
        return error;
    }
    port_program_ = bpf_program__fd(bpf_object__find_program_by_name(object_, "weft_port"));
    tunnel_program_ = bpf_program__fd(bpf_object__find_program_by_name(object_, "weft_tunnel"));
    copy_program_ = bpf_program__fd(bpf_object__find_program_by_name(object_, "weft_copy"));
    for (auto [descriptor, name] :
         {std::pair(&megaflows_, "megaflows"), std::pair(&port_of_device_, "port_of_device"),
          std::pair(&connections_, "connections"), std::pair(&remotes_, "remotes"),
          std::pair(&tunnel_ports_, "tunnel_ports"), std::pair(&local_addresses_, "local_addresses"),
          std::pair(&remotes_ipv6_, "remotes_ipv6"),
          std::pair(&local_addresses_ipv6_, "local_addresses_ipv6")}) {
        *descriptor = bpf_object__find_map_fd_by_name(object_, name);
    }
    WEFT_TRY(map("config", config_));
    WEFT_TRY(map("ports", ports_));
    WEFT_TRY(map("masks", masks_));
    WEFT_TRY(map("flows", flows_));
    WEFT_TRY(map("tracked", tracked_));
    WEFT_TRY(map("meters", meters_));
    WEFT_TRY(map("flow_counters", flow_counters_));
    WEFT_TRY(map("port_counters", port_counters_));
    return map("totals", totals_);
}

Kernel::~Kernel() {
    unmap(config_);
    unmap(ports_);
    unmap(masks_);
    unmap(flows_);
    unmap(tracked_);
    unmap(meters_);
    unmap(flow_counters_);
    unmap(port_counters_);
    unmap(totals_);
    if (object_) bpf_object__close(object_);
}

template <typename T>
Result<void> Kernel::map(const char* name, Mapped<T>& out) {
    bpf_map* map = bpf_object__find_map_by_name(object_, name);
    if (!map || bpf_map__value_size(map) != sizeof(T))
        return Error{fmt::format("map {} is not as the daemon knows it", name)};
    // The kernel keeps the entries of an array 8 bytes apart at least.
    static_assert(sizeof(T) % 8 == 0);
    size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    size_t bytes = (sizeof(T) * bpf_map__max_entries(map) + page - 1) / page * page;
    void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
    if (at == MAP_FAILED) return os_error(fmt::format("mapping {}", name));
    out.at = static_cast<T*>(at);
    out.bytes = bytes;
    return {};
}

template <typename T>
void Kernel::unmap(Mapped<T>& mapped) {
    if (mapped.at) munmap(mapped.at, mapped.bytes);
    mapped = {};
}

Result<void> Kernel::put_megaflow(const MaskedKey& key, uint32_t slot) {
    if (bpf_map_update_elem(megaflows_, &key, &slot, BPF_ANY)) return os_error("adding a megaflow");
    return {};
}

void Kernel::delete_megaflow(const MaskedKey& key) {
    bpf_map_delete_elem(megaflows_, &key);
}

Result<void> Kernel::put_device(uint32_t ifindex, uint32_t port) {
    if (bpf_map_update_elem(port_of_device_, &ifindex, &port, BPF_ANY)) return os_error("adding a device");
    return {};
}

void Kernel::delete_device(uint32_t ifindex) {
    bpf_map_delete_elem(port_of_device_, &ifindex);
}

bool Kernel::put_connection(const TrackedTuple& tuple, uint32_t value) {
    return bpf_map_update_elem(connections_, &tuple, &value, BPF_NOEXIST) == 0;
}

void Kernel::delete_connection(const TrackedTuple& tuple) {
    bpf_map_delete_elem(connections_, &tuple);
}

namespace {

uint32_t ipv4_of(const packet::Ipv6Addr& address) {  // network byte order; 0: zero, or IPv6
    return Be32(packet::mapped_ipv4(address).value_or(0)).raw();
}
RemoteKeyIpv6 ipv6_key(const packet::Ipv6Addr& dst, const packet::Ipv6Addr& src) {
    RemoteKeyIpv6 key;
    std::memcpy(key.src, src.data(), sizeof key.src);
    std::memcpy(key.dst, dst.data(), sizeof key.dst);
    return key;
}

}  // namespace

Result<void> Kernel::put_remote(const packet::Ipv6Addr& dst, const packet::Ipv6Addr& src, const Way& way) {
    int failed;
    if (uint32_t v4 = ipv4_of(dst)) {
        RemoteKey key = {v4, ipv4_of(src)};
        Remote remote = {way.ifindex, ipv4_of(way.src), way.mtu, ipv4_of(way.next)};
        failed = bpf_map_update_elem(remotes_, &key, &remote, BPF_ANY);
    } else {
        RemoteKeyIpv6 key = ipv6_key(dst, src);
        RemoteIpv6 remote = {way.ifindex, way.mtu, {}, {}};
        std::memcpy(remote.src, way.src.data(), sizeof remote.src);
        std::memcpy(remote.next, way.next.data(), sizeof remote.next);
        failed = bpf_map_update_elem(remotes_ipv6_, &key, &remote, BPF_ANY);
    }
    if (failed) return os_error("adding a tunnel's remote");
    return {};
}

void Kernel::delete_remote(const packet::Ipv6Addr& dst, const packet::Ipv6Addr& src) {
    if (uint32_t v4 = ipv4_of(dst)) {
        RemoteKey key = {v4, ipv4_of(src)};
        bpf_map_delete_elem(remotes_, &key);
    } else {
        RemoteKeyIpv6 key = ipv6_key(dst, src);
        bpf_map_delete_elem(remotes_ipv6_, &key);
    }
}

Result<void> Kernel::put_tunnel(uint32_t selector, uint32_t port) {
    if (bpf_map_update_elem(tunnel_ports_, &selector, &port, BPF_ANY)) return os_error("adding a tunnel");
    return {};
}

void Kernel::delete_tunnel(uint32_t selector) {
    bpf_map_delete_elem(tunnel_ports_, &selector);
}

Result<void> Kernel::put_local_address(const packet::Ipv6Addr& address) {
    uint32_t one = 1, v4 = ipv4_of(address);
    int failed = v4 ? bpf_map_update_elem(local_addresses_, &v4, &one, BPF_ANY)
                    : bpf_map_update_elem(local_addresses_ipv6_, address.data(), &one, BPF_ANY);
    if (failed) return os_error("adding an address");
    return {};
}

void Kernel::delete_local_address(const packet::Ipv6Addr& address) {
    if (uint32_t v4 = ipv4_of(address))
        bpf_map_delete_elem(local_addresses_, &v4);
    else
        bpf_map_delete_elem(local_addresses_ipv6_, address.data());
}

void Kernel::wait_for_programs() {
    // The kernel's synchronize_rcu(); programs run inside of RCU read sections.
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0) return;
    // Not on kernels with nohz_full CPUs; no program runs for a second.
    sleep(1);
}

}  // namespace weft::datapath::ebpf
