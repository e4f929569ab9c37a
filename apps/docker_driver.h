// What the network drivers for Docker have in common as programs: options, the spec file, serving.

#pragma once

#include <functional>
#include <memory>

#include "base/options.h"
#include "base/result.h"
#include "docker/remote_driver.h"
#include "net/loop.h"

namespace weft::apps {

struct DockerDriver {
    ProgramText text;
    std::function<void(OptionTable&)> add_options;  // beside every daemon's; may be empty
    // Once the options are known, before the program detaches: what is to be read or asked there.  May be
    // empty.
    std::function<Result<void>()> begin;
    std::function<std::unique_ptr<docker::RemoteDriver>(net::Loop&)> make;
};

// The program's whole life; it serves on 127.0.0.1, port 5000, and tells Docker so in
// /etc/docker/plugins/openvswitch.spec.
Result<void> serve_docker(int argc, char** argv, const DockerDriver& driver);

}  // namespace weft::apps
