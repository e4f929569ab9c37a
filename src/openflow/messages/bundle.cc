// Bundles on the wire: OpenFlow 1.4+, and before that the ONF's extension 230.

#include "openflow/messages/bundle.h"

#include "openflow/messages/wire.h"

namespace weft::openflow::wire {

void put_bundle(Encoder& e, const Body& body) {
    bool extension = e.version < Version::k14;
    if (const auto* control = std::get_if<BundleControl>(&body)) {
        extension ? e.vendor(kVendorOnf, kOnfBundleControl) : e.header(kBundleControl);
        e.out.u32(control->bundle_id);
        e.out.u16(static_cast<uint16_t>(control->type));
        e.out.u16(control->flags);
        return;
    }
    const auto& add = std::get<BundleAdd>(body);
    extension ? e.vendor(kVendorOnf, kOnfBundleAdd) : e.header(kBundleAdd);
    e.out.u32(add.bundle_id);
    e.out.zeros(2);
    e.out.u16(add.flags);
    e.out.bytes(add.message);
}

OfError get_bundle(Decoder& d, bool add, Body& body) {
    uint32_t id = d.in.u32();
    if (!add) {
        uint16_t type = d.in.u16(), flags = d.in.u16();
        if (!d.in.ok()) return OfError::OFPBRC_BAD_LEN;
        if (type > 7) return OfError::OFPBFC_BAD_TYPE;
        body = BundleControl{id, static_cast<BundleControl::Type>(type), flags};
        return OfError::kNone;
    }
    d.in.skip(2);
    BundleAdd m{id, d.in.u16(), {}};
    Header inner;
    if (!d.in.ok() || !peek_header(d.in.rest(), inner) || inner.length < kHeaderBytes ||
        inner.length > d.in.size()) {
        return OfError::OFPBFC_MSG_BAD_LEN;
    }
    ByteView message = d.in.bytes(inner.length);
    m.message.assign(message.begin(), message.end());
    body = std::move(m);
    return OfError::kNone;
}

}  // namespace weft::openflow::wire
