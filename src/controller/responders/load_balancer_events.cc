#include "controller/responders/load_balancer_events.h"

#include <iterator>

#include "logical/actions/misc.h"

namespace weft::controller {

namespace sb = schema::sb;

std::optional<LoadBalancerEvents::Information> LoadBalancerEvents::parse(ByteView userdata) {
    ByteReader in(userdata);
    uint32_t event = in.u32();
    if (!in.ok() || event >= std::size(logical::kEventNames)) return std::nullopt;
    Information information;
    while (!in.empty()) {
        uint16_t code = in.u16();
        ByteView value = in.bytes(in.u16());
        if (!in.ok() || code == 0 || code >= std::size(logical::kEmptyLbOptions)) return std::nullopt;
        information[logical::kEmptyLbOptions[code]] =
            std::string(reinterpret_cast<const char*>(value.data()), value.size());
    }
    if (information.size() + 1 != std::size(logical::kEmptyLbOptions)) return std::nullopt;
    return information;
}

void LoadBalancerEvents::note(Information information) {
    if (pending_.size() < kMostPending) pending_.insert(std::move(information));
}

void LoadBalancerEvents::write(const ovsdb::client::Replica& southbound, const Uuid& chassis,
                               ovsdb::client::Transaction& txn) {
    if (pending_.empty()) return;
    for (const sb::ControllerEvent& row : southbound.table<sb::ControllerEvent>()) {
        if (row.chassis != chassis) continue;
        last_number_ = std::max(last_number_, row.seq_num);
        Information known;
        for (const auto& [key, value] : row.event_info) known[key] = value;
        pending_.erase(known);
    }
    for (const Information& information : pending_) {
        Uuid uuid = txn.insert<sb::ControllerEvent>();
        ovsdb::StringMap info;
        for (const auto& [key, value] : information) info.set(key, value);
        txn.set(uuid, sb::ControllerEvent::kEventType, logical::kEventNames[0]);
        txn.set(uuid, sb::ControllerEvent::kEventInfo, info);
        txn.set(uuid, sb::ControllerEvent::kChassis, chassis);
        txn.set(uuid, sb::ControllerEvent::kSeqNum, ++last_number_);
    }
    pending_.clear();
}

}  // namespace weft::controller
