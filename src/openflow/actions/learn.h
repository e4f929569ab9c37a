// learn: a flow that adds flows.

#pragma once

#include <cstdint>
#include <vector>

#include "openflow/actions/header.h"
#include "openflow/field.h"

namespace weft::openflow {

struct LearnSpec {
    enum class Destination : uint8_t { kMatch, kLoad, kOutput };
    Destination destination = Destination::kMatch;
    bool immediate = false;  // source is `value`, else `src`
    uint16_t bits = 0;
    Subfield src;
    ValueBytes value;  // big-endian, right-aligned, (bits + 15) / 16 * 2 bytes
    Subfield dst;      // not for kOutput
    bool operator==(const LearnSpec&) const = default;
};
struct Learn {
    enum Flag : uint16_t { kSendFlowRem = 1, kDeleteLearned = 2, kWriteResult = 4 };
    uint16_t idle_timeout = 0, hard_timeout = 0;  // seconds
    uint16_t fin_idle_timeout = 0, fin_hard_timeout = 0;
    uint16_t priority = 32768;
    uint8_t table = 1;
    uint16_t flags = 0;
    uint64_t cookie = 0;
    uint32_t limit = 0;   // 0: none
    Subfield result_dst;  // with kWriteResult
    std::vector<LearnSpec> specs;
    bool operator==(const Learn&) const = default;
};

}  // namespace weft::openflow
