#include "controller/group_sync.h"

#include "openflow/message.h"
#include "openflow/messages/group.h"
#include "openflow/messages/meter.h"

namespace weft::controller {

namespace {

namespace of = openflow;

Bytes group_message(of::GroupMod::Command command, const DesiredGroup& group) {
    of::GroupMod mod;
    mod.command = command;
    mod.group_id = group.id;
    mod.type = of::GroupType::kSelect;
    if (command != of::GroupMod::Command::kDelete) {
        mod.selection.method = group.request.selection_method;
        mod.selection.param = group.request.selection_parameter;
        for (of::FieldId id : group.request.hash_fields) {
            mod.selection.fields.emplace_back(id, of::FieldValue::all_ones(of::field(id)));
        }
        for (const logical::GroupRequest::Bucket& wanted : group.request.buckets) {
            of::Bucket bucket;
            bucket.id = static_cast<uint32_t>(mod.buckets.size());
            bucket.weight = wanted.weight;
            bucket.watch_port = wanted.watch_port;
            bucket.actions = wanted.actions;
            mod.buckets.push_back(std::move(bucket));
        }
    }
    return of::encode(of::Version::k15, 0, mod);
}

Bytes meter_message(of::MeterMod::Command command, const DesiredMeter& meter) {
    of::MeterMod mod;
    mod.command = command;
    mod.meter.meter_id = meter.id;
    if (command != of::MeterMod::Command::kDelete) {
        mod.meter.flags = meter.packets ? of::kMeterPktps : of::kMeterKbps;
        mod.meter.flags =
            static_cast<uint16_t>(mod.meter.flags | of::kMeterStats | (meter.burst ? of::kMeterBurst : 0));
        of::MeterBand band;
        band.rate = static_cast<uint32_t>(meter.rate);
        band.burst_size = static_cast<uint32_t>(meter.burst);
        mod.meter.bands.push_back(band);
    }
    return of::encode(of::Version::k15, 0, mod);
}

}  // namespace

void GroupSync::changes(Messages& out) {
    groups_.take_changes([&](const DesiredGroup& group, bool added) {
        if (added) {
            out.groups_before.push_back(group_message(of::GroupMod::Command::kAddOrModify, group));
        } else {
            out.groups_after.push_back(group_message(of::GroupMod::Command::kDelete, group));
            group_numbers_.forget(group.id);
        }
    });
    // A meter whose rate changed keeps its number: the old one goes and the new one comes under it.
    std::vector<DesiredMeter> gone;
    std::set<uint32_t> modified;
    meters_.take_changes([&](const DesiredMeter& meter, bool added) {
        if (!added) return gone.push_back(meter);
        modified.insert(meter.id);
    });
    std::set<uint32_t> replaced;
    for (const DesiredMeter& meter : gone) {
        if (modified.contains(meter.id)) {
            replaced.insert(meter.id);
        } else {
            out.meters_after.push_back(meter_message(of::MeterMod::Command::kDelete, meter));
            meter_numbers_.forget(meter.id);
        }
    }
    if (modified.empty()) return;
    meters_.for_each([&](const DesiredMeter& meter) {
        if (!modified.contains(meter.id)) return;
        auto command =
            replaced.contains(meter.id) ? of::MeterMod::Command::kModify : of::MeterMod::Command::kAdd;
        out.meters_before.push_back(meter_message(command, meter));
    });
}

// What went gives its number back; what came is about to be sent with everything.
void GroupSync::forget_changes() {
    groups_.take_changes([&](const DesiredGroup& group, bool added) {
        if (!added) group_numbers_.forget(group.id);
    });
    std::set<uint32_t> gone;
    meters_.take_changes([&](const DesiredMeter& meter, bool added) {
        if (!added) gone.insert(meter.id);
    });
    if (gone.empty()) return;
    meters_.for_each([&](const DesiredMeter& meter) { gone.erase(meter.id); });
    for (uint32_t id : gone) meter_numbers_.forget(id);
}

void GroupSync::everything(Messages& out) {
    forget_changes();
    DesiredMeter all_meters;
    all_meters.id = of::kMeterAll;
    out.meters_before.push_back(meter_message(of::MeterMod::Command::kDelete, all_meters));
    meters_.for_each([&](const DesiredMeter& meter) {
        out.meters_before.push_back(meter_message(of::MeterMod::Command::kAdd, meter));
    });
    DesiredGroup all_groups;
    all_groups.id = of::kGroupAll;
    out.groups_before.push_back(group_message(of::GroupMod::Command::kDelete, all_groups));
    groups_.for_each([&](const DesiredGroup& group) {
        out.groups_before.push_back(group_message(of::GroupMod::Command::kAdd, group));
    });
}

}  // namespace weft::controller
