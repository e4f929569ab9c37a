// Text to actions.

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "datapath/api/set_fields.h"
#include "datapath/api/text.h"
#include "datapath/api/text_fields.h"
#include "packet/address.h"
#include "packet/ethernet.h"
#include "packet/nsh.h"

namespace weft::datapath {

UserdataText installed_userdata_text();

namespace {

using packet::Flow;
using text::Item;
using text::read_number;

constexpr int kMaxNesting = 32;

// "NAME=VALUE" parts of a body.
struct Part {
    std::string_view name, value;
    Item item;
};
Result<std::vector<Part>> parts_of(std::string_view body) {
    WEFT_ASSIGN(std::vector<Item> items, text::split_items(body));
    std::vector<Part> out;
    for (const Item& item : items) {
        Part part;
        part.item = item;
        size_t equals = item.has_body ? item.name.npos : item.name.find('=');
        part.name = item.name.substr(0, equals);
        if (equals != item.name.npos) part.value = item.name.substr(equals + 1);
        out.push_back(part);
    }
    return out;
}

bool read_bytes(std::string_view text, Bytes& out) {
    auto digit = [](char c) {
        return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
    };
    if (text.starts_with("0x")) text.remove_prefix(2);
    if (text.size() % 2) return false;
    for (size_t i = 0; i < text.size(); i += 2) {
        int high = digit(text[i]), low = digit(text[i + 1]);
        if (high < 0 || low < 0) return false;
        out.push_back(static_cast<uint8_t>(high << 4 | low));
    }
    return true;
}

bool read_wide(std::string_view text, packet::Be128& out) {
    if (text.starts_with("0x")) text.remove_prefix(2);
    if (text.empty() || text.size() > 32) return false;
    std::string padded(32 - text.size(), '0');
    padded += text;
    Bytes bytes;
    if (!read_bytes(padded, bytes)) return false;
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return true;
}

class ActionReader {
  public:
    explicit ActionReader(const PortNames* names) : names_(names) {}

    Result<Actions> list(std::string_view text, int depth = 0) {
        if (depth > kMaxNesting)
            return Error{fmt::format("actions are nested more than {} deep", kMaxNesting)};
        WEFT_ASSIGN(std::vector<Item> items, text::split_items(text));
        Actions out;
        if (items.size() == 1 && items[0].name == "drop" && !items[0].has_body) return out;
        for (const Item& item : items) {
            WEFT_ASSIGN(Action action, one(item, depth));
            out.push_back(std::move(action));
        }
        return out;
    }

  private:
    Result<Action> one(const Item& item, int depth) {
        std::string_view name = item.name;
        if (name == "set") return set(item.body);
        if (name == "userspace") return userspace(item.body);
        if (name == "push_vlan") return push_vlan(item.body);
        if (name == "pop_vlan") return Action(PopVlan{});
        if (name == "push_mpls") return push_mpls(item.body);
        if (name == "add_mpls") {
            WEFT_ASSIGN(Action same, push_mpls(item.body));
            const PushMpls& as = *same.get_if<PushMpls>();
            return Action(AddMpls{as.lse, as.ethertype});
        }
        if (name == "pop_mpls") return pop_mpls(item.body);
        if (name == "push_eth") return push_eth(item.body);
        if (name == "pop_eth") return Action(PopEth{});
        if (name == "push_nsh") return push_nsh(item.body);
        if (name == "pop_nsh") return Action(PopNsh{});
        if (name == "recirc") {
            WEFT_ASSIGN(uint64_t id, read_number(item.body, UINT32_MAX));
            return Action(Recirculate{static_cast<uint32_t>(id)});
        }
        if (name == "hash") return hash(item.body);
        if (name == "trunc") {
            WEFT_ASSIGN(uint64_t length, read_number(item.body, UINT32_MAX));
            if (length < packet::ethernet::kHeader)
                return Error{fmt::format("trunc({}): less than 14 bytes", length)};
            return Action(Truncate{static_cast<uint32_t>(length)});
        }
        if (name == "clone") {
            WEFT_ASSIGN(Actions inner, list(item.body, depth + 1));
            return Action(Clone{std::move(inner)});
        }
        if (name == "sample") return sample(item.body, depth);
        if (name == "check_pkt_len") return check_length(item.body, depth);
        if (name == "meter") {
            WEFT_ASSIGN(uint64_t id, read_number(item.body, UINT32_MAX));
            return Action(Meter{static_cast<uint32_t>(id)});
        }
        if (name == "lb_output") {
            WEFT_ASSIGN(uint64_t id, read_number(item.body, UINT32_MAX));
            return Action(LbOutput{static_cast<uint32_t>(id)});
        }
        if (name == "tnl_push") return push_tunnel(item.body);
        if (name == "tnl_pop") {
            WEFT_ASSIGN(PortNo port, port_number(item.body));
            return Action(PopTunnel{port});
        }
        if (name == "drop") return Action(Drop{});
        if (name == "ct") return conntrack(item.body);
        if (name == "ct_clear") return Action(ConntrackClear{});
        if (!item.has_body) return output(name);
        return Error{fmt::format("unknown action \"{}\"", name)};
    }

