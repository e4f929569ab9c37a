// The names of a bridge's ports and tables, for text that speaks of them by name.
//
// Parsing accepts a name wherever a number may stand; printing writes it instead of the number.  Every text
// function takes `const Names*`; without one only numbers and reserved ports ("LOCAL") are known.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash_map.h"
#include "openflow/version.h"

namespace weft::openflow {

class Names {
  public:
    // A name used by two ports (or tables) stands for neither; numbers are then used.
    void add_port(uint32_t number, std::string_view name);
    void add_table(uint8_t number, std::string_view name);

    const std::string* port_name(uint32_t number) const;
    const std::string* table_name(uint8_t number) const;
    std::optional<uint32_t> port_number(std::string_view name) const;
    std::optional<uint8_t> table_number(std::string_view name) const;

  private:
    HashMap<uint32_t, std::string> port_names_;
    HashMap<std::string, uint32_t> port_numbers_;  // kPortUnset: ambiguous
    HashMap<uint8_t, std::string> table_names_;
    HashMap<std::string, uint16_t> table_numbers_;  // 0x100: ambiguous
};

// Ports as text: "LOCAL" or "local", 7, 65534, "eth0" (quoted or not) if `names` knows it.
std::optional<uint32_t> parse_port(std::string_view text, const Names* names);
void format_port(uint32_t port, const Names* names, std::string& out);
// A table: 0…254, or a name.
std::optional<uint8_t> parse_table(std::string_view text, const Names* names);
void format_table(uint8_t table, const Names* names, std::string& out);

}  // namespace weft::openflow
