// Logical_Flow and Logical_DP_Group: flows that are equal but for their datapath share one row, whose
// datapaths are a group when there are several.
//
// Groups are known by their members, as two sums of hashes: adding a datapath to a set is constant work, and
// when all flows of a group move to another one, its row is changed in place instead of every flow's.

#pragma once

#include <compare>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/hash_map.h"
#include "northd/inputs.h"
#include "northd/logical_flow.h"
#include "ovsdb/client/replica.h"

namespace weft::northd {

struct SetId {  // of a set of datapaths
    uint64_t a = 0, b = 0;
    void add(const Uuid& uuid);
    void remove(const Uuid& uuid);
    auto operator<=>(const SetId&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const SetId& id) {
        return H::combine(std::move(h), id.a, id.b);
    }
};

// The rows of Logical_DP_Group, counted by who uses them.
class DatapathGroups {
  public:
    using Resolve = std::function<std::optional<Uuid>(const Uuid& datapath)>;  // to its Datapath_Binding

    void have(const ovsdb::client::Replica& replica, const HashMap<Uuid, Uuid>& datapath_of_binding);
    void use(const SetId& id) { ++groups_[id].users; }
    void unuse(const SetId& id);
    // A user went from one group to another, whose row does not exist yet: the first one's row may become it.
    void take_over(const SetId& from, const SetId& to);
    // The row of the group, inserted or corrected as needed.
    std::optional<Uuid> row(ovsdb::client::Transaction& txn, const SetId& id,
                            const std::vector<Uuid>& datapaths, const Resolve& resolve);
    void begin() {
        for (auto& [id, group] : groups_) group.written = false;
    }
    // The transaction failed: what it would have inserted or changed is not there.
    void roll_back();
    void committed(const ovsdb::client::CommitOutcome& outcome);
    // Somebody else changed a group that flows use.
    bool take_drift() { return std::exchange(drifted_, false); }

  private:
    struct Group {
        Uuid row;  // zero: none yet
        uint32_t users = 0;
        bool written = false;  // in this transaction
        bool provisional = false;
    };
    HashMap<SetId, Group> groups_;
    HashMap<Uuid, SetId> content_;  // of the rows that there are
    bool drifted_ = false;
};

// A transaction of a million flows would be a gigabyte of text, more than a database server takes in one
// request (docs/decisions/0055).  So many are some 60 MB; only networks that come or change all at once have
// more.
inline constexpr size_t kFlowsAtOnce = 100'000;

class FlowTable {
  public:
    explicit FlowTable(DatapathGroups& groups) : groups_(groups) {}

    void want(FlowOutput& output);
    void have(const ovsdb::client::Replica& replica);
    // Writes what differs, at most kFlowsAtOnce of them.  True if that was all.
    bool write(ovsdb::client::Transaction& txn, const ovsdb::client::Replica& replica,
               const DatapathGroups::Resolve& resolve);
    void mark_all();
    // What is written instead of kDrop and kAclDrop, or "": drops can be sampled (ovn-nb(5),
    // NB_Global:options:debug_drop_…).
    void set_drop_action(const std::string& action);

  private:
    struct Origin {
        uint32_t hint, line;
        const char* file;
        auto operator<=>(const Origin&) const = default;
    };
    struct Member {
        Uuid datapath;
        uint32_t count;
    };
    struct State {
        FlowBody body;
        std::vector<Member> members;  // sorted by datapath
        std::vector<Origin> origins;  // one per emission
        SetId set, used;              // used: the group counted in groups_
        bool uses_group = false, dirty = false;
        std::vector<Uuid> rows;
    };
    struct Hash {
        using is_transparent = void;
        size_t operator()(const FlowBody& body) const { return absl::HashOf(body); }
        size_t operator()(const std::unique_ptr<State>& s) const { return absl::HashOf(s->body); }
    };
    struct Equal {
        using is_transparent = void;
        static const FlowBody& of(const FlowBody& body) { return body; }
        static const FlowBody& of(const std::unique_ptr<State>& s) { return s->body; }
        template <typename A, typename B>
        bool operator()(const A& x, const B& y) const {
            return of(x) == of(y);
        }
    };

    State& state_of(const FlowBody& body);
    void mark(State& state);
    void add(State& state, const LogicalFlow& flow);
    void remove(State& state, const LogicalFlow& flow);
    void choose_group(State& state);
    void write_row(ovsdb::client::Transaction& txn, State& state, const DatapathGroups::Resolve& resolve);

    DatapathGroups& groups_;
    std::string drop_action_;
    absl::flat_hash_set<std::unique_ptr<State>, Hash, Equal> states_;
    HashMap<Uuid, State*> state_of_row_;
    std::vector<State*> dirty_;
    std::vector<Uuid> foreign_;  // rows that are no flow of ours at all
};

}  // namespace weft::northd
