// What the userspace and the dummy datapath share: flow table, executor, upcalls, meters, statistics.  They
// differ in the ports that they can make.
//
// The switch's thread has a lane (lane.h) on which it carries through what it takes from ports itself, what
// it is asked to execute and what packet threads send up (packet_thread_pool.h).

#pragma once

#include <atomic>
#include <memory>

#include "datapath/api/datapath.h"
#include "datapath/userspace/forwarding.h"
#include "datapath/userspace/lane.h"
#include "datapath/userspace/packet_poller.h"
#include "datapath/userspace/packet_thread_pool.h"
#include "net/loop.h"

namespace weft::datapath {

class DatapathCore : public Datapath, protected PacketSink, private UpcallSink {
  public:
    DatapathCore(net::Loop& loop, std::string type, std::string name);
    ~DatapathCore() override;

    std::string_view type() const override { return type_; }
    const std::string& name() const override { return name_; }

    Result<PortNo> add_port(const PortSpec& spec) override;
    Result<void> delete_port(PortNo port) override;
    std::vector<PortInfo> ports() const override;
    std::optional<PortInfo> find_port(PortNo port) const override;
    std::optional<PortInfo> find_port(std::string_view name) const override;
    Result<PortStats> port_stats(PortNo port) const override;
    Result<void> set_policing(PortNo port, const Policing& policing) override;
    void on_port_change(PortChange callback) override { port_change_ = std::move(callback); }

    Result<void> put_flow(FlowPut put) override;
    Result<FlowDump> get_flow(const Ufid& ufid) const override;
    std::optional<Ufid> flow_of(const packet::Flow& key) const override;
    Result<FlowStats> delete_flow(const Ufid& ufid) override;
    void flush_flows() override;
    void dump_flows(const std::function<void(const FlowDump&)>& each) const override;
    void each_flow_stats(const std::function<void(const Ufid&, const FlowStats&)>& each) const override;

    Result<void> execute(Execute request) override;
    void set_upcall_handler(UpcallHandler* handler) override { handler_ = handler; }
    void receive(PortNo in_port, packet::Packet packet) override;

    DatapathStats stats() const override;
    std::optional<uint32_t> max_meters() const override { return MeterTable::kMax; }
    Result<void> set_meter(const MeterConfig& meter) override;
    Result<MeterConfig> get_meter(uint32_t id) const override { return shared_.meters.get(id); }
    Result<MeterConfig> delete_meter(uint32_t id) override;
    Result<void> set_bond(uint32_t id, const BondBuckets& buckets) override;
    void delete_bond(uint32_t id) override;
    BondBytes bond_bytes(uint32_t id) const override { return shared_.bonds.bytes(id); }
    ConnectionTable* connections() override { return shared_.connections.get(); }
    Features features() const override;

  protected:
    virtual Result<std::unique_ptr<Port>> open_port(PortInfo info, const PortSpec& spec) = 0;
    // Installs connection tracking, in the place of the usual one; before any flow is put.
    void set_connections(std::unique_ptr<ConnectionTable> connections);
    // Meters of flows, and of what ports let in, that others use as well; before there is any.
    void share_meters(MeterTable::Buckets* flows, MeterTable::Buckets* bits, MeterTable::Buckets* packets) {
        shared_.meters.share(flows);
        shared_.police_bits.share(bits);
        shared_.police_packets.share(packets);
    }
    void port_changed(PortNo port) {
        if (port_change_) port_change_(port);
    }

    // A packet that something in front of this datapath has handed over, with the metadata of its key; the
    // rest of the key and the layout are extracted here.  It is looked up, or goes on at `rest`, a part of
    // `all`.
    struct Resumed {
        Work work;
        std::shared_ptr<const Actions> all;  // null: it is looked up
        std::span<const Action> rest;
    };
    void resume(std::vector<Resumed>& packets);
    Port* port_at(PortNo number) { return shared_.ports.find(number); }  // null: there is none
    std::shared_ptr<const Megaflow> megaflow(const Ufid& ufid) const { return shared_.megaflows.find(ufid); }
    PacketThreadPool& threads() { return threads_; }
    const PacketThreadPool& threads() const { return threads_; }
    // The switch's thread as one of those that carry packets.
    PacketThreadReport own_report() const;
    void clear_own_counts() { cleared_ = lane_.stats(); }

    net::Loop& loop_;

  private:
    PacketPoller poller_;  // goes after the ports
    Forwarding shared_;

  protected:
    // PacketSink
    void received(PortNo port, std::vector<Received>& packets, bool more) override;
    void dropped(explain::DropReason reason) override {
        drops_[static_cast<size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
    }

  private:
    // UpcallSink
    bool upcall(Upcall upcall) override;

    void answer(std::vector<UpcallQueue::Item> items);
    void handle_upcalls();
    void finish_batch();
    void sort_if_wanted();
    Result<PortNo> choose_number(const PortSpec& spec) const;
    FlowDump dump_of(const Megaflow& flow, const packet::Flow& mask) const;

    std::string type_, name_;
    PortChange port_change_;
    std::unique_ptr<net::Loop::Timer> conntrack_timer_;
    Lane lane_;
    LaneStats cleared_;  // what it had done when its counts were cleared

    UpcallHandler* handler_ = nullptr;
    std::vector<Upcall> upcalls_;
    bool upcalling_ = false;

    std::vector<std::atomic<uint64_t>> drops_;
    PacketThreadPool threads_;
};

}  // namespace weft::datapath
