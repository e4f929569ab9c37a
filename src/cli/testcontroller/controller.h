// The connections of ovs-testcontroller: switches that call it, switches that it calls, each with a
// LearningSwitch.
//
// A switch that calls and goes away is forgotten; one that is called is called again.  A switch that is
// silent for the probe interval is asked for an echo, and given up if it is silent as long again.

#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/testcontroller/learning_switch.h"
#include "net/loop.h"
#include "net/stream.h"

namespace weft::cli::testcontroller {

class Controller {
  public:
    struct Options {
        Policy policy;
        uint32_t versions = 0;  // version_bit() of each allowed
        bool mute = false;      // nothing that a switch sends is answered
    };
    // `options` must outlive this.
    Controller(net::Loop& loop, const Options& options);
    ~Controller();
    Controller(const Controller&) = delete;
    Controller& operator=(const Controller&) = delete;

    // "ptcp:6653", "unix:FILE", …; the error names the method.
    Result<void> add_method(const std::string& method);

  private:
    class Peer;
    class Caller;

    void take_turn();

    net::Loop& loop_;
    const Options& options_;
    std::vector<std::unique_ptr<net::Listener>> listeners_;
    std::list<std::unique_ptr<Peer>> guests_;
    std::vector<std::unique_ptr<Caller>> callers_;
    std::unique_ptr<net::Loop::Turn> turn_;
    std::unique_ptr<net::Loop::Timer> probe_timer_;
};

}  // namespace weft::cli::testcontroller
