// What the programs say of themselves.  Scripts read the version of the contract that Weft serves (as
// "ovs-vsctl (Open vSwitch) 3.1.0"); people find Weft's own in the line after it.

#pragma once

#include <string>
#include <string_view>

namespace weft {

inline constexpr std::string_view kWeftVersion = "0.1.0";
inline constexpr std::string_view kOvsVersion = "3.1.0";    // of the OVS programs' contract
inline constexpr std::string_view kOvnVersion = "23.03.1";  // of the OVN programs' contract
// What ovn-northd writes into SB_Global and ovn-controller may be told to insist on.
inline constexpr std::string_view kOvnInternalVersion = "23.03.1-20.27.0-70.6";

// The first line of --version, and the answer to the control command `version`.
inline std::string version_line(std::string_view program) {
    bool ovn = program.starts_with("ovn");
    std::string line(program);
    if (!ovn) line += " (Open vSwitch)";
    line += ' ';
    line += ovn ? kOvnVersion : kOvsVersion;
    return line;
}

// All of --version, ending in a newline; `more` are lines of the program's own ("DB Schema 8.8.0").
inline std::string version_text(std::string_view program, std::string_view more = {}) {
    std::string text = version_line(program) + "\n";
    if (program.starts_with("ovn")) text += "Open vSwitch Library " + std::string(kOvsVersion) + "\n";
    if (!more.empty()) text += std::string(more) + "\n";
    return text + "Weft " + std::string(kWeftVersion) + "\n";
}

}  // namespace weft
