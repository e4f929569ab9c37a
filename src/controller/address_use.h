// Learnt addresses that are in use stay (ovn-nb(5), mac_binding_age_threshold, fdb_age_threshold): northd
// removes those whose timestamp is too old, so whoever sees one used says so before.
//
// What is used is told by the statistics of the flows that it made: of a MAC_Binding the answers of get_arp
// and get_nd (table 66), of an FDB entry the packets that came from it (table 72, lookup_fdb).  Northd says
// in Datapath_Binding:external_ids for how long entries of a datapath live.  While some datapath that is here
// has such a threshold, the statistics are asked for four times in the shortest one (not more than once a
// second, at least once a minute).  A timestamp becomes the time of the last use, once it is older than half
// of the threshold: a used entry is written at most twice in a threshold, an unused one goes when it should.

#pragma once

#include <cstdint>
#include <optional>

#include "controller/flow_tables.h"
#include "controller/southbound_view.h"
#include "incremental/output.h"
#include "incremental/rule.h"
#include "logical/age_threshold.h"
#include "openflow/messages/flow.h"
#include "ovsdb/client/replica.h"
#include "ovsdb/client/transaction.h"

namespace weft::controller {

struct AgedDatapath {
    Uuid datapath;
    uint32_t key = 0;
    std::string threshold;
    bool operator==(const AgedDatapath&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const AgedDatapath& d) {
        return H::combine(std::move(h), d.datapath);
    }
};

class AddressUse {
  public:
    explicit AddressUse(SouthboundView& view);
    ~AddressUse();

    // Whether the statistics of kTables are to be asked for now, and when next (nothing: not at all).
    static constexpr uint8_t kTables[] = {kTableMacBinding, kTableLookupFdb};
    bool begin_poll(int64_t monotonic_ms);
    std::optional<int64_t> next_poll_ms() const;
    // A flow of one of them, as it is at `wall_ms`.
    void note(const openflow::FlowStats& flow, int64_t wall_ms);
    void write(const ovsdb::client::Replica& southbound, ovsdb::client::Transaction& txn, int64_t wall_ms);

  private:
    struct Seen {
        uint64_t packets = 0;
        uint64_t poll = 0;  // that saw it last
        int64_t used_ms = 0;
    };
    struct Aged {
        uint32_t key = 0;
        logical::AgeThreshold threshold;
    };

    void list(const Uuid& datapath);
    void take_changes();
    // When to be written down as the time of the last use, or nothing.
    std::optional<int64_t> due(uint8_t table, const Uuid& row, int64_t timestamp, int64_t seconds,
                               int64_t wall_ms) const;

    SouthboundView& view_;
    incremental::Output<AgedDatapath> listed_{view_.engine, "datapaths with aging"};
    incremental::Rule<Uuid> rule_{view_.engine, "datapaths with aging", view_.local_datapaths,
                                  [this](const Uuid& uuid) { list(uuid); }};
    HashMap<Uuid, Aged> aged_;
    HashMap<uint64_t, Seen> seen_;  // by table and cookie
    uint64_t poll_ = 0;
    std::optional<int64_t> next_ms_;
    bool has_news_ = false;
};

}  // namespace weft::controller
