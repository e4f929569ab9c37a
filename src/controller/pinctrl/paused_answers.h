// Operations that pause the pipeline: put_dhcp_opts, put_dhcpv6_opts, put_nd_ra_opts, dns_lookup and the
// checks of a DHCP relay.  Each
// turns the packet that waits into its answer; the logical flow behind the action sends it back.  The
// protocols themselves are in responders/.
//
// The action's userdata begins with where to store whether there was an answer (one bit); what follows are
// the protocol's parameters.

#pragma once

#include <optional>

#include "controller/responders/dns_table.h"
#include "openflow/field.h"
#include "openflow/messages/packet.h"

namespace weft::controller {

// The result's place at the front of `userdata`; nullopt if it is no single writable bit.
std::optional<openflow::Subfield> read_result_field(ByteReader& userdata);

// The frame that goes on instead of `frame`; nullopt: there is no answer, and the frame goes on as it came.
std::optional<Bytes> answer_dhcpv4(ByteView frame, ByteView parameters);
std::optional<Bytes> answer_dhcpv6(ByteView frame, ByteView parameters);
std::optional<Bytes> answer_router_solicitation(ByteView frame, ByteView parameters);
// The client's request, and the server's answer, as a relay passes them on.
std::optional<Bytes> relay_dhcp_request(ByteView frame, ByteView parameters);
std::optional<Bytes> relay_dhcp_answer(ByteView frame, ByteView parameters);
std::optional<Bytes> answer_dns(ByteView frame, const Uuid& datapath, const DnsTable& names);

}  // namespace weft::controller
