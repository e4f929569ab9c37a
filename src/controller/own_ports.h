// Which ports are this chassis' matter, and what follows from each of them by itself: that its datapath is
// local, that it wants a conntrack zone.
//
// Rules over the view, one port at a time: who reads the whole (local_datapaths.h, the steps) is called when
// the set that it reads changed, not whenever any of the ports did.

#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "controller/southbound_view.h"
#include "incremental/output.h"

namespace weft::controller {

struct OwnPorts {
    explicit OwnPorts(SouthboundView& southbound_view);
    ~OwnPorts();

    // Of the ports that are here those that few of them are, for who needs just these.
    enum class Trait : uint8_t {
        kL2Gateway,
        kQueue,     // options:qdisc_queue_id
        kMirrored,  // mirror_rules
    };

    SouthboundView& view;

    // Port_Binding rows that this chassis may have to claim, release or correct.
    incremental::Index<Uuid, incremental::Unit> candidates{view.engine, "ports that may be here"};
    // That the southbound database says are here, mainly or in addition: rows, and by name.
    incremental::Index<Uuid, incremental::Unit> rows{view.engine, "own ports"};
    incremental::Index<std::string, Uuid> by_name{view.engine, "own ports by name"};
    incremental::Index<Trait, Uuid> with{view.engine, "own ports by trait"};
    // Datapaths with a port that is here or could come to be: what can be reached from these is local.
    incremental::Index<Uuid, incremental::Unit> datapaths{view.engine, "datapaths of own ports"};
    // Names that want a conntrack zone (ct_zones.h), the numbers that routers ask for, and of zones that have
    // a number (view.ct_zones) their limits.
    incremental::Output<std::string> zone_names{view.engine, "wanted conntrack zone"};
    incremental::Index<std::string, uint16_t> requested_zones{view.engine, "requested conntrack zones"};
    incremental::Index<uint16_t, int64_t> zone_limits{view.engine, "limits of conntrack zones"};

    const schema::sb::PortBinding* row_named(const std::string& name);

  private:
    void emit_bound();
    void emit_asked_for();
    void emit_interface(const std::string& name);
    void emit_port(const Uuid& uuid);
    void emit_datapath(const Uuid& uuid);
    void emit_zone_limit(const std::string& name);

    incremental::Rule<incremental::Unit> bound_{view.engine, "find own ports",
                                                [this](incremental::Unit) { emit_bound(); }};
    incremental::Rule<incremental::Unit> asked_for_{view.engine, "find gateway ports",
                                                    [this](incremental::Unit) { emit_asked_for(); }};
    incremental::Rule<std::string> interfaces_{view.engine, "find ports of interfaces", view.local_interfaces,
                                               [this](const std::string& name) { emit_interface(name); }};
    incremental::Rule<Uuid> ports_{view.engine, "look at own port", rows,
                                   [this](const Uuid& uuid) { emit_port(uuid); }};
    incremental::Rule<Uuid> datapaths_{view.engine, "find zones of a datapath", view.local_datapaths,
                                       [this](const Uuid& uuid) { emit_datapath(uuid); }};
    incremental::Rule<std::string> zones_{view.engine, "find limit of a conntrack zone", view.ct_zones,
                                          [this](const std::string& name) { emit_zone_limit(name); }};
};

}  // namespace weft::controller
