// A flow of a test, from text.

#pragma once

#include <string_view>

#include "base/uuid.h"
#include "datapath/api/text.h"

namespace weft::datapath {

inline Result<FlowPut> flow_put(std::string_view match, std::string_view actions) {
    WEFT_ASSIGN(auto both, parse_match(match));
    WEFT_ASSIGN(Actions list, parse_actions(actions));
    FlowPut put;
    put.ufid = Uuid::random();
    put.key = both.key;
    put.mask = both.mask;
    put.actions = std::move(list);
    return put;
}

}  // namespace weft::datapath
