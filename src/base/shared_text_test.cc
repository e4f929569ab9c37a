#include "base/shared_text.h"

#include <gtest/gtest.h>

#include <vector>

namespace weft {
namespace {

TEST(SharedText, EqualTextsAreOne) {
    size_t before = SharedText::count();
    {
        SharedText a = "outport = \"p\"; output;", b = std::string("outport = \"p\"; output;"), c = "next;";
        EXPECT_EQ(a, b);
        EXPECT_EQ(a.view().data(), b.view().data());
        EXPECT_FALSE(a == c);
        EXPECT_EQ(a.str(), "outport = \"p\"; output;");
        EXPECT_EQ(SharedText::count(), before + 2);
    }
    EXPECT_EQ(SharedText::count(), before) << "texts go with the last who has them";
}

TEST(SharedText, TheEmptyOneIsNothing) {
    size_t before = SharedText::count();
    SharedText a, b = "", c = std::string();
    EXPECT_TRUE(a.empty() && b.empty() && c.empty());
    EXPECT_EQ(a, b);
    EXPECT_EQ(c.view(), "");
    EXPECT_EQ(SharedText::count(), before);
}

TEST(SharedText, CopiesAndMovesCount) {
    size_t before = SharedText::count();
    {
        std::vector<SharedText> many(100, SharedText("ip4"));
        SharedText one = std::move(many[0]);
        EXPECT_TRUE(many[0].empty());
        many.clear();
        EXPECT_EQ(one.view(), "ip4");
        const SharedText& same = one;
        one = same;
        EXPECT_EQ(one.view(), "ip4");
        one = "ip6";
        EXPECT_EQ(SharedText::count(), before + 1);
    }
    EXPECT_EQ(SharedText::count(), before);
}

TEST(SharedText, ZeroBytesAreCharacters) {
    SharedText a = std::string_view("a\0b", 3), b = std::string_view("a\0c", 3);
    EXPECT_FALSE(a == b);
    EXPECT_EQ(a.view().size(), 3u);
}

}  // namespace
}  // namespace weft
