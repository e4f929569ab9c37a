// A bond of the datapath, which spreads packets over ports by their hash (datapath::LbOutput): there as long
// as this is, which the datapath outlives.

#pragma once

#include "datapath/api/datapath.h"

namespace weft::vswitch {

class DatapathBond {
  public:
    DatapathBond(datapath::Datapath& datapath, uint32_t id) : datapath_(datapath), id_(id) {
        buckets_.fill(datapath::kNoPort);
        (void)datapath_.set_bond(id_, buckets_);
    }
    ~DatapathBond() { datapath_.delete_bond(id_); }
    DatapathBond(const DatapathBond&) = delete;
    DatapathBond& operator=(const DatapathBond&) = delete;

    uint32_t id() const { return id_; }
    const datapath::BondBuckets& buckets() const { return buckets_; }
    bool filled() const { return filled_; }  // set() was called
    void set(const datapath::BondBuckets& buckets) {
        filled_ = true;
        if (buckets == buckets_) return;
        buckets_ = buckets;
        (void)datapath_.set_bond(id_, buckets_);
    }
    // What was sent by each bucket since the last call.
    datapath::BondBytes take_bytes() {
        datapath::BondBytes now = datapath_.bond_bytes(id_), out;
        for (size_t i = 0; i < out.size(); ++i) out[i] = now[i] - taken_[i];
        taken_ = now;
        return out;
    }

  private:
    datapath::Datapath& datapath_;
    uint32_t id_;
    bool filled_ = false;
    datapath::BondBuckets buckets_{};
    datapath::BondBytes taken_{};
};

}  // namespace weft::vswitch
