// multipath and bundle: choosing a link by a hash of the packet.

#include <fmt/core.h>

#include "packet/address.h"
#include "packet/extract.h"
#include "switch/classifier/hash.h"
#include "switch/translate/walk.h"

namespace weft::vswitch {

namespace of = openflow;

namespace {

uint64_t mix(uint64_t h, const uint8_t* bytes, size_t size) {
    for (size_t i = 0; i < size; ++i) h = (h ^ bytes[i]) * 0x100000001b3ull;
    return h;
}

uint32_t fold(uint64_t h) {
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdull;
    h ^= h >> 33;
    return static_cast<uint32_t>(h);
}

uint32_t pair_hash(uint32_t a, uint32_t b) {
    return fold((uint64_t{a} << 32 | b) * 0x9e3779b97f4a7c15ull);
}

}  // namespace

uint32_t Walk::hash_fields(of::HashFields fields, uint16_t basis) {
    using F = of::HashFields;
    uint64_t h = 0xcbf29ce484222325ull ^ basis;
    bool v4 = flow_.dl_type == 0x0800, v6 = flow_.dl_type == 0x86dd;
    auto addresses = [&](bool source, bool destination) {
        if (v4) {
            uint32_t sum = 0;
            if (source) mask_.nw_src = ~0u, sum ^= flow_.nw_src;
            if (destination) mask_.nw_dst = ~0u, sum ^= flow_.nw_dst;
            h = mix(h, reinterpret_cast<const uint8_t*>(&sum), sizeof sum);
        } else if (v6) {
            packet::Ipv6Addr sum{};
            for (size_t i = 0; i < sum.size(); ++i) {
                sum[i] = static_cast<uint8_t>((source ? flow_.ipv6_src[i] : 0) ^
                                              (destination ? flow_.ipv6_dst[i] : 0));
            }
            if (source) mask_.ipv6_src.fill(0xff);
            if (destination) mask_.ipv6_dst.fill(0xff);
            h = mix(h, sum.data(), sum.size());
        }
    };
    auto ports = [&](bool udp) {
        mask_.nw_proto = 0xff;
        h = mix(h, &flow_.nw_proto, 1);
        if (flow_.nw_proto == 6 || flow_.nw_proto == 132 || (udp && flow_.nw_proto == 17)) {
            mask_.tp_src = mask_.tp_dst = 0xffff;
            uint16_t sum = flow_.tp_src ^ flow_.tp_dst;
            h = mix(h, reinterpret_cast<const uint8_t*>(&sum), sizeof sum);
        }
    };
    switch (fields) {
        case F::kEthSrc:
            mask_.dl_src.fill(0xff);
            h = mix(h, flow_.dl_src.data(), 6);
            break;
        case F::kSymmetricL4: {
            mask_.dl_src.fill(0xff);
            mask_.dl_dst.fill(0xff);
            packet::EthAddr sum;
            for (size_t i = 0; i < 6; ++i) sum[i] = flow_.dl_src[i] ^ flow_.dl_dst[i];
            h = mix(h, sum.data(), 6);
            if (in_.flow.vlans[0].tci) mask_.vlans[0].tci |= packet::kVlanVidMask | packet::kVlanCfi;
            uint16_t vid = flow_.vlans[0].tci & packet::kVlanVidMask;
            h = mix(h, reinterpret_cast<const uint8_t*>(&vid), sizeof vid);
            addresses(true, true);
            if (v4 || v6) ports(false);
            break;
        }
        case F::kSymmetricL3L4:
        case F::kSymmetricL3L4Udp:
            addresses(true, true);
            if (v4 || v6) ports(fields == F::kSymmetricL3L4Udp);
            break;
        case F::kNwSrc:
            addresses(true, false);
            break;
        case F::kNwDst:
            addresses(false, true);
            break;
        case F::kSymmetricL3:
            addresses(true, true);
            break;
    }
    return fold(h);
}

void Walk::multipath(const of::Multipath& action) {
    uint32_t hash = hash_fields(action.fields, action.basis);
    uint32_t links = uint32_t{action.max_link} + 1, link = 0;
    switch (action.algorithm) {
        case of::Multipath::Algorithm::kModuloN:
            link = hash % links;
            break;
        case of::Multipath::Algorithm::kHashThreshold:
            link = links == 1 ? 0 : hash / (UINT32_MAX / links + 1);
            break;
        case of::Multipath::Algorithm::kHrw: {
            uint32_t best = 0;
            for (uint32_t i = 0; i < links; ++i) {
                uint32_t weight = pair_hash(hash, i);
                if (!i || weight > best) best = weight, link = i;
            }
            break;
        }
        case of::Multipath::Algorithm::kIterHash: {
            uint32_t modulo = 1;
            while (modulo < action.arg) modulo *= 2;
            for (uint32_t round = 0; round < 1024; ++round) {
                link = pair_hash(hash, round) % modulo;
                if (link < links) break;
            }
            if (link >= links) link %= links;
            break;
        }
    }
    write_subfield(action.dst, link);
    show_subfield(action.dst);
}

bool Walk::port_live(uint32_t number) const {
    if (number == of::kPortController || number == of::kPortLocal) return bridge_->port(number) != nullptr;
    OfPort* port = bridge_->port(number);
    return port && port->live();
}

void Walk::bundle_action(const of::Bundle& action) {
    uint32_t chosen = of::kPortNone;
    if (action.algorithm == of::Bundle::Algorithm::kActiveBackup) {
        for (uint32_t member : action.members) {
            if (port_live(member)) {
                chosen = member;
                break;
            }
        }
    } else {
        uint32_t hash = hash_fields(action.fields, action.basis), best = 0;
        for (size_t i = 0; i < action.members.size(); ++i) {
            if (!port_live(action.members[i])) continue;
            uint32_t weight = pair_hash(hash, static_cast<uint32_t>(i));
            if (chosen == of::kPortNone || weight > best) best = weight, chosen = action.members[i];
        }
    }
    if (action.dst.valid()) {
        write_subfield(action.dst, action.dst.bits <= 16 ? chosen & 0xffff : chosen);
        show_subfield(action.dst);
    } else {
        output(chosen, 0, false, false);
    }
}

}  // namespace weft::vswitch
