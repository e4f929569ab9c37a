// A logical network made by hand, for the tests of this folder: rows go into a store of their own, and
// network() reads them.
//
//     TestNetwork net;
//     Uuid sw = net.datapath("sw", 1);
//     net.port(sw, "p1", 1);
//     net.flow(sw, "ingress", 0, 100, "eth.src == 02:00:00:00:00:01", "next;", "ls_in_check");
//     EXPECT_EQ(net.trace("inport == \"p1\""), …);

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cli/trace/request.h"
#include "ovsdb/client/row_store.h"
#include "schema/sb.h"

namespace weft::cli::trace {

class TestNetwork {
  public:
    Uuid datapath(const std::string& name, int64_t key) {
        auto* row = add<schema::sb::DatapathBinding>();
        row->tunnel_key = key;
        row->external_ids.set("name", name);
        return row->uuid;
    }
    schema::sb::PortBinding& port(const Uuid& datapath, const std::string& name, int64_t key,
                                  const std::string& type = "") {
        auto* row = add<schema::sb::PortBinding>();
        row->datapath = datapath;
        row->logical_port = name;
        row->tunnel_key = key;
        row->type = type;
        return *row;
    }
    // A switch's port and a router's, each the other's peer.
    void patch(const Uuid& a, const std::string& at_a, int64_t key_a, const Uuid& b, const std::string& at_b,
               int64_t key_b) {
        port(a, at_a, key_a, "patch").options.set("peer", at_b);
        port(b, at_b, key_b, "patch").options.set("peer", at_a);
    }
    void group(const Uuid& datapath, const std::string& name, int64_t key,
               std::initializer_list<Uuid> ports) {
        auto* row = add<schema::sb::MulticastGroup>();
        row->datapath = datapath;
        row->name = name;
        row->tunnel_key = key;
        for (const Uuid& each : ports) row->ports.insert(each);
    }
    void flow(const Uuid& datapath, const std::string& pipeline, int64_t table, int64_t priority,
              const std::string& match, const std::string& actions, const std::string& stage = "") {
        auto* row = add<schema::sb::LogicalFlow>();
        row->logical_datapath = datapath;
        row->pipeline = pipeline;
        row->table_id = table;
        row->priority = priority;
        row->match = match;
        row->actions = actions;
        if (!stage.empty()) row->external_ids.set("stage-name", stage);
    }
    // Every packet that reaches the egress pipeline is delivered.
    void deliver_all(const Uuid& datapath) { flow(datapath, "egress", 0, 0, "1", "output;"); }
    template <typename Row>
    Row* add() {
        auto* row = new Row{};
        row->uuid.bytes[3] = ++rows_;  // its place among rows that are equal otherwise
        row->uuid.bytes[15] = 1;
        store_.table(Row::table_info()).insert(row);
        return row;
    }

    Network& network() {
        network_ = std::make_unique<Network>(store_, true);
        return *network_;
    }

    enum class Form { kDetailed, kSummary, kMinimal };
    // Without the line that repeats the packet.
    std::string trace(const std::string& microflow, Form form = Form::kDetailed, Settings settings = {},
                      const std::string& datapath = "") {
        Request request;
        request.settings = std::move(settings);
        request.microflow = microflow;
        request.datapath = datapath;
        request.detailed = form == Form::kDetailed;
        request.summary = form == Form::kSummary;
        request.minimal = form == Form::kMinimal;
        std::string text = cli::trace::trace(network(), request);
        return text.starts_with("# ") ? text.substr(text.find('\n') + 1) : text;
    }

  private:
    ovsdb::client::Store store_{schema::sb::database(), false};
    std::unique_ptr<Network> network_;
    uint8_t rows_ = 0;
};

}  // namespace weft::cli::trace
