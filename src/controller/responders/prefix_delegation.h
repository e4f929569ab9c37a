// The client's side of IPv6 prefix delegation (RFC 8415 sections 6.3 and 18.2), as a pure state machine: one
// prefix for one router port.
//
//   soliciting → requesting → bound → renewing (after T1) → rebinding (after T2) → soliciting
//
// Messages go to All_DHCP_Relay_Agents_and_Servers, and are sent again after 1, 2, 4, … seconds (10, 20, …
// when renewing and rebinding), until their kind's limit.  A prefix counts until its valid lifetime is over.
// Answers that are not for this client, transaction and association are ignored.

#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "controller/responders/router_advertisement.h"
#include "packet/flow.h"

namespace weft::controller {

class PrefixDelegation {
  public:
    using Prefix = RouterAdvertisement::Prefix;

    // `mac` is the identity towards the server (DUID-LL), `identity` the number of the association;
    // transaction ids are drawn from `seed`.
    PrefixDelegation(const packet::EthAddr& mac, uint32_t identity, uint32_t seed)
        : mac_(mac), identity_(identity), random_(seed | 1) {}

    // The message that is due, if any: a UDP payload for port 547.
    std::optional<Bytes> run(int64_t now_ms);
    // A UDP payload from a server.  True if the prefix changed.
    bool received(ByteView message, int64_t now_ms);

    std::optional<Prefix> prefix() const { return prefix_; }
    int64_t due_ms() const { return due_ms_; }

  private:
    enum class State : uint8_t { kSoliciting, kRequesting, kBound, kRenewing, kRebinding };
    struct Reply;

    std::optional<Reply> read(ByteView message) const;
    void enter(State state, int64_t now_ms);
    void progress(int64_t now_ms);  // to the state that the time says
    Bytes message() const;
    uint32_t next_random();

    packet::EthAddr mac_;
    uint32_t identity_;
    uint32_t random_;
    State state_ = State::kSoliciting;
    uint32_t transaction_ = 0;
    int tries_ = 0;
    int64_t wait_ms_ = 0;  // between tries; 0: nothing sent in this state yet
    int64_t due_ms_ = 0;
    Bytes server_;  // its DUID
    std::optional<Prefix> prefix_;
    std::optional<Prefix> offered_;
    int64_t renew_ms_ = 0, rebind_ms_ = 0, expires_ms_ = 0;
};

}  // namespace weft::controller
