// Logical_Flow and Logical_DP_Group: flows that are equal but for their datapath share one row, whose
// datapaths are a group when there are several.
//
// Groups are known by their members, as two sums of hashes: adding a datapath to a set is constant work, and
// when all flows of a group move to another one, its row is changed in place instead of every flow's.
//
// A flow has a state: what is emitted, and the row that there is.  States are most of northd's memory, so
// each has only what nobody else has (docs/decisions/0115): emissions are pointers into the output, and the
// replica's rows are kept here.

#pragma once

#include <compare>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
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
    std::optional<Uuid> row(ovsdb::client::Transaction& txn, const SetId& id, std::span<const Uuid> datapaths,
                            const Resolve& resolve);
    void begin() {
        for (auto& [id, group] : groups_) group.written = false;
    }
    // The transaction failed: what it would have inserted or changed is not there.
    void roll_back();
    void committed(const ovsdb::client::CommitOutcome& outcome);
    // Some rows are inserted by a transaction that has not been answered.
    bool has_provisional() const { return provisional_ > 0; }
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
    size_t provisional_ = 0;
    bool drifted_ = false;
};

// A transaction of a million flows would be a gigabyte of text, more than a database server takes in one
// request (docs/decisions/0055).  So many are some 60 MB; only networks that come or change all at once have
// more.
inline constexpr size_t kFlowsAtOnce = 100'000;

// A southbound without flows is filled in small pieces: nobody can see half of a change there, neither northd
// nor the server has much of it as text at any time, and while the server takes one piece northd makes the
// next and reads what came of the last.  Flows that need a new group come first: what refers to a row waits
// until the server has it.
inline constexpr size_t kFlowsOfFilling = 2'000;

class FlowTable : public ovsdb::client::RowKeeper {
  public:
    explicit FlowTable(DatapathGroups& groups) : groups_(groups) {}

    void want(FlowOutput& output);
    void have(const ovsdb::client::Replica& replica);
    // Writes what differs, at most kFlowsAtOnce of them, of filling kFlowsOfFilling.  True if that was all.
    bool write(ovsdb::client::Transaction& txn, const ovsdb::client::Replica& replica,
               const DatapathGroups::Resolve& resolve);
    bool is_filling() const { return filling_; }
    void mark_all();
    // What is written instead of kDrop and kAclDrop, or "": drops can be sampled (ovn-nb(5),
    // NB_Global:options:debug_drop_…).
    void set_drop_action(const std::string& action);

    // The replica's rows: one that says what its state says is kept as the little that it has besides.
    bool keep(const void* row) override;
    void* take_back(const Uuid& uuid) override;
    void for_each_kept(const std::function<void(const Uuid&)>& f) const override;

  private:
    struct Member {
        Uuid datapath;
        uint32_t count;
    };
    // What few flows have: those emitted more than once, or for several datapaths, or with more than one row.
    struct Shared {
        std::vector<Member> members;            // of those emitted more than once; sorted by datapath
        std::vector<const LogicalFlow*> flows;  // the same: as they are emitted
        SetId set;                              // of all its datapaths
        SetId used;                             // the group counted in groups_
        bool uses_group = false;
        std::vector<Uuid> more_rows;
    };
    struct State {
        FlowBody body;
        const LogicalFlow* only = nullptr;  // emitted once; the output's
        std::unique_ptr<Shared> shared;     // null: none
        Uuid row;                           // zero: none
        // Of a row that is kept: the columns that the body does not say.
        Uuid place;  // logical_datapath or logical_dp_group
        SharedText source;
        uint32_t hint = 0;
        bool place_is_group = false, kept = false, dirty = false;

        bool is_wanted() const { return only || (shared && !shared->flows.empty()); }
        size_t count_datapaths() const {
            return only ? only->datapaths.size() : shared ? shared->members.size() : 0;
        }
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
    struct RowHash {
        using is_transparent = void;
        size_t operator()(const Uuid& row) const { return absl::HashOf(row); }
        size_t operator()(const State* s) const { return absl::HashOf(s->row); }
    };
    struct RowEqual {
        using is_transparent = void;
        static const Uuid& of(const Uuid& row) { return row; }
        static const Uuid& of(const State* s) { return s->row; }
        template <typename A, typename B>
        bool operator()(const A& x, const B& y) const {
            return of(x) == of(y);
        }
    };

    State& state_of(const FlowBody& body);
    static Shared& shared_of(State& state);
    void mark(State& state);
    static void add(State& state, const LogicalFlow& flow);
    static void remove(State& state, const LogicalFlow& flow);
    static void count(Shared& shared, const LogicalFlow& flow);
    void link(State& state, const Uuid& row);
    State* unlink(const Uuid& row);  // null: it is no state's
    void begin_filling();
    void choose_group(State& state);
    void write_row(ovsdb::client::Transaction& txn, State& state, const DatapathGroups::Resolve& resolve);

    DatapathGroups& groups_;
    std::string drop_action_;
    absl::flat_hash_set<std::unique_ptr<State>, Hash, Equal> states_;
    absl::flat_hash_set<State*, RowHash, RowEqual> with_row_;
    HashMap<Uuid, State*> more_rows_;  // those in Shared::more_rows
    std::deque<State*> dirty_;
    bool filling_ = false;
    std::vector<Uuid> foreign_;  // rows that are no flow of ours at all
};

}  // namespace weft::northd
