#include "switch/bridge/tree_options.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "packet/address.h"

namespace weft::vswitch {

namespace {

namespace db = schema::vswitch;

class Reader {
  public:
    Reader(std::string owner, const ovsdb::StringMap& config, std::vector<std::string>& warnings)
        : owner_(std::move(owner)), config_(config), warnings_(warnings) {}

    // `fallback` if there is no number from `least` to `most`.
    int64_t integer(const char* key, int64_t least, int64_t most, int64_t fallback) {
        const std::string* text = config_.find(key);
        if (!text) return fallback;
        auto value = number(*text);
        if (value && *value >= least && *value <= most) return *value;
        warnings_.push_back(fmt::format("{}: {}={} is not an integer from {} to {}; {} is used", owner_, key,
                                        *text, least, most, fallback));
        return fallback;
    }
    // Numbers out of the range become its nearest.
    int64_t clamped(const char* key, int64_t least, int64_t most, int64_t fallback) {
        const std::string* text = config_.find(key);
        if (!text) return fallback;
        auto value = number(*text);
        if (value && (*value < least || *value > most)) {
            int64_t used = std::clamp(*value, least, most);
            warnings_.push_back(fmt::format("{}: {}={} is not from {} to {}; {} is used", owner_, key, *text,
                                            least, most, used));
            return used;
        }
        return integer(key, least, most, fallback);
    }
    packet::EthAddr mac(const char* key, const packet::EthAddr& fallback) {
        const std::string* text = config_.find(key);
        if (!text) return fallback;
        auto address = packet::parse_eth(*text);
        if (address && !packet::is_zero(*address)) return *address;
        warnings_.push_back(fmt::format("{}: {}={} is not an Ethernet address; {} is used", owner_, key,
                                        *text, packet::to_string(fallback)));
        return fallback;
    }
    bool boolean(const char* key, bool fallback) const { return ovsdb::get_bool(config_, key, fallback); }

  private:
    static std::optional<int64_t> number(const std::string& text) {
        int64_t value = 0;
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
        return value;
    }

    std::string owner_;
    const ovsdb::StringMap& config_;
    std::vector<std::string>& warnings_;
};

constexpr int64_t kSecond = 1000;

}  // namespace

Stp::Options parse_stp_options(const db::Bridge& row, const packet::EthAddr& mac,
                               std::vector<std::string>& warnings) {
    Reader read("bridge " + row.name, row.other_config, warnings);
    int64_t hello = read.clamped("stp-hello-time", 1, 10, 2);
    int64_t max_age = read.clamped("stp-max-age", 6, 40, 20);
    int64_t delay = read.clamped("stp-forward-delay", 4, 30, 15);
    // 2 × (forward delay - 1) ≥ max age ≥ 2 × (hello time + 1)
    hello = std::min(hello, max_age / 2 - 1);
    delay = std::max(delay, (max_age + 1) / 2 + 1);
    Stp::Options options;
    options.bridge = packet::bridge_id(static_cast<uint16_t>(read.integer("stp-priority", 0, 65535, 0x8000)),
                                       read.mac("stp-system-id", mac));
    options.hello_ms = hello * kSecond;
    options.max_age_ms = max_age * kSecond;
    options.forward_delay_ms = delay * kSecond;
    return options;
}

Rstp::Options parse_rstp_options(const db::Bridge& row, const packet::EthAddr& mac,
                                 std::vector<std::string>& warnings) {
    Reader read("bridge " + row.name, row.other_config, warnings);
    Rstp::Options options;
    int64_t priority = read.integer("rstp-priority", 0, 61440, 0x8000);
    options.bridge =
        packet::bridge_id(static_cast<uint16_t>(priority & 0xf000), read.mac("rstp-address", mac));
    options.max_age_s = static_cast<uint16_t>(read.integer("rstp-max-age", 6, 40, 20));
    options.forward_delay_s = static_cast<uint16_t>(read.integer("rstp-forward-delay", 4, 30, 15));
    auto related = [&] { return 2 * (options.forward_delay_s - 1) >= options.max_age_s; };
    if (!related()) {
        warnings.push_back(fmt::format(
            "bridge {}: rstp-max-age={} must not be more than twice rstp-forward-delay={} less 1; the "
            "default delay is used",
            row.name, options.max_age_s, options.forward_delay_s));
        options.forward_delay_s = 15;
        if (!related()) options.max_age_s = 20;
    }
    options.transmit_hold_count = static_cast<uint8_t>(read.integer("rstp-transmit-hold-count", 1, 10, 6));
    options.force_stp = read.integer("rstp-force-protocol-version", 0, 2, 2) == 0;
    return options;
}

StpPort parse_stp_port(const db::Port& row, uint64_t bits_per_second, std::vector<std::string>& warnings) {
    Reader read("port " + row.name, row.other_config, warnings);
    StpPort port;
    port.options.name = row.name;
    port.options.priority = static_cast<uint8_t>(read.integer("stp-port-priority", 0, 255, 0x80));
    port.options.path_cost =
        static_cast<uint16_t>(read.integer("stp-path-cost", 0, 65535, Stp::path_cost(bits_per_second)));
    if (row.other_config.find("stp-port-num"))
        port.number = static_cast<int>(read.integer("stp-port-num", 1, 255, -1));
    return port;
}

RstpPort parse_rstp_port(const db::Port& row, uint64_t bits_per_second, std::vector<std::string>& warnings) {
    Reader read("port " + row.name, row.other_config, warnings);
    RstpPort port;
    port.options.name = row.name;
    port.options.priority = static_cast<uint8_t>(read.integer("rstp-port-priority", 0, 240, 0x80) & 0xf0);
    port.options.path_cost = static_cast<uint32_t>(
        read.integer("rstp-path-cost", 0, 200'000'000, Rstp::path_cost(bits_per_second)));
    if (!port.options.path_cost) port.options.path_cost = Rstp::path_cost(bits_per_second);
    port.options.admin_edge = read.boolean("rstp-port-admin-edge", false);
    port.options.auto_edge = read.boolean("rstp-port-auto-edge", true);
    port.check_migration = read.boolean("rstp-port-mcheck", false);
    if (row.other_config.find("rstp-port-num"))
        port.number = static_cast<int>(read.integer("rstp-port-num", 1, 4095, 0));
    return port;
}

}  // namespace weft::vswitch
