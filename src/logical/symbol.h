// The symbols of the logical-flow language (ovn-sb(5), Logical_Flow, "Symbols"): which fields, subfields and
// predicates a match or an action may name, and where each lies in the OpenFlow world.
//
// Where logical registers lie is an interface: operators read it in `ovs-ofctl dump-flows br-int`, and a
// chassis of another implementation shares no flows but shares tools.  reg0…reg9 are themselves, xreg/xxreg
// overlay them, flags is reg10, inport reg14, outport reg15, datapath metadata, zones reg11…reg13
// (ovn-architecture(7), "Architectural Physical Life Cycle of a Packet").

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash_map.h"
#include "base/result.h"

namespace weft::logical {

// Level of measurement: how a field may be compared.
enum class Level : uint8_t { kNominal, kOrdinal, kBoolean };

// Logical flags in reg10, by bit.
inline constexpr int kFlagAllowLoopback = 0, kFlagRcvFromRamp = 1, kFlagForceSnatForDnat = 2,
                     kFlagForceSnatForLb = 3, kFlagLocalOnly = 4, kFlagNestedContainer = 5,
                     kFlagLookupMac = 6, kFlagLookupLbHairpin = 7, kFlagLookupFdb = 8, kFlagSkipSnatForLb = 9,
                     kFlagLocalport = 10, kFlagUseSnatZone = 11, kFlagCheckPortSec = 12,
                     kFlagLookupCommitEcmpNh = 13, kFlagUseLbAffSession = 14, kFlagLocalnet = 15,
                     kFlagRxFromTunnel = 16;

struct Symbol {
    std::string name;
    unsigned width = 0;  // in bits; 0: a string
    Level level = Level::kOrdinal;
    bool writable = false;
    // Fields that decide what other fields mean (eth.type, ip.proto): they are prerequisites and never become
    // a dimension of a conjunctive match.
    bool must_crossproduct = false;

    // A field is bits [offset, offset+width) of the OpenFlow field `field` (name of ovs-fields(7), "reg14").
    // A subfield additionally has the symbol it is part of.  Predicates and fields that are not OpenFlow's
    // (icmp4.frag_mtu) have neither.
    std::string field;
    unsigned offset = 0;
    const Symbol* parent = nullptr;
    unsigned parent_offset = 0;

    std::string prerequisites;  // an expression, or ""
    std::string predicate;      // an expression, or ""
    bool is_ovn_field = false;  // icmp4.frag_mtu, icmp6.frag_mtu

    bool is_string() const { return width == 0; }
    bool is_predicate() const { return !predicate.empty(); }
};

class SymbolTable {
  public:
    // All the symbols of the language.  Immutable, safe from any thread.
    static const SymbolTable& standard();

    const Symbol* find(std::string_view name) const;
    // In the order of definition.
    const std::vector<std::unique_ptr<Symbol>>& symbols() const { return symbols_; }

    SymbolTable() = default;
    Symbol& add_field(std::string_view name, unsigned width, std::string_view field, unsigned offset,
                      Level level, std::string_view prerequisites, bool must_crossproduct, bool writable);
    Symbol& add_string(std::string_view name, std::string_view field, std::string_view prerequisites);
    Symbol& add_subfield(std::string_view name, std::string_view parent, unsigned low, unsigned high,
                         std::string_view prerequisites);
    Symbol& add_predicate(std::string_view name, std::string_view expansion);
    Symbol& add_ovn_field(std::string_view name, unsigned width, std::string_view prerequisites);

  private:
    Symbol& add(std::string_view name);

    std::vector<std::unique_ptr<Symbol>> symbols_;
    HashMap<std::string_view, Symbol*> by_name_;  // views of Symbol::name
};

}  // namespace weft::logical
