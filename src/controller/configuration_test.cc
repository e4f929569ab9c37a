#include "controller/configuration.h"

#include <gtest/gtest.h>

namespace weft::controller {
namespace {

using Ids = std::initializer_list<std::pair<const char*, const char*>>;

Configuration read(Ids ids, const char* chassis = "hv1") {
    schema::vswitch::OpenVSwitch row{};
    row.external_ids.set("system-id", "hv1");
    for (const auto& [key, value] : ids) row.external_ids.set(key, value);
    return read_configuration(row, chassis);
}

TEST(Configuration, EveryTypeWithEveryAddress) {
    Configuration c =
        read({{"ovn-encap-type", "vxlan,geneve"}, {"ovn-encap-ip", "10.0.0.2, 10.0.0.1,10.0.0.2"}});
    EXPECT_EQ(
        c.encaps,
        (std::vector<EncapConfiguration>{
            {"geneve", "10.0.0.1"}, {"geneve", "10.0.0.2"}, {"vxlan", "10.0.0.1"}, {"vxlan", "10.0.0.2"}}));
    EXPECT_EQ(c.encap_ips, (std::vector<std::string>{"10.0.0.2", "10.0.0.1"}));
    EXPECT_TRUE(read({{"ovn-encap-type", "nothing"}, {"ovn-encap-ip", "10.0.0.1"}}).encap_ips.empty());
}

// The default address is number 0, the others have their place in the list.
TEST(Configuration, NumbersOfAddresses) {
    Configuration c = read({{"ovn-encap-type", "geneve"}, {"ovn-encap-ip", "10.0.0.9,10.0.0.1,10.0.0.5"}});
    EXPECT_EQ(c.encap_id("10.0.0.9"), 0);
    EXPECT_EQ(c.encap_id("10.0.0.1"), 2);
    EXPECT_EQ(c.encap_id("10.0.0.5"), 3);
    EXPECT_EQ(c.encap_id("10.0.0.7"), 0);
    EXPECT_EQ(c.encap_id(""), 0);
    EXPECT_EQ(c.other_encap_ids(), (std::vector<uint16_t>{2, 3}));

    c = read({{"ovn-encap-type", "geneve"},
              {"ovn-encap-ip", "10.0.0.9,10.0.0.1,10.0.0.5"},
              {"ovn-encap-ip-default", "10.0.0.1"}});
    EXPECT_EQ(c.encap_id("10.0.0.9"), 1);
    EXPECT_EQ(c.encap_id("10.0.0.1"), 0);
    EXPECT_EQ(c.other_encap_ids(), (std::vector<uint16_t>{1, 3}));

    // One that is not among them does not count.
    c = read({{"ovn-encap-type", "geneve"},
              {"ovn-encap-ip", "10.0.0.9,10.0.0.1"},
              {"ovn-encap-ip-default", "10.0.0.4"}});
    EXPECT_EQ(c.encap_ip_default, "");
    EXPECT_EQ(c.encap_id("10.0.0.9"), 0);
}

TEST(Configuration, OfOneChassisAlone) {
    const Ids ids = {
        {"ovn-encap-type", "geneve"}, {"ovn-encap-ip", "10.0.0.1"}, {"ovn-encap-ip-hv2", "10.0.0.2"}};
    EXPECT_EQ(read(ids).encap_ips, (std::vector<std::string>{"10.0.0.1"}));
    EXPECT_EQ(read(ids, "hv2").encap_ips, (std::vector<std::string>{"10.0.0.2"}));
}

}  // namespace
}  // namespace weft::controller
