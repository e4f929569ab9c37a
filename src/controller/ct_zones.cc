#include "controller/ct_zones.h"

#include <charconv>

#include "base/log.h"

namespace weft::controller {

namespace {

constexpr std::string_view kPrefix = "ct-zone-";
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
        zones_[key.substr(kPrefix.size())] = *zone;
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
        if (!requested.contains(name)) zones_.erase(name);
    }
    shared_.clear();
    for (const auto& [name, zone] : requested) {
        auto it = zones_.find(name);
        if (it != zones_.end() && !requested_.contains(name)) used_.erase(it->second);
        zones_[name] = zone;
        shared_.insert(zone);
    }
    requested_ = requested;
    std::erase_if(zones_, [&](const auto& entry) {
        return shared_.contains(entry.second) && !requested_.contains(entry.first);
    });
    std::erase_if(used_, [&](uint16_t zone) { return shared_.contains(zone); });
}

void CtZones::assign(const std::set<std::string>& wanted, const std::map<std::string, uint16_t>& requested,
                     bool free_others) {
    follow(requested);
    for (auto it = zones_.begin(); it != zones_.end();) {
        if (!free_others || wanted.contains(it->first) || requested_.contains(it->first)) {
            ++it;
            continue;
        }
        used_.erase(it->second);
        it = zones_.erase(it);
    }
    for (const std::string& name : wanted) {
        if (zones_.contains(name)) continue;
        uint16_t zone = free_zone();
        if (!zone) {
            static log::RateLimit limit(1, 1);
            if (limit.pass(lg)) lg.warn("exhausted all ct zones");
            return;
        }
        zones_[name] = zone;
        used_.insert(zone);
        to_flush_.push_back(zone);
        lg.dbg("assigning ct zone {} to '{}'", zone, name);
    }
}

void CtZones::save(const schema::vswitch::Bridge& bridge, ovsdb::client::Transaction& txn) const {
    using schema::vswitch::Bridge;
    for (const auto& [key, value] : bridge.external_ids) {
        if (key.starts_with(kPrefix) && !zones_.contains(key.substr(kPrefix.size())))
            txn.remove_key(bridge.uuid, Bridge::kExternalIds, key);
    }
    for (const auto& [name, zone] : zones_) {
        std::string key = std::string(kPrefix) + name, number = std::to_string(zone);
        const std::string* saved = bridge.external_ids.find(key);
        if (saved && *saved == number) continue;
        if (saved) txn.remove_key(bridge.uuid, Bridge::kExternalIds, key);
        txn.set_key(bridge.uuid, Bridge::kExternalIds, key, number);
    }
}

std::string CtZones::to_text() const {
    std::string text;
    for (const auto& [name, zone] : zones_) text += name + " " + std::to_string(zone) + "\n";
    return text;
}

}  // namespace weft::controller
