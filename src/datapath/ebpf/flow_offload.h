// The flows that the programs in the kernel have, beside the userspace datapath's own table of all flows.
//
// Each flow of the datapath is put here, too.  If the programs can tell its packets and carry out its
// actions, they get it; if they can tell its packets only, they get the word that those go up at once; and if
// not even that, its packets match nothing there and go up after all masks were tried.  Every packet that
// goes up is looked up again by the daemon, so what is missing here costs time and nothing else.

#pragma once

#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "base/hash_map.h"
#include "datapath/ebpf/encode.h"
#include "datapath/ebpf/flow_slots.h"
#include "datapath/ebpf/kernel.h"
#include "datapath/userspace/megaflow_table.h"

namespace weft::datapath::ebpf {

class FlowOffload {
  public:
    // `ports`: see encode().  `tunnel` is told of what flows send by.
    FlowOffload(Kernel& kernel, PortKinds ports, std::function<void(const TunnelEnds&)> tunnel);

    // A flow that was created or whose actions have changed.
    void put(std::shared_ptr<const Megaflow> flow, bool zero_stats);
    // Before the table lets go of it.  What the programs have counted.
    FlowStats remove(const Ufid& ufid);
    void clear();
    // Flows with outputs to the port are encoded again.
    void port_changed(PortNo port);

    struct State {
        FlowStats stats;
        bool in_kernel = false;
        std::string_view why;  // not
    };
    State state(const Ufid& ufid) const;

    // Where the daemon goes on with a packet that a program has handed up from the midst of a list, also of
    // one that has gone a short while ago; empty: too long.
    struct Place {
        std::shared_ptr<const Actions> all;
        std::span<const Action> rest;  // in `all`
    };
    Place place(uint32_t list, uint32_t at) const;

    // To be called now and then, every second or less: tries first the masks that match most, and forgets
    // lists that no packet under way can be in any more.
    void tidy();
    size_t masks() const { return order_.size(); }

  private:
    struct Entry {
        std::shared_ptr<const Megaflow> flow;
        uint32_t mask = kMasks;      // index
        uint32_t slot = kFlowSlots;  // kFlowSlots: not in the kernel
        uint32_t list = 0;           // number of the list in the slot
        uint32_t port = 0;           // in_port of the masked key in the kernel
        FlowStats before;            // of slots that it had
        std::vector<PortNo> outputs;
        std::string_view why;
    };

    void offload(Entry& entry);
    void withdraw(Entry& entry);
    void give_up(Entry& entry, std::string_view why);
    void collect(Entry& entry);
    FlowStats counted(const Entry& entry) const;
    void sort_masks();
    std::optional<uint32_t> hold_mask(const Key& mask);
    void release_mask(uint32_t index);
    void write_order();

    Kernel& kernel_;
    PortKinds ports_;
    std::function<void(const TunnelEnds&)> tunnel_;
    FlowSlots slots_;
    // By in_port (network byte order).  A port's flows take no more slots than are left: so a port with ever
    // new flows gets half of them, two get a third each, and others find room.
    HashMap<uint32_t, uint32_t> flows_of_port_;
    struct List {
        std::shared_ptr<const Actions> all;
        std::vector<std::span<const Action>> places;
    };
    HashMap<uint32_t, List> lists_;  // that packets can be handed up from
    struct Retired {
        uint32_t list;
        int64_t at_ms;
    };
    std::deque<Retired> retired_;
    uint32_t last_list_ = 0;
    HashMap<Ufid, std::unique_ptr<Entry>> entries_;
    struct Mask {
        Key mask;
        size_t flows = 0;
        bool stale = false;  // free, but programs may still be using what is written there
    };
    std::vector<Mask> masks_;
    std::vector<uint32_t> order_;
};

}  // namespace weft::datapath::ebpf
