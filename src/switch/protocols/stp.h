// The Spanning Tree Protocol (IEEE 802.1D-1998, clause 8): of the bridges of a network one is the root, and
// of the ways to it each bridge keeps the cheapest; ports that are on no way block, so that there is no loop.
//
// The names of procedures and variables are the standard's.  A bridge of Open vSwitch is configured by
// Bridge:other_config:stp-* and Port:other_config:stp-* (ovs-vswitchd.conf.db(5)).
//
// Pure: BPDUs and `now` go in, BPDUs and states come out.  The owner calls run() when next_wakeup_ms() is
// reached and after anything else was called, then takes what is to be sent, and looks at the ports' states.
// take_flush() says that addresses must be learnt again, as after every change of the topology.
//
// Ports are known by their number, 1 to 255.  Memory: one small record for each.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "switch/protocols/spanning_tree_port.h"

namespace weft::vswitch {

class Stp {
  public:
    struct Options {
        uint64_t bridge = 0;  // bridge id
        int64_t hello_ms = 2000, max_age_ms = 20000, forward_delay_ms = 15000;
        bool operator==(const Options&) const = default;
    };
    struct PortOptions {
        std::string name;
        uint8_t priority = 0x80;
        uint16_t path_cost = 19;
        bool operator==(const PortOptions&) const = default;
    };
    enum class Role : uint8_t { kDisabled, kRoot, kDesignated, kAlternate };

    // Every port is down until set_up().
    Stp(const Options& options, int64_t now_ms);

    void configure(const Options& options, int64_t now_ms);
    void set_port(uint8_t number, const PortOptions& options, int64_t now_ms);  // added if it is new
    void remove_port(uint8_t number, int64_t now_ms);
    void set_up(uint8_t number, bool up, int64_t now_ms);
    // A BPDU that came in by the port.
    void receive(uint8_t number, const packet::Bpdu& bpdu, int64_t now_ms);
    void count_error(uint8_t number);
    void force_topology_change(int64_t now_ms);  // stp/tcn
    void run(int64_t now_ms);
    int64_t next_wakeup_ms() const;
    std::vector<TreeMessage> take_messages() { return std::exchange(messages_, {}); }
    bool take_flush() { return std::exchange(flush_, false); }
    bool take_topology_changes() { return std::exchange(topology_changed_, false); }  // for the log

    const Options& options() const { return options_; }
    uint64_t designated_root() const { return designated_root_; }
    uint32_t root_path_cost() const { return root_path_cost_; }
    bool is_root() const { return root_port_ == 0; }

    struct Status {
        uint16_t id = 0;
        TreeState state = TreeState::kOff;
        Role role = Role::kDisabled;
        int64_t since_ms = 0;  // when it entered the state
        uint64_t sent = 0, received = 0, errors = 0;
    };
    std::optional<Status> port(uint8_t number) const;
    std::vector<uint8_t> ports() const;
    TreeShow show() const;

    static const char* state_name(TreeState state);  // "listening"
    static const char* role_name(Role role);
    static uint16_t path_cost(uint64_t bits_per_second);  // Table 8-5, and 2 from 10 Gb/s on; 0: not known

  private:
    static constexpr int64_t kOff = INT64_MAX;
    struct Timer {
        int64_t due = kOff;
        void start(int64_t now_ms, int64_t period_ms) { due = now_ms + period_ms; }
        void stop() { due = kOff; }
        bool active() const { return due != kOff; }
    };
    struct Port {
        uint8_t number = 0;
        PortOptions options;
        TreeState state = TreeState::kDisabled;
        uint64_t designated_root = 0, designated_bridge = 0;
        uint32_t designated_cost = 0;
        uint16_t designated_port = 0;
        bool topology_change_acknowledge = false, config_pending = false;
        int64_t message_age_start_ms = 0;  // when a message of age 0 would have come
        Timer message_age, forward_delay, hold;
        int64_t since_ms = 0;
        uint64_t sent = 0, received = 0, errors = 0;

        uint16_t id() const { return static_cast<uint16_t>(options.priority << 8 | number); }
    };

    bool is_designated(const Port& port) const;
    bool designated_for_some_port() const;
    bool supersedes(const Port& port, const packet::Bpdu& bpdu) const;
    void set_state(Port& port, TreeState state, int64_t now_ms);
    void transmit_config(Port& port, int64_t now_ms);
    void transmit_tcn();
    void record_config_information(Port& port, const packet::Bpdu& bpdu, int64_t now_ms);
    void record_config_timeout_values(const packet::Bpdu& bpdu);
    void config_bpdu_generation(int64_t now_ms);
    void become_designated_port(Port& port);
    void configuration_update();
    void root_selection();
    void port_state_selection(int64_t now_ms);
    void make_forwarding(Port& port, int64_t now_ms);
    void make_blocking(Port& port, int64_t now_ms);
    void topology_change_detection(int64_t now_ms);
    void use_own_times();
    void became_root(int64_t now_ms);
    void update_tree(int64_t now_ms);  // after something of a port or the bridge changed
    void received_config(Port& port, const packet::Bpdu& bpdu, int64_t now_ms);
    void message_age_expired(Port& port, int64_t now_ms);
    void forward_delay_expired(Port& port, int64_t now_ms);
    bool expire_one(int64_t now_ms);
    Port* root_port();

    Options options_;
    std::map<uint8_t, Port> ports_;
    uint64_t designated_root_ = 0;
    uint32_t root_path_cost_ = 0;
    uint8_t root_port_ = 0;  // 0: this bridge is the root
    int64_t max_age_ms_ = 0, hello_ms_ = 0, forward_delay_ms_ = 0;
    bool topology_change_detected_ = false, topology_change_ = false;
    Timer hello_, tcn_, topology_change_timer_;
    std::vector<TreeMessage> messages_;
    bool flush_ = false, topology_changed_ = false;
};

}  // namespace weft::vswitch
