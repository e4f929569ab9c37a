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
//
// There are millions of them, so what several have is there once (docs/decisions/0115): texts, sets of
// datapaths, source lines.

#pragma once

#include <compare>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/hash/hash.h>

#include "base/shared_text.h"
#include "base/uuid.h"
#include "incremental/output.h"
#include "northd/datapaths.h"
#include "northd/stage.h"

namespace weft::northd {

// A line of northd's source, as a number.
class SourceLine {
  public:
    SourceLine() = default;
    explicit SourceLine(const std::source_location& where);

    const std::string& text() const;  // "switch_acl.cc:17"; "" of no line
    bool operator==(const SourceLine&) const = default;
    // By line, then by file: the same in every process.
    std::strong_ordering operator<=>(const SourceLine& other) const;

  private:
    uint16_t number_ = 0;  // of the lines that have made flows, as they came; 0: none
};

// Where packets are dropped, "drop;" is written, or by ACLs kAclDrop; if drops are sampled, both become
// another action in the southbound (sync/flow_table.h).
constexpr const char kDrop[] = "drop;", kAclDrop[] = "/* drop */";
constexpr uint16_t kAclPriority = 1000, kLastAclPriority = kAclPriority + 32767;

// What a flow does, wherever it is: the identity of a row.
struct FlowBody {
    Stage stage{};
    uint16_t priority = 0;
    SharedText match, actions;
    SharedText port;   // the logical port that it is about, or "": tags:in_out_port
    SharedText meter;  // controller_meter, or ""

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
    SourceLine source;

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
        SharedText port;   // the logical port that the flow is about
        SharedText meter;  // that limits what it sends to the controller
    };
    void add(Stage stage, uint16_t priority, std::string_view match, std::string_view actions,
             std::source_location where = std::source_location::current()) {
        add(stage, priority, match, actions, More(), where);
    }
    void add(Stage stage, uint16_t priority, std::string_view match, std::string_view actions, More more,
             std::source_location where = std::source_location::current());

  private:
    static uint32_t load_be32(const uint8_t* p) {
        return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | p[3];
    }

    FlowOutput* output_;
    Datapaths datapaths_;
    uint32_t hint_;
};

}  // namespace weft::northd
