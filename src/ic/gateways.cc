// Gateways: our chassis with other_config:is-interconn are told to the other zones, theirs become chassis
// here with other_config:is-remote (ovn-sb(5), Chassis).

#include <algorithm>

#include "ic/program.h"

namespace weft::ic {

namespace {

template <typename Row>
std::vector<EncapRow> encaps_of(Rows<Row>& rows, const ovsdb::Set<Uuid>& uuids) {
    std::vector<EncapRow> out;
    for (const Uuid& uuid : uuids) {
        if (const Row* row = rows.get(uuid)) out.push_back({row->type, row->ip, row->options});
    }
    std::sort(out.begin(), out.end());
    return out;
}

std::string tunnel_name(const EncapRow& encap) {
    return encap.type + " " + encap.ip;
}

// Without those whose address is in `taken`.
std::vector<EncapRow> without_taken(Program& p, Index<std::string, Uuid>& taken, const std::string& gateway,
                                    std::vector<EncapRow> encaps) {
    std::erase_if(encaps, [&](const EncapRow& encap) {
        if (!taken.contains(tunnel_name(encap))) return false;
        p.complaints.emit("gateway " + gateway + ": a host of another zone has its tunnel address, " +
                          tunnel_name(encap));
        return true;
    });
    return encaps;
}

}  // namespace

void name_local_chassis(Program& p, const Uuid& chassis) {
    const sb::Chassis* row = p.in.chassis.get(chassis);
    if (is_remote(*row)) return;
    p.local_chassis_named.emit(row->name, chassis);
    for (const EncapRow& encap : encaps_of(p.in.encaps, row->encaps))
        p.local_tunnels.emit(tunnel_name(encap), chassis);
}

void name_foreign_gateway(Program& p, const Uuid& gateway) {
    const icsb::Gateway* row = p.in.gateways.get(gateway);
    const Uuid* zone = p.in.zone.find({});
    if (!zone || row->availability_zone == *zone) return;
    p.foreign_gateway_named.emit(row->name, gateway);
    for (const EncapRow& encap : encaps_of(p.in.gateway_encaps, row->encaps))
        p.foreign_tunnels.emit(tunnel_name(encap), gateway);
}

void gateway(Program& p, const Uuid& chassis) {
    const sb::Chassis* row = p.in.chassis.get(chassis);
    if (!ovsdb::get_bool(row->other_config, "is-interconn")) return;
    if (p.foreign_gateway_named.contains(row->name)) {
        p.complaints.emit("gateway " + row->name + " has the name of a gateway of another zone");
        return;
    }
    GatewayRow out{row->name, row->hostname,
                   without_taken(p, p.foreign_tunnels, row->name, encaps_of(p.in.encaps, row->encaps))};
    if (!out.encaps.empty()) p.gateway_rows.emit(std::move(out));
}

void remote_gateway(Program& p, const Uuid& gateway) {
    const icsb::Gateway* row = p.in.gateways.get(gateway);
    const Uuid* zone = p.in.zone.find({});
    if (!zone || row->availability_zone == *zone) return;
    if (p.local_chassis_named.contains(row->name)) {
        p.complaints.emit("gateway " + row->name + " of another zone has the name of a chassis of this zone");
        return;
    }
    RemoteChassisRow out{
        row->name, row->hostname,
        without_taken(p, p.local_tunnels, row->name, encaps_of(p.in.gateway_encaps, row->encaps))};
    if (!out.encaps.empty()) p.remote_chassis_rows.emit(std::move(out));
}

}  // namespace weft::ic
