// ovn-sbctl(8).

#pragma once

namespace weft::cli::sbctl {

int run(int argc, char** argv);

}  // namespace weft::cli::sbctl
