#include "base/exposition.h"

#include <gtest/gtest.h>

#include "base/metrics.h"

namespace weft::metrics {
namespace {

using Kind = Exposition::Kind;

TEST(Exposition, FamiliesAreWrittenTogetherWithTheirLabels) {
    Exposition out;
    out.add("b_total", Kind::kCounter, "Bs.", {{"x", "1"}}, 3);
    out.add("a", Kind::kGauge, "As,\nin \\ two lines.", {}, 0.25);
    out.add("b_total", Kind::kCounter, "", {{"x", "a \"b\"\\\n"}, {"y", ""}}, 4e9);
    out.add("s", Kind::kSummary, "Ss.", {{"quantile", "0.5"}}, 1.5);
    out.add_part("s", "_sum", {}, 7);
    out.add_part("s", "_count", {}, 4);
    EXPECT_EQ(out.text(),
              "# HELP a As,\\nin \\\\ two lines.\n# TYPE a gauge\na 0.25\n"
              "# HELP b_total Bs.\n# TYPE b_total counter\nb_total{x=\"1\"} 3\nb_total{x=\"a "
              "\\\"b\\\"\\\\\\n\",y=\"\"} 4000000000\n"
              "# HELP s Ss.\n# TYPE s summary\ns{quantile=\"0.5\"} 1.5\ns_sum 7\ns_count 4\n");
}

TEST(Exposition, EverythingThatAProgramCounts) {
    static Counter counter("exposed_events");
    static Stopwatch watch("exposed-watch");
    counter.add(7);
    for (int ms : {100, 200, 300}) watch.record(ms);
    Gauge gauge("exposed_things", [] { return 5; });
    int asked = 0;
    {
        Collector collector([&](Exposition& out) {
            ++asked;
            out.add("ovn_special", Kind::kGauge, "Special.", {}, 1);
        });
        std::string text = exposition("ovn-northd");
        for (const char* line :
             {"\novn_up{component=\"ovn-northd\"} 1\n",
              "\novn_coverage_total{component=\"ovn-northd\",event=\"exposed_events\"} 7\n",
              "\novn_memory_usage{component=\"ovn-northd\",facility=\"exposed_things\"} 5\n",
              "\novn_special 1\n",
              "\novn_stopwatch_seconds{component=\"ovn-northd\",stopwatch=\"exposed-watch\",quantile=\"0.5\"}"
              " 0.2\n",
              "\novn_stopwatch_seconds_sum{component=\"ovn-northd\",stopwatch=\"exposed-watch\"} 0.6\n",
              "\novn_stopwatch_seconds_count{component=\"ovn-northd\",stopwatch=\"exposed-watch\"} 3\n"}) {
            EXPECT_NE(text.find(line), std::string::npos) << line << "\nin\n" << text;
        }
    }
    EXPECT_EQ(exposition("ovs-vswitchd").find("special"), std::string::npos);
    EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace weft::metrics
