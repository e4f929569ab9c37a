#include "controller/binding.h"

#include <algorithm>

#include "base/log.h"
#include "controller/configuration.h"
#include "controller/ha_chassis.h"

namespace weft::controller {

namespace {

namespace sb = schema::sb;
using ovsdb::client::Transaction;
using Kind = BindingChange::Kind;

log::Module lg("binding");

constexpr int64_t kClaimBackMs = 500;

bool is_container(const sb::PortBinding& port) {
    return port.parent_port && !port.parent_port->empty();
}
// Types that a controller binds.
bool is_bindable(const sb::PortBinding& port) {
    static const std::set<std::string> types{
        "", "l2gateway", "l3gateway", "virtual", "chassisredirect", "external", "mirror"};
    return types.contains(port.type);
}

}  // namespace

Requested requested_chassis(const sb::PortBinding& port, const sb::Chassis& chassis) {
    auto is_us = [&](const std::string& word) { return word == chassis.name || word == chassis.hostname; };
    std::vector<std::string> words = split_words(ovsdb::get_string(port.options, "requested-chassis"));
    if (words.empty() || is_us(words.front())) return Requested::kMain;
    return std::any_of(words.begin() + 1, words.end(), is_us) ? Requested::kAdditional : Requested::kNot;
}

Binding::Right Binding::right_of_vif(const sb::PortBinding& port) {
    const sb::PortBinding* carrier = is_container(port) ? view_.port_named(*port.parent_port) : &port;
    if (!carrier) return {};
    const LocalInterface* interface = view_.local_interfaces.find(carrier->logical_port);
    if (!interface) return {};
    const std::string* version = carrier->options.find("iface-id-ver");
    if (version && *version != interface->iface_id_ver) return {};
    // A container goes with its virtual machine, and may be asked to be elsewhere itself.
    Requested requested =
        std::max(requested_chassis(*carrier, *chassis_), requested_chassis(port, *chassis_));
    return {requested == Requested::kMain, requested == Requested::kAdditional};
}

Binding::Right Binding::right_to(const sb::PortBinding& port, const BindingFacts& facts) {
    auto named = [&](const char* option) {
        return ovsdb::get_string(port.options, option) == chassis_->name;
    };
    if (port.type.empty()) return right_of_vif(port);
    if (port.type == "l3gateway") return {named("l3gateway-chassis"), false};
    if (port.type == "l2gateway") return {named("l2gateway-chassis"), false};
    if (port.type == "chassisredirect" || port.type == "external") {
        return {port.ha_chassis_group && serves(port, facts), false};
    }
    if (port.type == "mirror") {
        const sb::PortBinding* sink = port.mirror_port ? view_.port_named(*port.mirror_port) : nullptr;
        return {sink && sink->type.empty() && right_of_vif(*sink).main, false};
    }
    if (port.type == "virtual") {
        const sb::PortBinding* parent =
            port.virtual_parent ? view_.port_named(*port.virtual_parent) : nullptr;
        return {parent && view_.is_own_chassis(port.chassis) && right_of_vif(*parent).main, false};
    }
    return {};
}

bool Binding::serves(const sb::PortBinding& port, const BindingFacts& facts) {
    std::vector<HaMember> members = ha_members(view_, *port.ha_chassis_group);
    if (!serves_group(members, chassis_->uuid, facts.alive)) return false;
    if (view_.is_own_chassis(port.chassis) || facts.unproven.empty()) return true;
    std::set<std::string> perhaps_alive = facts.alive;
    perhaps_alive.insert(facts.unproven.begin(), facts.unproven.end());
    if (serves_group(members, chassis_->uuid, perhaps_alive)) return true;
    decide_again_at(facts.unproven_until_ms);
    return false;
}

void Binding::decide_again_at(int64_t ms) {
    if (!next_decision_ms_ || ms < *next_decision_ms_) next_decision_ms_ = ms;
}

// Another chassis took the port from us a moment ago.
bool Binding::must_wait(const sb::PortBinding& port, const BindingFacts& facts) {
    auto claimed = claimed_ms_.find(port.uuid);
    if (!port.chassis || claimed == claimed_ms_.end()) return false;
    int64_t due = claimed->second + kClaimBackMs;
    if (facts.now_ms >= due) return false;
    decide_again_at(due);
    return true;
}

void Binding::consider(const sb::PortBinding& port, const BindingFacts& facts,
                       std::vector<BindingChange>& changes) {
    Right right = right_to(port, facts);
    bool has_main = port.chassis && *port.chassis == chassis_->uuid;
    bool has_additional = port.additional_chassis.contains(chassis_->uuid);
    bool is_gateway = port.type == "chassisredirect" || port.type == "external";
    bool can_serve = !is_gateway || facts.switch_is_there;
    if (right.main && !has_main && can_serve && !must_wait(port, facts))
        changes.push_back({port.uuid, Kind::kClaim});
    if (right.additional && !has_additional) changes.push_back({port.uuid, Kind::kClaimAdditional});
    if (!right.main && has_main) changes.push_back({port.uuid, Kind::kRelease});
    if (!right.additional && has_additional) changes.push_back({port.uuid, Kind::kReleaseAdditional});
}

const sb::Chassis* Binding::find_chassis() {
    const Uuid* own = view_.own_chassis.find({});
    return own ? view_.value(view_.chassis, *own) : nullptr;
}

std::vector<BindingChange> Binding::decide(const Uuid& uuid, const BindingFacts& facts) {
    std::vector<BindingChange> changes;
    chassis_ = find_chassis();
    const sb::PortBinding* port = chassis_ ? view_.port(uuid) : nullptr;
    if (!port || !is_bindable(*port)) return changes;
    std::erase_if(claimed_ms_,
                  [&](const auto& claim) { return facts.now_ms >= claim.second + kClaimBackMs; });
    consider(*port, facts, changes);
    for (const BindingChange& change : changes) {
        if (change.kind == Kind::kClaim) claimed_ms_[uuid] = facts.now_ms;
    }
    return changes;
}

std::optional<Uuid> Binding::wanted_encap(const sb::PortBinding& port) {
    if (!port.type.empty()) return std::nullopt;
    const LocalInterface* interface =
        view_.local_interfaces.find(is_container(port) ? *port.parent_port : port.logical_port);
    if (!interface || interface->encap_ip.empty()) return std::nullopt;
    const sb::Encap* found = nullptr;
    for (const Uuid& uuid : chassis_->encaps) {
        const sb::Encap* encap = view_.value(view_.encaps, uuid);
        if (!encap || encap->ip != interface->encap_ip) continue;
        if (!found || encap->type == "geneve") found = encap;
    }
    if (found) return found->uuid;
    static log::RateLimit limit(5, 5);
    if (limit.pass(lg)) {
        lg.warn(
            "Interface {}: external_ids:encap-ip {} is none of this chassis' addresses (ovn-encap-ip); the "
            "default one is used",
            interface->name, interface->encap_ip);
    }
    return std::nullopt;
}

void Binding::keep_encap(const sb::PortBinding& port, Transaction& txn) {
    std::optional<Uuid> wanted = wanted_encap(port);
    if (view_.is_own_chassis(port.chassis)) txn.set(port.uuid, sb::PortBinding::kEncap, wanted);
    for (const Uuid& own : chassis_->encaps) {
        bool is_there = port.additional_encap.contains(own);
        bool is_wanted = wanted == own && port.additional_chassis.contains(chassis_->uuid);
        if (is_wanted && !is_there) txn.add(port.uuid, sb::PortBinding::kAdditionalEncap, own);
        if (!is_wanted && is_there) txn.remove(port.uuid, sb::PortBinding::kAdditionalEncap, own);
    }
}

void Binding::claim(const sb::PortBinding& port, Transaction& txn) {
    if (port.chassis) {
        const sb::Chassis* other = view_.value(view_.chassis, *port.chassis);
        lg.info("Changing chassis for lport {} from {} to {}.", port.logical_port, other ? other->name : "",
                chassis_->name);
    } else {
        lg.info("Claiming lport {} for this chassis.", port.logical_port);
    }
    for (const std::string& mac : port.mac) lg.info("{}: Claiming {}", port.logical_port, mac);
    txn.set(port.uuid, sb::PortBinding::kChassis, chassis_->uuid);
    txn.set(port.uuid, sb::PortBinding::kEncap, wanted_encap(port));
    if (port.up.has_value()) txn.set(port.uuid, sb::PortBinding::kUp, false);
}

void Binding::release(const sb::PortBinding& port, Transaction& txn) {
    lg.info("Releasing lport {} from this chassis (sb_readonly=0)", port.logical_port);
    txn.set(port.uuid, sb::PortBinding::kChassis, std::nullopt);
    txn.set(port.uuid, sb::PortBinding::kEncap, std::nullopt);
    if (port.up.has_value()) txn.set(port.uuid, sb::PortBinding::kUp, false);
    if (port.type == "virtual") txn.set(port.uuid, sb::PortBinding::kVirtualParent, std::nullopt);
}

void Binding::release_additional(const sb::PortBinding& port, Transaction& txn) {
    lg.info("Releasing lport {} from this additional chassis (sb_readonly=0)", port.logical_port);
    txn.remove(port.uuid, sb::PortBinding::kAdditionalChassis, chassis_->uuid);
    for (const Uuid& own : chassis_->encaps) {
        if (port.additional_encap.contains(own))
            txn.remove(port.uuid, sb::PortBinding::kAdditionalEncap, own);
    }
}

void Binding::write(const BindingChange& change, const sb::PortBinding& port, Transaction& txn) {
    switch (change.kind) {
        case Kind::kClaim:
            return claim(port, txn);
        case Kind::kClaimAdditional:
            lg.info("Claiming lport {} for this additional chassis.", port.logical_port);
            for (const std::string& mac : port.mac) lg.info("{}: Claiming {}", port.logical_port, mac);
            txn.add(port.uuid, sb::PortBinding::kAdditionalChassis, chassis_->uuid);
            if (auto encap = wanted_encap(port))
                txn.add(port.uuid, sb::PortBinding::kAdditionalEncap, *encap);
            return;
        case Kind::kRelease:
            return release(port, txn);
        case Kind::kReleaseAdditional:
            return release_additional(port, txn);
    }
}

void Binding::apply(const Uuid& uuid, const std::vector<BindingChange>& changes, Transaction& txn) {
    chassis_ = find_chassis();
    const sb::PortBinding* port = chassis_ ? view_.port(uuid) : nullptr;
    if (!port) return;
    for (const BindingChange& change : changes) write(change, *port, txn);
    if (changes.empty() && view_.is_here(*port)) keep_encap(*port, txn);
}

}  // namespace weft::controller