    Result<Action> output(std::string_view text) {
        WEFT_ASSIGN(PortNo port, port_number(text));
        return Action(Output{port});
    }

    Result<PortNo> port_number(std::string_view text) {
        if (names_) {
            if (auto port = names_->port_of(text)) return *port;
        }
        auto number = read_number(text, UINT32_MAX);
        if (!number) return Error{fmt::format("\"{}\" is neither an action nor a port", text)};
        return static_cast<PortNo>(*number);
    }

    Result<Action> set(std::string_view body) {
        WEFT_ASSIGN(std::vector<Item> items, text::split_items(body));
        if (items.size() != 1 || !items[0].has_body) {
            return Error{fmt::format("set({}) needs one field group, as in set(eth(dst=...))", body)};
        }
        Flow value = packet::zero_flow(), mask = packet::zero_flow();
        WEFT_ASSIGN(bool known, text::read_group(items[0], value, mask, names_));
        if (known && items[0].name == "tunnel") {
            if (value.tunnel.dst == 0 && packet::is_zero(value.tunnel.ipv6_dst)) {
                return Error{fmt::format("set({}): a tunnel needs dst or ipv6_dst", body)};
            }
            if (mask.tunnel.id) value.tunnel.flags |= packet::kTunnelKey;
            SetTunnel tunnel = tunnel_from_key(value.tunnel);
            if (!mask.tunnel.ttl) tunnel.ttl = 0;
            return Action(std::move(tunnel));
        }
        auto action = known ? set_from_flow(items[0].name, value, mask) : std::nullopt;
        if (!action) return Error{fmt::format("\"{}\" is not a field that can be set", items[0].name)};
        return *action;
    }

    Result<Action> push_tunnel(std::string_view body) {
        PushTunnel out;
        WEFT_ASSIGN(std::vector<Item> items, text::split_items(body));
        for (const Item& item : items) {
            if (item.name == "tnl_port") {
                WEFT_ASSIGN(out.port, port_number(item.body));
            } else if (item.name == "out_port") {
                WEFT_ASSIGN(out.out_port, port_number(item.body));
            } else if (item.name == "header") {
                WEFT_TRY(text::read_tunnel_headers(item.body, out));
            } else {
                return Error{fmt::format("tnl_push has no part \"{}\"", item.name)};
            }
        }
        if (items.size() != 3) return Error{"tnl_push needs tnl_port, header and out_port"};
        return Action(std::move(out));
    }

    Result<Action> userspace(std::string_view body) {
        Userspace out;
        WEFT_ASSIGN(std::vector<Part> parts, parts_of(body));
        for (const Part& part : parts) {
            if (part.name == "pid") {
                WEFT_ASSIGN(uint64_t pid, read_number(part.value, UINT32_MAX));
                out.pid = static_cast<uint32_t>(pid);
            } else if (part.name == "actions") {
                out.actions = true;
            } else if (part.name == "tunnel_out_port") {
                WEFT_ASSIGN(out.tunnel_egress, port_number(part.value));
            } else if (part.name == "userdata" && part.item.has_body) {
                if (!read_bytes(part.item.body, out.userdata)) {
                    return Error{fmt::format("userdata({}) is not hexadecimal", part.item.body)};
                }
            } else {
                auto functions = installed_userdata_text();
                auto data = functions.parse ? functions.parse(part.name, part.item.body) : std::nullopt;
                if (!data) return Error{fmt::format("userspace has no part \"{}\"", part.name)};
                out.userdata = std::move(*data);
            }
        }
        return Action(std::move(out));
    }

