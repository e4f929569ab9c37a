// Connections that end with what they rest on: facts that a rule finds in the southbound database, each of
// which, once it is no more, is a request to the switch to forget the connections that it told apart.
//
// `Fact` can be compared and hashed; flush_of(fact) in its namespace says which connections are meant.

#pragma once

#include <functional>
#include <vector>

#include "controller/southbound_view.h"
#include "incremental/output.h"
#include "incremental/rule.h"
#include "openflow/messages/nicira.h"

namespace weft::controller {

template <typename Fact>
class EndingConnections {
  public:
    // `list` emits the facts of a row of `rows`.
    template <typename Rows>
    EndingConnections(SouthboundView& view, const char* name, Rows& rows,
                      std::function<void(const Uuid&)> list)
        : facts_(view.engine, name), rule_(view.engine, name, rows, std::move(list)) {}

    void emit(Fact fact) { facts_.emit(std::move(fact)); }

    // What became due since the last time.  It belongs behind the flows that make no such connections any
    // more.
    std::vector<openflow::CtFlush> take_to_flush() {
        std::vector<openflow::CtFlush> out;
        facts_.take_changes([&](const Fact& fact, bool added) {
            if (!added) out.push_back(flush_of(fact));
        });
        return out;
    }

  private:
    incremental::Output<Fact> facts_;
    incremental::Rule<Uuid> rule_;
};

}  // namespace weft::controller
