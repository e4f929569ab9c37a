// ovs-vsctl(8).

#pragma once

namespace weft::cli::vsctl {

int run(int argc, char** argv);

}  // namespace weft::cli::vsctl
