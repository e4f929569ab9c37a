#include <gtest/gtest.h>

#include "sim/measurement.h"

namespace weft::sim {
namespace {

TEST(Quantile, IsAValueThatWasMeasured) {
    EXPECT_EQ(quantile({}, 0.5), 0);
    EXPECT_EQ(quantile({7}, 0.99), 7);
    EXPECT_EQ(quantile({4, 1, 3, 2}, 0.5), 2);
    EXPECT_EQ(quantile({4, 1, 3, 2}, 1), 4);
    std::vector<double> hundred;
    for (int i = 100; i > 0; --i) hundred.push_back(i);
    EXPECT_EQ(quantile(hundred, 0.99), 99);
}

Measurements two_changes() {
    Measurements measurements;
    measurements.title = "a <small> network";
    measurements.phases = {{"building", 1500, {1000, 20, 300}, {64 << 20, 1 << 20, 2 << 20}}};
    measurements.operations = {{"add-pod", {{2, 4, 5, {1, 0.5, 0.25}}, {3, 40, 50, {1, 0.5, 0.25}}}},
                               {"delete-pod", {}}};
    return measurements;
}

TEST(Report, TellsPhasesAndChanges) {
    std::string text = report(two_changes());
    EXPECT_NE(text.find("building              1.50 s      1.00 s     64 MB      0.02 s      1 MB"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("add-pod               2         2.0         3.0       4.0      40.0      40.0"),
              std::string::npos)
        << text;
    EXPECT_EQ(csv(two_changes()),
              "change,number,first_ms,all_ms,hv_cfg_ms,northd_cpu_ms,nb_server_cpu_ms,sb_server_cpu_ms\n"
              "add-pod,0,2.000,4.000,5.000,1.000,0.500,0.250\n"
              "add-pod,1,3.000,40.000,50.000,1.000,0.500,0.250\n");
}

TEST(Plot, IsWholeWhateverThereIs) {
    std::string picture = plot(two_changes());
    EXPECT_EQ(picture.find("<small>"), std::string::npos);
    EXPECT_NE(picture.find("a &lt;small> network"), std::string::npos);
    EXPECT_EQ(picture.substr(picture.size() - 7), "</svg>\n");
    EXPECT_EQ(picture.find("nan"), std::string::npos);
    EXPECT_EQ(plot({}).find("nan"), std::string::npos);
    EXPECT_EQ(plot({}).find("inf"), std::string::npos);
}

}  // namespace
}  // namespace weft::sim
