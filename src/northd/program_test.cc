// The program as a whole: after any history of northbound changes its outputs are those of a fresh
// computation.

#include "northd/program.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <set>

#include "northd/test_follower.h"
#include "northd/test_history.h"

namespace weft::northd {
namespace {

// The first lines that one has and the other has not.
std::string difference(const std::set<std::string>& followed, const std::set<std::string>& fresh) {
    std::string out;
    int left = 10;
    auto list = [&](const auto& some, const auto& others, char sign) {
        for (const std::string& line : some) {
            if (!others.contains(line) && left-- > 0) out += fmt::format("{} {}\n", sign, line);
        }
    };
    list(followed, fresh, '+');
    list(fresh, followed, '-');
    return out;
}

TEST(Program, AfterAnyHistoryEqualsFresh) {
    unsigned seed = std::random_device{}();
    if (const char* given = std::getenv("WEFT_SEED")) seed = static_cast<unsigned>(std::atol(given));
    SCOPED_TRACE(fmt::format("WEFT_SEED={}", seed));
    for (int history = 0; history < 6; ++history) {
        Follower follower;
        TestHistory changes(seed + static_cast<unsigned>(history), follower.program.in);
        for (int step = 0; step < 120; ++step) {
            for (int i = 0; i <= step % 5; ++i) changes.change();
            follower.update();
            if (step % 8) continue;
            Follower fresh;
            changes.northbound().load(fresh.program.in);
            fresh.update();
            ASSERT_EQ(difference(follower.mirror, fresh.mirror), "")
                << "history " << history << " step " << step;
            // Nothing is left behind.
            ASSERT_EQ(follower.program.engine.statistics().edges, fresh.program.engine.statistics().edges)
                << "history " << history << " step " << step;
        }
    }
}

// Otherwise the test above says little.
TEST(Program, HistoriesReachEveryFunction) {
    std::set<std::string> idle;
    for (unsigned seed = 1; seed <= 30 && (seed == 1 || !idle.empty()); ++seed) {
        Follower follower;
        TestHistory changes(seed, follower.program.in);
        for (int i = 0; i < 480; ++i) {
            changes.change();
            if (i % 8 == 7) follower.update();
        }
        std::set<std::string> here;
        for (const incremental::Kind* kind : follower.program.engine.functions()) {
            if (!kind->runs()) here.insert(kind->name());
        }
        if (seed == 1) idle = here;
        std::erase_if(idle, [&](const std::string& name) { return !here.contains(name); });
    }
    EXPECT_EQ(idle, std::set<std::string>());
}

TEST(Program, OnePortIsOnePortsWork) {
    TestNorthbound n;
    Follower f;
    auto sw = std::make_unique<nb::LogicalSwitch>();
    sw->uuid.bytes[0] = 1;
    auto add = [&](int i) {
        auto port = std::make_unique<nb::LogicalSwitchPort>();
        port->uuid.bytes = {2, static_cast<uint8_t>(i), static_cast<uint8_t>(i >> 8)};
        port->name = fmt::format("p{}", i);
        port->addresses = {
            fmt::format("02:00:00:00:{:02x}:{:02x} 10.0.{}.{}", i >> 8, i & 255, i >> 8, i & 255)};
        sw->ports.insert(port->uuid);
        f.program.in.switch_ports.set(port->uuid, port.get());
        n.switch_ports.emplace(port->uuid, std::move(port));
    };
    for (int i = 0; i < 1000; ++i) add(i);
    f.program.in.switches.set(sw->uuid, sw.get());
    f.update();
    uint64_t before = f.program.engine.statistics().runs;
    add(1000);
    f.program.in.switches.touch(sw->uuid);
    f.update();
    EXPECT_LT(f.program.engine.statistics().runs - before, 40u);
    // A column that nothing but a projection reads stops there.
    before = f.program.engine.statistics().runs;
    nb::LogicalSwitchPort& port = *n.switch_ports.begin()->second;
    port.up = true;
    f.program.in.switch_ports.touch(port.uuid);
    f.update();
    EXPECT_LT(f.program.engine.statistics().runs - before, 8u);
}

TEST(Program, OnePolicyIsOnePolicysWork) {
    TestNorthbound n;
    Follower f;
    auto router = std::make_unique<nb::LogicalRouter>();
    router->uuid.bytes[0] = 1;
    nb::LogicalRouterPolicy* some = nullptr;
    for (int i = 0; i < 1000; ++i) {
        auto policy = std::make_unique<nb::LogicalRouterPolicy>();
        policy->uuid.bytes = {2, static_cast<uint8_t>(i), static_cast<uint8_t>(i >> 8)};
        policy->priority = i;
        policy->match = "ip4";
        policy->action = "allow";
        router->policies.insert(policy->uuid);
        f.program.in.policies.set(policy->uuid, policy.get());
        some = policy.get();
        n.policies.emplace(policy->uuid, std::move(policy));
    }
    f.program.in.routers.set(router->uuid, router.get());
    f.update();
    auto runs_of = [&](std::string_view name) {
        for (const incremental::Kind* kind : f.program.engine.functions()) {
            if (name == kind->name()) return kind->runs();
        }
        return uint64_t{0};
    };
    uint64_t listed = runs_of("list_router_routes") + runs_of("list_router_policies"),
             before = f.program.engine.statistics().runs;
    some->match = "ip6";
    f.program.in.policies.touch(some->uuid);
    f.update();
    EXPECT_EQ(runs_of("list_router_routes") + runs_of("list_router_policies"), listed);
    EXPECT_LT(f.program.engine.statistics().runs - before, 5u);
}

}  // namespace
}  // namespace weft::northd
