// Who forwards a datapath's packets, where its type alone does not say it.

#pragma once

#include <string>

#include "datapath/api/datapath.h"

namespace weft::datapath {

class Forwarder {
  public:
    // A person's words, with the reason if it is not who was asked for; empty: the type says it.
    virtual std::string forwarder() const = 0;

  protected:
    ~Forwarder() = default;
};

inline std::string forwarder_of(const Datapath& datapath) {
    auto* known = dynamic_cast<const Forwarder*>(&datapath);
    return known ? known->forwarder() : "";
}

}  // namespace weft::datapath
