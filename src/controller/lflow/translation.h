// One logical flow on its way to OpenFlow.
//
// emit() is called for one local datapath after the other; what does not depend on the datapath is computed
// for the first and used again, down to the encoded bytes.

#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "controller/lflow/flow_lookup.h"
#include "controller/lflow/logical_flows.h"
#include "logical/action.h"
#include "logical/match_set.h"

namespace weft::controller {

inline logical::Pipeline pipeline_of(const schema::sb::LogicalFlow& row) {
    return row.pipeline == "egress" ? logical::Pipeline::kEgress : logical::Pipeline::kIngress;
}

class Translation {
  public:
    Translation(LogicalFlows& flows, const schema::sb::LogicalFlow& row, ConjunctionIds& ids)
        : flows_(flows), row_(row), ids_(ids) {}

    Result<void> emit(const Uuid& datapath_uuid, const LocalDatapath& datapath);
    uint32_t conjunctions() const { return conjunctions_; }  // ids in use

  private:
    // An OpenFlow match in wire form whose datapath key is written into it.
    struct Match {
        std::string bytes;
        size_t key_offset = 0;
        bool is_clause = false;
        std::string clause_instructions;
    };

    logical::Pipeline pipeline() const { return pipeline_of(row_); }
    Result<void> parse_actions();
    Result<void> make_matches(const FlowLookup& lookup);
    void make_instructions(const FlowLookup& lookup, const LocalDatapath& datapath);
    Match encode_match(const logical::FlowMatch& match);

    LogicalFlows& flows_;
    const schema::sb::LogicalFlow& row_;
    ConjunctionIds& ids_;
    uint32_t conjunctions_ = 0;

    bool parsed_ = false;
    logical::ActionProgram program_;
    bool matches_shared_ = false;  // matches_ holds for every datapath
    std::vector<Match> matches_;
    bool instructions_shared_ = false;  // instructions_ hold for every datapath of this kind
    bool instructions_of_switch_ = false;
    std::string instructions_;
};

}  // namespace weft::controller
