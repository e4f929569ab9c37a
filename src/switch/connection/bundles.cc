// Bundles: messages kept until they are carried out together, or not at all.

#include <algorithm>

#include "base/clock.h"
#include "switch/connection/connection_manager.h"
#include "switch/connection/of_connection_state.h"

namespace weft::vswitch {

namespace of = openflow;
using of::OfError;
using Type = of::BundleControl::Type;

namespace {

constexpr size_t kInErrors = 64;  // bytes of a message

Bytes start_of(ByteView message) {
    message = message.first(std::min(message.size(), kInErrors));
    return {message.begin(), message.end()};
}

}  // namespace

void OfConnection::handle(const of::BundleControl& control) {
    auto it = bundles_.find(control.bundle_id);
    auto answer = [&](Type type) {
        of::BundleControl out;
        out.bundle_id = control.bundle_id;
        out.type = type;
        out.flags = control.flags;
        reply(out);
    };
    switch (control.type) {
        case Type::kOpenRequest: {
            if (it != bundles_.end()) {
                bundles_.erase(it);
                return fail(OfError::OFPBFC_BAD_ID);
            }
            auto bundle = std::make_unique<Bundle>();
            bundle->flags = control.flags;
            bundle->last_used_ms = clock::monotonic_ms();
            bundle->opened_by = start_of(frame_);
            bundles_[control.bundle_id] = std::move(bundle);
            return answer(Type::kOpenReply);
        }
        case Type::kCloseRequest:
            if (it == bundles_.end()) return fail(OfError::OFPBFC_BAD_ID);
            if (it->second->closed) {
                bundles_.erase(it);
                return fail(OfError::OFPBFC_BUNDLE_CLOSED);
            }
            if (it->second->flags != control.flags) {
                bundles_.erase(it);
                return fail(OfError::OFPBFC_BAD_FLAGS);
            }
            it->second->closed = true;
            it->second->last_used_ms = clock::monotonic_ms();
            return answer(Type::kCloseReply);
        case Type::kCommitRequest: {
            if (it == bundles_.end()) return fail(OfError::OFPBFC_BAD_ID);
            if (it->second->flags != control.flags) {
                bundles_.erase(it);
                return fail(OfError::OFPBFC_BAD_FLAGS);
            }
            std::unique_ptr<Bundle> bundle = std::move(it->second);
            bundles_.erase(it);
            uint32_t xid = xid_;
            ByteView frame = frame_;
            if (commit_bundle(*bundle)) return answer(Type::kCommitReply);
            xid_ = xid;
            frame_ = frame;
            return fail(OfError::OFPBFC_MSG_FAILED);
        }
        case Type::kDiscardRequest:
            if (it == bundles_.end()) return fail(OfError::OFPBFC_BAD_ID);
            bundles_.erase(it);
            return answer(Type::kDiscardReply);
        case Type::kOpenReply:
        case Type::kCloseReply:
        case Type::kCommitReply:
        case Type::kDiscardReply:
            return fail(OfError::OFPBFC_BAD_TYPE);
    }
    fail(OfError::OFPBFC_BAD_TYPE);
}

void OfConnection::handle(const of::BundleAdd& add) {
    of::Header header;
    if (of::peek_header(add.message, header) && header.xid != xid_) return fail(OfError::OFPBFC_MSG_BAD_XID);
    of::Message message;
    if (OfError error = of::decode(add.message, decode_options(), message); error != OfError::kNone)
        return fail(error);
    if (!message.get_if<of::FlowMod>() && !message.get_if<of::GroupMod>() && !message.get_if<of::PortMod>() &&
        !message.get_if<of::PacketOut>()) {
        return fail(OfError::OFPBFC_MSG_UNSUP);
    }
    auto it = bundles_.find(add.bundle_id);
    if (it == bundles_.end()) {
        auto bundle = std::make_unique<Bundle>();
        bundle->flags = add.flags;
        bundle->opened_by = start_of(frame_);
        it = bundles_.emplace(add.bundle_id, std::move(bundle)).first;
    }
    Bundle& bundle = *it->second;
    if (bundle.closed) {
        bundles_.erase(it);
        return fail(OfError::OFPBFC_BUNDLE_CLOSED);
    }
    if (bundle.flags != add.flags) {
        bundles_.erase(it);
        return fail(OfError::OFPBFC_BAD_FLAGS);
    }
    bundle.last_used_ms = clock::monotonic_ms();
    bundle.frames.push_back(add.message);
}

// A controller that does not come back to a bundle is told so (OpenFlow 1.4, 6.8).
void OfConnection::forget_idle_bundles(int64_t now_ms, int64_t idle_ms) {
    for (auto it = bundles_.begin(); it != bundles_.end();) {
        if (now_ms - it->second->last_used_ms < idle_ms) {
            ++it;
            continue;
        }
        frame_ = it->second->opened_by;
        fail(OfError::OFPBFC_TIMEOUT);
        frame_ = {};
        it = bundles_.erase(it);
    }
}

// Flows and groups can be taken back; ports and packets go out only when all of those went well.
bool OfConnection::commit_bundle(Bundle& bundle) {
    Transaction transaction;
    std::vector<of::Message> afterwards;
    for (const Bytes& frame : bundle.frames) {
        of::Message message;
        OfError error = of::decode(frame, decode_options(), message);
        if (error != OfError::kNone) {
            // It was right when it was added; options of tunnels may have changed since.
        } else if (auto* flow = message.get_if<of::FlowMod>()) {
            error = apply(*flow, transaction);
        } else if (auto* group = message.get_if<of::GroupMod>()) {
            error = apply(*group, transaction);
        } else if (auto* port = message.get_if<of::PortMod>()) {
            error = bridge_.port(port->number) ? OfError::kNone : OfError::OFPPMFC_BAD_PORT;
        }
        if (error == OfError::kNone) {
            if (message.get_if<of::PortMod>() || message.get_if<of::PacketOut>())
                afterwards.push_back(std::move(message));
            continue;
        }
        bridge_.rollback(transaction);
        frame_ = frame;
        xid_ = message.xid;
        fail(error);
        return false;
    }
    monitoring_own_change_ = true;
    bridge_.commit(transaction);
    monitoring_own_change_ = false;
    for (const of::Message& message : afterwards) {
        if (auto* port = message.get_if<of::PortMod>())
            (void)apply(*port);
        else if (auto* packet = message.get_if<of::PacketOut>())
            (void)apply(*packet);
    }
    return true;
}

}  // namespace weft::vswitch
