// Meters: token buckets that drop what exceeds their rate (OpenFlow 1.3 section 5.7).

#pragma once

#include "base/hash_map.h"
#include "datapath/api/datapath.h"

namespace weft::datapath {

class MeterTable {
  public:
    static constexpr uint32_t kMax = 65536;

    Result<void> set(const MeterConfig& config, int64_t now_ms);
    Result<MeterConfig> get(uint32_t id) const;
    Result<MeterConfig> remove(uint32_t id);
    // True if a packet of so many bytes may pass.  A meter that does not exist passes everything.
    bool pass(uint32_t id, size_t bytes, int64_t now_ms);

  private:
    struct State {
        MeterConfig config;
        std::vector<uint64_t> tokens;  // per band, in thousandths of a packet, or bits
        int64_t filled_ms = 0;
    };
    HashMap<uint32_t, State> meters_;
};

}  // namespace weft::datapath
