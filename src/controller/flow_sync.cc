#include "controller/flow_sync.h"

#include <algorithm>
#include <cassert>
#include <tuple>
#include <utility>

namespace weft::controller {

namespace {

constexpr uint8_t kTypeFlowMod = 14;
constexpr uint8_t kAdd = 0, kDeleteStrict = 4;
constexpr size_t kFlowModHeader = 48;     // all before the match
constexpr size_t kInstructionHeader = 8;  // type, length, padding

// Nothing here can come from outside, so what the encoder made is written as it is (OpenFlow 1.5.1,
// section 7.3.4.2).
void put_flow_mod(uint8_t command, uint8_t table, uint16_t priority, std::string_view match, uint32_t cookie,
                  std::string_view instructions, MessageBuffer& out) {
    uint8_t* at = out.add(kTypeFlowMod, kFlowModHeader + match.size() + instructions.size());
    store_be64(at + 8, command == kAdd ? cookie : 0);
    at[24] = table;
    at[25] = command;
    store_be16(at + 30, priority);  // no time-outs before it
    store_be32(at + 32, openflow::kNoBuffer);
    store_be32(at + 36, openflow::kPortNone);
    store_be32(at + 40, openflow::kGroupAny);
    match.copy(reinterpret_cast<char*>(at) + kFlowModHeader, match.size());
    instructions.copy(reinterpret_cast<char*>(at) + kFlowModHeader + match.size(), instructions.size());
}

bool goes_before(const DesiredFlow* a, const DesiredFlow* b) {
    return std::tie(a->conjunction, a->instructions, a->cookie) <
           std::tie(b->conjunction, b->instructions, b->cookie);
}

}  // namespace

FlowSync::~FlowSync() {
    for (const Slot& slot : slots_) slot.free();
}

void FlowSync::Slot::add(const DesiredFlow* flow) const {
    if (!others_) others_ = new std::vector<const DesiredFlow*>{only_};
    others_->insert(std::lower_bound(others_->begin(), others_->end(), flow, goes_before), flow);
}

bool FlowSync::Slot::remove(const DesiredFlow* flow) const {
    if (!others_) {
        assert(only_ == flow);
        return true;
    }
    others_->erase(std::find(others_->begin(), others_->end(), flow));
    if (others_->size() > 1) return false;
    only_ = others_->front();
    delete std::exchange(others_, nullptr);
    return false;
}

// The conjunctions of all, or the first.
std::string FlowSync::chosen(const Slot& slot) {
    const DesiredFlow& first = slot.first();
    if (!first.conjunction || slot.single()) return first.instructions;
    // Each is one Apply-Actions instruction: join what is in them.
    std::string joined = first.instructions;
    const std::vector<const DesiredFlow*>& wanted = slot.several();
    for (size_t i = 1; i < wanted.size(); ++i) {
        if (!wanted[i]->conjunction || wanted[i]->instructions == wanted[i - 1]->instructions) continue;
        joined += wanted[i]->instructions.substr(kInstructionHeader);
    }
    store_be16(reinterpret_cast<uint8_t*>(joined.data()) + 2, static_cast<uint16_t>(joined.size()));
    return joined;
}

void FlowSync::remember(const Key& key) {
    std::string text{static_cast<char>(key.table), static_cast<char>(key.priority >> 8),
                     static_cast<char>(key.priority)};
    if (!touched_keys_.insert(text.append(key.match)).second) return;
    Before before{key.table, key.priority, std::string(key.match)};
    if (auto it = slots_.find(key); it != slots_.end()) {
        before.present = true;
        before.cookie = it->first().cookie;
        before.instructions = chosen(*it);
    }
    touched_.push_back(std::move(before));
}

void FlowSync::take_up(bool remembered) {
    desired_.take_changes([&](const DesiredFlow& flow, bool added) {
        if (remembered) remember(key_of(flow));
        auto it = slots_.find(key_of(flow));
        if (!added) {
            // All that want the slot have its key, so it stays where it is whoever goes.
            if (it->remove(&flow)) slots_.erase(it);
        } else if (it == slots_.end()) {
            slots_.insert(Slot(&flow));
        } else {
            it->add(&flow);
        }
    });
}

void FlowSync::update(const Before& before, MessageBuffer& messages) const {
    const Key key{before.table, before.priority, before.match};
    auto it = slots_.find(key);
    if (it == slots_.end()) {
        if (before.present) put_flow_mod(kDeleteStrict, key.table, key.priority, key.match, 0, {}, messages);
        return;
    }
    std::string instructions = chosen(*it);
    const uint32_t cookie = it->first().cookie;
    if (before.present && before.instructions == instructions && before.cookie == cookie) return;
    put_flow_mod(kAdd, key.table, key.priority, key.match, cookie, instructions, messages);
}

size_t FlowSync::changes(MessageBuffer& messages) {
    take_up(true);
    const size_t before = messages.messages();
    for (const Before& each : touched_) update(each, messages);
    touched_.clear();
    touched_keys_.clear();
    return messages.messages() - before;
}

void FlowSync::everything(MessageBuffer& messages) {
    slots_.reserve(desired_.size());
    take_up(false);
    for (const Slot& slot : slots_) {
        const DesiredFlow& flow = slot.first();
        auto put = [&](std::string_view instructions) {
            put_flow_mod(kAdd, flow.table, flow.priority, flow.match, flow.cookie, instructions, messages);
        };
        if (slot.single()) {
            put(flow.instructions);
        } else {
            put(chosen(slot));
        }
    }
}

}  // namespace weft::controller
