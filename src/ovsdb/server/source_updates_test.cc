#include "ovsdb/server/source_updates.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "json/text.h"
#include "ovsdb/data/datum_json.h"
#include "ovsdb/engine/execute.h"
#include "ovsdb/server/monitor.h"

namespace weft::ovsdb {
namespace {

std::shared_ptr<const DatabaseSchema> test_schema() {
    auto schema = DatabaseSchema::parse(R"({"name": "d", "version": "1.0.0", "tables": {
        "A": {"isRoot": true, "columns": {
            "i": {"type": "integer"}, "s": {"type": {"key": "string", "min": 0}},
            "set": {"type": {"key": "integer", "min": 0, "max": "unlimited"}},
            "map": {"type": {"key": "string", "value": "integer", "min": 0, "max": "unlimited"}},
            "kids": {"type": {"key": {"type": "uuid", "refTable": "K"}, "min": 0, "max": "unlimited"}}}},
        "K": {"columns": {"n": {"type": "integer"}}},
        "Other": {"isRoot": true, "columns": {"n": {"type": "integer"}}}}})");
    EXPECT_TRUE(schema);
    return *schema;
}

std::string everything(const Database& database) {
    std::map<std::string, std::string> rows;
    for (const auto& table : database.tables()) {
        for (const Row* row : table->rows()) {
            std::string& text = rows[table->schema().name + row->uuid.to_string()];
            for (const ColumnSchema& column : table->schema().columns)
                append_json(text, (*row->data)[column.index]);
        }
    }
    std::string out;
    for (const auto& [key, text] : rows) out += key + text + "\n";
    return out;
}

std::set<const TableSchema*> all_tables(const Database& database) {
    std::set<const TableSchema*> out;
    for (const TableSchema& table : database.schema().tables) out.insert(&table);
    return out;
}

// What a monitor of the one database tells makes the other one equal, whatever its version, update by update
// or at once.
TEST(SourceUpdates, ACopyEqualsItsSource) {
    std::mt19937 random(11);
    for (MonitorVersion version : {MonitorVersion::kV1, MonitorVersion::kV2, MonitorVersion::kV3}) {
        SourceFormat format = version == MonitorVersion::kV1 ? SourceFormat::kV1 : SourceFormat::kV2;
        auto schema = test_schema();
        Database source(schema), copy(schema), late(schema);
        auto requests = json::parse(R"({"A": [{}], "K": [{}], "Other": [{}]})");
        auto spec = MonitorSpec::parse(version, *schema, *requests);
        ASSERT_TRUE(spec);
        auto number = [&](unsigned n) { return std::to_string(random() % n); };
        size_t most = 0;
        for (int i = 0; i < 400; ++i) {
            std::string where = random() % 4 ? R"([["i","==",)" + number(8) + "]]" : "[]";
            std::string value = R"("i":)" + number(8) + R"(,"s":)" +
                                (random() % 2 ? R"("x)" + number(3) + "\"" : R"(["set",[]])") +
                                R"(,"set":["set",[)" + number(3) + "," + std::to_string(3 + random() % 3) +
                                R"(]],"map":["map",[["k)" + number(3) + "\"," + number(9) + "]]]";
            std::string operation;
            switch (random() % 5) {
                case 0:
                    operation = R"({"op":"insert","table":"A","row":{)" + value + "}}";
                    break;
                case 1:
                    operation =
                        R"({"op":"update","table":"A","where":)" + where + R"(,"row":{)" + value + "}}";
                    break;
                case 2:
                    operation = R"({"op":"insert","table":"K","uuid-name":"k","row":{"n":)" + number(9) +
                                R"(}},{"op":"mutate","table":"A","where":)" + where +
                                R"(,"mutations":[["kids","insert",["named-uuid","k"]],["set","delete",)" +
                                number(4) + "]]}";
                    break;
                case 3:
                    operation = R"({"op":"delete","table":"A","where":)" + where + "}";
                    if (where == "[]" && random() % 4) continue;
                    break;
                default:
                    operation = R"({"op":"mutate","table":"A","where":)" + where +
                                R"(,"mutations":[["map","insert",["map",[["k1",)" + number(9) + "]]]]]}";
            }
            auto parsed = json::parse("[" + operation + "]");
            ASSERT_TRUE(parsed) << operation;
            ExecuteResult result = execute(source, *parsed->as_array(), 0, {});
            if (result.changes.empty()) continue;
            auto updates = json::parse(spec->updates(result.changes));
            auto changes = changes_of(copy, all_tables(copy), *updates, {format, false});
            ASSERT_TRUE(changes) << changes.message();
            copy.apply(*changes);
            ASSERT_EQ(everything(copy), everything(source)) << operation;
            most = std::max(most, source.rows());
            if (i % 20) continue;
            auto contents = json::parse(spec->initial(ToldView(source)));
            auto all = changes_of(late, all_tables(late), *contents, {format, true});
            ASSERT_TRUE(all) << all.message();
            late.apply(*all);
            ASSERT_EQ(everything(late), everything(source));
            // Nothing differs any more, so nothing changes.
            EXPECT_TRUE(changes_of(late, all_tables(late), *contents, {format, true})->tables.empty());
        }
        EXPECT_GT(most, 10u);
    }
}

TEST(SourceUpdates, TablesThatAreNotFollowedStay) {
    auto schema = test_schema();
    Database copy(schema);
    auto insert = json::parse(
        R"([{"op":"insert","table":"Other","row":{"n":1}},{"op":"insert","table":"A","row":{"i":1}}])");
    execute(copy, *insert->as_array(), 0, {});
    std::set<const TableSchema*> followed{schema->find_table("A"), schema->find_table("K")};
    auto updates = json::parse(R"({"Other": {"00000000-0000-0000-0000-000000000001": {"initial": {"n": 2}}},
                                   "Unknown": {"00000000-0000-0000-0000-000000000001": {"initial": {"n": 2}}}})");
    auto changes = changes_of(copy, followed, *updates, {SourceFormat::kV2, true});
    ASSERT_TRUE(changes) << changes.message();
    copy.apply(*changes);
    EXPECT_EQ(copy.find_table("Other")->size(), 1u);
    EXPECT_EQ(copy.find_table("A")->size(), 0u);
}

TEST(SourceUpdates, WhatCannotBeIsAnError) {
    auto schema = test_schema();
    Database copy(schema);
    for (auto [text, words] : std::initializer_list<std::pair<const char*, const char*>>{
             {"[]", "table updates are an object"},
             {R"({"A": 3})", "table A: updates are an object"},
             {R"({"A": {"x": {"insert": {}}}})", "table A row x"},
             {R"({"A": {"00000000-0000-0000-0000-000000000001": {"modify": {"i": 1}}}})",
              "it is modified, but not known"},
             {R"({"A": {"00000000-0000-0000-0000-000000000001": {"insert": {"i": "x"}}}})", "column i: "},
             {R"({"A": {"00000000-0000-0000-0000-000000000001": {"insert": []}}})", "a row is an object"},
             {R"({"A": {"00000000-0000-0000-0000-000000000001": {}}})", "neither an old nor a new row"}}) {
        auto changes = changes_of(copy, all_tables(copy), *json::parse(text), {});
        ASSERT_FALSE(changes) << text;
        EXPECT_NE(changes.message().find(words), std::string::npos) << changes.message();
    }
}

}  // namespace
}  // namespace weft::ovsdb
