// A maintenance point of Connectivity Fault Management (IEEE 802.1Q-2018, clause 20; once 802.1ag) as Open
// vSwitch has it (ovs-vswitchd.conf.db(5), "Connectivity Fault Management"): it sends a continuity check
// message (packet/cfm.h) every interval, and looks every 3.5 intervals at what came.
//
// A look makes the faults: nothing from anybody (recv), somebody who does not hear us (rdi), or a message of
// a foreign association (maid), with our own number (loopback) or from more points than kMostRemotes
// (overflow). Whoever was not heard of since the last look is forgotten.  Every kHealthLooks looks, 21
// intervals, the health is made of how many messages came from the one remote point that say they hear us.
//
// In demand mode, other packets that arrived stand in for the messages of the one remote point, for 100
// intervals after its last message at most.
//
// Pure: messages, packet counts and `now` go in, messages and state come out.  The owner calls receive() for
// every packet that CfmFilter says is ours, and, when next_wakeup_ms() is reached or anything else was
// called, poll(), until it gives nothing; before that, if wants_count(), count_received().
//
// What cannot be understood changes nothing; rejected() counts it.  Memory: an entry a remote point, at most
// kMostRemotes.
//
// Differences from the standard and from Open vSwitch: docs/decisions/0062-continuity-checks.md.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "packet/cfm.h"
#include "switch/protocols/cfm_options.h"

namespace weft::vswitch {

class Cfm {
  public:
    static constexpr size_t kMostRemotes = 256;
    static constexpr int kHealthLooks = 6;
    // Faults; the numbers are bits.
    static constexpr uint8_t kRecv = 0x01, kRdi = 0x02, kMaid = 0x04, kLoopback = 0x08, kOverflow = 0x10,
                             kOverride = 0x20, kInterval = 0x40;
    struct Send {
        packet::Ccm message;
        std::optional<uint16_t> tag;  // TCI
    };

    // `random` gives numbers for random VLANs.
    Cfm(const CfmOptions& options, std::function<uint32_t()> random, int64_t now_ms);

    void configure(const CfmOptions& options, int64_t now_ms);
    const CfmOptions& options() const { return options_; }

    // What follows the Ethernet header, tags and Ethertype.
    void receive(ByteView bytes, int64_t now_ms);
    // In demand mode, before a look: how many packets the interface has received so far.
    bool wants_count(int64_t now_ms) const { return options_.demand && now_ms >= next_look_ms_; }
    void count_received(uint64_t packets) { received_ = packets; }
    std::optional<Send> poll(int64_t now_ms);
    int64_t next_wakeup_ms() const;

    // As of the last look, or what cfm/set-fault says.
    uint8_t faults() const { return forced_ ? (*forced_ ? kOverride : 0) : faults_; }
    // "recv", "rdi", "maid", "loopback", "overflow", "override", "interval", in that order.
    static std::vector<std::string> fault_names(uint8_t faults);
    // What the switch acts on: no fault, and the other end is operationally up.
    bool forwarding() const { return !faults() && remote_up_; }
    // cfm/set-fault; nullopt: what the messages say.
    void override_fault(std::optional<bool> fault) { forced_ = fault; }
    bool remote_up() const { return remote_up_; }
    const std::vector<uint64_t>& remote_mpids() const { return remote_mpids_; }  // as of the last look
    std::optional<int> health() const { return health_; }
    uint64_t flaps() const { return flaps_; }
    uint64_t rejected() const { return rejected_; }
    // What happened, for the log, since the last call.
    std::vector<std::string> take_events() { return std::exchange(events_, {}); }

    std::string show(int64_t now_ms) const;  // cfm/show

  private:
    struct Remote {
        bool heard = false;  // since the last look
        bool rdi = false;    // of any message since then
        bool up = true;
        uint32_t sequence = 0;
        int healthy = 0;  // messages since the health was made
    };

    int64_t look_interval_ms() const;
    void look(int64_t now_ms);
    void judge_health();
    void set_faults(uint8_t faults);
    void say(std::string event);
    uint8_t interval_code() const;
    packet::Ccm compose();
    std::optional<uint16_t> tag();

    CfmOptions options_;
    std::function<uint32_t()> random_;
    int64_t next_tx_ms_, next_look_ms_;
    uint32_t sequence_ = 0;

    std::map<uint64_t, Remote> remotes_;  // by MPID
    std::vector<uint64_t> remote_mpids_;
    uint8_t found_ = 0;   // faults of messages since the last look
    uint8_t faults_ = 0;  // as of the last look
    bool remote_up_ = true;
    std::optional<bool> forced_;

    int looks_ = 0;  // since the health was made
    std::optional<int> health_;

    uint64_t received_ = 0, received_before_ = 0;  // demand mode: now, and at the last look
    int64_t message_due_ms_ = 0;                   // demand mode: a message must have come by then

    uint64_t flaps_ = 0, rejected_ = 0;
    std::vector<std::string> events_;
};

}  // namespace weft::vswitch
