// netdev-dummy/*: packets and states of devices that exist for tests.

#include <fmt/core.h>

#include "datapath/api/text.h"
#include "datapath/dummy/dummy_device.h"
#include "packet/compose.h"
#include "switch/control/commands.h"

namespace weft::vswitch {

namespace {

using Arguments = net::ControlServer::Arguments;

constexpr size_t kMaxLength = 65535;

}  // namespace

// Hex digits (white space is skipped), or a datapath key.
Result<packet::Packet> packet_from_text(const std::string& text, size_t length) {
    Bytes bytes;
    int high = -1;
    bool hex = true;
    for (char c : text) {
        if (c == ' ' || c == '\t' || c == '\n') continue;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            hex = false;
            break;
        }
        if (high < 0)
            high = digit;
        else
            bytes.push_back(static_cast<uint8_t>(high << 4 | digit)), high = -1;
    }
    if (hex && high < 0 && !bytes.empty()) {
        packet::Packet packet(bytes);
        if (length > packet.size()) packet.append_zeros(length - packet.size());
        return packet;
    }
    auto key = datapath::parse_key(text);
    if (!key) return Error{fmt::format("bad packet or flow syntax: {}", key.message())};
    return packet::compose(*key, 64, length);
}

void add_dummy_commands(net::ControlServer& control) {
    control.add("netdev-dummy/receive", "name [--qid queue_id] packet|flow [--len packet_len]", 2, -1,
                [](const Arguments& args) -> Result<std::string> {
                    auto* device = datapath::find_dummy_device(args[0]);
                    if (!device) return Error{"no such dummy netdev"};
                    std::vector<packet::Packet> packets;
                    for (size_t i = 1; i < args.size(); ++i) {
                        if (args[i] == "--qid") {
                            if (++i == args.size()) return Error{"--qid needs a queue"};
                            continue;
                        }
                        size_t length = 0;
                        const std::string& text = args[i];
                        if (i + 2 < args.size() && args[i + 1] == "--len") {
                            length = std::strtoul(args[i + 2].c_str(), nullptr, 10);
                            if (length > kMaxLength)
                                return Error{fmt::format("--len {}: a packet has at most {} bytes",
                                                         args[i + 2], kMaxLength)};
                            i += 2;
                        }
                        WEFT_ASSIGN(packet::Packet packet, packet_from_text(text, length));
                        packets.push_back(std::move(packet));
                    }
                    for (packet::Packet& packet : packets) device->receive(std::move(packet));
                    return std::string();
                });
    control.add("netdev-dummy/set-admin-state", "[netdev] up|down", 1, 2,
                [](const Arguments& args) -> Result<std::string> {
                    const std::string& state = args.back();
                    if (state != "up" && state != "down") return Error{"Invalid Admin State"};
                    if (args.size() == 2) {
                        auto* device = datapath::find_dummy_device(args[0]);
                        if (!device) return Error{"Unknown Dummy Interface"};
                        device->set_admin_up(state == "up");
                    } else {
                        for (auto* device : datapath::all_dummy_devices())
                            device->set_admin_up(state == "up");
                    }
                    return std::string("OK");
                });
    control.add("netdev-dummy/conn-state", "[netdev]", 0, 1,
                [](const Arguments& args) -> Result<std::string> {
                    std::string out;
                    for (auto* device : datapath::all_dummy_devices()) {
                        if (!args.empty() && device->name() != args[0]) continue;
                        out += fmt::format("{}: {}\n", device->name(), device->connection_state());
                    }
                    if (!args.empty() && out.empty()) return Error{"Unknown Dummy Interface"};
                    return out;
                });
}

}  // namespace weft::vswitch
