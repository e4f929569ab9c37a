// The Rapid Spanning Tree Protocol (IEEE 802.1D-2004, clause 17): like STP (stp.h), but a port that its
// neighbour agrees about forwards at once, and what is lost is replaced by what was known as second best.
//
// The standard's state machines are rstp_machines.cc, its procedures rstp_procedures.cc; names are the
// standard's.  A bridge of Open vSwitch is configured by Bridge:other_config:rstp-* and
// Port:other_config:rstp-* (ovs-vswitchd.conf.db(5)).  Every link counts as point-to-point, as it does there.
//
// Pure: BPDUs and `now` go in, BPDUs and states come out.  The owner calls run() when next_wakeup_ms() is
// reached and after anything else was called, then takes what is to be sent and what is to be flushed, and
// looks at the ports' states.  The standard's timers count whole seconds from the bridge's first.
//
// Ports are known by their number, 1 to 4095.  Memory: one record for each.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "switch/protocols/spanning_tree_port.h"

namespace weft::vswitch {

class Rstp {
  public:
    struct Options {
        uint64_t bridge = 0;  // bridge id; the priority is a multiple of 4096
        uint16_t max_age_s = 20, forward_delay_s = 15, hello_s = 2;
        uint8_t transmit_hold_count = 6;
        bool force_stp = false;  // Force Protocol Version 0
        bool operator==(const Options&) const = default;
    };
    struct PortOptions {
        std::string name;
        uint8_t priority = 0x80;  // a multiple of 16
        uint32_t path_cost = 20000;
        bool admin_edge = false, auto_edge = true;
        bool operator==(const PortOptions&) const = default;
    };
    enum class Role : uint8_t { kDisabled, kRoot, kDesignated, kAlternate, kBackup };

    // Every port is down until set_up().
    Rstp(const Options& options, int64_t now_ms);
    ~Rstp();

    void configure(const Options& options, int64_t now_ms);
    void set_port(uint16_t number, const PortOptions& options, int64_t now_ms);  // added if it is new
    void remove_port(uint16_t number, int64_t now_ms);
    void set_up(uint16_t number, bool up, int64_t now_ms);
    void check_migration(uint16_t number);  // mcheck: does an STP bridge still need STP's messages?
    void receive(uint16_t number, const packet::Bpdu& bpdu, int64_t now_ms);
    void count_error(uint16_t number);
    void run(int64_t now_ms);
    int64_t next_wakeup_ms() const;
    std::vector<TreeMessage> take_messages() { return std::exchange(messages_, {}); }
    // Ports whose addresses must be learnt again.
    std::vector<uint16_t> take_flushes() { return std::exchange(flushes_, {}); }

    const Options& options() const { return options_; }
    struct PriorityVector {  // 17.5
        uint64_t root = 0;
        uint32_t cost = 0;
        uint64_t bridge = 0;
        uint16_t port = 0;
        auto operator<=>(const PriorityVector&) const = default;
    };
    const PriorityVector& root_priority() const { return root_priority_; }
    uint16_t root_port_id() const { return root_port_id_; }  // 0: this bridge is the root

    struct Status {
        uint16_t id = 0;
        TreeState state = TreeState::kOff;
        Role role = Role::kDisabled;
        PriorityVector designated;
        uint64_t sent = 0, received = 0, errors = 0;
        int64_t since_ms = 0;  // when it was added
    };
    std::optional<Status> port(uint16_t number) const;
    std::vector<uint16_t> ports() const;
    TreeShow show() const;

    static const char* state_name(TreeState state);  // "Discarding"
    static const char* role_name(Role role);
    static uint32_t path_cost(uint64_t bits_per_second);  // Table 17-3; 0: not known, counts as 10 Gb/s

  private:
    struct Times {  // s
        uint16_t message_age = 0, max_age = 0, forward_delay = 0, hello = 0;
        bool operator==(const Times&) const = default;
    };
    struct Port;

    // rstp_machines.cc: one step of each; true if something changed.
    void run_machines();
    bool receive_machine(Port& port);
    bool migration_machine(Port& port);
    bool bridge_detection_machine(Port& port);
    bool information_machine(Port& port);
    bool role_transitions_machine(Port& port);
    bool disabled_role(Port& port);
    bool root_role(Port& port);
    bool designated_role(Port& port);
    bool blocked_role(Port& port);
    bool state_transition_machine(Port& port);
    bool topology_change_machine(Port& port);
    bool transmit_machine(Port& port);
    bool role_selection_machine();
    void begin(Port& port);
    void tick();

    // rstp_procedures.cc
    enum class Info : uint8_t { kSuperior, kRepeated, kInferior, kInferiorRootAlternate, kOther };
    Info receive_info(Port& port);
    void record_proposal(Port& port);
    void record_agreement(Port& port);
    void set_tc_flags(Port& port);
    void update_received_info_while(Port& port);
    void update_roles();
    void new_tc_while(Port& port);
    void set_tc_prop(const Port& except);
    void flush(Port& port);
    bool better_or_same_received(const Port& port) const;
    bool better_or_same_mine(const Port& port) const;
    bool all_synced() const;
    bool re_rooted(const Port& except) const;
    uint16_t forward_delay(const Port& port) const;
    bool rstp_version() const { return !options_.force_stp; }
    packet::Bpdu message(const Port& port) const;
    void send(Port& port, packet::Bpdu bpdu);

    Options options_;
    std::map<uint16_t, std::unique_ptr<Port>> ports_;
    PriorityVector root_priority_;
    Times root_times_;
    uint16_t root_port_id_ = 0;
    int64_t next_tick_ms_ = 0;
    bool pending_ = true;  // the machines have something to look at
    std::vector<TreeMessage> messages_;
    std::vector<uint16_t> flushes_;
};

}  // namespace weft::vswitch
