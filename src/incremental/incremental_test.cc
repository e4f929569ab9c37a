#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

#include "incremental/definitions.h"
#include "incremental/index.h"
#include "incremental/input.h"
#include "incremental/keyed_step.h"
#include "incremental/output.h"
#include "incremental/query.h"
#include "incremental/rule.h"
#include "incremental/step.h"

namespace weft::incremental {
namespace {

// A small network: switches have ports by name, ports have an address and maybe a peer port; a group has
// ports.
struct Switch {
    std::set<int> ports;
    int options = 0;
    bool operator==(const Switch&) const = default;
};
struct Port {
    int address = 0;
    int peer = -1;
    bool operator==(const Port&) const = default;
};
struct Contents {
    std::map<int, Switch> switches;
    std::map<int, Port> ports;
    std::map<int, std::set<int>> groups;
};

struct Program {
    Engine engine;
    Input<int, Switch> switches{engine, "switch"};
    Input<int, Port> ports{engine, "port"};
    Input<int, std::set<int>> groups{engine, "group"};
    int runs_of_flows = 0, runs_of_group = 0;

    Index<int, int> switch_of{engine, "switch_of"};
    Rule<int> list_ports{engine, "list_ports", switches, [this](const int& id) {
                             for (int port : switches.find(id)->ports) switch_of.emit(port, id);
                         }};
    // Only what matters of the address: cuts off.
    Query<int, int> parity{engine, "parity", [this](const int& port) {
                               const Port* row = ports.find(port);
                               return row ? row->address % 2 : -1;
                           }};
    Query<int, std::string> peer_text{engine, "peer_text", [this](const int& port) {
                                          const Port* row = ports.find(port);
                                          if (!row || row->peer < 0) return std::string("none");
                                          const int* on = switch_of.first(row->peer);
                                          return std::to_string(parity(row->peer)) + "@" +
                                                 (on ? std::to_string(*on) : "nowhere");
                                      }};
    Index<int, int> addresses{engine, "addresses"};  // by group
    Rule<int> collect_group{engine, "collect_group", groups, [this](const int& id) {
                                ++runs_of_group;
                                for (int port : *groups.find(id)) addresses.emit(id, parity(port));
                            }};
    Output<std::string> flows{engine, "flows"};
    Rule<int> port_flows{engine, "port_flows", switch_of, [this](const int& port) {
                             ++runs_of_flows;
                             for (int on : switch_of[port]) {
                                 flows.emit("sw" + std::to_string(on));  // the same from all its ports
                                 flows.emit("port" + std::to_string(port) + "on" + std::to_string(on) + "p" +
                                            std::to_string(parity(port)) + "peer" + peer_text(port));
                             }
                         }};
    Rule<int> group_flows{engine, "group_flows", addresses, [this](const int& id) {
                              for (int parity : addresses[id]) {
                                  flows.emit("group" + std::to_string(id) + "has" + std::to_string(parity));
                              }
                          }};
    Rule<Unit> census{engine, "census", [this](const Unit&) {
                          flows.emit("switches" + std::to_string(switches.keys().size()));
                      }};

