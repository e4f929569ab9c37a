#include "json/view.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "json/text.h"

namespace weft::json {
namespace {

void expect_same(ViewReader& reader, const std::string& text) {
    SCOPED_TRACE(text);
    Result<Value> value = parse(text);
    Result<View> view = reader.read(text);
    ASSERT_EQ(view.ok(), value.ok());
    if (value) EXPECT_EQ(view->to_value(), *value);
}

TEST(View, IsWhatParseReads) {
    ViewReader reader;
    for (const char* text : {"null",
                             "true",
                             "false",
                             "0",
                             "-1",
                             "9223372036854775807",
                             "-9223372036854775808",
                             "9223372036854775808",
                             "18446744073709551615",
                             "1.0",
                             "1e3",
                             "1.5",
                             "-0.25",
                             "\"\"",
                             "\"a\\n\\u00e9\\\"\"",
                             "[]",
                             "{}",
                             "[[],{}]",
                             R"({"a":1,"b":[true,null,"x"],"c":{"d":2.5}})",
                             " [ 1 , 2 ] ",
                             "",
                             "[1,",
                             "{\"a\"}",
                             "[1 2]",
                             "\"\t\"",
                             "nul",
                             "[1]x",
                             "01",
                             "\"\\x\""}) {
        expect_same(reader, text);
    }
}

Value random_value(std::mt19937& random, int depth) {
    switch (random() % (depth > 4 ? 6 : 8)) {
        case 0:
            return {};
        case 1:
            return random() % 2 == 0;
        case 2:
            return static_cast<int64_t>((uint64_t{random()} << 32 | random()) >> random() % 64);
        case 3:
            return static_cast<double>(random() % 1000) / 8;
        case 4:
            return std::string(random() % 70, static_cast<char>(' ' + random() % 90));
        case 5:
            return std::string("\\\"\n\xc3\xa9/").substr(random() % 4);
        case 6: {
            Array array;
            for (size_t i = random() % 6; i > 0; --i) array.push_back(random_value(random, depth + 1));
            return array;
        }
        default: {
            Object object;
            for (size_t i = random() % 6; i > 0; --i)
                object.set(std::to_string(random() % 20), random_value(random, depth + 1));
            return object;
        }
    }
}

TEST(View, IsWhatParseReadsOfRandomTexts) {
    const char* given = std::getenv("WEFT_SEED");
    const unsigned seed =
        given ? static_cast<unsigned>(std::atoi(given)) : std::random_device()() % 1'000'000;
    SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed));
    std::mt19937 random(seed);
    ViewReader reader;
    for (int i = 0; i < 2000; ++i) {
        std::string text = to_text(random_value(random, 0));
        expect_same(reader, text);
        // A great text between small ones.
        if (i % 500 == 0) {
            expect_same(reader, "[" + text + ",\"" + std::string(300'000, 'x') + "\"]");
            reader.shrink();
        }
    }
}

TEST(View, WalksMembersAndElements) {
    ViewReader reader;
    Result<View> view = reader.read(R"({"set":["set",[1,2,3]],"none":[],"pair":["uuid","x"]})");
    ASSERT_TRUE(view);
    std::string seen;
    for (const auto& [name, value] : view->members()) {
        seen += name;
        EXPECT_FALSE(value.as_object());
        EXPECT_FALSE(value.as_string());
        for (const View& element : value.elements()) {
            seen += element.as_string() ? " " + std::string(*element.as_string()) : " -";
            if (element.as_array()) EXPECT_EQ(element.as_array()->size_hint(), 3u);
        }
        seen += ';';
    }
    EXPECT_EQ(seen, "set set -;none;pair uuid x;");
    EXPECT_TRUE(View().is_null());
    EXPECT_FALSE(View().as_string() || View().as_array() || View().as_integer() || View().as_bool());
    EXPECT_TRUE(View::Members().empty());
}

}  // namespace
}  // namespace weft::json
