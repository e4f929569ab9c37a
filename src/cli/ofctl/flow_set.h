// A set of flows by table, priority and match, for replace-flows and diff-flows.
//
// Two sets of half a million flows are usual, so a flow is kept as its wire form: the key is its place and
// the NXM of its match, which is the same for equal matches, and its actions are those that the switch would
// answer with, or their text.  The few flows that differ are decoded again.  Finding one of half a million
// costs what memory costs that no cache holds, so all of a flow lies in one place.

#pragma once

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash_map.h"
#include "cli/ofctl/flow_session.h"
#include "openflow/messages/flow.h"

namespace weft::cli::ofctl {

class FlowSet {
  public:
    // Key and actions lie behind it.
    struct Flow {
        uint64_t cookie = 0;
        Flow* next = nullptr;  // with the same hash
        uint32_t key_size = 0, actions_size = 0;
        uint16_t idle = 0, hard = 0, flags = 0, importance = 0;
        bool replaced = false;  // by a later line
        bool matched = false;   // for the caller

        std::string_view key() const { return {reinterpret_cast<const char*>(this + 1), key_size}; }
        // Instructions of the set's version, or text.
        ByteView actions() const {
            return {reinterpret_cast<const uint8_t*>(this + 1) + key_size, actions_size};
        }
    };

    // Actions are kept as this version writes them, and are the same if it writes the same.
    explicit FlowSet(openflow::Version version) : version_(version) {}
    // Actions are kept as their text: what was said otherwise differs, as in diff-flows.
    FlowSet() = default;

    // Lines as ovs-ofctl(8), "Flow Syntax", has them.
    Result<void> read_file(const std::string& file, const openflow::Names* names);
    Result<void> read_switch(SwitchConnection& connection);

    template <typename Callback>
    void each(Callback callback) {
        for (Flow* flow : flows_) {
            if (!flow->replaced) callback(*flow);
        }
    }
    Flow* find(std::string_view key);

    // The key of a switch's flow; valid until the next call.
    std::string_view key_of(const openflow::FlowStats& flow);
    // True if the switch need not be told to make the one of the other: flags do not count.
    bool same(const Flow& flow, const openflow::FlowStats& other);
    bool same(const Flow& flow, const Flow& other) const;

    // A flow that is told the switch; of a set with a version.
    openflow::FlowMod to_add(const Flow& flow) const;
    static openflow::FlowMod to_delete(std::string_view key);
    // "table=1 priority=5,tcp", and a line of diff-flows.
    static std::string text_of_key(std::string_view key);
    std::string text_of(const Flow& flow) const;

  private:
    Flow& add(const openflow::Match& match, uint16_t priority, uint8_t table,
              const openflow::ActionList& actions);
    std::string_view encode_key(const openflow::Match& match, uint16_t priority, uint8_t table);
    ByteView encode_actions(const openflow::ActionList& actions);
    bool same_actions(ByteView a, ByteView b) const;

    std::optional<openflow::Version> version_;  // none: text
    std::pmr::monotonic_buffer_resource memory_{1 << 20};
    std::vector<Flow*> flows_;
    HashMap<size_t, Flow*> by_hash_;  // of the key
    ByteWriter key_, actions_;        // of the flow at hand
};

}  // namespace weft::cli::ofctl