    Result<Action> push_vlan(std::string_view body) {
        PushVlan out;
        bool vid = false;
        WEFT_ASSIGN(std::vector<Part> parts, parts_of(body));
        for (const Part& part : parts) {
            if (part.name == "tpid") {
                WEFT_ASSIGN(uint64_t tpid, read_number(part.value, UINT16_MAX));
                out.tpid = static_cast<uint16_t>(tpid);
            } else if (part.name == "vid") {
                WEFT_ASSIGN(uint64_t value, read_number(part.value, 4095));
                out.tci = static_cast<uint16_t>((out.tci & 0xf000) | value);
                vid = true;
            } else if (part.name == "pcp") {
                WEFT_ASSIGN(uint64_t value, read_number(part.value, 7));
                out.tci = static_cast<uint16_t>((out.tci & 0x1fff) | value << 13);
            } else if (part.name == "cfi") {
                WEFT_ASSIGN(uint64_t value, read_number(part.value, 1));
                out.tci = static_cast<uint16_t>((out.tci & 0xefff) | value << 12);
            } else {
                return Error{fmt::format("push_vlan has no field \"{}\"", part.name)};
            }
        }
        if (!vid) return Error{"push_vlan needs vid"};
        return Action(out);
    }

    Result<Action> push_mpls(std::string_view body) {
        PushMpls out;
        WEFT_ASSIGN(std::vector<Part> parts, parts_of(body));
        for (const Part& part : parts) {
            struct Place {
                std::string_view name;
                uint64_t max;
                int shift;
            };
            static constexpr Place kPlaces[] = {
                {"label", 0xfffff, 12}, {"tc", 7, 9}, {"bos", 1, 8}, {"ttl", 255, 0}};
            bool found = false;
            for (const Place& place : kPlaces) {
                if (part.name != place.name) continue;
                WEFT_ASSIGN(uint64_t value, read_number(part.value, place.max));
                out.lse |= static_cast<uint32_t>(value << place.shift);
                found = true;
            }
            if (part.name == "eth_type") {
                WEFT_ASSIGN(uint64_t type, read_number(part.value, UINT16_MAX));
                out.ethertype = static_cast<uint16_t>(type);
                found = true;
            }
            if (!found) return Error{fmt::format("push_mpls has no field \"{}\"", part.name)};
        }
        if (!packet::ethernet::is_mpls(out.ethertype))
            return Error{"push_mpls: eth_type is not 0x8847 or 0x8848"};
        return Action(out);
    }

    Result<Action> pop_mpls(std::string_view body) {
        WEFT_ASSIGN(std::vector<Part> parts, parts_of(body));
        if (parts.size() != 1 || parts[0].name != "eth_type") return Error{"pop_mpls needs eth_type"};
        WEFT_ASSIGN(uint64_t type, read_number(parts[0].value, UINT16_MAX));
        return Action(PopMpls{static_cast<uint16_t>(type)});
    }

    Result<Action> push_eth(std::string_view body) {
        PushEth out;
        WEFT_ASSIGN(std::vector<Part> parts, parts_of(body));
        for (const Part& part : parts) {
            auto address = packet::parse_eth(part.value);
            if (part.name == "type") continue;  // the packet's own type says it
            if (!address || (part.name != "src" && part.name != "dst")) {
                return Error{fmt::format("push_eth({}) is not push_eth(src=MAC,dst=MAC)", body)};
            }
            (part.name == "src" ? out.src : out.dst) = *address;
        }
        return Action(out);
    }

