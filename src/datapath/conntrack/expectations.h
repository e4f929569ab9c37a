// Connections that others have announced: an FTP control connection its data connections (ftp.h), a TFTP
// request the transfer (RFC 1350 section 4: the server answers from a port of its own).
//
// The first packet of a connection that was announced takes its announcement away and becomes a related
// connection, with the mark and label of the one that announced it, and translated as that one is.
// Announcements are few: one is kept for each announcing connection, kMost in all, for kSeconds.

#pragma once

#include <optional>

#include "base/hash_map.h"
#include "datapath/conntrack/tuple.h"

namespace weft::datapath::conntrack {

struct Expectation {
    Tuple first;       // of its first packet; src_port 0: any
    Tuple translated;  // what the receiver is to see of it; equal to `first` if nothing is translated
    Tuple parent;      // the announcing connection's original tuple
    // What `nat` does to it, also where it changes nothing.
    bool source_nat = false, destination_nat = false;
    uint32_t mark = 0;
    packet::Be128 label{};
    int64_t expires_ms = 0;
};

class Expectations {
  public:
    static constexpr size_t kMost = 4096;
    static constexpr int64_t kSeconds = 30;

    bool empty() const { return by_first_.empty(); }
    // Takes the place of what the same connection announced before.
    void add(Expectation expectation, int64_t now_ms);
    // Takes out the announcement of a connection that begins with `tuple`.
    std::optional<Expectation> take(const Tuple& tuple, int64_t now_ms);
    // Whether there is one, without taking it.
    const Expectation* find(const Tuple& tuple, int64_t now_ms) const;
    void forget(const Tuple& parent);  // the announcing connection is gone
    void clear();

  private:
    static Tuple key_of(const Tuple& tuple);
    absl::flat_hash_map<Tuple, Expectation, TupleHash> by_first_;
    absl::flat_hash_map<Tuple, Tuple, TupleHash> by_parent_;
};

}  // namespace weft::datapath::conntrack
