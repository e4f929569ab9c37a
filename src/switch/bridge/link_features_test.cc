#include "switch/bridge/link_features.h"

#include <gtest/gtest.h>
#include <linux/ethtool.h>

#include "openflow/messages/port.h"

namespace weft::vswitch {
namespace {

namespace of = openflow;

TEST(LinkFeatures, OfANetworkCard) {
    datapath::LinkModes modes;
    modes.bits_per_second = 1000000000;
    modes.full_duplex = modes.negotiates = true;
    modes.medium = PORT_TP;
    modes.supported = SUPPORTED_100baseT_Full | SUPPORTED_1000baseT_Full | SUPPORTED_TP | SUPPORTED_Autoneg;
    modes.advertised = SUPPORTED_1000baseT_Full | SUPPORTED_Pause;
    LinkFeatures features = features_of(modes);
    EXPECT_EQ(features.current, of::kPort1GbFd | of::kPortCopper | of::kPortAutoneg);
    EXPECT_EQ(features.supported, of::kPort100MbFd | of::kPort1GbFd | of::kPortCopper | of::kPortAutoneg);
    EXPECT_EQ(features.advertised, of::kPort1GbFd | of::kPortPause);
    EXPECT_EQ(features.current_kbps, 1000000u);
    EXPECT_EQ(features.max_kbps, 1000000u);
}

TEST(LinkFeatures, OfSpeedsWithoutABit) {
    datapath::LinkModes modes;
    modes.bits_per_second = 25000000000;
    modes.medium = PORT_FIBRE;
    LinkFeatures features = features_of(modes);
    EXPECT_EQ(features.current, of::kPortOtherSpeed | of::kPortFiber);
    EXPECT_EQ(features.current_kbps, 25000000u);
    modes.bits_per_second = 0;  // not known
    EXPECT_EQ(features_of(modes).current, of::kPortFiber);
}

}  // namespace
}  // namespace weft::vswitch
