#include "ovsdb/data/datum.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "json/text.h"
#include "ovsdb/data/condition.h"
#include "ovsdb/data/datum_json.h"
#include "ovsdb/data/datum_text.h"
#include "ovsdb/data/mutation.h"
#include "ovsdb/data/set_ops.h"

namespace weft::ovsdb {
namespace {

ColumnType type_of(std::string_view text) {
    auto type = ColumnType::from_json(*json::parse(text));
    EXPECT_TRUE(type) << type.error().message;
    return *type;
}

std::string round_trip(const ColumnType& type, std::string_view text) {
    auto datum = datum_from_json(type, *json::parse(text));
    if (!datum) return datum.error().message;
    std::string out;
    append_json(out, *datum);
    EXPECT_EQ(out, json::to_text(to_json(*datum)));
    return out;
}

std::string text_round_trip(const ColumnType& type, std::string_view text) {
    auto datum = parse_datum_text(type, text);
    return datum ? to_text(*datum, type) : datum.message();
}

const char* const kStrings = R"({"key":"string","min":0,"max":"unlimited"})";
const char* const kMap = R"({"key":"string","value":"string","min":0,"max":"unlimited"})";

TEST(Datum, IsSmall) {
    EXPECT_LE(sizeof(Datum), 24u);
}

TEST(Datum, JsonBothWays) {
    EXPECT_EQ(round_trip(type_of(R"("integer")"), R"(["set",[5]])"), "5");
    EXPECT_EQ(round_trip(type_of(R"("integer")"), R"("x")"),
              R"(syntax ""x"": syntax error: expected integer)");
    EXPECT_EQ(round_trip(type_of(R"("real")"), "1.5"), "1.5");
    EXPECT_EQ(round_trip(type_of(R"("boolean")"), "true"), "true");
    EXPECT_EQ(round_trip(type_of(kStrings), R"(["set",["b","a","a longer string than fits inline"]])"),
              R"(["set",["a","a longer string than fits inline","b"]])");
    EXPECT_EQ(round_trip(type_of(kStrings), R"(["set",["a","a"]])"), "ovsdb error: set contains duplicate");
    EXPECT_EQ(round_trip(type_of(kMap), R"(["map",[["k","v"],["a","b"]]])"),
              R"(["map",[["a","b"],["k","v"]]])");
    EXPECT_EQ(round_trip(type_of(R"("uuid")"), R"(["uuid","00000000-0000-0000-0000-00000000000A"])"),
              R"(["uuid","00000000-0000-0000-0000-00000000000a"])");
    EXPECT_EQ(round_trip(type_of(R"({"key":"integer","min":1,"max":3})"), R"(["set",[]])"),
              R"(syntax "["set",[]]": syntax error: set must have 1 to 3 members but 0 are present)");
    EXPECT_EQ(round_trip(type_of(R"({"key":{"type":"integer","minInteger":-5,"maxInteger":100}})"), "101"),
              "constraint violation: 101 is not in the valid range -5 to 100 (inclusive)");
    EXPECT_EQ(round_trip(type_of(R"({"key":{"type":"string","enum":["set",["","red","blue"]]}})"), R"("x")"),
              R"(constraint violation: x is not one of the allowed values (["", blue, red]))");
}

TEST(Datum, TextBothWays) {
    ColumnType integers =
        type_of(R"({"key":{"type":"integer","minInteger":0,"maxInteger":4095},"min":0,"max":4096})");
    EXPECT_EQ(text_round_trip(integers, "[1 2, 3]"), "[1, 2, 3]");
    EXPECT_EQ(text_round_trip(integers, "1-3,7"), "[1, 2, 3, 7]");
    EXPECT_EQ(text_round_trip(integers, "3-1"),
              "\"3-1\" is not a valid range. Range end cannot be before start.");
    EXPECT_EQ(text_round_trip(integers, "1,1"), "1,1: set contains duplicate value");
    EXPECT_EQ(text_round_trip(integers, "[1,2"), "[1,2: missing \"]\" at end of data");
    EXPECT_EQ(text_round_trip(integers, "1]"), "1]: unexpected \"]\" parsing set of up to 4096 integers");
    EXPECT_EQ(text_round_trip(integers, "5000"),
              "constraint violation: 5000 is not in the valid range 0 to 4095 (inclusive)");
    EXPECT_EQ(text_round_trip(type_of(R"({"key":"integer","min":0})"), "1,2"),
              "1,2: 2 value(s) specified but the maximum number is 1");
    EXPECT_EQ(text_round_trip(type_of(kMap), R"("a b"=x c="d e")"), R"({"a b"=x, c="d e"})");
    EXPECT_EQ(text_round_trip(type_of(kMap), "a=x:y"),
              "a=x:y: unexpected \":\" parsing map of (string, string) pairs");
    EXPECT_EQ(text_round_trip(type_of(kMap), "{}"), "{}");
    EXPECT_EQ(text_round_trip(type_of(kStrings), "[]"), "[]");
    EXPECT_EQ(text_round_trip(type_of(R"({"key":"string","min":0})"), "a"), "a");
    EXPECT_EQ(text_round_trip(type_of(R"("string")"), R"("true")"), R"("true")");
}

// Set algebra against std::set, over random sets.
TEST(Datum, SetOperationsAgreeWithAModel) {
    const unsigned seed = std::random_device()();
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 500; ++round) {
        auto make = [&](std::set<int64_t>& model) {
            DatumBuilder builder(AtomType::kInteger);
            for (unsigned i = random() % 6; i--;) {
                int64_t v = random() % 8;
                if (model.insert(v).second) builder.add(v);
            }
            return builder.finish();
        };
        std::set<int64_t> a_model, b_model;
        Datum a = make(a_model), b = make(b_model);
        std::set<int64_t> both = a_model, rest;
        both.insert(b_model.begin(), b_model.end());
        for (int64_t v : a_model) {
            if (!b_model.count(v)) rest.insert(v);
        }
        auto same = [](const Datum& datum, const std::set<int64_t>& model) {
            return std::vector<int64_t>(datum.integers().begin(), datum.integers().end()) ==
                   std::vector<int64_t>(model.begin(), model.end());
        };
        ASSERT_TRUE(same(set_union(a, b), both));
        ASSERT_TRUE(same(set_subtract(a, b), rest));
        ASSERT_EQ(apply_diff(a, diff(a, b)), b);
        ASSERT_EQ(excludes_all(a, b), rest == a_model);
        ASSERT_EQ(includes_all(a, b), both == a_model);
    }
}

TEST(Datum, DiffOfMapsHoldsTheNewValue) {
    ColumnType type = type_of(kMap);
    Datum a = *parse_datum_text(type, "a=1 b=2 c=3"), b = *parse_datum_text(type, "a=1 b=9 d=4");
    Datum d = diff(a, b);
    EXPECT_EQ(to_text(d, type), "{b=\"9\", c=\"3\", d=\"4\"}");
    EXPECT_EQ(apply_diff(a, d), b);
}

TEST(Schema, ReadsAndRefuses) {
    auto bad = DatabaseSchema::parse(R"({"name":"x","tables":{"t":{"columns":{"c":{"type":3}}}}})");
    EXPECT_EQ(bad.error().message,
              "syntax \"{\"type\":3}\": syntax error: Parsing schema for column c failed: Type mismatch for "
              "member 'type'.");
    auto good = DatabaseSchema::parse(
        R"({"name":"x","version":"1.2.3","tables":{"t":{"isRoot":true,"columns":{"c":{"type":{"key":{"type":"uuid","refTable":"t","refType":"weak"},"min":0}},"d":{"type":"integer"}}}}})");
    ASSERT_TRUE(good);
    const TableSchema* t = (*good)->find_table("t");
    ASSERT_TRUE(t);
    EXPECT_EQ(t->find_column("d")->index, 1);
    EXPECT_EQ(t->find_column("c")->type.key.ref_table_index, 0);
    auto again = DatabaseSchema::from_json((*good)->to_json());
    ASSERT_TRUE(again);
    EXPECT_TRUE(**again == **good);
}

TEST(Mutation, ChecksAndCalculates) {
    auto schema = DatabaseSchema::parse(
        R"({"name":"x","tables":{"t":{"columns":{"i":{"type":"integer"},"s":{"type":{"key":"integer","min":1,"max":3}}}}}})");
    const TableSchema& t = (*schema)->tables[0];
    auto apply = [&](const char* text, Datum before) {
        auto mutation = Mutation::from_json(t, *json::parse(text), nullptr);
        if (!mutation) return mutation.error().message;
        auto after = mutation->apply(before);
        if (!after) return after.error().message;
        return to_text(*after, mutation->column->type);
    };
    EXPECT_EQ(apply(R"(["i","+=",2])", Datum::of(3)), "5");
    EXPECT_EQ(apply(R"(["i","/=",0])", Datum::of(3)), "domain error: Division by zero.");
    EXPECT_EQ(apply(R"(["i","*=",9223372036854775807])", Datum::of(3)),
              "range error: Result of \"*=\" operation is out of range.");
    EXPECT_EQ(apply(R"(["s","insert",["set",[4,5,6]]])", Datum::of(3)),
              "constraint violation: Attempted to store 4 elements in set of 1 to 3 integers.");
    EXPECT_EQ(apply(R"(["s","insert",["set",[4,5]]])", Datum::of(3)), "[3, 4, 5]");
    EXPECT_EQ(apply(R"(["s","delete",["set",[3,5]]])", Datum::of(3)),
              "constraint violation: Attempted to store 0 elements in set of 1 to 3 integers.");
}

}  // namespace
}  // namespace weft::ovsdb
