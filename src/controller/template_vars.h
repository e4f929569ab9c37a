// Variables whose values differ from chassis to chassis (ovn-sb(5), Chassis_Template_Var): "^NAME" in the
// text of logical flows and load balancers.

#pragma once

#include <string>
#include <string_view>

#include "controller/southbound_view.h"

namespace weft::controller {

// `text` with this chassis' values; variables without one stay as they are, which no parser accepts.
std::string expand_template_vars(SouthboundView& view, std::string_view text);

inline bool has_template_vars(std::string_view text) {
    return text.find('^') != std::string_view::npos;
}

}  // namespace weft::controller
