// What bridges tell collectors: NetFlow, sFlow and IPFIX, between rows of the database, sampled packets, the
// protocols (protocols/netflow.h, sflow.h, ipfix.h) and UDP.
//
// configure() follows a bridge's rows; it tells translation, through Bridge::sampling and Bridge::netflow,
// which packets to send up.  sampled() takes those; run() sends what is due.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/datagram.h"
#include "net/loop.h"
#include "ovsdb/client/replica.h"
#include "schema/vswitch.h"
#include "switch/ofproto/bridge.h"
#include "switch/protocols/ipfix.h"
#include "switch/protocols/netflow.h"
#include "switch/protocols/sflow.h"
#include "switch/upcall/backer.h"

namespace weft::vswitch {

class Exporters {
  public:
    using FindBacker = std::function<Backer*(const Bridge&)>;
    Exporters(net::Loop& loop, FindBacker find_backer);

    void configure(const schema::vswitch::Bridge& row, Bridge& bridge, const ovsdb::client::Replica& replica,
                   std::vector<std::string>& warnings);
    void remove_bridge(const Bridge& bridge);
    void clear() { bridges_.clear(); }
    void sampled(Bridge& bridge, const UserAction& action, const datapath::Upcall& upcall, OfPort* in);
    void run();  // once in every turn

    struct IpfixExporter {
        Ipfix ipfix;
        net::Datagrams collectors;
        uint32_t obs_domain_id = 0, obs_point_id = 0;  // of the bridge's
        bool tunnels = true;
        explicit IpfixExporter(const IpfixOptions& options) : ipfix(options) {}
    };
    // nullptr: not configured.
    const IpfixExporter* bridge_ipfix(const Bridge& bridge) const;
    std::map<uint32_t, const IpfixExporter*> flow_ipfix(const Bridge& bridge) const;  // by collector set

  private:
    struct Exports {
        Bridge* bridge = nullptr;
        net::Datagrams netflow_collectors;
        std::unique_ptr<Sflow> sflow;
        net::Datagrams sflow_collectors;
        std::unique_ptr<IpfixExporter> ipfix;
        std::map<uint32_t, std::unique_ptr<IpfixExporter>> sets;
    };

    void configure_netflow(Exports& exports, const schema::vswitch::NetFlow* row,
                           std::vector<std::string>& warnings);
    void configure_sflow(Exports& exports, const schema::vswitch::SFlow* row,
                         std::vector<std::string>& warnings);
    void configure_ipfix(std::unique_ptr<IpfixExporter>& exporter, const schema::vswitch::IPFIX* row,
                         std::vector<std::string>& warnings);
    void sample_sflow(Exports& exports, const UserAction& action, const datapath::Upcall& upcall,
                      const OfPort* in);
    void sample_ipfix(IpfixExporter& exporter, Exports& exports, const UserAction& action,
                      const datapath::Upcall& upcall, const OfPort* in);
    void poll_counters(Exports& exports, int64_t now_ms);

    net::Loop& loop_;
    FindBacker find_backer_;
    std::map<std::string, Exports> bridges_;
    std::unique_ptr<net::Loop::Timer> timer_;
    uint32_t next_exporter_id_ = 1;
};

}  // namespace weft::vswitch
