#include "base/uuid.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(Uuid, TextFormIsReadAndWritten) {
    std::string text = "550e8400-e29b-41d4-a716-446655440000";
    ASSERT_TRUE(Uuid::parse(text));
    EXPECT_EQ(Uuid::parse(text)->to_string(), text);
    EXPECT_EQ(Uuid::parse("550E8400-E29B-41D4-A716-446655440000")->to_string(), text);
}

TEST(Uuid, AnythingElseIsRefused) {
    for (const char* text :
         {"", "550e8400", "550e8400-e29b-41d4-a716-44665544000", "550e8400-e29b-41d4-a716-4466554400000",
          "550e8400e-29b-41d4-a716-446655440000", "g50e8400-e29b-41d4-a716-446655440000"}) {
        EXPECT_FALSE(Uuid::parse(text)) << text;
    }
}

TEST(Uuid, RandomOnesAreVersion4AndDiffer) {
    Uuid a = Uuid::random();
    EXPECT_NE(a, Uuid::random());
    EXPECT_EQ(a.to_string()[14], '4');
    EXPECT_FALSE(a.is_zero());
}

}  // namespace
}  // namespace weft
