// Carrying out actions on a packet.
//
// The executor knows packets, not devices: what leaves it goes through ActionSink.  It is the reference for
// what every action means.  Each thread has one.

#pragma once

#include <optional>
#include <span>
#include <utility>

#include "datapath/api/action.h"
#include "datapath/api/connection_table.h"
#include "packet/extract.h"
#include "packet/packet.h"

namespace weft::datapath {

class BondTable;
class MeterTable;
class SequenceNumbers;

// A packet on its way, with its key.
struct Work {
    packet::Packet packet;
    packet::Flow key;  // large: works are handed on by reference
    packet::Layout layout;
    bool stale = false;        // the packet has changed in ways that key and layout do not show
    bool tunnel_set = false;   // key.tunnel is for sending, not what the packet came by
    uint32_t truncate = 0;     // for the next output; 0: none
    uint8_t depth = 0;         // recirculations
    uint8_t pushed_tags = 0;   // that this list put on and that are there
    bool behind_tags = false;  // key and layout look behind them, whatever the limit of tags

    // A packet that has come in by `port`: its key, of which extract() fills the rest.
    void begin(packet::Packet packet_, PortNo port) {
        packet = std::move(packet_);
        packet::clear_switch_fields(key);
        key.in_port = port;
        stale = tunnel_set = behind_tags = false;
        truncate = depth = pushed_tags = 0;
    }
    // Key and layout are what they would be had the packet come like this.
    void refresh() {
        if (!stale && !behind_tags) return;
        layout = packet::extract(packet, key);
        behind_tags = false;
        stale = pushed_tags;
    }
    // For actions on what is behind the tags: where the packet's tags ended when it came is what counts,
    // whatever extract() would make of those beyond its limit.
    void refresh_behind_tags() {
        if (!stale) return;
        layout = packet::extract(packet.view(), key, packet::vlan_limit() + pushed_tags);
        behind_tags = pushed_tags;
        stale = false;
    }
    // The same for actions on tags and labels, to which the layout keeps up.
    void locate() {
        if (!layout.l3 && !layout.l2_5) refresh();
    }
};

class ActionSink {
  public:
    virtual ~ActionSink() = default;
    virtual void output(PortNo port, Work&& work) = 0;
    virtual void recirculate(Work&& work) = 0;
    virtual void upcall(const Userspace& action, Work&& work, const Actions& all) = 0;
    virtual void dropped(explain::DropReason reason) = 0;
    // The kind and number of the port that takes a packet whose tunnel header, at the start of `bytes`,
    // follows IP or UDP: `port`, or its neighbour behind GRE; nullopt: none.
    virtual std::optional<std::pair<PortNo, PortType>> tunnel_receiver(PortNo port, ByteView bytes) = 0;
};

class Executor {
  public:
    // `number`: of this one among those that share the rest.
    Executor(ActionSink& sink, MeterTable& meters, BondTable& bonds, SequenceNumbers& sequences,
             unsigned number)
        : sink_(sink),
          meters_(meters),
          bonds_(bonds),
          sequences_(sequences),
          random_(0x2545f491 + number * 0x9e3779b9) {}

    void set_connections(ConnectionTable* connections) { connections_ = connections; }
    // Consumes the packet.
    void run(Work&& work, const Actions& actions, int64_t now_ms);
    // From `rest` on, a part of `all`: what is before it has been done.
    void go_on(Work&& work, std::span<const Action> rest, const Actions& all, int64_t now_ms);

  private:
    enum class Step : uint8_t { kNext, kEnd };
    void run_list(Work&& work, std::span<const Action> actions, const Actions& all);
    Step one(Work& work, const Action& action, bool last, const Actions& all);
    Step track(Work& work, const Conntrack& action, std::span<const Action> rest, const Actions& all);
    Step set(Work& work, const Action& action);
    Step push_tunnel(Work& work, const PushTunnel& action, std::span<const Action> rest, const Actions& all);
    void pop_tunnel(Work&& work, PortNo port);
    void output(Work& work, PortNo port, bool last);

    ActionSink& sink_;
    MeterTable& meters_;
    BondTable& bonds_;
    SequenceNumbers& sequences_;
    ConnectionTable* connections_ = nullptr;
    int64_t now_ms_ = 0;
    int nesting_ = 0;
    uint32_t random_;
};

}  // namespace weft::datapath
