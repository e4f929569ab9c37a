// The programs and maps in the kernel: loading them, and the daemon's view of the maps.
//
// The object file is part of the binary (cmake/WeftBpf.cmake).  Arrays that are mapped are plain memory here;
// what the programs write in the meantime is read with atomic loads where that matters.  Needs CAP_BPF and
// CAP_NET_ADMIN, or CAP_SYS_ADMIN on older kernels.

#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "datapath/ebpf/layout_shared.h"
#include "datapath/ebpf/meter_shared.h"
#include "packet/flow.h"

struct bpf_object;
struct bpf_map;

namespace weft::datapath::ebpf {

class Kernel {
  public:
    // Errors: what the kernel refuses, with the last lines of what it said.
    static Result<std::unique_ptr<Kernel>> load();
    ~Kernel();
    Kernel(const Kernel&) = delete;
    Kernel& operator=(const Kernel&) = delete;

    int port_program() const { return port_program_; }      // of ports
    int tunnel_program() const { return tunnel_program_; }  // of underlays
    int copy_program() const { return copy_program_; }      // of the device for copies

    uint32_t cpus() const { return cpus_; }
    Config& config() { return *config_.at; }
    PortEntry& port(uint32_t number) { return ports_.at[number]; }
    Key& mask(uint32_t index) { return masks_.at[index]; }
    FlowSlot& slot(uint32_t index) { return flows_.at[index]; }
    FlowCounters& flow_counters(uint32_t cpu, uint32_t slot) {
        return flow_counters_.at[size_t{cpu} * kFlowSlots + slot];
    }
    PortCounters& port_counters(uint32_t cpu, uint32_t port) {
        return port_counters_.at[size_t{cpu} * kPorts + port];
    }
    MeterSlot& meter(uint32_t slot) { return meters_.at[slot]; }
    TrackedConnection& tracked(uint32_t slot) { return tracked_.at[slot]; }
    Totals& totals(uint32_t cpu) { return totals_.at[cpu]; }

    Result<void> put_megaflow(const MaskedKey& key, uint32_t slot);  // create or replace
    void delete_megaflow(const MaskedKey& key);
    Result<void> put_device(uint32_t ifindex, uint32_t port);
    void delete_device(uint32_t ifindex);
    bool put_connection(const TrackedTuple& tuple,
                        uint32_t value);  // false: it is there, or there is no room
    void delete_connection(const TrackedTuple& tuple);
    // By family, with addresses in mapped form as in TunnelEnds; mtu and device are the route's.
    struct Way {
        uint32_t ifindex = 0, mtu = 0;   // ifindex 0: there is none
        packet::Ipv6Addr src{}, next{};  // next: the gateway, the remote itself, or zero
        bool operator==(const Way&) const = default;
    };
    Result<void> put_remote(const packet::Ipv6Addr& dst, const packet::Ipv6Addr& src, const Way& way);
    void delete_remote(const packet::Ipv6Addr& dst, const packet::Ipv6Addr& src);
    Result<void> put_tunnel(uint32_t selector, uint32_t port);  // WEFT_TUNNEL_SELECTOR
    void delete_tunnel(uint32_t selector);
    Result<void> put_local_address(const packet::Ipv6Addr& address);  // IPv4 in mapped form
    void delete_local_address(const packet::Ipv6Addr& address);

    // Returns when no program is running any more that ran when it was called.
    void wait_for_programs();

  private:
    template <typename T>
    struct Mapped {
        T* at = nullptr;
        size_t bytes = 0;
    };
    Kernel() = default;
    Result<void> start();
    template <typename T>
    Result<void> map(const char* name, Mapped<T>& out);
    template <typename T>
    void unmap(Mapped<T>& mapped);

    bpf_object* object_ = nullptr;
    uint32_t cpus_ = 0;
    int port_program_ = -1, tunnel_program_ = -1, copy_program_ = -1;
    int megaflows_ = -1, port_of_device_ = -1, connections_ = -1, remotes_ = -1, tunnel_ports_ = -1,
        local_addresses_ = -1, remotes_ipv6_ = -1, local_addresses_ipv6_ = -1;
    Mapped<Config> config_;
    Mapped<PortEntry> ports_;
    Mapped<Key> masks_;
    Mapped<FlowSlot> flows_;
    Mapped<TrackedConnection> tracked_;
    Mapped<MeterSlot> meters_;
    Mapped<FlowCounters> flow_counters_;
    Mapped<PortCounters> port_counters_;
    Mapped<Totals> totals_;
};

}  // namespace weft::datapath::ebpf
