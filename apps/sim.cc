// weft sim: how a network scales, on one machine.

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "base/log_control.h"
#include "base/memory.h"
#include "base/options.h"
#include "sim/simulation.h"

namespace weft::apps {

namespace {

Result<size_t> parse_count(std::string_view option, std::string_view text, size_t least) {
    size_t value = 0;
    for (char c : text) {
        if (c < '0' || c > '9' || value > 100'000'000)
            return Error{std::string(option) + ": \"" + std::string(text) + "\" is not a number"};
        value = value * 10 + static_cast<size_t>(c - '0');
    }
    if (text.empty() || value < least) {
        return Error{std::string(option) + ": \"" + std::string(text) + "\": at least " +
                     std::to_string(least) + " is expected"};
    }
    return value;
}

struct Arguments {
    sim::SimulationOptions simulation;
    std::string csv, plot;
};

void add_options(OptionTable& table, Arguments& arguments) {
    auto count = [&table](const char* name, const char* help, size_t& into, size_t least) {
        table.add(name, 0, "N", help, [name, &into, least](std::string_view text) -> Result<void> {
            WEFT_ASSIGN(into, parse_count(std::string("--") + name, text, least));
            return {};
        });
    };
    sim::SimulationOptions& s = arguments.simulation;
    table.section("The network");
    table.add_text("shape", 0, "NAME",
                   "What the network looks like: " + sim::shape_names() + " (default: kubernetes).", s.shape);
    count("nodes", "Nodes, each with a simulated chassis (default: 20).", s.size.nodes, 1);
    count("ports", "Workloads of each node (default: 10).", s.size.ports, 1);
    count("hops",
          "How many patch ports a chassis follows from the switches of its workloads when it asks for "
          "logical flows "
          "(default: 0).  ovn-controller follows all.",
          s.hops, 0);
    count("at-once", "How many chassis come at a time (default: 16).", s.at_once, 1);
    table.section("The measurement");
    count("rounds", "How often each kind of change is made (default: 20).", s.rounds, 1);
    table.add_text(
        "programs", 0, "FOLDERS",
        "Take ovsdb-tool, ovsdb-server and ovn-northd from these folders, separated by colons, instead of "
        "this binary.",
        s.programs);
    table.add_text("csv", 0, "FILE", "Write a line for each change there.", arguments.csv);
    table.add_text("plot", 0, "FILE", "Draw the times and costs there, as SVG.", arguments.plot);
}

Result<void> write_file(const std::string& file, const std::string& contents) {
    if (file.empty()) return {};
    std::ofstream out(file);
    out << contents;
    out.close();
    if (!out) return Error{file + ": cannot be written"};
    return {};
}

Result<void> run(int argc, char** argv) {
    Arguments arguments;
    OptionTable table;
    add_options(table, arguments);
    Questions questions;
    questions.add_to(table);
    WEFT_ASSIGN(auto words, table.parse(std::vector<std::string>(argv + 1, argv + argc)));
    ProgramText text{
        "weft-sim",
        "simulate a deployment and measure what changes cost",
        "[OPTION]...",
        "Starts two database servers and ovn-northd, builds a network in the northbound database, and "
        "lets simulated chassis bind its ports, all in a folder of their own and in this one process. "
        "Then it changes the network, one change after the other, and tells how long each took until "
        "every chassis had it, and how much processor time it cost each program.\n\n"
        "A simulated chassis talks to the southbound database as ovn-controller does, but makes no "
        "flows.",
        {}};
    if (auto answer = questions.answer(text, table)) {
        std::fputs(answer->c_str(), stdout);
        return {};
    }
    keep_freed_memory();
    log::set_level(log::Destination::kConsole, log::Level::kWarn);
    if (!words.empty()) return Error{"there is no argument \"" + words[0] + "\" (see --help)"};
    auto say = [](const std::string& line) { std::fprintf(stderr, "weft sim: %s\n", line.c_str()); };
    WEFT_ASSIGN(sim::Measurements measurements, sim::simulate(arguments.simulation, say));
    std::fputs(sim::report(measurements).c_str(), stdout);
    WEFT_TRY(write_file(arguments.csv, sim::csv(measurements)));
    return write_file(arguments.plot, sim::plot(measurements));
}

}  // namespace

int sim(int argc, char** argv) {
    Result<void> result = run(argc, argv);
    if (result.ok()) return 0;
    std::fprintf(stderr, "weft sim: %s\n", result.error().message.c_str());
    return 1;
}

}  // namespace weft::apps
