#include "controller/responders/dns.h"

#include <gtest/gtest.h>

namespace weft::controller::dns {
namespace {

struct Asked {
    Bytes name = {3, 'V', 'm', '1', 3, 'o', 'r', 'g', 0};
    uint16_t type = 1, klass = 1, flags = 0x0100, questions = 1, answers = 0, additional = 0;
    Bytes behind = {};
};

Bytes query(const Asked& asked) {
    ByteWriter out;
    out.u16(0xabcd);
    out.u16(asked.flags);
    out.u16(asked.questions);
    out.u16(asked.answers);
    out.u16(0);
    out.u16(asked.additional);
    out.bytes(asked.name);
    out.u16(asked.type);
    out.u16(asked.klass);
    out.bytes(asked.behind);
    return out.take();
}

TEST(Dns, ReadsQuestions) {
    auto good = read_query(query({}));
    ASSERT_TRUE(good);
    EXPECT_EQ(good->name, "vm1.org");
    EXPECT_EQ(good->type, 1);
    struct {
        const char* name;
        Asked asked;
    } bad[] = {
        {"a response", {.flags = 0x8180}},
        {"another operation", {.flags = 0x1000}},
        {"no question", {.questions = 0}},
        {"two questions", {.questions = 2}},
        {"answers", {.answers = 1}},
        {"EDNS", {.additional = 1}},
        {"another class", {.klass = 3}},
        {"another type", {.type = 15}},
        {"bytes behind it", {.behind = {'z'}}},
        {"the root", {.name = {0}}},
        {"a pointer", {.name = {3, 'v', 'm', '1', 0xc0, 0x0c}}},
        {"a label that is cut", {.name = {0x3f, 'v'}}},
        {"a dot in a label", {.name = {3, 'v', '.', '1', 0}}},
        {"a zero byte in a label", {.name = {3, 'v', 0, '1', 0}}},
    };
    for (const auto& c : bad) EXPECT_FALSE(read_query(query(c.asked))) << c.name;
    Bytes whole = query({});
    for (size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(read_query(ByteView(whole).first(size)));
    // 255 bytes are the most that a name has.
    auto long_name = [](size_t last) {
        Bytes name;
        for (size_t size : {size_t{63}, size_t{63}, size_t{63}, last}) {
            name.push_back(static_cast<uint8_t>(size));
            name.insert(name.end(), size, 'x');
        }
        name.push_back(0);
        return name;
    };
    EXPECT_TRUE(read_query(query({.name = long_name(61)})));
    EXPECT_FALSE(read_query(query({.name = long_name(62)})));
}

TEST(Dns, Answers) {
    Records records = parse_records("10.0.0.4, aef0::4", false);
    ASSERT_EQ(records.ipv4.size(), 1u);
    ASSERT_EQ(records.ipv6.size(), 1u);
    Bytes asked = query({});
    auto question = read_query(asked);
    auto got = answer(asked, *question, records);
    ASSERT_TRUE(got);
    Bytes want = asked;
    want[2] = 0x81;
    want[7] = 1;
    const Bytes record = {3, 'V', 'm', '1',  3,    'o', 'r', 'g', 0, 0, 1, 0,
                          1, 0,   0,   0x0e, 0x10, 0,   4,   10,  0, 0, 4};
    want.insert(want.end(), record.begin(), record.end());
    EXPECT_EQ(*got, want);

    auto count = [&](uint16_t type, const Records& of) {
        Bytes message = query({.type = type});
        auto reply = answer(message, *read_query(message), of);
        return reply ? load_be16(&(*reply)[6]) : -1;
    };
    EXPECT_EQ(count(28, records), 1);
    EXPECT_EQ(count(255, records), 2);
    EXPECT_EQ(count(12, records), -1);
    EXPECT_EQ(count(12, parse_records("vm1.org", false)), 1);
    EXPECT_EQ(count(1, parse_records("vm1.org", false)), -1);
    EXPECT_EQ(count(1, parse_records("aef0::4", true)), 0);
    EXPECT_EQ(count(12, parse_records("a..b", false)), -1);
}

}  // namespace
}  // namespace weft::controller::dns
