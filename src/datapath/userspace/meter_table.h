// Meters: token buckets that drop what exceeds their rate (OpenFlow 1.3 section 5.7).
//
// Packets of several threads may pass at the same time: each meter has a lock.  Who changes which meters
// there are is alone.

#pragma once

#include <memory>
#include <mutex>

#include "base/hash_map.h"
#include "datapath/api/datapath.h"

namespace weft::datapath {

class MeterTable {
  public:
    static constexpr uint32_t kMax = 262144;

    // Buckets in the place of this table's own, that somebody else takes from, too.
    class Buckets {
      public:
        virtual ~Buckets() = default;
        virtual bool put(const MeterConfig& config) = 0;  // a full one; false: this table is to hold it
        virtual void remove(uint32_t id) = 0;
        virtual bool pass(uint32_t id, size_t bytes) = 0;
        virtual void read(MeterConfig& config) const = 0;  // what has been counted
    };
    // Before there is any meter.  They must outlive the table.
    void share(Buckets* buckets) { buckets_ = buckets; }

    Result<void> set(const MeterConfig& config, int64_t now_ms);
    Result<MeterConfig> get(uint32_t id) const;
    Result<MeterConfig> remove(uint32_t id);
    // True if a packet of so many bytes may pass.  A meter that does not exist passes everything.
    bool pass(uint32_t id, size_t bytes, int64_t now_ms);

  private:
    struct State {
        mutable std::mutex mutex;  // of tokens and counts
        MeterConfig config;
        std::vector<uint64_t> tokens;  // per band, in thousandths of a packet, or bits
        int64_t filled_ms = 0;
        bool shared = false;
    };
    MeterConfig read(const State& state) const;

    Buckets* buckets_ = nullptr;
    HashMap<uint32_t, std::unique_ptr<State>> meters_;
};

}  // namespace weft::datapath
