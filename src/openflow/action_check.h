// What a flow's actions may not do, given its match: ovs-actions(7) "Error Handling" and each action's
// prerequisites.
//
// An action that changes a header (dec_ttl, mod_nw_src, pop_vlan, ...) is inconsistent with a match that does
// not promise the header.  From OpenFlow 1.1 on that is an error.  OpenFlow 1.0, with Nicira's extensions or
// without, has such actions leave packets without the header as they are, so there it is none; what names a
// field (set_field, load, move, learn, ...) and ct need their prerequisites in every version.

#pragma once

#include "openflow/action.h"

namespace weft::openflow {

struct ActionCheck {
    const Match* match = nullptr;  // none: any packet
    uint32_t max_ports = kPortMax10;
    uint8_t table = 0;
    uint8_t tables = 255;  // of the switch
    bool strict_set_field = true;
    bool may_be_inconsistent = false;  // OpenFlow 1.0
};
// Prerequisites that the match lacks, ports and tables that do not exist, instructions out of order, actions
// that do not go together.
OfError check_actions(const ActionList& actions, const ActionCheck& check);
// Whether the match promises each header that the actions change.
bool consistent(const ActionList& actions, const Match& match);
// Tells mod_vlan_vid and mod_vlan_pcp whether their packets have a tag already, which decides how
// OpenFlow 1.1+ spells them.
void note_vlan_state(ActionList& actions, const Match& match);

}  // namespace weft::openflow
