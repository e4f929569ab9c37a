#include "datapath/api/connection_table.h"

namespace weft::datapath {

void clear_connection_fields(packet::Flow& key) {
    key.ct_state = key.ct_mark = 0;
    key.ct_label = {};
    key.ct_zone = key.ct_tp_src = key.ct_tp_dst = 0;
    key.ct_nw_proto = 0;
    key.ct_nw_src = key.ct_nw_dst = 0;
    key.ct_ipv6_src = key.ct_ipv6_dst = {};
}

bool PartialMarks::match(uint32_t its_mark, const packet::Be128& its_label) const {
    if ((its_mark ^ mark) & mark_mask) return false;
    for (size_t i = 0; i < label.size(); ++i) {
        if ((its_label[i] ^ label[i]) & label_mask[i]) return false;
    }
    return true;
}

bool PartialTuple::matches(const ConnectionTuple& tuple) const {
    auto same = [](const auto& wanted, const auto& value) { return !wanted || *wanted == value; };
    bool icmp = tuple.protocol == 1 || tuple.protocol == 58;
    if (!same(v6, tuple.v6) || !same(src, tuple.src) || !same(dst, tuple.dst) ||
        !same(protocol, tuple.protocol))
        return false;
    if (icmp) {
        return !src_port && !dst_port && same(icmp_id, tuple.src_port) &&
               same(icmp_type, static_cast<uint8_t>(tuple.dst_port >> 8)) &&
               same(icmp_code, static_cast<uint8_t>(tuple.dst_port & 0xff));
    }
    return !icmp_id && !icmp_type && !icmp_code && same(src_port, tuple.src_port) &&
           same(dst_port, tuple.dst_port);
}

}  // namespace weft::datapath
