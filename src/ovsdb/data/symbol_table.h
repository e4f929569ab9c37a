// Names for rows that do not exist yet: "uuid-name" of insert (RFC 7047, section 5.1, <named-uuid>) and @NAME
// of the command-line tools.

#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/uuid.h"

namespace weft::ovsdb {

struct Symbol {
    Uuid uuid;                // given out at the first mention
    bool created = false;     // an insert (or `--id=@name create`) took the name
    bool strong_ref = false;  // mentioned where a strong reference is expected
    bool weak_ref = false;
};

class SymbolTable {
  public:
    // Finds or makes.  The reference stays valid.
    Symbol& get(std::string_view name) {
        auto it = symbols_.find(name);
        if (it == symbols_.end()) it = symbols_.emplace(std::string(name), Symbol{Uuid::random()}).first;
        return it->second;
    }
    auto begin() const { return symbols_.begin(); }
    auto end() const { return symbols_.end(); }
    bool empty() const { return symbols_.empty(); }

  private:
    std::map<std::string, Symbol, std::less<>> symbols_;
};

}  // namespace weft::ovsdb
