// The logical network that ovn-trace walks through: rows of the southbound database, parsed and indexed.
//
// A Network is made from a store's contents (of a replica) at one moment and does not change; the daemon
// makes a new one when the database has changed.  Flows that cannot be parsed are warned about and left out,
// as ovn-controller leaves them out.

#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash_map.h"
#include "logical/action.h"
#include "logical/expr.h"
#include "logical/port_security.h"
#include "ovsdb/client/replica.h"
#include "packet/flow.h"
#include "schema/sb.h"

namespace weft::cli::trace {

struct Datapath;

struct Port {
    Uuid uuid;
    std::string name;
    std::string friendly;  // what a person calls it
    std::string type;
    uint32_t key = 0;
    const Datapath* datapath = nullptr;
    const Port* peer = nullptr;         // of patch and l3gateway ports
    const Port* distributed = nullptr;  // of chassisredirect ports
    std::vector<logical::PortSecurity> security;
};

struct MulticastGroup {
    std::string name;
    uint32_t key = 0;
    std::vector<const Port*> ports;  // by name
};

struct LogicalFlow {
    Uuid uuid;
    uint8_t table = 0;
    uint16_t priority = 0;
    std::string match;  // as written
    std::string stage, source;
    logical::Expr condition;  // the match and what the actions need, simplified
    logical::ActionProgram program;
    bool trivial = false;  // matches everything and goes to the next table
};

struct Datapath {
    Uuid uuid;
    std::string name, friendly;
    std::string logical_uuid;  // of the northbound row
    uint32_t key = 0;
    bool is_gateway_router = false;  // has an l3gateway port
    std::map<uint32_t, const Port*> ports;
    std::map<uint32_t, MulticastGroup> groups;
    HashMap<std::string, uint32_t> keys;  // of ports and groups by name
    // By table; of a table by falling priority.
    std::array<std::vector<const LogicalFlow*>, 256> ingress, egress;
    std::map<std::pair<uint32_t, std::string>, packet::EthAddr> mac_bindings;  // by port key and address
    std::map<packet::EthAddr, uint32_t> fdb;                                   // port key by address

    const std::vector<const LogicalFlow*>& flows(logical::Pipeline pipeline, uint8_t table) const {
        return (pipeline == logical::Pipeline::kIngress ? ingress : egress)[table];
    }
};

class Network : public logical::SetLookup {
  public:
    // What to fetch.
    static void monitor(ovsdb::client::Replica& replica);

    Network(const ovsdb::client::Store& store, bool friendly_names);
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;

    // By name, or uuid of the southbound or the northbound row; nullptr: there is none.
    const Datapath* find_datapath(std::string_view name) const;
    const Port* find_port(std::string_view name) const;  // of any datapath

    // Names of ports in quotes replaced by those that people use.
    std::string friendly_text(std::string_view text) const;

    bool address_set(std::string_view name, std::vector<logical::Constant>& members) const override;
    bool port_group(std::string_view name, std::vector<std::string>& members) const override;

  private:
    template <typename Row>
    ovsdb::client::Table<Row> rows() const {
        return ovsdb::client::Table<Row>(store_->table(Row::table_info()));
    }
    void read_datapaths();
    void read_ports();
    void read_sets();
    void read_bindings();
    void read_flows();
    std::unique_ptr<LogicalFlow> parse_flow(const schema::sb::LogicalFlow& row) const;

    const ovsdb::client::Store* store_;  // while the contents are read
    bool friendly_names_;
    std::map<Uuid, std::unique_ptr<Datapath>> datapaths_;
    std::map<std::string, std::unique_ptr<Port>, std::less<>> ports_;
    std::vector<std::unique_ptr<LogicalFlow>> flows_;
    std::map<std::string, std::vector<logical::Constant>, std::less<>> address_sets_;
    std::map<std::string, std::vector<std::string>, std::less<>> port_groups_;
    logical::DhcpOptionTable dhcp_, dhcpv6_;
};

}  // namespace weft::cli::trace
