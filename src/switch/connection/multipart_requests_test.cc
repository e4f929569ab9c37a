#include "switch/connection/multipart_requests.h"

#include <gtest/gtest.h>

namespace weft::vswitch {
namespace {

using openflow::OfError;

Bytes part(uint32_t transaction, uint16_t kind, bool more, size_t size = 24) {
    Bytes out(size);
    out[0] = 4;
    out[1] = 18;
    store_be16(out.data() + 2, static_cast<uint16_t>(size));
    store_be32(out.data() + 4, transaction);
    store_be16(out.data() + 8, kind);
    store_be16(out.data() + 10, more);
    return out;
}

TEST(MultipartRequests, PartsAreKeptByTransaction) {
    MultipartRequests requests;
    EXPECT_EQ(requests.add(part(1, 0, false), 0).parts.size(), 1u);
    EXPECT_TRUE(requests.add(part(1, 12, true), 0).parts.empty());
    EXPECT_TRUE(requests.add(part(2, 12, true, 40), 0).parts.empty());
    EXPECT_TRUE(requests.add(part(1, 12, true, 32), 0).parts.empty());
    auto two = requests.add(part(2, 12, false), 0);
    ASSERT_EQ(two.parts.size(), 2u);
    EXPECT_EQ(two.parts[0], part(2, 12, true, 40));
    auto one = requests.add(part(1, 12, false), 0);
    ASSERT_EQ(one.parts.size(), 3u);
    EXPECT_EQ(one.parts[1], part(1, 12, true, 32));
    EXPECT_EQ(requests.add(part(1, 12, false), 0).parts.size(), 1u) << "the first is done";
    requests.add(part(1, 12, true), 0);
    EXPECT_EQ(requests.add(part(1, 0, false), 0).error, OfError::OFPBRC_BAD_STAT) << "of another kind";
    EXPECT_EQ(requests.add(part(1, 12, false), 0).parts.size(), 1u) << "all of it is forgotten";
}

TEST(MultipartRequests, PartsWithoutBodyDoNotCount) {
    MultipartRequests requests;
    for (int i = 0; i < 3; i++) EXPECT_TRUE(requests.add(part(1, 12, true, 16), 0).parts.empty());
    auto none = requests.add(part(1, 12, false, 16), 0);
    ASSERT_EQ(none.parts.size(), 1u);
    EXPECT_EQ(none.parts[0], part(1, 12, false, 16));
    requests.add(part(1, 12, true, 16), 0);
    requests.add(part(1, 12, true, 32), 0);
    auto one = requests.add(part(1, 12, false, 16), 0);
    ASSERT_EQ(one.parts.size(), 1u);
    EXPECT_EQ(one.parts[0], part(1, 12, true, 32));
    requests.add(part(1, 12, true, 16), 0);
    EXPECT_EQ(requests.take_late(MultipartRequests::kPatienceMs).size(), 1u);
}

TEST(MultipartRequests, WhatIsLateIsForgotten) {
    MultipartRequests requests;
    requests.add(part(1, 12, true), 0);
    requests.add(part(2, 12, true), 0);
    requests.add(part(2, 12, true), 900);
    EXPECT_TRUE(requests.take_late(MultipartRequests::kPatienceMs - 1).empty());
    auto late = requests.take_late(MultipartRequests::kPatienceMs);
    ASSERT_EQ(late.size(), 1u);
    EXPECT_EQ(late[0], part(1, 12, true));
    EXPECT_EQ(requests.add(part(2, 12, false), 1000).parts.size(), 3u);
}

TEST(MultipartRequests, ThereAreBounds) {
    MultipartRequests requests;
    size_t kept = 0;
    while (requests.add(part(1, 12, true, 60000), 0).error == OfError::kNone) kept += 60000;
    EXPECT_LE(kept, MultipartRequests::kMostBytes);
    EXPECT_GT(kept + 60000, MultipartRequests::kMostBytes);
    EXPECT_EQ(requests.add(part(1, 12, false), 0).parts.size(), 1u) << "what was refused is forgotten";
    for (uint32_t i = 0; i < MultipartRequests::kMostRequests; i++)
        EXPECT_EQ(requests.add(part(10 + i, 12, true), 0).error, OfError::kNone);
    EXPECT_EQ(requests.add(part(9, 12, true), 0).error, OfError::OFPBRC_MULTIPART_BUFFER_OVERFLOW);
    EXPECT_EQ(requests.add(part(9, 12, false), 0).error, OfError::kNone) << "alone it needs no room";
    EXPECT_EQ(requests.add(part(10, 12, false), 0).parts.size(), 2u);
}

}  // namespace
}  // namespace weft::vswitch
