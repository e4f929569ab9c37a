#include "controller/responders/dhcpv6.h"

#include <gtest/gtest.h>

#include <map>

namespace weft::controller::dhcpv6 {
namespace {

const Bytes kClient = {0, 1, 0, 10, 0, 3, 0, 1, 2, 0, 0, 0, 0, 1};
const Bytes kLease = {0, 3, 0, 12, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0};
const Bytes kMac = {0xc0, 0xff, 0xee, 0, 0, 6};

Bytes join(std::initializer_list<Bytes> parts) {
    Bytes out;
    for (const Bytes& part : parts) out.insert(out.end(), part.begin(), part.end());
    return out;
}

Bytes message(uint8_t type, const Bytes& options) {
    return join({{type, 0x11, 0x22, 0x33}, options});
}

Bytes parameter(uint16_t code, const Bytes& value) {
    return join(
        {{static_cast<uint8_t>(code >> 8), static_cast<uint8_t>(code), 0, static_cast<uint8_t>(value.size())},
         value});
}

Bytes address(uint8_t last) {
    Bytes out(16, 0);
    out[0] = 0xfd;
    out[15] = last;
    return out;
}

const Bytes kStateful = join({parameter(5, address(0x11)), parameter(2, kMac), parameter(23, address(0x53))});
const Bytes kStateless = join({parameter(2, kMac), parameter(23, address(0x53))});

std::map<int, Bytes> options_of(ByteView message) {
    std::map<int, Bytes> found;
    ByteReader in(message.subspan(4));
    while (!in.empty()) {
        uint16_t code = in.u16();
        ByteView value = in.bytes(in.u16());
        EXPECT_TRUE(in.ok());
        found[code] = Bytes(value.begin(), value.end());
    }
    return found;
}

TEST(Dhcpv6, AnswersByType) {
    for (int type = 0; type < 14; ++type) {
        auto got = answer(message(static_cast<uint8_t>(type), join({kClient, kLease})), kStateful);
        bool wanted = type == 1 || (type >= 3 && type <= 6) || type == 8 || type == 9 || type == 11;
        ASSERT_EQ(got.has_value(), wanted) << type;
        if (!got) continue;
        EXPECT_EQ(got->message[0], type == 1 ? 2 : 7) << type;
        EXPECT_EQ(Bytes(got->message.begin() + 1, got->message.begin() + 4), (Bytes{0x11, 0x22, 0x33}));
        auto options = options_of(got->message);
        EXPECT_EQ(options[1], Bytes(kClient.begin() + 4, kClient.end()));
        EXPECT_EQ(options[2], join({{0, 3, 0, 1}, kMac}));
        EXPECT_EQ(options.contains(23), type != 8);
        if (type == 8) {  // RELEASE
            EXPECT_FALSE(options.contains(3));
            EXPECT_EQ(options[13], join({{0, 0}, {'r', 'e', 'l', 'e', 'a', 's', 'e', 'd'}}));
            continue;
        }
        ASSERT_TRUE(options.contains(3)) << type;
        EXPECT_EQ(options[3],
                  join({{0, 0, 0, 7}, Bytes(8, 0xff), {0, 5, 0, 24}, address(0x11), Bytes(8, 0xff)}));
    }
}

// What a client with a lease on disk begins with, when its port has got another address since.
TEST(Dhcpv6, AddressesThatAreNotThePorts) {
    auto lease_of = [](uint8_t last) {
        return join({{0, 3, 0, 40, 0, 0, 0, 7}, Bytes(8, 0), {0, 5, 0, 24}, address(last), Bytes(8, 1)});
    };
    auto ask = [&](uint8_t type, uint8_t last, const Bytes& parameters) {
        auto got = answer(message(type, join({kClient, lease_of(last)})), parameters);
        EXPECT_TRUE(got);
        return got ? options_of(got->message) : std::map<int, Bytes>();
    };
    const Bytes granted = join({{0, 0, 0, 7}, Bytes(8, 0xff), {0, 5, 0, 24}, address(0x11), Bytes(8, 0xff)});
    for (uint8_t type : {3, 4, 5, 6}) {
        auto options = ask(type, 0x11, kStateful);
        EXPECT_EQ(options[3], granted) << int{type};
        EXPECT_FALSE(options.contains(13)) << int{type};
    }
    auto options = ask(4, 0x12, kStateful);
    EXPECT_FALSE(options.contains(3));
    EXPECT_EQ(Bytes(options[13].begin(), options[13].begin() + 2), (Bytes{0, 4})) << "NotOnLink";
    EXPECT_EQ(options[2], join({{0, 3, 0, 1}, kMac}));
    EXPECT_TRUE(ask(4, 0x12, kStateless).contains(13)) << "a network without addresses";
    for (uint8_t type : {5, 6}) {
        EXPECT_EQ(ask(type, 0x12, kStateful)[3], join({granted, {0, 5, 0, 24}, address(0x12), Bytes(8, 0)}));
    }
    EXPECT_EQ(ask(3, 0x12, kStateful)[3], granted) << "a wish";
}

TEST(Dhcpv6, WhoMayAsk) {
    EXPECT_FALSE(answer(message(1, kLease), kStateful)) << "no client identifier";
    EXPECT_FALSE(answer(message(1, kClient), kStateful)) << "no identity association";
    EXPECT_FALSE(answer(message(1, join({kClient, {0, 3, 0, 2, 0, 0}})), kStateful)) << "half an identity";
    EXPECT_FALSE(answer(message(1, join({kClient, {0, 25, 0, 12}, Bytes(12, 0)})), kStateful)) << "a prefix";
    EXPECT_TRUE(answer(message(1, kClient), kStateless));
    EXPECT_TRUE(answer(message(11, kClient), kStateful));
    EXPECT_FALSE(answer(message(11, {}), kStateful)) << "no client identifier";
    EXPECT_FALSE(answer(message(1, join({kClient, kLease})), parameter(5, address(1)))) << "no server";
}

TEST(Dhcpv6, NamesAndBootFiles) {
    Bytes parameters =
        join({kStateless, parameter(24, {'a', '.', 'b', 'c', ',', 'd'}), parameter(39, {1, 'h', 1, 'x', 0}),
              parameter(59, {'u'}), parameter(254, {'v'})});
    auto options = options_of(answer(message(11, kClient), parameters)->message);
    EXPECT_EQ(options[24], (Bytes{1, 'a', 2, 'b', 'c', 0, 1, 'd', 0}));
    EXPECT_EQ(options[59], Bytes{'v'});
    EXPECT_FALSE(options.contains(39)) << "the client did not ask";
    options = options_of(
        answer(message(11, join({kClient, {0, 15, 0, 0}, {0, 39, 0, 1, 0}})), parameters)->message);
    EXPECT_EQ(options[59], Bytes{'u'});
    EXPECT_EQ(options[39], (Bytes{4, 1, 'h', 1, 'x', 0}));
}

TEST(Dhcpv6, RefusesWhatIsCut) {
    Bytes whole = message(1, join({kClient, kLease}));
    for (size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(answer(ByteView(whole).first(size), kStateful)) << size;
}

}  // namespace
}  // namespace weft::controller::dhcpv6
