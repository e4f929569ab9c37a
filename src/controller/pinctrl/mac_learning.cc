#include "controller/pinctrl/mac_learning.h"

#include "base/clock.h"
#include "packet/address.h"

namespace weft::controller {

namespace sb = schema::sb;
using ovsdb::client::Replica;
using ovsdb::client::Transaction;

void MacLearning::learn_neighbour(uint32_t datapath_key, uint32_t port_key, const std::string& ip,
                                  const packet::EthAddr& mac) {
    if (packet::is_multicast(mac) || packet::is_zero(mac) || neighbours_.size() >= kMostPending) return;
    neighbours_[{datapath_key, port_key, ip}] = packet::to_string(mac);
}

void MacLearning::learn_station(uint32_t datapath_key, uint32_t port_key, const packet::EthAddr& mac) {
    if (packet::is_multicast(mac) || packet::is_zero(mac) || stations_.size() >= kMostPending) return;
    stations_[{datapath_key, packet::to_string(mac)}] = port_key;
}

void MacLearning::write_neighbour(const Replica& southbound, const Neighbour& neighbour,
                                  const std::string& mac, Transaction& txn) {
    const Uuid* port_uuid = view_.port_by_keys.first({neighbour.datapath_key, neighbour.port_key});
    const sb::PortBinding* port = port_uuid ? southbound.find<sb::PortBinding>(*port_uuid) : nullptr;
    if (!port) return;
    const sb::MACBinding* known = nullptr;
    southbound.table<sb::MACBinding>().for_each_by(
        sb::MACBinding::kIp, neighbour.ip, [&](const sb::MACBinding& row) {
            if (row.datapath == port->datapath && row.logical_port == port->logical_port) known = &row;
        });
    if (known) {
        if (known->mac == mac) return;
        txn.set(known->uuid, sb::MACBinding::kMac, mac);
        txn.set(known->uuid, sb::MACBinding::kTimestamp, clock::wall_ms());
        return;
    }
    Uuid uuid = txn.insert<sb::MACBinding>();
    txn.set(uuid, sb::MACBinding::kLogicalPort, port->logical_port);
    txn.set(uuid, sb::MACBinding::kIp, neighbour.ip);
    txn.set(uuid, sb::MACBinding::kMac, mac);
    txn.set(uuid, sb::MACBinding::kDatapath, port->datapath);
    txn.set(uuid, sb::MACBinding::kTimestamp, clock::wall_ms());
}

void MacLearning::write_station(const Replica& southbound, uint32_t datapath_key, const std::string& mac,
                                uint32_t port_key, Transaction& txn) {
    const sb::FDB* known = nullptr;
    southbound.table<sb::FDB>().for_each_by(sb::FDB::kMac, mac, [&](const sb::FDB& row) {
        if (row.dp_key == datapath_key) known = &row;
    });
    bool ages = southbound.server_has(sb::FDB::kTimestamp);
    if (known) {
        txn.set(known->uuid, sb::FDB::kPortKey, port_key);
        if (ages) txn.set(known->uuid, sb::FDB::kTimestamp, clock::wall_ms());
        return;
    }
    Uuid uuid = txn.insert<sb::FDB>();
    if (ages) txn.set(uuid, sb::FDB::kTimestamp, clock::wall_ms());
    txn.set(uuid, sb::FDB::kMac, mac);
    txn.set(uuid, sb::FDB::kDpKey, datapath_key);
    txn.set(uuid, sb::FDB::kPortKey, port_key);
}

void MacLearning::write(const Replica& southbound, Transaction& txn) {
    for (const auto& [neighbour, mac] : neighbours_) write_neighbour(southbound, neighbour, mac, txn);
    for (const auto& [station, port_key] : stations_)
        write_station(southbound, station.first, station.second, port_key, txn);
    neighbours_.clear();
    stations_.clear();
}

}  // namespace weft::controller
