// What `inc-engine/show-stats` prints of a program: how often it was computed, as a whole and function by
// function.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "incremental/engine.h"

namespace weft::incremental {

struct ProgramRuns {
    std::string_view name;  // of the program as a whole, by which scripts ask for it
    uint64_t recomputes = 0, computes = 0;
};

// All functions, or the one called `function`; of it all counters, or the one called `counter` ("recompute",
// "compute", "abort") as a bare number.
std::string statistics_text(const Engine& engine, const ProgramRuns& runs, std::string_view function,
                            std::string_view counter);

}  // namespace weft::incremental
