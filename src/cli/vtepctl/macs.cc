// Where addresses are, as the hardware says (local) and as the controller says (remote): add-ucast-local
// del-ucast-local add-mcast-local del-mcast-local clear-local-macs list-local-macs, and the same with remote.

#include <map>
#include <optional>

#include "cli/vtepctl/commands.h"

namespace weft::cli::vtepctl {
namespace {

constexpr const char* kDefaultEncap = "vxlan_over_ipv4";

// The two kinds of tables.
struct Local {
    using Unicast = vt::UcastMacsLocal;
    using Multicast = vt::McastMacsLocal;
    static constexpr const char* kName = "local";
};
struct Remote {
    using Unicast = vt::UcastMacsRemote;
    using Multicast = vt::McastMacsRemote;
    static constexpr const char* kName = "remote";
};

template <typename Side>
Result<void> need_macs(CtlContext& context) {
    context.need(vt::LogicalSwitch::kName);
    context.need(Side::Unicast::kMAC, Side::Unicast::kLogicalSwitch, Side::Unicast::kLocator);
    context.need(Side::Multicast::kMAC, Side::Multicast::kLogicalSwitch, Side::Multicast::kLocatorSet);
    context.need(vt::PhysicalLocator::kEncapsulationType, vt::PhysicalLocator::kDstIp);
    context.need(vt::PhysicalLocatorSet::kLocators);
    return {};
}

// Arguments LS MAC [ENCAP] IP.
struct Place {
    Uuid logical_switch;
    std::string mac, encap, ip;
};
Result<Place> parse_place(CtlContext& context) {
    WEFT_ASSIGN(const vt::LogicalSwitch* ls,
                find_or_fail<vt::LogicalSwitch>(context, kLogicalSwitch, context[0]));
    Place place{ls->uuid, context[1], kDefaultEncap, std::string(context.at(context.size() - 1))};
    if (context.size() == 4) place.encap = context[2];
    return place;
}

const vt::PhysicalLocator* find_locator(CtlContext& context, const Place& place) {
    for (const vt::PhysicalLocator* locator : context.rows<vt::PhysicalLocator>()) {
        if (locator->encapsulation_type == place.encap && locator->dst_ip == place.ip) return locator;
    }
    return nullptr;
}

Uuid make_locator(CtlContext& context, const Place& place) {
    if (const vt::PhysicalLocator* found = find_locator(context, place)) return found->uuid;
    db::Transaction& txn = context.transaction();
    Uuid locator = txn.insert<vt::PhysicalLocator>();
    txn.set(locator, vt::PhysicalLocator::kEncapsulationType, place.encap);
    txn.set(locator, vt::PhysicalLocator::kDstIp, place.ip);
    return locator;
}

template <typename Row>
const Row* find_mac(CtlContext& context, const Uuid& logical_switch, const std::string& mac) {
    for (const Row* row : context.rows<Row>()) {
        if (row->logical_switch == logical_switch && row->MAC == mac) return row;
    }
    return nullptr;
}

template <typename Row>
Result<void> add_unicast(CtlContext& context) {
    WEFT_ASSIGN(Place place, parse_place(context));
    db::Transaction& txn = context.transaction();
    Uuid locator = make_locator(context, place);
    const Row* present = find_mac<Row>(context, place.logical_switch, place.mac);
    Uuid uuid = present ? present->uuid : txn.insert<Row>();
    txn.set(uuid, Row::kMAC, place.mac);
    txn.set(uuid, Row::kLogicalSwitch, place.logical_switch);
    txn.set(uuid, Row::kLocator, locator);
    return {};
}

template <typename Row>
Result<void> del_unicast(CtlContext& context) {
    WEFT_ASSIGN(const vt::LogicalSwitch* ls,
                find_or_fail<vt::LogicalSwitch>(context, kLogicalSwitch, context[0]));
    if (const Row* row = find_mac<Row>(context, Uuid(ls->uuid), context[1]))
        context.transaction().erase<Row>(Uuid(row->uuid));
    return {};
}

std::vector<Uuid> members_of(CtlContext& context, const Uuid& locator_set) {
    const auto* set = context.row<vt::PhysicalLocatorSet>(locator_set);
    return set ? std::vector<Uuid>(set->locators.begin(), set->locators.end()) : std::vector<Uuid>();
}

// A set of locators cannot be changed: there is another one in its place.
template <typename Row>
void set_members(CtlContext& context, const Uuid& row, std::vector<Uuid> locators) {
    db::Transaction& txn = context.transaction();
    if (locators.empty()) return txn.erase<Row>(row);
    Uuid set = txn.insert<vt::PhysicalLocatorSet>();
    txn.set(set, vt::PhysicalLocatorSet::kLocators, ovsdb::Set<Uuid>(std::move(locators)));
    txn.set(row, Row::kLocatorSet, set);
}

template <typename Row>
Result<void> add_multicast(CtlContext& context) {
    WEFT_ASSIGN(Place place, parse_place(context));
    db::Transaction& txn = context.transaction();
    Uuid locator = make_locator(context, place);
    std::vector<Uuid> locators;
    Uuid uuid;
    if (const Row* present = find_mac<Row>(context, place.logical_switch, place.mac)) {
        uuid = present->uuid;
        locators = members_of(context, Uuid(present->locator_set));
        if (std::find(locators.begin(), locators.end(), locator) != locators.end()) return {};
    } else {
        uuid = txn.insert<Row>();
        txn.set(uuid, Row::kMAC, place.mac);
        txn.set(uuid, Row::kLogicalSwitch, place.logical_switch);
    }
    locators.push_back(locator);
    set_members<Row>(context, uuid, std::move(locators));
    return {};
}

template <typename Row>
Result<void> del_multicast(CtlContext& context) {
    WEFT_ASSIGN(Place place, parse_place(context));
    const vt::PhysicalLocator* locator = find_locator(context, place);
    const Row* present = find_mac<Row>(context, place.logical_switch, place.mac);
    if (!locator || !present) return {};
    Uuid uuid = present->uuid;
    std::vector<Uuid> locators = members_of(context, Uuid(present->locator_set));
    if (!std::erase(locators, locator->uuid)) return {};
    set_members<Row>(context, uuid, std::move(locators));
    return {};
}

template <typename Row>
void clear(CtlContext& context, const Uuid& logical_switch) {
    for (const Row* row : context.rows<Row>()) {
        if (row->logical_switch == logical_switch) context.transaction().erase<Row>(Uuid(row->uuid));
    }
}

template <typename Side>
Result<void> clear_macs(CtlContext& context) {
    WEFT_ASSIGN(const vt::LogicalSwitch* ls,
                find_or_fail<vt::LogicalSwitch>(context, kLogicalSwitch, context[0]));
    Uuid uuid = ls->uuid;
    clear<typename Side::Unicast>(context, uuid);
    clear<typename Side::Multicast>(context, uuid);
    return {};
}

void print_place(CtlContext& context, const std::string& mac, const Uuid& locator) {
    const auto* row = context.row<vt::PhysicalLocator>(locator);
    if (row) context.output += fmt::format("  {} -> {}/{}\n", mac, row->encapsulation_type, row->dst_ip);
}

template <typename Row>
std::multimap<std::string, const Row*> by_mac(CtlContext& context, const Uuid& logical_switch) {
    std::multimap<std::string, const Row*> out;
    for (const Row* row : context.rows<Row>()) {
        if (row->logical_switch == logical_switch) out.emplace(row->MAC, row);
    }
    return out;
}

template <typename Side>
Result<void> list_macs(CtlContext& context) {
    WEFT_ASSIGN(const vt::LogicalSwitch* ls,
                find_or_fail<vt::LogicalSwitch>(context, kLogicalSwitch, context[0]));
    context.output += fmt::format("ucast-mac-{}\n", Side::kName);
    for (const auto& [mac, row] : by_mac<typename Side::Unicast>(context, ls->uuid))
        print_place(context, mac, row->locator);
    context.output += fmt::format("\nmcast-mac-{}\n", Side::kName);
    for (const auto& [mac, row] : by_mac<typename Side::Multicast>(context, ls->uuid)) {
        for (const Uuid& locator : members_of(context, row->locator_set)) print_place(context, mac, locator);
    }
    context.output += '\n';
    return {};
}

constexpr const char* kPlaceUsage = "LS MAC [ENCAP] IP";

constexpr CtlCommand kCommands[] = {
    {"add-ucast-local", 3, 4, kPlaceUsage, "", true, need_macs<Local>, add_unicast<Local::Unicast>, nullptr,
     "Say where a unicast address is that the hardware has learnt."},
    {"del-ucast-local", 2, 2, "LS MAC", "", true, need_macs<Local>, del_unicast<Local::Unicast>, nullptr,
     "Forget it."},
    {"add-mcast-local", 3, 4, kPlaceUsage, "", true, need_macs<Local>, add_multicast<Local::Multicast>,
     nullptr, "Add a place to which the hardware wants packets for a multicast address."},
    {"del-mcast-local", 3, 4, kPlaceUsage, "", true, need_macs<Local>, del_multicast<Local::Multicast>,
     nullptr, "Take it away."},
    {"clear-local-macs", 1, 1, "LS", "", true, need_macs<Local>, clear_macs<Local>, nullptr,
     "Forget all addresses that the hardware has learnt."},
    {"list-local-macs", 1, 1, "LS", "", false, need_macs<Local>, list_macs<Local>, nullptr,
     "List the addresses that the hardware has learnt."},
    {"add-ucast-remote", 3, 4, kPlaceUsage, "", true, need_macs<Remote>, add_unicast<Remote::Unicast>,
     nullptr, "Tell the hardware where a unicast address is."},
    {"del-ucast-remote", 2, 2, "LS MAC", "", true, need_macs<Remote>, del_unicast<Remote::Unicast>, nullptr,
     "Tell it no more."},
    {"add-mcast-remote", 3, 4, kPlaceUsage, "", true, need_macs<Remote>, add_multicast<Remote::Multicast>,
     nullptr, "Tell the hardware a place to which packets for a multicast address go."},
    {"del-mcast-remote", 3, 4, kPlaceUsage, "", true, need_macs<Remote>, del_multicast<Remote::Multicast>,
     nullptr, "Take it away."},
    {"clear-remote-macs", 1, 1, "LS", "", true, need_macs<Remote>, clear_macs<Remote>, nullptr,
     "Tell the hardware no address any more."},
    {"list-remote-macs", 1, 1, "LS", "", false, need_macs<Remote>, list_macs<Remote>, nullptr,
     "List the addresses that the hardware is told."},
};

}  // namespace

std::span<const CtlCommand> mac_commands() {
    return kCommands;
}

}  // namespace weft::cli::vtepctl
