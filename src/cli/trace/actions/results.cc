// Actions with a result that tables of the controller or the controller itself would give.

#include <string_view>

#include "cli/trace/actions/cases.h"
#include "cli/trace/port_security.h"
#include "logical/openflow_map.h"

namespace weft::cli::trace {

void execute(const logical::TableCheck& check, Run& run) {
    bool result = false;
    if (check.table == logical::kInPortSecTable) {
        result = !may_send(run.datapath(), run.packet);
    } else if (check.table == logical::kOutPortSecTable) {
        result = !may_receive(run.datapath(), run.packet);
    }
    set_field(run.packet, check.result, result ? 1 : 0);
    bool hairpin = check.table == logical::kLbHairpinTable || check.table == logical::kLbHairpinReplyTable;
    if (hairpin) run.modify(field_name(check.result) + " = 0");
}

// The packet is taken as one that fits.
void execute(const logical::CheckPktLarger& check, Run& run) {
    set_field(run.packet, check.result, 0);
}

void execute(const logical::PutOptions& put, Run& run) {
    set_field(run.packet, put.result, 1);
    bool router = put.kind == logical::PutOptions::Kind::kNdRa;
    append(run.nodes, Node::Kind::kRemark,
           router ? "/* We assume that this packet is a router solicitation. */"
                  : "/* We assume that this packet is DHCPDISCOVER or DHCPREQUEST. */");
    std::string text;
    put.print(text);
    constexpr std::string_view kAssign = " = ";
    size_t at = text.find(kAssign);
    run.modify(at == std::string::npos ? text : text.substr(at + kAssign.size()));
}

void execute(const logical::DhcpRelay& relay, Run& run) {
    set_field(run.packet, relay.result, 1);
    append(run.nodes, Node::Kind::kRemark,
           relay.is_request
               ? "/* We assume that this packet is a DHCP request that no relay has seen. */"
               : "/* We assume that this packet is an answer of the DHCP server to this relay. */");
    std::string text;
    relay.print(text);
    run.modify(text.substr(text.find("dhcp_relay")));
}

// The name that a query asks for is not among the fields of a microflow.
void execute(const logical::DnsLookup& lookup, Run& run) {
    set_field(run.packet, lookup.result, 0);
    append(run.nodes, Node::Kind::kError, "the name asked for is not known, taken as one that is not found");
}

}  // namespace weft::cli::trace
