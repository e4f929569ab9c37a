// What all threads that forward packets look at: ports, megaflows, meters, bonds, connections.
//
// The switch's thread alone changes it, and packet threads read it under two locks (batch_lock.h), taken in
// this order: a whole batch, from its receiving to its sending, under `ports`, the way through the tables
// under `tables`.  So a port that is deleted is used by nobody, and a change of a flow waits for a packet.
// The switch's thread itself needs neither to forward.

#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/hash_map.h"
#include "datapath/userspace/batch_lock.h"
#include "datapath/userspace/bond_table.h"
#include "datapath/userspace/megaflow_table.h"
#include "datapath/userspace/meter_table.h"
#include "datapath/userspace/port.h"

namespace weft::datapath {

// Ports by number.
class PortDirectory {
  public:
    PortDirectory() : direct_(kDirect) {}
    Port* find(PortNo number) const {
        if (number < kDirect) return direct_[number];
        auto it = all_.find(number);
        return it == all_.end() ? nullptr : it->second.get();
    }
    void add(PortNo number, std::unique_ptr<Port> port) {
        if (number < kDirect) direct_[number] = port.get();
        all_.emplace(number, std::move(port));
    }
    void remove(PortNo number) {
        if (number < kDirect) direct_[number] = nullptr;
        all_.erase(number);
    }
    const std::map<PortNo, std::unique_ptr<Port>>& all() const { return all_; }

  private:
    static constexpr size_t kDirect = 4096;

    std::map<PortNo, std::unique_ptr<Port>> all_;
    std::vector<Port*> direct_;  // null where there is none; higher numbers are looked up in all_
};

// Numbers of the packets that leave in tunnels which count them: every thread's are of one row.
class SequenceNumbers {
  public:
    uint32_t next(PortNo port) {
        std::lock_guard lock(mutex_);
        return next_[port]++;
    }

  private:
    std::mutex mutex_;
    HashMap<PortNo, uint32_t> next_;
};

struct Forwarding {
    BatchLock ports_lock, tables_lock;

    PortDirectory ports;

    MegaflowTable megaflows;
    MeterTable meters;
    MeterTable police_bits, police_packets;  // by port
    std::map<PortNo, Policing> policing;
    BondTable bonds;

    SequenceNumbers sequences;
    std::unique_ptr<ConnectionTable> connections;  // has a lock of its own
};

}  // namespace weft::datapath
