#include "incremental/statistics.h"

#include <fmt/core.h>

namespace weft::incremental {

std::string statistics_text(const Engine& engine, const ProgramRuns& runs, std::string_view function,
                            std::string_view counter) {
    std::string out;
    auto node = [&](std::string_view name, uint64_t recomputes, uint64_t computes) {
        if (!function.empty() && function != name) return;
        if (counter.empty()) {
            out += fmt::format("Node: {}\n- recompute: {:>12}\n- compute:   {:>12}\n- abort:     {:>12}\n",
                               name, recomputes, computes, 0);
        } else if (counter == "recompute") {
            out = fmt::format("{}", recomputes);
        } else if (counter == "compute") {
            out = fmt::format("{}", computes);
        } else {
            out = counter == "abort" ? "0" : fmt::format("Invalid stat type : {}\n", counter);
        }
    };
    node(runs.name, runs.recomputes, runs.computes);
    for (const Kind* kind : engine.functions()) node(kind->name(), runs.recomputes, kind->runs());
    return out;
}

}  // namespace weft::incremental
