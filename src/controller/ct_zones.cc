#include "controller/ct_zones.h"

#include <charconv>

#include "base/log.h"

namespace weft::controller {

namespace {

log::Module lg("ct_zone");

std::optional<uint16_t> parse_zone(std::string_view text) {
    uint16_t zone = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), zone);
    if (error != std::errc() || end != text.data() + text.size() || zone == 0) return std::nullopt;
    return zone;
}

}  // namespace

void CtZones::restore(const schema::vswitch::Bridge& bridge) {
    for (const auto& [key, value] : bridge.external_ids) {
        if (!key.starts_with(kPrefix)) continue;
        auto zone = parse_zone(value);
        if (!zone || !used_.insert(*zone).second) continue;
        std::string name = key.substr(kPrefix.size());
        if (!wanted_.contains(name)) unwanted_.insert(name);
        without_.erase(name);
        set(name, *zone);
    }
}

void CtZones::set(const std::string& name, uint16_t zone) {
    zones_[name] = zone;
    changed_.insert(name);
}

void CtZones::lose(const std::string& name) {
    zones_.erase(name);
    unwanted_.erase(name);
    if (wanted_.contains(name)) without_.insert(name);
    changed_.insert(name);
}

void CtZones::want(const std::string& name, bool wanted) {
    bool has = zones_.contains(name);
    if (wanted) {
        wanted_.insert(name);
        unwanted_.erase(name);
        if (!has) without_.insert(name);
    } else {
        wanted_.erase(name);
        without_.erase(name);
        if (has) unwanted_.insert(name);
    }
}

uint16_t CtZones::free_zone() {
    for (unsigned tried = 0; tried < 65535; ++tried) {
        if (++last_ == 0) ++last_;
        if (!used_.contains(last_) && !shared_.contains(last_)) return last_;
    }
    return 0;
}

// Takes over what is asked for; who loses a zone by that gets another.
void CtZones::follow(const std::map<std::string, uint16_t>& requested) {
    if (requested == requested_) return;
    for (const auto& [name, zone] : requested_) {
        if (!requested.contains(name)) lose(name);
    }
    shared_.clear();
    for (const auto& [name, zone] : requested) {
        auto it = zones_.find(name);
        if (it != zones_.end() && !requested_.contains(name)) used_.erase(it->second);
        set(name, zone);
        without_.erase(name);
        shared_.insert(zone);
    }
    requested_ = requested;
    std::vector<std::string> losers;
    for (const auto& [name, zone] : zones_) {
        if (shared_.contains(zone) && !requested_.contains(name)) losers.push_back(name);
    }
    for (const std::string& name : losers) lose(name);
    std::erase_if(used_, [&](uint16_t zone) { return shared_.contains(zone); });
}

void CtZones::assign(const std::map<std::string, uint16_t>& requested, bool free_others) {
    follow(requested);
    if (free_others) {
        for (const std::string& name : std::set<std::string>(unwanted_)) {
            if (requested_.contains(name)) continue;
            used_.erase(zones_.at(name));
            lose(name);
        }
    }
    while (!without_.empty()) {
        uint16_t zone = free_zone();
        if (!zone) {
            static log::RateLimit limit(1, 1);
            if (limit.pass(lg)) lg.warn("exhausted all ct zones");
            return;
        }
        const std::string name = *without_.begin();
        without_.erase(name);
        set(name, zone);
        used_.insert(zone);
        to_flush_.push_back(zone);
        lg.dbg("assigning ct zone {} to '{}'", zone, name);
    }
}

void CtZones::save(const std::string& name, const schema::vswitch::Bridge& bridge,
                   ovsdb::client::Transaction& txn) const {
    using schema::vswitch::Bridge;
    const std::string key = std::string(kPrefix) + name;
    auto zone = zones_.find(name);
    const std::string number = zone == zones_.end() ? "" : std::to_string(zone->second);
    const std::string* saved = bridge.external_ids.find(key);
    if (saved ? *saved == number : number.empty()) return;
    if (saved) txn.remove_key(bridge.uuid, Bridge::kExternalIds, key);
    if (!number.empty()) txn.set_key(bridge.uuid, Bridge::kExternalIds, key, number);
}

void CtZones::save_all(const schema::vswitch::Bridge& bridge, ovsdb::client::Transaction& txn) const {
    for (const auto& [key, value] : bridge.external_ids) {
        if (key.starts_with(kPrefix) && !zones_.contains(key.substr(kPrefix.size())))
            txn.remove_key(bridge.uuid, schema::vswitch::Bridge::kExternalIds, key);
    }
    for (const auto& [name, zone] : zones_) save(name, bridge, txn);
}

std::string CtZones::to_text() const {
    std::string text;
    for (const auto& [name, zone] : zones_) text += name + " " + std::to_string(zone) + "\n";
    return text;
}

}  // namespace weft::controller
