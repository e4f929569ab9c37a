// Groups and meters.

#include <algorithm>

#include "base/clock.h"
#include "switch/connection/connection_manager.h"
#include "switch/connection/of_connection_state.h"

namespace weft::vswitch {

namespace of = openflow;
using of::OfError;

namespace {

GroupBucket to_bucket(const of::Bucket& in, GroupType type) {
    GroupBucket out;
    out.id = in.id;
    out.weight = type == GroupType::kSelect ? in.weight : 1;
    out.watch_port = in.watch_port;
    out.watch_group = in.watch_group;
    out.actions = in.actions;
    return out;
}

of::Bucket from_bucket(const GroupBucket& in, GroupType type) {
    of::Bucket out;
    out.id = in.id;
    out.weight = type == GroupType::kSelect ? in.weight : 0;
    out.watch_port = in.watch_port;
    out.watch_group = in.watch_group;
    out.actions = in.actions;
    return out;
}

void set_selection(GroupEntry& group, const of::Selection& selection) {
    group.selection_method = selection.method;
    group.selection_param = selection.param;
    group.fields = of::Match();
    for (const auto& [id, mask] : selection.fields) of::add_to_mask(group.fields.mask, of::field(id), mask);
    group.selection_fields = selection.fields;
}

of::Selection selection_of(const GroupEntry& group) {
    of::Selection out;
    out.method = group.selection_method;
    out.param = group.selection_param;
    out.fields = group.selection_fields;
    return out;
}

// Forwarding through groups must not come back to the group.
bool loops(const Bridge& bridge, const std::vector<of::Bucket>& buckets, uint32_t id, int depth = 0) {
    if (depth > 32) return true;
    for (const of::Bucket& bucket : buckets) {
        for (const of::Action& action : bucket.actions) {
            auto* group = of::action_cast<of::Group>(action);
            if (!group) continue;
            if (group->group_id == id) return true;
            const GroupEntry* next = bridge.group(group->group_id);
            if (!next) continue;
            std::vector<of::Bucket> inner;
            for (const GroupBucket& b : next->buckets) inner.push_back(from_bucket(b, next->type));
            if (loops(bridge, inner, id, depth + 1)) return true;
        }
    }
    return false;
}

bool uses_meter(const of::ActionList& actions, uint32_t id) {
    return std::any_of(actions.begin(), actions.end(), [&](const of::Action& action) {
        auto* meter = of::action_cast<of::Meter>(action);
        return meter && meter->meter_id == id;
    });
}

}  // namespace

OfError OfConnection::apply(const of::GroupMod& mod, Transaction& transaction) {
    using Command = of::GroupMod::Command;
    if (mod.command == Command::kDelete) {
        if (mod.group_id == of::kGroupAll) {
            std::vector<uint32_t> ids;
            for (const auto& [id, group] : bridge_.groups()) ids.push_back(id);
            for (uint32_t id : ids) bridge_.delete_group(id, transaction);
        } else {
            bridge_.delete_group(mod.group_id, transaction);
        }
        return OfError::kNone;
    }
    if (mod.group_id > of::kGroupMax) return OfError::OFPGMFC_INVALID_GROUP;
    GroupEntry* existing = bridge_.group(mod.group_id);
    if (mod.command == Command::kAdd && existing) return OfError::OFPGMFC_GROUP_EXISTS;
    if (mod.command == Command::kModify && !existing) return OfError::OFPGMFC_UNKNOWN_GROUP;
    if ((mod.command == Command::kInsertBucket || mod.command == Command::kRemoveBucket) && !existing) {
        return OfError::OFPGMFC_UNKNOWN_GROUP;
    }
    if (loops(bridge_, mod.buckets, mod.group_id)) return OfError::OFPGMFC_LOOP;
    Ref<GroupEntry> group(new GroupEntry());
    group->id = mod.group_id;
    group->created_ms = clock::monotonic_ms();
    if (mod.command == Command::kInsertBucket || mod.command == Command::kRemoveBucket) {
        group->type = existing->type;
        group->buckets = existing->buckets;
        group->selection_method = existing->selection_method;
        group->selection_param = existing->selection_param;
        group->fields = existing->fields;
        group->selection_fields = existing->selection_fields;
        group->packets = existing->packets;
        group->bytes = existing->bytes;
        group->created_ms = existing->created_ms;
        auto by_id = [](uint32_t id) { return [id](const GroupBucket& b) { return b.id == id; }; };
        if (mod.command == Command::kInsertBucket) {
            for (const of::Bucket& bucket : mod.buckets) {
                if (std::any_of(group->buckets.begin(), group->buckets.end(), by_id(bucket.id)))
                    return OfError::OFPGMFC_BUCKET_EXISTS;
            }
            auto at = group->buckets.end();
            if (mod.command_bucket_id == of::Bucket::kFirst) {
                at = group->buckets.begin();
            } else if (mod.command_bucket_id <= 0xffffff00) {
                at = std::find_if(group->buckets.begin(), group->buckets.end(), by_id(mod.command_bucket_id));
                if (at == group->buckets.end()) return OfError::OFPGMFC_UNKNOWN_BUCKET;
                ++at;
            }
            std::vector<GroupBucket> added;
            for (const of::Bucket& bucket : mod.buckets) added.push_back(to_bucket(bucket, group->type));
            group->buckets.insert(at, added.begin(), added.end());
        } else if (mod.command_bucket_id == of::Bucket::kAll) {
            group->buckets.clear();
        } else if (!group->buckets.empty() && mod.command_bucket_id == of::Bucket::kFirst) {
            group->buckets.erase(group->buckets.begin());
        } else if (!group->buckets.empty() && mod.command_bucket_id == of::Bucket::kLast) {
            group->buckets.pop_back();
        } else {
            auto at =
                std::find_if(group->buckets.begin(), group->buckets.end(), by_id(mod.command_bucket_id));
            if (at == group->buckets.end()) return OfError::OFPGMFC_UNKNOWN_BUCKET;
            group->buckets.erase(at);
        }
    } else {
        group->type = static_cast<GroupType>(mod.type);
        if (group->type == GroupType::kIndirect && mod.buckets.size() != 1)
            return OfError::OFPGMFC_INVALID_GROUP;
        for (const of::Bucket& bucket : mod.buckets) {
            if (group->type == GroupType::kFastFailover && bucket.watch_port == of::kPortNone &&
                bucket.watch_group == of::kGroupAny) {
                return OfError::OFPGMFC_INVALID_GROUP;
            }
            group->buckets.push_back(to_bucket(bucket, group->type));
        }
        set_selection(*group, mod.selection);
        if (existing) group->created_ms = existing->created_ms;
    }
    bridge_.set_group(std::move(group), transaction);
    return OfError::kNone;
}

void OfConnection::handle(const of::GroupMod& mod) {
    Transaction transaction;
    OfError error = apply(mod, transaction);
    if (error != OfError::kNone) {
        bridge_.rollback(transaction);
        return fail(error);
    }
    bridge_.commit(transaction);
}

void OfConnection::handle(const of::GroupDescRequest& request) {
    of::MultipartWriter writer(version(), xid_, of::MultipartWriter::Kind::kGroupDesc);
    for (const auto& [id, group] : bridge_.groups()) {
        if (request.group_id != of::kGroupAll && request.group_id != id) continue;
        of::GroupDesc out;
        out.group_id = id;
        out.type = static_cast<of::GroupType>(group->type);
        for (const GroupBucket& bucket : group->buckets)
            out.buckets.push_back(from_bucket(bucket, group->type));
        out.selection = selection_of(*group);
        writer.add(out);
    }
    for (Bytes& message : writer.finish()) send_raw(message);
}

void OfConnection::handle(const of::GroupStatsRequest& request) {
    backer_.pull_statistics();
    of::MultipartWriter writer(version(), xid_, of::MultipartWriter::Kind::kGroup);
    int64_t now = clock::monotonic_ms();
    for (const auto& [id, group] : bridge_.groups()) {
        if (request.group_id != of::kGroupAll && request.group_id != id) continue;
        of::GroupStats out;
        out.group_id = id;
        for (const auto* rule : bridge_.collect(of::kTableAll, {}, 0, 0, of::kPortNone, id))
            out.ref_count += times_sent_to_group(*rule->actions, id);
        out.packets = group->packets;
        out.bytes = group->bytes;
        out.duration_sec = static_cast<uint32_t>((now - group->created_ms) / 1000);
        out.duration_nsec = static_cast<uint32_t>((now - group->created_ms) % 1000 * 1000000);
        for (const GroupBucket& bucket : group->buckets)
            out.buckets.push_back({bucket.packets, bucket.bytes});
        writer.add(out);
    }
    for (Bytes& message : writer.finish()) send_raw(message);
}

void OfConnection::handle(const of::GroupFeaturesRequest&) {
    of::GroupFeaturesReply out;
    out.types = 0xf;
    out.capabilities = 0x7;  // select weight and liveness, chaining
    for (int i = 0; i < 4; ++i) {
        out.max_groups[i] = of::kGroupMax;
        out.actions[i] = version() == of::Version::k10
                             ? 0xfffu
                             : static_cast<uint32_t>(features_of(0).properties[0].write_actions);
    }
    reply(out);
}

// --- meters

static datapath::MeterConfig to_datapath_meter(const of::MeterConfig& in) {
    datapath::MeterConfig out;
    out.packets_per_second = in.flags & of::kMeterPktps;
    for (const of::MeterBand& band : in.bands) {
        out.bands.push_back({band.rate, in.flags & of::kMeterBurst ? band.burst_size : 0});
    }
    return out;
}

void OfConnection::handle(const of::MeterMod& mod) {
    using Command = of::MeterMod::Command;
    uint32_t id = mod.meter.meter_id;
    datapath::Datapath& dp = backer_.datapath();
    if (mod.command == Command::kDelete) {
        std::vector<uint32_t> ids;
        for (const auto& [have, meter] : bridge_.meters) {
            if (id == of::kMeterAll || id == have) ids.push_back(have);
        }
        for (uint32_t each : ids) {
            (void)dp.delete_meter(bridge_.meters[each].datapath_id);
            bridge_.meters.erase(each);
            // Flows that go through it go with it.
            std::vector<RuleRef> users;
            bridge_.for_each_rule(of::kTableAll, {}, 0, 0, of::kPortNone, of::kGroupAny, [&](Rule& rule) {
                if (uses_meter(*rule.actions, each)) users.emplace_back(&rule);
            });
            for (const RuleRef& rule : users) {  // one may have taken others along (learn)
                if (rule->in_classifier()) bridge_.remove_rule(*rule, RemovedReason::kMeterDelete);
            }
        }
        bridge_.touch();
        return;
    }
    if (!id || (id > of::kMeterMax && id != of::kMeterController && id != of::kMeterSlowpath))
        return fail(OfError::OFPMMFC_INVALID_METER);
    bool exists = bridge_.meters.contains(id);
    if (mod.command == Command::kAdd && exists) return fail(OfError::OFPMMFC_METER_EXISTS);
    if (mod.command == Command::kModify && !exists) return fail(OfError::OFPMMFC_UNKNOWN_METER);
    bool unit = mod.meter.flags & (of::kMeterKbps | of::kMeterPktps);
    if (mod.meter.flags & ~15 || !unit) return fail(OfError::OFPMMFC_BAD_FLAGS);
    if (mod.meter.bands.empty()) return fail(OfError::OFPMMFC_OUT_OF_BANDS);
    for (const of::MeterBand& band : mod.meter.bands) {
        if (band.type != of::MeterBand::Type::kDrop) return fail(OfError::OFPMMFC_BAD_BAND);
        if (!band.rate) return fail(OfError::OFPMMFC_BAD_RATE);
    }
    MeterEntry entry;
    entry.config = to_datapath_meter(mod.meter);
    entry.flags = mod.meter.flags;
    entry.datapath_id = exists ? bridge_.meters[id].datapath_id : manager_.allocate_meter(backer_);
    entry.config.id = entry.datapath_id;
    if (exists)
        entry.config.created_ms = bridge_.meters[id].config.created_ms;
    else
        entry.config.created_ms = clock::monotonic_ms();
    if (auto set = dp.set_meter(entry.config); !set) return fail(OfError::OFPMMFC_OUT_OF_METERS);
    bridge_.meters[id] = std::move(entry);
    bridge_.touch();
}

void OfConnection::handle(const of::MeterConfigRequest& request) {
    of::MultipartWriter writer(version(), xid_, of::MultipartWriter::Kind::kMeterConfig);
    if (request.meter_id != of::kMeterAll && !bridge_.meters.contains(request.meter_id))
        return fail(OfError::OFPMMFC_UNKNOWN_METER);
    for (const auto& [id, meter] : bridge_.meters) {
        if (request.meter_id != of::kMeterAll && request.meter_id != id) continue;
        of::MeterConfig out;
        out.meter_id = id;
        out.flags = meter.flags;
        for (const auto& band : meter.config.bands)
            out.bands.push_back({of::MeterBand::Type::kDrop, band.rate, band.burst, 0});
        writer.add(out);
    }
    for (Bytes& message : writer.finish()) send_raw(message);
}

void OfConnection::handle(const of::MeterStatsRequest& request) {
    if (request.meter_id != of::kMeterAll && !bridge_.meters.contains(request.meter_id))
        return fail(OfError::OFPMMFC_UNKNOWN_METER);
    of::MultipartWriter writer(version(), xid_, of::MultipartWriter::Kind::kMeter);
    int64_t now = clock::monotonic_ms();
    for (const auto& [id, meter] : bridge_.meters) {
        if (request.meter_id != of::kMeterAll && request.meter_id != id) continue;
        of::MeterStats out;
        out.meter_id = id;
        auto state = backer_.datapath().get_meter(meter.datapath_id);
        if (state) {
            out.packets = state->packets;
            out.bytes = state->bytes;
            for (const auto& band : state->bands) out.bands.push_back({band.packets, band.bytes});
        }
        int64_t age = now - meter.config.created_ms;
        out.duration_sec = static_cast<uint32_t>(age / 1000);
        out.duration_nsec = static_cast<uint32_t>(age % 1000 * 1000000);
        writer.add(out);
    }
    for (Bytes& message : writer.finish()) send_raw(message);
}

void OfConnection::handle(const of::MeterFeaturesRequest&) {
    of::MeterFeaturesReply out;
    out.max_meters = backer_.datapath().max_meters().value_or(0);
    out.band_types = out.max_meters ? 1u << 1 : 0;  // drop
    out.capabilities =
        out.max_meters ? of::kMeterKbps | of::kMeterPktps | of::kMeterBurst | of::kMeterStats : 0;
    out.max_bands = out.max_meters ? 8 : 0;
    reply(out);
}

}  // namespace weft::vswitch
