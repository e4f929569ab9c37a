// One logical flow on its way to OpenFlow.
//
// emit() is called for one local datapath after the other; what does not depend on the datapath is computed
// for the first and used again, down to the encoded bytes.  Most flows have the shape of others and are
// filled into its template (flow_template.h).

#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "controller/lflow/encoded_match.h"
#include "controller/lflow/flow_lookup.h"
#include "controller/lflow/flow_template.h"
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
    logical::Pipeline pipeline() const { return pipeline_of(row_); }
    void find_template(bool is_switch);
    Result<void> parse_actions();
    // Sets matches_, by the template or in full.
    Result<void> find_matches(const FlowLookup& lookup);
    Result<void> make_matches(const FlowLookup& lookup);
    EncodedMatch encode(const logical::FlowMatch& match);
    Result<void> find_instructions(const FlowLookup& lookup, const LocalDatapath& datapath);
    void make_instructions(const FlowLookup& lookup, const LocalDatapath& datapath);

    LogicalFlows& flows_;
    const schema::sb::LogicalFlow& row_;
    ConjunctionIds& ids_;
    uint32_t conjunctions_ = 0;

    const FlowTemplate* template_ = nullptr;
    bool template_sought_ = false, template_of_switch_ = false;
    TakenConstants constants_;
    bool parsed_ = false;
    logical::ActionProgram program_;
    bool matches_shared_ = false;  // matches_ holds for every datapath
    std::vector<EncodedMatch> matches_;
    // Those of the clause that was encoded last.
    std::vector<logical::FlowMatch::Clause> clauses_;
    std::string clause_instructions_;
    bool instructions_shared_ = false;  // instructions_ hold for every datapath of this kind
    bool instructions_of_switch_ = false;
    std::string instructions_;
};

}  // namespace weft::controller
