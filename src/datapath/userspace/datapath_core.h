// What the userspace and the dummy datapath share: flow table, executor, upcalls, meters, statistics.  They
// differ in the ports that they can make.

#pragma once

#include <map>
#include <memory>

#include "datapath/api/datapath.h"
#include "datapath/userspace/bond_table.h"
#include "datapath/userspace/executor.h"
#include "datapath/userspace/megaflow_table.h"
#include "datapath/userspace/meter_table.h"
#include "datapath/userspace/packet_poller.h"
#include "datapath/userspace/port.h"
#include "net/loop.h"

namespace weft::datapath {

class DatapathCore : public Datapath, private ActionSink, protected PacketSink {
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
    void flush_flows() override { table_.clear(); }
    void dump_flows(const std::function<void(const FlowDump&)>& each) const override;
    void each_flow_stats(const std::function<void(const Ufid&, const FlowStats&)>& each) const override;

    Result<void> execute(Execute request) override;
    void set_upcall_handler(UpcallHandler* handler) override { handler_ = handler; }
    void receive(PortNo in_port, packet::Packet packet) override;

    DatapathStats stats() const override;
    std::optional<uint32_t> max_meters() const override { return MeterTable::kMax; }
    Result<void> set_meter(const MeterConfig& meter) override;
    Result<MeterConfig> get_meter(uint32_t id) const override { return meters_.get(id); }
    Result<MeterConfig> delete_meter(uint32_t id) override { return meters_.remove(id); }
    Result<void> set_bond(uint32_t id, const BondBuckets& buckets) override;
    void delete_bond(uint32_t id) override { bonds_.remove(id); }
    BondBytes bond_bytes(uint32_t id) const override { return bonds_.bytes(id); }
    ConnectionTable* connections() override { return connections_.get(); }
    Features features() const override;

  protected:
    virtual Result<std::unique_ptr<Port>> open_port(PortInfo info, const PortSpec& spec) = 0;
    // Installs connection tracking, in the place of the usual one; before any flow is put.
    void set_connections(std::unique_ptr<ConnectionTable> connections);
    // Meters of flows, and of what ports let in, that others use as well; before there is any.
    void share_meters(MeterTable::Buckets* flows, MeterTable::Buckets* bits, MeterTable::Buckets* packets) {
        meters_.share(flows);
        police_bits_.share(bits);
        police_packets_.share(packets);
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
    Port* port_at(PortNo number);  // null: there is none

    net::Loop& loop_;
    PacketPoller poller_;  // goes after the ports
    MegaflowTable table_;

    // PacketSink
    void received(PortNo port, std::vector<Received>& packets) override;
    void dropped(explain::DropReason reason) override { drops_[static_cast<size_t>(reason)]++; }

  private:
    // ActionSink
    void output(PortNo port, Work&& work) override;
    void recirculate(Work&& work) override;
    void upcall(const Userspace& action, Work&& work, const Actions& all) override;
    std::optional<std::pair<PortNo, PortType>> tunnel_receiver(PortNo port, ByteView bytes) override;

    void process(Work&& work, int64_t now_ms);
    void queue_upcall(Upcall upcall);
    void finish_batch();
    Result<PortNo> choose_number(const PortSpec& spec) const;
    FlowDump dump_of(const Megaflow& flow, const packet::Flow& mask) const;

    std::string type_, name_;
    std::map<PortNo, std::unique_ptr<Port>> ports_;
    std::vector<Port*>
        by_number_;  // for output; null where there is none; higher numbers are looked up in ports_
    std::vector<Port*> to_flush_;
    PortChange port_change_;

    MeterTable meters_;
    MeterTable police_bits_, police_packets_;  // by port
    std::map<PortNo, Policing> policing_;
    BondTable bonds_;
    std::unique_ptr<ConnectionTable> connections_;
    std::unique_ptr<net::Loop::Timer> conntrack_timer_;
    Executor executor_;

    UpcallHandler* handler_ = nullptr;
    std::vector<Upcall> upcalls_;
    bool upcalling_ = false;

    uint64_t hits_ = 0, misses_ = 0, lost_ = 0;
    std::vector<uint64_t> drops_;
    int64_t now_ms_ = 0;
};

}  // namespace weft::datapath
