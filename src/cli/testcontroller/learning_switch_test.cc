// What a learning switch or hub answers to packets; as Debian's ovs-testcontroller does, but for what
// docs/decisions/0069 lists (tests/interop/testcontroller_test.py compares with it).

#include "cli/testcontroller/learning_switch.h"

#include <gtest/gtest.h>

namespace weft::cli::testcontroller {
namespace {

using namespace openflow;  // NOLINT

constexpr packet::EthAddr kA = {2, 0, 0, 0, 0, 1}, kB = {2, 0, 0, 0, 0, 2}, kGroup = {1, 0, 0x5e, 0, 0, 1},
                          kBridges = {1, 0x80, 0xc2, 0, 0, 0};

Bytes frame(packet::EthAddr to, packet::EthAddr from, uint16_t vlan = 0) {
    ByteWriter out;
    out.bytes(to);
    out.bytes(from);
    if (vlan) {
        out.u16(0x8100);
        out.u16(vlan);
    }
    out.u16(0x1234);
    out.zeros(46);
    return out.take();
}

class Conversation {
  public:
    explicit Conversation(Policy policy = {}, Version version = Version::k13)
        : policy_(std::move(policy)), version_(version), learning_(policy_, version) {
        FeaturesReply features;
        if (version < Version::k13) features.ports = {Port{1, {}, "p1"}, Port{2, {}, "p2"}};
        tell(features);
    }
    // What is sent for it, as text.
    std::string tell(Body body) {
        Bytes out;
        learning_.handle({version_, 0, std::move(body)}, now_ms_, out);
        return text_of(out);
    }
    std::string packet(uint32_t port, const Bytes& bytes, uint32_t buffer = kNoBuffer) {
        PacketIn in;
        in.packet = bytes;
        in.metadata.set_in_port(port);
        in.buffer_id = buffer;
        return tell(std::move(in));
    }
    std::string greeting() {
        Bytes out;
        learning_.greet(out);
        return text_of(out);
    }
    void wait(int64_t ms) { now_ms_ += ms; }

  private:
    static std::string text_of(const Bytes& out) {
        std::string text;
        for (ByteView rest = out; !rest.empty();) {
            Header header;
            EXPECT_TRUE(peek_header(rest, header));
            Message message;
            EXPECT_EQ(decode(rest.first(header.length), {}, message), OfError::kNone);
            if (auto* mod = message.get_if<FlowMod>())
                text += "flow " + openflow::to_string(mod->match) + " " + openflow::to_string(mod->actions);
            else if (auto* packet = message.get_if<PacketOut>())
                text += "packet " + openflow::to_string(packet->actions);
            else
                text += message_name(message);
            text += "; ";
            rest = rest.subspan(header.length);
        }
        return text;
    }

