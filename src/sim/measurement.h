// What the simulation has measured.  Times are milliseconds; processor time is that of one program.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace weft::sim {

enum Program : size_t { kNorthd, kNorthboundServer, kSouthboundServer, kPrograms };
inline constexpr const char* kProgramNames[kPrograms] = {"northd", "nb server", "sb server"};
using ByProgram = std::array<double, kPrograms>;

// One change, from its commit on.
struct Sample {
    double first_ms = 0;   // until the first chassis had it: the way through northd
    double all_ms = 0;     // until the last one had it
    double hv_cfg_ms = 0;  // until the northbound database says so
    ByProgram cpu{};
};

struct OperationResult {
    std::string name;
    std::vector<Sample> samples;
};

struct Phase {
    std::string name;
    double ms = 0;
    ByProgram cpu{};
    std::array<uint64_t, kPrograms> memory{};  // at its end
};

struct Measurements {
    std::string title;
    std::vector<Phase> phases;
    std::vector<OperationResult> operations;
};

// The smallest value that at least `share` (0 to 1) of the values do not exceed; 0 of none.
double quantile(std::vector<double> values, double share);

// A table for people.
std::string report(const Measurements& measurements);
// One line for each sample, comma separated, with a heading.
std::string csv(const Measurements& measurements);
// An SVG picture: how many of the changes had come to all chassis after how long, and what a change costs
// each program.
std::string plot(const Measurements& measurements);

}  // namespace weft::sim
