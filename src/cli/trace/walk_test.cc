#include "cli/trace/walk.h"

#include <gtest/gtest.h>

#include "cli/trace/test_network.h"

namespace weft::cli::trace {
namespace {

using Form = TestNetwork::Form;

// A switch with two ports, whose egress delivers.
struct Switch : TestNetwork {
    Uuid sw = datapath("sw", 1);
    Uuid p1 = port(sw, "p1", 1).uuid, p2 = port(sw, "p2", 2).uuid;
    Switch() { deliver_all(sw); }
    void in(int64_t table, int64_t priority, const std::string& match, const std::string& actions) {
        flow(sw, "ingress", table, priority, match, actions, "stage" + std::to_string(table));
    }
};

TEST(TraceWalk, TheHighestPriorityThatMatches) {
    Switch net;
    net.in(0, 10, "1", "drop;");
    net.in(0, 20, "eth.src == 02:00:00:00:00:01", "outport = \"p2\"; output;");
    net.in(0, 30, "eth.src == 02:00:00:00:00:02", "next;");
    EXPECT_EQ(net.trace("inport == \"p1\" && eth.src == 02:00:00:00:00:01"), R"(
ingress(dp="sw", inport="p1")
-----------------------------
 0. stage0: eth.src == 02:00:00:00:00:01, priority 20, uuid 00000006
    outport = "p2";
    output;

egress(dp="sw", inport="p1", outport="p2")
------------------------------------------
 0. 1, priority 0, uuid 00000004
    output;
    /* output to "p2", type "" */
)");
    EXPECT_EQ(net.trace("inport == \"p1\"", Form::kMinimal), "");
    EXPECT_NE(net.trace("inport == \"p1\"").find("priority 10, uuid 00000005\n    drop;\n"),
              std::string::npos);
    // Where no flow is, the packet ends.
    EXPECT_NE(
        net.trace("inport == \"p1\" && eth.src == 02:00:00:00:00:02").find("1. no match (implicit drop)"),
        std::string::npos);
}

// Tables that every packet just passes are not worth a line.
TEST(TraceWalk, PassesTrivialTables) {
    Switch net;
    net.in(0, 0, "1", "next;");
    net.in(1, 0, "1", "next;");
    net.in(2, 0, "1", "outport = \"p2\"; next;");
    net.in(3, 0, "1", "output;");
    EXPECT_EQ(net.trace("inport == \"p1\"", Form::kSummary), R"(ingress(dp="sw", inport="p1") {
    outport = "p2";
    next;
    output;
    egress(dp="sw", inport="p1", outport="p2") {
        output;
        /* output to "p2", type "" */;
    };
};
)");
}

TEST(TraceWalk, NotBackOutOfTheIngressPortUnlessAskedTo) {
    Switch net;
    net.in(0, 0, "1", "outport = \"p1\"; output;");
    net.in(0, 10, "eth.type == 0x1234", "outport = \"p1\"; flags.loopback = 1; output;");
    EXPECT_NE(net.trace("inport == \"p1\"").find("omitting output because inport == outport"),
              std::string::npos);
    EXPECT_EQ(net.trace("inport == \"p1\"", Form::kMinimal), "");
    EXPECT_EQ(net.trace("inport == \"p1\" && eth.type == 0x1234", Form::kMinimal), "output(\"p1\");\n");
}

TEST(TraceWalk, AGroupIsAllItsPortsButTheOneThatItCameFrom) {
    Switch net;
    Uuid p3 = net.port(net.sw, "p3", 3).uuid;
    net.group(net.sw, "_MC_flood", 0x8000, {net.p1, net.p2, p3});
    net.in(0, 0, "1", "outport = \"_MC_flood\"; output;");
    EXPECT_EQ(net.trace("inport == \"p2\"", Form::kMinimal), "output(\"p1\");\noutput(\"p3\");\n");
    std::string text = net.trace("inport == \"p2\"");
    EXPECT_NE(text.find("multicast(dp=\"sw\", mcgroup=\"_MC_flood\")"), std::string::npos) << text;
}

// Through a patch port into the other datapath's ingress pipeline, with a clean slate of ports.
TEST(TraceWalk, FromASwitchThroughARouter) {
    Switch net;
    Uuid router = net.datapath("lr", 2), far = net.datapath("far", 3);
    net.patch(net.sw, "sw-lr", 9, router, "lr-sw", 1);
    net.patch(router, "lr-far", 2, far, "far-lr", 1);
    net.port(far, "f1", 2);
    net.in(0, 0, "1", "outport = \"sw-lr\"; output;");
    net.flow(router, "ingress", 0, 0, "inport == \"lr-sw\"",
             "ip.ttl--; eth.dst = 02:00:00:00:00:99; outport = \"lr-far\"; output;");
    net.deliver_all(router);
    net.flow(far, "ingress", 0, 0, "eth.dst == 02:00:00:00:00:99", "outport = \"f1\"; output;");
    net.deliver_all(far);
    const std::string packet = "inport == \"p1\" && ip4 && ip.ttl == 64";
    EXPECT_EQ(net.trace(packet, Form::kMinimal),
              "ip.ttl--;\neth.dst = 02:00:00:00:00:99;\noutput(\"f1\");\n");
    EXPECT_NE(net.trace("inport == \"p1\" && ip4 && ip.ttl == 0", Form::kMinimal).find("*** TTL underflow"),
              std::string::npos);
}

// Registers and flags end with a pipeline, ports do not.
TEST(TraceWalk, RegistersDoNotPassIntoTheEgressPipeline) {
    TestNetwork net;
    Uuid sw = net.datapath("sw", 1);
    net.port(sw, "p1", 1);
    net.port(sw, "p2", 2);
    net.flow(sw, "ingress", 0, 0, "1", "reg0 = 7; flags.loopback = 1; outport = \"p2\"; output;");
    net.flow(sw, "egress", 0, 10, "reg0 == 7", "drop;");
    net.flow(sw, "egress", 0, 0, "flags.loopback == 0 && inport == \"p1\"", "output;");
    EXPECT_EQ(net.trace("inport == \"p1\"", Form::kMinimal), "output(\"p2\");\n");
}

TEST(TraceWalk, AGatewayPortStandsForItsDistributedPort) {
    TestNetwork net;
    Uuid router = net.datapath("lr", 1);
    net.port(router, "lrp", 1);
    net.port(router, "out", 2);
    net.port(router, "cr-out", 3, "chassisredirect").options.set("distributed-port", "out");
    net.port(router, "cr-none", 4, "chassisredirect");
    net.flow(router, "ingress", 0, 0, "1", "outport = \"cr-out\"; output;");
    net.flow(router, "ingress", 0, 10, "eth.type == 0x1234", "outport = \"cr-none\"; output;");
    net.deliver_all(router);
    std::string text = net.trace("inport == \"lrp\"");
    EXPECT_NE(
        text.find(R"(/* Replacing type "chassisredirect" outport "cr-out" with distributed port "out". */)"),
        std::string::npos)
        << text;
    EXPECT_EQ(net.trace("inport == \"lrp\"", Form::kMinimal), "output(\"out\");\n");
    EXPECT_NE(net.trace("inport == \"lrp\" && eth.type == 0x1234", Form::kMinimal)
                  .find("no or invalid distributed port"),
              std::string::npos);
}

TEST(TraceWalk, WhatIsNowhereIsAnError) {
    Switch net;
    net.in(0, 0, "1", "output;");
    EXPECT_EQ(net.trace("inport == \"p1\"", Form::kMinimal), "*** output to null logical port;\n");
}

TEST(TraceWalk, CirclesAreCutOff) {
    Switch net;
    Uuid router = net.datapath("lr", 2);
    net.patch(net.sw, "sw-lr", 9, router, "lr-sw", 1);
    net.in(0, 0, "1", "outport = \"sw-lr\"; flags.loopback = 1; output;");
    net.flow(router, "ingress", 0, 0, "1", "outport = \"lr-sw\"; flags.loopback = 1; output;");
    net.deliver_all(router);
    std::string text = net.trace("inport == \"p1\"", Form::kMinimal);
    EXPECT_EQ(text, "*** pipelines go round in circles, giving up;\n");
}

// A walk that forks at every table would never end either.
TEST(TraceWalk, ForksAreCutOff) {
    Switch net;
    for (int table = 0; table < 30; ++table) net.in(table, 0, "1", "clone { next; }; clone { next; }; next;");
    EXPECT_NE(net.trace("inport == \"p1\"", Form::kMinimal).find("giving up"), std::string::npos);
}

TEST(TraceWalk, ConnectionTrackingFindsWhatItIsTold) {
    Switch net;
    net.in(0, 0, "ip4", "ct_next;");
    net.in(1, 10, "ct.new", "outport = \"p2\"; output;");
    net.in(1, 5, "ct.est && ct.trk", "drop;");
    Settings told;
    told.ct_states = {packet::kCtTracked | packet::kCtNew};
    EXPECT_EQ(net.trace("inport == \"p1\" && ip4", Form::kMinimal, told),
              "ct_next(ct_state=new|trk) {\n    output(\"p2\");\n};\n");
    EXPECT_EQ(net.trace("inport == \"p1\" && ip4", Form::kMinimal),
              "ct_next(ct_state=est|trk /* default (use --ct to customize) */);\n");
}

TEST(TraceWalk, LoadBalancersTakeTheBackendThatIsWanted) {
    Switch net;
    net.in(0, 0, "ip4 && tcp", "ct_lb(backends=10.0.0.3:80,10.0.0.4:80);");
    net.in(1, 0, "1", "outport = \"p2\"; output;");
    net.in(1, 10, "ip4.dst == 10.0.0.4 && tcp.dst == 80",
           "outport = \"p2\"; eth.dst = 02:00:00:00:00:44; output;");
    Settings wanted;
    wanted.lb_destination = Settings::Address{false, 0x0a000004, 0};
    EXPECT_NE(net.trace("inport == \"p1\" && ip4.dst == 10.0.0.9 && tcp.dst == 8080", Form::kMinimal, wanted)
                  .find("eth.dst = 02:00:00:00:00:44"),
              std::string::npos);
}

TEST(TraceWalk, NestedActionsChangeTheirOwnPacket) {
    Switch net;
    net.in(0, 0, "ip4",
           "clone { ip.ttl--; outport = \"p2\"; output; }; push(ip.ttl); ip.ttl--; pop(ip.ttl); next;");
    net.in(1, 0, "ip.ttl == 64", "outport = \"p2\"; output;");
    EXPECT_EQ(net.trace("inport == \"p1\" && ip4 && ip.ttl == 64", Form::kMinimal), R"(clone {
    ip.ttl--;
    output("p2");
};
push(ip.ttl) -> 0x40;
ip.ttl--;
pop(ip.ttl) <- 0x40;
output("p2");
)");
}

