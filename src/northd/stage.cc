#include "northd/stage.h"

namespace weft::northd {

const StageInfo& stage_info(Stage stage) {
    constexpr bool ingress = true, egress = false;
    static constexpr StageInfo kStages[] = {
#define STAGE(symbol, pipeline, table, name) {pipeline, table, name},
#include "northd/stage.def"
#undef STAGE
    };
    return kStages[static_cast<unsigned>(stage)];
}

}  // namespace weft::northd
