// What the plain reader takes, the general one takes with the same values; what our writer writes is plain.

#include "ovsdb/storage/plain_row.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "json/text.h"
#include "ovsdb/data/datum_json.h"
#include "ovsdb/storage/record.h"

namespace weft::ovsdb {
namespace {

const char* const kSchema = R"({"name":"t","tables":{"a":{"columns":{
    "b":{"type":"boolean"},"i":{"type":"integer"},"is":{"type":{"key":{"type":"integer","minInteger":-3,"maxInteger":900},
    "min":0,"max":3}},"m":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}},
    "mu":{"type":{"key":"string","value":"uuid","min":0,"max":2}},"r":{"type":"real"},
    "s":{"type":{"key":{"type":"string","maxLength":5}}},"s2":{"type":{"key":"string","min":1,"max":4}},
    "ss":{"type":{"key":"string","min":0,"max":"unlimited"}},"u":{"type":{"key":"uuid","min":0}},
    "us":{"type":{"key":"uuid","min":0,"max":"unlimited"}}}}}})";

class PlainRowTest : public testing::Test {
  protected:
    void SetUp() override {
        auto schema = DatabaseSchema::parse(kSchema);
        ASSERT_TRUE(schema) << schema.error().message;
        schema_ = *schema;
    }
    const TableSchema& table() const { return schema_->tables[0]; }

    using Values = std::map<std::string, std::string>;

    std::optional<Values> plain(std::string_view text, bool sized) {
        if (!reader_.read(table(), text, sized)) return std::nullopt;
        Values out;
        for (const auto& [column, datum] : reader_.values()) append_json(out[column->name], datum);
        return out;
    }
    std::optional<Values> general(std::string_view text, bool sized) {
        auto json = json::parse(text);
        if (!json || !json->is_object()) return std::nullopt;
        Values out;
        for (const auto& [name, value] : *json->as_object()) {
            const ColumnSchema* column = table().find_column(name);
            if (!column || column->index < 0) return std::nullopt;
            auto datum =
                sized ? datum_from_json(column->type, value) : datum_from_json_unsized(column->type, value);
            if (!datum) return std::nullopt;
            append_json(out[name], *datum);
        }
        return out;
    }

    std::shared_ptr<const DatabaseSchema> schema_;
    PlainRowReader reader_;
};

const char* const kRows[] = {
    R"({"b":true,"i":-12,"is":["set",[1,2]],"m":["map",[["a","b"],["c","d e"]]],"s":"abc","ss":["set",["","x"]]})",
    R"({"mu":["map",[["k",["uuid","550e8400-e29b-41d4-a716-446655440000"]]]],"s2":["set",["p","q"]],"ss":"one",
        "u":["uuid","550e8400-e29b-41d4-a716-446655440000"],"us":["set",[["uuid","550e8400-e29b-41d4-a716-446655440001"],
        ["uuid","550e8400-e29b-41d4-a716-446655440002"]]]})",
    R"({"i":999999999999999999,"is":0,"r":1.5})",
    R"({"b":false,"i":5,"m":["map",[]],"s":"\u00e9","us":["set",[]]})",
    R"({"m":["map",[["a\"","\\b"],["c\n","d"]]],"s":"\t\"","s2":["set",["p\/","q"]]})",
    R"({})",
};

TEST_F(PlainRowTest, TakesWhatIsPlain) {
    EXPECT_TRUE(plain(kRows[0], true));
    EXPECT_TRUE(
        plain(R"({"i":0,"u":["uuid","550e8400-e29b-41d4-a716-446655440000"],"us":["set",[]]})", true));
    EXPECT_TRUE(plain("{}", true));
    EXPECT_TRUE(plain(R"({"s":"b","i":1})", true));
    auto escaped = plain(R"({"s":"\"\\\/b","ss":["set",["\t\n","a\"b\"","\r\f\b"]]})", true);
    ASSERT_TRUE(escaped);
    EXPECT_EQ((*escaped)["s"], R"("\"\\/b")");
    EXPECT_EQ((*escaped)["ss"], R"(["set",["\t\n","\r\f\b","a\"b\""]])");
    for (const char* text : {"",
                             "{",
                             "{}x",
                             "{} ",
                             R"({"i":01})",
                             R"({"i":-})",
                             R"({"i":1.0})",
                             R"({"i":1e3})",
                             R"({"i":9999999999999999999})",
                             R"({"i":1,})",
                             R"({"i":1 })",
                             R"({"b":1})",
                             R"({"b":tru})",
                             R"({"s":"é"})",
                             R"({"s":"a\u0062"})",
                             R"({"s":"a\x"})",
                             R"({"s":"a\)",
                             R"({"s":"toolong"})",
                             R"({"s":"a)",
                             R"({"s2":["set",[]]})",
                             R"({"is":["set",[1,2,3,4]]})",
                             R"({"is":901})",
                             R"({"is":["set",[1,1]]})",
                             R"({"m":["map",[["a","b"],["a","c"]]]})",
                             R"({"m":["map",[["a"]]]})",
                             R"({"r":1.5})",
                             R"({"z":1})",
                             R"({"_uuid":["uuid","550e8400-e29b-41d4-a716-446655440000"]})",
                             R"({"s":"b","i":1,"s":"b"})",
                             R"({"i":1,"i":2})",
                             R"({"u":["uuid","550e8400"]})",
                             R"({"u":["named-uuid","x"]})"}) {
        EXPECT_FALSE(plain(text, true)) << text;
    }
    EXPECT_TRUE(plain(R"({"is":["set",[1,2,3,4]],"s2":["set",[]]})", false));
}

TEST_F(PlainRowTest, AgreesWithTheGeneralReader) {
    const unsigned seed = std::random_device()();
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const std::string bytes = "{}[]\",:\\ 0159-+.eEtrufalsnmp";
    int plain_ones = 0;
    for (int round = 0; round < 100000; ++round) {
        std::string text = kRows[random() % std::size(kRows)];
        std::erase_if(text, [](char c) { return c == '\n'; });
        for (unsigned edits = random() % 3; edits-- && !text.empty();) {
            size_t place = random() % text.size();
            switch (random() % 3) {
                case 0:
                    text[place] = bytes[random() % bytes.size()];
                    break;
                case 1:
                    text.erase(place, 1 + random() % 3);
                    break;
                default:
                    text.insert(place, 1, bytes[random() % bytes.size()]);
            }
        }
        bool sized = random() % 2;
        auto seen = plain(text, sized);
        if (!seen) continue;
        ++plain_ones;
        ASSERT_EQ(seen, general(text, sized)) << text;
    }
    EXPECT_GT(plain_ones, 10000);
}

TEST_F(PlainRowTest, WhatIsWrittenIsPlain) {
    Database database(schema_);
    RowRef row = database.new_row(table());
    auto set = [&](const char* column, Datum datum) {
        (*row)[table().find_column(column)->index] = std::move(datum);
    };
    set("b", Datum::of(true));
    set("i", Datum::of(int64_t{-7}));
    DatumBuilder map(AtomType::kString, AtomType::kString);
    map.add("key", "value");
    map.add("other", "more");
    set("m", map.finish());
    set("s", Datum::of("x y"));
    set("us", Datum::of_uuids({Uuid::random(), Uuid::random()}));
    std::string text;
    append_row(text, table(), Uuid::random(), *row);
    text = text.substr(text.find('{'));
    auto seen = plain(text, true);
    ASSERT_TRUE(seen) << text;
    EXPECT_EQ(seen, general(text, true));
    EXPECT_EQ(seen->size(), 5u);
}

}  // namespace
}  // namespace weft::ovsdb
