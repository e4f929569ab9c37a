// MemberReader and parse() must see the same members.

#include "json/members.h"

#include <gtest/gtest.h>

#include <random>

#include "json/text.h"

namespace weft::json {
namespace {

// The object as MemberReader and parse() together read it, or the error.
Result<Object> by_members(std::string_view text) {
    MemberReader reader(text);
    Object object;
    for (;;) {
        WEFT_ASSIGN(bool more, reader.next());
        if (!more) return object;
        WEFT_ASSIGN(Value value, parse(reader.value()));
        object.set(reader.name(), std::move(value));
    }
}

TEST(MemberReader, WalksMembers) {
    MemberReader reader(R"( { "a" : [1,{"x":"]"}] ,"b\u0041":"q\"}\\", "c":-1e3,"d":{}} )");
    std::string seen;
    for (;;) {
        auto more = reader.next();
        ASSERT_TRUE(more) << more.message();
        if (!*more) break;
        seen += reader.name() + "=" + std::string(reader.value()) + ";";
    }
    EXPECT_EQ(seen, R"(a=[1,{"x":"]"}];bA="q\"}\\";c=-1e3;d={};)");
    EXPECT_FALSE(*reader.next());
}

TEST(MemberReader, RefusesWhatIsNoObject) {
    for (const char* text : {"",
                             " ",
                             "[]",
                             "{",
                             "{\"a\"",
                             "{\"a\":",
                             "{\"a\":1",
                             "{\"a\":1,",
                             "{\"a\":1,}",
                             "{,}",
                             "{a:1}",
                             "{\"a\" 1}",
                             "{\"a\":1}x",
                             "{\"a\":[1}",
                             "{\"a\":\"x}",
                             "{\"a\":}",
                             "{\"a\":\"\\\"}",
                             "{}{}",
                             "{\"a\":1 \"b\":2}",
                             "{\"\\x\":1}",
                             "{\"a\":[}]}"}) {
        auto whole = by_members(text);
        EXPECT_FALSE(whole) << text;
        auto parsed = parse(text);
        EXPECT_FALSE(parsed && parsed->is_object()) << text;
    }
}

TEST(MemberReader, AgreesWithParse) {
    const unsigned seed = std::random_device()();
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const std::string whole =
        R"({"a":{"b":["x\\",1,null,{"c":"\"}"}],"d":"é"},"e":[[],{}],"f":"","g":-0.5e2,"h":true})";
    const std::string bytes = "{}[]\",:\\ a1e-\n";
    int agreed = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string text = whole;
        for (unsigned edits = random() % 3; edits--;) {
            size_t place = random() % text.size();
            if (random() % 2) {
                text[place] = bytes[random() % bytes.size()];
            } else {
                text.erase(place, 1 + random() % 4);
            }
            if (text.empty()) text = "{";
        }
        auto expected = parse(text);
        auto seen = by_members(text);
        bool good = expected && expected->is_object();
        ASSERT_EQ(good, seen.ok()) << text << "\n" << expected.message() << "\n" << seen.message();
        if (!good) continue;
        ASSERT_TRUE(*expected->as_object() == *seen) << text;
        ++agreed;
    }
    EXPECT_GT(agreed, 1000);
}

}  // namespace
}  // namespace weft::json
