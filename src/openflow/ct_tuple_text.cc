#include "openflow/ct_tuple_text.h"

#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>

#include "openflow/field.h"
#include "openflow/text.h"
#include "packet/address.h"

namespace weft::openflow {

namespace {

bool is_icmp(uint8_t protocol) {
    return protocol == 1 || protocol == 58;
}

struct Parser {
    CtFlush& flush;
    CtTuple& tuple;
    bool has_port = false, has_icmp = false;

    Result<void> address(std::string_view key, std::string_view value, bool v6, packet::Ipv6Addr& out) {
        if (v6) {
            auto parsed = packet::parse_ipv6(value);
            if (!parsed) return bad(key);
            out = *parsed;
        } else {
            auto parsed = packet::parse_ipv4(value);
            if (!parsed) return bad(key);
            out = packet::map_ipv4(*parsed);
        }
        uint16_t family = v6 ? AF_INET6 : AF_INET;
        if (flush.family && flush.family != family)
            return Error{fmt::format("the L3 protocol does not match {}", value)};
        flush.family = family;
        return {};
    }

    static Error bad(std::string_view key) { return Error{fmt::format("failed to parse field {}", key)}; }

    template <typename T>
    static Result<void> number(std::string_view key, std::string_view value, T& out) {
        auto parsed = text::parse_u64_max(value, std::numeric_limits<T>::max());
        if (!parsed) return bad(key);
        out = static_cast<T>(*parsed);
        return {};
    }

    Result<void> field(std::string_view key, std::string_view value) {
        if (key == "ct_nw_src") return address(key, value, false, tuple.src);
        if (key == "ct_nw_dst") return address(key, value, false, tuple.dst);
        if (key == "ct_ipv6_src") return address(key, value, true, tuple.src);
        if (key == "ct_ipv6_dst") return address(key, value, true, tuple.dst);
        if (key == "ct_nw_proto") return number(key, value, flush.ip_proto);
        if (key == "ct_tp_src" || key == "ct_tp_dst") {
            has_port = true;
            return number(key, value, key == "ct_tp_src" ? tuple.src_port : tuple.dst_port);
        }
        has_icmp = true;
        if (key == "icmp_type") return number(key, value, tuple.icmp_type);
        if (key == "icmp_code") return number(key, value, tuple.icmp_code);
        if (key == "icmp_id") return number(key, value, tuple.icmp_id);
        return Error{fmt::format("invalid conntrack tuple field: {}", key)};
    }
};

}  // namespace

Result<bool> parse_ct_marks(std::string_view word, CtFlush& flush) {
    bool is_mark = word.starts_with("mark="), is_label = word.starts_with("labels=");
    if (!is_mark && !is_label) return false;
    const Field& which = field(is_mark ? FieldId::kCtMark : FieldId::kCtLabel);
    FieldValue value, mask;
    WEFT_TRY(parse_value(which, word.substr(word.find('=') + 1), nullptr, value, mask));
    if (is_mark) {
        flush.mark =
            CtMark{static_cast<uint32_t>(value.low_u64(which)), static_cast<uint32_t>(mask.low_u64(which))};
        return true;
    }
    CtLabels& labels = flush.labels.emplace();
    std::copy_n(value.bytes.begin(), labels.value.size(), labels.value.begin());
    std::copy_n(mask.bytes.begin(), labels.mask.size(), labels.mask.begin());
    return true;
}

Result<void> parse_ct_tuple(std::string_view line, bool reply, CtFlush& flush) {
    if (line.empty()) return {};
    Parser parser{flush, (reply ? flush.reply : flush.original).emplace()};
    text::Term term;
    while (text::next_term(line, term)) {
        if (term.value.empty()) return Error{fmt::format("field {} missing value", term.key)};
        WEFT_TRY(parser.field(term.key, term.value));
    }
    if (parser.has_port && !flush.ip_proto) return Error{"port is set without protocol"};
    if (parser.has_icmp && !is_icmp(flush.ip_proto)) return Error{"invalid L4 fields"};
    return {};
}

}  // namespace weft::openflow
