// ovs-pcap and ovs-tcpundump: captured packets as hexadecimal digits, for ofproto/trace (ovs-pcap(1),
// ovs-tcpundump(1)).

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "base/options.h"
#include "cli/captures/pcap.h"

namespace weft::apps {

namespace {

int fail(const std::string& program, const std::string& message) {
    std::fprintf(stderr, "%s: %s\n", program.c_str(), message.c_str());
    return 1;
}

// Reads the command line into `words`.  The exit code, if nothing is left to be done.
std::optional<int> begin(const ProgramText& text, int argc, char** argv, std::vector<std::string>& words) {
    Questions questions;
    OptionTable options;
    options.section("Options");
    questions.add_to(options);
    auto parsed = options.parse({argv + 1, argv + argc});
    if (!parsed) return fail(text.name, parsed.message());
    words = *std::move(parsed);
    auto answer = questions.answer(text, options);
    if (!answer) return std::nullopt;
    std::fputs(answer->c_str(), stdout);
    return 0;
}

int print_file(const std::string& program, const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return fail(program, fmt::format("{}: cannot be read", path));
    auto reader = cli::PcapReader::open(in);
    if (!reader) return fail(program, fmt::format("{}: {}", path, reader.message()));
    for (;;) {
        auto packet = reader->next();
        if (!packet) return fail(program, fmt::format("{}: {}", path, packet.message()));
        if (!*packet) return 0;
        std::puts(cli::hex_digits(**packet).c_str());
    }
}

}  // namespace

int ovs_pcap(int argc, char** argv) {
    const std::string program = "ovs-pcap";
    ProgramText text{
        program,
        "print packets from a pcap file as hex",
        "FILE",
        "Prints each packet of FILE, a pcap file, as a sequence of hexadecimal digits on a line of "
        "its own, as ofproto/trace of ovs-vswitchd takes it.  FILE may be of "
        "either byte order, with times in microseconds or nanoseconds; pcapng is not read.",
        {}};
    std::vector<std::string> words;
    if (auto code = begin(text, argc, argv, words)) return *code;
    if (words.size() != 1)
        return fail(program, "exactly 1 non-option argument required (use --help for help)");
    return print_file(program, words.front());
}

int ovs_tcpundump(int argc, char** argv) {
    const std::string program = "ovs-tcpundump";
    ProgramText text{
        program,
        "print packets from tcpdump's output as hex",
        "< FILE",
        "Reads what `tcpdump -xx` printed on standard input, and prints each packet as a sequence of "
        "hexadecimal digits on a line of its own, as ofproto/trace of ovs-vswitchd takes it.  With "
        "less than two -x or -X tcpdump leaves the Ethernet header out.",
        {}};
    std::vector<std::string> words;
    if (auto code = begin(text, argc, argv, words)) return *code;
    if (!words.empty()) return fail(program, "non-option argument not supported (use --help for help)");
    cli::TcpdumpReader reader(std::cin);
    while (auto packet = reader.next()) std::puts(packet->c_str());
    return 0;
}

}  // namespace weft::apps
