// One OpenFlow connection of a bridge: a controller, or a tool on the management socket.
//
// Reads whole messages (openflow/connection.h does hello, version and echo), carries each out at once and
// answers; so a barrier's reply says that all before it is done.  What the peer gets unasked (packet-ins,
// flow-removed, port status, flow updates) follows its role, its asynchronous configuration and its packet-in
// format.
//
// Handlers are in handle_*.cc, bundles in bundles.cc, what is sent unasked in async.cc.

#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/loop.h"
#include "net/stream.h"
#include "openflow/connection.h"
#include "openflow/message.h"
#include "switch/connection/flow_dump.h"
#include "switch/connection/multipart_requests.h"
#include "switch/connection/packet_in_limit.h"
#include "switch/upcall/backer.h"

namespace weft::vswitch {

class ConnectionManager;

class OfConnection {
  public:
    enum class Kind : uint8_t { kService, kPrimary };  // a tool's, or a configured controller's
    using Closed = std::function<void(OfConnection&, std::string reason)>;

    OfConnection(ConnectionManager& manager, net::Loop& loop, Bridge& bridge, Backer& backer, Kind kind,
                 std::unique_ptr<net::Stream> stream, uint32_t versions, Closed closed);
    ~OfConnection();

    Kind kind() const { return kind_; }
    Bridge& bridge() { return bridge_; }
    bool ready() const { return protocol_.version().has_value(); }
    openflow::Version version() const { return *protocol_.version(); }
    openflow::Role role() const { return role_; }
    uint16_t controller_id() const { return controller_id_; }
    const std::string& name() const { return stream_->name(); }
    int64_t last_received_ms() const { return last_received_ms_; }
    void probe();  // an echo request
    // Another controller became the primary; from OpenFlow 1.4 on this one is told (6.3.6).
    void lose_primary(uint64_t generation);

    // How many packet-ins may wait for the peer to read, and how fast they go (nullopt: as they come).
    void limit_packet_ins(size_t waiting, const std::optional<PacketInRate>& rate);
    // Of misses and of packets that actions send; nullopt: their rate is not limited.
    std::optional<std::array<PacketInLimit::Statistics, 2>> packet_in_statistics() const;

    // Unasked messages, sent if the peer wants them.
    void packet_in(const PacketIn& packet);
    void flow_removed(const Rule& rule, RemovedReason reason);
    void flow_changed(const Rule& rule, FlowEvent event, RemovedReason reason);
    void port_status(const OfPort& port, PortReason reason);
    void table_status(uint8_t table);  // it passed one of its marks of vacancy
    void flush_updates();
    // In every turn: goes on with what could not be sent at once.
    void go_on();
    // Answers requests whose rest did not come in time.
    void forget_late_requests(int64_t now_ms);
    void forget_idle_bundles(int64_t now_ms, int64_t idle_ms);
    bool sees_port_changes() const;

    openflow::Port describe(const OfPort& port) const;

  private:
    struct Bundle;
    struct Monitor;

    void on_ready();
    void handle_frames();
    void receive(ByteView frame);
    openflow::OfError put_together(const std::vector<Bytes>& parts, openflow::Message& message);
    openflow::DecodeOptions decode_options() const;
    void handle(const openflow::Message& message, ByteView frame);
    void send(openflow::Body body);
    void send_packet_in(const Bytes& message);
    bool room_for_packet_in();
    void write_packet_in(const Bytes& message);
    void send_waiting_packet_ins();
    void send_raw(ByteView bytes);
    void reply(openflow::Body body);
    void fail(openflow::OfError error);
    void done(openflow::OfError error) {
        if (error != openflow::OfError::kNone) fail(error);
    }
    bool may_write();  // not a secondary controller

    // handle_flows.cc
    void handle(const openflow::FlowMod& mod);
    void handle(const openflow::FlowStatsRequest& request);
    void handle(const openflow::FlowMonitorRequest& request);
    void handle(const openflow::FlowMonitorCancel& request);
    openflow::OfError convert(const openflow::FlowMod& mod, FlowChange& change) const;
    openflow::OfError apply(const openflow::FlowMod& mod, Transaction& transaction);
    void go_on_dumping();
    void send_update(const Rule& rule, const Monitor& monitor, openflow::FlowUpdate::Event event,
                     RemovedReason reason);

