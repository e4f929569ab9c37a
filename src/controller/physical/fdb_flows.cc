// Tables 71 and 72: which port of a logical switch an unknown MAC address was seen behind (FDB): get_fdb and
// lookup_fdb.

#include "controller/physical/action_builder.h"
#include "controller/physical/physical_flows.h"
#include "packet/address.h"

namespace weft::controller {

void emit_fdb_flows(SouthboundView& view, const Uuid& uuid) {
    const schema::sb::FDB* row = *view.fdb.find(uuid);
    auto mac = packet::parse_eth(row->mac);
    if (!mac) return;
    const uint32_t datapath_key = static_cast<uint32_t>(row->dp_key),
                   port_key = static_cast<uint32_t>(row->port_key);

    openflow::Match to = datapath_match(datapath_key);
    to.set_dl_dst(*mac);
    view.flows.emit(make_flow(kTableGetFdb, 100, cookie_of(uuid), to,
                              ActionBuilder().load_reg(kRegOutport, port_key).take()));

    openflow::Match from = datapath_match(datapath_key);
    from.set_reg(kRegInport, port_key);
    from.set_dl_src(*mac);
    view.flows.emit(make_flow(kTableLookupFdb, 100, cookie_of(uuid), from,
                              ActionBuilder().load(openflow::reg_field(kRegFlags), 1, 8, 1).take()));
}

}  // namespace weft::controller
