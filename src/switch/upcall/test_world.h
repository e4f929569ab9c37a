// A switch without database and connections, for tests: a dummy datapath, bridges, flows and groups as
// ovs-ofctl(8) writes them.  Devices of several worlds are told apart by their prefix.

#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "datapath/dummy/dummy_device.h"
#include "datapath/userspace/userspace_datapath.h"
#include "openflow/action_check.h"
#include "openflow/message.h"
#include "openflow/messages/flow.h"
#include "openflow/messages/group.h"
#include "switch/upcall/backer.h"

namespace weft::vswitch {

class TestWorld {
  public:
    explicit TestWorld(net::Loop& loop, std::string prefix = "w") : prefix_(std::move(prefix)) {
        auto made = datapath::create_dummy_datapath(loop, prefix_ + "-dp");
        EXPECT_TRUE(made.ok());
        backer_ = std::make_unique<Backer>(loop, "dummy", std::move(*made));
    }

    Backer& backer() { return *backer_; }
    Bridge& bridge(const std::string& name) {
        Bridge* found = backer_->bridge(name);
        return found ? *found : backer_->add_bridge(name);
    }

    OfPort& add_port(const std::string& bridge_name, uint32_t number, const VlanConfig& vlan = {}) {
        datapath::PortSpec spec;
        spec.name = device(number);
        spec.type = datapath::PortType::kDummy;
        spec.number = number;
        auto added = backer_->datapath().add_port(spec);
        EXPECT_TRUE(added.ok());
        datapath::find_dummy_device(spec.name)->take_sent();
        numbers_.push_back(number);
        OfPort port;
        port.name = spec.name;
        port.number = number;
        port.dp_port = number;
        return place(bridge_name, std::move(port), vlan);
    }
    void add_patch(const std::string& from, uint32_t from_number, const std::string& to, uint32_t to_number) {
        std::string one = prefix_ + "-" + from + "-" + to, two = prefix_ + "-" + to + "-" + from;
        for (int i = 0; i < 2; ++i) {
            OfPort port;
            port.name = i ? two : one;
            port.peer_name = i ? one : two;
            port.number = i ? to_number : from_number;
            port.is_patch = true;
            place(i ? to : from, std::move(port), {});
        }
    }

    // A tunnel without a device: keys and actions alone.
    void add_tunnel(const std::string& bridge_name, uint32_t number, uint32_t dp_port,
                    const TunnelConfig& config) {
        OfPort port;
        port.name = device(number);
        port.number = number;
        port.dp_port = dp_port;
        port.tunnel = config;
        place(bridge_name, std::move(port), {});
    }

    // Lines as `ovs-ofctl add-flow` takes them.  Errors are returned, "" is success.
    std::string flow(const std::string& bridge_name, const std::string& text,
                     openflow::FlowMod::Command command = openflow::FlowMod::Command::kAdd) {
        auto mod = openflow::parse_flow_mod(text, command);
        if (!mod) return mod.message();
        // As a controller's message: options of tunnels lie where the bridge says.
        if (auto& table = bridge(bridge_name).tunnel_table; table->bytes_used()) {
            openflow::DecodeOptions options;
            options.tunnel_table = table;
            openflow::Message message;
            Bytes wire = openflow::encode(openflow::Version::k15, 1, *mod);
            if (auto error = openflow::decode(wire, options, message); error != openflow::OfError::kNone)
                return openflow::error_name(error);
            mod = *message.get_if<openflow::FlowMod>();
        }
        FlowChange change;
        change.command = static_cast<FlowChange::Command>(command);
        change.match = mod->match;
        change.priority = mod->priority;
        change.table = mod->table;
        if (change.table == openflow::kTableAll && command == openflow::FlowMod::Command::kAdd)
            change.table = 0;
        change.new_cookie = mod->new_cookie;
        change.idle_timeout = mod->idle_timeout;
        change.hard_timeout = mod->hard_timeout;
        change.flags = mod->flags;
        change.actions = mod->actions;
        if (!mod->is_delete()) {
            openflow::ActionCheck check;
            check.match = &change.match;
            check.table = change.table;
            check.tables = kInternalTable;
            if (auto error = openflow::check_actions(change.actions, check);
                error != openflow::OfError::kNone) {
                return openflow::error_name(error);
            }
        }
        Transaction transaction;
        Bridge& to = bridge(bridge_name);
        auto error = to.apply(change, transaction);
        if (error != openflow::OfError::kNone) {
            to.rollback(transaction);
            return openflow::error_name(error);
        }
        to.commit(transaction);
        return "";
    }
    void must_flow(const std::string& bridge_name, const std::string& text) {
        EXPECT_EQ(flow(bridge_name, text), "") << text;
    }
    void group(const std::string& bridge_name, const std::string& text) {
        auto mod = openflow::parse_group_mod(text, openflow::GroupMod::Command::kAdd);
        ASSERT_TRUE(mod.ok()) << text << ": " << mod.message();
        Ref<GroupEntry> group(new GroupEntry());
        group->id = mod->group_id;
        group->type = static_cast<GroupType>(mod->type);
        uint32_t next_id = 0;
        for (const openflow::Bucket& bucket : mod->buckets) {
            GroupBucket out;
            out.id = next_id++;
            out.weight = bucket.weight;
            out.watch_port = bucket.watch_port;
            out.watch_group = bucket.watch_group;
            out.actions = bucket.actions;
            group->buckets.push_back(std::move(out));
        }
        group->selection_method = mod->selection.method;
        group->selection_param = mod->selection.param;
        for (const auto& [id, mask] : mod->selection.fields)
            openflow::add_to_mask(group->fields.mask, openflow::field(id), mask);
        group->apportion();
        Transaction transaction;
        bridge(bridge_name).set_group(std::move(group), transaction);
        bridge(bridge_name).commit(transaction);
    }

    void receive(uint32_t port, const packet::Packet& packet) {
        datapath::find_dummy_device(device(port))->receive(packet);
    }
    // Bytes that left each port since the last call.
    std::map<uint32_t, std::vector<Bytes>> sent() {
        std::map<uint32_t, std::vector<Bytes>> out;
        for (uint32_t number : numbers_) {
            for (const packet::Packet& packet : datapath::find_dummy_device(device(number))->take_sent()) {
                ByteView view = packet.view();
                out[number].emplace_back(view.begin(), view.end());
            }
        }
        return out;
    }
    std::string device(uint32_t number) const { return prefix_ + std::to_string(number); }

  private:
    OfPort& place(const std::string& bridge_name, OfPort port, const VlanConfig& vlan) {
        Bridge& to = bridge(bridge_name);
        Bundle& bundle = to.bundle(port.name);
        bundle.vlan = vlan;
        OfPort& added = to.add_port(std::move(port));
        added.bundle = &bundle;
        bundle.members.push_back(&added);
        backer_->map_port(added);
        return added;
    }

    std::string prefix_;
    std::unique_ptr<Backer> backer_;
    std::vector<uint32_t> numbers_;
};

}  // namespace weft::vswitch
