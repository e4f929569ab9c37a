// Whoever sees anything of a change is named, and sees of the rows that are named all that it sees of the
// change.

#include "ovsdb/server/audience.h"

#include <map>
#include <memory>
#include <vector>

#include "ovsdb/server/served_database.h"
#include "ovsdb/server/test_conditions.h"

namespace weft::ovsdb {
namespace {

class AudienceTest : public RandomConditions {
  protected:
    std::unique_ptr<MonitorGroup> group() {
        Condition wanted = condition();
        std::string where = below(8) ? ",\"where\":" + json::to_text(wanted.to_json()) : "";
        std::string request = fmt::format(R"({{"t":[{{"columns":["_uuid","num","tags"]{}}}]}})", where);
        MonitorVersion version = below(6) ? MonitorVersion::kV3 : MonitorVersion::kV1;
        if (version == MonitorVersion::kV1) request = R"({"t":[{"columns":["num","ids"]}]})";
        auto spec = MonitorSpec::parse(version, database_->schema(), *json::parse(request));
        EXPECT_TRUE(spec) << request;
        return std::make_unique<MonitorGroup>(MonitorGroup{"", *std::move(spec), {}, nullptr});
    }
};

TEST_F(AudienceTest, NamesWhoSees) {
    SCOPED_TRACE(fmt::format("seed {}", seed_));
    Audience audience;
    std::vector<std::unique_ptr<MonitorGroup>> groups;
    size_t named = 0, asked = 0;
    for (int step = 0; step < 3000; ++step) {
        if (groups.size() < 20 || below(2)) {
            groups.push_back(group());
            audience.add(*groups.back());
        } else {
            std::swap(groups[below(static_cast<unsigned>(groups.size()))], groups.back());
            audience.remove(*groups.back());
            groups.pop_back();
        }
        const ChangeSet changes = change();
        std::map<MonitorGroup*, std::string> heard;
        for (const auto& [group, rows] : audience.of(changes)) {
            ASSERT_TRUE(heard.emplace(group, group->spec.updates(rows)).second) << "named twice";
        }
        for (const auto& each : groups) {
            auto it = heard.find(each.get());
            ASSERT_EQ(it == heard.end() ? "{}" : it->second, each->spec.updates(changes)) << each->spec.key();
        }
        named += heard.size();
        asked += groups.size();
    }
    EXPECT_LT(named, asked) << "some are left out";
    for (const auto& each : groups) audience.remove(*each);
    ChangeSet changes = change();
    while (changes.empty()) changes = change();
    EXPECT_TRUE(audience.of(changes).empty());
}

}  // namespace
}  // namespace weft::ovsdb
