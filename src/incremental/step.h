// Step: something that a program does outside of the engine, done again once what it read has changed.
//
// Functions are pure; what they computed has to be carried out: rows written, ports made, things remembered
// by somebody who is not tracked.  Such code compares what is with what should be, which costs what the whole
// costs, so it is to run when there may be a difference and not otherwise.  A step is that: run(body) does
// nothing if no tracked read of the body's last run gives another answer now.
//
//     Step announce{engine, "announce"};            // after all that its body reads
//     ...
//     engine.update();
//     announce.run([&] { announcer.set(find_announcements(view)); });
//
// The body may do what it likes except set inputs.  What it depends on beside tracked reads is its caller's
// matter: repeat() makes it due.

#pragma once

#include "incremental/engine.h"

namespace weft::incremental {

class Step : public Kind {
  public:
    Step(Engine& engine, const char* name) : Kind(engine, name) { engine.add_cell(node_, *this); }
    ~Step() override {
        engine_.drop_node(node_);
        engine_.remove_cell(node_);
    }

    bool due() const { return node_.stale; }
    void repeat() { node_.stale = true; }

    // True if the body was run.
    template <typename Body>
    bool run(Body&& body) {
        if (!node_.stale) return false;
        node_.stale = false;
        engine_.run_as(node_, body);
        return true;
    }

  private:
    bool is_function() const override { return true; }

    Node node_;
};

}  // namespace weft::incremental
