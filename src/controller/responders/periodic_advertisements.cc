#include "controller/responders/periodic_advertisements.h"

#include <random>

namespace weft::controller {

namespace sb = schema::sb;

namespace {

int64_t random_between(int64_t from, int64_t to) {
    static std::mt19937_64 generator{std::random_device{}()};
    return std::uniform_int_distribution<int64_t>(from, to)(generator);
}

}  // namespace

void PeriodicAdvertisements::note_changes(const ovsdb::client::Replica& southbound) {
    for (const auto& change : southbound.changes<sb::PortBinding>()) {
        const sb::PortBinding& row = change.row();
        bool sends = !change.deleted() && (row.type == "patch" || row.type == "l3gateway") &&
                     ovsdb::get_bool(row.options, "ipv6_ra_send_periodic");
        if (sends) {
            senders_.insert(row.uuid);
        } else {
            senders_.erase(row.uuid);
        }
    }
}

void PeriodicAdvertisements::update(const ovsdb::client::Replica& southbound, SouthboundView& view,
                                    int64_t now_ms) {
    std::map<Uuid, Port> kept;
    for (const Uuid& uuid : senders_) {
        const sb::PortBinding* found = southbound.find<sb::PortBinding>(uuid);
        if (!found) continue;
        const sb::PortBinding& row = *found;
        std::optional<RouterAdvertisement> ra = RouterAdvertisement::parse(row.options);
        if (!ra) continue;
        const sb::PortBinding* peer = view.port_named(std::string(ovsdb::get_string(row.options, "peer")));
        const LocalDatapath* datapath = peer ? view.local_datapath(peer->datapath) : nullptr;
        if (!datapath) continue;
        auto old = ports_.find(row.uuid);
        bool same = old != ports_.end() && old->second.advertisement == *ra;
        int64_t due_ms =
            same ? old->second.due_ms : now_ms + random_between(ra->min_interval_ms, ra->max_interval_ms);
        kept.emplace(row.uuid, Port{*ra, datapath->key, static_cast<uint32_t>(peer->tunnel_key), due_ms});
    }
    ports_ = std::move(kept);
}

void PeriodicAdvertisements::run(int64_t now_ms, const Send& send) {
    for (auto& [uuid, port] : ports_) {
        if (now_ms < port.due_ms) continue;
        port.due_ms =
            now_ms + random_between(port.advertisement.min_interval_ms, port.advertisement.max_interval_ms);
        send(port.datapath_key, port.port_key, port.advertisement.compose());
    }
}

std::optional<int64_t> PeriodicAdvertisements::due_ms() const {
    std::optional<int64_t> due;
    for (const auto& [uuid, port] : ports_) {
        if (!due || port.due_ms < *due) due = port.due_ms;
    }
    return due;
}

}  // namespace weft::controller
