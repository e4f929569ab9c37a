// Transit switches: a datapath that all zones share, and a logical switch in each of them.

#include "ic/program.h"

namespace weft::ic {

void transit_switch(Program& p, const Uuid& uuid) {
    const icnb::TransitSwitch* row = p.in.transit_switches.get(uuid);
    p.datapath_rows.emit({row->name});
    SwitchRow out{row->name, 0};
    if (const Uuid* datapath = p.datapath_named.first(row->name)) {
        out.key = p.in.datapaths.get(*datapath)->tunnel_key;
    }
    p.switch_rows.emit(std::move(out));
}

}  // namespace weft::ic