TEST(TraceWalk, BindingsAndFdb) {
    Switch net;
    auto* binding = net.add<schema::sb::MACBinding>();
    binding->datapath = net.sw;
    binding->logical_port = "p2";
    binding->ip = "10.0.0.7";
    binding->mac = "02:00:00:00:00:07";
    auto* fdb = net.add<schema::sb::FDB>();
    fdb->dp_key = 1;
    fdb->port_key = 2;
    fdb->mac = "02:00:00:00:00:08";
    net.in(0, 0, "ip4", "outport = \"p2\"; reg0 = 10.0.0.7; get_arp(outport, reg0); output;");
    net.in(0, 10, "eth.type == 0x1234", "outport = get_fdb(eth.dst); output;");
    EXPECT_EQ(net.trace("inport == \"p1\" && ip4", Form::kMinimal),
              "eth.dst = 02:00:00:00:00:07;\noutput(\"p2\");\n");
    EXPECT_EQ(
        net.trace("inport == \"p1\" && eth.type == 0x1234 && eth.dst == 02:00:00:00:00:08", Form::kMinimal),
        "output(\"p2\");\n");
}

// Sources say where in northd a flow was made; names of uuids are cut.
TEST(TraceWalk, FriendlyNames) {
    TestNetwork net;
    Uuid sw = net.datapath("neutron-1234", 1);
    const char* name = "0b1b3a1e-1111-4222-8333-444455556666";
    net.port(sw, name, 1);
    net.port(sw, "p2", 2).external_ids.set("name", "web");
    net.flow(sw, "ingress", 0, 0, std::string("inport == \"") + name + "\"", "outport = \"p2\"; output;");
    net.deliver_all(sw);
    std::string text = net.trace(std::string("inport == \"") + name + "\"");
    EXPECT_NE(text.find("inport=\"0b1b3a\", outport=\"web\""), std::string::npos) << text;
    EXPECT_NE(text.find("0. inport == \"0b1b3a\", priority 0"), std::string::npos) << text;
    EXPECT_NE(text.find("    outport = \"web\";"), std::string::npos) << text;
}

