// What a shape (flow_shape.h) becomes: OpenFlow matches and instructions with places for the constants.
//
// A template is made by translating the shape twice in the ordinary way, with constants of our own that
// differ in every bit: the bytes that differ between the two are the constants' places.  It is right for all
// constants because of what is demanded of the shape:
//
//   - Each constant of the match is compared for equality in a term of its own of the whole conjunction, and
//     no other term tests the field: so it decides nothing about the others.  Of a set in braces the members
//     must differ, which is looked at each time.
//   - Each constant of the actions appears in their bytes as it is, once.
//   - Nothing is asked of the world but keys of the ports that were taken out, and whether they are here.
//
// What cannot be shown to be so is translated in full each time, as is what is rare.  The test
// (flow_template_test.cc) compares the two ways.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/hash_map.h"
#include "controller/lflow/encoded_match.h"
#include "controller/lflow/flow_shape.h"
#include "logical/action.h"
#include "schema/sb.h"

namespace weft::controller {

class FlowTemplate {
  public:
    // Of a shape that these constants were taken out of; null if it has to be translated in full.
    static std::unique_ptr<FlowTemplate> make(std::string_view shape, const TakenConstants& constants,
                                              const logical::ActionParseContext& context, bool is_switch);

    // False: not these constants.
    bool fill_matches(const TakenConstants& constants, const logical::PortLookup& ports,
                      std::vector<EncodedMatch>& out) const;
    bool fill_instructions(const TakenConstants& constants, const logical::EncodeEnvironment& environment,
                           std::string& out) const;

  private:
    friend class TemplateMaker;
    struct Filled {
        std::string bytes;
        std::vector<BytePlace> places;  // of constants, by their numbers
        std::string with(const TakenConstants& constants) const;
    };
    struct Match : Filled {
        size_t key_offset = 0;
    };
    // A constant of the match.
    struct Tested {
        const logical::Symbol* port = nullptr;  // inport or outport
        bool resident = false;                  // what is_chassis_resident() has to be
        uint8_t set = 0;                        // not 0: one of a set's members
    };

    std::vector<Tested> tested_;
    std::vector<Match> matches_;
    Filled instructions_;
};

// The templates of the shapes that were seen several times.
class FlowTemplates {
  public:
    // The flow's template, and its constants; null: it has to be translated in full.
    const FlowTemplate* find(const schema::sb::LogicalFlow& row, logical::Pipeline pipeline, bool is_switch,
                             TakenConstants& constants);
    // Of a flow whose actions can have no template (a load balancer's name its own back ends): one for what
    // its match and its actions' prerequisites demand, whose instructions mean nothing.
    const FlowTemplate* find_match(const schema::sb::LogicalFlow& row, const logical::Expr& prerequisites,
                                   logical::Pipeline pipeline, TakenConstants& constants);
    // How often a shape is translated in full before a template is made.
    void set_threshold(uint32_t seen) { threshold_ = seen; }
    size_t made() const { return made_; }

  private:
    static constexpr size_t kMostShapes = 4096;
    struct Known {
        uint32_t seen = 0;
        std::unique_ptr<FlowTemplate> made;
    };

    // Of the shape in shape_.
    const FlowTemplate* known(const schema::sb::LogicalFlow& row, logical::Pipeline pipeline, bool is_switch,
                              const TakenConstants& constants);

    HashMap<std::string, Known> shapes_;
    std::string shape_;  // the one being looked for
    uint32_t threshold_ = 3;
    size_t made_ = 0;
};

}  // namespace weft::controller
