// The flows that the programs in the kernel have, beside the userspace datapath's own table of all flows.
//
// Each flow of the datapath is put here, too.  If the programs can tell its packets and carry out its
// actions, they get it; if they can tell its packets only, they get the word that those go up at once; and if
// not even that, its packets match nothing there and go up after all masks were tried.  Every packet that
// goes up is looked up again by the daemon, so what is missing here costs time and nothing else.

#pragma once

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
    // `served`: see encode().
    FlowOffload(Kernel& kernel, std::function<bool(PortNo)> served);

    // A flow that was created or whose actions have changed.
    void put(std::shared_ptr<const Megaflow> flow, const packet::Flow& mask, bool zero_stats);
    FlowStats remove(const Ufid& ufid);  // what the programs have counted
    void clear();
    // Flows with outputs to the port are encoded again.
    void port_changed(PortNo port);

    struct State {
        FlowStats stats;
        bool in_kernel = false;
        std::string_view why;  // not
    };
    State state(const Ufid& ufid) const;

    // To be called now and then: tries first the masks that match most.
    void sort_masks();
    size_t masks() const { return order_.size(); }

  private:
    struct Entry {
        std::shared_ptr<const Megaflow> flow;
        std::optional<KeyPair> keys;
        uint32_t mask = kMasks;      // index
        uint32_t slot = kFlowSlots;  // kFlowSlots: not in the kernel
        FlowStats before;            // of slots that it had
        std::vector<PortNo> outputs;
        std::string_view why;
    };

    void offload(Entry& entry);
    void withdraw(Entry& entry);
    void give_up(Entry& entry, std::string_view why);
    void collect(Entry& entry);
    FlowStats counted(const Entry& entry) const;
    std::optional<uint32_t> hold_mask(const Key& mask);
    void release_mask(uint32_t index);
    void write_order();
    MaskedKey masked_key(const Entry& entry) const;

    Kernel& kernel_;
    std::function<bool(PortNo)> served_;
    FlowSlots slots_;
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
