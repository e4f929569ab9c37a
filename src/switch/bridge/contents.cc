#include "switch/bridge/contents.h"

#include "schema/vswitch.h"

namespace weft::vswitch {

namespace {

namespace db = schema::vswitch;
using ovsdb::client::ColumnSet;
using ovsdb::client::Replica;

template <typename... Columns>
ColumnSet all_but(const Columns&... columns) {
    ColumnSet set = ColumnSet::all();
    (set.remove(columns.index), ...);
    return set;
}

// Calls function.operator()<Row>(fetched, configuration) for each table: the columns of both kinds.
template <typename Row, typename F, typename... Columns>
void visit(F&& function, const Columns&... written) {
    ColumnSet fetched = ColumnSet::all();
    if constexpr (requires { Row::kExternalIds; }) fetched.remove(Row::kExternalIds.index);
    function.template operator()<Row>(fetched, fetched & all_but(written...));
}

template <typename F>
void visit_tables(F&& f) {
    using db::OpenVSwitch, db::Bridge, db::Port, db::Interface, db::Mirror, db::Datapath;
    visit<OpenVSwitch>(f, OpenVSwitch::kCurCfg, OpenVSwitch::kDatapathTypes, OpenVSwitch::kDpdkInitialized,
                       OpenVSwitch::kDpdkVersion, OpenVSwitch::kIfaceTypes, OpenVSwitch::kStatistics);
    visit<Bridge>(f, Bridge::kDatapathId, Bridge::kDatapathVersion, Bridge::kRstpStatus, Bridge::kStatus);
    visit<Port>(f, Port::kBondActiveSlave, Port::kRstpStatistics, Port::kRstpStatus, Port::kStatistics,
                Port::kStatus);
    visit<Interface>(f, Interface::kAdminState, Interface::kBfdStatus, Interface::kCfmFault,
                     Interface::kCfmFaultStatus, Interface::kCfmFlapCount, Interface::kCfmHealth,
                     Interface::kCfmRemoteMpids, Interface::kCfmRemoteOpstate, Interface::kDuplex,
                     Interface::kError, Interface::kIfindex, Interface::kLacpCurrent, Interface::kLinkResets,
                     Interface::kLinkSpeed, Interface::kLinkState, Interface::kMacInUse, Interface::kMtu,
                     Interface::kOfport, Interface::kStatistics, Interface::kStatus);
    visit<Mirror>(f, Mirror::kStatistics);
    visit<Datapath>(f, Datapath::kCapabilities);
    visit<db::Controller>(f);
    visit<db::Manager>(f, db::Manager::kIsConnected, db::Manager::kStatus);
    visit<db::FlowTable>(f);
    visit<db::CTZone>(f);
    visit<db::CTTimeoutPolicy>(f);
    visit<db::SSL>(f);
    visit<db::AutoAttach>(f);
    visit<db::FlowSampleCollectorSet>(f);
    visit<db::NetFlow>(f);
    visit<db::SFlow>(f);
    visit<db::IPFIX>(f);
    visit<db::QoS>(f);
    visit<db::Queue>(f);
}

}  // namespace

void monitor_contents(Replica& replica) {
    visit_tables(
        [&]<typename Row>(ColumnSet fetched, ColumnSet) { replica.monitor(Row::table_info(), fetched); });
}

bool take_contents_changed(Replica& replica) {
    bool changed = false;
    visit_tables([&]<typename Row>(ColumnSet, ColumnSet configuration) {
        for (const auto& change : replica.changes<Row>()) {
            if (!change.modified() || !(change.columns & configuration).empty()) changed = true;
        }
    });
    replica.clear_changes();
    return changed;
}

}  // namespace weft::vswitch
