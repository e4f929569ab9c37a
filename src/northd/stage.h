// The logical tables, as ovn-northd(8), "LOGICAL FLOW TABLE STRUCTURE", numbers and names them.

#pragma once

#include <cstdint>

namespace weft::northd {

enum class Stage : uint8_t {
#define STAGE(symbol, pipeline, table, name) symbol,
#include "northd/stage.def"
#undef STAGE
};

struct StageInfo {
    bool ingress;
    uint8_t table;
    const char* name;
};

const StageInfo& stage_info(Stage stage);
inline const char* pipeline_name(Stage stage) {
    return stage_info(stage).ingress ? "ingress" : "egress";
}

}  // namespace weft::northd
