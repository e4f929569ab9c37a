#include "switch/bridge/thread_settings.h"

#include <fmt/core.h>

#include <charconv>

namespace weft::vswitch {

namespace {

constexpr int64_t kMaxSleepUs = 10000;

// "0x5", "5": hexadecimal digits, the last one of processors 0 to 3.
Result<std::vector<unsigned>> parse_mask(std::string_view text) {
    std::string_view digits = text;
    if (digits.starts_with("0x") || digits.starts_with("0X")) digits.remove_prefix(2);
    std::vector<unsigned> out;
    for (size_t i = 0; i < digits.size(); i++) {
        unsigned nibble = 0;
        const char* digit = digits.data() + digits.size() - 1 - i;
        if (std::from_chars(digit, digit + 1, nibble, 16).ptr != digit + 1) {
            return Error{
                fmt::format("other_config:pmd-cpu-mask is \"{}\": it is to be a mask of processors in "
                            "hexadecimal digits, "
                            "such as 0x6; there are no packet threads",
                            text)};
        }
        for (unsigned bit = 0; bit < 4; bit++) {
            if (nibble & 1u << bit) out.push_back(static_cast<unsigned>(i) * 4 + bit);
        }
    }
    return out;
}

}  // namespace

datapath::PacketThreadSettings parse_thread_settings(const ovsdb::StringMap& other_config,
                                                     std::vector<std::string>& warnings) {
    datapath::PacketThreadSettings out;
    if (const std::string* mask = other_config.find("pmd-cpu-mask")) {
        auto processors = parse_mask(*mask);
        if (processors)
            out.processors = std::move(*processors);
        else
            warnings.push_back(processors.message());
    }
    if (const std::string* spread = other_config.find("pmd-rxq-assign")) {
        if (*spread == "roundrobin")
            out.spread = datapath::QueueSpread::kRoundRobin;
        else if (*spread == "group")
            out.spread = datapath::QueueSpread::kGroup;
        else if (*spread != "cycles")
            warnings.push_back(fmt::format(
                "other_config:pmd-rxq-assign is \"{}\": it can be cycles, roundrobin or group", *spread));
    }
    out.isolate = ovsdb::get_bool(other_config, "pmd-rxq-isolate", true);
    if (!out.isolate && out.spread != datapath::QueueSpread::kGroup) {
        out.isolate = true;
        warnings.push_back("other_config:pmd-rxq-isolate=false says nothing without pmd-rxq-assign=group");
    }
    // The newer name, and that of 3.1.
    for (const char* key : {"pmd-maxsleep", "pmd-sleep-max"}) {
        if (!other_config.contains(key)) continue;
        int64_t us = ovsdb::get_int(other_config, key, -1);
        if (us < 0 || us > kMaxSleepUs)
            warnings.push_back(fmt::format("other_config:{} is \"{}\": it can be 0 to {}", key,
                                           *other_config.find(key), kMaxSleepUs));
        else
            out.max_sleep_us = static_cast<uint32_t>(us);
    }
    return out;
}

Result<std::map<unsigned, unsigned>> parse_queue_affinity(std::string_view text) {
    std::map<unsigned, unsigned> out;
    for (size_t at = 0; at < text.size();) {
        std::string_view pair = text.substr(at, text.find(',', at) - at);
        at += pair.size() + 1;
        size_t colon = pair.find(':');
        unsigned queue = 0, processor = 0;
        auto number = [](std::string_view digits, unsigned& value) {
            const char* end = digits.data() + digits.size();
            return !digits.empty() && std::from_chars(digits.data(), end, value).ptr == end;
        };
        if (colon == pair.npos || !number(pair.substr(0, colon), queue) ||
            !number(pair.substr(colon + 1), processor)) {
            return Error{fmt::format(
                "other_config:pmd-rxq-affinity is \"{}\": it is to be QUEUE:PROCESSOR, or several of them "
                "with commas between",
                text)};
        }
        out[queue] = processor;
    }
    return out;
}

datapath::PacketThreads* packet_threads(Backer& backer) {
    return backer.type() == "netdev" ? dynamic_cast<datapath::PacketThreads*>(&backer.datapath()) : nullptr;
}

void pin_queues(const schema::vswitch::Interface& row, const OfPort& port, Backer& backer,
                std::vector<std::string>& warnings) {
    auto* threads = packet_threads(backer);
    if (!threads || port.is_patch || port.tunnel || port.dp_port == datapath::kNoPort) return;
    auto pinned = parse_queue_affinity(ovsdb::get_string(row.other_config, "pmd-rxq-affinity"));
    if (!pinned) warnings.push_back(fmt::format("interface {}: {}", row.name, pinned.message()));
    threads->pin_queues(port.dp_port, pinned ? *pinned : std::map<unsigned, unsigned>());
}

}  // namespace weft::vswitch
