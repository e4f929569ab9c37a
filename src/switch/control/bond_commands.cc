// bond/*, lacp/*: several interfaces as one port.

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "packet/address.h"
#include "switch/control/commands.h"

namespace weft::vswitch {

namespace {

using Arguments = net::ControlServer::Arguments;

bool all_digits(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<uint32_t> number(const std::string& text) {
    if (text.empty() || text.size() > 10 || !all_digits(text)) return std::nullopt;
    return static_cast<uint32_t>(std::strtoull(text.c_str(), nullptr, 10));
}

Result<Bond*> find_bond(Switch& owner, const std::string& name) {
    Bonds::Group* group = owner.bonds().find(name);
    if (!group || !group->bond) return Error{"no such bond"};
    return group->bond.get();
}

Result<std::string> bond_list(Switch& owner) {
    std::string out = "bond\ttype\trecircID\tmembers\n";
    for (const auto& [name, group] : owner.bonds().groups()) {
        if (!group.bond) continue;
        std::string members;
        for (const OfPort* port : group.bundle->members)
            members += (members.empty() ? "" : ", ") + port->name;
        out += fmt::format("{}\t{}\t{}\t{}\n", name, bond_mode_name(group.bond->options().mode),
                           group.recirc_id, members);
    }
    return out;
}

Result<std::string> bond_show(Switch& owner, const Arguments& args) {
    std::string out;
    int64_t now = clock::monotonic_ms();
    owner.bonds().run();  // link states as they are now
    for (auto& [name, group] : owner.bonds().groups()) {
        if (!group.bond || (!args.empty() && args[0] != name)) continue;
        owner.bonds().pull_loads(group);
        out += group.bond->show(group.recirc_id, group.bundle->lb_output, now);
    }
    if (out.empty() && !args.empty()) return Error{"no such bond"};
    return out;
}

// Which of the datapath's ports each bucket of a bond goes to that the datapath spreads itself.
Result<std::string> datapath_bonds(Switch& owner, const Arguments& args) {
    Backer* backer = owner.find_datapath(args.empty() ? "" : args[0]);
    if (!backer) return Error{"please specify an existing datapath"};
    std::map<uint32_t, const DatapathBond*> bonds;
    for (const auto& [name, group] : std::as_const(owner.bonds()).groups()) {
        if (group.spread && owner.backer_of(group.bridge->name()) == backer)
            bonds[group.spread->id()] = group.spread.get();
    }
    std::string out = bonds.empty() ? "" : "Bonds:\n";
    for (const auto& [id, bond] : bonds) {
        out += fmt::format("  bond-id {}:\n", id);
        for (size_t i = 0; i < bond->buckets().size(); ++i)
            out += fmt::format("    bucket {} - member {}\n", i, bond->buckets()[i]);
    }
    return out;
}

Result<std::string> bond_migrate(Switch& owner, const Arguments& args) {
    WEFT_ASSIGN(Bond * bond, find_bond(owner, args[0]));
    if (bond->options().mode != BondMode::kBalanceSlb) return Error{"not an SLB bond"};
    if (!all_digits(args[1])) return Error{"bad hash"};
    unsigned long hash = std::strtoul(args[1].c_str(), nullptr, 10);
    auto member = bond->find(args[2]);
    if (!member) return Error{"no such member"};
    if (!bond->enabled(*member)) return Error{"cannot migrate to disabled member"};
    bond->migrate(static_cast<uint8_t>(hash & (Bond::kBuckets - 1)), *member);
    owner.bonds().wake();
    return std::string("migrated\n");
}

Result<std::string> bond_set_active(Switch& owner, const Arguments& args) {
    WEFT_ASSIGN(Bond * bond, find_bond(owner, args[0]));
    auto member = bond->find(args[1]);
    if (!member) return Error{"no such member"};
    if (!bond->enabled(*member)) return Error{"cannot make disabled member active"};
    bool changed = bond->set_active(*member);
    owner.bonds().wake();
    return std::string(changed ? "done\n" : "no change\n");
}

Result<std::string> bond_enable(Switch& owner, const Arguments& args, bool enable) {
    WEFT_ASSIGN(Bond * bond, find_bond(owner, args[0]));
    auto member = bond->find(args[1]);
    if (!member) return Error{"no such member"};
    bond->set_enabled(*member, enable);
    owner.bonds().wake();
    return std::string(enable ? "enabled\n" : "disabled\n");
}

Result<std::string> bond_hash(const Arguments& args) {
    uint32_t vlan = 0, basis = 0;
    if (args.size() > 1) {
        auto value = number(args[1]);
        if (!value) return Error{"invalid vlan"};
        vlan = *value;
    }
    if (args.size() > 2) {
        auto value = number(args[2]);
        if (!value) return Error{"invalid basis"};
        basis = *value;
    }
    auto mac = packet::parse_eth(args[0]);
    if (!mac) return Error{"invalid mac"};
    return fmt::format("{}\n", Bond::hash_source(*mac, static_cast<uint16_t>(vlan), basis));
}

Result<std::string> lacp_text(Switch& owner, const Arguments& args,
                              std::string (Lacp::*text)(const std::string&) const) {
    std::string out;
    for (const auto& [name, group] : owner.bonds().groups()) {
        if (!group.lacp || (!args.empty() && args[0] != name)) continue;
        out += (group.lacp.get()->*text)(name);
    }
    if (out.empty() && !args.empty()) return Error{"no such lacp object"};
    return out;
}

}  // namespace

void add_bond_commands(net::ControlServer& control, Switch& owner) {
    control.add("bond/list", "", 0, 0, [&owner](const Arguments&) { return bond_list(owner); });
    control.add("bond/show", "[port]", 0, 1,
                [&owner](const Arguments& args) { return bond_show(owner, args); });
    control.add("dpif-netdev/bond-show", "[dp]", 0, 1,
                [&owner](const Arguments& args) { return datapath_bonds(owner, args); });
    control.add("bond/migrate", "port hash member", 3, 3,
                [&owner](const Arguments& args) { return bond_migrate(owner, args); });
    control.add("bond/hash", "mac [vlan] [basis]", 1, 3,
                [](const Arguments& args) { return bond_hash(args); });
    // The manual's names, and those of older releases.
    for (const char* word : {"member", "slave"}) {
        std::string argument = fmt::format("port {}", word);
        control.add(fmt::format("bond/set-active-{}", word), argument, 2, 2,
                    [&owner](const Arguments& args) { return bond_set_active(owner, args); });
        control.add(fmt::format("bond/enable-{}", word), argument, 2, 2,
                    [&owner](const Arguments& args) { return bond_enable(owner, args, true); });
        control.add(fmt::format("bond/disable-{}", word), argument, 2, 2,
                    [&owner](const Arguments& args) { return bond_enable(owner, args, false); });
    }
    control.add("lacp/show", "[port]", 0, 1,
                [&owner](const Arguments& args) { return lacp_text(owner, args, &Lacp::show); });
    control.add("lacp/show-stats", "[port]", 0, 1,
                [&owner](const Arguments& args) { return lacp_text(owner, args, &Lacp::show_stats); });
}

}  // namespace weft::vswitch