    Policy policy_;
    Version version_;
    LearningSwitch learning_;
    int64_t now_ms_ = 1000;
};

constexpr const char* kFlowToA =
    "flow in_port=2,vlan_tci=0x0000/0x1fff,dl_src=02:00:00:00:00:02,dl_dst=02:00:00:00:00:01,dl_type=0x1234 ";

TEST(LearningSwitch, LearnsWhereStationsAre) {
    Conversation talk;
    EXPECT_EQ(talk.packet(1, frame(kB, kA)), "packet FLOOD; ");
    EXPECT_EQ(talk.packet(2, frame(kA, kB)), std::string(kFlowToA) + "output:1; packet output:1; ");
    // It moves.
    talk.packet(3, frame(kB, kA));
    EXPECT_EQ(talk.packet(2, frame(kA, kB)), std::string(kFlowToA) + "output:3; packet output:3; ");
    // A buffered packet goes through the flow.
    EXPECT_EQ(talk.packet(2, frame(kA, kB), 7), std::string(kFlowToA) + "output:3; ");
}

TEST(LearningSwitch, ForgetsAfterFiveMinutes) {
    Conversation talk;
    talk.packet(1, frame(kB, kA));
    talk.wait(299'999);
    EXPECT_NE(talk.packet(2, frame(kA, kB)).find("output:1"), std::string::npos);
    talk.wait(1);
    EXPECT_EQ(talk.packet(2, frame(kA, kB)), "packet FLOOD; ");
}

TEST(LearningSwitch, GroupsAreNotLearnt) {
    Conversation talk;
    talk.packet(1, frame(kB, kGroup));  // no station has such an address
    EXPECT_EQ(talk.packet(2, frame(kGroup, kB)), "packet FLOOD; ");
    talk.packet(1, frame(kB, kA, 5));
    EXPECT_NE(talk.packet(2, frame(kA, kB, 6)).find("output:1"), std::string::npos);  // VLANs share addresses
}

TEST(LearningSwitch, WhatStaysOnItsLinkIsDropped) {
    Conversation talk;
    EXPECT_EQ(
        talk.packet(1, frame(kBridges, kA)),
        "flow "
        "in_port=1,vlan_tci=0x0000/0x1fff,dl_src=02:00:00:00:00:01,dl_dst=01:80:c2:00:00:00,dl_type=0x1234 "
        "drop; ");
    EXPECT_NE(talk.packet(1, frame(kA, kA)).find(" drop; "), std::string::npos);  // from A's own port
    Policy policy;
    policy.set_up_flows = false;
    Conversation silent(policy);
    EXPECT_EQ(silent.packet(1, frame(kBridges, kA)), "");
    EXPECT_EQ(silent.packet(1, frame(kBridges, kA), 3), "packet drop; ");  // or it would stay in its buffer
}

TEST(LearningSwitch, Hub) {
    Policy policy;
    policy.hub = true;
    policy.wildcards = 0x3fffff;
    Conversation talk(policy);
    talk.packet(1, frame(kB, kA));
    EXPECT_EQ(talk.packet(2, frame(kA, kB)), "flow  FLOOD; packet FLOOD; ");
}

TEST(LearningSwitch, Normal) {
    Policy policy;
    policy.normal = true;
    Conversation talk(policy);
    EXPECT_EQ(talk.packet(1, frame(kB, kA)), "packet FLOOD; ");
    EXPECT_EQ(talk.packet(2, frame(kA, kB)), std::string(kFlowToA) + "NORMAL; packet NORMAL; ");
}

TEST(LearningSwitch, Queues) {
    Policy policy;
    policy.queue = 5;
    policy.port_queues = {{"p2", 7}, {"p3", 8}};
    policy.set_up_flows = false;
    Conversation old(policy, Version::k10);
    EXPECT_EQ(old.packet(1, frame(kB, kA)), "packet FLOOD; ");
    EXPECT_EQ(old.packet(2, frame(kA, kB)), "packet enqueue:1:7; ");
    EXPECT_EQ(old.packet(1, frame(kB, kA)), "packet enqueue:2:5; ");

    // OpenFlow 1.3's features name no ports, so they are asked for.
    Conversation talk(policy);
    EXPECT_EQ(talk.greeting(),
              "OFPT_FEATURES_REQUEST; OFPT_SET_CONFIG; flow  CONTROLLER:128; OFPST_PORT_DESC request; ");
    talk.packet(1, frame(kB, kA));
    EXPECT_EQ(talk.packet(2, frame(kA, kB)), "packet set_queue:5,output:1,pop_queue; ");
    talk.tell(PortDescReply{{Port{2, {}, "p2"}}});
    EXPECT_EQ(talk.packet(2, frame(kA, kB)), "packet set_queue:7,output:1,pop_queue; ");
    talk.tell(PortStatus{PortStatus::Reason::kModify, Port{2, {}, "p3"}});  // another name
    EXPECT_EQ(talk.packet(2, frame(kA, kB)), "packet set_queue:8,output:1,pop_queue; ");
    talk.tell(PortStatus{PortStatus::Reason::kDelete, Port{2, {}, "p3"}});
    EXPECT_EQ(talk.packet(2, frame(kA, kB)), "packet set_queue:5,output:1,pop_queue; ");
}

TEST(LearningSwitch, NothingBeforeTheFeatures) {
    Policy policy;
    LearningSwitch learning(policy, Version::k10);
    PacketIn in;
    in.packet = frame(kB, kA);
    Bytes out;
    learning.handle({Version::k10, 0, in}, 0, out);
    EXPECT_TRUE(out.empty());
}

TEST(LearningSwitch, DamagedPackets) {
    Conversation talk;
    EXPECT_NE(talk.packet(1, {1, 2, 3}), "");
    EXPECT_NE(talk.packet(1, {}), "");
}

}  // namespace
}  // namespace weft::cli::testcontroller
