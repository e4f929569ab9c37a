#include "switch/upcall/flush_connections.h"

#include "packet/address.h"

namespace weft::vswitch {

namespace {

datapath::PartialTuple partial(const openflow::CtFlush& what, const std::optional<openflow::CtTuple>& from) {
    datapath::PartialTuple to;
    if (!from) return to;
    auto address = [&](const packet::Ipv6Addr& in) -> std::optional<packet::Ipv6Addr> {
        auto v4 = packet::mapped_ipv4(in);
        if (packet::is_zero(in) || (v4 && !*v4)) return std::nullopt;
        to.v6 = !v4;
        if (!v4) return in;
        packet::Ipv6Addr out{};
        store_be32(out.data(), *v4);
        return out;
    };
    auto given = [](auto value) { return value ? std::optional(value) : std::nullopt; };
    to.src = address(from->src);
    to.dst = address(from->dst);
    to.protocol = given(what.ip_proto);
    if (what.ip_proto == 1 || what.ip_proto == 58) {
        to.icmp_type = given(from->icmp_type);
        to.icmp_code = given(from->icmp_code);
        to.icmp_id = given(from->icmp_id);
    } else {
        to.src_port = given(from->src_port);
        to.dst_port = given(from->dst_port);
    }
    return to;
}

}  // namespace

bool flush_connections(datapath::ConnectionTable& table, const openflow::CtFlush& what) {
    datapath::PartialTuple original = partial(what, what.original), reply = partial(what, what.reply);
    // One connection, named by its tuple, is looked for in zone 0 unless another is given; of parts of
    // tuples, those of all zones.
    bool one = original.src && original.dst && original.src_port && original.dst_port && reply.empty();
    datapath::PartialMarks marks;
    if (what.mark) {
        marks.mark = what.mark->value;
        marks.mark_mask = what.mark->mask;
    }
    if (what.labels) {
        marks.label = what.labels->value;
        marks.label_mask = what.labels->mask;
    }
    size_t flushed =
        table.flush(one && !what.zone ? std::optional<uint16_t>(0) : what.zone, original, reply, marks);
    return flushed || !one;
}

}  // namespace weft::vswitch
