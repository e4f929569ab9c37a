// The connection tracker of the userspace and dummy datapaths.
//
// track() is the way of a packet: fragments are collected (fragments.h); headers are read and verified
// (headers.h); the tuple is looked up (connection_store.h); the protocol's state moves on (tcp_tracking.h)
// and says whether the packet is new, established or invalid; translation is chosen for new connections and
// carried out for all (nat.h); `commit` keeps the connection, its mark and label.  Connections committed with
// a helper (alg=) announce others (expectations.h).
//
// The limits: connections in all and by zone.  At a limit new connections are not kept and those that are
// live on; what a flood of SYNs has left goes after 30 s (tcp_syn_sent), also without packets.
//
// Packets of several threads come one after the other: one lock is held through all that is here.  dump()
// lets it go between pieces, so a connection that changes meanwhile may be told of twice, or not at all.

#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "datapath/api/connection_table.h"
#include "datapath/conntrack/accelerator.h"
#include "datapath/conntrack/connection_store.h"
#include "datapath/conntrack/expectations.h"
#include "datapath/conntrack/fragments.h"
#include "datapath/conntrack/nat.h"

namespace weft::datapath::conntrack {

class Tracker final : public ConnectionTable {
  public:
    // Who sees packets before the tracker does; must outlive all calls.  Before the first packet.
    void accelerate(Accelerator* accelerator);

    // An established connection that an earlier process tracked, and that an accelerator has followed since:
    // new here, or told of once more with numbers that have grown.  Dropped if another one has its tuples.
    // `timeout_s`: without packets it is over.
    void adopt(const Connection& connection, uint32_t timeout_s, int64_t now_ms);

    Tracked track(packet::Packet& packet, const packet::Layout& layout, packet::Flow& key,
                  const Conntrack& action, int64_t now_ms, std::vector<packet::Packet>& fragments,
                  explain::DropReason& reason) override;
    bool run(int64_t now_ms) override;

    using ConnectionTable::flush;
    size_t flush(std::optional<uint16_t> zone, const PartialTuple& original, const PartialTuple& reply,
                 const PartialMarks& marks) override;
    void dump(std::optional<uint16_t> zone, int64_t now_ms,
              const std::function<void(const datapath::Connection&)>& each) const override;
    size_t count(std::optional<uint16_t> zone) const override;

    size_t max_connections() const override { return max_connections_; }
    void set_max_connections(size_t limit) override {
        std::lock_guard lock(mutex_);
        max_connections_ = limit;
    }
    uint32_t default_limit() const override { return default_limit_; }
    void set_default_limit(uint32_t limit) override {
        std::lock_guard lock(mutex_);
        default_limit_ = limit;
    }
    void set_zone_limit(uint16_t zone, std::optional<uint32_t> limit) override;
    std::map<uint16_t, uint32_t> zone_limits() const override { return zone_limits_; }

    bool checks_tcp_sequences() const override { return check_sequences_; }
    void check_tcp_sequences(bool on) override {
        std::lock_guard lock(mutex_);
        check_sequences_ = on;
        offer_again();
    }

    FragmentStatus fragment_status(bool with_lists) const override {
        std::lock_guard lock(mutex_);
        return fragments_.status(with_lists);
    }
    Result<void> configure_fragments(const FragmentConfig& config) override {
        std::lock_guard lock(mutex_);
        return fragments_.configure(config);
    }

    Result<void> set_timeout_policy(const std::string& name,
                                    const std::map<std::string, uint32_t>& seconds) override {
        std::lock_guard lock(mutex_);
        auto done = policies_.set(name, seconds);
        offer_again();
        return done;
    }
    void delete_timeout_policy(const std::string& name) override {
        std::lock_guard lock(mutex_);
        policies_.remove(name);
    }

  private:
    enum class Outcome : uint8_t { kGoOn, kNatExhausted };

    // A whole packet.  `layout` and `key` are its own.
    Outcome track_whole(packet::Packet& packet, const packet::Layout& layout, packet::Flow& key,
                        const Conntrack& action, int64_t now_ms);
    Outcome track_new(packet::Packet& packet, const packet::Layout& layout, packet::Flow& key,
                      const Headers& headers, const Conntrack& action, int64_t now_ms);
    void track_error(packet::Packet& packet, const packet::Layout& layout, packet::Flow& key,
                     const Headers& headers, const Conntrack& action, int64_t now_ms);
    // The state of a packet of `found`; 0: it begins a new connection in the place of the old, which is gone.
    uint32_t update(const Found& found, const Headers& headers, int64_t now_ms);
    void end(Connection* connection);
    // helper.cc: what a packet of a connection with a helper announces.  Before the packet is translated.
    // False: what may not be announced, the packet is invalid.
    bool help(packet::Packet& packet, packet::Layout& layout, Headers& headers, Connection& connection,
              bool reply, const Conntrack& action, int64_t now_ms);
    bool help_ftp(packet::Packet& packet, packet::Layout& layout, Headers& headers, Connection& connection,
                  bool reply, bool translate, int64_t now_ms);
    // Announces a connection to `port` of the sender of a packet of `tuple`; the port as the other end is to
    // know it.
    uint16_t expect(const Tuple& tuple, const Connection& connection, bool reply, bool translate,
                    uint16_t port, int64_t now_ms);
    void renew_accelerated(Connection& connection) const;
    void offer(Connection& connection, bool used);
    void offer_again();
    bool has_room(uint16_t zone, int64_t now_ms);

    mutable std::mutex mutex_;
    Accelerator* accelerator_ = nullptr;
    ConnectionStore store_;
    Expectations expectations_;
    Fragments fragments_;
    Nat nat_;
    TimeoutPolicies policies_;
    size_t max_connections_ = 3000000;  // ovs-vswitchd's
    uint32_t default_limit_ = 0;
    std::map<uint16_t, uint32_t> zone_limits_;
    bool check_sequences_ = true;
    // Of the packet under way.
    bool translated_before_ = false;
    bool in_fragments_ = false;  // it came in pieces, whose lengths stay what they are
};

}  // namespace weft::datapath::conntrack
