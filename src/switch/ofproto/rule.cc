#include "switch/ofproto/rule.h"

namespace weft::vswitch {

openflow::Match Rule::match() const {
    openflow::Match match;
    match.value = value();
    match.mask = mask();
    match.tunnel_table = tunnel_table();
    return match;
}

}  // namespace weft::vswitch
