#include "switch/bridge/link_features.h"

#include <linux/ethtool.h>

#include "openflow/messages/port.h"

namespace weft::vswitch {

namespace {

namespace of = openflow;

constexpr uint64_t kMegabit = 1000000;

// Of the modes that ethtool's older form has bits for.
uint32_t from_mask(uint32_t modes) {
    static constexpr struct {
        uint32_t mode, feature;
    } kModes[] = {{SUPPORTED_10baseT_Half, of::kPort10MbHd},
                  {SUPPORTED_10baseT_Full, of::kPort10MbFd},
                  {SUPPORTED_100baseT_Half, of::kPort100MbHd},
                  {SUPPORTED_100baseT_Full, of::kPort100MbFd},
                  {SUPPORTED_1000baseT_Half, of::kPort1GbHd},
                  {SUPPORTED_1000baseT_Full, of::kPort1GbFd},
                  {SUPPORTED_1000baseKX_Full, of::kPort1GbFd},
                  {SUPPORTED_10000baseT_Full, of::kPort10GbFd},
                  {SUPPORTED_10000baseKX4_Full, of::kPort10GbFd},
                  {SUPPORTED_10000baseKR_Full, of::kPort10GbFd},
                  {SUPPORTED_40000baseKR4_Full, of::kPort40GbFd},
                  {SUPPORTED_40000baseCR4_Full, of::kPort40GbFd},
                  {SUPPORTED_40000baseSR4_Full, of::kPort40GbFd},
                  {SUPPORTED_40000baseLR4_Full, of::kPort40GbFd},
                  {SUPPORTED_TP, of::kPortCopper},
                  {SUPPORTED_FIBRE, of::kPortFiber},
                  {SUPPORTED_Autoneg, of::kPortAutoneg},
                  {SUPPORTED_Pause, of::kPortPause},
                  {SUPPORTED_Asym_Pause, of::kPortPauseAsym}};
    uint32_t features = 0;
    for (const auto& [mode, feature] : kModes) {
        if (modes & mode) features |= feature;
    }
    return features;
}

uint32_t from_speed(uint64_t bits_per_second, bool full_duplex) {
    switch (bits_per_second / kMegabit) {
        case 0:
            return 0;
        case 10:
            return full_duplex ? of::kPort10MbFd : of::kPort10MbHd;
        case 100:
            return full_duplex ? of::kPort100MbFd : of::kPort100MbHd;
        case 1000:
            return full_duplex ? of::kPort1GbFd : of::kPort1GbHd;
        case 10000:
            return of::kPort10GbFd;
        case 40000:
            return of::kPort40GbFd;
        case 100000:
            return of::kPort100GbFd;
        case 1000000:
            return of::kPort1TbFd;
        default:
            return of::kPortOtherSpeed;
    }
}

uint32_t fastest_kbps(uint32_t features) {
    static constexpr struct {
        uint32_t features, kbps;
    } kSpeeds[] = {{of::kPort40GbFd, 40000000},
                   {of::kPort10GbFd, 10000000},
                   {of::kPort1GbHd | of::kPort1GbFd, 1000000},
                   {of::kPort100MbHd | of::kPort100MbFd, 100000},
                   {of::kPort10MbHd | of::kPort10MbFd, 10000}};
    for (const auto& [bits, kbps] : kSpeeds) {
        if (features & bits) return kbps;
    }
    return 0;
}

}  // namespace

LinkFeatures features_of(const datapath::LinkModes& modes) {
    LinkFeatures out;
    out.current = from_speed(modes.bits_per_second, modes.full_duplex);
    if (modes.medium == PORT_TP) out.current |= of::kPortCopper;
    if (modes.medium == PORT_FIBRE) out.current |= of::kPortFiber;
    if (modes.negotiates) out.current |= of::kPortAutoneg;
    out.supported = from_mask(modes.supported);
    out.advertised = from_mask(modes.advertised);
    out.current_kbps = static_cast<uint32_t>(modes.bits_per_second / 1000);
    out.max_kbps = fastest_kbps(out.supported);
    return out;
}

}  // namespace weft::vswitch
