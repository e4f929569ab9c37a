// The procedures of RSTP's state machines (IEEE 802.1D-2004, 17.20 and 17.21).

#include <algorithm>

#include "switch/protocols/rstp_port.h"

namespace weft::vswitch {

using packet::Bpdu;

namespace {

uint16_t seconds(uint16_t wire) {
    return static_cast<uint16_t>((wire + Bpdu::kSecond / 2) / Bpdu::kSecond);
}

// The message comes from the port that the vector names.
bool same_port(const Rstp::PriorityVector& a, const Rstp::PriorityVector& b) {
    constexpr uint16_t kNumber = 0x0fff;
    return packet::bridge_address(a.bridge) == packet::bridge_address(b.bridge) &&
           (a.port & kNumber) == (b.port & kNumber);
}

}  // namespace

Rstp::Info Rstp::receive_info(Port& port) {
    const Bpdu& bpdu = port.received_bpdu;
    if (bpdu.type == Bpdu::Type::kTopologyChange) {
        port.rcvd_tcn = true;
        return Info::kOther;
    }
    port.message_priority = {bpdu.root, bpdu.root_path_cost, bpdu.bridge, bpdu.port};
    port.message_times = {seconds(bpdu.message_age), seconds(bpdu.max_age), seconds(bpdu.forward_delay),
                          std::max<uint16_t>(seconds(bpdu.hello_time), 1)};
    Bpdu::Role role = bpdu.type == Bpdu::Type::kConfiguration ? Bpdu::Role::kDesignated : bpdu.role();
    if (role == Bpdu::Role::kDesignated) {
        if (port.message_priority == port.port_priority) {
            if (port.message_times != port.port_times) return Info::kSuperior;
            return port.info_is == Port::InfoIs::kReceived ? Info::kRepeated : Info::kOther;
        }
        if (port.message_priority < port.port_priority ||
            same_port(port.message_priority, port.port_priority))
            return Info::kSuperior;
        return Info::kInferior;
    }
    if (role != Bpdu::Role::kUnknown && port.message_priority >= port.port_priority)
        return Info::kInferiorRootAlternate;
    return Info::kOther;
}

void Rstp::record_proposal(Port& port) {
    if (port.received_bpdu.type == Bpdu::Type::kRst && port.received_bpdu.flags & Bpdu::kProposal)
        port.proposed = true;
}

void Rstp::record_agreement(Port& port) {
    port.agreed = rstp_version() && port.received_bpdu.type == Bpdu::Type::kRst &&
                  (port.received_bpdu.flags & Bpdu::kAgreement);
    if (port.agreed) port.proposing = false;
}

void Rstp::set_tc_flags(Port& port) {
    if (port.received_bpdu.flags & Bpdu::kTopologyChangeFlag) port.rcvd_tc = true;
    if (port.received_bpdu.type == Bpdu::Type::kConfiguration &&
        port.received_bpdu.flags & Bpdu::kAcknowledgment)
        port.rcvd_tc_ack = true;
}

void Rstp::update_received_info_while(Port& port) {
    const Times& times = port.port_times;
    port.rcvd_info_while =
        times.message_age + 1 <= times.max_age ? static_cast<uint16_t>(3 * times.hello) : uint16_t{0};
}

bool Rstp::better_or_same_received(const Port& port) const {
    return port.info_is == Port::InfoIs::kReceived && port.message_priority <= port.port_priority;
}

bool Rstp::better_or_same_mine(const Port& port) const {
    return port.info_is == Port::InfoIs::kMine && port.designated_priority <= port.port_priority;
}

void Rstp::update_roles() {
    const Times own{0, options_.max_age_s, options_.forward_delay_s, options_.hello_s};
    root_priority_ = {options_.bridge, 0, options_.bridge, 0};
    root_times_ = own;
    root_port_id_ = 0;
    const Port* root = nullptr;
    for (const auto& [number, port] : ports_) {
        if (port->info_is != Port::InfoIs::kReceived ||
            packet::bridge_address(port->port_priority.bridge) == packet::bridge_address(options_.bridge))
            continue;
        PriorityVector path = port->port_priority;
        path.cost = static_cast<uint32_t>(
            std::min<uint64_t>(uint64_t{path.cost} + port->options.path_cost, UINT32_MAX));
        if (path < root_priority_ || (root && path == root_priority_ && port->id() < root->id())) {
            root = port.get();
            root_priority_ = path;
        }
    }
    if (root) {
        root_port_id_ = root->id();
        root_times_ = root->port_times;
        ++root_times_.message_age;
    }
    for (auto& [number, each] : ports_) {
        Port& port = *each;
        port.designated_priority = {root_priority_.root, root_priority_.cost, options_.bridge, port.id()};
        port.designated_times = root_times_;
        port.designated_times.hello = options_.hello_s;
        switch (port.info_is) {
            case Port::InfoIs::kDisabled:
                port.selected_role = Role::kDisabled;
                break;
            case Port::InfoIs::kAged:
                port.updt_info = true;
                port.selected_role = Role::kDesignated;
                break;
            case Port::InfoIs::kMine:
                port.selected_role = Role::kDesignated;
                if (port.port_priority != port.designated_priority ||
                    port.port_times != port.designated_times)
                    port.updt_info = true;
                break;
            case Port::InfoIs::kReceived:
                port.updt_info = false;
                if (&port == root) {
                    port.selected_role = Role::kRoot;
                } else if (port.designated_priority < port.port_priority) {
                    port.selected_role = Role::kDesignated;
                    port.updt_info = true;
                } else {
                    bool self = packet::bridge_address(port.port_priority.bridge) ==
                                packet::bridge_address(options_.bridge);
                    port.selected_role = self ? Role::kBackup : Role::kAlternate;
                }
                break;
        }
    }
}

void Rstp::new_tc_while(Port& port) {
    if (port.tc_while) return;
    if (port.send_rstp) {
        port.tc_while = static_cast<uint16_t>(port.designated_times.hello + 1);
        port.new_info = true;
    } else {
        port.tc_while = static_cast<uint16_t>(root_times_.max_age + root_times_.forward_delay);
    }
}

void Rstp::set_tc_prop(const Port& except) {
    for (auto& [number, port] : ports_) {
        if (port.get() != &except) port->tc_prop = true;
    }
}

void Rstp::flush(Port& port) {
    if (std::find(flushes_.begin(), flushes_.end(), port.number) == flushes_.end())
        flushes_.push_back(port.number);
}

bool Rstp::all_synced() const {
    return std::all_of(ports_.begin(), ports_.end(), [](const auto& entry) {
        const Port& port = *entry.second;
        return port.selected && port.role == port.selected_role && (port.synced || port.role == Role::kRoot);
    });
}

bool Rstp::re_rooted(const Port& except) const {
    return std::all_of(ports_.begin(), ports_.end(), [&](const auto& entry) {
        return entry.second.get() == &except || !entry.second->rr_while;
    });
}

uint16_t Rstp::forward_delay(const Port& port) const {
    return port.send_rstp ? port.designated_times.hello : port.designated_times.forward_delay;
}

// What the port says of itself (17.21.19, 17.21.20).
Bpdu Rstp::message(const Port& port) const {
    auto wire = [](uint16_t s) {
        return static_cast<uint16_t>(std::min<uint32_t>(uint32_t{s} * Bpdu::kSecond, UINT16_MAX));
    };
    Bpdu bpdu;
    bpdu.root = port.designated_priority.root;
    bpdu.root_path_cost = port.designated_priority.cost;
    bpdu.bridge = port.designated_priority.bridge;
    bpdu.port = port.designated_priority.port;
    bpdu.message_age = wire(port.designated_times.message_age);
    bpdu.max_age = wire(port.designated_times.max_age);
    bpdu.hello_time = wire(port.designated_times.hello);
    bpdu.forward_delay = wire(port.designated_times.forward_delay);
    if (port.tc_while) bpdu.flags |= Bpdu::kTopologyChangeFlag;
    if (!port.send_rstp) {
        if (port.tc_ack) bpdu.flags |= Bpdu::kAcknowledgment;
        return bpdu;
    }
    bpdu.type = Bpdu::Type::kRst;
    bpdu.version = 2;
    auto role = [&] {
        switch (port.role) {
            case Role::kRoot:
                return Bpdu::Role::kRoot;
            case Role::kDesignated:
                return Bpdu::Role::kDesignated;
            case Role::kAlternate:
            case Role::kBackup:
                return Bpdu::Role::kAlternateOrBackup;
            case Role::kDisabled:
                break;
        }
        return Bpdu::Role::kUnknown;
    };
    bpdu.flags = static_cast<uint8_t>(bpdu.flags | static_cast<uint8_t>(role()) << 2);
    if (port.proposing) bpdu.flags |= Bpdu::kProposal;
    if (port.agree) bpdu.flags |= Bpdu::kAgreement;
    if (port.learning) bpdu.flags |= Bpdu::kLearning;
    if (port.forwarding) bpdu.flags |= Bpdu::kForwarding;
    return bpdu;
}

void Rstp::send(Port& port, Bpdu bpdu) {
    port.new_info = false;
    ++port.tx_count;
    ++port.sent;
    if (bpdu.type != Bpdu::Type::kTopologyChange) port.tc_ack = false;
    messages_.push_back({port.number, bpdu});
}

}  // namespace weft::vswitch
