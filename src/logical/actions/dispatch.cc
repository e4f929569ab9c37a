// The actions, by name.

#include <algorithm>

#include "logical/actions/assign.h"
#include "logical/actions/check.h"
#include "logical/actions/conntrack.h"
#include "logical/actions/groups.h"
#include "logical/actions/learn.h"
#include "logical/actions/misc.h"
#include "logical/actions/neighbour.h"
#include "logical/actions/nested.h"
#include "logical/actions/options.h"
#include "logical/actions/parser.h"
#include "logical/actions/pipeline.h"

namespace weft::logical {

namespace {

constexpr NamedAction kActions[] = {
    {"next", parse_next},
    {"output", parse_output},
    {"drop", parse_drop},
    {"clone", parse_clone},
    {"push", parse_push},
    {"pop", parse_pop},
    {"ct_next", parse_ct_next},
    {"ct_commit", parse_ct_commit},
    {"ct_dnat", parse_ct_dnat},
    {"ct_snat", parse_ct_snat},
    {"ct_dnat_in_czone", parse_ct_dnat_in_czone},
    {"ct_snat_in_czone", parse_ct_snat_in_czone},
    {"ct_lb", parse_ct_lb},
    {"ct_lb_mark", parse_ct_lb_mark},
    {"ct_lb_mark_local", parse_ct_lb_mark_local},
    {"ct_clear", parse_ct_clear},
    {"ct_commit_nat", parse_ct_commit_nat},
    {"ct_snat_to_vip", parse_ct_snat_to_vip},
    {"arp", parse_arp},
    {"icmp4", parse_icmp4},
    {"icmp4_error", parse_icmp4_error},
    {"icmp6", parse_icmp6},
    {"icmp6_error", parse_icmp6_error},
    {"tcp_reset", parse_tcp_reset},
    {"sctp_abort", parse_sctp_abort},
    {"reject", parse_reject},
    {"nd_na", parse_nd_na},
    {"nd_na_router", parse_nd_na_router},
    {"nd_ns", parse_nd_ns},
    {"get_arp", parse_get_arp},
    {"put_arp", parse_put_arp},
    {"get_nd", parse_get_nd},
    {"put_nd", parse_put_nd},
    {"put_fdb", parse_put_fdb},
    {"set_queue", parse_set_queue},
    {"set_meter", parse_set_meter},
    {"log", parse_log},
    {"trigger_event", parse_trigger_event},
    {"igmp", parse_igmp},
    {"handle_bfd_msg", parse_handle_bfd_msg},
    {"handle_dhcpv6_reply", parse_handle_dhcpv6_reply},
    {"handle_svc_check", parse_handle_svc_check},
    {"bind_vport", parse_bind_vport},
    {"fwd_group", parse_fwd_group},
    {"commit_ecmp_nh", parse_commit_ecmp_nh},
    {"commit_lb_aff", parse_commit_lb_aff},
    {"sample", parse_sample},
};

constexpr NamedResultAction kResultActions[] = {
    {"lookup_arp", parse_lookup_arp},
    {"lookup_arp_ip", parse_lookup_arp_ip},
    {"lookup_nd", parse_lookup_nd},
    {"lookup_nd_ip", parse_lookup_nd_ip},
    {"get_fdb", parse_get_fdb},
    {"lookup_fdb", parse_lookup_fdb},
    {"put_dhcp_opts", parse_put_dhcp_opts},
    {"put_dhcpv6_opts", parse_put_dhcpv6_opts},
    {"put_nd_ra_opts", parse_put_nd_ra_opts},
    {"dns_lookup", parse_dns_lookup},
    {"dhcp_relay_req_chk", parse_dhcp_relay_req_chk},
    {"dhcp_relay_resp_chk", parse_dhcp_relay_resp_chk},
    {"check_pkt_larger", parse_check_pkt_larger},
    {"chk_lb_hairpin", parse_chk_lb_hairpin},
    {"chk_lb_hairpin_reply", parse_chk_lb_hairpin_reply},
    {"check_in_port_sec", parse_check_in_port_sec},
    {"check_out_port_sec", parse_check_out_port_sec},
    {"chk_ecmp_nh_mac", parse_chk_ecmp_nh_mac},
    {"chk_ecmp_nh", parse_chk_ecmp_nh},
    {"chk_lb_aff", parse_chk_lb_aff},
    {"select", parse_select},
};

}  // namespace

const NamedAction* find_action(std::string_view name) {
    auto it =
        std::find_if(std::begin(kActions), std::end(kActions), [&](const auto& a) { return a.name == name; });
    return it == std::end(kActions) ? nullptr : it;
}

const NamedResultAction* find_result_action(std::string_view name) {
    auto it = std::find_if(std::begin(kResultActions), std::end(kResultActions),
                           [&](const auto& a) { return a.name == name; });
    return it == std::end(kResultActions) ? nullptr : it;
}

}  // namespace weft::logical
