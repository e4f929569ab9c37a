// A whole deployment in miniature: real database servers and a real northd, simulated chassis, one process
// for all of them.
//
// It builds a network of some shape, lets its chassis come, and then changes it many times, one change after
// the other, each waited for until every chassis has it and the northbound database says so (hv_cfg).

#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "sim/measurement.h"
#include "sim/shape.h"

namespace weft::sim {

struct SimulationOptions {
    std::string shape = "kubernetes";
    Shape::Size size{20, 10};
    size_t hops = 0;           // see chassis.h
    size_t at_once = 16;       // chassis that come at a time
    size_t rounds = 20;        // each does every operation of the shape once
    std::string programs;      // folders of the programs, "": this binary
    int64_t patience_s = 600;  // for one step
};

// `say` gets a line about each step.  The error tells which step failed and why.
Result<Measurements> simulate(const SimulationOptions& options,
                              const std::function<void(const std::string&)>& say);

}  // namespace weft::sim
