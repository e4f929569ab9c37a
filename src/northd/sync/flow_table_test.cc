// Rows of Logical_Flow as the flow table keeps them: what is taken back is what was there, in every column.

#include "northd/sync/flow_table.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>

#include "incremental/definitions.h"
#include "json/text.h"
#include "net/loop.h"

namespace weft::northd {
namespace {

using ovsdb::client::Store;
using ovsdb::client::TableStore;

bool are_equal(const sb::LogicalFlow& a, const sb::LogicalFlow& b) {
    for (const auto& column : sb::LogicalFlow::table_info().columns) {
        if (!column.codec->equal(field_of(&a, column), field_of(&b, column))) return false;
    }
    return a.uuid == b.uuid;
}

sb::LogicalFlow plain_row(std::mt19937& random) {
    sb::LogicalFlow row;
    row.uuid = Uuid::random();
    const StageInfo& info = stage_info(random() % 2 ? Stage::kSwitchInL2Lkup : Stage::kSwitchOutAcl);
    row.pipeline = info.ingress ? "ingress" : "egress";
    row.table_id = info.table;
    row.priority = random() % 65536;
    row.match = fmt::format("ip4.dst == 10.0.0.{}", random() % 50);
    row.actions = random() % 2 ? "next;" : "drop;";
    (random() % 2 ? row.logical_datapath : row.logical_dp_group) = Uuid::random();
    row.external_ids = {{"stage-name", info.name}, {"source", fmt::format("northd.c:{}", random() % 9000)}};
    if (random() % 2)
        row.external_ids.set("stage-hint", fmt::format("{:08x}", static_cast<uint32_t>(random()) | 1));
    if (random() % 2) row.tags.set("in_out_port", "port");
    if (random() % 4 == 0) row.controller_meter = "meter";
    return row;
}

// Something that no flow of northd says, or says otherwise.
void spoil(sb::LogicalFlow& row, std::mt19937& random) {
    switch (random() % 12) {
        case 0:
            row.external_ids.set("more", "than northd writes");
            break;
        case 1:
            row.external_ids.set("stage-hint", "00000000");
            break;
        case 2:
            row.external_ids.set("stage-hint", "ABCDEF01");
            break;
        case 3:
            row.external_ids.set("stage-hint", "123");
            break;
        case 4:
            row.external_ids.erase("source");
            break;
        case 5:
            row.external_ids.set("source", "");
            break;
        case 6:
            row.tags.set("in_out_port", "");
            break;
        case 7:
            row.tags.set("other", "tag");
            break;
        case 8:
            row.controller_meter = "";
            break;
        case 9:
            row.logical_datapath = row.logical_dp_group = Uuid::random();
            break;
        case 10:
            row.logical_datapath = row.logical_dp_group = std::nullopt;
            break;
        default:
            row.external_ids.set("stage-name", "of nobody");
    }
}

TEST(FlowTable, WhatIsTakenBackIsWhatWasThere) {
    unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    net::Loop loop;
    ovsdb::client::Replica replica(loop, sb::database(), {});
    DatapathGroups groups;
    FlowTable flows(groups);
    replica.set_keeper<sb::LogicalFlow>(&flows);
    auto& table = const_cast<Store&>(replica.store()).table(sb::LogicalFlow::table_info());
    std::map<Uuid, sb::LogicalFlow> rows;
    auto add = [&](sb::LogicalFlow row) {
        rows[row.uuid] = row;
        table.insert(new sb::LogicalFlow(std::move(row)));
    };
    for (int round = 0; round < 30; ++round) {
        size_t plain = 0;
        for (int i = 0; i < 100; ++i) {
            sb::LogicalFlow row = plain_row(random);
            if (random() % 3 == 0) spoil(row, random);
            if (random() % 10 == 0 && !rows.empty()) {  // the same flow again
                Uuid uuid = row.uuid;
                row = rows.begin()->second;
                row.uuid = uuid;
            }
            add(std::move(row));
        }
        flows.have(replica);
        replica.clear_changes();
        plain = rows.size() - table.rows().size();
        EXPECT_GT(plain, rows.size() / 3) << "most rows are kept";
        for (const auto& [uuid, row] : rows) {
            const auto* found = replica.find<sb::LogicalFlow>(uuid);
            ASSERT_TRUE(found);
            ASSERT_TRUE(are_equal(*found, row))
                << row.match << " source " << ovsdb::get_string(row.external_ids, "source");
        }
        replica.clear_changes();
        EXPECT_EQ(rows.size() - table.rows().size(), plain) << "those that were looked up are kept again";
        // Some go.
        for (auto it = rows.begin(); it != rows.end();) {
            if (random() % 2) {
                ++it;
                continue;
            }
            table.erase(it->first);
            it = rows.erase(it);
        }
    }
    replica.set_keeper<sb::LogicalFlow>(nullptr);
}

// What a transaction inserts.
struct Piece {
    size_t flows = 0, flows_of_groups = 0, groups = 0;