    Result<Action> push_nsh(std::string_view body) {
        PushNsh out;
        std::array<uint32_t, 4> context{};
        Bytes options;
        out.path_hdr = 0xff;
        WEFT_ASSIGN(std::vector<Part> parts, parts_of(body));
        for (const Part& part : parts) {
            auto number = [&](auto& into, uint64_t max) -> Result<void> {
                WEFT_ASSIGN(uint64_t value, read_number(part.value, max));
                into = static_cast<std::remove_reference_t<decltype(into)>>(value);
                return {};
            };
            if (part.name == "flags") {
                WEFT_TRY(number(out.flags, 3));
            } else if (part.name == "ttl") {
                WEFT_TRY(number(out.ttl, 63));
            } else if (part.name == "mdtype") {
                WEFT_TRY(number(out.mdtype, 2));
            } else if (part.name == "np") {
                WEFT_TRY(number(out.np, 255));
            } else if (part.name == "spi") {
                uint32_t spi = 0;
                WEFT_TRY(number(spi, 0xffffff));
                out.path_hdr = spi << 8 | (out.path_hdr & 0xff);
            } else if (part.name == "si") {
                uint32_t si = 0;
                WEFT_TRY(number(si, 0xff));
                out.path_hdr = (out.path_hdr & ~0xffu) | si;
            } else if (part.name.size() == 2 && part.name[0] == 'c' && part.name[1] >= '1' &&
                       part.name[1] <= '4') {
                WEFT_TRY(number(context[static_cast<size_t>(part.name[1] - '1')], UINT32_MAX));
            } else if (part.name == "md2") {
                std::string_view digits = part.value;
                if (digits == "0") digits = {};
                if (digits.starts_with("0x")) digits.remove_prefix(2);
                for (size_t i = 0; i + 1 < digits.size(); i += 2) {
                    WEFT_ASSIGN(uint64_t byte, read_number("0x" + std::string(digits.substr(i, 2)), 0xff));
                    options.push_back(static_cast<uint8_t>(byte));
                }
                if (digits.size() % 2 || options.size() % 4 || options.size() > packet::nsh::kMaxMetadata)
                    return Error{fmt::format("push_nsh: md2={} is not whole words of at most {} bytes",
                                             part.value, packet::nsh::kMaxMetadata)};
            } else {
                return Error{fmt::format("push_nsh has no field \"{}\"", part.name)};
            }
        }
        if (out.mdtype == 2) {
            out.metadata = std::move(options);
        } else if (out.mdtype == 1) {
            out.metadata.resize(16);
            for (size_t i = 0; i < 4; i++) store_be32(out.metadata.data() + 4 * i, context[i]);
        } else {
            return Error{"push_nsh: mdtype is neither 1 nor 2"};
        }
        return Action(out);
    }

    Result<Action> hash(std::string_view body) {
        WEFT_ASSIGN(std::vector<Item> items, text::split_items(body));
        if (items.size() == 1 && items[0].has_body) {
            Hash out;
            bool l4 = items[0].name == "hash_l4" || items[0].name == "l4";
            if (l4 || items[0].name == "sym_l4") {
                out.algorithm = l4 ? HashAlgorithm::kL4 : HashAlgorithm::kSymmetricL4;
                WEFT_ASSIGN(uint64_t basis, read_number(items[0].body, UINT32_MAX));
                out.basis = static_cast<uint32_t>(basis);
                return Action(out);
            }
        }
        return Error{fmt::format("hash({}) is not hash(l4(BASIS)) or hash(sym_l4(BASIS))", body)};
    }

    Result<Action> sample(std::string_view body, int depth) {
        Sample out;
        WEFT_ASSIGN(std::vector<Part> parts, parts_of(body));
        for (const Part& part : parts) {
            if (part.name == "sample") {
                std::string text(part.value);
                char* end = nullptr;
                double percent = std::strtod(text.c_str(), &end);
                if (end == text.c_str() || std::string_view(end) != "%" ||
                    !(percent >= 0 && percent <= 100)) {
                    return Error{fmt::format("sample={} is not a percentage like 12.5%", part.value)};
                }
                out.probability = static_cast<uint32_t>(std::floor(percent / 100 * UINT32_MAX + 0.5));
            } else if (part.name == "actions" && part.item.has_body) {
                WEFT_ASSIGN(out.actions, list(part.item.body, depth + 1));
            } else {
                return Error{fmt::format("sample has no part \"{}\"", part.name)};
            }
        }
        return Action(std::move(out));
    }

    Result<Action> check_length(std::string_view body, int depth) {
        CheckPacketLength out;
        WEFT_ASSIGN(std::vector<Part> parts, parts_of(body));
        for (const Part& part : parts) {
            if (part.name == "size") {
                WEFT_ASSIGN(uint64_t size, read_number(part.value, UINT16_MAX));
                out.length = static_cast<uint16_t>(size);
            } else if (part.name == "gt") {
                WEFT_ASSIGN(out.if_greater, list(part.item.body, depth + 1));
            } else if (part.name == "le") {
                WEFT_ASSIGN(out.if_not_greater, list(part.item.body, depth + 1));
            } else {
                return Error{fmt::format("check_pkt_len has no part \"{}\"", part.name)};
            }
        }
        return Action(std::move(out));
    }

