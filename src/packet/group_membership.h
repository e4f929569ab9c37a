// Messages of group membership as a snooping switch reads them (RFC 4541): IGMP versions 1 to 3 (RFC 1112,
// RFC 2236, RFC 3376) and MLD versions 1 and 2 (RFC 2710, RFC 3810).
//
// An MLD message is an ICMPv6 message; both families are read into one form, IPv4 groups as ::ffff:a.b.c.d.
// Checksums are checked.  A report may hold thousands of records, so they are handed over one by one and kept
// nowhere.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/bytes.h"
#include "packet/extract.h"

namespace weft::packet {

inline constexpr uint8_t kIgmpQuery = 0x11, kIgmpReport1 = 0x12, kIgmpReport2 = 0x16, kIgmpLeave = 0x17,
                         kIgmpReport3 = 0x22;
inline constexpr uint8_t kMldQuery = 130, kMldReport1 = 131, kMldDone = 132, kMldReport2 = 143;

constexpr bool is_mld(uint8_t icmpv6_type) {
    return icmpv6_type == kMldQuery || icmpv6_type == kMldReport1 || icmpv6_type == kMldDone ||
           icmpv6_type == kMldReport2;
}

// A report's record (RFC 3376, 4.2.12); older reports and leaves count as kToExclude and kToInclude of no
// sources, which they mean.
struct GroupRecord {
    enum class Type : uint8_t {
        kIsInclude = 1,
        kIsExclude = 2,
        kToInclude = 3,
        kToExclude = 4,
        kAllow = 5,
        kBlock = 6
    };
    Type type = Type::kToExclude;
    Ipv6Addr group{};
    uint16_t sources = 0;

    bool known() const { return type >= Type::kIsInclude && type <= Type::kBlock; }
    // No source of the group is wanted any more.
    bool leaves() const { return !sources && (type == Type::kIsInclude || type == Type::kToInclude); }
};

struct GroupMessage {
    enum class Kind : uint8_t { kQuery, kReport, kLeave };
    Kind kind = Kind::kQuery;
    uint8_t type = 0;  // of IGMP or ICMPv6
    bool cut = false;  // records are missing at the end
};

// The message in `frame`, whose key and layout extract() gave; `record` gets each complete record of a report
// or leave.  nullopt: there is none, it is shorter than its fixed part, or its checksum is wrong.
std::optional<GroupMessage> read_group_message(ByteView frame, const Flow& flow, const Layout& layout,
                                               const std::function<void(const GroupRecord&)>& record);

}  // namespace weft::packet
