// What FTP says about data connections, and streams whose text has changed its length.

#include <gtest/gtest.h>

#include "datapath/conntrack/expectations.h"
#include "datapath/conntrack/ftp.h"
#include "datapath/conntrack/sequence_shift.h"
#include "packet/address.h"

namespace weft::datapath::conntrack {
namespace {

packet::Ipv6Addr v4(uint32_t address) {
    packet::Ipv6Addr out{};
    store_be32(out.data(), address);
    return out;
}

TEST(Ftp, MentionsAreFoundAndSaidAgain) {
    struct Case {
        const char* text;
        bool command, v6;
        uint16_t port;
        const char* again;  // of 192.0.2.1 or 2001:db8::1, port 258
    };
    const Case cases[] = {
        {"PORT 10,0,0,1,4,1\r\n", true, false, 1025, "192,0,2,1,1,2"},
        {"port  10,0,0,1,4,1\n", true, false, 1025, "192,0,2,1,1,2"},
        {"227 Entering Passive Mode (10,0,0,2,224,193).\r\n", false, false, 57537, "192,0,2,1,1,2"},
        {"227 =10,0,0,2,224,193\r\n", false, false, 57537, "192,0,2,1,1,2"},
        {"EPRT |1|10.0.0.1|1025|\r\n", true, false, 1025, "|1|192.0.2.1|258|"},
        {"EPRT !2!fc00::1!65535!\r\n", true, true, 65535, "!2!2001:db8::1!258!"},
        {"229 Entering Extended Passive Mode (|||18716|)\r\n", false, true, 18716, "|||258|"},
    };
    for (const Case& c : cases) {
        auto found = find_ftp_mention(c.text, c.command, c.v6);
        ASSERT_TRUE(found) << c.text;
        EXPECT_EQ(found->port, c.port) << c.text;
        auto address = c.v6 ? *packet::parse_ipv6("2001:db8::1") : v4(0xc0000201);
        std::string again = ftp_mention_text(*found, address, 258, c.v6);
        EXPECT_EQ(again, c.again);
        std::string whole = c.text;
        whole.replace(found->at, found->size, again);
        auto second = find_ftp_mention(whole, c.command, c.v6);
        ASSERT_TRUE(second) << whole;
        EXPECT_EQ(second->port, 258);
        if (second->address) EXPECT_EQ(*second->address, address);
        EXPECT_FALSE(find_ftp_mention(c.text, !c.command, c.v6)) << c.text;
    }
    for (const char* bad :
         {"PORT 10,0,0,1,4\r\n", "PORT 10,0,0,256,4,1\r\n", "PORT 10,0,0,1,4,1", "PORT 10,0,0,1,0,0\r\n",
          "PORT\r\n", "EPRT |2|fc00::1|1025|\r\n", "EPRT |1|10.0.0.1|1025\r\n", "EPRT |1||1025|\r\n",
          "EPRT |1|10.0.0.1|65536|\r\n", "EPRT ", "USER x\r\n", ""}) {
        EXPECT_FALSE(find_ftp_mention(bad, true, false)) << bad;
    }
    for (const char* bad : {"227 nothing\r\n", "227 (1,2,3)\r\n", "229 (||1|)\r\n", "229 |||5|\r\n",
                            "229 (|||0|)\r\n", "229 (\r\n"})
        EXPECT_FALSE(find_ftp_mention(bad, false, false)) << bad;
}

TEST(SequenceShift, GoesForthAndBack) {
    SequenceShift shift;
    EXPECT_EQ(shift.forth(5), 5u);
    shift.grow(1000, 3);
    EXPECT_EQ(shift.forth(1000), 1000u);
    EXPECT_EQ(shift.forth(1001), 1004u);
    EXPECT_EQ(shift.back(1000), 1000u);
    EXPECT_EQ(shift.back(1024), 1021u);
    shift.grow(1000, 3);  // sent again
    EXPECT_EQ(shift.forth(1001), 1004u);
    shift.grow(2000, -5);
    EXPECT_EQ(shift.forth(1500), 1503u);
    EXPECT_EQ(shift.forth(2001), 1999u);
    EXPECT_EQ(shift.back(1503), 1500u);
    EXPECT_EQ(shift.back(1999 + 100), 2001u + 100);
    SequenceShift round;
    round.grow(0xfffffff0, 10);
    EXPECT_EQ(round.forth(0xfffffff8), 2u);
    EXPECT_EQ(round.back(2), 0xfffffff8u);
}

TEST(Expectations, OneForEachParentAndNotForEver) {
    Expectations all;
    Expectation e;
    e.first.dst_port = 2000;
    e.first.protocol = 6;
    e.parent.src_port = 5;
    all.add(e, 0);
    Tuple begins = e.first;
    begins.src_port = 1234;
    EXPECT_TRUE(all.find(begins, 1000));
    EXPECT_FALSE(all.find(begins, Expectations::kSeconds * 1000));
    Expectation second = e;
    second.first.dst_port = 2001;
    all.add(second, 0);
    EXPECT_FALSE(all.find(begins, 0)) << "the parent announced another";
    begins.dst_port = 2001;
    ASSERT_TRUE(all.take(begins, 0));
    EXPECT_FALSE(all.take(begins, 0)) << "taken";
    all.add(e, 0);
    all.forget(e.parent);
    EXPECT_TRUE(all.empty());
    for (size_t i = 0; i < Expectations::kMost + 100; i++) {
        e.first.src[0] = static_cast<uint8_t>(i);
        e.first.src[1] = static_cast<uint8_t>(i >> 8);
        e.parent.src = e.first.src;
        all.add(e, 0);
    }
    size_t kept = 0;
    for (size_t i = 0; i < Expectations::kMost + 100; i++) {
        Tuple tuple = e.first;
        tuple.src[0] = static_cast<uint8_t>(i);
        tuple.src[1] = static_cast<uint8_t>(i >> 8);
        kept += all.find(tuple, 0) != nullptr;
    }
    EXPECT_EQ(kept, Expectations::kMost);
}

}  // namespace
}  // namespace weft::datapath::conntrack
