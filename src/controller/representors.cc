#include "controller/representors.h"

#include <fmt/core.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <vector>

#include "packet/address.h"

namespace weft::controller {

namespace {

struct Device {
    std::string name, address, switch_id, port_name;
};

// The first line of a file; "" where there is none, or the device has no such property.
std::string read_line(const std::filesystem::path& path) {
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    return line;
}

std::vector<Device> devices_in(const std::string& root) {
    std::vector<Device> out;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(root, error)) {
        const std::filesystem::path& path = entry.path();
        out.push_back({path.filename(), read_line(path / "address"), read_line(path / "phys_switch_id"),
                       read_line(path / "phys_port_name")});
    }
    return out;
}

// Takes "WORD" and a number from the front.
std::optional<uint32_t> take(std::string_view& text, std::string_view word) {
    if (!text.starts_with(word)) return std::nullopt;
    std::string_view rest = text.substr(word.size());
    uint32_t value = 0;
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc()) return std::nullopt;
    text = rest.substr(static_cast<size_t>(end - rest.data()));
    return value;
}

struct Function {
    uint32_t pf = 0, vf = 0;
};
std::optional<Function> parse_function(std::string_view name) {
    take(name, "c");
    auto pf = take(name, "pf"), vf = pf ? take(name, "vf") : std::nullopt;
    if (!vf || !name.empty()) return std::nullopt;
    return Function{*pf, *vf};
}

// The number of the physical function whose uplink this is: "p0" or "pf0".
std::optional<uint32_t> uplink_number(std::string_view name) {
    auto number = name.starts_with("pf") ? take(name, "pf") : take(name, "p");
    return number && name.empty() ? number : std::nullopt;
}

}  // namespace

Result<std::string> find_representor(const std::string& root, const packet::EthAddr& pf_mac, uint32_t vf) {
    std::vector<Device> devices = devices_in(root);
    const Device* uplink = nullptr;
    for (const Device& each : devices) {
        // Representors may have the address of the physical function, too.
        bool is_uplink = packet::parse_eth(each.address) == pf_mac && !parse_function(each.port_name);
        if (is_uplink && !each.switch_id.empty()) uplink = &each;
    }
    if (!uplink) {
        return Error{fmt::format("no network adapter in switchdev mode has the address {}",
                                 packet::to_string(pf_mac))};
    }
    std::optional<uint32_t> pf = uplink_number(uplink->port_name);
    for (const Device& each : devices) {
        auto function = parse_function(each.port_name);
        if (!function || each.switch_id != uplink->switch_id || function->vf != vf) continue;
        if (!pf || function->pf == *pf) return each.name;
    }
    return Error{fmt::format("{} has no representor of virtual function {}", uplink->name, vf)};
}

}  // namespace weft::controller
