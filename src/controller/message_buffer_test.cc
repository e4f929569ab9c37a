#include "controller/message_buffer.h"

#include <gtest/gtest.h>

namespace weft::controller {
namespace {

constexpr uint8_t kEcho = 2;

// Adds messages of these sizes, and looks whether they all lie in the pieces, one after the other.
void expect_in_order(std::optional<MessageBuffer::Bundle> bundle, const std::vector<size_t>& sizes) {
    uint32_t next_xid = 7;
    MessageBuffer buffer(next_xid, bundle);
    for (size_t i = 0; i < sizes.size(); ++i)
        buffer.add(kEcho, sizes[i])[sizes[i] - 1] = static_cast<uint8_t>(i);
    EXPECT_EQ(buffer.messages(), sizes.size());
    std::string all;
    for (const auto& piece : buffer.take_pieces()) all += *piece;
    EXPECT_TRUE(buffer.take_pieces().empty());
    const auto* at = reinterpret_cast<const uint8_t*>(all.data());
    const auto* end = at + all.size();
    for (size_t i = 0; i < sizes.size(); ++i) {
        if (bundle) {
            ASSERT_GE(end - at, 16);
            EXPECT_EQ(load_be16(at + 2), 16 + sizes[i]);
            EXPECT_EQ(load_be32(at + 8), bundle->id);
            at += 16;
        }
        ASSERT_GE(end - at, static_cast<ptrdiff_t>(sizes[i]));
        EXPECT_EQ(at[1], kEcho);
        EXPECT_EQ(load_be16(at + 2), sizes[i]);
        EXPECT_EQ(load_be32(at + 4), 7 + i);
        EXPECT_EQ(at[sizes[i] - 1], static_cast<uint8_t>(i));
        at += sizes[i];
    }
    EXPECT_EQ(at, end);
}

TEST(MessageBuffer, ManyMessagesLieInSeveralPieces) {
    std::vector<size_t> sizes;
    for (size_t i = 0; i < 3000; ++i) sizes.push_back(24 + i % 500);
    sizes.push_back(65535 - 16);  // as long as a message can be
    sizes.push_back(9);
    expect_in_order(std::nullopt, sizes);
    expect_in_order(MessageBuffer::Bundle{1, 3}, sizes);
}

TEST(MessageBuffer, NothingIsNoPiece) {
    expect_in_order(std::nullopt, {});
}

}  // namespace
}  // namespace weft::controller
