// Messages: encoded and decoded again, in every version; any bytes survive.

#include "openflow/message.h"

#include <gtest/gtest.h>

#include <random>

#include "openflow/connection.h"

namespace weft::openflow {
namespace {

template <typename T>
void expect_round_trip(const T& body, std::initializer_list<Version> versions) {
    for (Version version : versions) {
        Bytes bytes = encode(version, 0x12345678, body);
        ASSERT_FALSE(bytes.empty()) << version_name(version);
        EXPECT_EQ(load_be16(bytes.data() + 2), bytes.size());
        Message back;
        OfError error = decode(bytes, {}, back);
        ASSERT_EQ(error, OfError::kNone) << version_name(version) << " " << error_name(error);
        EXPECT_EQ(back.xid, 0x12345678u);
        ASSERT_TRUE(back.get_if<T>()) << version_name(version) << " " << back.body.index();
        EXPECT_TRUE(*back.get_if<T>() == body) << version_name(version) << " " << typeid(T).name();
    }
}

constexpr auto kFrom13 = {Version::k13, Version::k14, Version::k15};

TEST(Messages, FlowMods) {
    auto mod = parse_flow_mod(
        "table=3,priority=7,tcp,reg0=5,cookie=0x77,idle_timeout=9,send_flow_rem,actions=resubmit(,4),output:"
        "1",
        FlowMod::Command::kAdd);
    ASSERT_TRUE(mod.ok()) << mod.message();
    for (Version version : kFrom13) {
        Message back;
        ASSERT_EQ(decode(encode(version, 1, *mod), {}, back), OfError::kNone);
        const FlowMod* got = back.get_if<FlowMod>();
        ASSERT_TRUE(got);
        EXPECT_TRUE(got->match == mod->match);
        EXPECT_EQ(got->actions, mod->actions);
        EXPECT_EQ(got->new_cookie, 0x77u);
        EXPECT_EQ(got->table, 3);
        EXPECT_EQ(got->priority, 7);
        EXPECT_EQ(got->flags, kFlowSendRemoved);
    }
    DecodeOptions table_id;
    table_id.flow_mod_table_id = true;
    Message back;
    ASSERT_EQ(decode(encode_flow_mod(*mod, {Version::k10, false, true}, 1), table_id, back), OfError::kNone);
    EXPECT_EQ(back.get_if<FlowMod>()->table, 3);
    EXPECT_TRUE(back.get_if<FlowMod>()->match == mod->match);
}

TEST(Messages, RoundTrips) {
    auto actions = parse_actions("set_field:0x1->reg0,output:3,controller(userdata=01.02,pause)");
    auto match = parse_match("in_port=3,tcp,reg1=0x5/0xff,tun_id=7");
    FlowStats flow;
    flow.match = *match;
    flow.actions = *actions;
    flow.cookie = 5;
    flow.packets = 6;
    flow.bytes = 7;
    flow.duration_sec = 8;
    flow.priority = 9;
    expect_round_trip(FlowStatsReply{{flow, flow}, true}, kFrom13);
    FlowRemoved removed;
    removed.match = *match;
    removed.packets = 4;
    removed.hard_timeout = 3;
    expect_round_trip(removed, kFrom13);
    PacketIn in;
    in.format = PacketInFormat::kNxm2;
    in.packet = {1, 2, 3};
    in.total_len = 77;
    in.cookie = 5;
    in.table = 4;
    in.reason = PacketInReason::kAction;
    in.metadata = *match;
    in.userdata = {9, 8};
    in.continuation = {0, 1, 0, 4};
    expect_round_trip(in, {Version::k10, Version::k13, Version::k15});
    PacketOut out;
    out.metadata.set_in_port(kPortController);
    out.actions = *actions;
    out.packet = {1, 2, 3, 4};
    expect_round_trip(out, {Version::k13, Version::k15});
    GroupMod group;
    group.group_id = 5;
    group.type = GroupType::kSelect;
    group.buckets = {{0, 100, kPortNone, kGroupAny, *actions}, {1, 50, 3, kGroupAny, {}}};
    expect_round_trip(group, {Version::k13, Version::k15});
    group.selection.method = "dp_hash";
    expect_round_trip(group, {Version::k15});
    MeterMod meter;
    meter.meter = {3, kMeterKbps | kMeterBurst, {{MeterBand::Type::kDrop, 100, 10, 0}}};
    expect_round_trip(meter, kFrom13);
    Port port;
    port.number = 3;
    port.name = "eth0";
    port.config = kPortDown;
    port.current = kPort10GbFd | kPortCopper;
    expect_round_trip(PortDescReply{{port}, false}, {Version::k10, Version::k13, Version::k15});
    expect_round_trip(PortStatus{PortStatus::Reason::kModify, port},
                      {Version::k10, Version::k13, Version::k15});
    PortStats stats;
    stats.port = 3;
    stats.rx_packets = 5;
    expect_round_trip(PortStatsReply{{stats, stats}, false}, {Version::k10, Version::k13, Version::k15});
    expect_round_trip(BundleControl{5, BundleControl::Type::kCommitRequest, 3}, kFrom13);
    for (Version version : kFrom13) {
        expect_round_trip(BundleAdd{5, 3, encode(version, 1, BarrierRequest{})}, {version});
    }
    TlvTableMod tlv{TlvTableMod::Command::kAdd, {{0x102, 0x80, 4, 0}}};
    expect_round_trip(tlv, {Version::k10, Version::k13, Version::k15});
    expect_round_trip(RoleRequest{Role::kPrimary, true, 5, false}, kFrom13);
    expect_round_trip(TableFeaturesReply{{TableFeatures{}}, false}, kFrom13);
    expect_round_trip(CtFlushZone{7}, kFrom13);
    CtFlush marked;
    marked.zone = 9;
    marked.mark = {0x12340000, 0xffff0000};
    marked.labels.emplace().value[3] = 7;
    marked.labels->mask[3] = 0x0f;
    expect_round_trip(marked, kFrom13);
    expect_round_trip(ErrorMessage{error_code(OfError::NXFMFC_HARDWARE, Version::k13), {1, 2}},
                      {Version::k13});
    expect_round_trip(DescReply{"a", "b", "c", "d", "e"}, {Version::k10, Version::k15});
}

TEST(Messages, RepliesAreCutAt64KiB) {
    FlowStats flow;
    flow.match = *parse_match("tcp,nw_src=10.0.0.1");
    MultipartWriter writer(Version::k15, 7, MultipartWriter::Kind::kFlow);
    for (int i = 0; i < 5000; i++) writer.add(flow);
    std::vector<Bytes> messages = writer.finish();
    size_t flows = 0;
    for (size_t i = 0; i < messages.size(); i++) {
        Message message;
        ASSERT_EQ(decode(messages[i], {}, message), OfError::kNone);
        flows += message.get_if<FlowStatsReply>()->flows.size();
        EXPECT_EQ(message.get_if<FlowStatsReply>()->more, i + 1 < messages.size());
    }
    EXPECT_EQ(flows, 5000u);
    EXPECT_GT(messages.size(), 1u);
}

TEST(Messages, ConnectionsAgreeOnAVersion) {
    Connection a(version_bit(Version::k10) | version_bit(Version::k13)),
        b(version_bit(Version::k13) | version_bit(Version::k15));
    Bytes from_a = a.take_output(), from_b = b.take_output();
    a.receive(from_b);
    b.receive(from_a);
    EXPECT_FALSE(a.next());
    EXPECT_FALSE(b.next());
    EXPECT_EQ(a.version(), Version::k13);
    EXPECT_EQ(b.version(), Version::k13);
    a.receive(encode(Version::k13, 5, EchoRequest{{1, 2}}));
    EXPECT_FALSE(a.next());
    EXPECT_EQ(a.take_output(), encode(Version::k13, 5, EchoReply{{1, 2}}));
}

TEST(Messages, AnyBytes) {
    unsigned seed = std::random_device()();
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    for (int i = 0; i < 100000; i++) {
        Bytes bytes(8 + random() % 200);
        for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random() % 3 ? random() % 8 : random());
        bytes[0] = static_cast<uint8_t>(1 + random() % 6);
        bytes[1] = static_cast<uint8_t>(random() % 36);
        store_be16(bytes.data() + 2, static_cast<uint16_t>(bytes.size()));
        Message message;
        if (decode(bytes, {}, message) == OfError::kNone) {
            encode(message);
            to_string(message);
        }
    }
}

}  // namespace
}  // namespace weft::openflow
