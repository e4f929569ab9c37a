#include "controller/balanced_connections.h"

#include <sys/socket.h>

#include <algorithm>

#include "incremental/definitions.h"

namespace weft::controller {

namespace sb = schema::sb;

namespace {

packet::Ipv6Addr wire_address(const LbEndpoint& endpoint) {
    return endpoint.v6 ? endpoint.address : packet::map_ipv4(endpoint.ipv4());
}

}  // namespace

openflow::CtFlush flush_of(const BalancedPair& pair) {
    openflow::CtFlush flush;
    flush.ip_proto = pair.protocol;
    flush.family = pair.vip.v6 ? AF_INET6 : AF_INET;
    openflow::CtTuple& original = flush.original.emplace();
    original.dst = wire_address(pair.vip);
    original.dst_port = pair.vip.port;
    openflow::CtTuple& reply = flush.reply.emplace();
    reply.src = wire_address(pair.backend);
    reply.src_port = pair.backend.port;
    return flush;
}

BalancedConnections::BalancedConnections(SouthboundView& view) : view_(view) {}
BalancedConnections::~BalancedConnections() = default;

void BalancedConnections::list(const Uuid& uuid) {
    const sb::LoadBalancer* row = view_.value(view_.load_balancers, uuid);
    if (!row || !ovsdb::get_bool(row->options, "ct_flush")) return;
    std::set<Uuid> datapaths = datapaths_of(view_, *row);
    if (std::none_of(datapaths.begin(), datapaths.end(),
                     [&](const Uuid& each) { return view_.local_datapath(each); }))
        return;
    for (const LbVip& vip : vips_of(view_, *row)) {
        for (const LbEndpoint& backend : vip.backends)
            pairs_.emit({vip.vip.port ? protocol_of(*row) : uint8_t{0}, vip.vip, backend});
    }
}

}  // namespace weft::controller
