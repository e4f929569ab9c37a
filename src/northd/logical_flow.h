// Logical flows as northd computes them, before they become rows of Logical_Flow (ovn-sb(5)).
//
// A flow belongs to one datapath or to a set of them; the same flow emitted for several datapaths becomes one
// row with a datapath group.  Datapaths are named by the uuid of their Logical_Switch or Logical_Router.
//
//     FlowWriter flows(program.flows, sw.uuid, port.uuid);     // the hint: the row that the flows come from
//     flows.add(Stage::kSwitchInL2Lkup, 50, "eth.dst == ...", "outport = ...; output;");
//
// Each flow remembers the source line that made it and the row it was made for: `source` and `stage-hint` in
// external_ids.

#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include <absl/hash/hash.h>

#include "base/uuid.h"
#include "incremental/output.h"
#include "northd/stage.h"

namespace weft::northd {

// A set of datapaths: sorted, distinct, never changed, shared by the flows that have it.
struct DatapathSet {
    explicit DatapathSet(std::vector<Uuid> uuids) : datapaths(std::move(uuids)) {
        std::sort(datapaths.begin(), datapaths.end());
        datapaths.erase(std::unique(datapaths.begin(), datapaths.end()), datapaths.end());
        hash = absl::HashOf(datapaths);
    }
    std::vector<Uuid> datapaths;
    size_t hash;
};

class Datapaths {
  public:
    Datapaths() = default;
    Datapaths(const Uuid& one) : one_(one) {}  // NOLINT: implicit by design
    explicit Datapaths(std::vector<Uuid> many) {
        if (many.size() == 1) {
            one_ = many[0];
        } else if (!many.empty()) {
            many_ = std::make_shared<const DatapathSet>(std::move(many));
        }
    }

    bool empty() const { return !many_ && one_.is_zero(); }
    const Uuid* begin() const { return many_ ? many_->datapaths.data() : &one_; }
    const Uuid* end() const {
        return many_ ? many_->datapaths.data() + many_->datapaths.size() : &one_ + !one_.is_zero();
    }
    bool operator==(const Datapaths& other) const {
        if (many_ == other.many_) return one_ == other.one_;
        return many_ && other.many_ && many_->hash == other.many_->hash &&
               many_->datapaths == other.many_->datapaths;
    }
    template <typename H>
    friend H AbslHashValue(H h, const Datapaths& d) {
        return H::combine(std::move(h), d.one_, d.many_ ? d.many_->hash : 0);
    }

  private:
    Uuid one_;
    std::shared_ptr<const DatapathSet> many_;
};

// Where packets are dropped, "drop;" is written, or by ACLs kAclDrop; if drops are sampled, both become
// another action in the southbound (sync/flow_table.h).
constexpr const char kDrop[] = "drop;", kAclDrop[] = "/* drop */";
constexpr uint16_t kAclPriority = 1000, kLastAclPriority = kAclPriority + 32767;

// What a flow does, wherever it is: the identity of a row.
struct FlowBody {
    Stage stage{};
    uint16_t priority = 0;
    std::string match, actions;
    std::string port;   // the logical port that it is about, or "": tags:in_out_port
    std::string meter;  // controller_meter, or ""

    bool operator==(const FlowBody&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const FlowBody& f) {
        return H::combine(std::move(h), f.stage, f.priority, f.match, f.actions);
    }
};

struct LogicalFlow {
    FlowBody body;
    Datapaths datapaths;
    uint32_t hint = 0;  // the first 32 bits of a northbound row's uuid
    uint32_t line = 0;
    const char* file = "";

    bool operator==(const LogicalFlow&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const LogicalFlow& f) {
        return H::combine(std::move(h), f.body, f.datapaths);
    }
};

using FlowOutput = incremental::Output<LogicalFlow>;

class FlowWriter {
  public:
    FlowWriter(FlowOutput& output, Datapaths datapaths, const Uuid& hint = {})
        : output_(&output), datapaths_(std::move(datapaths)), hint_(load_be32(hint.bytes.data())) {}

    struct More {
        std::string port;   // the logical port that the flow is about
        std::string meter;  // that limits what it sends to the controller
    };
    void add(Stage stage, uint16_t priority, std::string match, std::string actions,
             std::source_location where = std::source_location::current()) {
        add(stage, priority, std::move(match), std::move(actions), More(), where);
    }
    void add(Stage stage, uint16_t priority, std::string match, std::string actions, More more,
             std::source_location where = std::source_location::current()) {
        if (datapaths_.empty()) return;
        output_->emit({{stage, priority, std::move(match), std::move(actions), std::move(more.port),
                        std::move(more.meter)},
                       datapaths_,
                       hint_,
                       where.line(),
                       where.file_name()});
    }

  private:
    static uint32_t load_be32(const uint8_t* p) {
        return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | p[3];
    }

    FlowOutput* output_;
    Datapaths datapaths_;
    uint32_t hint_;
};

}  // namespace weft::northd