    std::set<std::string> mirror;  // of flows, kept by the changes alone
    void update() {
        engine.update();
        flows.take_changes([&](const std::string& flow, bool added) {
            if (added) {
                ASSERT_TRUE(mirror.insert(flow).second) << flow;
            } else {
                ASSERT_EQ(mirror.erase(flow), 1u) << flow;
            }
        });
    }
    void load(const Contents& contents) {
        for (const auto& [id, row] : contents.switches) switches.set(id, row);
        for (const auto& [id, row] : contents.ports) ports.set(id, row);
        for (const auto& [id, row] : contents.groups) groups.set(id, row);
    }
};

TEST(Incremental, RunsOnlyWhatChanged) {
    Program p;
    for (int sw = 0; sw < 10; ++sw) {
        p.switches.set(sw, {{sw * 2, sw * 2 + 1}});
        p.ports.set(sw * 2, {sw, -1});
        p.ports.set(sw * 2 + 1, {sw, sw * 2});
    }
    p.update();
    EXPECT_EQ(p.runs_of_flows, 20);
    EXPECT_EQ(p.mirror.size(), 31u);

    p.ports.set(0, {2, -1});  // as even as before: nothing that reads its parity runs
    p.runs_of_flows = 0;
    auto cutoffs = p.engine.statistics().cutoffs;
    p.update();
    EXPECT_EQ(p.runs_of_flows, 0);
    EXPECT_GT(p.engine.statistics().cutoffs, cutoffs);

    p.ports.set(0, {3, -1});
    p.update();
    EXPECT_EQ(p.runs_of_flows, 2);  // its own and that of its peer
    EXPECT_TRUE(p.mirror.contains("port1on0p0peer1@0"));

    p.ports.set(0, {3, -1});  // equal: not even looked at
    auto runs = p.engine.statistics().runs;
    p.update();
    EXPECT_EQ(p.engine.statistics().runs, runs);
}

TEST(Incremental, AMissingRowIsAReadToo) {
    Program p;
    p.switches.set(1, {{7}});
    p.update();
    EXPECT_TRUE(p.mirror.contains("port7on1p-1peernone"));
    p.ports.set(7, {4, 8});
    p.update();
    EXPECT_TRUE(p.mirror.contains("port7on1p0peer-1@nowhere"));
    p.ports.set(8, {5, -1});
    p.switches.set(2, {{8}});
    p.update();
    EXPECT_TRUE(p.mirror.contains("port7on1p0peer1@2"));
    p.ports.erase(7);
    p.update();
    EXPECT_TRUE(p.mirror.contains("port7on1p-1peernone"));
}

// A function reads a row, calls another that reads the same row, and reads it again: whether the other had to
// run or not, one read is recorded.
TEST(Incremental, ReadingTwiceIsRecordedOnce) {
    Engine engine;
    Input<int, int> rows{engine, "row"}, others{engine, "other"};
    Query<int, int> sum{engine, "sum", [&](const int& id) { return *rows.find(id) + *others.find(id); }};
    Output<int> results{engine, "results"};
    Rule<int> twice{engine, "twice", rows, [&](const int& id) {
                        int before = *rows.find(id);
                        int between = sum(id);
                        results.emit(before + between + *rows.find(id));
                    }};
    rows.set(1, 10);
    others.set(1, 5);
    engine.update();
    uint64_t edges = engine.statistics().edges;
    EXPECT_EQ(edges, 4u);  // sum <- row, other; twice <- row, sum
    rows.set(1, 11);       // both run
    engine.update();
    EXPECT_EQ(engine.statistics().edges, edges);
    others.set(1, 6);
    engine.update();
    EXPECT_EQ(engine.statistics().edges, edges);
}

TEST(Incremental, ForgetsWhatNobodyReads) {
    Program p;
    size_t empty = p.engine.statistics().cells;
    for (int round = 0; round < 3; ++round) {
        p.switches.set(1, {{1, 2, 3}});
        p.ports.set(1, {1, 2});
        p.ports.set(2, {1, 3});
        p.groups.set(1, {1, 2, 9});
        p.update();
        EXPECT_GT(p.parity.size(), 0u);
        p.switches.erase(1);
        p.ports.erase(1);
        p.ports.erase(2);
        p.groups.erase(1);
        p.update();
        EXPECT_EQ(p.parity.size(), 0u);
        EXPECT_EQ(p.peer_text.size(), 0u);
        EXPECT_EQ(p.engine.statistics().cells, empty);
        EXPECT_EQ(p.mirror, std::set<std::string>{"switches0"});
    }
}

TEST(Incremental, AStepIsRepeatedWhenWhatItReadChanged) {
    Engine engine;
    Input<int, int> numbers{engine, "number"};
    Query<int, bool> is_even{engine, "is even", [&](const int& key) { return *numbers.find(key) % 2 == 0; }};
    Step step{engine, "step"};
    int seen = -1;
    auto run = [&] {
        engine.update();
        return step.run([&] { seen = is_even(1) ? 1 : 0; });
    };
    numbers.set(1, 2);
    numbers.set(2, 2);
    EXPECT_TRUE(run());
    EXPECT_EQ(seen, 1);
    EXPECT_FALSE(run());
    numbers.set(2, 3);  // not read
    EXPECT_FALSE(run());
    numbers.set(1, 4);  // read, but by a function whose result is the same
    EXPECT_FALSE(run());
    numbers.set(1, 5);
    EXPECT_TRUE(run());
    EXPECT_EQ(seen, 0);
    step.repeat();
    EXPECT_TRUE(run());
    EXPECT_FALSE(run());
    engine.invalidate();
    EXPECT_TRUE(run());
}

TEST(IncrementalDeathTest, ReadingForwardIsABug) {
    Engine engine;
    Query<int, int>* later = nullptr;
    Query<int, int> first(engine, "first", [&](const int& x) { return (*later)(x); });
    Query<int, int> second(engine, "second", [&](const int& x) { return first(x) + 1; });
    later = &second;
    EXPECT_DEATH(second(1), "\"first\" reads \"second\"");
}

// Each key's step when what it read changed, once more when the key has gone.
TEST(Incremental, KeyedStep) {
    Engine engine;
    Input<int, int> ports{engine, "ports"}, marks{engine, "marks"};
    KeyedStep<int> step{engine, "step", ports};
    std::vector<int> called;
    auto run = [&] {
        called.clear();
        engine.update();
        step.run([&](const int& key) {
            called.push_back(key);
            if (ports.find(key)) marks.find(-key);
        });
        return called;
    };
    using Keys = std::vector<int>;
    EXPECT_EQ(run(), Keys{});
    ports.set(2, 0);
    ports.set(1, 0);
    EXPECT_EQ(run(), (Keys{1, 2}));
    EXPECT_EQ(run(), Keys{});
    marks.set(-2, 7);
    EXPECT_EQ(run(), Keys{2});
    ports.set(1, 5);
    ports.erase(2);
    ports.set(3, 0);
    EXPECT_EQ(run(), (Keys{1, 2, 3}));
    marks.set(-2, 8);  // nobody reads it any more
    EXPECT_EQ(run(), Keys{});
    // Gone and back before the step runs.
    ports.erase(3);
    ports.set(3, 1);
    EXPECT_EQ(run(), Keys{3});
    step.repeat(1);
    EXPECT_TRUE(step.due());
    EXPECT_EQ(run(), Keys{1});
    step.repeat();
    EXPECT_EQ(run(), (Keys{1, 3}));
    // What the body repeats is for the next time.
    step.repeat(1);
    step.run([&](const int& key) { step.repeat(key); });
    EXPECT_EQ(run(), Keys{1});
}

void change_at_random(std::mt19937& random, Contents& contents, Program& program) {
    auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    int id = pick(6);
    switch (pick(8)) {
        case 0:
            contents.switches.erase(id);
            program.switches.erase(id);
            break;
        case 1:
            contents.ports.erase(id);
            program.ports.erase(id);
            break;
        case 2:
            contents.groups.erase(id);
            program.groups.erase(id);
            break;
        case 3:
        case 4: {
            Switch& row = contents.switches[id];
            int port = pick(8);
            if (!row.ports.erase(port)) row.ports.insert(port);
            program.switches.set(id, row);
            break;
        }
        case 5: {
            std::set<int>& row = contents.groups[id];
            int port = pick(8);
            if (!row.erase(port)) row.insert(port);
            program.groups.set(id, row);
            break;
        }
        default: {
            Port& row = contents.ports[pick(8)];
            row = {pick(5), pick(9) - 1};
            for (auto& [key, value] : contents.ports) program.ports.set(key, value);
        }
    }
}

TEST(Incremental, AfterAnyHistoryEqualsFresh) {
    unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    for (int history = 0; history < 100; ++history) {
        Contents contents;
        Program program;
        for (int step = 0; step < 60; ++step) {
            for (unsigned i = random() % 4; i-- > 0;) change_at_random(random, contents, program);
            program.update();
            Program fresh;
            fresh.load(contents);
            fresh.update();
            ASSERT_EQ(program.mirror, fresh.mirror) << "history " << history << " step " << step;
            ASSERT_EQ(program.engine.statistics().edges, fresh.engine.statistics().edges);
        }
    }
}

}  // namespace
}  // namespace weft::incremental