    explicit Piece(ovsdb::client::Transaction& txn) {
        Result<json::Value> operations = json::parse(txn.take_text(""));
        for (const json::Value& each : *operations->as_array()) {
            const json::Object* operation = each.as_object();
            if (!operation) continue;  // the database's name
            bool is_group = *operation->find("table") == json::Value("Logical_DP_Group");
            ++(is_group ? groups : flows);
            const json::Value* row = operation->find("row");  // none: it is deleted
            flows_of_groups += row && row->as_object()->find("logical_dp_group");
        }
    }
};

class FillingTest : public testing::Test {
  protected:
    static constexpr int kFlows = 2 * int{kFlowsOfFilling} + 1000;

    FillingTest() {
        replica.set_keeper<sb::LogicalFlow>(&flows);
        engine.update();
        flows.want(output);
    }
    ~FillingTest() override { replica.set_keeper<sb::LogicalFlow>(nullptr); }
    Piece write(bool& whole) {
        ovsdb::client::Transaction txn(replica.store());
        whole = flows.write(txn, replica, [](const Uuid& datapath) { return std::optional(datapath); });
        return Piece(txn);
    }

    Uuid one = Uuid::random(), other = Uuid::random();
    net::Loop loop;
    ovsdb::client::Replica replica{loop, sb::database(), {}};
    DatapathGroups groups;
    incremental::Engine engine;
    FlowOutput output{engine, "flows"};
    incremental::Rule<incremental::Unit> emit{
        engine, "emit", [this](const incremental::Unit&) {
            for (int i = 0; i < kFlows; ++i) {
                Datapaths datapaths = i % 100 ? Datapaths(one) : Datapaths({one, other});
                FlowWriter(output, datapaths)
                    .add(Stage::kSwitchInL2Lkup, 50, fmt::format("eth.type == {}", i), "next;");
            }
        }};
    FlowTable flows{groups};
};

TEST_F(FillingTest, AnEmptySouthboundIsFilledInPieces) {
    bool whole = false;
    size_t flow_count = 0, of_groups = 0;
    for (int piece = 0; !whole; ++piece) {
        Piece sent = write(whole);
        EXPECT_LE(sent.flows, kFlowsOfFilling);
        EXPECT_EQ(sent.groups, piece == 0 ? 1u : 0u) << "flows that need a new row come first";
        EXPECT_EQ(groups.has_provisional(), piece == 0);
        EXPECT_EQ(flows.is_filling(), !whole);
        groups.committed({});
        flow_count += sent.flows;
        of_groups += sent.flows_of_groups;
        if (piece == 0) EXPECT_EQ(of_groups, kFlows / 100);
    }
    EXPECT_EQ(flow_count, kFlows);
    EXPECT_EQ(of_groups, kFlows / 100);
}

TEST_F(FillingTest, OneThatHasFlowsChangesAtOnce) {
    auto& table = const_cast<Store&>(replica.store()).table(sb::LogicalFlow::table_info());
    std::mt19937 random(1);
    table.insert(new sb::LogicalFlow(plain_row(random)));
    flows.have(replica);
    bool whole = false;
    EXPECT_EQ(write(whole).flows, kFlows + 1) << "and one that is deleted";
    EXPECT_TRUE(whole);
}

}  // namespace
}  // namespace weft::northd