    // handle_groups.cc
    void handle(const openflow::GroupMod& mod);
    void handle(const openflow::GroupDescRequest& request);
    void handle(const openflow::GroupStatsRequest& request);
    void handle(const openflow::GroupFeaturesRequest& request);
    void handle(const openflow::MeterMod& mod);
    void handle(const openflow::MeterConfigRequest& request);
    void handle(const openflow::MeterStatsRequest& request);
    void handle(const openflow::MeterFeaturesRequest& request);
    openflow::OfError apply(const openflow::GroupMod& mod, Transaction& transaction);

    // handle_ports.cc
    void handle(const openflow::PortMod& mod);
    void handle(const openflow::PortDescRequest& request);
    void handle(const openflow::PortStatsRequest& request);
    void handle(const openflow::QueueStatsRequest& request);
    void handle(const openflow::QueueConfigRequest& request);
    openflow::OfError apply(const openflow::PortMod& mod);
    openflow::TableDesc describe_table(uint8_t table) const;
    openflow::TableFeatures features_of(uint8_t table) const;
    std::string table_name(uint8_t id) const;  // as it is told
    openflow::PortStats statistics(const OfPort& port) const;

    // handle_switch.cc
    void handle(const openflow::FeaturesRequest& request);
    void handle(const openflow::GetConfigRequest& request);
    void handle(const openflow::SetConfig& config);
    void handle(const openflow::DescRequest& request);
    void handle(const openflow::TableMod& mod);
    void handle(const openflow::TableStatsRequest& request);
    void handle(const openflow::TableDescRequest& request);
    void handle(const openflow::TableFeaturesRequest& request);
    void handle(const openflow::RoleRequest& request);
    void handle(const openflow::GetAsyncRequest& request);
    void handle(const openflow::SetAsync& config);
    void handle(const openflow::BarrierRequest& request);
    void handle(const openflow::EchoReply& reply);
    void handle(const openflow::SetFlowFormat& format);
    void handle(const openflow::FlowModTableId& setting);
    void handle(const openflow::FlowAge& age);
    void handle(const openflow::SetPacketInFormat& format);
    void handle(const openflow::SetControllerId& id);
    void handle(const openflow::TlvTableMod& mod);
    void handle(const openflow::TlvTableRequest& request);
    void handle(const openflow::IpfixStatsRequest& request);
    void handle(const openflow::CtFlushZone& flush);
    void handle(const openflow::CtFlush& flush);
    void set_default_async();

    // handle_packets.cc
    void handle(const openflow::PacketOut& packet);
    void handle(const openflow::Resume& resume);
    openflow::OfError apply(const openflow::PacketOut& packet);

    // bundles.cc
    void handle(const openflow::BundleControl& control);
    void handle(const openflow::BundleAdd& add);
    bool commit_bundle(Bundle& bundle);  // false: nothing was done, and the error was sent

    ConnectionManager& manager_;
    net::Loop& loop_;
    Bridge& bridge_;
    Backer& backer_;
    Kind kind_;
    std::unique_ptr<net::Stream> stream_;
    openflow::Connection protocol_;
    Closed closed_;
    bool greeted_ = false;
    int64_t last_received_ms_ = 0;

    MultipartRequests requests_;

    // The message being handled.
    uint32_t xid_ = 0;
    ByteView frame_;

    openflow::Role role_ = openflow::Role::kEqual;
    openflow::AsyncConfig async_;
    size_t most_packet_ins_ = 100;
    struct Waiting {
        uint64_t end;   // where it ends among all that is sent
        uint64_t turn;  // in which it was sent
    };
    std::deque<Waiting> waiting_packet_ins_;
    uint64_t turns_ = 0;
    std::optional<PacketInRate> packet_in_rate_;
    PacketInLimit packet_in_limits_[2];  // of misses, of actions
    std::unique_ptr<net::Loop::Timer> packet_in_timer_;
    openflow::PacketInFormat packet_in_format_ = openflow::PacketInFormat::kStandard;
    uint16_t controller_id_ = 0;
    uint16_t miss_send_len_ = 0;
    bool flow_mod_table_id_ = false;
    bool nxm_ = false;
    bool invalid_ttl_to_controller_ = false;
    std::map<uint32_t, std::unique_ptr<Bundle>> bundles_;
    std::map<uint32_t, std::unique_ptr<Monitor>> monitors_;
    std::vector<openflow::FlowUpdate> updates_;
    bool monitoring_own_change_ = false;
    uint64_t sent_ = 0;               // bytes, when it was looked at last
    std::unique_ptr<FlowDump> dump_;  // a reply that is not whole yet: nothing else is handled until it is
};

}  // namespace weft::vswitch
