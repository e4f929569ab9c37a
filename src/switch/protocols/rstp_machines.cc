// The state machines of RSTP (IEEE 802.1D-2004, 17.22 to 17.31).  Each function makes the transitions that
// are open to its machine and says whether it made one; run_machines() goes round until all are at rest.

#include <algorithm>

#include "switch/protocols/rstp_port.h"

namespace weft::vswitch {

using packet::Bpdu;

// What each machine does at BEGIN.
void Rstp::begin(Port& port) {
    port.edge_delay_while = kMigrateTime;
    port.mcheck = false;
    port.send_rstp = rstp_version();
    port.mdelay_while = kMigrateTime;
    port.oper_edge = port.edge_state = port.options.admin_edge;
    port.reselect = true;
    port.re_root = port.sync = true;
    port.rr_while = options_.forward_delay_s;
    port.fd_while = options_.max_age_s;
    port.new_info = true;
    flush(port);
}

// Port Timers (17.22).
void Rstp::tick() {
    for (auto& [number, port] : ports_) {
        for (uint16_t* timer :
             {&port->edge_delay_while, &port->fd_while, &port->hello_when, &port->mdelay_while,
              &port->rb_while, &port->rcvd_info_while, &port->rr_while, &port->tc_while}) {
            if (*timer) --*timer;
        }
        if (port->tx_count) --port->tx_count;
    }
}

void Rstp::run_machines() {
    // A bound that a right protocol never meets; another would hang the switch.
    size_t rounds = 32 * (ports_.size() + 4);
    for (bool changed = true; changed && rounds; --rounds) {
        changed = false;
        for (auto& [number, each] : ports_) {
            Port& port = *each;
            changed |= receive_machine(port);
            changed |= migration_machine(port);
            changed |= bridge_detection_machine(port);
            changed |= information_machine(port);
        }
        changed |= role_selection_machine();
        for (auto& [number, each] : ports_) {
            Port& port = *each;
            changed |= role_transitions_machine(port);
            changed |= state_transition_machine(port);
            changed |= topology_change_machine(port);
        }
        // What goes out says where all the others came to rest.
        if (!changed) {
            for (auto& [number, each] : ports_) changed |= transmit_machine(*each);
        }
    }
}

// Port Receive (17.23).
bool Rstp::receive_machine(Port& port) {
    if (!port.enabled) {
        if (!port.rcvd_bpdu && port.edge_delay_while == kMigrateTime) return false;
        port.rcvd_bpdu = port.rcvd_rstp = port.rcvd_stp = port.rcvd_msg = false;
        port.edge_delay_while = kMigrateTime;
        return true;
    }
    if (!port.rcvd_bpdu || port.rcvd_msg) return false;
    bool rst = port.received_bpdu.type == Bpdu::Type::kRst;
    (rst ? port.rcvd_rstp : port.rcvd_stp) = true;
    port.oper_edge = port.rcvd_bpdu = false;
    port.rcvd_msg = true;
    port.edge_delay_while = kMigrateTime;
    return true;
}

// Port Protocol Migration (17.24).
bool Rstp::migration_machine(Port& port) {
    auto check = [&] {
        port.migration = Port::Migration::kCheckingRstp;
        port.mcheck = false;
        port.send_rstp = rstp_version();
        port.mdelay_while = kMigrateTime;
    };
    auto sense = [&] {
        port.migration = Port::Migration::kSensing;
        port.rcvd_rstp = port.rcvd_stp = false;
    };
    switch (port.migration) {
        case Port::Migration::kCheckingRstp:
            if (port.mdelay_while != kMigrateTime && !port.enabled) return check(), true;
            if (!port.mdelay_while) return sense(), true;
            return false;
        case Port::Migration::kSelectingStp:
            if (!port.mdelay_while || !port.enabled || port.mcheck) return sense(), true;
            return false;
        case Port::Migration::kSensing:
            if (!port.enabled || port.mcheck || (rstp_version() && !port.send_rstp && port.rcvd_rstp))
                return check(), true;
            if (port.send_rstp && port.rcvd_stp) {
                port.migration = Port::Migration::kSelectingStp;
                port.send_rstp = false;
                port.mdelay_while = kMigrateTime;
                return true;
            }
            return false;
    }
    return false;
}

// Bridge Detection (17.25).
bool Rstp::bridge_detection_machine(Port& port) {
    bool admin = port.options.admin_edge;
    if (port.edge_state) {
        if ((port.enabled || admin) && port.oper_edge) return false;
        port.edge_state = port.oper_edge = false;
        return true;
    }
    bool quiet = !port.edge_delay_while && port.options.auto_edge && port.send_rstp && port.proposing;
    if (!quiet && (port.enabled || !admin)) return false;
    port.edge_state = port.oper_edge = true;
    return true;
}

// Port Information (17.27).
bool Rstp::information_machine(Port& port) {
    using State = Port::Information;
    auto unselect = [&] { port.reselect = true, port.selected = false; };
    if (!port.enabled) {
        if (port.info_is == Port::InfoIs::kDisabled && !port.rcvd_msg) return false;
        port.information = State::kDisabled;
        port.rcvd_msg = port.proposing = port.proposed = port.agree = port.agreed = false;
        port.rcvd_info_while = 0;
        port.info_is = Port::InfoIs::kDisabled;
        unselect();
        return true;
    }
    auto age = [&] {
        port.information = State::kAged;
        port.info_is = Port::InfoIs::kAged;
        unselect();
        return true;
    };
    auto update = [&] {
        port.information = State::kCurrent;
        port.proposing = port.proposed = false;
        port.agreed = port.agreed && better_or_same_mine(port);
        port.synced = port.synced && port.agreed;
        port.port_priority = port.designated_priority;
        port.port_times = port.designated_times;
        port.updt_info = false;
        port.info_is = Port::InfoIs::kMine;
        port.new_info = true;
        return true;
    };
    if (port.information == State::kDisabled) return age();
    if (port.selected && port.updt_info) return update();
    if (port.information == State::kAged) return false;
    if (port.info_is == Port::InfoIs::kReceived && !port.rcvd_info_while && !port.updt_info && !port.rcvd_msg)
        return age();
    if (!port.rcvd_msg || port.updt_info) return false;
    switch (receive_info(port)) {
        case Info::kSuperior:
            port.agreed = port.proposing = false;
            record_proposal(port);
            set_tc_flags(port);
            port.agree = port.agree && better_or_same_received(port);
            port.port_priority = port.message_priority;
            port.port_times = port.message_times;
            update_received_info_while(port);
            port.info_is = Port::InfoIs::kReceived;
            unselect();
            break;
        case Info::kRepeated:
            record_proposal(port);
            set_tc_flags(port);
            update_received_info_while(port);
            break;
        case Info::kInferior:
            if (port.received_bpdu.type == Bpdu::Type::kRst && port.received_bpdu.flags & Bpdu::kLearning) {
                port.disputed = true;
                port.agreed = false;
            }
            break;
        case Info::kInferiorRootAlternate:
            record_agreement(port);
            set_tc_flags(port);
            break;
        case Info::kOther:
            break;
    }
    port.rcvd_msg = false;
    return true;
}

// Port Role Selection (17.28).
bool Rstp::role_selection_machine() {
    bool wanted =
        std::any_of(ports_.begin(), ports_.end(), [](const auto& entry) { return entry.second->reselect; });
    if (!wanted) return false;
    for (auto& [number, port] : ports_) port->reselect = false;
    update_roles();
    for (auto& [number, port] : ports_) port->selected = true;
    return true;
}

// Port Role Transitions (17.29).
bool Rstp::role_transitions_machine(Port& port) {
    if (!port.settled()) return false;
    bool changed = false;
    if (port.role != port.selected_role) {
        port.role = port.selected_role;
        port.role_blocked = false;
        if (port.role == Role::kRoot) port.rr_while = port.designated_times.forward_delay;
        changed = true;
    }
    switch (port.role) {
        case Role::kDisabled:
            return disabled_role(port) || changed;
        case Role::kRoot:
            return root_role(port) || changed;
        case Role::kDesignated:
            return designated_role(port) || changed;
        case Role::kAlternate:
        case Role::kBackup:
            return blocked_role(port) || changed;
    }
    return changed;
}

bool Rstp::disabled_role(Port& port) {
    bool changed = std::exchange(port.learn, false);
    changed |= std::exchange(port.forward, false);
    if (port.learning || port.forwarding) return changed;
    uint16_t max_age = port.designated_times.max_age;
    if (port.role_blocked && port.fd_while == max_age && !port.sync && !port.re_root && port.synced)
        return changed;
    port.role_blocked = true;
    port.fd_while = max_age;
    port.synced = true;
    port.rr_while = 0;
    port.sync = port.re_root = false;
    return true;
}

bool Rstp::root_role(Port& port) {
    bool changed = false;
    uint16_t delay = port.designated_times.forward_delay;
    if (port.rr_while != delay) port.rr_while = delay, changed = true;
    if (port.proposed && !port.agree) {  // ROOT_PROPOSED
        for (auto& [number, other] : ports_) other->sync = true;
        port.proposed = false;
        changed = true;
    }
    if ((all_synced() && !port.agree) || (port.proposed && port.agree)) {  // ROOT_AGREED
        port.proposed = port.sync = false;
        port.agree = port.new_info = true;
        changed = true;
    }
    if (!port.forward && !port.re_root) {  // REROOT
        for (auto& [number, other] : ports_) other->re_root = true;
        changed = true;
    }
    bool may = !port.fd_while || (re_rooted(port) && !port.rb_while && rstp_version());
    if (may && !port.learn) {  // ROOT_LEARN
        port.fd_while = forward_delay(port);
        port.learn = true;
        changed = true;
    } else if (may && port.learn && !port.forward) {  // ROOT_FORWARD
        port.fd_while = 0;
        port.forward = true;
        changed = true;
    }
    if (port.re_root && port.forward) {  // REROOTED
        port.re_root = false;
        changed = true;
    }
    return changed;
}

bool Rstp::designated_role(Port& port) {
    bool changed = false;
    if (!port.forward && !port.agreed && !port.proposing && !port.oper_edge) {  // DESIGNATED_PROPOSE
        port.proposing = true;
        port.edge_delay_while = kMigrateTime;
        port.new_info = true;
        changed = true;
    }
    if ((!port.learning && !port.forwarding && !port.synced) || (port.agreed && !port.synced) ||
        (port.oper_edge && !port.synced) || (port.sync && port.synced)) {  // DESIGNATED_SYNCED
        port.rr_while = 0;
        port.synced = true;
        port.sync = false;
        changed = true;
    }
    if (!port.rr_while && port.re_root) {  // DESIGNATED_RETIRED
        port.re_root = false;
        changed = true;
    }
    if (((port.sync && !port.synced) || (port.re_root && port.rr_while) || port.disputed) &&
        !port.oper_edge && (port.learn || port.forward)) {  // DESIGNATED_DISCARD
        port.learn = port.forward = port.disputed = false;
        port.fd_while = forward_delay(port);
        return true;
    }
    bool may =
        (!port.fd_while || port.agreed || port.oper_edge) && (!port.rr_while || !port.re_root) && !port.sync;
    if (may && !port.learn) {  // DESIGNATED_LEARN
        port.learn = true;
        port.fd_while = forward_delay(port);
        return true;
    }
    if (may && !port.forward) {  // DESIGNATED_FORWARD
        port.forward = true;
        port.fd_while = 0;
        port.agreed = port.send_rstp;
        return true;
    }
    return changed;
}

// Alternate and Backup.
bool Rstp::blocked_role(Port& port) {
    bool changed = std::exchange(port.learn, false);
    changed |= std::exchange(port.forward, false);
    if (port.learning || port.forwarding) return changed;
    uint16_t delay = forward_delay(port);
    if (!port.role_blocked || port.fd_while != delay || port.sync || port.re_root || !port.synced) {
        port.role_blocked = true;
        port.fd_while = delay;
        port.synced = true;
        port.rr_while = 0;
        port.sync = port.re_root = false;
        changed = true;
    }
    if (port.proposed && !port.agree) {  // ALTERNATE_PROPOSED
        for (auto& [number, other] : ports_) other->sync = true;
        port.proposed = false;
        changed = true;
    }
    if ((all_synced() && !port.agree) || (port.proposed && port.agree)) {  // ALTERNATE_AGREED
        port.proposed = false;
        port.agree = port.new_info = true;
        changed = true;
    }
    uint16_t recent = static_cast<uint16_t>(2 * port.designated_times.hello);
    if (port.role == Role::kBackup && port.rb_while != recent) {  // BACKUP_PORT
        port.rb_while = recent;
        changed = true;
    }
    return changed;
}

// Port State Transition (17.30).
bool Rstp::state_transition_machine(Port& port) {
    if ((port.learning && !port.learn) || (port.forwarding && !port.forward)) {
        port.learning = port.forwarding = false;
        return true;
    }
    if (!port.learning && port.learn) return port.learning = true;
    if (port.learning && !port.forwarding && port.forward) return port.forwarding = true;
    return false;
}

// Topology Change (17.31).
bool Rstp::topology_change_machine(Port& port) {
    using State = Port::TopologyChange;
    auto forget = [&] {
        bool any = port.rcvd_tc || port.rcvd_tcn || port.rcvd_tc_ack || port.tc_prop;
        port.rcvd_tc = port.rcvd_tcn = port.rcvd_tc_ack = port.tc_prop = false;
        return any;
    };
    switch (port.topology) {
        case State::kInactive:
            if (!port.learn) return false;
            port.topology = State::kLearning;
            forget();
            return true;
        case State::kLearning:
            if (port.designated_or_root() && port.forward && !port.oper_edge) {  // DETECTED
                port.topology = State::kActive;
                new_tc_while(port);
                set_tc_prop(port);
                port.new_info = true;
                return true;
            }
            if (forget()) return true;
            if (!port.designated_or_root() && !port.learn && !port.learning) {
                port.topology = State::kInactive;
                flush(port);
                port.tc_while = 0;
                port.tc_ack = false;
                return true;
            }
            return false;
        case State::kActive:
            if (!port.designated_or_root() || port.oper_edge) {
                port.topology = State::kLearning;
                forget();
                return true;
            }
            if (port.rcvd_tcn || port.rcvd_tc) {  // NOTIFIED_TCN, NOTIFIED_TC
                if (port.rcvd_tcn) new_tc_while(port);
                if (port.rcvd_tcn && port.role == Role::kDesignated) port.tc_ack = true;
                port.rcvd_tcn = port.rcvd_tc = false;
                set_tc_prop(port);
                return true;
            }
            if (port.tc_prop) {  // PROPAGATING
                new_tc_while(port);
                flush(port);
                port.tc_prop = false;
                return true;
            }
            if (port.rcvd_tc_ack) {  // ACKNOWLEDGED
                port.tc_while = 0;
                port.rcvd_tc_ack = false;
                return true;
            }
            return false;
    }
    return false;
}

// Port Transmit (17.26).
bool Rstp::transmit_machine(Port& port) {
    if (!port.enabled || !port.settled()) return false;
    if (!port.hello_when) {  // TRANSMIT_PERIODIC
        port.new_info =
            port.new_info || port.role == Role::kDesignated || (port.role == Role::kRoot && port.tc_while);
        port.hello_when = std::max<uint16_t>(port.designated_times.hello, 1);
        return true;
    }
    if (!port.new_info || port.tx_count >= options_.transmit_hold_count) return false;
    if (port.send_rstp || port.role == Role::kDesignated) {
        send(port, message(port));
    } else if (port.role == Role::kRoot) {
        Bpdu bpdu;
        bpdu.type = Bpdu::Type::kTopologyChange;
        send(port, bpdu);
    } else {
        return false;
    }
    port.hello_when = std::max<uint16_t>(port.designated_times.hello, 1);
    return true;
}

}  // namespace weft::vswitch
