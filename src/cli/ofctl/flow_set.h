// A set of flows by table, priority and match, for replace-flows and diff-flows.
//
// Two sets of half a million flows are usual, so a flow is kept as its wire form: the key is its place and
// the NXM of its match, which is the same for equal matches, and its actions are those that the switch would
// answer with.  The few flows that differ are decoded again.

#pragma once

#include <cstdint>
#include <string>

#include "base/hash_map.h"
#include "cli/ofctl/flow_session.h"
#include "openflow/messages/flow.h"

namespace weft::cli::ofctl {

class FlowSet {
  public:
    struct Entry {
        uint64_t cookie = 0;
        uint16_t idle = 0, hard = 0, flags = 0, importance = 0;
        bool matched = false;  // for the caller
        Bytes actions;         // instructions of the set's version

        // True if the switch need not be told: flags do not count.
        bool same(const Entry& other, openflow::Version version) const;
    };
    using Entries = HashMap<std::string, Entry>;

    explicit FlowSet(openflow::Version version) : version_(version) {}

    // Lines as ovs-ofctl(8), "Flow Syntax", has them.
    Result<void> read_file(const std::string& file, const openflow::Names* names);
    Result<void> read_switch(SwitchConnection& connection);

    openflow::Version version() const { return version_; }
    Entries& entries() { return entries_; }
    Entry* find(const std::string& key);
    static std::string key_of(const openflow::Match& match, uint16_t priority, uint8_t table);
    Entry entry_of(const openflow::FlowStats& flow) const;

    // A flow that is told the switch.
    openflow::FlowMod to_add(const std::string& key, const Entry& entry) const;
    openflow::FlowMod to_delete(const std::string& key) const;
    // "table=1 priority=5,tcp", and a line of diff-flows.
    static std::string text_of_key(const std::string& key);
    std::string text_of(const std::string& key, const Entry& entry) const;

  private:
    openflow::ActionList actions_of(const Entry& entry) const;

    openflow::Version version_;
    Entries entries_;
};

}  // namespace weft::cli::ofctl
