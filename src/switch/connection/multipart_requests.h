// Requests that come in several messages (OpenFlow 1.3, 7.3.5.1): parts with one transaction id, all but the
// last marked OFPMPF_REQ_MORE.
//
// Pure: parts and times go in, whole requests come out.  A connection's peer can fill no memory with it: of
// all requests together at most kMostBytes are kept (those about the features of all tables are 1.3 MB), of
// kMostRequests at a time, and for kPatienceMs after the last part.

#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/bytes.h"
#include "openflow/error.h"

namespace weft::vswitch {

class MultipartRequests {
  public:
    static constexpr size_t kMostBytes = 4 << 20, kMostRequests = 64;
    static constexpr int64_t kPatienceMs = 1000;

    struct Outcome {
        openflow::OfError error = openflow::OfError::kNone;
        // In the order of their coming, those without a body left out unless there is no other; empty: there
        // is more to come, or an error.
        std::vector<Bytes> parts;
    };
    // `message` is a request for statistics, whole and of a form that is known.  On an error all of the
    // request is forgotten.
    Outcome add(ByteView message, int64_t now_ms);
    // The last parts of requests that nobody has gone on with, which are forgotten.
    std::vector<Bytes> take_late(int64_t now_ms);

  private:
    struct Request {
        std::vector<Bytes> parts;
        Bytes empty;  // the last part without a body
        size_t bytes = 0;
        uint16_t kind = 0;
        int64_t late_ms = 0;
    };
    void forget(std::map<uint32_t, Request>::iterator request);
    std::map<uint32_t, Request> requests_;  // by transaction id
    size_t bytes_ = 0;
};

}  // namespace weft::vswitch
