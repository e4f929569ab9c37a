#include "datapath/userspace/lane.h"

#include <algorithm>

#include "base/clock.h"
#include "datapath/api/set_fields.h"
#include "datapath/userspace/tunnel_header.h"
#include "packet/segment.h"

namespace weft::datapath {

namespace {

using explain::DropReason;

constexpr uint8_t kMaxRecirculations = 6;
constexpr uint64_t kSearchesPerSort = 4096;

}  // namespace

Lane::Lane(Forwarding& shared, unsigned number, UpcallSink& upcalls, BatchLock::Seat* seat)
    : shared_(shared),
      number_(number),
      upcalls_(upcalls),
      seat_(seat),
      cache_(number),
      executor_(*this, shared.meters, shared.bonds, shared.sequences, number),
      drops_(explain::kDropReasons) {
    set_connections();
}

void Lane::received(PortNo port, std::vector<Received>& packets) {
    now_ms_ = clock::monotonic_ms();
    auto is_policed = [&] { return !shared_.policing.empty() && shared_.policing.contains(port); };
    bool policed = is_policed();
    const uint64_t missed = misses_;
    Work work;
    for (Received& in : packets) {
        // Not behind a miss: with its answer, packets of this batch would overtake it.
        if (seat_ && misses_ == missed && seat_->wanted()) {
            seat_->make_way();
            policed = is_policed();
        }
        received_++;
        if (policed && !(shared_.police_packets.pass(port, in.packet.size(), now_ms_) &&
                         shared_.police_bits.pass(port, in.packet.size(), now_ms_))) {
            dropped(DropReason::kPolicing);
            continue;
        }
        work.begin(std::move(in.packet), port);
        if (in.tunnel) work.key.tunnel = *in.tunnel;
        work.key.packet_type = in.packet_type;
        work.layout = packet::extract(work.packet, work.key);
        process(std::move(work));
    }
}

void Lane::receive(Work&& work) {
    now_ms_ = clock::monotonic_ms();
    work.layout = packet::extract(work.packet, work.key);
    process(std::move(work));
}

bool Lane::answer(Upcall& upcall) {
    uint64_t tried = 0;  // as little as the rest of it: it was counted as a miss
    std::shared_ptr<Megaflow> flow = shared_.megaflows.search(upcall.key, tried);
    if (!flow) return false;
    now_ms_ = clock::monotonic_ms();
    Work work;
    work.packet = std::move(upcall.packet);
    work.key = upcall.key;
    work.layout = packet::extract(work.packet, work.key);
    carry_out({flow.get(), &flow->counters_of(number_)}, std::move(work));
    return true;
}

void Lane::go_on(Work&& work, std::span<const Action> rest, const Actions& all) {
    now_ms_ = clock::monotonic_ms();
    work.layout = packet::extract(work.packet, work.key);
    executor_.go_on(std::move(work), rest, all, now_ms_);
}

void Lane::process(Work&& work) {
    FlowCache::Found found = cache_.lookup(shared_.megaflows, work.key);
    if (!found.flow) {
        misses_++;
        Upcall up;
        up.type = Upcall::Type::kMiss;
        up.packet = std::move(work.packet);
        up.key = work.key;
        (void)upcalls_.upcall(std::move(up));
        return;
    }
    hits_++;
    carry_out(found, std::move(work));
}

void Lane::carry_out(const FlowCache::Found& found, Work&& work) {
    found.counters->count(work.packet.size(), now_ms_, work.key.tcp_flags);
    if (seat_) {  // whoever changes flows waits until the packet is through
        executor_.run(std::move(work), *found.flow->actions, now_ms_);
        return;
    }
    std::shared_ptr<const Actions> actions =
        found.flow->actions;  // the flow may go while they are carried out
    executor_.run(std::move(work), *actions, now_ms_);
}

void Lane::output(PortNo number, Work&& work) {
    Port* port = shared_.ports.find(number);
    if (!port) return dropped(DropReason::kNoSuchPort);
    if (std::find(to_flush_.begin(), to_flush_.end(), port) == to_flush_.end()) to_flush_.push_back(port);
    sent_++;
    port->send(std::move(work), number_);
}

void Lane::recirculate(Work&& work) {
    if (work.depth > kMaxRecirculations) return dropped(DropReason::kRecursionTooDeep);
    recirculated_++;
    work.stale = true;
    work.refresh();
    process(std::move(work));
}

void Lane::upcall(const Userspace& action, Work&& work, const Actions& all) {
    Upcall up;
    up.type = Upcall::Type::kAction;
    up.userdata = action.userdata;
    up.key = work.key;
    if (action.actions) up.actions = all;
    Port* egress = shared_.ports.find(action.tunnel_egress);
    if (egress && work.tunnel_set) {
        up.egress_tunnel = tunnel_from_key(work.key.tunnel);
        if (!up.egress_tunnel->tp_dst) up.egress_tunnel->tp_dst = egress->info().tunnel_port;
    }
    up.truncated_to = work.truncate;
    // What the controller sees are packets as on a wire.
    for (packet::Packet& one : packet::segment(std::move(work.packet), work.key.packet_type)) {
        Upcall each = up;
        if (work.truncate) one.truncate(work.truncate);
        each.packet = std::move(one);
        (void)upcalls_.upcall(std::move(each));
    }
}

std::optional<std::pair<PortNo, PortType>> Lane::tunnel_receiver(PortNo number, ByteView bytes) {
    Port* port = shared_.ports.find(number);
    if (!port) return std::nullopt;
    PortType type = port->info().type;
    if (!is_gre(type) || is_for(bytes, type)) return std::pair(number, type);
    for (const auto& [other, one] : shared_.ports.all()) {
        if (is_gre(one->info().type) && is_for(bytes, one->info().type))
            return std::pair(other, one->info().type);
    }
    return std::nullopt;
}

void Lane::flush() {
    if (to_flush_.empty()) return;
    std::vector<Port*> ports = std::move(to_flush_);  // what a port does may send more
    to_flush_.clear();
    for (Port* port : ports) {
        flushes_++;
        port->flush(number_);
    }
}

bool Lane::wants_sort() {
    if (cache_.searches() - sorted_at_ < kSearchesPerSort) return false;
    sorted_at_ = cache_.searches();
    return true;
}

LaneStats Lane::stats() const {
    LaneStats out;
    out.received = received_;
    out.recirculated = recirculated_;
    out.exact_hits = cache_.exact_hits();
    out.megaflow_hits = hits_ - std::min<uint64_t>(hits_, out.exact_hits);
    out.misses = misses_;
    out.lost = lost_;
    out.masks_tried = cache_.masks_tried();
    out.sent = sent_;
    out.flushes = flushes_;
    return out;
}

void Lane::add_drops(std::vector<uint64_t>& out) const {
    for (size_t i = 0; i < drops_.size(); i++) out[i] += drops_[i];
}

}  // namespace weft::datapath
