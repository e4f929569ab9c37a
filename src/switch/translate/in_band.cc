// In-band control (bridge/in_band.h): the local port learns its address from DHCP servers whatever the flows
// do with their answers, since without an address there is no controller who could make other flows.

#include "packet/ethernet.h"
#include "packet/ipv4.h"
#include "switch/translate/walk.h"

namespace weft::vswitch {

namespace {

constexpr uint16_t kDhcpServer = 67, kDhcpClient = 68;

bool sends_to(const datapath::Actions& actions, datapath::PortNo port) {
    for (const datapath::Action& action : actions) {
        if (auto* output = action.get_if<datapath::Output>(); output && output->port == port) return true;
        if (auto* clone = action.get_if<datapath::Clone>(); clone && sends_to(clone->actions, port))
            return true;
    }
    return false;
}

// The bits that tell `value` from `other`: up to the first in which they differ.
uint16_t telling_bits(uint16_t value, uint16_t other) {
    uint16_t mask = 0;
    for (uint16_t bit = 0x8000; bit; bit = static_cast<uint16_t>(bit >> 1)) {
        mask |= bit;
        if ((value ^ other) & bit) break;
    }
    return mask;
}

}  // namespace

void Walk::output_dhcp_in_band() {
    OfPort* local = bridge_->port(openflow::kPortLocal);
    if (!bridge_->in_band() || !local || freezing_ || out_.error != TranslateError::kNone) return;
    const packet::Flow& flow = in_.flow;
    if (flow.dl_type != packet::ethernet::kIpv4 || sends_to(out_.actions, local->dp_port)) return;
    mask_.nw_proto = 0xff;
    if (flow.nw_proto != packet::protocol::kUdp || (flow.nw_frag & packet::kFragLater)) return;
    mask_.tp_src |= telling_bits(flow.tp_src, kDhcpServer);
    if (flow.tp_src != kDhcpServer) return;
    mask_.tp_dst |= telling_bits(flow.tp_dst, kDhcpClient);
    if (flow.tp_dst != kDhcpClient) return;
    Nest nest(*this, trace_ && !trace_->empty() ? &trace_->back() : nullptr);
    detail("outputting DHCP packet to local port for in-band control");
    commit();
    append(datapath::Output{local->dp_port});
}

}  // namespace weft::vswitch
