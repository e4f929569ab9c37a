// Replies of any length, in parts.

#include "openflow/message.h"
#include "openflow/messages/wire.h"

namespace weft::openflow {

namespace {

constexpr size_t kMaxMessage = 65535;
constexpr size_t kFlagsOffset = 10;  // of the multipart header

uint16_t type_of(MultipartWriter::Kind kind) {
    using Kind = MultipartWriter::Kind;
    switch (kind) {
        case Kind::kFlow:
            return wire::kFlow;
        case Kind::kPort:
            return wire::kPort;
        case Kind::kPortDesc:
            return wire::kPortDesc;
        case Kind::kQueue:
            return wire::kQueue;
        case Kind::kTable:
            return wire::kTable;
        case Kind::kGroup:
            return wire::kGroup;
        case Kind::kGroupDesc:
            return wire::kGroupDesc;
        case Kind::kMeter:
            return wire::kMeter;
        case Kind::kMeterConfig:
            return wire::kMeterConfig;
    }
    return wire::kDesc;
}

// Runs `put` on an encoder that writes into `out`.
template <typename F>
void with_encoder(Version version, uint32_t xid, ByteWriter& out, F&& put) {
    wire::Encoder e{version, xid, std::move(out)};
    put(e);
    out = std::move(e.out);
}

}  // namespace

MultipartWriter::MultipartWriter(Version version, uint32_t xid, Kind kind, bool nxm)
    : version_(version), xid_(xid), kind_(kind), nxm_(nxm) {
    begin();
}

void MultipartWriter::begin() {
    with_encoder(version_, xid_, out_, [&](wire::Encoder& e) {
        nxm_ ? e.nicira_multipart(wire::kNxFlow, true) : e.multipart(type_of(kind_), true);
    });
    body_start_ = out_.size();
}

void MultipartWriter::close(bool more) {
    out_.patch_u16(2, static_cast<uint16_t>(out_.size()));
    out_.patch_u16(kFlagsOffset, more ? wire::kMore : 0);
    full_.push_back(out_.take());
    out_ = ByteWriter();
}

// The entry that starts at `start` was written: if it does not fit, it begins the next message.
void MultipartWriter::end_entry(size_t start) {
    if (out_.size() <= kMaxMessage) return;
    Bytes all = out_.take();
    Bytes entry(all.begin() + static_cast<ptrdiff_t>(start), all.end());
    if (start == body_start_) {  // larger than a message can be: it cannot be told
        all.resize(start);
        out_ = ByteWriter(std::move(all));
        return;
    }
    all.resize(start);
    out_ = ByteWriter(std::move(all));
    close(true);
    begin();
    out_.bytes(entry);
}

#define WEFT_ADD(Type, put)                                                 \
    void MultipartWriter::add(const Type& entry) {                          \
        size_t start = out_.size();                                         \
        with_encoder(version_, xid_, out_, [&](wire::Encoder& e) { put; }); \
        end_entry(start);                                                   \
    }
WEFT_ADD(FlowStats, wire::put_flow_stats(e, entry, nxm_))
WEFT_ADD(PortStats, wire::put_port_stats(e, entry))
WEFT_ADD(Port, wire::put_port_description(e, entry))
WEFT_ADD(QueueStats, wire::put_queue_stats(e, entry))
WEFT_ADD(TableStats, wire::put_table_stats(e, entry))
WEFT_ADD(GroupStats, wire::put_group_stats(e, entry))
WEFT_ADD(GroupDesc, wire::put_group_desc(e, entry))
WEFT_ADD(MeterStats, wire::put_meter_stats(e, entry))
WEFT_ADD(MeterConfig, wire::put_meter_config(e, entry))
#undef WEFT_ADD

std::vector<Bytes> MultipartWriter::finish() {
    close(false);
    return std::move(full_);
}

}  // namespace weft::openflow
