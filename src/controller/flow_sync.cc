#include "controller/flow_sync.h"

#include <algorithm>
#include <cassert>
#include <tuple>

namespace weft::controller {

namespace {

constexpr uint8_t kTypeFlowMod = 14;
constexpr uint8_t kAdd = 0, kDeleteStrict = 4;
constexpr size_t kInstructionHeader = 8;  // type, length, padding

// A key is the table, the priority (big-endian) and the match.
constexpr size_t kMatchOffset = 3;

// Nothing here can come from outside, so what the encoder made is written as it is (OpenFlow 1.5.1,
// section 7.3.4.2).
Bytes flow_mod(uint8_t command, const std::string& key, uint32_t cookie, std::string_view instructions) {
    ByteWriter out;
    out.u8(static_cast<uint8_t>(openflow::Version::k15));
    out.u8(kTypeFlowMod);
    out.u16(0);
    out.u32(0);
    out.u64(command == kAdd ? cookie : 0);
    out.u64(0);
    out.u8(static_cast<uint8_t>(key[0]));
    out.u8(command);
    out.zeros(4);                                             // no time-outs
    out.bytes(as_bytes(std::string_view(key).substr(1, 2)));  // priority
    out.u32(openflow::kNoBuffer);
    out.u32(openflow::kPortNone);
    out.u32(openflow::kGroupAny);
    out.zeros(4);  // flags, importance
    out.bytes(as_bytes(std::string_view(key).substr(kMatchOffset)));
    out.bytes(as_bytes(instructions));
    out.patch_u16(2, static_cast<uint16_t>(out.size()));
    return out.take();
}

}  // namespace

std::string FlowSync::key_of(const DesiredFlow& flow) {
    std::string key{static_cast<char>(flow.table), static_cast<char>(flow.priority >> 8),
                    static_cast<char>(flow.priority)};
    return key + flow.match;
}

// The conjunctions of all, or the first.
std::string FlowSync::chosen(const Slot& slot) {
    const DesiredFlow& first = slot.wanted.front();
    if (!first.conjunction || slot.wanted.size() == 1) return first.instructions;
    // Each is one Apply-Actions instruction: join what is in them.
    std::string joined = first.instructions;
    for (size_t i = 1; i < slot.wanted.size(); ++i) {
        if (!slot.wanted[i].conjunction || slot.wanted[i].instructions == slot.wanted[i - 1].instructions)
            continue;
        joined += slot.wanted[i].instructions.substr(kInstructionHeader);
    }
    store_be16(reinterpret_cast<uint8_t*>(joined.data()) + 2, static_cast<uint16_t>(joined.size()));
    return joined;
}

void FlowSync::take_up() {
    auto order = [](const DesiredFlow& a, const DesiredFlow& b) {
        return std::tie(a.conjunction, a.instructions, a.cookie) <
               std::tie(b.conjunction, b.instructions, b.cookie);
    };
    desired_.take_changes([&](const DesiredFlow& flow, bool added) {
        std::string key = key_of(flow);
        Slot& slot = slots_[key];
        auto at = std::lower_bound(slot.wanted.begin(), slot.wanted.end(), flow, order);
        if (added) {
            slot.wanted.insert(at, flow);
        } else {
            assert(at != slot.wanted.end() && *at == flow);
            slot.wanted.erase(at);
        }
        if (!slot.touched) touched_.push_back(std::move(key));
        slot.touched = true;
    });
}

void FlowSync::update(const std::string& key, Slot& slot, std::vector<Bytes>& messages) {
    if (slot.wanted.empty()) {
        if (slot.present) messages.push_back(flow_mod(kDeleteStrict, key, 0, {}));
        return;
    }
    std::string instructions = chosen(slot);
    uint32_t cookie = slot.wanted.front().cookie;
    if (slot.present && slot.installed == instructions && slot.cookie == cookie) return;
    messages.push_back(flow_mod(kAdd, key, cookie, instructions));
    slot.installed = std::move(instructions);
    slot.cookie = cookie;
    slot.present = true;
}

size_t FlowSync::changes(std::vector<Bytes>& messages) {
    take_up();
    size_t before = messages.size();
    for (const std::string& key : touched_) {
        auto it = slots_.find(key);
        it->second.touched = false;
        update(key, it->second, messages);
        if (it->second.wanted.empty()) slots_.erase(it);
    }
    touched_.clear();
    return messages.size() - before;
}

void FlowSync::everything(std::vector<Bytes>& messages) {
    take_up();
    touched_.clear();
    for (auto it = slots_.begin(); it != slots_.end();) {
        if (it->second.wanted.empty()) {
            slots_.erase(it++);
            continue;
        }
        it->second.touched = false;
        it->second.present = false;
        update(it->first, it->second, messages);
        ++it;
    }
}

}  // namespace weft::controller
