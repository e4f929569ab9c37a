// Bundles: several changes that happen together or not at all (OpenFlow 1.5.1 section 7.3.9; 1.3 by ONF
// extension 230).

#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"

namespace weft::openflow {

inline constexpr uint16_t kBundleAtomic = 1, kBundleOrdered = 2;

struct BundleControl {
    enum class Type : uint16_t {
        kOpenRequest,
        kOpenReply,
        kCloseRequest,
        kCloseReply,
        kCommitRequest,
        kCommitReply,
        kDiscardRequest,
        kDiscardReply,
    };
    uint32_t bundle_id = 0;
    Type type = Type::kOpenRequest;
    uint16_t flags = 0;
};

// Holds a whole message, header included, of the same version and transaction id.
struct BundleAdd {
    uint32_t bundle_id = 0;
    uint16_t flags = 0;
    Bytes message;
};

}  // namespace weft::openflow
