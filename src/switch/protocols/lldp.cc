#include "switch/protocols/lldp.h"

#include <fmt/core.h>

#include <algorithm>

#include "packet/address.h"

namespace weft::vswitch {

namespace {

using packet::AutoAttachAssignment;
using packet::AutoAttachElement;
using packet::LldpId;

constexpr uint16_t kBridge = 0x0004;  // of system capabilities (802.1AB, table 8-4)
constexpr const char* kDescription = "openvswitch 3.1.0";

const char* status_text(uint8_t status) {
    switch (status) {
        case AutoAttachAssignment::kPending:
            return "Pending";
        case AutoAttachAssignment::kActive:
            return "Active";
        case 3:
            return "Reject (Generic)";
        case 4:
            return "Reject (AA resources unavailable)";
        case 6:
            return "Reject (Invalid)";
        case 8:
            return "Reject (VLAN resources unavailable)";
        case 9:
            return "Reject (Application interaction issue)";
        default:
            return "Undefined";
    }
}

Bytes key_of(const LldpId& id) {
    Bytes out{id.subtype};
    out.insert(out.end(), id.value.begin(), id.value.end());
    return out;
}

// Two digits a byte, with colons between.
std::string colons(ByteView bytes) {
    std::string out;
    for (uint8_t byte : bytes) out += fmt::format("{}{:02x}", out.empty() ? "" : ":", byte);
    return out;
}

// A MAC, then the kind of connection (3 bits of 16), the number of a split trunk (10 bits), each least byte
// first, and that of a trunk, as Open vSwitch prints them.
std::string system_text(const std::array<uint8_t, 10>& id) {
    uint16_t packed = load_be16(&id[6]);
    uint16_t kind = packed >> 13, split = packed & 0x3ff;
    return fmt::format("{}:{:02x}:00:{:02x}:{:02x}:{}", colons(ByteView(id).first(6)), kind, split & 0xff,
                       split >> 8, colons(ByteView(id).subspan(8)));
}

// What the other end says goes to a terminal.
std::string printable(const std::string& text) {
    std::string out = text;
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c < ' ' || c == 0x7f; }, '?');
    return out;
}

}  // namespace

Lldp::Lldp(LldpOptions options, int64_t now_ms)
    : options_(std::move(options)), next_tx_ms_(now_ms + kIntervalMs) {}

void Lldp::configure(LldpOptions options) {
    options_ = std::move(options);
    std::erase_if(statuses_, [&](const auto& entry) { return !options_.mappings.contains(entry.first); });
}

void Lldp::receive(ByteView bytes, int64_t now_ms) {
    ++counters_.rx;
    auto unit = packet::Lldpdu::decode(bytes);
    if (!unit) {
        ++counters_.discarded;
        return;
    }
    counters_.unrecognized += unit->unrecognized;
    Name name{key_of(unit->chassis), key_of(unit->port)};
    auto it = neighbors_.find(name);
    if (!unit->ttl_s) {
        if (it != neighbors_.end()) {
            neighbors_.erase(it);
            ++counters_.deleted;
        }
        return;
    }
    if (it == neighbors_.end()) {
        if (neighbors_.size() >= kMostNeighbors) {
            ++counters_.dropped;
            return;
        }
        it = neighbors_.try_emplace(std::move(name)).first;
        ++counters_.inserted;
    }
    take_assignments(*unit);
    it->second = {*std::move(unit), now_ms + unit->ttl_s * int64_t{1000}};
}

void Lldp::take_assignments(const packet::Lldpdu& unit) {
    for (const AutoAttachAssignment& one : unit.assignments) {
        auto ours = options_.mappings.find(one.isid);
        if (ours != options_.mappings.end() && ours->second == one.vlan) statuses_[one.isid] = one.status;
    }
}

std::optional<packet::Lldpdu> Lldp::poll(int64_t now_ms) {
    counters_.aged_out +=
        std::erase_if(neighbors_, [&](const auto& entry) { return entry.second.until_ms <= now_ms; });
    if (now_ms < next_tx_ms_) return std::nullopt;
    next_tx_ms_ = now_ms + kIntervalMs;
    ++counters_.tx;
    return compose();
}

int64_t Lldp::next_wakeup_ms() const {
    int64_t at = next_tx_ms_;
    for (const auto& [name, neighbor] : neighbors_) at = std::min(at, neighbor.until_ms);
    return at;
}

packet::Lldpdu Lldp::compose() const {
    packet::Lldpdu unit;
    unit.chassis = {LldpId::kChassisMac, Bytes(options_.mac.begin(), options_.mac.end())};
    unit.port = {LldpId::kPortInterfaceName, Bytes(options_.port_name.begin(), options_.port_name.end())};
    unit.ttl_s = kTtlSeconds;
    if (!options_.system_name.empty()) unit.system_name = options_.system_name;
    unit.system_description =
        options_.system_description.empty() ? kDescription : options_.system_description;
    unit.capabilities = packet::Lldpdu::Capabilities{kBridge, kBridge};
    unit.element.emplace();
    unit.element->type = AutoAttachElement::kClientVirtualSwitch;
    std::copy(options_.mac.begin(), options_.mac.end(), unit.element->system_id.begin());
    for (const auto& [isid, vlan] : options_.mappings) unit.assignments.push_back({0, vlan, isid});
    return unit;
}

uint8_t Lldp::mapping_status(uint32_t isid) const {
    auto it = statuses_.find(isid);
    return it == statuses_.end()                          ? AutoAttachAssignment::kPending
           : it->second == AutoAttachAssignment::kPending ? 0
                                                          : it->second;
}

std::string Lldp::show_status() const {
    std::string out = fmt::format("LLDP: {}\n", options_.port_name);
    for (const auto& [name, neighbor] : neighbors_) {
        const packet::Lldpdu& unit = neighbor.unit;
        if (!unit.element) continue;
        out += fmt::format("  Auto Attach Primary Server Id: {}\n", colons(unit.chassis.value));
        out += fmt::format("  Auto Attach Primary Server Descr: {}\n",
                           unit.system_description ? printable(*unit.system_description) : "<None>");
        out +=
            fmt::format("  Auto Attach Primary Server System Id: {}\n", system_text(unit.element->system_id));
    }
    return out;
}

std::string Lldp::show_isids() const {
    std::string out = fmt::format("LLDP: {}\n", options_.port_name);
    out += "I-SID    VLAN Source      Status  \n-------- ---- ----------- --------\n";
    for (const auto& [isid, vlan] : options_.mappings)
        out += fmt::format("{:<8} {:<4} {:<11} {:<11}\n", isid, vlan, "Switch",
                           status_text(mapping_status(isid)));
    return out;
}

std::string Lldp::show_statistics() const {
    return fmt::format(
        "Statistics: {}\n  tx cnt: {}\n  rx cnt: {}\n  rx discarded cnt: {}\n  rx unrecognized cnt: {}\n"
        "  ageout cnt: {}\n  insert cnt: {}\n  delete cnt: {}\n  drop cnt: {}\n",
        options_.port_name, counters_.tx, counters_.rx, counters_.discarded, counters_.unrecognized,
        counters_.aged_out, counters_.inserted, counters_.deleted, counters_.dropped);
}

}  // namespace weft::vswitch
