#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/append.h"
#include "sim/measurement.h"

namespace weft::sim {

double quantile(std::vector<double> values, double share) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
    return values[rank == 0 ? 0 : rank - 1];
}

namespace {

template <typename Get>
std::vector<double> values(const OperationResult& operation, Get get) {
    std::vector<double> out;
    for (const Sample& sample : operation.samples) out.push_back(get(sample));
    return out;
}

}  // namespace

std::string report(const Measurements& measurements) {
    std::string out = measurements.title + "\n\n";
    append(out, "{:<18}{:>10}", "", "time");
    for (const char* name : kProgramNames) append(out, "{:>12}{:>10}", name, "memory");
    out += "\n";
    for (const Phase& phase : measurements.phases) {
        append(out, "{:<18}{:>8.2f} s", phase.name, phase.ms / 1e3);
        for (size_t i = 0; i < kPrograms; ++i) {
            append(out, "{:>10.2f} s{:>7} MB", phase.cpu[i] / 1e3, phase.memory[i] >> 20);
        }
        out += "\n";
    }
    append(out, "\n{:<18}{:>5}{:>24}{:>30}", "", "", "ms to the first chassis", "ms to all chassis");
    for (const char* name : kProgramNames) append(out, "{:>18}", std::string(name) + " CPU ms");
    append(out, "\n{:<18}{:>5}{:>12}{:>12}{:>10}{:>10}{:>10}", "change", "times", "p50", "p99", "p50", "p99",
           "max");
    for (size_t i = 0; i < kPrograms; ++i) append(out, "{:>9}{:>9}", "p50", "p99");
    out += "\n";
    for (const OperationResult& operation : measurements.operations) {
        std::vector<double> first = values(operation, [](const Sample& s) { return s.first_ms; });
        std::vector<double> all = values(operation, [](const Sample& s) { return s.all_ms; });
        append(out, "{:<18}{:>5}{:>12.1f}{:>12.1f}{:>10.1f}{:>10.1f}{:>10.1f}", operation.name, all.size(),
               quantile(first, 0.5), quantile(first, 0.99), quantile(all, 0.5), quantile(all, 0.99),
               quantile(all, 1));
        for (size_t i = 0; i < kPrograms; ++i) {
            std::vector<double> cpu = values(operation, [i](const Sample& s) { return s.cpu[i]; });
            append(out, "{:>9.2f}{:>9.2f}", quantile(cpu, 0.5), quantile(cpu, 0.99));
        }
        out += "\n";
    }
    return out;
}

std::string csv(const Measurements& measurements) {
    std::string out =
        "change,number,first_ms,all_ms,hv_cfg_ms,northd_cpu_ms,nb_server_cpu_ms,sb_server_cpu_ms\n";
    for (const OperationResult& operation : measurements.operations) {
        size_t number = 0;
        for (const Sample& s : operation.samples) {
            append(out, "{},{},{:.3f},{:.3f},{:.3f},{:.3f},{:.3f},{:.3f}\n", operation.name, number++,
                   s.first_ms, s.all_ms, s.hv_cfg_ms, s.cpu[kNorthd], s.cpu[kNorthboundServer],
                   s.cpu[kSouthboundServer]);
        }
    }
    return out;
}

}  // namespace weft::sim
