// Fuzzes what tenants' packets reach in the controller: every responder that reads one.  The first byte
// chooses, so that the corpus of one does not crowd out another's.

#include "controller/pinctrl/packet_in.h"
#include "controller/pinctrl/paused_answers.h"
#include "controller/responders/acl_log.h"
#include "controller/responders/load_balancer_events.h"
#include "controller/responders/multicast_groups.h"
#include "controller/responders/prefix_delegation.h"
#include "controller/responders/service_answer.h"
#include "packet/extract.h"

using namespace weft;
using namespace weft::controller;

namespace {

const uint8_t kDhcpv4[] = {10, 0, 0,  11, 67, 1, 'b', 254, 1,  'a', 253, 4, 10, 0,
                           0,  9, 51, 4,  0,  0, 14,  16,  54, 4,   10,  0, 0,  1};
const uint8_t kDhcpv6[] = {0,   2, 0, 6, 2,  0,    0, 0, 0, 9, 0, 24, 0, 3, 'a', '.', 'b', 0, 39, 0, 1,
                           'h', 0, 5, 0, 16, 0xfd, 0, 0, 0, 0, 0, 0,  0, 0, 0,   0,   0,   0, 0,  0, 1};
const uint8_t kAdvertisement[] = {134, 0, 0, 0, 255, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0};

void make_packets(ByteView frame) {
    openflow::PacketIn packet_in;
    packet_in.packet = Bytes(frame.begin(), frame.end());
    packet::Flow flow = packet::zero_flow();
    packet::extract(frame, flow);
    Arrived arrived{logical::ControllerOpcode::kReject, packet_in, flow, frame, {}};
    (void)make_arp_request(arrived);
    (void)make_neighbour_solicitation(arrived);
    (void)make_neighbour_advertisement(arrived, true);
    (void)make_icmp_error(arrived);
    (void)make_tcp_reset(arrived);
    (void)make_sctp_abort(arrived);
    (void)make_rejection(arrived);
    (void)with_frag_mtu(arrived);
}

void look_up_name(ByteView frame) {
    static const Uuid datapath = Uuid::random();
    static const DnsTable names = [] {
        schema::sb::DNS row{};
        row.records.set("vm1.org", "10.0.0.4 aef0::4");
        row.datapaths.insert(datapath);
        DnsTable table;
        table.set(Uuid::random(), row);
        return table;
    }();
    (void)answer_dns(frame, datapath, names);
}

void delegate(ByteView message) {
    PrefixDelegation client({2, 0, 0, 0, 0, 1}, 1, 7);
    (void)client.run(0);
    client.received(message, 1);
    (void)client.run(2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (!size) return 0;
    ByteView rest(data + 1, size - 1);
    switch (data[0] % 10) {
        case 0:
            (void)answer_dhcpv4(rest, kDhcpv4);
            (void)relay_dhcp_request(rest, ByteView(kDhcpv4).first(8));
            (void)relay_dhcp_answer(rest, ByteView(kDhcpv4).first(8));
            break;
        case 1:
            (void)answer_dhcpv6(rest, kDhcpv6);
            break;
        case 2:
            (void)answer_router_solicitation(rest, kAdvertisement);
            break;
        case 3:
            look_up_name(rest);
            break;
        case 4:
            if (auto message = read_multicast_message(rest)) {
                MulticastGroups groups;
                groups.note(*message, 1, 0);
            }
            break;
        case 5:
            make_packets(rest);
            break;
        case 6:
            (void)read_service_answer(rest);
            break;
        case 7:
            delegate(rest);
            break;
        case 8:
            (void)acl_log_line({}, rest, true);
            break;
        default:
            (void)LoadBalancerEvents::parse(rest);
            break;
    }
    return 0;
}
