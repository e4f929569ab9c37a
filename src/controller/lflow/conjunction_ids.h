// Numbers for the conjunctive matches of logical flows (ovs-fields(7), conj_id).
//
// A flow's first conjunction has the first 32 bits of the flow's uuid, as its cookie has, unless another flow
// has that number; so a restarted controller gives the same ones and the switch's flows need not change.
// Numbers are unique over all logical flows: tables and priorities need not be looked at.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/hash_map.h"
#include "base/uuid.h"

namespace weft::controller {

class ConjunctionIds {
  public:
    // The number of a flow's conjunction, counted from 0.
    uint32_t id(const Uuid& flow, uint32_t index);
    // Frees what the flow has beyond the first `count`.
    void keep(const Uuid& flow, uint32_t count);
    // For debug/dump-lflow-conj-ids.
    std::string to_text() const;

  private:
    std::map<Uuid, std::vector<uint32_t>> by_flow_;
    HashMap<uint32_t, Uuid> owners_;
};

}  // namespace weft::controller