    Result<Action> conntrack(std::string_view body) {
        Conntrack out;
        WEFT_ASSIGN(std::vector<Part> parts, parts_of(body));
        for (const Part& part : parts) {
            if (part.name == "commit") {
                out.commit = true;
            } else if (part.name == "force_commit") {
                out.commit = out.force = true;
            } else if (part.name == "zone") {
                WEFT_ASSIGN(uint64_t zone, read_number(part.value, UINT16_MAX));
                out.zone = static_cast<uint16_t>(zone);
            } else if (part.name == "mark") {
                size_t slash = part.value.find('/');
                WEFT_ASSIGN(uint64_t value, read_number(part.value.substr(0, slash), UINT32_MAX));
                uint64_t mask = UINT32_MAX;
                if (slash != part.value.npos) {
                    WEFT_ASSIGN(mask, read_number(part.value.substr(slash + 1), UINT32_MAX));
                }
                out.mark.emplace(static_cast<uint32_t>(value), static_cast<uint32_t>(mask));
            } else if (part.name == "label") {
                size_t slash = part.value.find('/');
                packet::Be128 value, mask;
                mask.fill(0xff);
                if (!read_wide(part.value.substr(0, slash), value) ||
                    (slash != part.value.npos && !read_wide(part.value.substr(slash + 1), mask))) {
                    return Error{fmt::format("label={} is not a number of 128 bits", part.value)};
                }
                out.label.emplace(value, mask);
            } else if (part.name == "helper") {
                out.helper = part.value;
            } else if (part.name == "timeout") {
                out.timeout_policy = part.value;
            } else if (part.name == "nat") {
                WEFT_ASSIGN(out.nat, nat(part.item.body));
            } else {
                return Error{fmt::format("ct has no part \"{}\"", part.name)};
            }
        }
        return Action(std::move(out));
    }

    Result<std::optional<NatRange>> nat(std::string_view body) {
        NatRange out;
        WEFT_ASSIGN(std::vector<Part> parts, parts_of(body));
        for (const Part& part : parts) {
            if (part.name == "src" || part.name == "dst") {
                (part.name == "src" ? out.source : out.destination) = true;
                if (!part.value.empty()) WEFT_TRY(nat_range(part.value, out));
            } else if (part.name == "persistent") {
                out.persistent = true;
            } else if (part.name == "hash") {
                out.hash = true;
            } else if (part.name == "random") {
                out.random = true;
            } else {
                return Error{fmt::format("nat has no part \"{}\"", part.name)};
            }
        }
        return std::optional(out);
    }

    // A[-B][:P[-Q]], IPv6 in brackets when there are ports.
    Result<void> nat_range(std::string_view text, NatRange& out) {
        Error bad{fmt::format("nat range \"{}\" is not ADDRESS[-ADDRESS][:PORT[-PORT]]", text)};
        std::string_view addresses = text, ports;
        size_t bracket = text.rfind(']');
        bool v6 = bracket != text.npos || std::count(text.begin(), text.end(), ':') > 1;
        size_t colon = v6 ? (bracket == text.npos ? text.npos : text.find(':', bracket)) : text.find(':');
        if (colon != text.npos) {
            ports = text.substr(colon + 1);
            addresses = text.substr(0, colon);
        }
        out.v6 = v6;
        auto address = [&](std::string_view one, packet::Ipv6Addr& to) {
            if (one.size() > 2 && one.front() == '[' && one.back() == ']')
                one = one.substr(1, one.size() - 2);
            if (v6) {
                auto parsed = packet::parse_ipv6(one);
                if (parsed) to = *parsed;
                return parsed.has_value();
            }
            auto parsed = packet::parse_ipv4(one);
            if (parsed) store_be32(to.data(), *parsed);
            return parsed.has_value();
        };
        if (!addresses.empty()) {
            size_t dash = addresses.find('-');
            if (!address(addresses.substr(0, dash), out.min_address)) return bad;
            out.max_address = out.min_address;
            if (dash != addresses.npos && !address(addresses.substr(dash + 1), out.max_address)) return bad;
        }
        if (!ports.empty()) {
            size_t dash = ports.find('-');
            auto low = read_number(ports.substr(0, dash), UINT16_MAX);
            auto high = dash == ports.npos ? low : read_number(ports.substr(dash + 1), UINT16_MAX);
            if (!low || !high) return bad;
            out.min_port = static_cast<uint16_t>(*low);
            out.max_port = static_cast<uint16_t>(*high);
        }
        return {};
    }

    const PortNames* names_;
};

}  // namespace

Result<Actions> parse_actions(std::string_view text, const PortNames* names) {
    return ActionReader(names).list(text);
}

}  // namespace weft::datapath