TEST(TraceRequest, SaysWhatCannotBeTraced) {
    Switch net;
    EXPECT_EQ(net.trace("eth.src == 02:00:00:00:00:01"),
              "error parsing flow: flow match expression does not match on inport\n");
    EXPECT_EQ(net.trace("inport == \"nope\""), "unknown port \"nope\"\n");
    EXPECT_EQ(net.trace("inport == \"p1\"", Form::kMinimal, {}, "nope"), "unknown datapath \"nope\"\n");
    EXPECT_TRUE(net.trace("inport == \"p1\" && tcp").starts_with("error parsing flow: "));
    EXPECT_TRUE(net.trace("inport == ").starts_with("error parsing flow: "));
}

TEST(TraceRequest, Options) {
    auto parse = [](std::vector<std::string> words) -> Result<Request> {
        Request request;
        OptionTable options;
        request.add_to(options);
        WEFT_ASSIGN(std::vector<std::string> rest, options.parse(std::move(words)));
        WEFT_TRY(request.set_words(rest));
        return request;
    };
    Result<Request> request =
        parse({"--ct=new, dnat", "--ct=est", "--lb-dst=10.0.0.1:80", "--select-id=3", "sw", "inport"});
    ASSERT_TRUE(request.ok()) << request.message();
    EXPECT_TRUE(request->detailed);
    EXPECT_EQ(request->settings.ct_states,
              (std::vector<uint32_t>{packet::kCtTracked | packet::kCtNew | packet::kCtDnat,
                                     packet::kCtTracked | packet::kCtEstablished}));
    ASSERT_TRUE(request->settings.lb_destination);
    EXPECT_EQ(request->settings.lb_destination->port, 80);
    EXPECT_EQ(request->settings.select_id, 3);
    EXPECT_EQ(request->datapath, "sw");
    request = parse({"--lb-dst=[fd00::1]:99", "--minimal", "x"});
    ASSERT_TRUE(request.ok()) << request.message();
    EXPECT_TRUE(request->settings.lb_destination->ipv6);
    EXPECT_FALSE(request->detailed);
    for (std::vector<std::string> bad : {std::vector<std::string>{"--ct=nope", "x"},
                                         {"--lb-dst=10.0.0.0/8", "x"},
                                         {"--lb-dst=[fd00::1", "x"},
                                         {"--lb-dst=10.0.0.1:x", "x"},
                                         {"--select-id=0", "x"},
                                         {"--select-id=70000", "x"},
                                         {},
                                         {"a", "b", "c"}})
        EXPECT_FALSE(parse(bad).ok()) << (bad.empty() ? "" : bad[0]);
}

}  // namespace
}  // namespace weft::cli::trace
