// ovn-ic-sbctl(8).

#pragma once

namespace weft::cli::ic_sbctl {

int run(int argc, char** argv);

}  // namespace weft::cli::ic_sbctl
