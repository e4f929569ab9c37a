#include "json/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

namespace weft::json {
namespace {

std::string round_trip(std::string_view text) {
    Result<Value> value = parse(text);
    return value ? to_text(*value) : "error: " + value.message();
}

TEST(JsonParse, ValuesOfEveryKindAreReadAndWritten) {
    for (const char* text :
         {"null", "true", "false", "0", "-1", "9223372036854775807", "-9223372036854775808", "1.5", "\"\"",
          "\"a\"", "[]", "{}", "[1,[2,{\"a\":[null]}],\"x\"]", "{\"a\":1,\"b\":{\"c\":true}}", "0.1", "1e-07",
          "1e+20", "\"\xc3\xa4 \xf0\x9f\x98\x80\"", "1.7976931348623157e+308"}) {
        EXPECT_EQ(round_trip(text), text);
    }
    EXPECT_EQ(round_trip("\n { \"a\" : [ 1 , 2 ] } \t"), "{\"a\":[1,2]}");
}

TEST(JsonParse, WholeNumbersAreIntegersHoweverWritten) {
    for (auto [text, integer] : std::initializer_list<std::pair<const char*, int64_t>>{
             {"1.0", 1},
             {"-0", 0},
             {"-0.0", 0},
             {"1e3", 1000},
             {"1500e-2", 15},
             {"0e99999999999", 0},
             {"9007199254740993.0", 9007199254740993},
             {"9.223372036854775807e18", INT64_MAX},
             {"-9223372036854775808.000000000000000000000000", INT64_MIN},
             {"1000000000000000000000000e-24", 1},
             {"1e-400", 0}}) {
        Result<Value> value = parse(text);
        ASSERT_TRUE(value) << text << value.message();
        ASSERT_TRUE(value->is_integer()) << text;
        EXPECT_EQ(*value->as_integer(), integer) << text;
    }
    for (const char* text : {"9223372036854775808", "-9223372036854775809", "1.5", "1e-3", "1e300"}) {
        Result<Value> value = parse(text);
        ASSERT_TRUE(value) << text;
        EXPECT_TRUE(value->is_real()) << text;
    }
}

TEST(JsonParse, MistakesAreRefused) {
    for (const char* text : {"",
                             " ",
                             "1 2",
                             "1,2",
                             "1]",
                             "[1",
                             "[1,]",
                             "[,1]",
                             "[1 2]",
                             "{",
                             "}",
                             "]",
                             "{\"a\"}",
                             "{\"a\":}",
                             "{\"a\":1,}",
                             "{a:1}",
                             "{1:1}",
                             "01",
                             "-",
                             "+1",
                             "1.",
                             ".5",
                             "1e",
                             "1e+",
                             "0x10",
                             "1e400",
                             "nul",
                             "nulll",
                             "truex",
                             "True",
                             "NaN",
                             "\"",
                             "\"\\\"",
                             "\"\\x\"",
                             "\"\\u12\"",
                             "\"\\ud800\"",
                             "\"\\udc00\"",
                             "\"\\ud800\\u0041\"",
                             "\"a\nb\"",
                             "\"\xff\"",
                             "\"\xc0\x80\"",
                             "\"\xed\xa0\x80\"",
                             "[1]]",
                             "[1],[2]",
                             "{\"a\" 1}",
                             "[1}",
                             "{\"a\":1]",
                             "/**/1",
                             "'a'",
                             "1a",
                             "[1a]",
                             "-a",
                             "[\"a\"\"b\"]",
                             "nullnull",
                             "[truefalse]",
                             "{\"a\":1 \"b\":2}",
                             "{\"a\":1,,\"b\":2}",
                             "[]\"\""}) {
        Result<Value> value = parse(text);
        EXPECT_FALSE(value) << text << " was read as " << to_text(*value);
    }
}

TEST(JsonParse, ErrorsNameThePlace) {
    EXPECT_EQ(parse("{\"a\": 1,\n \"b\": nul}").message(),
              "line 2, column 7: invalid keyword: null, true and false are the only ones");
    EXPECT_EQ(parse("[\"a\xff\"]").message(), "line 1, column 4: invalid UTF-8");
    EXPECT_EQ(parse("[1, \"a").message(), "line 1, column 5: a string is not closed");
    EXPECT_EQ(parse("[1] 2").message().substr(0, 14), "line 1, column");
}

TEST(JsonParse, NestingIsBounded) {
    auto nested = [](int depth) {
        return std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']');
    };
    EXPECT_TRUE(parse(nested(1000)));
    EXPECT_FALSE(parse(nested(1001)));
    EXPECT_FALSE(parse(nested(100000)));
}

TEST(JsonParse, TheLastOfDuplicateMembersCounts) {
    EXPECT_EQ(round_trip("{\"a\":1,\"b\":2,\"a\":3}"), "{\"a\":3,\"b\":2}");
    std::string many = "{";
    for (int i = 0; i < 20; ++i) many += "\"k" + std::to_string(i % 19) + "\":" + std::to_string(i) + ",";
    many.back() = '}';
    Result<Value> value = parse(many);
    ASSERT_TRUE(value);
    EXPECT_EQ(value->as_object()->size(), 19u);
    EXPECT_EQ(*value->as_object()->find("k0"), Value(19));
}

TEST(JsonText, StringsAreEscaped) {
    EXPECT_EQ(round_trip("\"\\u0000\\u001f\\b\\f\\n\\r\\t\\\"\\\\\\/\\u00e4\\ud83d\\ude00\""),
              "\"\\u0000\\u001f\\b\\f\\n\\r\\t\\\"\\\\/\xc3\xa4\xf0\x9f\x98\x80\"");
}

TEST(JsonText, PrettyHasOneMemberALine) {
    EXPECT_EQ(to_text(*parse("{\"a\":[1,{}],\"b\":[]}"), Style::kPretty),
              "{\n  \"a\": [\n    1,\n    {}],\n  \"b\": []}");
}

TEST(JsonText, MembersAreSortedAtAllDepths) {
    EXPECT_EQ(to_text(with_sorted_members(*parse(R"({"b":[{"z":1,"a":{"d":2,"c":3}}],"a":"x","_":null})"))),
              R"({"_":null,"a":"x","b":[{"a":{"c":3,"d":2},"z":1}]})");
}

TEST(JsonText, RealsReadBackExactly) {
    uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    for (int i = 0; i < 20000; ++i) {
        uint64_t bits = random();
        double real;
        std::memcpy(&real, &bits, sizeof real);
        if (!std::isfinite(real) || real == std::floor(real)) continue;
        Result<Value> value = parse(to_text(Value(real)));
        ASSERT_TRUE(value && value->is_real()) << real;
        ASSERT_EQ(*value->as_real(), real);
    }
}

TEST(JsonValue, ObjectsAreEqualInAnyOrder) {
    EXPECT_EQ(*parse("{\"a\":1,\"b\":[2]}"), *parse("{\"b\":[2],\"a\":1}"));
    EXPECT_FALSE(*parse("{\"a\":1,\"b\":2}") == *parse("{\"a\":2,\"b\":1}"));
    EXPECT_FALSE(*parse("{\"a\":1}") == *parse("{\"a\":1,\"b\":1}"));
    Object object = *parse("{\"a\":1}")->as_object();
    object.set("a", 2);
    object.set("b", "x");
    EXPECT_EQ(to_text(Value(object)), "{\"a\":2,\"b\":\"x\"}");
    EXPECT_TRUE(object.erase("a"));
    EXPECT_FALSE(object.erase("a"));
}

}  // namespace
}  // namespace weft::json
