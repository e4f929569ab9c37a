// dpif-netdev/dpif-impl-*, miniflow-parser-*, subtable-lookup-*: which of several implementations packets of
// the userspace datapath go through (docs/decisions/0113).
//
// Open vSwitch has some for processors with wide registers, and some that check the others.  Here each step
// has one, so what there is to tell is its name, and whatever else is asked for is not available.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "datapath/api/packet_threads.h"
#include "switch/control/commands.h"

namespace weft::vswitch {

namespace {

using Arguments = net::ControlServer::Arguments;

// Processors of packet threads; nullopt: there is no userspace datapath.
std::optional<std::vector<unsigned>> packet_processors(Switch& owner) {
    std::optional<std::vector<unsigned>> out;
    for (const auto& [type, backer] : owner.backers()) {
        if (type != "netdev" && type != "dummy") continue;
        if (!out) out.emplace();
        auto* threads = dynamic_cast<datapath::PacketThreads*>(&backer->datapath());
        if (!threads) continue;
        for (const datapath::PacketThreadReport& one : threads->packet_threads(60))
            if (one.processor) out->push_back(*one.processor);
    }
    if (out) std::ranges::sort(*out);
    return out;
}

std::string threads_text(const std::vector<unsigned>& processors) {
    return processors.empty() ? "none" : fmt::format("{}", fmt::join(processors, ","));
}

// A whole number; nullopt: something else.
template <typename T>
std::optional<T> whole(const std::string& text) {
    T value{};
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// --- the way of a packet as a whole

Result<std::string> datapath_get(Switch& owner) {
    auto processors = packet_processors(owner);
    if (!processors) return std::string();
    return fmt::format("Available DPIF implementations:\n  dpif_scalar (pmds: {})\n",
                       threads_text(*processors));
}

Result<std::string> datapath_set(const Arguments& args) {
    if (args[0] != "dpif_scalar")
        return Error{
            fmt::format("DPIF implementation not available: Unknown DPIF implementation {}.", args[0])};
    return std::string("DPIF implementation set to dpif_scalar.\n");
}

// --- reading a packet's headers

Result<std::string> parser_get(Switch& owner) {
    auto processors = packet_processors(owner);
    if (!processors) return std::string();
    return fmt::format("Available MFEX implementations:\n  scalar (available: True pmds: {})\n",
                       threads_text(*processors));
}

// [-pmd CORE] NAME [PACKETS]: the last would be for a parser that tries others out.
Result<std::string> parser_set(Switch& owner, const Arguments& args) {
    auto fail = [](auto format, const auto&... values) {
        return Error{"Error: " + fmt::format(fmt::runtime(format), values...)};
    };
    std::optional<unsigned> processor;
    size_t at = 0;
    for (; at < args.size() && args[at] == "-pmd"; at += 2) {
        if (at + 1 == args.size()) return fail("-pmd option requires a thread id argument.");
        processor = whole<unsigned>(args[at + 1]);
        if (!processor)
            return fail(
                "miniflow extract parser not changed, PMD thread passed is not valid: '{}'. Pass a valid pmd "
                "thread ID.",
                args[at + 1]);
    }
    if (at == args.size())
        return fail(
            "no miniflow extract name provided. Output of miniflow-parser-get shows implementation list.");
    if (args[at] != "scalar") return fail("unknown miniflow extract implementation {}.", args[at]);
    if (at + 1 < args.size()) return fail("unknown argument {}.", args[at + 1]);
    if (!processor) return std::string("Miniflow extract implementation set to scalar.\n");
    auto processors = packet_processors(owner);
    if (!processors || std::ranges::find(*processors, *processor) == processors->end())
        return fail(
            "miniflow extract parser not changed, PMD thread {} not in use, pass a valid pmd thread ID.",
            *processor);
    return fmt::format("Miniflow extract implementation set to scalar, on pmd thread {}.\n", *processor);
}

// --- looking up a key in a subtable

class Lookups {
  public:
    Result<std::string> get(Switch& owner) const {
        size_t masks = 0;
        for (const auto& [type, backer] : owner.backers())
            if (type == "netdev" || type == "dummy") masks += backer->datapath().stats().masks;
        return fmt::format("Available dpcls implementations:\n  generic (Use count: {}, Priority: {})\n",
                           masks, priority_);
    }
    // The only one stays in use whatever its priority.
    Result<std::string> set(const Arguments& args) {
        auto priority = whole<uint8_t>(args[1]);
        if (!priority) return Error{"error converting priority, use integer in range 0-255"};
        if (args[0] != "generic") return Error{"error, subtable lookup function not found"};
        priority_ = *priority;
        return std::string("Lookup priority change affected 0 dpcls ports and 0 subtables.\n");
    }

  private:
    unsigned priority_ = 1;
};

}  // namespace

void add_implementation_commands(net::ControlServer& control, Switch& owner) {
    control.add("dpif-netdev/dpif-impl-get", "", 0, 0,
                [&owner](const Arguments&) { return datapath_get(owner); });
    control.add("dpif-netdev/dpif-impl-set", "dpif_implementation_name", 1, 1, datapath_set);
    control.add("dpif-netdev/miniflow-parser-get", "", 0, 0,
                [&owner](const Arguments&) { return parser_get(owner); });
    control.add("dpif-netdev/miniflow-parser-set", "[-pmd core] miniflow_implementation_name [study_pkt_cnt]",
                1, 5, [&owner](const Arguments& args) { return parser_set(owner, args); });
    auto lookups = std::make_shared<Lookups>();
    for (const char* name : {"info", "prio"})
        control.add(fmt::format("dpif-netdev/subtable-lookup-{}-get", name), "", 0, 0,
                    [&owner, lookups](const Arguments&) { return lookups->get(owner); });
    control.add("dpif-netdev/subtable-lookup-prio-set", "[lookup_func] [prio]", 2, 2,
                [lookups](const Arguments& args) { return lookups->set(args); });
}

}  // namespace weft::vswitch
